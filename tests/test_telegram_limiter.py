"""The limiter's promises, in virtual time: the loop jumps to its next deadline."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.telegram.limiter import Limiter

Sent = list[tuple[float, int]]
T = TypeVar("T")


class JumpingSelector(selectors.DefaultSelector):
    """Does not wait for the next deadline but says that it has passed."""

    elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everybody waits and nothing is going to happen"
        self.elapsed += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.selector = JumpingSelector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.elapsed


def in_virtual_time(scene: Callable[[Limiter], Coroutine[Any, Any, T]]) -> T:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(scene(Limiter(loop.time)))
    finally:
        loop.close()


async def send(limiter: Limiter, chat: int, sent: Sent, takes: float = 0.0) -> None:
    async with limiter.turn(chat):
        sent.append((asyncio.get_running_loop().time(), chat))
        await asyncio.sleep(takes)


def schedule(chats: list[int], takes: float = 0.0) -> Sent:
    async def scene(limiter: Limiter) -> Sent:
        sent: Sent = []
        await asyncio.gather(*(send(limiter, chat, sent, takes) for chat in chats))
        return sent

    return in_virtual_time(scene)


def most_within(seconds: float, moments: list[float]) -> int:
    return max(sum(start <= at < start + seconds for at in moments) for start in moments)


def test_a_private_chat_gets_one_message_a_second() -> None:
    assert [at for at, _ in schedule([1] * 4)] == [0, 1, 2, 3]


def test_a_slow_request_counts_from_its_answer() -> None:
    assert [at for at, _ in schedule([1] * 3, takes=0.5)] == [0, 1.5, 3]


def test_a_thousand_chats_share_thirty_a_second() -> None:
    moments = [at for at, _ in schedule(list(range(1, 1001)))]
    assert most_within(1.0, moments) == 30
    assert max(moments) == pytest.approx(33, abs=0.01)


def test_a_group_gets_twenty_a_minute() -> None:
    moments = [at for at, _ in schedule([-100] * 45)]
    assert most_within(60.0, moments) == 20
    assert max(moments) < 125


def test_a_busy_chat_does_not_hold_up_another() -> None:
    sent = schedule([1, 1, 1, 1, 2])
    assert (0, 2) in sent


@settings(max_examples=40, deadline=None)
@given(
    chats=st.lists(st.sampled_from([1, 2, 3, -1, -2]), min_size=1, max_size=60),
    takes=st.sampled_from([0.0, 0.05, 0.4]),
)
def test_no_schedule_breaks_a_budget(chats: list[int], takes: float) -> None:
    sent = schedule(chats, takes)
    assert len(sent) == len(chats)
    assert most_within(1.0, [at for at, _ in sent]) <= 30
    for chat in set(chats):
        mine = [at for at, to in sent if to == chat]
        assert all(later - earlier >= 1 for earlier, later in pairwise(mine))
        assert chat > 0 or most_within(60.0, mine) <= 20


def test_letters_to_one_chat_keep_their_order() -> None:
    async def scene(limiter: Limiter) -> list[int]:
        order: list[int] = []

        async def numbered(number: int) -> None:
            async with limiter.turn(1):
                await asyncio.sleep(0.3 / (number + 1))
                order.append(number)

        await asyncio.gather(*map(numbered, range(6)))
        return order

    assert in_virtual_time(scene) == [0, 1, 2, 3, 4, 5]


async def _refused(limiter: Limiter, chat: int, seconds: float) -> None:
    async with limiter.turn(chat):
        limiter.hold(chat, seconds)


def test_a_429_holds_that_chat_only() -> None:
    async def scene(limiter: Limiter) -> Sent:
        sent: Sent = []
        await _refused(limiter, 6, 20)
        await asyncio.gather(send(limiter, 6, sent), send(limiter, 7, sent))
        return sent

    assert in_virtual_time(scene) == [(0, 7), (20, 6)]


def test_three_chats_with_the_same_pause_hold_everybody() -> None:
    async def scene(limiter: Limiter) -> Sent:
        sent: Sent = []
        for chat in (1, 2, 3):
            await _refused(limiter, chat, 5)
        await send(limiter, 9, sent)
        return sent

    assert in_virtual_time(scene) == [(5, 9)]


@pytest.mark.parametrize(("pauses", "gap"), [((5, 6, 7), 0.0), ((5, 5, 5), 0.8), ((5, 5), 0.0)])
def test_different_or_scattered_pauses_hold_nobody_else(
    pauses: tuple[float, ...], gap: float
) -> None:
    async def scene(limiter: Limiter) -> Sent:
        sent: Sent = []
        for chat, seconds in enumerate(pauses, 1):
            await _refused(limiter, chat, seconds)
            await asyncio.sleep(gap)
        started = asyncio.get_running_loop().time()
        await send(limiter, 9, sent)
        return [(at - started, chat) for at, chat in sent]

    assert in_virtual_time(scene) == [(0, 9)]


def test_idle_chats_are_forgotten() -> None:
    async def scene(limiter: Limiter) -> int:
        for chat in range(1, 2001):
            async with limiter.turn(chat):
                pass
            await asyncio.sleep(0.05)
        return len(limiter)

    assert in_virtual_time(scene) < 60


def test_a_caller_who_gives_up_leaves_the_turn_to_the_next() -> None:
    async def scene(limiter: Limiter) -> Sent:
        sent: Sent = []
        await send(limiter, 1, sent)
        impatient = asyncio.ensure_future(send(limiter, 1, sent))
        patient = asyncio.ensure_future(send(limiter, 1, sent))
        await asyncio.sleep(0.5)
        impatient.cancel()
        await patient
        return sent

    assert [at for at, _ in in_virtual_time(scene)] == [0, 1]


def test_a_failed_request_gives_its_turn_back() -> None:
    async def scene(limiter: Limiter) -> Sent:
        sent: Sent = []
        with pytest.raises(ConnectionError):
            async with limiter.turn(1):
                raise ConnectionError
        await send(limiter, 1, sent)
        return sent

    assert in_virtual_time(scene) == [(1, 1)]
