"""`paidan calendar`: beside the questions, what changes the desk's own working time."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.calendar import app
from bot.cli.shell import Back, SettingsFile, Yes, clock, complaints, confirm, moment_of, on_desk

if TYPE_CHECKING:
    from core.desk import Desk

__all__ = ["app"]

File = Annotated[Path, typer.Argument(help="TOML with [[calendars]], as in the desk's sheet.")]


@app.command()
def rehearse(file: File, back: Back = 90, settings: SettingsFile = None) -> None:
    """Which deadlines changed calendars would move.

    Nothing is saved.
    """
    from bot.cli.rehearsing import rehearse_and_show
    from core.levels import load_calendars
    from core.sheet import read_calendars

    async def work(desk: "Desk") -> None:
        now = desk.now()
        tables = read_calendars(file.read_text("utf-8"), now)
        changed = await desk.store.read(lambda tx: load_calendars(tx, tables=tables, now=now))
        await rehearse_and_show(desk, timedelta(days=back), calendars=changed)

    on_desk(settings, work)


@app.command()
def apply(file: File, yes: Yes = False, settings: SettingsFile = None) -> None:
    """Let calendars hold from today on.

    Time that was counted before stays counted.
    """
    from bot.cli.rehearsing import rehearse_and_show
    from core.levels import load_calendars, save_calendar
    from core.sheet import read_calendars

    async def work(desk: "Desk") -> None:
        now = desk.now()
        tables = read_calendars(file.read_text("utf-8"), now)
        changed = await desk.store.read(lambda tx: load_calendars(tx, tables=tables, now=now))
        await rehearse_and_show(desk, timedelta(days=90), calendars=changed)
        confirm("Save these calendars?", yes=yes)
        saved = await desk.store.write(
            lambda tx: sum(save_calendar(tx, table, now) for table in tables)
        )
        typer.echo(f"{saved} of {len(tables)} calendars changed.")

    on_desk(settings, work)


@app.command("import-year")
def import_year(
    file: Annotated[Path, typer.Argument(help="A year as holiday-cn's JSON, or as CSV.")],
    country: Annotated[str, typer.Option(help="Whose days they are.")] = "CN",
    settings: SettingsFile = None,
) -> None:
    """Bring in a year's holidays and make-up days, as published."""
    from core.levels import import_year as keep
    from core.sla.days import DayKind
    from core.sla.national import read_csv, read_json

    with complaints():
        text = file.read_text("utf-8-sig")
        brought = (read_json if text.lstrip().startswith("{") else read_csv)(text)

    async def work(desk: "Desk") -> None:
        now = desk.now()
        await desk.store.write(lambda tx: keep(tx, brought, now, country))

    on_desk(settings, work)
    off = sum(fact.kind is DayKind.OFF for fact in brought.facts)
    made_up = len(brought.facts) - off
    typer.echo(f"{brought.year}: {off} days off and {made_up} make-up days are kept for {country}.")


@app.command()
def close(
    until: Annotated[str, typer.Option(help='On the desk\'s clock, "2026-09-18 08:00"')],
    calendar: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given again. Usually all.")
    ] = None,
    reason: Annotated[str, typer.Option(help="For the record: a typhoon, a lock-down.")] = "",
    yes: Yes = False,
    settings: SettingsFile = None,
) -> None:
    """Stop the clocks until a moment: an emergency closure."""
    from bot.cli.rehearsing import rehearse_and_show
    from core.levels import close_now, closed_until
    from core.sla.days import Closure

    async def work(desk: "Desk") -> None:
        end, now = moment_of(until, desk), desk.now()
        closure = Closure(now, end, reason)
        codes, changed = await desk.store.read(lambda tx: closed_until(tx, closure, calendar or ()))
        await rehearse_and_show(desk, timedelta(days=1), calendars=changed)
        which = ", ".join(codes)
        confirm(f"Close {which} from now until {clock(end, desk)}?", yes=yes)
        codes = await desk.store.write(
            lambda tx: close_now(tx, end, now, reason=reason, calendars=calendar or ())
        )
        typer.echo(f"Closed until {clock(end, desk)}: {', '.join(codes)}.")

    on_desk(settings, work)
