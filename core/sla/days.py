"""What is known about single days, in layers: nation, company, site. A layer above wins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from core.sla.errors import NaiveMoment, WrongHours
from core.sla.hours import Windows


class DayKind(StrEnum):
    """How a day is worked."""

    ORDINARY = "ordinary"  # as the week says, whatever a layer below says
    OFF = "off"
    MAKEUP = "makeup"  # 补班: a weekend day with a normal day's hours
    HOURS = "hours"  # hours of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFact:
    """One row of the calendar table."""

    date: date
    kind: DayKind
    source: str
    official: bool = True  # False: an estimate, and what rests on it is provisional
    name: str = ""
    windows: Windows = ()

    def __post_init__(self) -> None:
        if bool(self.windows) != (self.kind is DayKind.HOURS):
            raise WrongHours(
                f"{self.date}: hours belong to a day of the kind 'hours', and only there"
            )


class Facts(Protocol):
    """Where a layer's days come from: a dict will do."""

    def get(self, key: date, /) -> DayFact | None: ...


@dataclass(frozen=True, slots=True)
class Layer:
    """The days of one level."""

    name: str
    facts: Facts = field(default_factory=dict[date, DayFact])
    complete: bool = False  # it ought to know every day: a day that it lacks is provisional


@dataclass(frozen=True, slots=True)
class Closure:
    """Closed from one instant to another, whatever the day is: a typhoon, a lock-down."""

    start: datetime
    end: datetime
    reason: str = ""

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise NaiveMoment
        if self.end <= self.start:
            raise WrongHours(f"a closure ends after it begins: {self.start} to {self.end}")


def overrides(name: str, *facts: DayFact) -> Layer:
    """A layer of single days, as a customer or a site gives them."""
    days: Mapping[date, DayFact] = {fact.date: fact for fact in facts}
    return Layer(name, days)
