"""The nine promises of the design. What each holds through a kill stands in tests/test_crash.py."""

from importlib.resources import files

from core import work
from core.actions import ACTIONS, typed_words
from core.errors import Undeliverable
from core.in_hand import Actor
from core.lifecycle import Action
from core.people import Address, Person
from core.requests import Request
from core.rows import VerdictRow
from core.sla.calendars import calendar_of
from core.sla.policy import load
from core.sla.verdict import Outcome
from core.ticket import Offer, Step, broken_link
from core.verdicts import correct
from core.words import moment, say
from tests.scenario import Scenario
from tests.test_story import PAPER, accepted, asked, dispatched, resolved


async def test_1_one_message_is_a_report(desk: Scenario) -> None:
    await desk.hears("xu.lan", PAPER)
    assert [ticket.symptom for ticket in await desk.tickets()] == [PAPER]


async def test_1_what_is_missing_is_asked_once_with_buttons(desk: Scenario) -> None:
    await desk.hears("stranger", "收银机开不了机")
    await desk.hears("stranger", "还是黑屏")
    asks = [letter for letter in desk.letters("stranger") if letter.kind == "ask_site"]
    assert len(asks) == 1
    assert len(asks[0].choices) > 1


async def test_2_nothing_happens_twice(desk: Scenario) -> None:
    number = await dispatched(desk)
    engineer = await asked(desk, number)
    for _ in range(3):
        await desk.does(engineer, "accept", number)
    assert [step.action for step in await desk.journal(number)].count("accept") == 1
    assert desk.heard("tang.wei").count("engineer_assigned") == 1


async def warnings_of(desk: Scenario, number: str) -> list[Step]:
    return [step for step in await desk.journal(number) if step.action == "warn"]


async def test_3_every_promise_that_breaks_was_warned_of_before(desk: Scenario) -> None:
    number = await dispatched(desk)
    await desk.time_passes(hours=6)
    told = await warnings_of(desk, number)
    broken = {str(step.detail["milestone"]) for step in told if step.detail["alarm"] == "breach"}
    first = {str(step.detail["milestone"]): str(step.detail["alarm"]) for step in reversed(told)}
    assert {"phone_answer", "onsite_arrival"} <= broken
    assert "breach" not in {first[milestone] for milestone in broken}


async def test_3_a_warning_comes_while_something_can_still_be_done(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    due = (await desk.ticket(number)).due_at
    assert due is not None
    while "sla_warning" not in desk.heard(engineer):
        await desk.time_passes(minutes=1)
    assert desk.moment < due


async def test_3_whoever_hears_is_somebody_who_can_act(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.time_passes(hours=6)
    told = [str(step.detail["told"]).split() for step in await warnings_of(desk, number)]
    heard = {code for codes in told for code in codes}
    people = [await desk.person(code) for code in heard]
    assert all(person.is_staff for person in people)
    assert {engineer, "zhao.hong"} <= heard


async def test_4_one_engineer_wins_and_the_others_are_told_who(desk: Scenario) -> None:
    number = await dispatched(desk)
    first = await asked(desk, number)
    await desk.time_passes(minutes=7)
    second = await asked(desk, number)
    await desk.does(second, "accept", number)
    outcome = await desk.does(first, "accept", number)
    winner = await desk.person(second)
    assert (outcome.kind, outcome.params["by"]) == ("refused_taken", winner.name)


async def test_4_silence_is_never_acceptance(desk: Scenario) -> None:
    number = await dispatched(desk)
    await desk.time_passes(hours=12)
    assert (await desk.ticket(number)).assignee_id is None


async def test_5_a_word_and_a_button_are_the_same_action(desk: Scenario) -> None:
    number = await dispatched(desk)
    engineer = await asked(desk, number)
    await desk.hears(engineer, f"接单 {number}")
    assert (await desk.ticket(number)).status == "accepted"


async def test_5_a_digit_is_the_same_action(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    await desk.hears("tang.wei", "1")
    assert (await desk.ticket(number)).status == "closed"


def test_5_every_word_leads_to_an_action_of_the_table() -> None:
    assert set(typed_words().values()) <= set(ACTIONS)


async def test_6_nobody_is_asked_for_what_the_desk_knows(desk: Scenario) -> None:
    await desk.hears("tang.wei", "收银机开不了机")
    assert "ask_site" not in desk.heard("tang.wei")


async def test_6_an_answer_counts_for_the_next_report(desk: Scenario) -> None:
    await desk.hears("stranger", "收银机开不了机")
    first = await desk.latest()
    address = await desk.desk.store.read(lambda tx: tx.first(Address, value="stranger"))
    assert address is not None
    person = await desk.desk.store.read(lambda tx: tx.get(Person, address.person_id))
    by = Actor(person=person, role="requester", channel="telegram")
    answer = Request(action=Action.SET_SITE, number=first.number, arg="ZH-XZ")
    await work.act(desk.desk, answer, by)
    await desk.time_passes(hours=5)
    await desk.hears("stranger", "打印机卡纸", detail={"new": "yes"})
    assert desk.heard("stranger").count("ask_site") == 1


async def test_6_nobody_is_asked_by_mail_for_what_was_said_in_the_chat(desk: Scenario) -> None:
    person = await desk.person("xu.lan")
    await desk.desk.store.write(lambda tx: tx.update(person, site=None))
    await desk.hears("xu.lan", "收银机开不了机")
    first = await desk.latest()
    await desk.does("xu.lan", "set_site", first.number, "ZH-XZ")
    await desk.time_passes(hours=5)
    await desk.hears("xu.lan@example.com", "打印机卡纸", channel="mail", subject="打印机")
    assert ((await desk.latest()).origin, (await desk.latest()).site) == ("mail", "ZH-XZ")
    assert "ask_site" not in desk.heard("xu.lan@example.com", "mail")


async def why(desk: Scenario, who: str, number: str, language: str = "zh_CN") -> str:
    """What `/why NUMBER` answers, in the words that the chat shows."""
    before = len(desk.letters(who))
    await desk.asks(who, "why", number)
    told = [letter for letter in desk.letters(who)[before:] if letter.kind == "story"]
    return "\n".join(say("story", letter.params, language=language) for letter in told)


async def test_7_why_this_engineer(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    ticket = await desk.ticket(number)
    offer = await desk.desk.store.read(lambda tx: tx.first(Offer, ticket_id=ticket.id))
    assert offer is not None
    told = await why(desk, "zhao.hong", number)
    assert (await desk.person(engineer)).name in told
    best = max(offer.score, key=lambda part: abs(float(str(offer.score[part]))))
    assert say(f"term.part.{best}", {}) in told
    for objection in set(offer.passed_over.values()):
        assert say(f"term.objection.{objection}", {}) in told


async def test_7_why_this_deadline(desk: Scenario) -> None:
    number, _ = await accepted(desk)
    ticket = await desk.ticket(number)
    assert ticket.due_at is not None
    told = await why(desk, "zhao.hong", number)
    assert say("term.milestone.onsite_arrival", {}) in told
    assert moment(ticket.due_at) in told


async def test_7_why_this_ticket(desk: Scenario) -> None:
    number = await dispatched(desk)
    await desk.hears("tang.wei", "客人还在等")
    journal = await desk.journal(number)
    added = next(step for step in journal if step.action == "add")
    told = await why(desk, "zhao.hong", number)
    assert str(journal[0].detail["words"]) in told
    assert "客人还在等" in told
    assert say(f"term.why.{added.detail['why']}", {}) in told


async def test_7_a_stranger_is_not_told_why(desk: Scenario) -> None:
    number = await dispatched(desk)
    assert await why(desk, "xu.lan", number) == ""


async def verdicts(desk: Scenario) -> list[VerdictRow]:
    return await desk.desk.store.read(lambda tx: tx.find(VerdictRow, order="id"))


POLICY = (files("core.sla") / "data" / "policy.toml").read_text("utf-8")
AT_NIGHT = calendar_of("mon-fri 20:00-21:00", "Asia/Shanghai", "CN")


async def test_8_a_verdict_stays_whatever_is_changed_later(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.time_passes(hours=4)
    await desk.does(engineer, "arrive", number)
    before = await verdicts(desk)
    assert "broken" in [row.outcome for row in before if row.milestone == "onsite_arrival"]
    easier = load(POLICY.replace('version = "1"', 'version = "2"').replace('"3h"', '"9h"'))
    desk.desk.policies = (easier, *desk.desk.policies)
    desk.desk.calendars = dict.fromkeys(
        desk.desk.calendars, AT_NIGHT
    )  # nothing would have been late
    await desk.does("wen.ting", "set_priority", number, "P4")
    await desk.time_passes(days=1)
    after = await verdicts(desk)
    assert after[: len(before)] == before
    assert [row.outcome for row in after if row.milestone == "onsite_arrival"].count("met") == 0


async def test_8_a_correction_is_a_further_line_with_who_and_why(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.time_passes(hours=4)
    await desk.does(engineer, "arrive", number)
    before = await verdicts(desk)
    arrival = next(row for row in before if row.milestone == "onsite_arrival")
    await desk.desk.store.write(
        lambda tx: correct(
            tx, arrival.id, Outcome.MET, who="赵红", why="gate was shut", now=desk.moment
        )
    )
    after = await verdicts(desk)
    assert after[: len(before)] == before
    assert (after[-1].who, after[-1].why) == ("赵红", "gate was shut")


async def test_8_the_journal_cannot_be_changed_unnoticed(desk: Scenario) -> None:
    number, _ = await accepted(desk)
    ticket, journal = await desk.ticket(number), await desk.journal(number)
    assert broken_link(journal, ticket.head) is None
    assert broken_link([*journal[:1], *journal[2:]], ticket.head) is not None
    assert broken_link(journal[:-1], ticket.head) is not None


async def test_9_a_broken_channel_is_not_a_broken_desk(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    person = await desk.person("tang.wei")
    found = await desk.desk.store.read(lambda tx: tx.find(Address, person_id=person.id))
    for address in found:
        refusal = Undeliverable("nobody there", permanent=True)
        desk.channels[address.channel].refuses[address.value] = refusal
    await desk.does(engineer, "arrive", number)
    await desk.does(engineer, "resolve", number, "replaced")
    assert (await desk.ticket(number)).status == "resolved"
    assert "unreachable" in [x.kind for c in desk.channels.values() for x in c.delivered]


async def test_9_a_person_is_reached_another_way(desk: Scenario) -> None:
    person = await desk.person("tang.wei")
    await desk.desk.store.write(
        lambda tx: tx.insert(Address(person_id=person.id, channel="sms", value="+8613900000001"))
    )
    number = await dispatched(desk)
    engineer = await asked(desk, number)
    desk.channels["telegram"].refuses["tang.wei"] = Undeliverable("blocked", permanent=True)
    await desk.does(engineer, "accept", number)
    assert "engineer_assigned" in desk.heard("+8613900000001", "sms") + desk.heard(
        "tang.wei@example.com", "mail"
    )
