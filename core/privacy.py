"""What the desk keeps about people: told when asked, and forgotten in time (R-120)."""

from datetime import datetime, time, timedelta

from core.desk import Desk
from core.ports import Between, Tx
from core.rows import InboxRow, TimerRow
from core.ticket import Message

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
    if tx.first(TimerRow, kind=TIMER, state="pending") is None:
        tx.add(TimerRow(kind=TIMER, subject="desk", due_at=_next_night(desk, now)))


def _next_night(desk: Desk, now: datetime) -> datetime:
    local = now.astimezone(desk.rules.zone)
    night = datetime.combine(local.date(), AT, desk.rules.zone)
    return night if night > local else night + timedelta(days=1)


def fire(tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
    before = timer.payload.get("forgotten_to")
    after = datetime.fromisoformat(str(before)) if before else None
    forget(tx, after, now - RAW)
    tx.add(
        TimerRow(
            kind=TIMER,
            subject="desk",
            due_at=_next_night(desk, now),
            payload={"forgotten_to": (now - RAW).isoformat()},
        )
    )


def forget(tx: Tx, after: datetime | None, until: datetime) -> None:
    """The row stays, so that the same event does not come in again; its words go."""
    when = Between(after=after, before=until)
    settled = {"state": ("done", "ignored", "dead"), "received_at": when}
    tx.update_where(InboxRow, settled, body=b"")
    tx.delete(Message, ticket_id=None, received_at=when)
