"""`paidan desk`: the desk's own data as a sheet, and the links by which staff get in."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.shell import (
    Mask,
    Reveal,
    SettingsFile,
    Yes,
    clock,
    complain,
    complaints,
    confirm,
    group,
    on_desk,
    show_table,
)

if TYPE_CHECKING:
    from datetime import datetime

    from core.desk import Desk
    from core.ports import Tx
    from core.sheet import Change, Plan, Sheet

app = group("Sites, people, rota: import, export, link staff.")
SIGNS = {"+": "new", "~": "changed", "-": "left out"}
SHOWN_GAPS = 10


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The sheet: .toml or .xlsx.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show, and change nothing.")] = False,
    yes: Yes = False,
    reveal: Reveal = False,
    settings: SettingsFile = None,
) -> None:
    """Show what a sheet would change, ask, and apply it.

    Who is left out is switched off, never deleted.
    """
    from core.sheet import carry_out, plan

    async def work(desk: "Desk") -> None:
        now = desk.now()
        sheet = _read(file, now)
        planned = await desk.store.read(lambda tx: plan(tx, sheet, now))
        _show_gaps(sheet, desk)
        if not planned.changes:
            typer.echo("The sheet says what the desk has already.")
            return
        _show(planned, Mask(reveal))
        if dry_run:
            typer.echo("Nothing was changed.")
            return
        confirm(f"Apply {len(planned.changes)} changes?", yes=yes)

        def apply(tx: "Tx") -> "Plan":
            # Somebody may have changed the desk while the question stood.
            again = plan(tx, sheet, now)
            carry_out(tx, again, now)
            return again

        done = await desk.store.write(apply)
        typer.echo(f"{len(done.changes)} changes applied.")

    on_desk(settings, work)


def _read(file: Path, now: "datetime") -> "Sheet":
    from core.sheet import BadSheet, read_toml
    from core.sheet.xlsx import read_xlsx

    try:
        if _is_workbook(file):
            return read_xlsx(file.read_bytes(), now)
        return read_toml(file.read_text("utf-8"), now)
    except BadSheet as fault:
        raise BadSheet([f"{file.name}: {problem}" for problem in fault.problems]) from fault


def _is_workbook(file: Path) -> bool:
    kind = file.suffix.lower()
    if kind not in {".toml", ".xlsx"}:
        complain(f"{file}: a sheet ends in .toml or .xlsx")
    return kind == ".xlsx"


def _show(planned: "Plan", mask: Mask) -> None:
    show_table(
        "What would change",
        ("", "table", "row", "cells"),
        [
            (SIGNS[change.sign], change.table, change.key, "\n".join(_cells(change, mask)))
            for change in planned.changes
        ],
    )


def _cells(change: "Change", mask: Mask) -> Iterator[str]:
    for column, before, after in change.cells:
        was, will = (_cell(column, value, change.table, mask) for value in (before, after))
        if change.sign == "~":
            yield f"{column}: {was or '–'} → {will or '–'}"
        elif change.sign == "+" and column in {"name", "roles", "phone", "site", "city"}:
            yield f"{column}: {will}"


def _cell(column: str, value: Any, table: str, mask: Mask) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
    if column in {"phone", "contact_phone"}:
        return mask.number(text)
    if column == "email":
        return mask.mail(text)
    if column in {"code_on_site", "spoken_code", "sticker"} and text and not mask.reveal:
        return "****"
    return mask.name(text) if table == "people" and column in {"name", "name_en"} else text


def _show_gaps(sheet: "Sheet", desk: "Desk") -> None:
    from core.sheet import gaps_ahead

    gaps = gaps_ahead(sheet, desk.now())
    for gap in gaps[:SHOWN_GAPS]:
        since, until = clock(gap.starts, desk), clock(gap.ends, desk)
        typer.echo(f"note: no {gap.need} is on duty from {since} to {until}", err=True)
    if len(gaps) > SHOWN_GAPS:
        typer.echo(f"note: and {len(gaps) - SHOWN_GAPS} gaps more", err=True)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to: .toml or .xlsx; replaced if it exists.")],
    settings: SettingsFile = None,
) -> None:
    """Write what the desk holds as a sheet, in full."""
    from core.sheet import from_desk, write_toml
    from core.sheet.xlsx import write_xlsx

    workbook = _is_workbook(file)

    async def work(desk: "Desk") -> "Sheet":
        return await desk.store.read(from_desk)

    sheet = on_desk(settings, work)
    with complaints():
        file.write_bytes(write_xlsx(sheet) if workbook else write_toml(sheet).encode())
    typer.echo(f"{file}: {len(sheet.sites)} sites, {len(sheet.people)} people.")


@app.command()
def example(
    file: Annotated[Path, typer.Argument(help="Where to: .toml or .xlsx.")],
) -> None:
    """Write the example desk, to start a sheet of your own from."""
    from importlib.resources import files

    text = files("core.desk_data").joinpath("example.toml").read_text("utf-8")
    with complaints():
        if file.exists():
            complain(f"{file} exists already")
        file.write_bytes(_as_workbook(text) if _is_workbook(file) else text.encode())
    typer.echo(f"{file}: change it, then `paidan desk import {file}`.")


def _as_workbook(text: str) -> bytes:
    from bot.main import wall_clock
    from core.sheet import read_toml
    from core.sheet.xlsx import write_xlsx

    return write_xlsx(read_toml(text, wall_clock()))


@app.command()
def bind(
    person: Annotated[str, typer.Argument(help="The person's code in the sheet: li.wei.")],
    settings: SettingsFile = None,
) -> None:
    """A one-time link that ties a colleague's chat to the desk.

    It is good for a day, and for one member of staff.
    """
    from bot.cli.telegram import bot_name
    from core.binding import VALID, new_code
    from core.people import Person

    async def work(desk: "Desk") -> str | None:
        now = desk.now()

        def body(tx: "Tx") -> str | None:
            found = tx.first(Person, code=person, active=True)
            return new_code(tx, found, made_by=None, now=now) if found else None

        return await desk.store.write(body)

    code = on_desk(settings, work)
    if code is None:
        complain(f"there is nobody active with the code {person!r}")
    typer.echo(f"/start {code}")
    if name := bot_name(settings):
        link = f"https://t.me/{name}?start={code}"
        typer.echo(link)
        _draw(link)
    typer.echo(f"For {person}, once, within {VALID.total_seconds() / 3600:.0f} hours.")


@app.command()
def pin(
    person: Annotated[str, typer.Argument(help="The person's code in the sheet: li.wei.")],
    digits: Annotated[
        str,
        typer.Option("--pin", help="4 to 8 digits.", prompt="PIN", hide_input=True),
    ],
    settings: SettingsFile = None,
) -> None:
    """Give a colleague the PIN that proves them by SMS and mail.

    Where too many wrong ones have locked a number, it is opened.
    """
    from core.people import Person
    from core.pins import LONGEST, SHORTEST, set_pin

    if not (digits.isascii() and digits.isdigit() and SHORTEST <= len(digits) <= LONGEST):
        complain(f"a PIN has {SHORTEST} to {LONGEST} digits")

    async def work(desk: "Desk") -> bool:
        def body(tx: "Tx") -> bool:
            found = tx.first(Person, code=person, active=True)
            if found is not None:
                set_pin(tx, found, digits)
            return found is not None

        return await desk.store.write(body)

    if not on_desk(settings, work):
        complain(f"there is nobody active with the code {person!r}")
    typer.echo(f"{person} has a new PIN.")


@app.command()
def stickers(
    folder: Annotated[Path, typer.Argument(help="Where to; made if it is not there.")],
    site: Annotated[
        list[str] | None, typer.Option(help="Only this site; may be given again.")
    ] = None,
    bot: Annotated[str, typer.Option(help="The bot's name; asked of Telegram when left out.")] = "",
    settings: SettingsFile = None,
) -> None:
    """Draw the QR sticker of every site, for printing (A6).

    Whoever scans it has arrived there.
    """
    from bot.cli.start import read_settings
    from bot.cli.telegram import bot_name
    from bot.pictures import fonts, sticker
    from core.arriving import give_codes
    from core.people import Site

    async def work(desk: "Desk") -> "list[Site]":
        def body(tx: "Tx") -> "list[Site]":
            give_codes(tx)
            return tx.find(Site, order="code", active=True)

        return await desk.store.write(body)

    name = bot.lstrip("@") or bot_name(settings)
    face = fonts.find(read_settings(settings).desk.font)
    if not name:
        complain("no bot can be asked for its name: give it with --bot NAME")
    if face is None:
        complain("no typeface with Chinese characters: install one, such as fonts-noto-cjk")
    found = on_desk(settings, work)
    if unknown := sorted(set(site or ()) - {one.code for one in found}):
        complain(f"there is no site {unknown[0]!r}")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [one for one in found if not site or one.code in site]
    for one in wanted:
        (folder / f"{one.code}.png").write_bytes(sticker.draw(name, one, face))
    typer.echo(f"{folder}: {len(wanted)} stickers, for https://t.me/{name}.")


def _draw(link: str) -> None:
    import sys

    import segno

    segno.make(link, error="l").terminal(out=sys.stdout, compact=True, border=2)
