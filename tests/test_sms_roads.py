"""Every action that a user or an engineer has in the chat can be done by SMS: out of the table."""

import pytest

from core import pins
from core.actions import ACTIONS, DECLINE_REASONS, Relation
from core.hearing.typed import WORDS
from core.keypad import Command, read
from core.lifecycle import Action, Status
from core.numbers import is_number, number_of
from core.people import ENGINEERS, Address, Role
from core.rows import Grievance
from core.ticket import Message, Step, Survey
from tests.scenario import a_desk
from tests.sms_servers.phones import Phones
from tests.test_authority import FIRST_SERIAL, Cell, arrange

NUMBER = number_of(42)
PIN = "4821"
ENGINEER = min(ENGINEERS)


def of_the_chat():
    """What the table grants to a requester's own ticket, or to an engineer's job or offer."""
    for action, spec in ACTIONS.items():
        if (Role.REQUESTER, Relation.OWN) in spec.who:
            yield Cell(Role.REQUESTER, action, Relation.OWN)
        for tie in (Relation.JOB, Relation.OFFERED):
            if (ENGINEER, tie) in spec.who:
                yield Cell(ENGINEER, action, tie)


ROADS = list(of_the_chat())
# Whoever may no longer do it asks for it, by the same word.
SAID_AS = {spec.or_ask: action for action, spec in ACTIONS.items() if spec.or_ask}
BEHIND = {  # what belongs to the action besides the number of the ticket
    Action.ADD: "还有，旁边那台也坏了", Action.RELAY: "我十分钟后到", Action.NOTE: "备用机在库房",
    Action.SET_SITE: "天河", Action.SET_CATEGORY: "网络", Action.SET_PRIORITY: "P2",
    Action.SET_DEVICE: "PRN-0042", Action.RATE: "5", Action.DECLINE: "太远",
    Action.RESOLVE: "换了电源线", Action.REPORT_UNRESOLVED: "要专家", Action.COMPLAIN: "来得太晚",
    Action.HAND_OVER: "吴晓东 还要换电源", Action.SET_APPOINTMENT: "明天14:00",
    Action.WAIT: "等用户，联系人张经理，明天14:00",
}  # fmt: skip


@pytest.fixture
async def phones(tmp_path):
    async with a_desk(tmp_path) as scenario:
        yield Phones(scenario)


def settled(tx, scenario, cell, place=0):
    """A ticket in a state in which the action is possible, and whose telephone can be believed."""
    ticket, actor = arrange(tx, scenario, cell, FIRST_SERIAL + place)
    person = tx.update(actor.person, phone=f"+86137111122{place:02}", language="zh_CN")
    pins.set_pin(tx, person, PIN)
    at = scenario.moment
    tx.insert(Address(person_id=person.id, channel="sms", value=person.phone, verified_at=at))
    said = Message(ticket_id=ticket.id, person_id=person.id, channel="sms", external_id="x",
                   text="另一件事：打印机卡纸", at=at, received_at=at)  # fmt: skip
    tx.insert(said)
    _prepare(tx, cell, ticket, at)
    return ticket, person


def _prepare(tx, cell, ticket, at):
    """What some actions answer to."""
    match cell.action:
        case Action.RATE:
            tx.insert(Survey(
                ticket_id=ticket.id, cycle=ticket.cycle, person_id=ticket.requester_id, due_at=at,
                sent_at=at, state="sent",
            ))  # fmt: skip
        case Action.WITHDRAW_COMPLAINT:
            tx.insert(Grievance(
                kind="complaint", ticket_id=ticket.id, person_id=ticket.requester_id,
                channel="sms", text="来得太晚", opened_at=at,
            ))  # fmt: skip
        case Action.CANCEL if cell.relation is Relation.OWN:
            tx.update(ticket, status=Status.TRIAGED)  # nobody was sent yet
        case Action.RESUME if cell.relation is Relation.OWN:
            tx.update(ticket, status=Status.WAITING_USER)


async def test_what_a_button_does_a_typed_word_does_by_sms(phones):
    """All of them on one desk, since a desk takes longer to lay than a text to read."""
    asked = await phones.desk.store.write(
        lambda tx: [settled(tx, phones.scenario, cell, n) for n, cell in enumerate(ROADS)]
    )
    without = {}
    for cell, (ticket, person) in zip(ROADS, asked, strict=True):
        word = ACTIONS[SAID_AS.get(cell.action, cell.action)].words["zh_CN"][0]
        proof = f" PIN {PIN}" if person.is_staff else ""
        behind = BEHIND.get(cell.action, "")
        await phones.says(person.phone, f"{word} {ticket.number} {behind}{proof}", seconds=0)
        steps = {"ticket_id": ticket.id, "action": cell.action}
        if not await phones.desk.store.read(lambda tx, steps=steps: tx.count(Step, **steps)):
            without[str(cell)] = phones.shows(person.phone)
    assert without == {}


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("action", dict.fromkeys(cell.action for cell in ROADS))
def test_every_word_of_the_table_is_read_with_and_without_a_number(action, language):
    said_as = SAID_AS.get(action, action)
    words = ACTIONS[said_as].words.get(language, ())
    assert words
    for word in words:
        assert read(f"{word} {NUMBER}", WORDS, is_number) == Command(said_as, NUMBER)
        assert read(f"{NUMBER}{word}。", WORDS, is_number) == Command(said_as, NUMBER)


async def test_what_is_told_reaches_the_other_side_as_it_was_written(phones):
    cell = Cell(ENGINEER, Action.RELAY, Relation.JOB)
    ticket, person = await phones.desk.store.write(lambda tx: settled(tx, phones.scenario, cell))
    await phones.says(person.phone, f"转告 {ticket.number} 我帶了HP硒鼓，3點到 PIN {PIN}")
    told = await phones.desk.store.read(lambda tx: tx.find(Step, action=Action.RELAY))
    assert [step.detail["text"] for step in told] == ["我帶了HP硒鼓，3點到"]


@pytest.mark.parametrize("said", ["太远", "3", "location", "too far"])
async def test_an_answer_may_be_its_name_its_place_or_its_code(phones, said):
    cell = Cell(ENGINEER, Action.DECLINE, Relation.OFFERED)
    ticket, person = await phones.desk.store.write(lambda tx: settled(tx, phones.scenario, cell))
    await phones.says(person.phone, f"拒单 {ticket.number} {said} PIN {PIN}")
    [step] = await phones.desk.store.read(lambda tx: tx.find(Step, action=Action.DECLINE))
    assert step.detail["arg"] == DECLINE_REASONS[2]
