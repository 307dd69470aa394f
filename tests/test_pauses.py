"""A pause has a reason, evidence and a planned end, and the requester may say that it is none."""

from datetime import datetime, timedelta

import pytest

from core import clocks
from core.in_hand import InHand
from core.people import Address, Person
from core.ports import Tx
from core.sla.errors import WrongPolicy
from core.sla.policy import load, shipped_policy
from core.ticket import Draft, Step, Ticket
from tests.scenario import PHOTO, Scenario
from tests.test_story import accepted


async def arrived(desk: Scenario) -> tuple[str, str]:
    number, engineer = await accepted(desk)
    await desk.does(engineer, "arrive", number)
    return number, engineer


async def pause(desk: Scenario, number: str) -> Step:
    return next(
        s for s in reversed(await desk.journal(number)) if s.to_status.startswith("waiting")
    )


async def waits(desk: Scenario) -> tuple[str, str]:
    number, engineer = await arrived(desk)
    await desk.does(engineer, "wait", number, "user")
    return number, engineer


async def test_a_pause_for_parts_asks_for_evidence_and_a_planned_end(desk: Scenario) -> None:
    number, engineer = await arrived(desk)
    await desk.does(engineer, "wait", number, "parts")
    assert (await desk.ticket(number)).status == "arrived"
    assert desk.last(engineer, "ask_choice").params["asked"] == "pause_evidence_until"
    await desk.hears(engineer, "订单 PO-77，明天 10:00 到货")
    assert (await desk.ticket(number)).status == "waiting_parts"
    detail = (await pause(desk, number)).detail
    assert "PO-77" in str(detail["evidence"])
    until = datetime.fromisoformat(str(detail["until"]))
    assert until.astimezone(desk.desk.rules.zone).strftime("%m-%d %H:%M") == "11-24 10:00"


async def test_what_a_first_answer_lacked_is_asked_and_both_count(desk: Scenario) -> None:
    number, engineer = await arrived(desk)
    await desk.does(engineer, "wait", number, "vendor")
    await desk.hears(engineer, "联想工单 L-5511")
    assert desk.last(engineer, "ask_choice").params["asked"] == "pause_until"
    await desk.hears(engineer, "后天")
    detail = (await pause(desk, number)).detail
    assert "L-5511" in str(detail["evidence"])
    assert datetime.fromisoformat(str(detail["until"])).date().isoformat() == "2026-11-25"
    assert await desk.desk.store.read(lambda tx: tx.count(Draft)) == 0


async def test_a_picture_is_evidence(desk: Scenario) -> None:
    number, engineer = await arrived(desk)
    await desk.does(engineer, "wait", number, "parts")
    await desk.hears(engineer, "明天 15:00", files=(PHOTO,))
    assert "[p.jpg]" in str((await pause(desk, number)).detail["evidence"])


async def test_a_typed_pause_says_it_all_in_one_line(desk: Scenario) -> None:
    number, engineer = await arrived(desk)
    await desk.hears(engineer, f"挂起 {number} 等备件 主板缺货，供应商李工，明天 10:00")
    assert (await desk.ticket(number)).status == "waiting_parts"


async def test_the_result_that_needs_parts_is_a_pause_like_any_other(desk: Scenario) -> None:
    number, engineer = await arrived(desk)
    await desk.does(engineer, "report_unresolved", number, "needs_parts")
    assert (await desk.ticket(number)).status == "arrived"
    await desk.hears(engineer, "电源坏，PO-78，明天 10:00")
    assert (await desk.ticket(number)).status == "waiting_parts"
    await desk.time_passes(days=1)
    assert (await desk.ticket(number)).status == "working"


async def test_a_pause_for_the_user_ends_by_itself_on_the_next_working_day(desk: Scenario) -> None:
    number, _ = await waits(desk)
    await desk.time_passes(days=1, hours=9)
    assert (await desk.ticket(number)).status == "arrived"


async def warned_of_resolution(desk: Scenario) -> int:
    told = [x for who in ("zhao.hong", "wen.ting") for x in desk.letters(who, "telegram")]
    return sum(letter.params.get("milestone") == "resolution" for letter in told)


async def test_a_ladder_stands_still_during_a_pause_and_goes_on_after_it(desk: Scenario) -> None:
    number, engineer = await arrived(desk)
    await desk.does(engineer, "wait", number, "parts", "PO-77 11-27 10:00")
    await desk.time_passes(days=3)
    assert await warned_of_resolution(desk) == 0
    await desk.time_passes(days=2)
    assert await warned_of_resolution(desk) > 0


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ('parts = ["a receipt"]', "pauses.parts: 'a receipt' is none of evidence, until"),
        ('weather = ["until"]', "pauses.weather"),
    ],
)
def test_a_policy_that_asks_for_unknown_things_is_refused(table: str, problem: str) -> None:
    text = f"""
        version = "2"
        valid_from = 2026-03-01
        [pauses]
        {table}
        [clocks.resolution]
        starts = ["report"]
        stops = ["resolve"]
        calendar = "24x7"
        [[rules]]
        clock = "resolution"
        target = "1h"
    """
    with pytest.raises(WrongPolicy) as refused:
        load(text)
    assert any(problem in line for line in refused.value.problems)


def test_the_shipped_policy_asks_for_evidence_where_others_keep_us_waiting() -> None:
    needs = shipped_policy().pauses
    assert {reason for reason in needs if "evidence" in needs[reason]} == {"parts", "vendor"}


# -- "you are not waiting for me"


async def test_the_requester_ends_a_pause_with_a_button_and_it_is_flagged(desk: Scenario) -> None:
    number, engineer = await waits(desk)
    (choice,) = desk.last("tang.wei", "waiting_for_you").choices
    await desk.does("tang.wei", choice.action, number, choice.arg)
    step = (await desk.journal(number))[-1]
    assert (step.action, step.to_status, step.detail["flagged"]) == ("resume", "arrived", True)
    assert "not_waiting_for_me" in desk.heard("wen.ting")
    assert "job_moved" in desk.heard(engineer)


async def test_the_requester_ends_a_pause_by_text_message(desk: Scenario) -> None:
    def only_by_phone(tx: Tx) -> Address:
        person = tx.first(Person, code="tang.wei")
        assert person is not None
        tx.delete(Address, person_id=person.id)
        return tx.insert(
            Address(
                person_id=person.id,
                channel="sms",
                value="+8613900000212",
                verified_at=desk.moment,
            )
        )

    number, engineer = await arrived(desk)
    await desk.desk.store.write(only_by_phone)
    await desk.does(engineer, "wait", number, "user")
    await desk.time_passes(minutes=1)
    assert desk.heard("+8613900000212", "sms")[-1] == "waiting_for_you"
    await desk.hears("+8613900000212", "1", channel="sms")
    step = (await desk.journal(number))[-1]
    assert (step.action, step.detail.get("flagged")) == ("resume", True)


async def test_a_pause_that_waits_for_others_is_not_the_requesters_to_end(desk: Scenario) -> None:
    number, engineer = await arrived(desk)
    await desk.does(engineer, "wait", number, "parts", "PO-77 明天 10:00")
    outcome = await desk.does("tang.wei", "resume", number)
    assert outcome.kind == "refused_illegal_move"
    assert (await desk.ticket(number)).status == "waiting_parts"


async def test_an_answer_of_the_requester_ends_the_pause_without_a_flag(desk: Scenario) -> None:
    number, _ = await waits(desk)
    await desk.time_passes(minutes=5)
    await desk.hears("tang.wei", "密码已经改好了", thread=number)
    step = next(s for s in reversed(await desk.journal(number)) if s.action == "resume")
    assert "flagged" not in step.detail


async def test_paused_time_is_not_spent(desk: Scenario) -> None:
    number, _ = await waits(desk)
    await desk.time_passes(hours=2)
    await desk.does("tang.wei", "resume", number, "not_me")

    def spent(tx: Tx) -> timedelta:
        ticket = tx.first(Ticket, number=number)
        assert ticket is not None
        hand = InHand(tx, desk.desk, ticket, now=desk.moment)
        return next(c.reading.spent for c in clocks.readings(hand) if c.milestone == "resolution")

    assert await desk.desk.store.read(spent) < timedelta(minutes=5)
