"""Lengths, reviewed templates, and numbers as people may see them."""

import json
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.sms.filling import fill
from channels.sms.lint import BANNED, lint
from channels.sms.numbers import e164, is_service, may_answer, national
from channels.sms.segments import cost, segments, utf16_units, within
from channels.sms.standard import STANDARD, WITHOUT, missing, standard
from channels.sms.templates import (
    ALIYUN,
    HUAWEI,
    PLAIN,
    TENCENT,
    VARIABLES,
    Catalog,
    Template,
    Unfit,
    for_console,
)
from channels.sms.wire import Sms
from core.masking import mask_name, mask_number, mask_numbers
from core.messages import Choice, Letter
from core.notices import NOTICES
from tests.sms_servers.golden import CAPCOM6, GENERIC, KANNEL, NOW, TWILIO, VONAGE

HOTLINE = "4001234567"
IDS = {kind: f"SMS_{place}" for place, kind in enumerate(STANDARD)}
CLOUDS = {
    rules.name: standard(rules, "新科电子", HOTLINE, IDS) for rules in (ALIYUN, TENCENT, HUAWEI)
}
each_cloud = pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
DUE = "2026-11-22T06:30:00+00:00"


def choices(*actions):
    return tuple(Choice(action=action, ticket="100427") for action in actions)


SCORES = tuple(Choice(action="rate", arg=str(score), ticket="100427") for score in range(1, 6))
CHOICES = {
    "job_offered": choices("accept", "decline", "decline"),
    "offer_reminder": choices("accept", "decline"),
    "resolved_check": choices("confirm", "not_solved"),
    "resolved_reminder": choices("confirm", "not_solved"),
    "survey_asked": SCORES,
    "survey_reminder": SCORES,
    "job_taken": choices("depart", "arrive"),
    "remote_offered": choices("start_remote", "cancel"),
    "remote_started": choices("end_remote"),
    "waiting_for_you": choices("resume"),
    "whose_words": choices("report"),
}


def letter(kind="job_offered", **params):
    kind = kind.removesuffix(PLAIN)
    defaults = {
        "site": "天河北路营业部", "engineer": "李娜", "due": DUE, "answer_by": DUE, "at": DUE,
        "parent": "100435", "code": "4711", "commander": "赵红", "until": DUE, "starts": DUE,
        "name": "王强", "place": "天河营业部",
    }  # fmt: skip
    return Letter(
        id=7, person_id=1, channel="sms", address="+8613800138000", language="zh_CN",
        zone="Asia/Shanghai", kind=kind, params={**defaults, **params}, ticket="100427",
        reference="letter-7", choices=CHOICES.get(kind, ()),
    )  # fmt: skip


# --- length ---


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        ("", "gsm7", 0, 1),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("€" * 80, "gsm7", 160, 1),
        ("€" * 81, "gsm7", 162, 2),
        ("汉" * 70, "ucs2", 70, 1),
        ("汉" * 71, "ucs2", 71, 2),
        ("汉" * 134, "ucs2", 134, 2),
        ("汉" * 135, "ucs2", 135, 3),
        ("a" * 71 + "汉", "ucs2", 72, 2),
        ("😀" * 35, "ucs2", 70, 1),
        ("😀" * 67, "ucs2", 134, 3),  # no emoji is cut in two: 33 in a part of 67
    ],
)
def test_parts_are_counted_as_carriers_count(text, encoding, units, parts):
    counted = segments(text)
    assert (counted.encoding, counted.units, counted.parts) == (encoding, units, parts)


def test_the_signature_is_billed():
    assert cost("汉" * 64, Decimal("0.045"), "【XX科技】") == Decimal("0.045")
    assert cost("汉" * 65, Decimal("0.045"), "【XX科技】") == Decimal("0.090")


@given(st.text(max_size=400))
def test_there_are_always_enough_parts(text):
    counted = segments(text)
    room = {"gsm7": (160, 153), "ucs2": (70, 67)}[counted.encoding]
    assert counted.units <= (room[0] if counted.parts == 1 else room[1] * counted.parts)
    assert utf16_units(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2


# --- templates ---


@each_cloud
def test_the_standard_texts_pass_the_lint(cloud):
    assert [finding for finding in lint(cloud) if finding.severe] == []


def test_the_standard_texts_take_one_part():
    assert lint(CLOUDS["aliyun"]) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("单号${code}${name}工程师", "adjacent variables"),
        ("${code}${name}", "nothing but variables"),
        ("【新科】单号${code}", "【】 belong to the platform"),
        ("单号${code}，详见 desk.example.com", "an address on the web"),
        ("单号${code}，请拨打13800138000", "a mobile number"),
        ("POS机${code}已修复", "the word POS机"),
        ("单号${code}请评价", "the word 评价"),
        ("单号${code}和${code}", "a variable comes twice"),
        ("单号${nothing}", "${nothing} is unknown"),
        ("单号${code}，拒收请回复R", "the word 回复R"),
    ],
)
def test_what_review_would_refuse_is_named_at_start_up(text, problem):
    catalog = Catalog(
        rules=ALIYUN, signature="新科电子", templates={"x": Template(id="1", text=text)}
    )
    assert problem in [finding.problem for finding in lint(catalog)]


def test_huawei_takes_no_joint_date_and_time():
    text = Template(id="1", text="请于${time}前到达")
    catalog = Catalog(rules=HUAWEI, signature="新科", templates={"x": text})
    assert "date and time of day are two variables here" in [f.problem for f in lint(catalog)]


def test_each_console_gets_its_own_way_to_write_a_variable():
    assert [
        for_console(cloud.templates["sla_warning"], cloud.rules) for cloud in CLOUDS.values()
    ] == [
        "单号${code}地点${site}将于${time}超时，请跟进处理",
        "单号{1}地点{2}将于{3}超时，请跟进处理",
        "单号${TXT_10}地点${TXT_15}将于${TXT_6}，${TXT_5}超时，请跟进处理",
    ]


def test_moments_are_told_in_the_readers_zone():
    filled, _ = fill(letter("sla_warning"), CLOUDS["aliyun"])
    assert dict(filled.values)["time"] == "11月22日14:30"


def test_huawei_gets_date_and_time_of_day_apart():
    filled, _ = fill(letter("sla_warning"), CLOUDS["huawei"])
    assert (dict(filled.values)["date"], dict(filled.values)["clock"]) == ("11月22日", "14:30")


def test_what_had_to_be_cut_is_said():
    filled, changed = fill(
        letter(site="广东省广州市天河区天河北路一百二十号三楼营业部"), CLOUDS["aliyun"]
    )
    assert changed == ("site",)
    assert 1 <= len(dict(filled.values)["site"]) <= 15


def test_a_long_site_gives_way_before_a_second_part_is_paid():
    cloud = standard(ALIYUN, "新科电子技术服务", HOTLINE, IDS)
    filled, _ = fill(replace(letter(site="天" * 15), ticket="1234567890"), cloud)
    assert dict(filled.values)["site"] == "天" * 11
    assert segments(filled.text, f"【{cloud.signature}】").units == 70


def test_a_short_name_of_the_site_is_preferred():
    filled, changed = fill(letter(site_short="天河北"), CLOUDS["aliyun"])
    assert (dict(filled.values)["site"], changed) == ("天河北", ())


def test_a_digit_in_a_fixed_text_never_does_something_else_than_it_says():
    turned = replace(letter(), choices=choices("decline", "accept"))
    with pytest.raises(Unfit):
        fill(turned, CLOUDS["aliyun"])


def test_an_answer_is_due_when_the_offer_runs_out_and_not_when_the_visit_is():
    filled, _ = fill(letter("offer_reminder", due="2030-01-01T00:00:00+00:00"), CLOUDS["aliyun"])
    assert "请于11月22日14:30前答复" in filled.text


def test_what_must_reach_a_person_has_a_template_or_a_reason_to_have_none():
    """A new notice that is a must: a text in STANDARD, or a line in WITHOUT."""
    said = {kind.removesuffix(PLAIN) for kind in STANDARD}
    assert said.isdisjoint(WITHOUT)
    assert said | WITHOUT.keys() <= NOTICES.keys()
    assert {kind for kind, notice in NOTICES.items() if notice.must} <= said | WITHOUT.keys()


def test_kinds_without_an_id_are_named():
    some = standard(ALIYUN, "新科电子", HOTLINE, {"ticket_opened": "1", "job_taken.plain": "2"})
    assert "sla_breach" in missing(some)
    assert not {"ticket_opened", "job_taken", "job_taken.plain"} & {*missing(some)}


def test_a_plainer_template_stands_in_where_a_slot_is_empty():
    filled, _ = fill(letter("engineer_assigned", due=None, at=None, starts=None), CLOUDS["aliyun"])
    assert filled.template == IDS["engineer_assigned.plain"]


def test_a_kind_without_a_template_goes_another_way():
    with pytest.raises(Unfit):
        fill(letter("weather"), CLOUDS["aliyun"])


@pytest.mark.parametrize("due", [None, "", "tomorrow", "2026-13-01"])
def test_no_time_is_promised_that_nobody_named(due):
    with pytest.raises(Unfit):
        fill(letter("sla_warning", due=due, at=due, starts=due), CLOUDS["aliyun"])


EARLY, LATE = datetime(2020, 1, 1), datetime(2060, 1, 1)  # noqa: DTZ001  hypothesis wants them so
ODD = st.sampled_from(
    [
        *BANNED,
        "13800138000",
        "【】",
        "http://a.cn",
        "www.x.com",
        "移移移动动动",
        "😀",
        "a.b",
        "。",
        "有限公司",
    ]
)
VALUES = st.lists(ODD | st.text(max_size=6), max_size=8).map("".join)


@each_cloud
@settings(max_examples=80)
@given(
    kind=st.sampled_from(sorted(STANDARD)),
    site=VALUES,
    engineer=VALUES,
    ticket=st.from_regex(r"[0-9]{6,10}", fullmatch=True) | VALUES,
    due=st.datetimes(EARLY, LATE, timezones=st.just(UTC)),
)
def test_whatever_the_notice_says_the_text_obeys_its_cloud(
    cloud, kind, site, engineer, ticket, due
):
    moments = dict.fromkeys(("due", "at", "starts", "answer_by", "until"), due.isoformat())
    names = dict.fromkeys(("engineer", "name", "commander"), engineer)
    said = letter(kind, site=site, place=site, **names, **moments)
    said = replace(said, ticket=ticket)
    try:
        filled, _ = fill(said, cloud)
    except Unfit:
        assert not re.fullmatch("[0-9]{1,10}", unicodedata.normalize("NFKC", ticket))
        return
    obeys(filled, cloud)


def obeys(filled, cloud):
    """The rules of sms.md §4, written down a second time."""
    values = dict(filled.values)
    for name, value in values.items():
        assert 1 <= len(value) <= VARIABLES[name].limit
        assert len(value) <= {"aliyun": 35, "tencent": 12, "huawei": 20}[cloud.rules.name]
        assert not set(value) & set("【】.。'<>{}/")
    assert values.get("code", "1").isdigit()
    text = filled.text
    refused = ["评价", "问卷", "POS机", "移动", "联通", "电信", "://", "www.", "【", "】"]
    assert not [word for word in refused if word in text]
    assert "13800138000" not in text
    assert segments(text, f"【{cloud.signature}】").parts == 1


ANYTHING = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=120
).flatmap(lambda piece: st.integers(1, 40).map(lambda times: piece * times))


@settings(max_examples=80, deadline=None)
@given(text=ANYTHING)
def test_whatever_is_said_fits_ten_parts_and_begins_as_it_was_said(text):
    sent = within(text)
    assert segments(sent).parts <= 10
    assert sent == text or text.startswith(sent.removesuffix("..."))
    assert sent == text or segments(text[: len(sent)] + "...").parts > 10


@settings(max_examples=80, deadline=None)
@given(text=ANYTHING)
def test_what_must_stand_at_the_end_is_never_cut_off(text):
    sent = within(text, end="。回1接单，回2拒单")
    assert sent.endswith("。回1接单，回2拒单")
    assert segments(sent).parts <= 10


@pytest.mark.parametrize("gateway", [KANNEL, CAPCOM6, TWILIO, VONAGE, GENERIC], ids=type)
@settings(max_examples=40, deadline=None)
@given(text=ANYTHING)
def test_whatever_is_said_leaves_as_it_was_said(gateway, text):
    request = gateway.build(Sms(reference="r", to="+8613800138000", text=text), NOW)
    fields = dict(parse_qsl((request.url.query or request.content).decode(), True))
    if request.headers.get("content-type") == "application/json":
        said = json.loads(request.content)
        told = said["textMessage"]["text"] if "textMessage" in said else said["data"]["text"]
    else:
        told = fields["Body"] if "Body" in fields else fields["text"]
    unicode = not text.isascii() and segments(text).encoding == "ucs2"
    assert told == text
    assert fields.get("coding", "2") == "2" or not unicode
    assert fields.get("type", "unicode") == "unicode" or not unicode


# --- numbers ---


@pytest.mark.parametrize(
    "raw",
    ["13800138000", "+8613800138000", "8613800138000", "008613800138000", "138 0013 8000",
     "138-0013-8000", "+86 (138) 0013-8000"],
)  # fmt: skip
def test_one_number_has_one_spelling(raw):
    assert e164(raw) == "+8613800138000"


@pytest.mark.parametrize("raw", ["10086", "95588", "1069123456789", "12306", "110", "VM-ALERT", ""])
def test_machines_and_short_codes_stay_as_they_came_and_get_no_answer(raw):
    assert (e164(raw), may_answer(e164(raw))) == (raw, False)


def test_a_landline_and_a_foreign_number_are_people():
    assert [e164("020-38880000"), e164("+44 7700 900123")] == ["+862038880000", "+447700900123"]
    assert may_answer("+447700900123")
    assert not is_service("+8613800138000")
    assert national("+8613800138000") == "13800138000"


@given(st.text(max_size=30))
def test_any_sender_can_be_spelled(raw):
    assert e164(e164(raw)) == e164(raw)


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+8613800138000", "138****8000"),
        ("13800138000", "138****8000"),
        ("138-0013-8000", "138****8000"),
        ("+447700900123", "+447****0123"),
        ("95588", "95588"),
        ("38880000", "38****00"),
    ],
)
def test_a_number_is_shown_masked(number, masked):
    assert mask_number(number) == masked


def test_numbers_inside_a_text_are_masked():
    line = "call 13800138000 or +86 138 0013 8001, ticket 1004274"
    assert mask_numbers(line) == "call 138****8000 or 138****8001, ticket 1004274"


def test_a_name_is_shown_masked():
    assert [mask_name(name) for name in ("李娜", "欧阳小明", "Li Na", "")] == [
        "李*", "欧***", "L* N*", "",
    ]  # fmt: skip
