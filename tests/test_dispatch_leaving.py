"""Whoever accepted is told when to leave, and the supervisor before it is too late."""

from datetime import datetime, timedelta

from core.dispatch.leaving import ALARM, NUDGE
from tests.scenario import Scenario
from tests.test_story import PAPER, accepted, asked, dispatched


async def alarms(desk: Scenario) -> dict[str, datetime]:
    return {t.kind: t.due_at for t in await desk.pending_timers() if t.kind in {NUDGE, ALARM}}


async def due(desk: Scenario, number: str) -> datetime:
    found = (await desk.ticket(number)).due_at
    assert found is not None
    return found


async def test_the_engineer_is_nudged_before_the_supervisor_and_both_before_the_breach(
    desk: Scenario,
) -> None:
    number, engineer = await accepted(desk)
    planned, deadline = await alarms(desk), await due(desk, number)
    assert desk.moment < planned[NUDGE] < planned[ALARM] < deadline
    await desk.time_passes(seconds=(planned[NUDGE] - desk.moment).total_seconds())
    assert "leave_now" in desk.heard(engineer)
    assert "not_left" not in desk.heard("zhao.hong")
    await desk.time_passes(seconds=(planned[ALARM] - desk.moment).total_seconds())
    assert "not_left" in desk.heard("zhao.hong")


async def test_whoever_is_on_the_way_is_left_in_peace(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.does(engineer, "depart", number)
    assert await alarms(desk) == {}
    await desk.time_passes(hours=3)
    assert "leave_now" not in desk.heard(engineer)
    assert "not_left" not in desk.heard("zhao.hong")


async def test_the_alarm_moves_with_the_deadline(desk: Scenario) -> None:
    number = await dispatched(desk, PAPER)
    await desk.does(await asked(desk, number), "accept", number)
    before, deadline = await alarms(desk), await due(desk, number)
    await desk.does("wen.ting", "set_priority", number, "P1")
    moved = await due(desk, number) - deadline
    assert moved < timedelta()
    assert {kind: at - before[kind] for kind, at in (await alarms(desk)).items()} == {
        NUDGE: moved,
        ALARM: moved,
    }


async def test_who_starts_from_farther_away_is_nudged_earlier(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    near = await alarms(desk)
    await desk.does("wen.ting", "set_site", number, "ZQ-DZ")
    assert (await desk.ticket(number)).site == "ZQ-DZ"
    far, deadline = await alarms(desk), await due(desk, number)
    assert engineer
    assert deadline - far[ALARM] > timedelta(minutes=30)
    assert far[NUDGE] < near[NUDGE] or far[NUDGE] <= desk.moment + timedelta(minutes=2)


async def test_a_job_that_is_taken_away_leaves_no_alarm(desk: Scenario) -> None:
    number, _ = await accepted(desk)
    await desk.does("wen.ting", "cancel", number)
    assert await alarms(desk) == {}
