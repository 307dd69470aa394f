"""`paidan outbox`: letters, above all those that did not arrive."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from core.desk import Desk
    from core.ports import Tx

app = group("Letters: list what did not arrive, and send it again.")


class State(StrEnum):
    PENDING = "pending"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    DROPPED = "dropped"


@app.command("list")
def list_(
    state: Annotated[State | None, typer.Option(help="Only these.")] = None,
    limit: Limit = 50,
    reveal: Reveal = False,
    settings: SettingsFile = None,
) -> None:
    """The newest letters."""
    from core.rows import OutboxRow

    mask = Mask(reveal)
    show_newest(
        "Outbox",
        OutboxRow,
        {
            "id": lambda row, desk: str(row.id),
            "channel": lambda row, desk: row.channel,
            "to": lambda row, desk: mask.number(mask.mail(row.address)),
            "kind": lambda row, desk: row.kind,
            "ticket": lambda row, desk: row.ticket,
            "state": lambda row, desk: f"{row.state} (repeated)" if row.repeated else row.state,
            "tries": lambda row, desk: str(row.attempts),
            "written": lambda row, desk: clock(row.created_at, desk),
            "error": lambda row, desk: mask.text(row.error),
        },
        state=state,
        limit=limit,
        settings=settings,
    )


@app.command()
def retry(row: Annotated[int, typer.Argument(metavar="ID")], settings: SettingsFile = None) -> None:
    """Send again a letter that failed.

    One whose outcome is unknown is marked as a repetition.
    """

    async def work(desk: "Desk") -> bool:
        return await desk.store.write(lambda tx: _again(tx, row))

    if not on_desk(settings, work):
        complain(f"there is no letter {row} that failed or whose outcome is unknown")
    typer.echo(f"Letter {row} is sent again.")


def _again(tx: "Tx", row_id: int) -> bool:
    from core.rows import OutboxRow

    row = tx.lock(OutboxRow, row_id)
    if row is None or row.state not in {State.FAILED, State.UNKNOWN}:
        return False
    repeated = row.repeated or row.state == State.UNKNOWN
    tx.update(
        row,
        state="pending",
        repeated=repeated,
        attempts=0,
        token="",
        lease_until=None,
        next_at=None,
        settled_at=None,
    )
    return True
