"""`paidan check`: is everything there that the desk needs, and can it be reached?

A check is a function from the settings to findings, and a row of CHECKS. It changes nothing and
reports what it met as a Finding; a channel brings its own check by adding a row.
"""

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from bot.cli.shell import SettingsFile, complain, complaints, show_table

if TYPE_CHECKING:
    from datetime import date

    from bot.settings import Settings
    from core.sla.days import Layer


class Finding(NamedTuple):
    step: str
    ok: bool
    detail: str = ""


Check = Callable[["Settings"], AsyncIterator[Finding]]


async def database(settings: "Settings") -> AsyncIterator[Finding]:
    """Whether it takes a write, and how old its schema is."""
    from bot.cli.database import sqlite_file
    from bot.main import opened
    from bot.settings import WrongSettings
    from core.errors import StorageBusy

    file = sqlite_file(settings.database)
    if file is not None and not file.exists():
        yield Finding("database", True, f"{file} is made at the first start")
        return
    try:
        if file is not None:
            yield Finding("schema", True, f"at {_schema_of(file)}")
        async with opened(settings) as store:
            await store.write(lambda tx: tx.next("health"))
    except (WrongSettings, StorageBusy, sqlite3.Error, OSError) as fault:
        yield Finding("database", False, str(fault))
    else:
        yield Finding("database", True, "takes writes")


def _schema_of(file: Path) -> str:
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as asked:
        has = asked.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        row = asked.execute("SELECT version_num FROM alembic_version").fetchone() if has else None
    return str(row[0]) if row else "nothing yet"


async def telegram(settings: "Settings") -> AsyncIterator[Finding]:
    """Whether Telegram knows the bot."""
    from bot.cli.telegram import NoAnswer, get_me

    if settings.telegram is None:
        yield Finding("telegram", True, "off: there is no [telegram] in the settings")
        return
    try:
        yield Finding("telegram", True, f"@{await get_me(settings.telegram)}")
    except NoAnswer as fault:
        yield Finding("telegram", False, str(fault))


async def http(settings: "Settings") -> AsyncIterator[Finding]:
    """Whether the port is free, or the desk itself has it."""
    host, port = settings.http.host, settings.http.port
    where = f"{host}:{port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as fault:
            running = await _is_the_desk(host, port)
            told = "the desk is running on it" if running else fault.strerror
            yield Finding("http", running, f"{where}: {told}")
        else:
            yield Finding("http", True, f"{where} is free")


async def _is_the_desk(host: str, port: int) -> bool:
    import httpx

    name = f"[{host}]" if ":" in host else host
    try:
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
            answer = await client.get(f"http://{name}:{port}/livez")
        return bool(answer.json()["status"] == "alive")
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False


async def desk(settings: "Settings") -> AsyncIterator[Finding]:
    """Whether there are sites and people, working time, and the days of the years to come."""
    from bot.cli.database import sqlite_file
    from bot.main import opened, wall_clock
    from bot.settings import WrongSettings
    from core.levels import load_calendars, load_policies
    from core.sheet import from_desk, gaps_ahead
    from core.sla.errors import SlaRefusal

    file = sqlite_file(settings.database)
    if file is not None and not file.exists():
        yield Finding("desk", False, "no data yet: paidan desk import FILE")
        return
    now = wall_clock()
    try:
        async with opened(settings) as store:
            sheet = await store.read(from_desk)
            calendars = await store.read(load_calendars)
            await store.read(load_policies)
    except (WrongSettings, SlaRefusal) as fault:
        yield Finding("desk", False, str(fault))
        return
    there = bool(sheet.sites and sheet.people)
    told = f"{len(sheet.sites)} sites, {len(sheet.people)} people"
    yield Finding("desk", there, told if there else f"{told}: paidan desk import FILE")
    gaps = gaps_ahead(sheet, now) if there else []
    if gaps:  # perhaps meant: not every desk is open at night
        yield Finding("rota", True, f"{len(gaps)} gaps within a week, first: no {gaps[0].need}")
    for name, calendar in sorted(calendars.items()):
        try:
            calendar.check(now)
        except SlaRefusal as fault:
            yield Finding(f"calendar {name}", False, str(fault))
    yield Finding("calendars", True, f"{len(calendars)} read")
    yield _year_ahead(calendars["working_days"].version(now.date()).layers, now.date())


def _year_ahead(layers: "tuple[Layer, ...]", today: "date") -> Finding:
    """From mid-November on, a next year that still rests on estimates is a fault."""
    from core.sla.national import year_ahead_warning

    national = next((layer.facts for layer in layers if layer.complete), None)
    year = year_ahead_warning(today, national) if national is not None else None
    if year is None:
        return Finding("year ahead", True, "its days are known, or not due yet")
    return Finding(
        "year ahead", False, f"{year} rests on estimates: paidan calendar import-year FILE"
    )


async def mail(settings: "Settings") -> AsyncIterator[Finding]:
    """Login, folder, IDLE, and a test message that must come back."""
    from bot.mail import checks
    from bot.main import wall_clock

    if settings.mail is None:
        yield Finding("mail", True, "off: there is no [mail] in the settings")
        return
    async for step, ok, detail in checks(settings, wall_clock):
        yield Finding(f"mail {step}", ok, detail)


async def sms(settings: "Settings", to: str = "") -> AsyncIterator[Finding]:
    """Each gateway: whether it knows us, the address of its hook, its templates; a test text."""
    from bot.cli.sms_check import checks
    from bot.main import wall_clock

    if not settings.sms:
        yield Finding("sms", True, "off: there is no [[sms]] in the settings")
        return
    async for step, ok, detail in checks(settings, wall_clock, to=to):
        yield Finding(f"sms {step}", ok, detail)


async def pictures(settings: "Settings") -> AsyncIterator[Finding]:
    """Whether rota and queue can be drawn; without a typeface they are told in words."""
    from bot.pictures import fonts

    face = fonts.find(settings.desk.font)
    if face is not None:
        yield Finding("pictures", True, f"drawn with {face.path.name}")
    elif settings.desk.font:
        yield Finding("pictures", False, f"{settings.desk.font} cannot write Chinese")
    else:
        told = "off: no typeface with Chinese characters; fonts-noto-cjk brings one"
        yield Finding("pictures", True, told)


CHECKS: dict[str, Check] = {
    "database": database,
    "telegram": telegram,
    "http": http,
    "desk": desk,
    "mail": mail,
    "sms": sms,
    "pictures": pictures,
}


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Only these checks; usually all."),
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="NUMBER", help="With sms: text this number by every gateway and wait."
        ),
    ] = "",
    settings: SettingsFile = None,
) -> None:
    """Look at settings, database, channels, port and desk data. Exit code 1: something failed.

    `paidan check sms` asks every gateway whether it knows us, without sending anything, prints the
    address that it must call (with its secret) and lints the templates. With `--to NUMBER` it sends
    one text by each and waits a minute for the report of delivery.
    """
    from bot.cli.start import read_settings

    for name in names or ():
        if name not in CHECKS:
            complain(f"there is no check {name!r}; there are {', '.join(CHECKS)}")
    with complaints():
        findings = asyncio.run(_all(read_settings(settings), names or list(CHECKS), to))
    findings.insert(0, Finding("settings", True, _source(settings)))
    rows = [(one.step, "ok" if one.ok else "failed", one.detail) for one in findings]
    show_table("Check", ("step", "", "detail"), rows)
    if not all(one.ok for one in findings):
        raise typer.Exit(1)


def _source(path: Path | None) -> str:
    from bot.settings import DEFAULT_FILE

    file = path or DEFAULT_FILE
    return f"{file}, environment" if file.exists() else f"environment; there is no {file} here"


async def _all(settings: "Settings", names: list[str], to: str) -> list[Finding]:
    chosen: dict[str, Check] = {**CHECKS, "sms": partial(sms, to=to)}
    return [finding for name in names async for finding in chosen[name](settings)]
