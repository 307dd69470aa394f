"""The nine promises of the design. What each holds through a kill stands in tests/test_crash.py."""

from core import work
from core.actions import ACTIONS, typed_words
from core.errors import Undeliverable
from core.in_hand import Actor
from core.lifecycle import Action
from core.people import Address, Person
from core.ticket import broken_link
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


async def test_3_no_promise_is_broken_in_silence(desk: Scenario) -> None:
    await dispatched(desk)
    before = len(desk.letters("zhao.hong"))
    await desk.time_passes(hours=2)
    assert len(desk.letters("zhao.hong")) > before


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
    answer = work.Request(action=Action.SET_SITE, number=first.number, arg="ZH-XZ")
    await work.act(desk.desk, answer, by)
    await desk.time_passes(hours=5)
    await desk.hears("stranger", "打印机卡纸", detail={"new": "yes"})
    assert desk.heard("stranger").count("ask_site") == 1


async def test_7_the_desk_can_say_why(desk: Scenario) -> None:
    number = await dispatched(desk)
    report = (await desk.journal(number))[0]
    assert report.detail["rule"]
    assert await desk.hears("zhao.hong", f"状态 {number}")


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
