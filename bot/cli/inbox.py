"""`paidan inbox`: raw events, above all those that were set aside."""

from enum import StrEnum
from typing import Annotated

import typer

from bot.cli.shell import (
    Limit,
    Mask,
    Reveal,
    SettingsFile,
    clock,
    complain,
    group,
    on_desk,
    show_newest,
)

app = group("Raw events: list what was set aside, and give it another try.")


class State(StrEnum):
    NEW = "new"
    DONE = "done"
    IGNORED = "ignored"
    DEAD = "dead"


@app.command("list")
def list_(
    state: Annotated[State | None, typer.Option(help="Only these.")] = None,
    limit: Limit = 50,
    reveal: Reveal = False,
    settings: SettingsFile = None,
) -> None:
    """The newest raw events."""
    from core.rows import InboxRow

    mask = Mask(reveal)
    show_newest(
        "Inbox",
        InboxRow,
        {
            "id": lambda row, desk: str(row.id),
            "channel": lambda row, desk: row.channel,
            "from": lambda row, desk: mask.number(mask.mail(row.order_key)),
            "state": lambda row, desk: row.state,
            "tries": lambda row, desk: str(row.tries),
            "received": lambda row, desk: clock(row.received_at, desk),
            "bytes": lambda row, desk: str(len(row.body)),
            "note": lambda row, desk: mask.text(row.note),
        },
        state=state,
        limit=limit,
        settings=settings,
    )


@app.command()
def retry(row: Annotated[int, typer.Argument(metavar="ID")], settings: SettingsFile = None) -> None:
    """Give an event that was set aside another try.

    Its bytes are still there.
    """
    from core.inbox import retry as again

    if not on_desk(settings, lambda desk: again(desk, row)):
        complain(f"there is no dead event {row}")
    typer.echo(f"Event {row} is tried again.")
