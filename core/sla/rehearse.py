"""What a new policy or calendar would change, before it is saved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.sla.calendar import Calendar
from core.sla.clock import Mark, Reading, State, read_all
from core.sla.errors import SlaRefusal
from core.sla.policy import Facts, Policy


@dataclass(frozen=True, slots=True)
class Terms:
    """A policy with the calendars that it names."""

    policy: Policy
    calendars: Mapping[str, Calendar]


@dataclass(frozen=True, slots=True)
class Case:
    """A ticket, as far as the clocks see it."""

    subject: str
    facts: Facts
    history: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Moved:
    """A running clock whose deadline would be another one; None: no clock, or it rests."""

    subject: str
    milestone: str
    old_due: datetime | None
    new_due: datetime | None
    late_at_once: bool  # it would be late from the moment of the change, and was not


@dataclass(frozen=True, slots=True)
class Differs:
    """A cycle that has ended, and on which the verdict would have been another one."""

    subject: str
    milestone: str
    cycle: int
    was_broken: bool
    would_be_broken: bool


@dataclass(frozen=True, slots=True)
class Rehearsal:
    moved: tuple[Moved, ...]
    differs: tuple[Differs, ...]


def rehearse(cases: Iterable[Case], old: Terms, new: Terms, now: datetime) -> Rehearsal:
    """Both terms applied to the same histories. Verdicts that are written stay as they are."""
    moved: list[Moved] = []
    differs: list[Differs] = []
    for case in cases:
        before, after = _readings(case, old, now), _readings(case, new, now)
        for milestone in sorted(before.keys() | after.keys()):
            old_cycles, new_cycles = before.get(milestone, []), after.get(milestone, [])
            differs += _differences(case.subject, old_cycles, new_cycles)
            move = _move(case.subject, milestone, old_cycles, new_cycles)
            if move is not None:
                moved.append(move)
    return Rehearsal(tuple(moved), tuple(differs))


def _readings(case: Case, terms: Terms, now: datetime) -> dict[str, list[Reading]]:
    found = {}
    for milestone, attached in terms.policy.clocks(case.facts).items():
        calendar = terms.calendars.get(attached.clock.calendar)
        if calendar is None:
            raise SlaRefusal(f"{milestone}: there is no calendar {attached.clock.calendar!r}")
        found[milestone] = read_all(case.history, attached.clock, calendar, now)
    return found


def _move(
    subject: str, milestone: str, old: Sequence[Reading], new: Sequence[Reading]
) -> Moved | None:
    was, will = _running(old), _running(new)
    old_due = was.due if was else None
    new_due = will.due if will else None
    if old_due == new_due:
        return None
    late = will is not None and will.breached and not (was is not None and was.breached)
    return Moved(subject, milestone, old_due, new_due, late)


def _running(cycles: Sequence[Reading]) -> Reading | None:
    return cycles[-1] if cycles and cycles[-1].ticking else None


def _differences(subject: str, old: Sequence[Reading], new: Sequence[Reading]) -> list[Differs]:
    return [
        Differs(subject, was.milestone, was.cycle, was.breached, will.breached)
        for was, will in zip(old, new, strict=False)
        if was.state is State.STOPPED
        and will.state is State.STOPPED
        and was.breached != will.breached
    ]
