"""What the desk makes of texts: repetitions, parts, reports, claims, refusals, short senders."""

from collections import Counter
from dataclasses import replace

import pytest

from bot.sms import Renderer
from core import outbox, pins
from core.numbers import number_of
from core.people import Address, Person
from core.rows import InboxRow, OutboxRow, Prompt
from core.ticket import Message
from tests.scenario import a_desk
from tests.sms_servers.phones import Phones
from tests.test_sms_story import (
    USER,
    accepted,
    reported,
    resolved,
    ringing,
    status,
)

STRANGER = "+8613600000002"
PAPER = "天河 三楼财务 打印机卡纸"


@pytest.fixture
async def phones(tmp_path):
    async with a_desk(tmp_path) as scenario:
        yield Phones(scenario)


async def rows(phones, kind, /, **where):
    return await phones.desk.store.read(lambda tx: tx.find(kind, order="id", **where))


# --- arriving ---


async def test_a_redelivered_report_opens_no_second_ticket(phones):
    codes = [await phones.says(USER, PAPER, key="m1", seconds=0) for _ in range(3)]
    assert (codes, len(await phones.scenario.tickets()), len(phones.sent)) == ([200] * 3, 1, 1)


async def test_one_text_under_two_ids_is_attached_and_marked_not_doubled(phones):
    await phones.says(USER, PAPER, key="m1")
    await phones.event({"type": "sms.received", "data": {"from": USER, "text": PAPER}}, "m2")
    [ticket] = await phones.scenario.tickets()
    said = await rows(phones, Message)
    steps = await phones.scenario.journal(ticket.number)
    assert [one.ticket_id for one in said] == [ticket.id] * 2
    assert (steps[-1].detail["repeat_of"], len(phones.shows(USER))) == ("m1", 1)


async def test_bare_pieces_of_a_long_text_are_one_report(phones):
    long = "打印机卡纸" * 13 + "三楼财务室请尽快派人来看看"
    for key, part in (("p1", long[:67]), ("p2", long[67:])):
        await phones.event({"type": "sms.received", "data": {"from": USER, "text": part}}, key)
    await phones.scenario.time_passes(seconds=3)
    await phones.work()
    [ticket] = await phones.scenario.tickets()
    assert ticket.symptom == long


async def test_a_text_as_long_as_one_piece_is_read_once_nothing_follows(phones):
    text = "打印机卡纸" * 13
    await phones.event({"type": "sms.received", "data": {"from": USER, "text": text}})
    before = len(await phones.scenario.tickets())
    for _ in range(12):
        await phones.scenario.time_passes(seconds=2)
        await phones.work()
    assert (before, len(await phones.scenario.tickets())) == (0, 1)


async def test_what_cannot_be_read_is_set_aside_and_the_next_text_goes_on(phones):
    await phones.event({"type": "sms.received", "data": {"text": "no sender"}})
    await phones.says(USER, PAPER)
    assert [row.state for row in await rows(phones, InboxRow)] == ["dead", "done"]


@pytest.mark.parametrize("machine", ["10086", "95588", "106575258192144"])
async def test_machines_are_heard_and_never_answered(phones, machine):
    await phones.says(machine, "您的话费余额不足")
    assert (len(await rows(phones, Message)), phones.shows(machine)) == (1, [])


# --- whose word it is ---


async def test_a_number_alone_takes_no_job(phones):
    number = await reported(phones)
    asked = await ringing(phones, number)
    other = next(
        person.phone
        for person in await rows(phones, Person)
        if "field_engineer" in person.roles and person.phone not in {"", asked}
    )
    await phones.says(other, f"接单 {number}")
    assert await status(phones, number) == "dispatched"


async def test_staff_actions_need_a_question_that_was_asked_there(phones):
    number, engineer = await accepted(phones)
    await phones.desk.store.write(lambda tx: tx.delete(Prompt, address=engineer))
    await phones.says(engineer, f"出发 {number}")
    assert await status(phones, number) == "accepted"


async def test_or_the_pin(phones):
    number, engineer = await accepted(phones)
    person = await phones.owner(engineer)
    hashed = pins.pin_hash("4821")

    def body(tx):
        tx.delete(Prompt, address=engineer)
        tx.update(person, pin_hash=hashed)

    await phones.desk.store.write(body)
    await phones.says(engineer, f"出发 {number} PIN 0000")
    wrong = await status(phones, number)
    await phones.says(engineer, f"出发 {number} PIN 4821")
    assert (wrong, await status(phones, number)) == ("accepted", "en_route")


async def test_a_bound_telephone_may_type_what_it_was_asked(phones):
    number, engineer = await accepted(phones)
    await phones.says(engineer, f"{number} 出发")
    assert await status(phones, number) == "en_route"


# --- what goes out ---


async def test_a_report_of_delivery_moves_its_letter(phones):
    await phones.says(USER, PAPER)
    reference = phones.sent[0]["reference"]
    await phones.event({"type": "sms.delivered", "data": {"reference": reference}})
    [letter] = await rows(phones, OutboxRow, reference=reference)
    assert letter.state == "delivered"


async def test_three_failures_make_a_number_doubtful_and_the_desk_is_told(phones):
    await phones.says(USER, PAPER)
    ticket = await phones.scenario.latest()
    for _ in range(3):
        await phones.says(USER, f"状态 {ticket.number}", seconds=130)
        reference = phones.sent[-1]["reference"]
        await phones.event({"type": "sms.failed", "data": {"reference": reference}})
    [address] = await rows(phones, Address, value=USER)
    told = await rows(phones, OutboxRow, kind="unreachable")
    assert (address.state, bool(told)) == ("doubtful", True)


async def test_without_news_for_half_an_hour_somebody_is_told(phones):
    number, _ = await resolved(phones)
    for row in await rows(phones, OutboxRow, address=USER, kind="resolved_check"):
        assert row.state == "sent"
    await phones.scenario.time_passes(minutes=31)
    await outbox.rescue(phones.desk)
    told = await rows(phones, OutboxRow, kind="unreachable", ticket=number)
    assert told


async def test_of_one_breach_a_supervisor_reads_as_often_as_the_policy_says(phones):
    await reported(phones, PAPER)
    await phones.scenario.time_passes(hours=6)
    supervisor = await phones.scenario.person("zhao.hong")
    told = await rows(phones, OutboxRow, kind="sla_breach", person_id=supervisor.id)
    clocks = {rule.clock.milestone: rule.clock for rule in phones.desk.policies[0].rules}
    repeats = {name: clock.repeats.at_most for name, clock in clocks.items() if clock.repeats}
    times = Counter(row.params["milestone"] for row in told)
    assert times == {name: 1 + repeats[name] for name in ("phone_answer", "onsite_arrival")}
    assert sum("超时，请马上" in text for text in phones.shows(supervisor.phone)) == len(told)


async def test_a_gateway_that_refuses_for_good_is_no_open_question(phones):
    number = await reported(phones)
    engineer = await ringing(phones, number)
    phones.refused[engineer] = 400
    await phones.scenario.time_passes(minutes=4)  # the reminder
    states = {p.kind: p.state for p in await rows(phones, Prompt, address=engineer)}
    assert states["offer_reminder"] == "withdrawn"


async def test_who_wants_no_more_than_needful_gets_no_survey(phones):
    await resolved(phones)
    await phones.says(USER, "退订")
    await phones.says(USER, "1")
    await phones.scenario.time_passes(days=2)
    surveys = await rows(phones, OutboxRow, kind="survey_asked")
    assert [one.state for one in surveys] == ["dropped"]


async def test_and_still_hears_what_matters(phones):
    await phones.says(USER, "TD")
    await accepted(phones)
    kinds = {one.kind for one in await rows(phones, OutboxRow, address=USER, state="sent")}
    assert "engineer_assigned" in kinds


# --- digits ---


async def test_a_digit_without_a_question_touches_nothing(phones):
    number = await reported(phones, PAPER)
    before = await phones.scenario.ticket(number)
    await phones.says(USER, "1")
    assert await phones.scenario.ticket(number) == before


async def test_pressing_twice_takes_one_step(phones):
    number = await reported(phones)
    engineer = await ringing(phones, number)
    await phones.says(engineer, "1")
    await phones.says(engineer, "1", seconds=1)
    assert await status(phones, number) == "accepted"


async def test_an_answer_to_what_was_asked_back_counts_with_its_number(phones):
    number = await reported(phones)
    engineer = await ringing(phones, number)
    await phones.says(engineer, "1")
    await phones.says(engineer, "1", seconds=1)
    asked_back = phones.last(engineer)
    await phones.says(engineer, f"1 {number}")
    assert number in asked_back
    assert await status(phones, number) == "en_route"


async def test_a_digit_that_the_gateway_brings_again_a_minute_later_takes_no_second_step(phones):
    number = await reported(phones)
    engineer = await ringing(phones, number)
    event = {"type": "sms.received", "data": {"from": engineer, "text": "1"}}
    for key in ("first", "again"):
        await phones.event(event, key)
        await phones.scenario.time_passes(seconds=60)
    assert await status(phones, number) == "accepted"


# --- PINs, and senders that are not who they say ---


async def with_pin(phones, number, pin="4821"):
    person = await phones.owner(number)
    await phones.desk.store.write(lambda tx: pins.set_pin(tx, person, pin))


async def somebody_else(phones, engineer):
    """The telephone of an engineer who was asked nothing."""
    return next(
        person.phone
        for person in await rows(phones, Person)
        if "field_engineer" in person.roles and person.phone not in {"", engineer}
    )


async def unasked(phones):
    """A job, its engineer, whose number proves nothing any more: it was asked too long ago."""
    number, engineer = await accepted(phones)
    await phones.desk.store.write(lambda tx: tx.delete(Prompt, address=engineer))
    return number, engineer


async def test_whoever_is_not_proven_hears_what_would_prove_it(phones):
    number, engineer = await unasked(phones)
    await phones.says(engineer, f"出发 {number}")
    assert "PIN" in phones.last(engineer)


async def test_a_wrong_pin_is_said_with_what_is_left(phones):
    number, engineer = await unasked(phones)
    await with_pin(phones, engineer)
    await phones.says(engineer, f"出发 {number} PIN 0000")
    assert "还可以试4次" in phones.last(engineer)


async def locked(phones):
    number, engineer = await unasked(phones)
    await with_pin(phones, engineer)
    for guess in range(pins.TRIES):
        await phones.says(engineer, f"出发 {number} PIN 000{guess}")
    return number, engineer


async def test_after_five_wrong_pins_even_the_right_one_is_refused(phones):
    number, engineer = await locked(phones)
    told = phones.last(engineer)
    await phones.says(engineer, f"出发 {number} PIN 4821")
    assert await status(phones, number) == "accepted"
    assert "停用" in told
    assert phones.last(engineer) == told


async def test_the_supervisor_hears_once_whose_pin_is_guessed(phones):
    _, engineer = await locked(phones)
    await phones.says(engineer, "出发 PIN 0009")
    told = await rows(phones, OutboxRow, kind="pin_guessed")
    name = (await phones.owner(engineer)).name
    assert {letter.params["name"] for letter in told} == {name}
    assert len(told) == len({letter.person_id for letter in told})
    assert engineer not in str([letter.params for letter in told])


async def test_a_lock_ends_after_a_day(phones):
    number, engineer = await locked(phones)
    await phones.says(engineer, f"出发 {number} PIN 4821", seconds=pins.LOCK.total_seconds())
    assert await status(phones, number) == "en_route"


async def test_a_new_pin_opens_the_lock(phones):
    number, engineer = await locked(phones)
    await with_pin(phones, engineer, "7777")
    await phones.says(engineer, f"出发 {number} PIN 7777")
    assert await status(phones, number) == "en_route"


async def test_a_right_pin_forgives_the_wrong_ones_before_it(phones):
    number, engineer = await unasked(phones)
    await with_pin(phones, engineer)
    for pin in ("0001", "0002", "0003", "0004", "4821", "0005"):
        await phones.says(engineer, f"备注 {number} 在路上 PIN {pin}")
    assert "还可以试4次" in phones.last(engineer)


async def test_a_lock_leaves_answers_to_questions_open(phones):
    number = await reported(phones)
    engineer = await ringing(phones, number)
    await with_pin(phones, engineer)
    for guess in range(pins.TRIES):
        await phones.says(engineer, f"备注 {number} 哦 PIN 000{guess}")
    await phones.says(engineer, f"1 {number}")
    assert await status(phones, number) == "accepted"


@pytest.mark.parametrize("word", ["接单", "拒单", "出发", "到达", "完成", "未解决", "改派", "关闭"])
async def test_a_forged_staff_sender_moves_nothing(phones, word):
    number, engineer = await accepted(phones)
    before = await phones.scenario.ticket(number)
    await phones.says(await somebody_else(phones, engineer), f"{word} {number}")
    assert await phones.scenario.ticket(number) == before


async def test_a_forged_text_cannot_ask_for_the_question_that_its_next_digit_answers(phones):
    """A text that fits two jobs is asked back; a false sender never sees that, and may guess."""
    number, engineer = await unasked(phones)
    other = await phones.scenario.ticket(number)
    holder = other.assignee_id

    def second(tx):
        serial = tx.next("ticket")
        tx.insert(replace(other, id=serial, number=number_of(serial), assignee_id=holder))

    await phones.desk.store.write(second)
    await phones.says(engineer, "出发")
    assert "哪一单" in phones.last(engineer)
    await phones.says(engineer, "1")
    assert {ticket.status for ticket in await phones.scenario.tickets()} == {"accepted"}


async def test_an_opt_out_is_confirmed_once(phones):
    for _ in range(2):
        await phones.says(USER, "TD", seconds=200)
    assert len(phones.shows(USER)) == 1
    assert "不再发" in phones.last(USER)


async def test_the_first_question_says_that_the_report_is_received(phones):
    await phones.says(USER, "打印机卡纸")
    assert phones.last(USER).startswith("已受理，单号")


async def test_a_repetition_is_marked_in_few_words(phones):
    await phones.says(USER, PAPER)
    [letter] = await rows(phones, OutboxRow)
    again = await Renderer(phones.desk)(replace(outbox.letter_of(letter), repeated=True))
    assert again.startswith("（可能重复）\n")
