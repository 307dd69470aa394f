"""Verdicts that people overrule, and late entries that they accept: in chat and in a shell."""

import asyncio
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from core.rows import VerdictRow
from tests.scenario import START, Scenario, a_desk
from tests.test_clocks_of_tickets import rows_of
from tests.test_story import accepted, resolved


def decisions(rows: list[VerdictRow]) -> list[tuple[str, str, str]]:
    return [(row.outcome, row.who, row.why) for row in rows]


async def late_arrival(desk: Scenario) -> str:
    number, engineer = await accepted(desk)
    await desk.time_passes(hours=4)
    await desk.does(engineer, "arrive", number)
    return number


async def test_a_supervisor_turns_a_verdict_round_by_typing_which_and_why(desk: Scenario) -> None:
    number = await late_arrival(desk)
    before = await rows_of(desk, "onsite_arrival")
    await desk.hears("zhao.hong", f"更正判定 {number} 到达现场 门口保安没放行，有登记")
    after = await rows_of(desk, "onsite_arrival")
    assert after[: len(before)] == before
    assert decisions(after[len(before) :]) == [("met", "zhao.hong", "门口保安没放行，有登记")]


async def test_a_pressed_correction_asks_which_and_then_why(desk: Scenario) -> None:
    number = await late_arrival(desk)
    await desk.does("zhao.hong", "correct_verdict", number)
    offered = desk.last("zhao.hong", "ask_choice").choices
    assert "onsite_arrival" in [choice.arg for choice in offered]
    await desk.does("zhao.hong", "correct_verdict", number, "onsite_arrival")
    await desk.hears("zhao.hong", "电梯停运")
    assert decisions(await rows_of(desk, "onsite_arrival"))[-1] == ("met", "zhao.hong", "电梯停运")


async def test_a_correction_is_told_to_quality_and_the_project_manager(desk: Scenario) -> None:
    number = await late_arrival(desk)
    await desk.does("zhao.hong", "correct_verdict", number, "onsite_arrival", "登记为证")
    for who in ("jiang.xue", "qin.yu", "zhao.hong"):
        assert desk.last(who, "verdict_corrected").params["text"] == "登记为证"


async def test_nobody_but_a_supervisor_corrects(desk: Scenario) -> None:
    number, engineer = await resolved(desk)
    for who in (engineer, "wen.ting", "tang.wei", "jiang.xue"):
        outcome = await desk.does(who, "correct_verdict", number, "onsite_arrival", "因为")
        assert outcome.kind == "refused_not_allowed"
    assert len(await rows_of(desk, "onsite_arrival")) == 1


async def test_what_is_not_decided_cannot_be_corrected(desk: Scenario) -> None:
    number, _ = await accepted(desk)
    outcome = await desk.does("zhao.hong", "correct_verdict", number, "onsite_arrival", "因为")
    assert outcome.kind == "refused_missing"


async def test_a_correction_survives_what_happens_later(desk: Scenario) -> None:
    number = await late_arrival(desk)
    await desk.does("zhao.hong", "correct_verdict", number, "onsite_arrival", "登记为证")
    holder = await desk.person("zhao.hong")
    await desk.does("wen.ting", "set_priority", number, "P4")
    await desk.time_passes(days=1)
    last = (await rows_of(desk, "onsite_arrival"))[-1]
    assert (last.outcome, last.who) == ("met", holder.code)


async def test_a_correction_can_be_turned_round_again(desk: Scenario) -> None:
    number = await late_arrival(desk)
    for why in ("登记为证", "登记是假的"):
        await desk.does("zhao.hong", "correct_verdict", number, "onsite_arrival", why)
    assert [row.outcome for row in await rows_of(desk, "onsite_arrival")][-2:] == ["met", "broken"]


# -- late entries that need a supervisor


async def claimed(desk: Scenario) -> str:
    """Arrived within the hour, said five hours later."""
    desk.desk.rules = replace(desk.desk.rules, claims_need_approval=True)
    number, engineer = await accepted(desk)
    said = (desk.moment + timedelta(hours=1)).astimezone(desk.desk.rules.zone)
    await desk.time_passes(hours=5)
    await desk.hears(engineer, f"到达 {number} {said:%H:%M}")
    return number


async def test_the_supervisor_is_asked_with_a_button_that_names_the_step(desk: Scenario) -> None:
    number = await claimed(desk)
    asked = desk.last("zhao.hong", "claim_to_accept")
    (choice,) = asked.choices
    assert (choice.action, choice.ticket) == ("accept_claim", number)
    assert int(choice.arg) == (await desk.journal(number))[-1].seq


async def test_a_typed_word_accepts_a_claim_like_the_button(desk: Scenario) -> None:
    number = await claimed(desk)
    await desk.hears("zhao.hong", f"认可补报 {number}")
    assert decisions(await rows_of(desk, "onsite_arrival"))[-1] == ("met", "zhao.hong", "claim")


async def test_an_engineer_does_not_accept_their_own_claim(desk: Scenario) -> None:
    number = await claimed(desk)
    engineer = (await desk.journal(number))[-1].actor_id
    code = next(p.code for p in await _staff(desk) if p.id == engineer)
    outcome = await desk.does(code or "", "accept_claim", number)
    assert outcome.kind == "refused_not_allowed"


async def _staff(desk: Scenario):
    from core.people import Person

    return await desk.desk.store.read(lambda tx: tx.find(Person))


async def test_an_arrival_within_the_last_minutes_is_no_claim(desk: Scenario) -> None:
    desk.desk.rules = replace(desk.desk.rules, claims_need_approval=True)
    number, engineer = await accepted(desk)
    await desk.time_passes(minutes=20)
    said = (desk.moment - timedelta(minutes=3)).astimezone(desk.desk.rules.zone)
    await desk.hears(engineer, f"到达 {number} {said:%H:%M}")
    assert "claim_to_accept" not in desk.heard("zhao.hong")


# -- in a shell


async def complained_about(desk: Scenario) -> str:
    number = await late_arrival(desk)
    await desk.does("zhao.hong", "complain", number, text="等了四个小时")
    return number


@pytest.fixture(scope="module", params=[late_arrival])
def played(request, tmp_path_factory) -> tuple[Path, str]:
    """The file of a desk on which something was late, and the ticket's number."""
    folder = tmp_path_factory.mktemp("late")

    async def play() -> str:
        async with a_desk(folder) as desk:
            return await request.param(desk)

    number = asyncio.run(play())
    return folder / "desk.db", number


@pytest.fixture
def paidan(tmp_path, played, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(played[0], tmp_path / "desk.db")
    monkeypatch.setattr("bot.main.wall_clock", lambda: START + timedelta(days=1))
    settings = 'database = "sqlite:///desk.db"\n[desk]\nclaims_need_approval = true\n'
    Path("paidan.toml").write_text(settings, "utf-8")

    def invoke(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, words)
        assert result.exit_code == code, result.output
        return result.output

    return invoke


def test_a_verdict_is_corrected_from_a_shell(paidan, played):
    number = played[1]
    paidan("ticket", "correct", number, "onsite_arrival", "--why", "gate log", "--by", "zhao.hong")
    told = paidan("ticket", "why", number, "--lang", "en")
    assert "gate log" in told
    assert "The journal is whole." in told


def test_a_correction_from_a_shell_needs_a_supervisor(paidan, played):
    words = ("ticket", "correct", played[1], "onsite_arrival", "--why", "x", "--by")
    paidan(*words, "wen.ting", code=2)
    assert "nobody" in paidan(*words, "no.one", code=2)


@pytest.mark.parametrize("played", [claimed], indirect=True)
def test_a_late_entry_is_accepted_from_a_shell(paidan, played):
    number = played[1]
    paidan("ticket", "accept-claim", number, "--by", "wen.ting", code=2)
    before = paidan("ticket", "why", number, "--lang", "en")
    told = paidan("ticket", "accept-claim", number, "--by", "zhao.hong")
    assert told == f"The late entry on ticket {number} counts from its own time.\n"
    after = paidan("ticket", "why", number, "--lang", "en")
    kept = "11:01: kept, with 1 hour 59 minutes to spare"
    assert (kept in before, kept in after) == (False, True)


@pytest.mark.parametrize("played", [complained_about], indirect=True)
def test_a_complaint_is_shown_with_its_ticket(paidan, played):
    shown = paidan("ticket", "show", played[1])
    assert "Complaints and deviations" in shown
    assert "等了四个小时" in shown
