"""Policies and calendars that change under running tickets: rehearsed, applied, warned once."""

import asyncio
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from core import levels, year_ahead
from core.ports import Tx
from core.rows import OutboxRow
from core.sheet.applying import carry_out, from_desk, plan
from core.sla.national import YearImport
from tests.scenario import START, Scenario, a_desk
from tests.test_clocks_in_use import local, reading, told_of
from tests.test_clocks_of_tickets import rows_of
from tests.test_story import accepted, resolved

ROOT = Path(__file__).parent.parent
POLICY = (ROOT / "core/sla/data/policy.toml").read_text("utf-8")
STRICTER = POLICY.replace('version = "1"', 'version = "strict"').replace(
    'target = "3h"', 'target = "2h"'
)
NOW = START + timedelta(hours=6)


# -- on a database with tickets, from a shell


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> tuple[Path, str, str]:
    """One visit that took two and a half of its three hours, and one that nobody has made yet."""
    folder = tmp_path_factory.mktemp("levels")

    async def play() -> tuple[str, str]:
        async with a_desk(folder) as desk:
            done, engineer = await accepted(desk)
            await desk.time_passes(hours=2, minutes=30)
            await desk.does(engineer, "arrive", done)
            await desk.does(engineer, "resolve", done, "fixed")
            desk.moment = NOW
            return done, (await accepted(desk))[0]

    return (folder / "desk.db", *asyncio.run(play()))


@pytest.fixture
def paidan(tmp_path, played, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(played[0], tmp_path / "desk.db")
    monkeypatch.setattr("bot.main.wall_clock", lambda: NOW + timedelta(minutes=10))
    Path("paidan.toml").write_text('database = "sqlite:///desk.db"\n', "utf-8")
    Path("new.toml").write_text(STRICTER, "utf-8")

    def invoke(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, words)
        assert result.exit_code == code, result.output
        return result.output

    return invoke


def row_with(told: str, *words: str) -> str:
    return next((line for line in told.splitlines() if all(word in line for word in words)), "")


def test_a_rehearsal_prints_each_open_deadline_that_would_move(paidan, played):
    told = paidan("policy", "rehearse", "new.toml")
    row = row_with(told, played[2], "onsite_arrival")
    assert "2026-11-23 19:00" in row
    assert "2026-11-23 18:00" in row


def test_a_rehearsal_prints_each_verdict_that_would_have_differed(paidan, played):
    told = paidan("policy", "rehearse", "new.toml")
    row = row_with(told, played[1], "onsite_arrival")
    assert row.split().count("met") == 1
    assert "broken" in row
    assert "1 verdicts would differ" in told


def test_a_rehearsed_calendar_prints_the_same_two_lists(paidan, played):
    hours = '[[calendars]]\ncode = "field"\ntimezone = "Asia/Shanghai"\nhours = ["mon-fri {}"]'
    Path("calendar.toml").write_text(hours.format("12:00-18:00"), "utf-8")
    told = paidan("calendar", "rehearse", "calendar.toml")
    assert "2026-11-24 13:00" in row_with(told, played[2], "onsite_arrival")


def test_rules_that_compete_or_can_never_decide_are_shown(paidan):
    rule = '\n[[rules]]\nname = "{}"\nclock = "onsite_arrival"\nwhen = {{ {} }}\ntarget = "1h"\n'
    late = STRICTER + rule.format("never", 'zone = "A"')
    rival = rule.format("rival", 'category = "printer"') + '[[rules]]\nname = "A urgent"'
    text = late.replace('[[rules]]\nname = "A urgent"', rival.lstrip(), 1)
    Path("new.toml").write_text(text, "utf-8")
    told = paidan("policy", "apply", "new.toml", "--yes")
    assert "rule 'never': unreachable" in told
    assert "overlap (rival" in told


def test_a_calendar_that_does_not_open_for_400_days_is_refused(paidan):
    """Open on Mondays only, and every Monday of the next 60 weeks is taken away."""
    mondays = [date(2026, 11, 23) + timedelta(weeks=n) for n in range(60)]
    text = "\n".join(
        (
            "[[calendars]]",
            'code = "field"',
            'timezone = "Asia/Shanghai"',
            'hours = ["mon 09:00-10:00"]',
            f"closed = [{', '.join(day.isoformat() for day in mondays)}]",
        )
    )
    Path("calendar.toml").write_text(text, "utf-8")
    assert "no working time in 400 days" in paidan(
        "calendar", "apply", "calendar.toml", "--yes", code=2
    )


def test_a_closure_shows_what_it_moves_before_it_is_made(paidan, played):
    words = ("calendar", "close", "--until", "2026-11-23 20:10", "--reason", "台风", "--yes")
    told = paidan(*words)
    assert "2026-11-23 23:00" in row_with(told, played[2], "onsite_arrival")
    assert "Closed until 2026-11-23 20:10" in told


# -- in the running desk


async def closes(desk: Scenario, **length: float) -> None:
    until = desk.moment + timedelta(**length)
    await desk.desk.store.write(lambda tx: levels.close_now(tx, until, desk.moment, reason="台风"))
    await desk.settle()


async def test_an_emergency_closure_moves_the_deadlines_of_running_tickets(
    desk: Scenario,
) -> None:
    number, _ = await accepted(desk)
    await desk.time_passes(hours=1)
    await closes(desk, hours=4)
    ticket = await desk.ticket(number)
    assert local(desk, ticket.due_at) == "11-23 17:00"
    moved = [step for step in await desk.journal(number) if step.action == "reckon"]
    arrival = next(s.detail for s in moved if s.detail["milestone"] == "onsite_arrival")
    was, due = (datetime.fromisoformat(str(arrival[key])) for key in ("was_due", "due"))
    assert (local(desk, was), local(desk, due)) == ("11-23 13:00", "11-23 17:00")


async def test_a_site_that_comes_into_another_zone_moves_the_deadlines_of_its_tickets(
    desk: Scenario,
) -> None:
    number, _ = await accepted(desk)
    code = (await desk.ticket(number)).site

    def body(tx: Tx) -> None:
        here = from_desk(tx)
        sites = tuple(replace(s, zone="B") if s.code == code else s for s in here.sites)
        carry_out(tx, plan(tx, replace(here, sites=sites), desk.moment), desk.moment)

    before = (await desk.ticket(number)).due_at
    await desk.desk.store.write(body)
    await desk.settle()
    after = (await desk.ticket(number)).due_at
    assert (local(desk, before), local(desk, after)) == ("11-23 13:00", "11-23 11:30")


async def test_a_warning_that_was_sent_is_not_sent_again_after_a_closure(desk: Scenario) -> None:
    """Half of the target was used up and said; then the clock stands for four hours."""
    _, engineer = await accepted(desk)
    await desk.time_passes(hours=1, minutes=40)
    assert told_of(desk, engineer, "onsite_arrival") == ["sla_warning"]
    await closes(desk, hours=4)
    await desk.time_passes(hours=4)
    assert told_of(desk, engineer, "onsite_arrival") == ["sla_warning"]
    await desk.time_passes(hours=2)
    assert told_of(desk, engineer, "onsite_arrival") == ["sla_warning"] * 2 + ["sla_breach"]


async def test_a_deadline_that_comes_nearer_is_warned_of_in_time(desk: Scenario) -> None:
    """The desk works on Sundays from now on: half of the target is used up a day earlier."""
    desk.moment = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)  # a Friday
    number, engineer = await accepted(desk)
    await desk.does(engineer, "arrive", number)
    await desk.does("wen.ting", "set_priority", number, "P3")
    assert local(desk, (await reading(desk, number, "resolution")).reading.due) == "12-02 18:00"
    week = {
        "code": "working_days",
        "timezone": "Asia/Shanghai",
        "hours": ["mon-sun 09:00-18:00"],
    }
    await desk.desk.store.write(lambda tx: levels.save_calendar(tx, week, desk.moment))
    await desk.settle()
    assert local(desk, (await reading(desk, number, "resolution")).reading.due) == "11-30 18:00"
    await desk.time_passes(days=2, hours=3)  # Sunday afternoon
    warnings = await desk.desk.store.read(lambda tx: tx.find(OutboxRow, kind="sla_warning"))
    assert "resolution" in [row.params["milestone"] for row in warnings]


async def test_a_closure_rewrites_no_verdict(desk: Scenario) -> None:
    await resolved(desk)
    before = await rows_of(desk, "onsite_arrival")
    await closes(desk, hours=4)
    assert await rows_of(desk, "onsite_arrival") == before


async def test_a_field_clock_still_wakes_people_after_a_closure(desk: Scenario) -> None:
    await closes(desk, hours=1)
    assert desk.desk.calendars["24x7"].round_the_clock


# -- next year's days


async def warned_of_next_year(desk: Scenario, today: date) -> bool:
    desk.moment = datetime(today.year, today.month, today.day, tzinfo=UTC)  # eight in the morning
    await desk.desk.store.write(lambda tx: year_ahead.plan(tx, desk.desk, desk.moment))
    await desk.time_passes(hours=2)
    return "year_ahead" in desk.heard("zhao.hong")


@pytest.mark.parametrize(
    ("today", "warned"),
    [(date(2026, 11, 14), False), (date(2026, 11, 15), True), (date(2026, 12, 31), True)],
)
async def test_from_15_november_supervisors_hear_daily_that_next_year_is_an_estimate(
    desk: Scenario, today: date, *, warned: bool
) -> None:
    assert await warned_of_next_year(desk, today) is warned


async def test_the_alarm_comes_every_morning_until_the_year_was_imported(desk: Scenario) -> None:
    assert await warned_of_next_year(desk, date(2026, 11, 20))
    await desk.time_passes(days=2)
    heard = desk.heard("zhao.hong").count("year_ahead")
    assert heard == 3

    def bring(tx: Tx) -> None:
        levels.import_year(tx, YearImport(2027, ()), desk.moment)

    await desk.desk.store.write(bring)
    await desk.time_passes(days=3)
    assert desk.heard("zhao.hong").count("year_ahead") == heard
