"""Warnings of a clock, up the ladder: when each is due, which one is sent, and when silence holds.

Every moment is computed from the reading alone, so the same history gives the same warnings. A
warning is named by cycle and level; who stores which names have fired never sends one twice.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from core.sla.calendar import NOTHING, Calendar
from core.sla.clock import Clock, Mark, Reading, Rung, Source, State, moment_of
from core.sla.errors import NaiveMoment
from core.sla.hours import WorkingDays

ACKNOWLEDGE = "acknowledge"  # detail: promised
LATE_FROM = timedelta(seconds=30)  # a warning sent later than this says so


class Kind(StrEnum):
    SOON = "soon"
    BREACH = "breach"
    AFTER_BREACH = "after_breach"
    LATE_ON_ATTACH = "late_on_attach"
    PROMISE_FAILED = "promise_failed"


@dataclass(frozen=True, slots=True)
class Warning:
    """Something to tell, at a moment of calendar time."""

    at: datetime
    name: str  # stays the same when the moment moves: each name is sent once in a cycle
    audience: tuple[str, ...]
    kind: Kind
    cycle: int = 1
    late: bool = False  # sent well after its moment


@dataclass(frozen=True, slots=True)
class Promise:
    """ "By 15:00": it silences every level until then."""

    made_at: datetime
    until: datetime


def promise_in(history: Iterable[Mark], reading: Reading) -> Promise | None:
    """The last promise that somebody acknowledged a warning of this cycle with."""
    made = [mark for mark in history if mark.event == ACKNOWLEDGE]
    found = None
    for mark in sorted(made, key=lambda mark: mark.at):
        if reading.started is None or mark.at < reading.started:
            continue
        promised = mark.detail.get("promised")
        until = datetime.fromisoformat(promised) if isinstance(promised, str) else promised
        if isinstance(until, datetime):
            if until.tzinfo is None:
                raise NaiveMoment
            found = Promise(mark.at, until.astimezone(UTC))
    return found


def warnings(
    reading: Reading, clock: Clock, calendar: Calendar, promise: Promise | None = None
) -> list[Warning]:
    """Every warning of the cycle, past and to come, as far as its present course tells.

    A clock that was late when its target was attached has one notice and no ladder. A clock that
    rests or has stopped has the warnings that it reached.
    """
    if reading.attached_after_stop:
        return []
    if reading.late_on_attach:
        assert reading.attached_at is not None
        return [
            Warning(reading.attached_at, "attach", _top(clock), Kind.LATE_ON_ATTACH, reading.cycle)
        ]
    planned = sorted(_from_attachment(reading, clock, calendar), key=lambda warning: warning.at)
    if reading.stopped_at is not None:
        planned = [warning for warning in planned if warning.at < reading.stopped_at]
    return planned if promise is None else _kept_silent(planned, promise, reading, clock)


def to_send(
    planned: Sequence[Warning], fired: Collection[str], now: datetime
) -> tuple[Warning | None, list[str]]:
    """The one warning to send now, and all names that are settled by it.

    After a downtime that is the last of those that are due, marked late; what came before it is
    never sent.
    """
    due = [warning for warning in planned if warning.at <= now and warning.name not in fired]
    if not due:
        return None, []
    last = due[-1]
    # half an hour after a breach may be 150 % as well: both levels hear of it, once
    together = [name for warning in due if warning.at == last.at for name in warning.audience]
    late = now - last.at > LATE_FROM
    heard = replace(last, audience=tuple(dict.fromkeys(together)), late=late)
    return heard, [warning.name for warning in due]


def written(planned: Iterable[Warning]) -> list[str]:
    """Warnings of one cycle in words, in order of time, to be kept beside the clock."""
    return [
        f"{warning.at.isoformat()} {warning.kind} {'+'.join(warning.audience)} {warning.name}"
        for warning in sorted(planned, key=lambda warning: warning.at)
    ]


def moment_in(line: str) -> datetime:
    """When a warning that was written down is due; of several lines, the first."""
    return datetime.fromisoformat(line.partition(" ")[0])


def read_line(line: str, cycle: int) -> Warning:
    """A warning that was written down."""
    at, kind, audience, name = line.split(" ", 3)
    return Warning(datetime.fromisoformat(at), name, tuple(audience.split("+")), Kind(kind), cycle)


def _top(clock: Clock) -> tuple[str, ...]:
    breach = [rung for rung in clock.ladder if rung.at == 1]
    return breach[0].audience if breach else ("supervisor",)


def _from_attachment(reading: Reading, clock: Clock, calendar: Calendar) -> Iterator[Warning]:
    """What a new target had used up before it came is told when it comes, and is not late."""
    for warning in _ladder(reading, clock, calendar):
        since = reading.attached_at or warning.at
        yield warning if warning.at >= since else replace(warning, at=since)


def _ladder(reading: Reading, clock: Clock, calendar: Calendar) -> Iterator[Warning]:
    for number, rung in enumerate(clock.ladder, 1):
        at = _moment(rung, reading, calendar)
        if at is not None:
            yield Warning(at, f"rung{number}", rung.audience, _kind(rung), reading.cycle)
    if clock.repeats is None:
        return
    for count in range(1, clock.repeats.at_most + 1):
        at = moment_of(reading, reading.target + count * clock.repeats.every, calendar)
        if at is not None:
            yield Warning(
                at, f"repeat{count}", clock.repeats.audience, Kind.AFTER_BREACH, reading.cycle
            )


def _kind(rung: Rung) -> Kind:
    if isinstance(rung.at, Fraction):
        return Kind.SOON if rung.at < 1 else Kind.BREACH if rung.at == 1 else Kind.AFTER_BREACH
    return Kind.SOON


def _moment(rung: Rung, reading: Reading, calendar: Calendar) -> datetime | None:
    if isinstance(rung.at, WorkingDays):
        if reading.started is None or reading.state is State.PAUSED:
            return None
        return calendar.next_open(calendar.after_days(reading.started, rung.at.count - 1))
    if isinstance(rung.at, timedelta):
        share = reading.target - rung.at
        return moment_of(reading, share, calendar) if share > NOTHING else None
    if rung.at == 1 and reading.target_source is Source.APPOINTMENT:
        return reading.due  # an appointment outside the calendar's hours is due when it is
    return moment_of(reading, _share(reading.target, rung.at), calendar)


def _share(target: timedelta, share: Fraction) -> timedelta:
    return target * share.numerator / share.denominator


def _kept_silent(
    planned: list[Warning], promise: Promise, reading: Reading, clock: Clock
) -> list[Warning]:
    """Nothing until the promise fails, not even what was overdue; then one warning and the rest."""
    if reading.stopped_at is not None and reading.stopped_at <= promise.until:
        return []
    silenced = [warning for warning in planned if warning.at <= promise.until]
    if not silenced:
        return planned  # this clock had nothing to say until then
    after = [warning for warning in planned if warning.at > promise.until]
    unheard = [warning for warning in silenced if warning.at > promise.made_at] or silenced[-1:]
    failed = Warning(
        promise.until,
        f"promise {promise.until.isoformat()}",
        tuple(dict.fromkeys(name for warning in unheard for name in warning.audience)),
        Kind.PROMISE_FAILED,
        reading.cycle,
    )
    return [failed, *after]
