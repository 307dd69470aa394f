"""`paidan`: the program and its data from a shell. What a command needs is imported by it alone."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command


class Part(NamedTuple):
    """A command or group that is loaded once it is called, and what the list says of it."""

    module: str
    name: str
    help: str


PARTS = {
    "calendar": Part("bot.cli.calendars", "app", "Working time: deadlines, years, closures."),
    "check": Part("bot.cli.check", "check", "Settings and reachability, step by step."),
    "db": Part("bot.cli.database", "app", "The database: bring it up to date, back it up."),
    "desk": Part("bot.cli.desk", "app", "Sites, people, rota: import, export, link staff."),
    "inbox": Part("bot.cli.inbox", "app", "Raw events that could not be read."),
    "outbox": Part("bot.cli.outbox", "app", "Letters that did not arrive."),
    "policy": Part("bot.cli.policy", "app", "Service levels: show, rehearse, apply."),
    "simulate": Part("bot.cli.simulate", "simulate", "Try the dispatch rules on a virtual clock."),
    "templates": Part("bot.cli.templates", "templates", "SMS texts for a cloud's review."),
    "ticket": Part("bot.cli.ticket", "app", "Tickets: list, show, and why."),
    "understand": Part("bot.cli.understand", "understand", "Read a report without a ticket."),
}


class Parts(TyperGroup):
    """Knows its commands by name and help; importing all of them would take seconds."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        part = PARTS.get(args[0]) if args else None
        if part is None:
            return super().resolve_command(ctx, args)
        return args[0], load(part), args[1:]


def load(part: Part) -> Any:
    found: typer.Typer | Callable[..., None] = getattr(import_module(part.module), part.name)
    if isinstance(found, typer.Typer):
        return get_command(found)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command()(found)
    return get_command(alone)


# Plain help: drawing it with rich takes longer than everything else that `--help` does.
app = typer.Typer(
    name="paidan",
    help="Paidan 派单: an IT service desk that lives in chat.",
    cls=Parts,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _name, _part in PARTS.items():
    app.add_typer(typer.Typer(), name=_name, help=_part.help)

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", "-c", help="Settings file (default: paidan.toml).")
]


@app.command()
def run(
    settings: SettingsFile = None,
    trial: Annotated[
        bool, typer.Option("--trial", help="A throw-away desk with three phones.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Of the trial page (default: 8080 or the next free)."),
    ] = None,
) -> None:
    """Run the desk. Without any settings: the trial desk, on a throw-away database."""
    from bot import loading

    loading.begins()
    from bot.cli.start import start

    start(settings, trial=trial, port=port)


def main() -> None:
    app(prog_name="paidan")
