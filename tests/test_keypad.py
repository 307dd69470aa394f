"""A telephone's keypad: what people type, and which question it answers."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.keypad import (
    LASTS,
    READING,
    Answered,
    Command,
    Digit,
    Help,
    OptOut,
    Slip,
    Status,
    Text,
    Unanswered,
    answer,
    read,
    vocabulary,
)
from core.numbers import is_number, number_of
from core.rows import Prompt

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
NUMBER = number_of(42)
SLIP = NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)
WORDS = {
    "接单": "accept", "ACC": "accept", "拒单": "decline", "出发": "depart", "到达": "arrive",
    "ARR": "arrive", "完成": "resolve", "done": "resolve", "确认": "confirm", "取消": "cancel",
    "评分": "rate", "备件": "need_parts",
}  # fmt: skip


def said(text):
    return read(text, vocabulary(WORDS), is_number)


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


@pytest.mark.parametrize("text", [f"1 {NUMBER}", f"回1，{NUMBER}", f"１。单号{NUMBER}"])
def test_a_digit_may_name_its_ticket(text):
    assert said(text) == Digit(1, NUMBER)


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


def opened(at=NOW, **more):
    answers = ((1, "accept", NUMBER, ""), (2, "decline", NUMBER, "schedule"))
    return Prompt(
        id=1, address="+86138", ticket=NUMBER, kind="job_offered", answers=answers, state="open",
        opened_at=at, expires_at=at + LASTS, **more,
    )  # fmt: skip


def test_a_digit_answers_the_outstanding_prompt():
    assert answer(opened(), Digit(2), NOW + READING) == Answered(1, NUMBER, "decline", "schedule")


def test_the_only_question_of_a_telephone_may_be_answered_at_once():
    assert answer(opened(), Digit(1), NOW, others=False) == Answered(1, NUMBER, "accept", "")


@pytest.mark.parametrize(
    ("asked", "reading", "at", "repeat", "why"),
    [
        (None, Digit(1), NOW, False, "no_prompt"),
        (opened(), Digit(7), NOW + READING, False, "not_offered"),
        (opened(), Text("好的"), NOW + READING, False, "not_a_digit"),
        (opened(), Digit(1), NOW - timedelta(seconds=1), False, "crossed"),
        (opened(), Digit(1), NOW + READING / 2, False, "crossed"),
        (opened(), Digit(1), NOW + LASTS, False, "expired"),
        (opened(), Digit(1), NOW + READING, True, "repeat"),
    ],
)
def test_what_does_not_answer_says_why(asked, reading, at, repeat, why):
    assert answer(asked, reading, at, repeat=repeat) == Unanswered(why)
