"""Ticks: work that takes longer than its interval is nothing to complain about, unless it hangs."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import structlog
from structlog.testing import capture_logs

from bot import schedule
from bot.schedule import Ticker


@pytest.fixture
async def ticker() -> AsyncIterator[Ticker]:
    made = Ticker()
    yield made
    await made.stop()


async def until(times: int, counted: Sequence[object]) -> None:
    async with asyncio.timeout(20):
        while len(counted) < times:  # noqa: ASYNC110 (what is counted rings no bell)
            await asyncio.sleep(0.01)


async def test_work_that_is_not_done_is_neither_doubled_nor_complained_about(
    ticker: Ticker, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[str] = []
    others: list[str] = []
    done = asyncio.Event()

    async def slow() -> None:
        begun.append("slow")
        await done.wait()

    async def quick() -> None:
        others.append("quick")

    ticker.every(0.02, "slow", slow)
    ticker.every(0.05, "quick", quick)
    with capture_logs() as said:
        ticker.start()
        await until(3, others)  # rounds of the slow one have come and gone
        assert begun == ["slow"]
        done.set()
        await until(2, begun)
    assert [line["event"] for line in said if line["event"] != "tick_silent"] == []
    assert caplog.text == ""


async def test_work_that_hangs_is_told_once_and_counts_as_late(
    ticker: Ticker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "LONG", 0.01)
    others: list[str] = []

    async def quick() -> None:
        others.append("quick")

    ticker.every(0.02, "stuck", asyncio.Event().wait)
    ticker.every(0.05, "quick", quick)
    with capture_logs() as said:
        ticker.start()
        await until(4, others)
    assert [line["job"] for line in said if line["event"] == "tick_long"] == ["stuck"]
    assert ticker.age() > 0.05


async def test_work_that_fails_comes_round_again(ticker: Ticker) -> None:
    tried: list[str] = []

    async def broken() -> None:
        tried.append("broken")
        raise ZeroDivisionError

    ticker.every(0.02, "broken", broken)
    with capture_logs(processors=[structlog.processors.format_exc_info]) as said:
        ticker.start()
        await until(2, tried)
    assert {line["event"] for line in said} >= {"tick_failed"}
