"""The page's clock: every deadline on the way fires at its own moment, and nobody waits for it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from bot.trial.desk import TrialClock, TrialProgram
from channels.telegram.limiter import Limiter
from core.ports import Tx
from core.rows import TimerRow

PATIENCE = 40.0  # seconds, on a machine that is busy with other tests
MOST_LATE = timedelta(seconds=5)  # a stop takes a moment itself


@pytest.fixture
async def unanswered(tmp_path: Path) -> AsyncIterator[TrialProgram]:
    """A trial in which somebody has reported, and no engineer will look at the telephone."""
    async with TrialProgram(tmp_path) as trial:
        user = trial.api.people[trial.world.people[0].telegram_id]
        user.says("打印机卡纸 三楼财务")
        await user.hears(timeout=PATIENCE)
        yield trial


async def fired(trial: TrialProgram) -> list[TimerRow]:
    return await trial.program.store.read(
        lambda tx: tx.find(TimerRow, order="fired_at", state="fired")
    )


async def test_the_way_through_time_stops_at_every_deadline(unanswered: TrialProgram) -> None:
    began = unanswered.world.now()
    async with asyncio.timeout(PATIENCE):
        await unanswered.world.advance(timedelta(hours=2))
    assert unanswered.world.now() - began >= timedelta(hours=2)
    deadlines = [timer for timer in await fired(unanswered) if timer.due_at >= began]
    assert {"settle", "offer_remind", "offer_expire", "offer_supervisor", "clock"} <= {
        timer.kind for timer in deadlines
    }
    late = [t for t in deadlines if t.fired_at is None or t.fired_at - t.due_at > MOST_LATE]
    assert late == []

    def overdue(tx: Tx) -> object:
        return tx.ask("timer_lag", now=unanswered.world.now())[0]["many"]

    assert await unanswered.program.store.read(overdue) == 0


async def test_a_carriers_budget_costs_desk_time_while_time_is_moved() -> None:
    clock = TrialClock()
    limiter = Limiter(clock.pace, clock.sleep)
    clock.moving = True
    began, at = monotonic(), clock.now()
    for _ in range(10):  # one a second in one chat
        async with limiter.turn(1):
            pass
    assert clock.now() - at >= timedelta(seconds=9)
    assert monotonic() - began < 2


async def test_the_program_keeps_to_the_budget_it_was_given(unanswered: TrialProgram) -> None:
    assert len(unanswered.limiter) > 0  # an idle one counts as false
    before = unanswered.clock.offset
    unanswered.clock.moving = True
    for _ in range(2):
        async with unanswered.limiter.turn(1):
            pass
    assert unanswered.clock.offset > before
