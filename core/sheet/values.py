"""What a sheet says, as values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.people import Asset, Person, RotaRow, Site

Cells = Mapping[str, Any]
Extras = Mapping[str, Mapping[str, Cells]]  # table → key → columns that the desk only keeps


class BadSheet(ValueError):
    """What is wrong, cell by cell; nothing of the sheet is applied."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Row:
    """Cells by column, and the name of the place where each of them stands."""

    cells: Cells
    where: Callable[[str], str]


Tables = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Leg:
    """Minutes from one city or site to another, and back."""

    origin: str
    target: str
    minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table that is None does not stand in the sheet, and what the desk holds of it stays."""

    sites: tuple[Site, ...] = ()
    people: tuple[Person, ...] = ()
    mails: Mapping[str, str] = field(default_factory=dict)  # by person code
    assets: tuple[Asset, ...] | None = None
    rota: tuple[RotaRow, ...] | None = None
    calendars: tuple[Cells, ...] | None = None
    travel: tuple[Leg, ...] | None = None
    extras: Extras = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the difference: + new, ~ changed, - left out."""

    sign: str
    table: str
    key: str
    cells: tuple[tuple[str, Any, Any], ...] = ()  # column, before, after
