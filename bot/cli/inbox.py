"""`paidan inbox`: raw events, above all those that were set aside."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.shell import Mask, Reveal, SettingsFile, clock, complain, group, on_desk, show_table

if TYPE_CHECKING:
    from core.desk import Desk
    from core.rows import InboxRow

app = group("Raw events: list what was set aside, and give it another try.")


class State(StrEnum):
    NEW = "new"
    DONE = "done"
    IGNORED = "ignored"
    DEAD = "dead"


@app.command("list")
def list_(
    state: Annotated[State | None, typer.Option(help="Only these.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    reveal: Reveal = False,
    settings: SettingsFile = None,
) -> None:
    """The newest raw events."""
    from core.rows import InboxRow

    where = {"state": str(state)} if state else {}

    async def work(desk: "Desk") -> None:
        rows = await desk.store.read(
            lambda tx: tx.find(InboxRow, order="-id", limit=limit, **where)
        )
        _show(rows, Mask(reveal), desk)

    on_desk(settings, work)


def _show(rows: "list[InboxRow]", mask: Mask, desk: "Desk") -> None:
    show_table(
        "Inbox",
        ("id", "channel", "from", "state", "tries", "received", "bytes", "note"),
        [
            (
                str(row.id),
                row.channel,
                mask.number(mask.mail(row.order_key)),
                row.state,
                str(row.tries),
                clock(row.received_at, desk),
                str(len(row.body)),
                mask.text(row.note),
            )
            for row in rows
        ],
        empty="There is nothing.",
    )


@app.command()
def retry(row: Annotated[int, typer.Argument(metavar="ID")], settings: SettingsFile = None) -> None:
    """Give an event that was set aside another try: its bytes are still there."""
    from core.inbox import retry as again

    if not on_desk(settings, lambda desk: again(desk, row)):
        complain(f"there is no dead event {row}")
    typer.echo(f"Event {row} is tried again.")
