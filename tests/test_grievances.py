"""Complaints and notices of deviation: records with an owner, an answer and a deadline."""

from datetime import UTC, datetime

import pytest

from core.people import Person
from core.rows import Grievance
from tests.scenario import Scenario
from tests.test_clocks_of_tickets import verdicts
from tests.test_story import accepted, dispatched, resolved

FRIDAY = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)


async def records(desk: Scenario) -> list[Grievance]:
    return await desk.desk.store.read(lambda tx: tx.find(Grievance, order="id"))


async def name_of(desk: Scenario, person_id: int | None) -> str | None:
    found = await desk.desk.store.read(lambda tx: tx.get(Person, person_id or 0))
    return found.code if found else None


async def complained(desk: Scenario) -> str:
    number, _ = await resolved(desk)
    await desk.hears("tang.wei", f"投诉 {number} 工程师 Li 迟到还态度差！")
    return number


async def test_a_typed_complaint_is_a_record_in_its_writers_own_words(desk: Scenario) -> None:
    number = await complained(desk)
    (record,) = await records(desk)
    assert (record.kind, record.text) == ("complaint", "工程师 Li 迟到还态度差！")
    assert record.ticket_id == (await desk.ticket(number)).id


async def test_a_complaint_is_owned_by_quality_and_says_about_whom(desk: Scenario) -> None:
    number = await complained(desk)
    (record,) = await records(desk)
    assert await name_of(desk, record.owner_id) == "jiang.xue"
    assert record.about_id == (await desk.ticket(number)).assignee_id


async def test_quality_and_the_supervisor_hear_of_a_complaint_and_can_answer(
    desk: Scenario,
) -> None:
    await complained(desk)
    for who in ("jiang.xue", "zhao.hong"):
        asked = desk.last(who, "complaint_to_answer")
        assert asked.choices[0].action == "answer_complaint"


async def test_whoever_complains_is_told_until_when_it_will_be_answered(desk: Scenario) -> None:
    await complained(desk)
    told = desk.last("tang.wei", "complaint_received").params["due"]
    # Monday is day 0, so two working days end with Wednesday in Guangzhou.
    assert datetime.fromisoformat(str(told)).astimezone(desk.desk.rules.zone).day == 25


async def test_a_pressed_complaint_asks_for_words_and_the_next_text_is_them(
    desk: Scenario,
) -> None:
    number, _ = await resolved(desk)
    await desk.does("tang.wei", "complain", number)
    assert await records(desk) == []
    await desk.hears("tang.wei", "等了一整天")
    assert [record.text for record in await records(desk)] == ["等了一整天"]


async def test_a_supervisor_registers_what_a_user_said(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    await desk.does("zhao.hong", "complain", number, text="用户来电投诉")
    (record,) = await records(desk)
    assert await name_of(desk, record.person_id) == "tang.wei"
    assert await name_of(desk, record.registered_by) == "zhao.hong"
    assert "complaint_received" in desk.heard("tang.wei")


async def test_the_answer_reaches_whoever_complained_and_stops_the_clock(desk: Scenario) -> None:
    number = await complained(desk)
    await desk.time_passes(hours=3)
    await desk.does("jiang.xue", "answer_complaint", number, text="已批评教育，抱歉")
    assert desk.last("tang.wei", "complaint_answered").params["text"] == "已批评教育，抱歉"
    assert (await verdicts(desk))[("complaint_answer", 1)] == ["met"]
    assert (await records(desk))[0].state == "answered"


async def test_a_complaint_that_nobody_answers_climbs_the_ladder(desk: Scenario) -> None:
    await complained(desk)
    await desk.time_passes(days=4)
    for who, kind in (("jiang.xue", "sla_warning"), ("qin.yu", "sla_breach")):
        told = [x for x in desk.letters(who) if x.params.get("milestone") == "complaint_answer"]
        assert kind in [letter.kind for letter in told]
    assert (await verdicts(desk))[("complaint_answer", 1)] == ["broken"]


async def test_a_warning_about_a_complaint_offers_the_answer(desk: Scenario) -> None:
    await complained(desk)
    await desk.time_passes(days=4)
    warning = next(
        x for x in desk.letters("jiang.xue") if x.params.get("milestone") == "complaint_answer"
    )
    assert [choice.action for choice in warning.choices] == ["acknowledge", "answer_complaint"]


async def test_a_complaint_is_closed_with_its_cause_and_only_once_it_was_answered(
    desk: Scenario,
) -> None:
    number = await complained(desk)
    early = await desk.does("jiang.xue", "close_complaint", number, text="堵车")
    assert early.kind == "refused_missing"
    await desk.does("jiang.xue", "answer_complaint", number, text="抱歉")
    await desk.does("jiang.xue", "close_complaint", number, text="堵车；改派近处工程师")
    (record,) = await records(desk)
    assert (record.state, record.measure) == ("closed", "堵车；改派近处工程师")


async def test_further_words_join_the_open_complaint_and_move_no_deadline(desk: Scenario) -> None:
    number = await complained(desk)
    due = desk.last("tang.wei", "complaint_received").params["due"]
    await desk.time_passes(hours=5)
    await desk.hears("tang.wei", f"投诉 {number} 还收了钱")
    assert desk.last("tang.wei", "complaint_received").params["due"] == due
    (record,) = await records(desk)
    assert record.text.endswith("\n还收了钱")


async def test_a_word_after_closing_goes_to_the_open_complaint_and_reopens_nothing(
    desk: Scenario,
) -> None:
    number = await complained(desk)
    await desk.does("tang.wei", "confirm", number)
    await desk.hears("tang.wei", "另外他没穿工服", thread=number)
    assert (await desk.ticket(number)).status == "closed"
    assert "另外他没穿工服" in (await records(desk))[0].text


async def test_who_is_not_content_with_the_answer_complains_again_with_a_new_deadline(
    desk: Scenario,
) -> None:
    number = await complained(desk)
    await desk.does("jiang.xue", "answer_complaint", number, text="抱歉")
    await desk.does("tang.wei", "confirm", number)
    await desk.time_passes(days=2)
    await desk.hears("tang.wei", f"投诉 {number} 这不算答复")
    first, second = await records(desk)
    assert (first.state, second.state) == ("closed", "open")
    told = desk.last("tang.wei", "complaint_received").params["due"]
    assert datetime.fromisoformat(str(told)) > desk.moment


async def test_a_withdrawn_complaint_is_kept_and_leaves_no_verdict(desk: Scenario) -> None:
    number = await complained(desk)
    await desk.hears("tang.wei", f"撤回投诉 {number}")
    assert [record.state for record in await records(desk)] == ["withdrawn"]
    await desk.time_passes(days=4)
    assert ("complaint_answer", 1) not in await verdicts(desk)
    assert desk.last("jiang.xue", "matter_state").params["state"] == "withdrawn"


async def test_a_serious_complaint_goes_to_the_project_manager(desk: Scenario) -> None:
    number = await complained(desk)
    await desk.does("jiang.xue", "take_complaint", number, "serious")
    assert "complaint_to_answer" in desk.heard("qin.yu")
    assert (await records(desk))[0].severity == "serious"


async def test_a_complaint_about_nothing_that_was_reported_is_a_matter_of_its_own(
    desk: Scenario,
) -> None:
    await desk.hears("xu.lan", "投诉：400电话打了三次都没人接")
    ticket = await desk.latest()
    assert (ticket.kind, ticket.status) == ("complaint", "closed")
    await desk.time_passes(hours=5)
    assert not {"job_offered", "desk_proposal", "sla_breach"} & set(desk.heard("wen.ting"))
    assert [record.ticket_id for record in await records(desk)] == [ticket.id]


async def test_a_complaint_without_a_number_is_about_the_last_ticket(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    await desk.hears("tang.wei", "投诉：等太久了")
    (record,) = await records(desk)
    assert record.ticket_id == (await desk.ticket(number)).id


async def test_a_broken_complaint_system_is_a_fault_and_no_complaint(desk: Scenario) -> None:
    await desk.hears("xu.lan", "投诉系统打不开 天河")
    assert await records(desk) == []
    assert (await desk.latest()).status == "new"


async def test_the_status_tells_how_the_complaint_stands(desk: Scenario) -> None:
    number = await complained(desk)
    await desk.hears("tang.wei", f"状态 {number}")
    assert desk.last("tang.wei", "ticket_status").params["complaint"] == "open"


async def test_the_status_of_all_names_a_closed_ticket_with_an_open_complaint(
    desk: Scenario,
) -> None:
    number = await complained(desk)
    await desk.does("tang.wei", "confirm", number)
    await desk.hears("tang.wei", "状态")
    assert desk.last("tang.wei", "ticket_status").params["number"] == number


async def test_a_stranger_complains_about_nobody_elses_ticket(desk: Scenario) -> None:
    number, _ = await accepted(desk)
    outcome = await desk.hears("xu.lan", f"投诉 {number} 太慢")
    assert outcome.kind == "refused_not_allowed"
    assert await records(desk) == []


@pytest.mark.parametrize("channel", ["mail", "sms"])
async def test_a_complaint_is_taken_on_every_channel(desk: Scenario, channel: str) -> None:
    number = await dispatched(desk)
    await desk.hears("tang.wei", f"complaint {number} too slow")
    await desk.hears("a.stranger", "Complaint: nobody answers the phone", channel=channel)
    assert [record.channel for record in await records(desk)] == ["telegram", channel]


# -- the notice of deviation


async def noticed(desk: Scenario) -> str:
    """The customer's contact writes on a Friday."""
    desk.moment = FRIDAY
    await desk.hears("he.jing", "偏离通知：三家门店连续两周到达超时")
    return (await desk.latest()).number


async def test_the_customers_notice_opens_a_record_and_asks_the_supervisor_for_a_plan(
    desk: Scenario,
) -> None:
    await noticed(desk)
    (record,) = await records(desk)
    assert (record.kind, await name_of(desk, record.owner_id)) == ("deviation", "zhao.hong")
    assert desk.last("zhao.hong", "deviation_to_plan").choices[0].action == "file_plan"


async def test_a_plan_is_due_at_the_end_of_the_fifth_working_day(desk: Scenario) -> None:
    await noticed(desk)
    told = datetime.fromisoformat(str(desk.last("he.jing", "deviation_received").params["due"]))
    assert told.astimezone(desk.desk.rules.zone).date().isoformat() == "2026-12-04"


async def test_reminders_come_on_the_third_fourth_and_fifth_day_and_then_the_breach(
    desk: Scenario,
) -> None:
    await noticed(desk)
    await desk.time_passes(days=10)
    told = [
        letter.kind
        for letter in desk.letters("zhao.hong", "telegram")
        if letter.params.get("milestone") == "deviation_plan"
    ]
    assert told == ["sla_warning"] * 3
    assert [
        letter.kind
        for letter in desk.letters("qin.yu", "telegram")
        if letter.params.get("milestone") == "deviation_plan"
    ] == ["sla_warning", "sla_breach"]


async def test_the_plan_goes_to_the_customer_who_accepts_it(desk: Scenario) -> None:
    number = await noticed(desk)
    await desk.time_passes(days=3)
    await desk.does("zhao.hong", "file_plan", number)
    await desk.hears("zhao.hong", "增派两名工程师驻点")
    plan = desk.last("he.jing", "deviation_planned")
    assert plan.params["text"] == "增派两名工程师驻点"
    assert (await verdicts(desk))[("deviation_plan", 1)] == ["met"]
    await desk.does("he.jing", plan.choices[0].action, number)
    assert [record.state for record in await records(desk)] == ["closed"]


async def test_a_notice_of_deviation_is_the_customers_contact_to_give(desk: Scenario) -> None:
    await desk.hears("xu.lan", "偏离通知：服务太差")
    assert await records(desk) == []
