"""`paidan simulate`: a month of the desk in a few seconds, under one or several strategies."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from core.simulation.desk import BadDesk, Desk, load, read_text
from core.simulation.faults import Fault, draw, read_history
from core.simulation.run import STRATEGIES, Figures, period
from core.simulation.run import simulate as run

USUAL_DAYS = 30


class Which(StrEnum):
    PLANNER = "planner"
    LEAST_LOADED = "least_loaded"
    ROUND_ROBIN = "round_robin"
    ALL = "all"


def simulate(
    desk: Annotated[
        Path | None, typer.Option(help="The desk's file; the example desk when left out.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3660, help="Days to pass; 30, or the whole history.")
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            help="Past faults instead of drawn ones, a CSV with a heading: "
            "at, site, category, priority, mode, duration_minutes."
        ),
    ] = None,
    strategy: Annotated[Which, typer.Option(help="Who chooses the engineer.")] = Which.ALL,
    seed: Annotated[int, typer.Option(help="The same seed repeats a run exactly.")] = 1,
    load_: Annotated[
        float, typer.Option("--load", min=0.01, max=100, help="1.3: drawn faults at 130 %.")
    ] = 1.0,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="ENGINEER", help="Leave somebody out; may be given again."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Try the dispatch rules on a virtual clock: how many visits would come too late?"""
    with _complaints():
        place = _desk(desk).without([name for names in without or () for name in names.split(",")])
        faults = _faults(place, history, days, seed, load_)
        chosen = list(STRATEGIES) if strategy is Which.ALL else [strategy.value]
        found = _run(place, faults, chosen, seed, quiet=as_json)
    if as_json:
        figures = {name: asdict(one) for name, one in found.items()}
        typer.echo(json.dumps({"strategies": figures}, indent=2))
    else:
        _show(found, faults, seed)


@contextmanager
def _complaints() -> Iterator[None]:
    try:
        yield
    except BadDesk as error:
        typer.echo(f"paidan simulate: {error}", err=True)
        raise typer.Exit(2) from error


def _desk(path: Path | None) -> Desk:
    if path is not None:
        return load(path)
    return read_text(files("core").joinpath("desk_data/example.toml").read_text("utf-8"))


def _faults(
    desk: Desk, history: Path | None, days: int | None, seed: int, load_: float
) -> Sequence[Fault]:
    if history is None:
        faults = draw(desk, days or USUAL_DAYS, seed, load_)
        if not faults:
            raise BadDesk("simulation.tickets_per_day", "nothing breaks at this rate")
        return faults
    past = read_history(desk, history)
    if days is None:
        return past
    until = period(desk, past)[0] + timedelta(days=days)
    return [fault for fault in past if fault.at < until]


def _run(
    desk: Desk, faults: Sequence[Fault], strategies: Sequence[str], seed: int, quiet: bool
) -> dict[str, Figures]:
    found = {}
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        for name in strategies:
            task = progress.add_task(name, total=len(faults))
            found[name] = run(desk, faults, name, seed, progress=_bar(progress, task))
    return found


def _bar(progress: Progress, task: TaskID) -> Callable[[int], None]:
    return lambda done: progress.update(task, completed=done)


def _show(found: dict[str, Figures], faults: Sequence[Fault], seed: int) -> None:
    first, last = faults[0].at, faults[-1].at
    table = Table(title=f"{first:%Y-%m-%d} … {last:%Y-%m-%d}, {len(faults)} tickets, seed {seed}")
    table.add_column("strategy")
    for heading in ("late", "late minutes", "attainment", "utilisation", "offers per job"):
        table.add_column(heading, justify="right")
    for name, one in found.items():
        table.add_row(
            name,
            str(one.late),
            f"{one.late_minutes:,.0f}",
            f"{one.attainment:.1%}",
            f"{one.utilisation:.1%}",
            f"{one.offers_per_job:.2f}",
        )
    Console().print(table)
