"""The sweeper: what is due fires, each in one transaction, exactly once (storage notes §6)."""

from asyncio import gather
from collections.abc import Awaitable, Callable, Iterable, Mapping
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
    """Fire everything that is due, in order of its deadline; how many fired.

    Each has a transaction of its own. Those of different subjects do not wait for each other, so
    that they share the way to the disk; those of one subject fire one after the other.
    """
    fired = 0
    while due := await _due(desk.store, desk.now()):
        reach("in_sweep")
        progress = await _all(_in_turn(desk, timers, handlers) for timers in _by_subject(due))
        fired += progress
        if not progress:
            break
    if fired:
        desk.wake()
    return fired


async def _all(turns: Iterable[Awaitable[int]]) -> int:
    """Where the store is busy, those that are under way still come to their end."""
    outcomes = await gather(*turns, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return sum(outcome for outcome in outcomes if isinstance(outcome, int))


def _by_subject(due: Iterable[TimerRow]) -> Iterable[list[TimerRow]]:
    """What concerns one ticket or offer, in order; its earliest deadline decides who is first."""
    found: dict[str, list[TimerRow]] = {}
    for timer in due:
        subject = "/".join(timer.subject.split("/")[:2])
        found.setdefault(subject, []).append(timer)
    return found.values()


async def _in_turn(desk: Desk, timers: list[TimerRow], handlers: Mapping[str, Handler]) -> int:
    return sum([await _fire(desk, timer, handlers) for timer in timers])


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
