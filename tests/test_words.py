"""Sentences: both languages say every kind, whole and safe, within what carriers allow."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.actions import ACTIONS, CATEGORIES, DECLINE_REASONS, RESULTS, UNRESOLVED_CODES
from core.lifecycle import UNRESOLVED, Status
from core.messages import Value
from core.notices import NOTICES
from core.notices.notice import AboutTicket
from core.words import label, languages, moment, normal, numbered, plain, say
from core.words.catalogs import find
from core.words.values import moments_of, upright

LANGUAGES = languages()
CONTEXTS = ("chat", "sms", "mail", "mail_subject", "toast")
EXAMPLES = 1000 if os.environ.get("PAIDAN_SOAK") else 10
SIGNATURE = 6  # 【某某科技】, added by the carrier in front
MOMENT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
HELPS = {"help", "help_desk", "help_staff"}

# What people write, and what would hurt a careless template.
NASTY = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("{}[]|:\n\t\u202e\u200f👩‍🔧€测")),
    max_size=60,
)


def _slots(kind: str) -> dict[str, type]:
    hints = get_type_hints(NOTICES[kind])
    return {slot: hints[slot] for slot in NOTICES[kind].slots}


@st.composite
def told(draw: st.DrawFn, kind: str) -> dict[str, Value]:
    params: dict[str, Value] = {}
    for name, hint in _slots(kind).items():
        if name in moments_of(kind):
            params[name] = draw(st.datetimes(timezones=st.just(UTC))).isoformat()
        elif hint is int:
            params[name] = draw(st.integers(0, 5000))
        elif name == "number":
            params[name] = "100427"
        else:
            params[name] = draw(NASTY)
    return params


@pytest.mark.parametrize("kind", NOTICES)
@settings(max_examples=EXAMPLES, deadline=None)  # the first of them reads the catalogs
@given(data=st.data())
def test_every_kind_can_be_said_whatever_people_wrote(kind: str, data: st.DataObject) -> None:
    params = data.draw(told(kind))
    for language in LANGUAGES:
        for context in CONTEXTS:
            said = say(kind, params, language=language, context=context)
            assert said != kind
            if issubclass(NOTICES[kind], AboutTicket):
                assert "100427" in said


@pytest.mark.parametrize("language", LANGUAGES)
@settings(deadline=None)
@given(text=NASTY)
def test_what_a_person_wrote_is_passed_on_letter_by_letter(language: str, text: str) -> None:
    said = say(
        "engineer_says", {"number": "100427", "engineer": "王强", "text": text}, language=language
    )
    assert upright(text) in said


def test_an_override_of_direction_does_not_leave_its_slot() -> None:
    params = {"number": "100427", "engineer": "王强", "text": "\u202egnp.exe\u202c \u2066x"}
    said = say("engineer_says", params, language="en")
    assert "gnp.exe x" in said


@pytest.mark.parametrize(("language", "called"), [("zh_CN", "［照片］"), ("en", "[photo]")])
def test_what_came_instead_of_words_is_named_as_the_reader_calls_it(
    language: str, called: str
) -> None:
    said = say("card.symptom", {"symptom": "[photo] POS [A3]"}, language=language)
    assert f"{called} POS [A3]" in said


def test_braces_in_a_name_are_no_slots() -> None:
    params = {"number": "100427", "engineer": "{number}{text.__class__}[[x]]"}
    assert "{number}{text.__class__}[[x]]" in say("offer_taken", params, language="en")


NORMAL: dict[str, Value] = {
    "number": "100427", "symptom": "三楼打印机卡纸", "site": "天河营业部", "device": "HP 1020",
    "category": "printer", "priority": "P2", "engineer": "欧阳建国", "status": "waiting_approval",
    "reason": "needs_approval", "result": "configured", "text": "马上到", "name": "李娜",
    "score": 2, "megabytes": 20, "requester": "李娜", "address": "天河路 1 号", "mode": "onsite",
    "minutes": 35, "milestone": "onsite_arrival", "holder": "王强", "late": "",
    "trouble": "mailbox_folder_refused", "detail": "x", "lines": "…", "reference": "17",
    "year": 2027, "code": "4711", "caption": "…",
    "asked": "decline", "parent": "100435", "covered": "陈静", "place": "天河营业部",
    "commander": "赵红", "command": "/frobnicate", "wish": "erase", "months": 6,
    "what": "deviation", "state": "withdrawn", "complaint": "answered", "deviation": "open",
    "outcome": "broken", "phone": "+8613800000101", "sent": "photo",
    "left": 4, "tries": 5, "reports": 4, "jobs": 3, "engineers": 5, "saved": 40, "missing": 1,
}  # fmt: skip


def normally(kind: str) -> dict[str, Value]:
    """A promise that still stands; `overdue` would be said in its place."""
    moments = {name: MOMENT.isoformat() for name in moments_of(kind)} | {"overdue": ""}
    return {name: moments[name] if name in moments else NORMAL[name] for name in _slots(kind)}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


# As long as what they carry.
PASSED_ON = {
    "engineer_says", "requester_says", "story", "lines", "forecast", "shown", "hand_over_note",
    "complaint_answered", "deviation_planned",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(NOTICES.keys() - PASSED_ON))
def test_a_chinese_notice_fits_one_text_message(kind: str) -> None:
    params = normally(kind)
    if kind == "refused":
        params |= {"reason": "refused_not_allowed", "detail": "100427"}
    said = say(kind, params, language="zh_CN", context="sms")
    assert _units(said) + SIGNATURE <= 70


@pytest.mark.parametrize(
    ("kind", "choices"),
    [
        ("job_offered", [("accept", ""), ("decline", "")]),
        ("offer_reminder", [("accept", ""), ("decline", "")]),
        ("resolved_check", [("confirm", ""), ("not_solved", "")]),
        ("remote_offered", [("start_remote", "agreed"), ("cancel", "")]),
        ("survey_asked", [("rate", score) for score in "54321"]),
        ("job_taken", [("depart", ""), ("arrive", "")]),
        ("ask_result", [("resolve", result) for result in RESULTS]),
        ("ask_choice", [("report_unresolved", code) for code in UNRESOLVED_CODES]),
    ],
)
def test_a_question_and_its_digits_fit_one_chinese_text_message(
    kind: str, choices: list[tuple[str, str]]
) -> None:
    params = normally(kind)
    if kind == "job_offered":
        params |= {"number": "1234567890", "site": "天" * 15}  # the limits of sms.md §7
    labels = [label(action, arg, "zh_CN", context="sms") for action, arg in choices]
    said = say(kind, params, context="sms") + "\n" + numbered(labels, context="sms")
    assert _units(said) + SIGNATURE <= 70


@pytest.mark.parametrize("kind", ["job_offered", "job_assigned"])
def test_a_promise_that_has_passed_is_called_so_and_fits_one_text_message(kind: str) -> None:
    late = normally(kind) | {"due": "", "overdue": MOMENT.isoformat(), "site": "天" * 15}
    sms = say(kind, late, context="sms") + "\n" + "回1接单，回2拒单"
    assert "11月23日14:30的时限已过" in sms
    assert _units(sms) + SIGNATURE <= 70
    assert "⏰ 承诺时限 11月23日 周一 14:30 已过，请尽快赶到" in say(kind, late)
    english = say(kind, late, language="en")
    assert "⏰ Promised by Mon 23 Nov, 14:30, and that has passed" in english
    assert "Arrive by" not in english


@pytest.mark.parametrize("kind", ["ticket_status", "nobody_accepts"])
def test_a_time_that_has_passed_is_not_said_as_if_it_were_to_come(kind: str) -> None:
    late = normally(kind) | {"due": "", "overdue": MOMENT.isoformat()}
    assert "\n⏰ 承诺时限 11月23日 周一 14:30 已过\n" in say(kind, late)
    assert "\n⏰ Promised by Mon 23 Nov, 14:30, and that has passed\n" in say(
        kind, late, language="en"
    )
    assert "的时限已过" in say(kind, late, context="sms")
    assert "late since" in say(kind, late, context="sms", language="en")


HANDS = re.compile(r"按钮|点一|点下|点“|下面的按|/[a-z]+|button|press|\btap\b", re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("context", ["sms", "mail"])
@pytest.mark.parametrize("kind", sorted(NOTICES.keys() - {"choose_language"}))
def test_nobody_is_told_to_press_what_a_channel_cannot_show(
    kind: str, context: str, language: str
) -> None:
    assert not HANDS.search(say(kind, normally(kind), language=language, context=context))


GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


@pytest.mark.parametrize("kind", sorted(NOTICES.keys() - PASSED_ON - {"choose_language"}))
def test_an_english_text_message_costs_one_part_of_plain_letters(kind: str) -> None:
    plain_names = {
        name: re.sub("[^ -~]+", "Tianhe", value) if isinstance(value, str) else value
        for name, value in normally(kind).items()
    }
    said = say(kind, plain_names, language="en", context="sms")
    assert set(said) <= GSM_7
    assert len(said) <= 153


# Words for which Chinese carriers refuse a text (sms.md §4), and marks that are theirs.
REFUSED = (
    "POS机", "问卷", "评价", "好评", "确认收货", "移动", "联通", "电信", "培训讲座", "职业培训",
    "回复R", "回T", "退订", "【", "】", "://", "www.",
)  # fmt: skip


@pytest.mark.parametrize("kind", NOTICES)
def test_no_text_message_says_what_carriers_refuse(kind: str) -> None:
    said = say(kind, normally(kind), language="zh_CN", context="sms")
    assert [word for word in REFUSED if word in said] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", sorted(NOTICES.keys() - PASSED_ON))
def test_what_users_wrote_stays_out_of_text_messages(kind: str, language: str) -> None:
    params = normally(kind) | {"symptom": "SECRET", "detail": "SECRET", "name": "名"}
    if kind != "refused":
        assert "SECRET" not in say(kind, params, language=language, context="sms")


SAID_IN_WRITING = {"complaint_to_answer", "deviation_to_plan", "verdict_corrected"}
DANGLING = re.compile(
    r"""[，：、,:·]\s*$             # a line that promises more
    |   [，：、,:·]\s*[，。：、,.!！）)]
    |   [（(][，,·]
    |   （\s*）|\(\s*\)|“\s*”
    |   [ ]{2}|\n\n|^\s|[ ]$""",
    re.MULTILINE | re.VERBOSE,
)


@pytest.mark.parametrize("context", ["chat", "sms"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "kind", sorted(NOTICES.keys() - PASSED_ON - {"help", "help_desk", "help_staff"})
)
def test_nothing_dangles_where_a_slot_is_empty(kind: str, language: str, context: str) -> None:
    needed = {"number", "answer_by", "until", "status", "reason", "asked", "trouble", "milestone"}
    needed |= {"entered", "year", "what", "state", "outcome", "sent"}
    needed |= {"text"} if kind in SAID_IN_WRITING else set()
    needed |= {"at"} if kind in {"appointment_set", "claim_to_accept"} else set()
    needed |= {"starts", "ends", "covered", "place", "commander", "parent", "missing"}
    named = {"leave_told", "cover_kept", "emergency_report", "plan_proposed", "forecast"}
    if kind in named | {"pin_guessed"}:
        needed |= {"name", "lines", "address"}
    full = normally(kind)
    may_be_empty = [name for name in full if name not in needed]
    if kind in {"leave_now", "not_left"} or kind.startswith("sla_"):
        may_be_empty.remove("due")
    for name in [*may_be_empty, "all of them"]:
        gone = may_be_empty if name == "all of them" else [name]
        params = full | {slot: 0 if isinstance(full[slot], int) else "" for slot in gone}
        said = say(kind, params, language=language, context=context)
        assert not DANGLING.search(said), said


def test_a_moment_is_said_in_the_readers_zone_and_language() -> None:
    params = {"number": "100427", "due": "2026-11-23T06:30:00+00:00"}
    assert "11月23日 周一 14:30" in say("leave_now", params, zone="Asia/Shanghai")
    assert "Mon 23 Nov, 06:30" in say("leave_now", params, language="en", zone="Europe/Lisbon")
    assert "11月23日14:30" in say("leave_now", params, context="sms")
    assert moment(MOMENT, language="en", zone="Asia/Shanghai") == "Mon 23 Nov, 14:30"


def test_a_text_that_looks_like_a_moment_stays_a_text() -> None:
    params = {"number": "100427", "engineer": "", "text": "2026-11-23T06:30:00+00:00"}
    assert "2026-11-23T06:30:00+00:00" in say("engineer_says", params)


def test_a_slip_in_a_zone_costs_nobody_a_letter() -> None:
    params = {"number": "100427", "due": MOMENT.isoformat()}
    assert "14:30" in say("leave_now", params, zone="Mars/Olympus Mons")


def test_a_key_is_translated_and_free_text_stands() -> None:
    said = {"number": "100427", "result": "replaced"}
    assert "已更换" in say("resolved_check", said)
    assert "swapped the {fuse}" in say("resolved_check", said | {"result": "swapped the {fuse}"})


def test_one_minute_and_two_minutes() -> None:
    params = normally("nobody_accepts")
    assert "for 1 minute\n" in say("nobody_accepts", params | {"minutes": 1}, language="en")
    assert "for 0 minutes\n" in say("nobody_accepts", params | {"minutes": 0}, language="en")
    assert "for 2 minutes\n" in say("nobody_accepts", params | {"minutes": 2}, language="en")


def test_a_refusal_by_letter_names_its_reason_and_detail() -> None:
    params = {"reason": "refused_taken", "detail": "王强"}
    assert say("refused", params, context="sms") == "已经有人接了（王强）"
    params = {"number": "100427", "status": "closed", "action": "accept"}
    said = say("refused_illegal_move", params, context="toast")
    assert said == "现在的状态是“已关闭”，不能这样操作：接单"


def test_a_subject_is_one_short_line() -> None:
    params = normally("ticket_opened") | {"symptom": "坏了\r\nBcc: all@example.com " + "x" * 200}
    subject = say("ticket_opened", params, context="mail_subject")
    assert "\n" not in subject
    assert "\r" not in subject
    assert len(subject) <= 78


@settings(deadline=None)
@given(text=NASTY)
def test_a_toast_is_never_longer_than_the_chat_can_show(text: str) -> None:
    params = {"number": "100427", "engineer": text, "text": text * 10}
    assert len(say("engineer_says", params, context="toast")) <= 200


def test_lengths_and_days_are_said_in_words() -> None:
    params = {"due": MOMENT, "left": timedelta(hours=25, minutes=1), "provisional": False}
    assert say("story_due", params) == "→ 11月23日 周一 14:30 到期，还有 1 天 1 小时 1 分钟"
    assert say("story_due", params | {"provisional": True}, language="en") == (
        "→ Due Mon 23 Nov, 14:30, 1 day 1 hour 1 minute left (rests on estimated holidays)"
    )
    assert say("story_met", {"at": MOMENT, "by": timedelta(0)}) == "→ 11月23日 周一 14:30 按时完成"
    day = {"first": date(2026, 10, 10), "kind": "makeup", "occasion": "", "official": False}
    assert say("story_day", day) == "10月10日 周六：调休补班"


def test_labels_are_verbs_with_words_beside_every_sign() -> None:
    assert label("accept") == "✅ 接单"
    assert label("accept", language="en") == "✅ Accept"
    assert label("rate", "5") == "⭐⭐⭐⭐⭐ 5"
    assert label("set_category", "printer", "en") == "Printer"
    assert label("set_site", "GZ-TH") == "GZ-TH"
    assert label("start_remote", "agreed", "en") == "✅ Agree"
    for language in LANGUAGES:
        for action in ACTIONS:
            assert re.search(r"\w", label(action, language=language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_fit_a_telephone_and_carry_no_two_alike(language: str) -> None:
    for action, spec in ACTIONS.items():
        labels = [label(action, arg, language) for arg in spec.args]
        assert len(set(labels)) == len(labels)
        assert all(len(text) <= 28 for text in [*labels, label(action, language=language)])


def test_choices_become_digits_where_there_are_no_buttons() -> None:
    labels = [label("accept"), label("decline")]
    assert numbered(labels, context="sms") == "回1接单，回2拒单"
    assert numbered(labels) == "请回复数字：1 接单，2 拒单"
    english = [label("accept", language="en"), label("decline", language="en")]
    assert numbered(english, "en", "sms") == "Reply 1 Accept, 2 Decline"
    assert numbered(english, "en", "mail").splitlines()[1:] == ["1 Accept", "2 Decline"]


def test_a_surveys_digits_are_its_scores() -> None:
    scores = ("5", "4", "3", "2", "1")
    labels = [label("rate", score, context="sms") for score in scores]
    assert numbered(labels, context="sms", digits=scores).startswith("回5很好，回4好，")


def test_languages_as_programs_and_people_write_them() -> None:
    assert [normal(name) for name in ("zh-hans", "ZH_cn", "", "en", "en-GB", "fr")] == [
        "zh_CN", "zh_CN", "zh_CN", "en", "en", "en",
    ]  # fmt: skip


def test_a_sign_in_front_of_words_can_be_left_out() -> None:
    assert [plain(text) for text in ("✅ 接单", "⭐⭐ 2", "▶️ Resume", "接单")] == [
        "接单", "2", "Resume", "接单",
    ]  # fmt: skip


def test_an_unknown_key_stands_for_itself() -> None:
    assert say("never_heard_of", {"number": "1"}) == "never_heard_of"


def test_a_device_that_was_not_named_is_not_shown() -> None:
    assert "设备" not in say("ticket_opened", normally("ticket_opened") | {"device": "-"})


def keys_with_words() -> Iterator[tuple[str, str]]:
    yield from (("category", code) for code in CATEGORIES)
    yield from (("status", status) for status in Status)
    yield from (("reason", code) for code in (*DECLINE_REASONS, *UNRESOLVED))
    yield from (("result", code) for code in RESULTS)


@pytest.mark.parametrize(("slot", "key"), [*keys_with_words()])
def test_people_never_read_a_key(slot: str, key: str) -> None:
    for language in LANGUAGES:
        assert find(f"term.{slot}.{key}", language)
