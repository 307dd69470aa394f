"""Keeps what we send inside Telegram's budgets, one request at a time per chat."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple


class Rate(NamedTuple):
    """So many in any stretch of so many seconds."""

    times: int
    seconds: float


OVERALL: Final = Rate(30, 1.0)
PER_CHAT: Final = Rate(1, 1.0)
PER_GROUP: Final = Rate(20, 60.0)

_SAME_PAUSE_CHATS: Final = 3  # so many chats with one pause within a second mean the whole bot
_SAME_PAUSE_WITHIN: Final = 1.0


class Window:
    """The last so many moments: exact over every stretch, where a bucket may let twice pass."""

    def __init__(self, rate: Rate) -> None:
        self._seconds = rate.seconds
        self._taken: deque[float] = deque(maxlen=rate.times)

    def opens_at(self) -> float:
        """When the next one may go; long ago if any time."""
        if len(self._taken) < (self._taken.maxlen or 0):
            return float("-inf")
        return self._taken[0] + self._seconds

    def take(self, at: float) -> None:
        self._taken.append(at)


class _Chat:
    def __init__(self, rates: tuple[Rate, ...]) -> None:
        self.windows = [Window(rate) for rate in rates]
        self.turn = asyncio.Lock()  # first come, first served
        self.users = 0
        self.held_until = float("-inf")

    def opens_at(self) -> float:
        return max(self.held_until, *(window.opens_at() for window in self.windows))


class Limiter:
    """Every send and edit takes a turn; answers to presses and downloads are free at Telegram."""

    def __init__(
        self,
        time: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        *,
        overall: Rate = OVERALL,
        per_chat: Rate = PER_CHAT,
        per_group: Rate = PER_GROUP,
    ) -> None:
        self._time = time
        self._sleep = sleep
        self._overall = Window(overall)
        self._private, self._group = (per_chat,), (per_chat, per_group)
        self._chats: OrderedDict[int, _Chat] = OrderedDict()  # the longest unused first
        self._refusals: deque[tuple[float, int, float]] = deque(maxlen=100)
        self._all_held_until = float("-inf")

    def __len__(self) -> int:
        return len(self._chats)

    @asynccontextmanager
    async def turn(self, chat_id: int) -> AsyncIterator[None]:
        """Wait until this chat may be written to; its next turn begins after this one ends."""
        chat = self._chats.get(chat_id)
        if chat is None:
            chat = self._chats[chat_id] = _Chat(self._group if chat_id < 0 else self._private)
        chat.users += 1
        try:
            async with chat.turn:
                await self._until(chat.opens_at)
                await self._overall_slot()
                try:
                    yield
                finally:
                    # Counted from the answer: the request reached Telegram before it.
                    for window in chat.windows:
                        window.take(self._time())
        finally:
            chat.users -= 1
            self._chats.move_to_end(chat_id)
            self._forget_idle()

    def hold(self, chat_id: int, seconds: float) -> None:
        """Telegram refused (429): this chat waits, and everybody if several got the same answer."""
        now = self._time()
        if chat_id in self._chats:
            self._chats[chat_id].held_until = now + seconds
        self._refusals.append((now, chat_id, seconds))
        alike = {
            chat
            for at, chat, pause in self._refusals
            if pause == seconds and now - at <= _SAME_PAUSE_WITHIN
        }
        if len(alike) >= _SAME_PAUSE_CHATS:
            self._all_held_until = max(self._all_held_until, now + seconds)

    async def _overall_slot(self) -> None:
        """Reserve the next free moment, so that a thousand waiting chats wake once each."""
        while True:
            await self._until(lambda: self._all_held_until)
            at = max(self._time(), self._overall.opens_at())
            self._overall.take(at)
            await self._sleep_until(at)
            if self._all_held_until <= self._time():
                return

    async def _until(self, moment: Callable[[], float]) -> None:
        """Wait for a moment that may move away meanwhile."""
        while (at := moment()) > self._time():
            await self._sleep_until(at)

    async def _sleep_until(self, at: float) -> None:
        while (left := at - self._time()) > 0:
            await self._sleep(left)

    def _forget_idle(self) -> None:
        """Each turn looks at two of the longest unused, so that idle chats cannot pile up."""
        for chat_id in list(self._oldest(2)):
            chat = self._chats[chat_id]
            if chat.users == 0 and chat.opens_at() <= self._time():
                del self._chats[chat_id]

    def _oldest(self, count: int) -> list[int]:
        return [chat_id for chat_id, _ in zip(self._chats, range(count), strict=False)]
