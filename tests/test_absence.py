"""Whoever is away keeps no job, and whoever waits for a visit is told."""

from datetime import datetime, timedelta

import pytest

from core import absence
from core.errors import Missing
from core.people import RotaRow
from core.rows import TimerRow
from core.ticket import Offer
from tests.scenario import Scenario
from tests.test_story import accepted, asked, dispatched


async def test_who_falls_ill_hands_on_every_job_with_one_line(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.asks(engineer, "leave")
    ticket = await desk.ticket(number)
    assert (ticket.status, ticket.assignee_id) == ("dispatched", None)
    assert await asked(desk, number) != engineer
    assert "visit_changed" in desk.heard("tang.wei")
    assert "leave_told" in desk.heard("zhao.hong")
    assert desk.last(engineer, "leave_kept").params["jobs"] == 1


async def test_what_was_only_offered_is_offered_to_somebody_else(desk: Scenario) -> None:
    number = await dispatched(desk)
    engineer = await asked(desk, number)
    await desk.asks(engineer, "leave", "today")
    assert await asked(desk, number) != engineer
    assert "visit_changed" not in desk.heard("tang.wei")


async def test_leave_that_starts_tomorrow_keeps_todays_jobs(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.asks(engineer, "leave", "2026-11-24 2026-11-26")
    assert (await desk.ticket(number)).status == "accepted"
    await desk.time_passes(hours=15)
    assert (await desk.ticket(number)).assignee_id is None


async def test_who_covers_is_asked_first(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.asks("zhao.hong", "cover", f"luo.wenbo {engineer} today")
    await desk.asks(engineer, "leave")
    assert await asked(desk, number) == "luo.wenbo"
    assert "cover_kept" in desk.heard("luo.wenbo")


async def test_the_same_leave_twice_is_one(desk: Scenario) -> None:
    for _ in range(2):
        await desk.time_passes(minutes=1)
        await desk.asks("zhou.min", "leave", "today")
    rows = await desk.desk.store.read(lambda tx: tx.find(RotaRow, person_code="zhou.min"))
    assert len([row for row in rows if row.ends > desk.moment]) == 1


async def test_nobody_sends_somebody_else_on_leave(desk: Scenario) -> None:
    outcome = await desk.asks("zhou.min", "leave", "li.wei today")
    assert outcome.refused
    assert not (await desk.asks("zhao.hong", "leave", "li.wei today")).refused


async def test_a_claimed_sender_changes_no_rota(desk: Scenario) -> None:
    assert (await desk.asks("zhou.min", "leave", "today", trust="claimed")).refused


@pytest.mark.parametrize("said", ["2026-13-40", "whenever", "2026-11-26 2026-11-24", "2020-01-01"])
async def test_days_that_cannot_be_meant_are_refused(desk: Scenario, said: str) -> None:
    with pytest.raises(Missing):
        absence.read_days(said.split(), desk.desk, desk.moment)


async def test_the_supervisor_hears_ahead_that_a_resident_site_has_nobody(desk: Scenario) -> None:
    await desk.desk.store.write(lambda tx: absence.plan(tx, desk.desk, desk.moment))
    await desk.asks("li.wei", "leave", "2026-11-25")
    gap = desk.last("zhao.hong", "duty_gap")
    assert str(gap.params["starts"]).startswith("2026-11-25")


async def test_a_cover_closes_the_gap(desk: Scenario) -> None:
    await desk.asks("luo.wenbo", "cover", "li.wei 2026-11-25")
    await desk.asks("li.wei", "leave", "2026-11-25")
    book = await desk.desk.store.read(desk.desk.register.open)
    assert absence.gaps_ahead(book, desk.desk, desk.moment) == []


async def test_leave_and_an_answer_at_once_never_leave_the_job_with_who_is_away(
    desk: Scenario,
) -> None:
    number = await dispatched(desk)
    engineer = await asked(desk, number)
    await desk.does(engineer, "accept", number)
    await desk.asks(engineer, "leave")
    await desk.time_passes(hours=3)
    offers = await desk.desk.store.read(lambda tx: tx.find(Offer, state="open"))
    person = await desk.person(engineer)
    assert person.id not in {offer.person_id for offer in offers}
    timers = await desk.desk.store.read(lambda tx: tx.find(TimerRow, kind=absence.HAND_ON))
    assert {timer.state for timer in timers} == {"fired"}


async def on_duty(desk: Scenario, code: str, wall: str) -> bool:
    at = desk.desk.calendars["resident"].at(datetime.fromisoformat(wall))
    book = await desk.desk.store.read(desk.desk.register.open)
    return (
        book.rota_between(at - timedelta(days=2), at + timedelta(days=2)).duty(code, at) is not None
    )


@pytest.mark.parametrize(
    ("wall", "there"),
    [
        ("2026-09-30 08:49", False),
        ("2026-09-30 08:51", True),  # ten minutes before the customer opens
        ("2026-09-30 18:09", True),
        ("2026-09-30 18:11", False),
        ("2026-10-01 10:00", False),  # National Day
        ("2026-10-10 10:00", True),  # a Saturday on which the customer works
        ("2026-10-17 10:00", False),
    ],
)
async def test_a_resident_works_the_customers_hours_and_holidays(
    desk: Scenario, wall: str, there: bool
) -> None:
    assert await on_duty(desk, "li.wei", wall) is there
