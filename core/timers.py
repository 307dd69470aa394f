"""The sweeper: what is due fires, each in one transaction, exactly once (storage notes §6)."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from core.crashpoints import reach
from core.desk import Desk
from core.errors import StorageBusy
from core.follow_through import HANDLERS
from core.ports import Between, Store, Tx
from core.rows import TimerRow

log = structlog.get_logger()

BATCH = 100
LATER = (60, 300, 3600)  # seconds; one bad row must not stop the sweep
Handler = Callable[[Tx, Desk, TimerRow, datetime], None]


async def sweep(desk: Desk, handlers: Mapping[str, Handler] = HANDLERS) -> int:
    """Fire everything that is due, in order of its deadline; how many fired."""
    fired = 0
    while due := await _due(desk.store, desk.now()):
        reach("in_sweep")
        progress = 0
        for timer in due:
            progress += await _fire(desk, timer, handlers)
        fired += progress
        if not progress:
            break
    if fired:
        desk.wake()
    return fired


async def _due(store: Store, now: datetime) -> list[TimerRow]:
    at_latest = Between(before=now + timedelta(microseconds=1))
    return await store.read(
        lambda tx: tx.find(TimerRow, order="due_at", limit=BATCH, state="pending", due_at=at_latest)
    )


async def _fire(desk: Desk, timer: TimerRow, handlers: Mapping[str, Handler]) -> int:
    def body(tx: Tx) -> int:
        now = desk.now()
        won = tx.update_where(
            TimerRow, {"id": timer.id, "state": "pending"}, state="fired", fired_at=now
        )
        if won != 1:
            return 0  # another process was faster, or the ticket changed meanwhile
        handlers[timer.kind](tx, desk, timer, now)
        return 1

    try:
        fired = await desk.store.write(body)
    except StorageBusy:
        raise
    except Exception:
        log.exception("timer_failed", kind=timer.kind, subject=timer.subject, id=timer.id)
        await desk.store.write(lambda tx: _push(tx, timer, desk.now()))
        return 1
    reach("after_timer")
    return fired


def _push(tx: Tx, timer: TimerRow, now: datetime) -> None:
    wait = LATER[min(timer.tries, len(LATER) - 1)]
    tx.update_where(
        TimerRow,
        {"id": timer.id, "state": "pending"},
        tries=timer.tries + 1,
        due_at=now + timedelta(seconds=wait),
    )
