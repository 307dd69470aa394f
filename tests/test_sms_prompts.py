"""One open question per telephone: who waits, who goes first, and never the wrong ticket."""

import asyncio
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import keypad, prompts, timers
from core.keypad import LASTS, READING, Answered, Digit
from core.lifecycle import Status
from core.numbers import number_of
from core.prompts import Telephone
from core.rows import OutboxRow, Prompt
from core.ticket import Ticket
from tests.scenario import START, a_desk

PHONE = Telephone("sms", "+8613500000003")
YES_NO = ("accept", "decline")


def never(tx, row):
    return False


def letter(tx, serial, kind="job_offered", actions=YES_NO, at=START):
    """A letter with choices about a ticket, claimed and about to be sent."""
    number = number_of(serial)
    if tx.get(Ticket, serial) is None:
        tx.insert(Ticket(
            id=serial, number=number, status=Status.DISPATCHED, requester_id=1, origin="sms",
            opened_at=at, changed_at=at,
        ))  # fmt: skip
    return tx.insert(OutboxRow(
        channel=PHONE.channel, address=PHONE.address, language="zh_CN", zone="Asia/Shanghai",
        kind=kind, choices=tuple({"action": a, "arg": "", "ticket": number} for a in actions),
        ticket=number, reference=f"{kind}.{serial}.{tx.count(OutboxRow)}", state="sending",
        created_at=at, person_id=1,
    ))  # fmt: skip


def turn(tx, row, at=START):
    told = prompts.take_turn(tx, row, at, never)
    if told == "wait":
        tx.update_where(OutboxRow, {"id": row.id}, state="waiting")
    else:
        tx.update_where(OutboxRow, {"id": row.id}, state="sent", settled_at=at)
    return told


@pytest.fixture
async def ask(tmp_path):
    """Run a body in a transaction of a desk."""
    async with a_desk(tmp_path) as scenario:
        yield scenario.desk.store.write


async def test_the_second_question_waits_for_the_first(ask):
    def body(tx):
        return [turn(tx, letter(tx, serial, "resolved_check", ("confirm",))) for serial in (1, 2)]

    # The life cycle lets nobody confirm a dispatched ticket: that question is moot.
    assert await ask(body) == ["ask", "ask"]
    assert await ask(lambda tx: [turn(tx, letter(tx, serial)) for serial in (3, 4)]) == [
        "ask", "wait",
    ]  # fmt: skip


async def test_an_assignment_takes_the_place_of_a_lesser_question(ask):
    def body(tx):
        first = turn(tx, letter(tx, 1, "resolved_check", ("cancel",)))
        return first, turn(tx, letter(tx, 2)), [p.state for p in tx.find(Prompt, order="id")]

    assert await ask(body) == ("ask", "ask", ["told", "open"])


async def test_an_alarm_never_waits_it_only_goes_without_digits(ask):
    def body(tx):
        turn(tx, letter(tx, 1))
        return turn(tx, letter(tx, 2, "nobody_accepts", ("reassign",)))

    assert await ask(body) == "tell"


async def test_of_those_who_wait_the_assignment_is_called_first(ask):
    def body(tx):
        turn(tx, letter(tx, 1))
        late = [letter(tx, 2, "resolved_check", ("cancel",)), letter(tx, 3)]
        for row in late:
            turn(tx, row)
        told = prompts.press(
            tx, PHONE, Digit(1), said_at=START + READING, now=START + READING, repeat=False,
            moot=never,
        )  # fmt: skip
        prompts.call_next(tx, PHONE, START, never)
        assert isinstance(told, Answered)
        return told.ticket, [row.state for row in tx.find(OutboxRow, id=(2, 3), order="id")]

    assert await ask(body) == (number_of(1), ["waiting", "pending"])


async def test_a_question_that_runs_out_lets_the_next_go(ask):
    def body(tx):
        turn(tx, letter(tx, 1))
        waiting = letter(tx, 2)
        turn(tx, waiting)
        prompts.call_all(tx, START + LASTS - timedelta(seconds=1), never)
        before = tx.get(OutboxRow, waiting.id).state
        prompts.call_all(tx, START + LASTS, never)
        return before, tx.get(OutboxRow, waiting.id).state

    assert await ask(body) == ("waiting", "pending")


async def test_by_its_timer_whether_or_not_anybody_looks(tmp_path):
    async with a_desk(tmp_path) as scenario:

        def body(tx):
            turn(tx, letter(tx, 1))
            waiting = letter(tx, 2)
            turn(tx, waiting)
            return waiting.id

        waiting = await scenario.desk.store.write(body)

        async def state():
            row = await scenario.desk.store.read(lambda tx: tx.get(OutboxRow, waiting))
            assert row is not None
            return row.state

        scenario.moment = START + LASTS - timedelta(seconds=1)
        await timers.sweep(scenario.desk)
        before = await state()
        scenario.moment = START + LASTS
        await timers.sweep(scenario.desk)
        assert (before, await state()) == ("waiting", "pending")


async def test_what_did_not_go_out_cannot_be_answered(ask):
    def body(tx):
        row = letter(tx, 1)
        turn(tx, row)
        prompts.unsaid(tx, row)
        return prompts.press(
            tx, PHONE, Digit(1), said_at=START + READING, now=START + READING, repeat=False,
            moot=never,
        )  # fmt: skip

    assert await ask(body) == keypad.Unanswered("no_prompt")


async def test_the_database_holds_no_two_open_questions_of_one_telephone(ask):
    def body(tx):
        for place in (1, 2):
            tx.insert(Prompt(
                address=PHONE.address, letter_id=place, ticket="", kind="x", answers=(),
                state="open",
            ))  # fmt: skip

    with pytest.raises(Exception, match=r"UNIQUE|unique"):
        await ask(body)


async def test_one_answer_of_many_at_once_takes_the_prompt(busy_desk):
    ask = busy_desk.desk.store.write

    def asked(tx):
        turn(tx, letter(tx, 1))

    def press(tx):
        at = START + READING
        return prompts.press(
            tx, PHONE, Digit(1), said_at=at, now=at, repeat=False, moot=never
        )  # fmt: skip

    await ask(asked)
    told = await asyncio.gather(*(ask(press) for _ in range(20)))
    assert sum(isinstance(one, Answered) for one in told) == 1


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["offer", "question", "alarm", "digit", "digit"]),
        st.integers(0, 30),  # seconds until the next thing happens
        st.integers(1, 2),  # which digit
        st.sampled_from([0, 0, 0, 3, 20, 600]),  # seconds that a digit is on its way
    ),
    max_size=14,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, shows_after=st.floats(0, READING.total_seconds()))
async def test_a_digit_never_answers_another_ticket_than_the_display_showed(
    tmp_path_factory, steps, shows_after
):
    """Texts reach the display within READING; digits arrive late and in any order."""
    kinds = {
        "offer": ("job_offered", YES_NO),
        "question": ("remote_offered", ("cancel",)),
        "alarm": ("nobody_accepts", ("reassign",)),
    }
    async with a_desk(tmp_path_factory.mktemp("p")) as scenario:

        def body(tx):
            digits: list[tuple[datetime, datetime, int]] = []
            shown, at = [], START

            def send(row):
                if turn(tx, row, at) == "ask":
                    shown.append((at + timedelta(seconds=shows_after), row.ticket))

            def answer_all(until):
                for arrives, typed, value in sorted(one for one in digits if one[0] <= until):
                    told = prompts.press(
                        tx, PHONE, Digit(value), said_at=typed, now=arrives, repeat=False,
                        moot=never,
                    )  # fmt: skip
                    if isinstance(told, Answered):
                        # A digit typed before the only question ever came can mean no other.
                        on_display = [number for since, number in shown if since <= typed]
                        meant = on_display[-1:] or [number for _, number in shown]
                        assert meant == [told.ticket], (told, shown, typed)
                        prompts.call_next(tx, PHONE, arrives, never)
                digits[:] = [one for one in digits if one[0] > until]

            for serial, (what, wait, value, delay) in enumerate(steps, start=1):
                at += timedelta(seconds=wait)
                answer_all(at)
                for row in tx.find(OutboxRow, state="pending", address=PHONE.address):
                    send(row)
                if what == "digit":
                    digits.append((at + timedelta(seconds=delay), at, value))
                else:
                    kind, actions = kinds[what]
                    send(letter(tx, serial, kind, actions, at))
            answer_all(at + timedelta(hours=1))

        await scenario.desk.store.write(body)


async def test_a_digit_typed_before_the_next_text_can_be_read_is_asked_back(ask):
    def body(tx):
        for serial in (1, 2):
            turn(tx, letter(tx, serial))
        at = START + READING
        first = prompts.press(
            tx, PHONE, Digit(1), said_at=at, now=at, repeat=False, moot=never
        )  # fmt: skip
        prompts.call_next(tx, PHONE, at, never)
        turn(tx, tx.first(OutboxRow, state="pending", address=PHONE.address), at)
        hasty = prompts.press(
            tx, PHONE, Digit(1), said_at=at + READING / 2, now=at, repeat=False, moot=never
        )  # fmt: skip
        assert isinstance(first, Answered)
        return first.ticket, hasty

    assert await ask(body) == (number_of(1), keypad.Unanswered("crossed"))
