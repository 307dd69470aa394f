"""The loops that must survive: inbox worker, outbox drains. Woken by work, not only by time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

import structlog

from core import inbox, outbox
from core.desk import Desk
from core.errors import StorageBusy
from core.ports import Channel
from core.rows import InboxRow, OutboxRow

log = structlog.get_logger()

AT_ONCE = 64  # rows that one loop works on side by side
IDLE = 1.0  # seconds after which a loop looks without being woken
STUMBLE = 1.0  # seconds to wait after the database could not be asked

Row = TypeVar("Row")


class Worker(Generic[Row]):
    """Claims rows while there is room and works on each in a task of its own, until stopped.

    A slow row holds up its own key, since its successor is not claimed before it is settled, and
    nobody else.
    """

    def __init__(
        self,
        name: str,
        claim: Callable[[int], Awaitable[Sequence[Row]]],
        work: Callable[[Row], Awaitable[None]],
        at_once: int = AT_ONCE,
    ) -> None:
        self.name = name
        self._at_once = at_once
        self._claim, self._work = claim, work
        self._running: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        self._stopping = True
        self._woken.set()

    @property
    def is_idle(self) -> bool:
        return not self._running and not self._woken.is_set()

    async def run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            if not await self._take():
                await self._wait(IDLE)
        if self._running:
            await asyncio.wait(self._running)

    async def _take(self) -> int:
        room = self._at_once - len(self._running)
        if room <= 0:
            return 0
        try:
            rows = await self._claim(room)
        except StorageBusy as fault:
            log.warning("storage_busy", loop=self.name, why=str(fault))
            await self._wait(STUMBLE)
            return 0
        except Exception:
            log.exception("claim_failed", loop=self.name)
            await self._wait(STUMBLE)
            return 0
        for row in rows:
            task = asyncio.create_task(self._survive(row))
            self._running.add(task)
            task.add_done_callback(self._done)
        return len(rows)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._woken.set()  # the next row of that key may be claimed now

    async def _survive(self, row: Row) -> None:
        try:
            await self._work(row)
        except StorageBusy as fault:
            log.warning("storage_busy", loop=self.name, why=str(fault))
        except Exception:
            log.exception("row_failed", loop=self.name)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return


def inbox_worker(desk: Desk, handlers: Mapping[str, inbox.Handle]) -> Worker[InboxRow]:
    return Worker(
        "inbox",
        lambda room: inbox.claim(desk, limit=room),
        lambda row: inbox.work_on(desk, row, handlers),
    )


def outbox_worker(desk: Desk, channel: Channel) -> Worker[OutboxRow]:
    """One for each channel: a slow mail server does not hold back a text message."""
    return Worker(
        f"outbox {channel.name}",
        lambda room: outbox.claim(desk, channel.name, limit=room),
        lambda row: outbox.send(desk, channel, row),
        at_once=channel.can.at_once,
    )
