"""The days of a country: published years, imported years, and estimates that say so.

These functions fill the desk's own table of days. What wins where several sources know a year:
the administrator's import, then `chinesecalendar` (China, published years), then `holidays`,
then Monday to Friday. No year raises; a year that nobody has published is provisional.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO
from typing import Any

from core.sla.days import DayFact, DayKind, Facts, Layer
from core.sla.errors import WrongHours, WrongYear

ALARM_FROM = (11, 15)  # month and day: the State Council announces a year by then
ESTIMATE = "holidays"
PUBLISHED = "chinesecalendar"
WEEK = "week"


@dataclass(frozen=True, slots=True)
class YearImport:
    """A year of days as an administrator brought it. Days that are not named are ordinary."""

    year: int
    facts: tuple[DayFact, ...]


class National:
    """The days of one country, filled year by year as they are first asked for."""

    def __init__(self, country: str, imports: Iterable[YearImport] = ()) -> None:
        self.country = country.upper()
        self._imports = tuple(imports)
        self._years: dict[int, dict[date, DayFact]] = {}
        if self.country != "CN":
            _estimated(self.country, 2026)  # an unknown country is refused now, not in some year

    def get(self, key: date, /) -> DayFact:
        """What is known about a day: always an answer, in any year."""
        return self.year(key.year)[key]

    def year(self, year: int) -> dict[date, DayFact]:
        """Every day of a year, as rows for the table of days."""
        if year not in self._years:
            self._years[year] = self._filled(year)
        return self._years[year]

    def layer(self) -> Layer:
        """The lowest layer of a calendar."""
        return Layer(self.country, self, complete=True)

    def _filled(self, year: int) -> dict[date, DayFact]:
        days = _published(year) if self.country == "CN" else None
        if days is None:
            days = _estimated(self.country, year)
        if any(brought.year == year for brought in self._imports):
            days = _ordinary(year, "import", official=True)
        # The notice for a year may move days of the December before it, so every file is read.
        for brought in self._imports:
            days |= {fact.date: fact for fact in brought.facts if fact.date.year == year}
        return days


def year_ahead_warning(today: date, facts: Facts) -> int | None:
    """The year that the administrator must be asked to import, once a day, if there is one.

    That is this year, and from 15 November the next, as long as it is provisional.
    """
    years = [today.year]
    if (today.month, today.day) >= ALARM_FROM:
        years.append(today.year + 1)
    for year in years:
        known = facts.get(date(year, 7, 1))
        if known is None or not known.official:
            return year
    return None


def read_json(text: str) -> YearImport:
    """A year in the form of holiday-cn: {year, papers, days: [{name, date, isOffDay}]}."""
    try:
        data = json.loads(text)
    except ValueError as wrong:
        raise WrongYear(f"this is no JSON: {wrong}") from None
    if not isinstance(data, dict) or not isinstance(data.get("days"), list):
        raise WrongYear("days: a list of days is missing")
    year = data.get("year")
    if not isinstance(year, int) or isinstance(year, bool) or not 1900 <= year <= 2200:
        raise WrongYear(f"year: {year!r} is no year")
    return YearImport(year, tuple(_checked(year, _json_days(data["days"]))))


def read_csv(text: str) -> YearImport:
    """A year as a sheet with the columns date, kind (off or work) and perhaps name."""
    rows = csv.DictReader(StringIO(text.lstrip("\ufeff")))
    headings = {_HEADINGS.get((name or "").strip().lower()): name for name in rows.fieldnames or ()}
    for needed in ("date", "kind"):
        if needed not in headings:
            raise WrongYear(f"line 1: there is no column {needed!r}")
    found = list(_csv_days(rows, headings))
    years = [day.year for _, day, _, _ in found]
    # the days of a year's own notice that lie in another one are few
    return YearImport(year := max(years, key=years.count, default=0), tuple(_checked(year, found)))


_HEADINGS: dict[str, str] = {
    "date": "date",
    "日期": "date",
    "kind": "kind",
    "type": "kind",
    "isoffday": "kind",
    "类型": "kind",
    "休息": "kind",
    "name": "name",
    "名称": "name",
    "节日": "name",
}
_OFF = {"off", "true", "yes", "1", "休", "休息", "放假", "是"}
_WORK = {"work", "makeup", "false", "no", "0", "班", "补班", "上班", "否"}

# where it stands, the day, whether it is off, its name
_Found = tuple[str, date, bool, str]


def _json_days(days: list[Any]) -> Iterator[_Found]:
    for number, day in enumerate(days):
        where = f"days[{number}]"
        if not isinstance(day, dict):
            raise WrongYear(f"{where}: not an object with name, date and isOffDay")
        off = day.get("isOffDay")
        if not isinstance(off, bool):
            raise WrongYear(f"{where}.isOffDay: {off!r} is neither true nor false")
        yield where, _date(f"{where}.date", day.get("date")), off, str(day.get("name", ""))


def _csv_days(rows: "csv.DictReader[str]", headings: dict[str | None, str]) -> Iterator[_Found]:
    for row in rows:
        where = f"line {rows.line_num}"
        cells = {key: (row.get(name) or "").strip() for key, name in headings.items()}
        kind = cells["kind"].lower()
        if kind not in _OFF | _WORK:
            raise WrongYear(f"{where}, kind: {kind!r} is neither 'off' nor 'work'")
        yield where, _date(f"{where}, date", cells["date"]), kind in _OFF, cells.get("name", "")


def _date(where: str, text: object) -> date:
    if isinstance(text, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise WrongYear(f"{where}: {text!r} is no date like 2026-10-01")


def _checked(year: int, found: Iterable[_Found]) -> Iterator[DayFact]:
    seen: set[date] = set()
    for where, day, off, name in found:
        if not date(year - 1, 12, 1) <= day <= date(year + 1, 1, 31):
            raise WrongYear(f"{where}: {day} is not in {year}")
        if day in seen:
            raise WrongYear(f"{where}: {day} is there twice")
        if not off and day.weekday() < 5:
            raise WrongYear(f"{where}: {day} is no weekend day and cannot be a make-up day")
        seen.add(day)
        kind = DayKind.OFF if off else DayKind.MAKEUP
        yield DayFact(date=day, kind=kind, source="import", name=name)
    if not any(day.year == year for day in seen):
        raise WrongYear("there are no days in it: an empty year is not a year without holidays")


def _ordinary(year: int, source: str, official: bool) -> dict[date, DayFact]:
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range(date(year, 12, 31).timetuple().tm_yday)]
    return {
        day: DayFact(date=day, kind=DayKind.ORDINARY, source=source, official=official)
        for day in days
    }


def _published(year: int) -> dict[date, DayFact] | None:
    """China's year by `chinesecalendar`, if that knows it."""
    # both libraries take longer to import than the desk to start, and a desk with its own table
    # never asks them
    from chinese_calendar.constants import holidays, workdays

    if not min(holidays).year <= year <= max(holidays).year:
        return None
    days = _ordinary(year, PUBLISHED, official=True)
    for kind, named in ((DayKind.OFF, holidays), (DayKind.MAKEUP, workdays)):
        for day, name in named.items():
            if day.year == year:
                days[day] = DayFact(date=day, kind=kind, source=PUBLISHED, name=name)
    return days


def _estimated(country: str, year: int) -> dict[date, DayFact]:
    """A country's year by `holidays`: for China an estimate, elsewhere what its law says."""
    from holidays import country_holidays

    nation, _, region = country.partition("-")
    try:
        named = country_holidays(nation, subdiv=region or None, years=year)
    except NotImplementedError:
        raise WrongHours(f"no public holidays are known for {country!r}") from None
    official = country != "CN" and bool(named)
    days = _ordinary(year, ESTIMATE if named else WEEK, official)
    for day, name in named.items():
        if day.year == year:
            sure = official and "estimated" not in name
            days[day] = DayFact(
                date=day, kind=DayKind.OFF, source=ESTIMATE, official=sure, name=name
            )
    for day in getattr(named, "weekend_workdays", ()):
        if day.year == year:
            days[day] = DayFact(date=day, kind=DayKind.MAKEUP, source=ESTIMATE, official=official)
    return days
