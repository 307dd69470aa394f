"""The contract's clocks: what a history of marks says about a target, and nothing but the history.

A clock runs in cycles. A cycle starts at a start event, rests in the statuses of the pause set and
stops at a stop event. After that, some events let it run on (a reopening: the time spent resolved
does not count) and some allow another cycle. Some make it void, unless it is late already.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from core.sla.calendar import NOTHING, Calendar
from core.sla.errors import NaiveMoment
from core.sla.hours import Amount, WorkingDays

# An event that was entered later than this after it happened is a claim.
LATE_ENTRY = timedelta(minutes=5)
# Roles whose messages are no first response: the desk's own machinery and the one who reported.
NOT_STAFF = frozenset({"", "system", "timer", "requester", "vip"})
DONE = frozenset({"resolved", "confirmed", "closed", "cancelled"})

APPOINTMENT = "set_appointment"  # detail: at
ACCEPT_CLAIM = "accept_claim"  # detail: claim, the ref of the mark that counts from now on


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One line of a ticket's journal, as the clocks see it."""

    at: datetime  # when it happened
    event: str
    status: str  # of the ticket, after it
    entered_at: datetime | None = None  # when it was reported; None: at once
    actor_role: str = ""
    channel: str = ""
    ref: int = 0  # the journal's number for it
    detail: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("at", "entered_at"):
            moment = getattr(self, name)
            if moment is None:
                continue
            if moment.tzinfo is None:
                raise NaiveMoment
            # two moments of one zone would be subtracted by the clock on the wall
            object.__setattr__(self, name, moment.astimezone(UTC))

    @property
    def gap(self) -> timedelta:
        """How long after the event it was entered."""
        return max(NOTHING, (self.entered_at or self.at) - self.at)


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder: when, and who is told.

    A fraction of the target, a time before it is used up, or the opening of a working day.
    """

    at: Fraction | timedelta | WorkingDays
    audience: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repeats:
    """Reminders of a broken promise, in calendar time, so many and no more."""

    every: timedelta
    at_most: int
    audience: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One target of the contract."""

    milestone: str
    calendar: str
    target: Amount
    starts: frozenset[str]
    stops: frozenset[str]
    pauses: frozenset[str] = frozenset()  # statuses
    continues: frozenset[str] = frozenset()  # events after which a stopped cycle runs on
    renews: frozenset[str] = frozenset()  # events from which on a start begins a new cycle
    voids: frozenset[str] = frozenset({"cancel"})
    by_staff: bool = False  # only a person of the desk can stop it
    appointment: bool = False  # a time agreed with the user replaces the target
    after_end: bool = False  # a further cycle may begin on a ticket that is done: a complaint
    contract: bool = True  # False: it is reported, and nobody has promised it
    ladder: tuple[Rung, ...] = ()
    repeats: Repeats | None = None


class State(StrEnum):
    IDLE = "idle"  # not started
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    VOID = "void"  # it came to nothing: no promise was kept or broken


class Source(StrEnum):
    POLICY = "policy"
    APPOINTMENT = "appointment"


class Pace(StrEnum):
    """What a clock did during a stretch."""

    RAN = "ran"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one mark to the next, or to now."""

    start: datetime
    end: datetime
    pace: Pace
    open: timedelta  # the calendar's open time in it
    event: str  # what began it
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a clock shows."""

    milestone: str
    state: State
    cycle: int = 0  # the first is 1
    started: datetime | None = None
    spent: timedelta = NOTHING
    target: timedelta = NOTHING  # in open time; working days are converted at the start
    due: datetime | None = None  # None while it rests: the deadline depends on the resuming
    stopped_at: datetime | None = None
    stretches: tuple[Stretch, ...] = ()
    target_source: Source = Source.POLICY
    attached_at: datetime | None = None
    claimed: timedelta = NOTHING  # how late the stop was entered
    provisional: bool = False  # the deadline rests on days that are estimates

    @property
    def pauses(self) -> tuple[Stretch, ...]:
        return tuple(stretch for stretch in self.stretches if stretch.pace is Pace.PAUSED)

    @property
    def ticking(self) -> bool:
        """Whether it can still become late."""
        return self.state in (State.RUNNING, State.PAUSED)

    @property
    def over(self) -> timedelta:
        """How far beyond the target, in whole seconds; negative: how much is left."""
        if self.target_source is Source.APPOINTMENT and self.due is not None:
            end = self.stopped_at or (self.stretches[-1].end if self.stretches else self.due)
            return _whole(end - self.due)
        return _whole(self.spent) - _whole(self.target)

    @property
    def breached(self) -> bool:
        """More was spent than promised. At the target itself the promise is kept."""
        return self.state not in (State.IDLE, State.VOID) and self.over > NOTHING

    @property
    def attached_after_stop(self) -> bool:
        """The target came when there was nothing left to measure."""
        return (
            self.attached_at is not None
            and self.stopped_at is not None
            and self.stopped_at <= self.attached_at
        )

    @property
    def late_on_attach(self) -> bool:
        """It was late by its target before that target was given to it."""
        return (
            self.breached
            and not self.attached_after_stop
            and self.attached_at is not None
            and self.due is not None
            and self.due < self.attached_at
            and self.started != self.attached_at
        )


def read(
    history: Iterable[Mark],
    clock: Clock,
    calendar: Calendar,
    now: datetime,
    *,
    attached_at: datetime | None = None,
    claims_need_approval: bool = False,
) -> Reading:
    """The latest cycle of a clock.

    attached_at: when this target came to the ticket, where that was later than the clock's start.
    claims_need_approval: an event that was entered late counts from its entry, until a supervisor
    has accepted it.
    """
    cycles = read_all(
        history,
        clock,
        calendar,
        now,
        attached_at=attached_at,
        claims_need_approval=claims_need_approval,
    )
    return cycles[-1] if cycles else Reading(milestone=clock.milestone, state=State.IDLE)


def read_all(
    history: Iterable[Mark],
    clock: Clock,
    calendar: Calendar,
    now: datetime,
    *,
    attached_at: datetime | None = None,
    claims_need_approval: bool = False,
) -> list[Reading]:
    """Every cycle of a clock, in order."""
    marks = _in_order(history, claims_need_approval)
    if marks:
        # a wall clock that was put back does not undo what has happened
        now = max(now.astimezone(UTC), marks[-1].at)
    return [
        _reading(cycle, number, clock, calendar, now, attached_at)
        for number, cycle in enumerate(_cycles(marks, clock, calendar), 1)
    ]


@dataclass(slots=True)
class _Cycle:
    """A cycle while it is being read off the marks."""

    started: datetime
    turns: list[tuple[datetime, Pace, Mark]]
    appointment: datetime | None = None
    state: State = State.RUNNING
    stopped: Mark | None = None


def _in_order(history: Iterable[Mark], claims_need_approval: bool) -> list[Mark]:
    """The marks by the time that counts; equal times keep the journal's order."""
    marks = list(history)
    if claims_need_approval:
        accepted = {mark.detail.get("claim") for mark in marks if mark.event == ACCEPT_CLAIM}
        marks = [
            mark
            if mark.gap <= LATE_ENTRY or mark.ref in accepted
            else replace(mark, at=mark.at + mark.gap)
            for mark in marks
        ]
    return sorted(marks, key=lambda mark: mark.at)


def _cycles(marks: Sequence[Mark], clock: Clock, calendar: Calendar) -> list[_Cycle]:
    cycles: list[_Cycle] = []
    armed = True
    for mark in marks:
        current = cycles[-1] if cycles else None
        if current is not None and current.state is State.RUNNING:
            _proceed(current, mark, clock, calendar)
            if current.state is State.RUNNING:
                continue
        renewed = mark.event in clock.renews and (clock.after_end or mark.status not in DONE)
        armed = armed or renewed
        if armed and mark.event in clock.starts:
            armed = False
            cycles.append(_Cycle(mark.at, [(mark.at, _pace(mark, clock), mark)]))
            _agree(cycles[-1], mark, clock)
        elif current is not None and mark.event in clock.continues:
            current.state, current.stopped = State.RUNNING, None
            current.turns.append((mark.at, _pace(mark, clock), mark))
    return cycles


def _proceed(cycle: _Cycle, mark: Mark, clock: Clock, calendar: Calendar) -> None:
    """What a mark does to a cycle that runs."""
    if mark.event in clock.stops and not (clock.by_staff and mark.actor_role in NOT_STAFF):
        cycle.state, cycle.stopped = State.STOPPED, mark
    elif mark.event in clock.voids:
        so_far = _reading(cycle, 0, clock, calendar, mark.at, None)
        cycle.state = State.STOPPED if so_far.breached else State.VOID
        cycle.stopped = mark
    _agree(cycle, mark, clock)
    running = cycle.state is State.RUNNING
    pace = _pace(mark, clock) if running else Pace.STOPPED
    if pace is not cycle.turns[-1][1]:
        cycle.turns.append((mark.at, pace, mark))


def _agree(cycle: _Cycle, mark: Mark, clock: Clock) -> None:
    if clock.appointment and mark.event == APPOINTMENT:
        agreed = mark.detail.get("at")
        moment = datetime.fromisoformat(agreed) if isinstance(agreed, str) else agreed
        if isinstance(moment, datetime) and moment.tzinfo is None:
            raise NaiveMoment
        cycle.appointment = moment.astimezone(UTC) if isinstance(moment, datetime) else None


def _pace(mark: Mark, clock: Clock) -> Pace:
    return Pace.PAUSED if mark.status in clock.pauses else Pace.RAN


def _reading(
    cycle: _Cycle,
    number: int,
    clock: Clock,
    calendar: Calendar,
    now: datetime,
    attached_at: datetime | None,
) -> Reading:
    stretches = tuple(_stretches(cycle, calendar, now))
    target, source = _target(cycle, clock, calendar)
    spent = sum((s.open for s in stretches if s.pace is Pace.RAN), NOTHING)
    state = cycle.state
    if state is State.RUNNING and cycle.turns[-1][1] is Pace.PAUSED:
        state = State.PAUSED
    due = cycle.appointment or _due(stretches, target, state, calendar)
    return Reading(
        milestone=clock.milestone,
        state=state,
        cycle=number,
        started=cycle.started,
        spent=spent,
        target=target,
        due=due,
        stopped_at=cycle.stopped.at if cycle.stopped else None,
        stretches=stretches,
        target_source=source,
        attached_at=attached_at,
        claimed=cycle.stopped.gap if cycle.stopped else NOTHING,
        provisional=due is not None and calendar.provisional(cycle.started, due),
    )


def _stretches(cycle: _Cycle, calendar: Calendar, now: datetime) -> Iterator[Stretch]:
    turns = cycle.turns if cycle.stopped is None else cycle.turns[:-1]
    ends = [start for start, _, _ in cycle.turns[1:]] + [now]
    for (start, pace, mark), end in zip(turns, ends, strict=False):
        yield Stretch(start, end, pace, calendar.between(start, end), mark.event, mark.status)


def _target(cycle: _Cycle, clock: Clock, calendar: Calendar) -> tuple[timedelta, Source]:
    if cycle.appointment is not None:
        agreed = max(NOTHING, calendar.between(cycle.started, cycle.appointment))
        return agreed, Source.APPOINTMENT
    if isinstance(clock.target, WorkingDays):
        end = calendar.after_days(cycle.started, clock.target.count)
        return calendar.between(cycle.started, end), Source.POLICY
    return clock.target, Source.POLICY


def _due(
    stretches: Sequence[Stretch], target: timedelta, state: State, calendar: Calendar
) -> datetime | None:
    """When the target is used up; None while the clock rests before that.

    A clock that stopped in time would have been due here had it run on.
    """
    return _reached(stretches, target, calendar, runs_on=state is not State.PAUSED)


def moment_of(reading: Reading, amount: timedelta, calendar: Calendar) -> datetime | None:
    """When the clock had or will have spent so much; None where it rests or stopped before."""
    runs_on = reading.state is State.RUNNING
    return _reached(reading.stretches, amount, calendar, runs_on)


def _reached(
    stretches: Sequence[Stretch], amount: timedelta, calendar: Calendar, runs_on: bool
) -> datetime | None:
    """The moment by which so much was spent; the last stretch has no end when the clock runs on."""
    spent = NOTHING
    running = [stretch for stretch in stretches if stretch.pace is Pace.RAN]
    for stretch in running:
        endless = runs_on and stretch is running[-1]
        if endless or spent + stretch.open >= amount:
            return calendar.after(stretch.start, amount - spent)
        spent += stretch.open
    return None


def _whole(length: timedelta) -> timedelta:
    return timedelta(seconds=length // timedelta(seconds=1))
