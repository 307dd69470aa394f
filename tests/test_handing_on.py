"""A job changes hands: with a button or a typed word, and whoever is concerned is told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot import cards
from core.messages import Choice
from core.people import Person, Site
from core.ports import Tx
from core.register import CHANGES
from core.requests import Outcome
from core.ticket import Offer, Ticket
from tests.scenario import Scenario
from tests.test_emergency import declared, reported
from tests.test_story import accepted, asked, dispatched, resolved

ROADS = ("button", "word")
WORDS = {
    "hand_over": "转交",
    "reassign": "改派",
    "add_engineer": "加派",
    "start_phone": "我来处理",
    "declare_emergency": "启动应急",
    "stand_down": "解除应急",
}
roads = pytest.mark.parametrize("road", ROADS)


async def acts(
    desk: Scenario, road: str, who: str, action: str, number: str, arg: str = "", note: str = ""
) -> Outcome:
    if road == "button":
        return await desk.does(who, action, number, arg, note)
    said = " ".join(part for part in (WORDS[action], number, arg, note) if part)
    return await desk.hears(who, said)


async def offered(desk: Scenario, who: str, audience: str, number: str) -> set[str]:
    """Actions whose buttons a card shows to somebody."""

    def read(tx: Tx) -> Sequence[Choice]:
        person = tx.first(Person, code=who)
        assert person is not None
        found = desk.desk.register.open(tx)
        assert found
        ticket = next(t for t in tx.find(type(kept)) if t.number == number)
        return cards.card_choices(cards.view(tx, desk.desk, ticket, person), audience)

    kept = await desk.ticket(number)
    return {choice.action for choice in await desk.desk.store.read(read)}


# -- handing over


@roads
async def test_a_job_is_handed_to_a_colleague_with_a_note(desk: Scenario, road: str) -> None:
    number, engineer = await accepted(desk)
    await acts(desk, road, engineer, "hand_over", number, "huang.junjie", "主机已拆，差电源")
    assert await asked(desk, number) == "huang.junjie"
    note = desk.last("huang.junjie", "hand_over_note")
    assert note.params["text"] == "主机已拆，差电源"
    assert "visit_changed" in desk.heard("tang.wei")


async def test_a_press_asks_for_a_name_and_words_before_it_are_the_note(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.does(engineer, "hand_over", number)
    names = {choice.arg for choice in desk.last(engineer, "ask_choice").choices}
    assert engineer not in names
    assert "next" in names
    assert (await desk.ticket(number)).status == "accepted"
    await desk.hears(engineer, "备件在前台")
    await desk.does(engineer, "hand_over", number, "next")
    successor = await asked(desk, number)
    assert successor != engineer
    assert desk.last(successor, "hand_over_note").params["text"] == "备件在前台"


async def test_who_asked_to_hand_over_and_says_nothing_keeps_the_job(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    person = await desk.person(engineer)
    await desk.does(engineer, "hand_over", number)
    assert (await desk.ticket(number)).assignee_id == person.id


@pytest.mark.parametrize("to", ["next", "huang.junjie"])
async def test_the_supervisor_hears_when_nobody_accepts_what_was_handed_over(
    desk: Scenario, to: str
) -> None:
    number, engineer = await accepted(desk)
    await desk.time_passes(hours=1)
    await desk.does(engineer, "hand_over", number, to)
    before = desk.heard("zhao.hong").count("nobody_accepts")
    await desk.time_passes(minutes=11)
    assert (before, desk.heard("zhao.hong").count("nobody_accepts")) == (0, 1)
    assert desk.last("zhao.hong", "nobody_accepts").params["minutes"] == 10


# -- the dispatcher's own ways


@roads
async def test_the_desk_gives_the_job_to_somebody_else(desk: Scenario, road: str) -> None:
    number, engineer = await accepted(desk)
    await acts(desk, road, "wen.ting", "reassign", number, "huang.junjie")
    assert await asked(desk, number) == "huang.junjie"
    assert "job_handed_over" in desk.heard(engineer)


@roads
async def test_a_second_engineer_is_sent_and_the_first_keeps_the_job(
    desk: Scenario, road: str
) -> None:
    number, _ = await accepted(desk)
    holder = (await desk.ticket(number)).assignee_id
    await acts(desk, road, "zhao.hong", "add_engineer", number, "huang.junjie")
    assert "job_assigned" in desk.heard("huang.junjie")
    assert (await desk.ticket(number)).assignee_id == holder


@roads
async def test_a_dispatcher_takes_it_and_who_was_asked_is_told(desk: Scenario, road: str) -> None:
    number = await dispatched(desk)
    engineer = await asked(desk, number)
    await acts(desk, road, "wen.ting", "start_phone", number)
    ticket, agent = await desk.ticket(number), await desk.person("wen.ting")
    assert (ticket.status, ticket.assignee_id) == ("in_phone", agent.id)
    assert "offer_taken" in desk.heard(engineer)
    assert await desk.desk.store.read(lambda tx: tx.count(Offer, state="open")) == 0
    assert "remote_assigned" in desk.heard("tang.wei")


async def test_the_desk_card_offers_all_of_it(desk: Scenario) -> None:
    number = await dispatched(desk)
    shown = await offered(desk, "wen.ting", "desk", number)
    assert {"start_phone", "reassign", "add_engineer", "declare_emergency"} <= shown


# -- too late to be in time


async def handed_on_late(desk: Scenario) -> str:
    """A job whose deadline has passed when somebody else is asked to take it."""
    number, _ = await accepted(desk)
    await desk.time_passes(hours=8)
    await desk.does("wen.ting", "reassign", number, "huang.junjie")
    return number


async def test_a_late_offer_does_not_ask_to_be_there_in_the_past(desk: Scenario) -> None:
    number = await handed_on_late(desk)
    due = (await desk.ticket(number)).due_at
    assert due is not None
    assert due < desk.moment
    offer = desk.last("huang.junjie", "job_offered")
    assert (offer.params.get("due"), offer.params["overdue"]) == (None, due.isoformat())


@pytest.mark.parametrize(("language", "said"), [("zh_CN", "已过"), ("en", "that has passed")])
async def test_the_card_of_a_late_offer_says_that_its_time_has_passed(
    desk: Scenario, language: str, said: str
) -> None:
    number = await handed_on_late(desk)

    def draw(tx: Tx) -> cards.View:
        person, ticket = tx.first(Person, code="huang.junjie"), tx.first(Ticket, number=number)
        assert person is not None
        assert ticket is not None
        return cards.view(tx, desk.desk, ticket, replace(person, language=language))

    seen = await desk.desk.store.read(draw)
    assert said in cards.card(seen, "engineer", b"key").html
    assert said not in cards.card(replace(seen, overdue=False), "engineer", b"key").html


async def test_the_status_of_a_late_job_promises_nothing_in_the_past(desk: Scenario) -> None:
    number, _ = await accepted(desk)
    due = (await desk.ticket(number)).due_at
    assert due is not None
    told = []
    for _ in range(2):
        await desk.hears("tang.wei", f"状态 {number}")
        params = desk.last("tang.wei", "ticket_status").params
        told.append((params.get("due"), params.get("overdue")))
        await desk.time_passes(hours=8)
    assert told == [(due.isoformat(), None), (None, due.isoformat())]


async def test_nobody_is_said_to_be_awaited_in_the_past_when_nobody_accepts(
    desk: Scenario,
) -> None:
    number = await handed_on_late(desk)
    await desk.time_passes(minutes=11)
    due = (await desk.ticket(number)).due_at
    assert due is not None
    told = desk.last("zhao.hong", "nobody_accepts")
    assert (told.params.get("due"), told.params["overdue"]) == (None, due.isoformat())


async def test_the_requester_of_a_late_job_is_promised_no_time_in_the_past(desk: Scenario) -> None:
    number = await handed_on_late(desk)
    await desk.does("huang.junjie", "accept", number)
    assert desk.last("tang.wei", "engineer_assigned").params.get("due") is None


# -- everybody at once


@roads
async def test_an_emergency_is_declared_and_stood_down(desk: Scenario, road: str) -> None:
    first, *_ = await reported(desk, "xu.lan", "feng.lei", "pan.yue")
    await acts(desk, road, "wen.ting", "declare_emergency", first.number)
    assert (await desk.ticket(first.number)).emergency
    await acts(desk, road, "zhao.hong", "stand_down", first.number)
    assert not (await desk.ticket(first.number)).emergency
    assert "emergency_report" in desk.heard("qin.yu")


async def test_the_cards_offer_what_fits_declaring_or_standing_down(desk: Scenario) -> None:
    first, *_ = await reported(desk, "xu.lan", "feng.lei", "pan.yue")
    for who, audience in (("wen.ting", "desk"), ("zhao.hong", "supervisor")):
        shown = await offered(desk, who, audience, first.number)
        assert "declare_emergency" in shown
        assert "stand_down" not in shown
    await desk.does("zhao.hong", "declare_emergency", first.number)
    for who, audience in (("wen.ting", "desk"), ("zhao.hong", "supervisor")):
        shown = await offered(desk, who, audience, first.number)
        assert "declare_emergency" not in shown
        assert "stand_down" in shown


@pytest.mark.parametrize("road", ROADS)
async def test_of_all_who_are_asked_at_once_the_first_has_it(desk: Scenario, road: str) -> None:
    first, _ = await declared(desk)
    open_offers = await desk.desk.store.read(
        lambda tx: tx.find(Offer, ticket_id=first.id, state="open")
    )
    book = await desk.desk.store.read(desk.desk.register.open)
    winner, loser = (str(book.staff[offer.person_id].code) for offer in open_offers[:2])
    for who in (winner, loser):
        if road == "button":
            await desk.does(who, "accept", first.number)
        else:
            await desk.hears(who, f"接单 {first.number}")
    ticket = await desk.ticket(first.number)
    assert ticket.assignee_id == (await desk.person(winner)).id
    assert "offer_taken" in desk.heard(loser)


# -- one matter, one clock


async def test_a_linked_report_warns_nobody_and_its_matter_does(desk: Scenario) -> None:
    first, others = await declared(desk)
    await desk.time_passes(hours=6)
    warned = {letter.ticket for letter in desk.letters("zhao.hong") if "sla_" in letter.kind}
    assert first.number in warned
    assert warned.isdisjoint({other.number for other in others})


async def test_a_cancelled_matter_lets_its_reports_go(desk: Scenario) -> None:
    first, others = await declared(desk)
    await desk.does("wen.ting", "cancel", first.number, text="误报")
    await desk.time_passes(seconds=1)
    for other in others:
        ticket = await desk.ticket(other.number)
        assert (ticket.duplicate_of, ticket.status) == (None, "dispatched")


# -- papers at the door


async def test_who_has_no_valid_pass_is_not_asked_and_why_says_so(desk: Scenario) -> None:
    number = await dispatched(desk)
    engineer = await asked(desk, number)
    expired = desk.moment - timedelta(days=1)

    def close_the_gate(tx: Tx) -> None:
        site = tx.get(Site, "ZH-XZ")
        person = tx.first(Person, code=engineer)
        assert site is not None
        assert person is not None
        tx.put(replace(site, needs_pass=True))
        tx.update(person, pass_until=expired)
        tx.next(CHANGES)

    await desk.desk.store.write(close_the_gate)
    await desk.does("wen.ting", "cancel", number)
    number = await dispatched(desk)
    assert await asked(desk, number) != engineer
    offers = await desk.desk.store.read(lambda tx: tx.find(Offer, order="-id", limit=1))
    assert offers[0].passed_over[engineer] == "no_pass"
    await desk.hears("zhao.hong", f"/why {number}")


async def test_an_expired_agreement_keeps_an_engineer_away(desk: Scenario) -> None:
    number = await dispatched(desk)
    engineer = await asked(desk, number)

    def expire(tx: Tx) -> None:
        person = tx.first(Person, code=engineer)
        assert person is not None
        tx.update(person, nda_until=desk.moment - timedelta(days=1))
        tx.next(CHANGES)

    await desk.desk.store.write(expire)
    await desk.does("wen.ting", "cancel", number)
    number = await dispatched(desk)
    assert await asked(desk, number) != engineer


async def test_a_desk_that_keeps_no_agreements_dispatches_all_the_same(desk: Scenario) -> None:
    def forget(tx: Tx) -> None:
        tx.update_where(Person, {"active": True}, nda_until=None)
        tx.next(CHANGES)

    await desk.desk.store.write(forget)
    assert await asked(desk, await dispatched(desk))


async def test_nothing_is_left_of_a_matter_that_was_solved(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    assert "stand_down" not in await offered(desk, "wen.ting", "desk", number)
