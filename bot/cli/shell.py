"""What the commands share: the desk behind them, tables, questions, refusals in one sentence."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from bot.settings import Settings
    from core.desk import Desk

T = TypeVar("T")

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", "-c", help="Settings file (default: paidan.toml).")
]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show names and numbers in full.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Back = Annotated[int, typer.Option(min=1, help="Days back to look at closed tickets.")]
WIDE = 180  # where nobody looks at a terminal, lines need not be broken


def group(help_: str) -> typer.Typer:
    return typer.Typer(
        help=help_, no_args_is_help=True, add_completion=False, rich_markup_mode=None
    )


def complain(sentence: str) -> NoReturn:
    """One sentence, and the exit code for wrong input."""
    typer.echo(f"paidan: {sentence}", err=True)
    raise typer.Exit(2)


@contextmanager
def complaints() -> Iterator[None]:
    """What a user did wrong is a sentence, never a traceback."""
    from bot.settings import WrongSettings
    from core.errors import NoSuchTicket, StorageBusy
    from core.sheet import BadSheet
    from core.sla.errors import SlaRefusal, WrongPolicy

    try:
        yield
    except (WrongSettings, BadSheet, WrongPolicy) as fault:
        for problem in fault.problems:
            typer.echo(problem, err=True)
        raise typer.Exit(2) from fault
    except (SlaRefusal, StorageBusy) as fault:
        complain(str(fault))
    except NoSuchTicket:
        complain("there is no ticket with that number")
    except (OSError, UnicodeDecodeError) as fault:
        complain(_of_file(fault))


def _of_file(fault: OSError | UnicodeDecodeError) -> str:
    if isinstance(fault, UnicodeDecodeError):
        return "the file is not UTF-8 text"
    return f"{fault.filename}: {fault.strerror}" if fault.filename else str(fault)


def on_desk(path: Path | None, work: "Callable[[Desk], Awaitable[T]]") -> T:
    """Open the desk's database, do the work and close it again."""
    from bot.cli.start import read_settings

    with complaints():
        return asyncio.run(_on_desk(read_settings(path), work))


async def _on_desk(settings: "Settings", work: "Callable[[Desk], Awaitable[T]]") -> T:
    from bot.main import opened, rules_of, wall_clock
    from core.desk import Desk
    from core.levels import load_calendars, load_policies

    async with opened(settings) as store:
        calendars, policies = await store.read(lambda tx: (load_calendars(tx), load_policies(tx)))
        desk = Desk(
            store=store,
            now=wall_clock,
            calendars=calendars,
            policies=policies,
            channels={},
            rules=rules_of(settings.desk),
        )
        return await work(desk)


def moment_of(text: str, desk: "Desk") -> datetime:
    """A moment as people type it, on the desk's own clock."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        complain(f"{text!r} is no moment like 2026-11-23 08:00")
    return moment if moment.tzinfo else moment.replace(tzinfo=desk.rules.zone)


def confirm(question: str, *, yes: bool) -> None:
    if not yes and not typer.confirm(question):
        typer.echo("Nothing was changed.")
        raise typer.Exit(0)


# -- showing


def show_table(
    title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str = ""
) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    # Text and not str: what a user wrote may look like rich's own marks.
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    if table.row_count or not empty:
        console().print(table)
    else:
        typer.echo(empty)


def console() -> Any:
    from rich.console import Console

    terminal = sys.stdout.isatty()
    return Console(width=None if terminal else WIDE, highlight=False, soft_wrap=False)


@contextmanager
def busy(told: str) -> Iterator[None]:
    """A sign of life on a terminal while something takes long."""
    from rich.console import Console

    with Console(stderr=True).status(told):
        yield


def show_newest(
    title: str,
    kind: "type[T]",
    columns: "Mapping[str, Callable[[T, Desk], str]]",
    *,
    state: str | None,
    limit: int,
    settings: Path | None,
) -> None:
    """A table of rows, the newest first; only those of one state where one is named."""
    where: dict[str, Any] = {"state": str(state)} if state else {}

    async def work(desk: "Desk") -> None:
        rows = await desk.store.read(lambda tx: tx.find(kind, order="-id", limit=limit, **where))
        lines = [[of(row, desk) for of in columns.values()] for row in rows]
        show_table(title, tuple(columns), lines, empty="There is nothing.")

    on_desk(settings, work)


def clock(moment: datetime | None, desk: "Desk") -> str:
    return moment.astimezone(desk.rules.zone).strftime("%Y-%m-%d %H:%M") if moment else ""


@dataclass(frozen=True, slots=True)
class Mask:
    """Names and numbers as lists may show them, unless they shall be revealed."""

    reveal: bool

    def name(self, name: str) -> str:
        from core.masking import mask_name

        return name if self.reveal else mask_name(name)

    def number(self, number: str) -> str:
        from core.masking import mask_number

        return number if self.reveal else mask_number(number)

    def text(self, text: str) -> str:
        from core.masking import mask_numbers

        return text if self.reveal else mask_numbers(text)

    def mail(self, mail: str) -> str:
        name, at, domain = mail.partition("@")
        return mail if self.reveal or not at else f"{name[:1]}***@{domain}"
