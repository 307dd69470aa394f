"""Why a deadline is where it is: a clock's course line by line, for others to put in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.sla.calendar import NOTHING, Calendar
from core.sla.clock import Reading, Source, State
from core.sla.days import DayKind
from core.sla.hours import WorkingDays
from core.sla.policy import Attached

Param = str | int | bool | datetime | date | timedelta


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
    for stretch in reading.stretches:
        yield _line(
            f"story_{stretch.pace}",
            start=stretch.start,
            end=stretch.end,
            spent=stretch.open,
            event=stretch.event,
            status=stretch.status,
        )
    yield from _special_days(reading, calendar)
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


def _special_days(reading: Reading, calendar: Calendar) -> Iterator[StoryLine]:
    """The days that moved the deadline: those that are not what their weekday says."""
    assert reading.started is not None
    last = reading.stopped_at or reading.due or reading.stretches[-1].end
    day = calendar.local(reading.started).date()
    while day <= calendar.local(last).date():
        fact = calendar.fact(day)
        if fact.kind is not DayKind.ORDINARY:
            yield _line(
                "story_day",
                date=day,
                kind=fact.kind,
                name=fact.name,
                source=fact.source,
                official=fact.official,
            )
        day += timedelta(days=1)


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
