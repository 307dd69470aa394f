"""Why a deadline is where it is: a clock's course line by line, for others to put in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby

from core.sla.calendar import NOTHING, Calendar
from core.sla.clock import Pace, Reading, Source, State, Stretch
from core.sla.days import DayFact, DayKind
from core.sla.hours import WorkingDays
from core.sla.policy import Attached

Param = str | int | bool | datetime | date | timedelta
DAY = timedelta(days=1)
REST = "weekend"  # an ordinary day without working time


@dataclass(frozen=True, slots=True)
class StoryLine:
    """A catalog key and its slots."""

    kind: str
    params: Mapping[str, Param]


def tell(
    reading: Reading, attached: Attached, calendar: Calendar, policy_version: str
) -> list[StoryLine]:
    """The rule, the target, each stretch with the special days in it, and how it stands."""
    return list(_lines(reading, attached, calendar, policy_version))


def _lines(
    reading: Reading, attached: Attached, calendar: Calendar, policy_version: str
) -> Iterator[StoryLine]:
    reason = ", ".join(f"{key}={value}" for key, value in attached.reason.items())
    yield _line("story_rule", rule=attached.rule, reason=reason, policy=policy_version)
    yield _target(reading, attached)
    if reading.started is None:
        yield _line("story_idle", milestone=reading.milestone)
        return
    if reading.cycle > 1:
        yield _line("story_cycle", cycle=reading.cycle, start=reading.started)
    yield from _course(reading, calendar)
    if reading.claimed:
        yield _line("story_claimed", gap=reading.claimed)
    yield _end(reading)


def _target(reading: Reading, attached: Attached) -> StoryLine:
    clock = attached.clock
    if reading.target_source is Source.APPOINTMENT and reading.due is not None:
        return _line("story_appointment", due=reading.due)
    if isinstance(clock.target, WorkingDays):
        return _line("story_target_days", days=clock.target.count, calendar=clock.calendar)
    return _line("story_target", target=clock.target, calendar=clock.calendar)


def _course(reading: Reading, calendar: Calendar) -> Iterator[StoryLine]:
    """Stretches, closures and special days, in the order of time."""
    assert reading.started is not None
    last = reading.stopped_at or reading.due or reading.stretches[-1].end
    found = [(stretch.start, _stretch(stretch)) for stretch in _worth_telling(reading)]
    found += _closures(calendar, reading.started, last)
    found += _days(calendar, reading.started, last)
    yield from (line for _, line in sorted(found, key=lambda entry: entry[0]))


def _worth_telling(reading: Reading) -> list[Stretch]:
    """All but those that were over in the moment in which they began."""
    return [stretch for stretch in reading.stretches if stretch.start < stretch.end]


def _stretch(stretch: Stretch) -> StoryLine:
    kind = f"story_{stretch.pace}"
    if stretch.pace is Pace.PAUSED and not stretch.open:
        kind = "story_paused_outside"  # of the calendar's hours: it moved nothing
    return _line(
        kind,
        start=stretch.start,
        end=stretch.end,
        spent=stretch.open,
        event=stretch.event,
        status=stretch.status,
    )


def _closures(
    calendar: Calendar, start: datetime, end: datetime
) -> list[tuple[datetime, StoryLine]]:
    """Emergency closures that reach into the time from start to end."""
    return [
        (max(c.start, start), _line("story_closed", start=c.start, end=c.end, why_closed=c.reason))
        for c in calendar.version(calendar.local(end).date()).closures
        if c.start < end and c.end > start
    ]


def _days(calendar: Calendar, start: datetime, end: datetime) -> list[tuple[datetime, StoryLine]]:
    """The days that moved the deadline: holidays, make-up days, days without work, as runs."""
    first, last = calendar.local(start).date(), calendar.local(end).date()
    every = [first + n * DAY for n in range((last - first).days + 1)]
    told = [(day, calendar.fact(day), _kind(calendar, day)) for day in every]
    found = []
    for same, run in groupby(told, key=lambda one: (one[2], one[1].name, one[1].official)):
        days = [day for day, _, _ in run]
        if same[0]:
            fact = calendar.fact(days[0])
            opens = calendar.at(datetime.combine(days[0], time()))
            found.append((max(opens, start), _run(days, fact, same[0])))
    return found


def _kind(calendar: Calendar, day: date) -> str:
    """What is special about a day; nothing about one that is worked as its weekday says."""
    version = calendar.version(day)
    kind = version.fact(day).kind
    if kind is not DayKind.ORDINARY:
        return kind
    return "" if version.windows(day) else REST


def _run(days: list[date], fact: DayFact, kind: str) -> StoryLine:
    return _line(
        "story_day",
        first=days[0],
        last=days[-1] if len(days) > 1 else "",
        kind=kind,
        occasion=fact.name,
        source=fact.source,
        official=fact.official and kind != REST,
        estimated=not fact.official,
    )


def _end(reading: Reading) -> StoryLine:
    if reading.state is State.VOID:
        assert reading.stopped_at is not None
        return _line("story_void", at=reading.stopped_at)
    if reading.stopped_at is not None:
        kind = "story_broken" if reading.breached else "story_met"
        return _line(kind, at=reading.stopped_at, by=abs(reading.over))
    if reading.breached and reading.due is not None:
        return _line(
            "story_late", due=reading.due, by=reading.over, on_attach=reading.late_on_attach
        )
    if reading.due is None:
        return _line("story_resting", left=max(NOTHING, reading.target - reading.spent))
    return _line(
        "story_due",
        due=reading.due,
        left=max(NOTHING, reading.target - reading.spent),
        provisional=reading.provisional,
    )


def _line(kind: str, /, **params: Param) -> StoryLine:
    return StoryLine(kind, params)
