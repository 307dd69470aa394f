"""Whether a promise was kept: written once, and corrected only by a further value."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.sla.clock import Clock, Reading, Source, State
from core.sla.errors import SlaRefusal


class Outcome(StrEnum):
    MET = "met"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one cycle of a clock ended."""

    milestone: str
    cycle: int
    outcome: Outcome
    at: datetime  # when it stopped; of a clock that still runs, when it was due
    by_seconds: int  # late by so much calendar time; negative: so much was left
    spent_seconds: int
    target_seconds: int
    target_source: Source
    contract: bool
    policy: str
    rule: str
    calendar: str
    calendar_version: str
    claimed_seconds: int  # how long after the event the stop was entered
    provisional: bool
    final: bool  # False: broken already, and the seconds still count


@dataclass(frozen=True, slots=True)
class Correction:
    """A verdict overruled: the verdict itself stays as it was written."""

    of: Verdict
    outcome: Outcome
    who: str
    why: str
    at: datetime

    def __post_init__(self) -> None:
        if not self.who.strip() or not self.why.strip():
            raise SlaRefusal("a correction says who and why")


def verdict(
    reading: Reading, clock: Clock, *, policy: str, rule: str, calendar_version: str
) -> Verdict | None:
    """The verdict on a cycle; None while nothing is decided, or nothing is to be decided."""
    decided = reading.state is State.STOPPED or reading.breached
    at = reading.stopped_at or reading.due or reading.started
    if not decided or reading.state is State.VOID or at is None:
        return None
    return Verdict(
        milestone=reading.milestone,
        cycle=reading.cycle,
        outcome=Outcome.BROKEN if reading.breached else Outcome.MET,
        at=at,
        by_seconds=_seconds(reading.over),
        spent_seconds=_seconds(reading.spent),
        target_seconds=_seconds(reading.target),
        target_source=reading.target_source,
        contract=clock.contract,
        policy=policy,
        rule=rule,
        calendar=clock.calendar,
        calendar_version=calendar_version,
        claimed_seconds=_seconds(reading.claimed),
        provisional=reading.provisional,
        final=reading.state is State.STOPPED,
    )


def standing(written: Verdict, corrections: Sequence[Correction]) -> Outcome:
    """What a report counts: the last correction of this verdict, else the verdict."""
    own = [correction for correction in corrections if correction.of == written]
    return max(own, key=lambda correction: correction.at).outcome if own else written.outcome


def _seconds(length: timedelta) -> int:
    return length // timedelta(seconds=1)
