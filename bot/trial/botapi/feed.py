"""What waits for the bot: updates in order, kept until they are acknowledged or too old."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.trial.botapi.values import Json, Refused

MESSAGE_LIFETIME, PRESS_LIFETIME = 24 * 3600.0, 150.0
LONGEST_POLL, LARGEST_BATCH = 50.0, 100
OPT_IN = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


@dataclass(frozen=True, slots=True)
class Waiting:
    update: Json
    expires: float

    @property
    def id(self) -> int:
        return int(self.update["update_id"])


class Feed:
    """One queue per bot. Only the newest poller is served; the older one learns of the conflict."""

    def __init__(self, clock: Callable[[], float], first_id: int = 500_000_001) -> None:
        self._clock = clock
        self._ids = itertools.count(first_id)
        self._next_id = first_id
        self._queue: deque[Waiting] = deque()
        self._poller: asyncio.Future[None] | None = None
        self.allowed: frozenset[str] = frozenset()
        self.on_push: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        self._expire()
        return len(self._queue)

    def push(self, kind: str, body: Json) -> int | None:
        """The update's id, or None where the bot did not ask for such updates."""
        if kind not in self.allowed if self.allowed else kind in OPT_IN:
            return None
        number = next(self._ids)
        self._next_id = number + 1
        lifetime = PRESS_LIFETIME if kind == "callback_query" else MESSAGE_LIFETIME
        update = {"update_id": number, kind: body}
        self._queue.append(Waiting(update, self._clock() + lifetime))
        if self._poller and not self._poller.done():
            self._poller.set_result(None)
        self.on_push()
        return number

    def restrict(self, kinds: list[str] | None) -> None:
        """Remembered between calls, as Telegram does; an empty list restores the default."""
        if kinds is not None:
            self.allowed = frozenset(kinds)

    def head(self) -> Json | None:
        self._expire()
        return self._queue[0].update if self._queue else None

    def acknowledge(self, before: int) -> None:
        while self._queue and self._queue[0].id < before:
            self._queue.popleft()

    def drop(self) -> None:
        self._queue.clear()

    async def poll(self, offset: int, limit: int, patience: float) -> list[Json]:
        self.interrupt(
            "terminated by other getUpdates request; "
            "make sure that only one bot instance is running"
        )
        self._settle(offset)
        found = self._batch(limit)
        if found or patience <= 0:
            return found
        mine = self._poller = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait({mine}, timeout=min(patience, LONGEST_POLL))
            if mine.done():
                mine.result()
        finally:
            if self._poller is mine:
                self._poller = None
        return self._batch(limit)

    def interrupt(self, why: str) -> None:
        if self._poller and not self._poller.done():
            self._poller.set_exception(Refused(409, f"Conflict: {why}"))
        self._poller = None

    def release(self) -> None:
        """An open poll returns at once, empty, so that a server can shut down."""
        if self._poller and not self._poller.done():
            self._poller.set_result(None)

    def _settle(self, offset: int) -> None:
        if offset < 0:
            kept = list(itertools.islice(reversed(self._queue), -offset))
            self.acknowledge(kept[-1].id if kept else 0)
        elif offset <= self._next_id:  # one that is too high falls back to the head of the queue
            self.acknowledge(offset)

    def _batch(self, limit: int) -> list[Json]:
        self._expire()
        size = min(max(limit, 1), LARGEST_BATCH)
        return [waiting.update for waiting in itertools.islice(self._queue, size)]

    def _expire(self) -> None:
        now = self._clock()
        if any(waiting.expires <= now for waiting in self._queue):
            self._queue = deque(w for w in self._queue if w.expires > now)
