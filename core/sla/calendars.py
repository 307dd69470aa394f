"""Calendars as the desk writes them down: tables with hours and days, one built on another."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from core.sla.calendar import Calendar, Version
from core.sla.days import DayFact, DayKind, Layer, overrides
from core.sla.errors import WrongHours
from core.sla.hours import Week, parse_hours, parse_windows
from core.sla.national import National

Days = Callable[[str], Layer]  # the national layer of a country code

_TEXTS = {"code", "name", "name_en", "timezone", "extends", "holidays", "makeup_hours"}
_KNOWN_KEYS = _TEXTS | {"hours", "closed", "open", "special"}


@cache
def national_days(country: str) -> Layer:
    """A country's days straight from the libraries: for a shell and for tests, not for a desk."""
    return National(country).layer()


def shipped(days: Days = national_days) -> dict[str, Calendar]:
    """The calendars that come with the program, by name."""
    text = files("core.sla").joinpath("data/calendars.toml").read_text("utf-8")
    return build(tomllib.loads(text)["calendars"], days)


def build(tables: Iterable[Mapping[str, Any]], days: Days = national_days) -> dict[str, Calendar]:
    """Calendars from their tables, by code. A table that extends another one adds a layer to it.

    A table has: code, timezone, hours (one text or several), holidays (a country), closed and open
    (dates), special (a table from date to hours), makeup_hours, extends (another code).
    """
    known = {str(table.get("code", "")): table for table in tables}
    built: dict[str, Calendar] = {}
    for code in known:
        zone, version = _version(code, known, days, ())
        built[code] = Calendar(code, zone, [version])
    return built


def calendar_of(
    hours: str, zone: str, country: str | None = None, days: Days = national_days
) -> Calendar:
    """A calendar on the spot."""
    layers = (days(country),) if country else ()
    return Calendar(hours, zone, [Version(week=parse_hours(hours), layers=layers)])


def _version(
    code: str, known: Mapping[str, Mapping[str, Any]], days: Days, above: tuple[str, ...]
) -> tuple[str, Version]:
    if code not in known:
        raise WrongHours(f"there is no calendar {code!r} to build {above[-1]!r} on")
    if code in above:
        raise WrongHours(f"calendar {code!r} is built on itself")
    table = known[code]
    if unknown := set(table) - _KNOWN_KEYS:
        raise WrongHours(f"calendar {code!r}: nobody knows {', '.join(sorted(unknown))!r}")
    try:
        if "extends" in table:
            zone, version = _version(str(table["extends"]), known, days, (*above, code))
        elif "hours" in table:
            zone, version = "UTC", Version(week=_week(table))
        else:
            raise WrongHours("it has neither hours nor a calendar that it extends")
        return str(table.get("timezone", zone)), _raised(code, version, table, days)
    except WrongHours as wrong:
        raise WrongHours(f"calendar {code!r}: {wrong}") from None


def _raised(code: str, below: Version, table: Mapping[str, Any], days: Days) -> Version:
    layers = below.layers
    if "holidays" in table:
        layers = (*layers, days(str(table["holidays"])))
    facts = [*_facts(code, table)]
    if facts:
        layers = (*layers, overrides(code, *facts))
    week = _week(table) if "hours" in table else below.week
    return replace(below, week=week, layers=layers)


def _week(table: Mapping[str, Any]) -> Week:
    hours = table["hours"]
    week = parse_hours(hours if isinstance(hours, str) else "; ".join(hours))
    if "makeup_hours" in table:
        return replace(week, makeup=parse_windows(table["makeup_hours"]))
    return week


def _facts(source: str, table: Mapping[str, Any]) -> Iterable[DayFact]:
    for day in table.get("closed", ()):
        yield DayFact(date=_date(day), kind=DayKind.OFF, source=source)
    for day in table.get("open", ()):
        yield DayFact(date=_date(day), kind=DayKind.MAKEUP, source=source)
    for day, hours in table.get("special", {}).items():
        windows = parse_windows(hours)
        yield DayFact(date=_date(day), kind=DayKind.HOURS, source=source, windows=windows)


def _date(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise WrongHours(f"{value!r} is no date") from None
