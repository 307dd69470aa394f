"""What the desk keeps about people: told when asked, and forgotten in time (R-120)."""

from datetime import datetime, time, timedelta

from core import looks
from core.desk import Desk
from core.ports import Between, Tx
from core.rows import InboxRow, TimerRow
from core.ticket import Message, StoredFile

TIMER = "forget"
AT = time(3)  # at night, when nobody waits for the database
RAW_MONTHS = 6  # raw messages, and what was said without a ticket (PIPL art. 19)
RAW = timedelta(days=183)
WISHES = {
    "copy": "copy",
    "副本": "copy",
    "correct": "correct",
    "更正": "correct",
    "erase": "erase",
    "删除": "erase",
}


def plan(tx: Tx, desk: Desk, now: datetime) -> None:
    looks.begin(tx, TIMER, looks.next_day_at(AT, desk, now))


def fire(tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
    before = timer.payload.get("forgotten_to")
    after = datetime.fromisoformat(str(before)) if before else None
    forget(tx, after, now - RAW)
    tonight = looks.next_day_at(AT, desk, now)
    looks.again(tx, TIMER, tonight, forgotten_to=(now - RAW).isoformat())


def forget(tx: Tx, after: datetime | None, until: datetime) -> None:
    """The row stays, so that the same event does not come in again; its words go."""
    when = Between(after=after, before=until)
    settled = {"state": ("done", "ignored", "dead"), "received_at": when}
    tx.update_where(InboxRow, settled, body=b"")
    forgotten = [message.id for message in tx.find(Message, ticket_id=None, received_at=when)]
    tx.delete(StoredFile, message_id=tuple(forgotten))
    tx.delete(Message, ticket_id=None, received_at=when)
