"""A telephone's keypad: what people type, and which question it answers."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.keypad import (
    LASTS,
    Answered,
    Command,
    Digit,
    Help,
    OptOut,
    Prompt,
    Slip,
    Status,
    Text,
    Unanswered,
    answer,
    next_up,
    outstanding,
    read,
)
from core.numbers import is_number, number_of

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
NUMBER = number_of(42)
SLIP = NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)
WORDS = {
    "接单": "accept", "ACC": "accept", "拒单": "decline", "出发": "depart", "到达": "arrive",
    "ARR": "arrive", "完成": "resolve", "done": "resolve", "确认": "confirm", "取消": "cancel",
    "评分": "rate", "备件": "need_parts",
}  # fmt: skip


def said(text):
    return read(text, WORDS, is_number)


@pytest.mark.parametrize(
    "text",
    ["1", "１", "１。", "1.", " 1 ", "一", "壹", "①", "1️⃣", "回1", "回复 1", "1、", "“1”", "选1"],
)
def test_a_digit_is_understood_however_it_is_typed(text):
    assert said(text) == Digit(1)


@given(
    digit=st.integers(0, 9),
    before=st.text(" \t\n。.，,“(", max_size=3),
    after=st.text(" \t\r\n。.,!！)、…～~", max_size=3),
    wide=st.booleans(),
)
def test_marks_and_blanks_around_a_digit_change_nothing(digit, before, after, wide):
    typed = chr(ord("０") + digit) if wide else str(digit)
    assert said(before + typed + after) == Digit(digit)


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        (f"接单 {NUMBER}", Command("accept", NUMBER)),
        (f"接單{NUMBER}", Command("accept", NUMBER)),
        (f"acc {NUMBER}", Command("accept", NUMBER)),
        (f"ACC:{NUMBER}。", Command("accept", NUMBER)),
        (f"{NUMBER} 接单", Command("accept", NUMBER)),
        (f"ARR {NUMBER} 4711", Command("arrive", NUMBER, "4711")),
        (f"到達 #{NUMBER} 4711", Command("arrive", NUMBER, "4711")),
        (f"接单 单号{NUMBER}", Command("accept", NUMBER)),
        (f"接单 {NUMBER} PIN 1234", Command("accept", NUMBER, pin="1234")),
        (f"接单 {NUMBER} 密码：1234", Command("accept", NUMBER, pin="1234")),
        (f"ARR {NUMBER} 4711 #123456", Command("arrive", NUMBER, "4711", "123456")),
        (f"评分 {NUMBER} 5", Command("rate", NUMBER, "5")),
        ("接单", Command("accept")),
        ("完成！", Command("resolve")),
        ("接单 #1234", Command("accept", pin="1234")),
    ],
)
def test_a_typed_word_is_the_same_action_as_a_button(text, reading):
    assert said(text) == reading


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("状态", Status()),
        ("狀態?", Text("狀態?")),
        (f"状态 {NUMBER}", Status(NUMBER)),
        (f"status {NUMBER}", Status(NUMBER)),
        (NUMBER, Status(NUMBER)),
        (f"单号{NUMBER}", Status(NUMBER)),
        ("?", Help()),
        ("？", Help()),
        ("幫助", Help()),
        ("HELP", Help()),
    ],
)
def test_status_and_help_are_asked_in_one_word(text, reading):
    assert said(text) == reading


@pytest.mark.parametrize("text", ["R", "t", "TD", "Ｎ", "退订", "退訂。", "STOP"])
def test_every_carriers_opt_out_is_known(text):
    assert said(text) == OptOut()


@pytest.mark.parametrize(
    "text",
    [
        "取消昨天说的打印机，它好了",
        "完成 换了硒鼓",
        f"{NUMBER} 接单了吗",
        "accounting printer broken",
        "打印机坏了，3楼",
        "13800138000",
        "T恤打印机坏了",
        "12 345",
        "",
    ],
)
def test_a_sentence_stays_a_sentence(text):
    assert said(text) == Text(text)


@pytest.mark.parametrize("text", [SLIP, f"接单 {SLIP}", f"{SLIP} 到达", f"状态{SLIP}"])
def test_a_slip_of_the_finger_never_becomes_another_ticket(text):
    assert said(text) == Slip(SLIP)


@given(st.text(max_size=60))
def test_any_text_has_a_reading_and_only_valid_numbers_are_acted_on(text):
    reading = said(text)
    if isinstance(reading, Command | Status) and reading.number is not None:
        assert is_number(reading.number)


# --- prompts ---


def prompt(id_=1, kind="job_offered", ticket=NUMBER, **more):
    answers = ((1, "accept", ""), (2, "decline", "schedule"))
    return Prompt(id=id_, address="+86138", ticket=ticket, kind=kind, answers=answers, **more)


def opened(id_=1, at=NOW, **more):
    return prompt(id_, opened_at=at, expires_at=at + LASTS, **more)


def test_a_digit_answers_the_outstanding_prompt():
    assert answer(opened(), Digit(2), NOW) == Answered(1, NUMBER, "decline", "schedule")


def test_only_one_question_is_out_at_a_time():
    assert next_up([opened(1), prompt(2)], NOW + timedelta(hours=1)) is None


def test_an_assignment_goes_before_an_older_survey():
    assert next_up([prompt(1, "survey_asked"), prompt(2)], NOW).id == 2


def test_the_next_question_opens_for_forty_eight_hours_once_the_first_has_expired():
    later = NOW + LASTS
    following = next_up([opened(1), prompt(2)], later)
    assert (following.id, following.opened_at, following.expires_at) == (2, later, later + LASTS)


@pytest.mark.parametrize(
    ("asked", "reading", "at", "repeat", "why"),
    [
        (None, Digit(1), NOW, False, "no_prompt"),
        (prompt(), Digit(1), NOW, False, "no_prompt"),
        (opened(), Digit(7), NOW, False, "not_offered"),
        (opened(), Text("好的"), NOW, False, "not_a_digit"),
        (opened(), Digit(1), NOW - timedelta(seconds=1), False, "crossed"),
        (opened(), Digit(1), NOW + LASTS, False, "expired"),
        (opened(), Digit(1), NOW, True, "repeat"),
    ],
)
def test_what_does_not_answer_says_why(asked, reading, at, repeat, why):
    assert answer(asked, reading, at, repeat=repeat) == Unanswered(why)


@st.composite
def telephones(draw):
    """Questions queued at moments, and digits that were typed at one moment and arrive later."""
    steps = draw(st.lists(st.tuples(st.integers(0, 3600 * 60), st.booleans()), max_size=25))
    return [
        (seconds, asks, draw(st.integers(0, 4)), draw(st.integers(0, 7200)))
        for seconds, asks in steps
    ]


@given(telephones())
def test_a_digit_never_answers_another_ticket_than_the_phone_showed(script):
    """The phone shows the question that was sent last; a digit typed then may arrive much later."""
    events = []
    for index, (at, asks, digit, delay) in enumerate(script):
        typed = NOW + timedelta(seconds=at)
        if asks:
            events.append((typed, 0, index, None, None))
        else:
            events.append((typed + timedelta(seconds=delay), 1, index, digit, typed))
    prompts, shown = [], []
    for at, _, index, digit, typed in sorted(events):
        if digit is None:
            prompts.append(prompt(index, ticket=number_of(index)))
        else:
            asked = outstanding(prompts, at)
            told = answer(asked, Digit(digit), typed)
            if isinstance(told, Answered):
                on_screen = [ticket for since, ticket in shown if since <= typed]
                assert told.ticket == on_screen[-1]
                prompts = [one for one in prompts if one.id != told.prompt]
        if following := next_up(prompts, at):
            prompts = [following if one.id == following.id else one for one in prompts]
            shown.append((at, following.ticket))
            assert outstanding(prompts, at) == following
