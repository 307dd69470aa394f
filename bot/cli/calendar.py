"""`paidan calendar`: when is it due, and how much working time lies between."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Never
from unicodedata import normalize

import typer

from bot.cli.shell import SettingsFile, group, on_desk
from core.sla.calendar import Calendar
from core.sla.calendars import calendar_of, shipped
from core.sla.errors import SlaRefusal
from core.sla.hours import WorkingDays, parse_amount

app = group("Working time: deadlines, years, closures.")

Moment = Annotated[str, typer.Argument(help='On the calendar\'s clock, as "2026-02-13 17:00".')]
Name = Annotated[
    str | None,
    typer.Option("--calendar", help="A calendar by name: the desk's own, or a shipped one."),
]
Hours = Annotated[
    str | None, typer.Option(help='Hours on the spot: "mon-fri 09:00-12:00 13:30-18:00", "24x7".')
]
Holidays = Annotated[
    str | None, typer.Option(help="A country's holidays and make-up days, as CN or DE-BY.")
]
Zone = Annotated[str | None, typer.Option(help="The zone of --hours, as Asia/Shanghai.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]

DEFAULT_ZONE = "Asia/Shanghai"
# Not options: amounts below nothing get an answer of their own
NEGATIVE = {"ignore_unknown_options": True}
_MOMENT = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[ T]*(\d{1,2})[:点时](\d{2})?分?(?::(\d{2}))?)?"
)


@app.command(context_settings=NEGATIVE)
def due(
    start: Moment,
    amount: Annotated[str, typer.Argument(help="8h, 90m, 1h30m, 45s, or 2d for working days.")],
    calendar: Name = None,
    hours: Hours = None,
    holidays: Holidays = None,
    zone: Zone = None,
    as_json: Json = False,
    settings: SettingsFile = None,
) -> None:
    """The moment by which so much working time has passed."""
    with _refusals():
        working = _calendar(calendar, hours, holidays, zone, settings)
        begun, asked = _moment(start, working), parse_amount(amount)
        working.check(begun)
        if isinstance(asked, WorkingDays):
            end = working.after_days(begun, asked.count)
        else:
            end = working.after(begun, asked)
        answer = working.local(end).isoformat()
        if as_json:
            typer.echo(json.dumps({"due": answer}))
            return
        note = "  (provisional)" if working.provisional(begun, end) else ""
        typer.echo(f"{answer}{note}")


@app.command()
def between(
    start: Moment,
    end: Moment,
    calendar: Name = None,
    hours: Hours = None,
    holidays: Holidays = None,
    zone: Zone = None,
    as_json: Json = False,
    settings: SettingsFile = None,
) -> None:
    """The working time from one moment to another.

    It is negative when the second comes first.
    """
    with _refusals():
        working = _calendar(calendar, hours, holidays, zone, settings)
        first, last = _moment(start, working), _moment(end, working)
        working.check(first)
        passed = working.between(first, last)
        if as_json:
            typer.echo(json.dumps({"seconds": _seconds(passed)}))
            return
        note = "  (provisional)" if working.provisional(first, last) else ""
        typer.echo(f"{_words(passed)}{note}")


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except SlaRefusal as refusal:
        _refuse(str(refusal))


def _refuse(sentence: str) -> Never:
    print(f"paidan: {sentence}", file=sys.stderr)
    raise typer.Exit(2)


def _calendar(
    name: str | None,
    hours: str | None,
    holidays: str | None,
    zone: str | None,
    settings: Path | None,
) -> Calendar:
    if (name is None) == (hours is None):
        _refuse("say either --calendar NAME or --hours TEXT")
    if hours is not None:
        return calendar_of(hours, zone or DEFAULT_ZONE, holidays or None)
    if holidays or zone:
        _refuse("--holidays and --zone go with --hours: a named calendar has its own")
    known = _known(settings)
    if name is None or name not in known:
        _refuse(f"there is no calendar {name!r}; known are {', '.join(sorted(known))}")
    return known[name]


def _known(path: Path | None) -> Mapping[str, Calendar]:
    """The desk's calendars; where there is no desk yet, those that come with the program."""
    from bot.cli.start import read_settings
    from core.desk import Desk

    file = read_settings(path).database.removeprefix("sqlite:///")
    if "://" not in file and not Path(file).exists():
        return shipped()

    async def calendars(desk: Desk) -> Mapping[str, Calendar]:
        return desk.calendars

    return on_desk(path, calendars)


def _moment(text: str, calendar: Calendar) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return calendar.at(_wall(text))
    return moment if moment.tzinfo else calendar.at(moment)


def _wall(text: str) -> datetime:
    """2026/2/13 17:00, 2026年2月13日17点, or the midnight at a day's end, 2026-02-13 24:00."""
    match = _MOMENT.fullmatch(normalize("NFKC", text).strip())
    if match is None:
        _refuse(f"{text!r} is no moment like 2026-02-13 17:00")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        wall = datetime(year, month, day, hour % 24, minute, second)  # noqa: DTZ001  the zone is the calendar's
    except ValueError:
        _refuse(f"{text!r} is no moment like 2026-02-13 17:00")
    if hour > 24 or (hour == 24 and (minute or second)):
        _refuse(f"{text!r} is no moment like 2026-02-13 17:00")
    return wall + timedelta(days=hour // 24)


def _seconds(passed: timedelta) -> int | float:
    seconds = passed.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def _words(passed: timedelta) -> str:
    sign = "-" if passed < timedelta() else ""
    minutes, seconds = divmod(abs(passed).total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else ""]
    parts.append(f"{seconds:g}s" if seconds or not (hours or minutes) else "")
    return sign + " ".join(part for part in parts if part)
