"""Timers of which one is pending for each kind and subject; those of the desk set the next."""

from datetime import datetime, time, timedelta

from core.desk import Desk
from core.messages import Value
from core.ports import Tx
from core.rows import TimerRow


def instead(tx: Tx, kind: str, subject: str, due_at: datetime, **payload: Value) -> None:
    """In place of a pending one."""
    pending = {"kind": kind, "subject": subject, "state": "pending"}
    tx.update_where(TimerRow, pending, state="cancelled")
    tx.add(TimerRow(kind=kind, subject=subject, due_at=due_at, payload=payload))


def begin(tx: Tx, kind: str, due_at: datetime) -> None:
    """The first one, unless one is pending: called at the start of the program."""
    if tx.first(TimerRow, kind=kind, state="pending") is None:
        again(tx, kind, due_at)


def again(tx: Tx, kind: str, due_at: datetime, **payload: Value) -> None:
    tx.add(TimerRow(kind=kind, subject="desk", due_at=due_at, payload=payload))


def next_day_at(wall: time, desk: Desk, now: datetime) -> datetime:
    """The next moment after now at which the desk's clock on the wall shows that time."""
    local = now.astimezone(desk.rules.zone)
    today = datetime.combine(local.date(), wall, desk.rules.zone)
    return today if today > local else today + timedelta(days=1)
