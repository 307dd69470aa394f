"""`paidan`: the program and its data from a shell. What a command needs is imported by it alone."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.calendar import app as calendar_app
from bot.cli.understand import understand

app = typer.Typer(
    name="paidan", help="Paidan 派单: an IT service desk that lives in chat.", no_args_is_help=True
)
app.add_typer(calendar_app, name="calendar", help="Working time: deadlines and differences.")
app.command()(understand)

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", "-c", help="Settings file (default: paidan.toml).")
]


@app.command()
def run(
    settings: SettingsFile = None,
    trial: Annotated[bool, typer.Option(help="A throw-away desk with three phones.")] = False,
    port: Annotated[int, typer.Option(help="Of the trial page.")] = 8080,
) -> None:
    """Run the desk. Without any settings: the trial desk, on a throw-away database."""
    from bot.cli.start import start

    start(settings, trial=trial, port=port)


def main() -> None:
    app()
