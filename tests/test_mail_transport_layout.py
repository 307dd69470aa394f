"""A mail of ours reads well in plain text, threads everywhere and carries no smuggled header."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from channels.mail.layout import Attached, Content, Envelope, Offer, layout
from channels.mail.tokens import Signer
from core.errors import Stale

SIGNER = Signer(instance="desk.test", keys=(b"0123456789abcdef",))
NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
CHINESE = Content(
    subject="打印机坏了",
    paragraphs=("王女士,您好", "您的报修已受理。\n预计 30 分钟内联系您。"),
    choices=(
        Offer(label="已解决", url="https://desk.test/l/abc", digit="1", style="success"),
        Offer(label="还没好", url="https://desk.test/l/def", digit="2", style="danger"),
    ),
    hint="请回复数字,或点开链接:",
    footer="IT 服务台 400-000-0000",
    language="zh_CN",
)
ENVELOPE = Envelope(
    message_id=SIGNER.message_id("100427", "letter-1"),
    at=NOW,
    sender="desk@desk.test",
    sender_name="服务台",
    to="wang@example.com",
    reply_to=SIGNER.reply_address("desk@desk.test", "100427"),
    instance="desk.test",
    ticket="100427",
    thread=SIGNER.thread_id("100427"),
    in_reply_to="<question@example.com>",
)


def sent(content: Content = CHINESE, **changed: object) -> EmailMessage:
    """As the other side reads it, after the wire."""
    raw = layout(content, replace(ENVELOPE, **changed))  # type: ignore[arg-type]
    return message_from_bytes(raw, policy=default)


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def text_of(mail: EmailMessage) -> str:
    return body(mail, "plain").replace("\r\n", "\n")


def test_plain_text_stands_alone_with_words_digits_and_links():
    assert text_of(sent()) == (
        "王女士,您好\n\n您的报修已受理。\n预计 30 分钟内联系您。\n\n"
        "请回复数字,或点开链接:\n"
        "[1] 已解决\n    https://desk.test/l/abc\n"
        "[2] 还没好\n    https://desk.test/l/def\n\n"
        "-- \nIT 服务台 400-000-0000\n"
    )


def test_html_has_a_large_button_for_every_choice():
    page = LexborHTMLParser(body(sent(), "html"))
    links = page.css("a")
    assert [link.attributes["href"] for link in links] == [c.url for c in CHINESE.choices]
    assert all("padding:14px" in (link.attributes["style"] or "") for link in links)
    (whole,) = page.css("html")
    assert whole.attributes["lang"] == "zh-CN"


def test_words_of_others_stay_words_in_html():
    hostile = replace(CHINESE, paragraphs=("<script>alert(1)</script>",), choices=())
    page = LexborHTMLParser(body(sent(hostile), "html"))
    assert page.css_first("script") is None
    assert "<script>" in page.text()


def test_a_link_that_is_no_web_address_is_no_link():
    offer = Offer(label="x", url="javascript:alert(1)")
    page = LexborHTMLParser(body(sent(replace(CHINESE, choices=(offer,))), "html"))
    assert page.css("a") == []


def test_every_mail_is_seven_bit_on_the_wire():
    raw = layout(CHINESE, ENVELOPE)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_a_mail_names_its_ticket_in_five_places():
    mail = sent()
    assert SIGNER.ours(mail["Message-ID"]) == "100427"
    assert SIGNER.ticket_of(mail["Reply-To"].addresses[0].addr_spec) == "100427"
    assert mail["References"].split()[0] == SIGNER.thread_id("100427")
    assert mail["Subject"].endswith("[#100427]")
    assert mail["X-Loop"] == "desk.test"


def test_the_ticket_is_not_named_twice_in_the_subject():
    assert sent(replace(CHINESE, subject="Re: [#100427] x"))["Subject"] == "Re: [#100427] x"


def test_references_keep_the_ancestor_and_the_nearest():
    known = tuple(f"<m{n}@example.com>" for n in range(30))
    ids = sent(replace(CHINESE, references=known))["References"].split()
    assert len(ids) == 10
    assert ids[0] == SIGNER.thread_id("100427")
    assert ids[-2:] == ["<m29@example.com>", "<question@example.com>"]


def test_an_id_longer_than_a_line_survives():
    # The standard library alone makes encoded words of it, which no mail program threads by.
    long = f"<{'A' * 90}@eurprd04.prod.outlook.com>"
    lines = layout(CHINESE, replace(ENVELOPE, in_reply_to=long)).decode().split("\r\n")
    assert f"In-Reply-To: {long}" in lines
    assert f" {long}" in lines  # of References


@pytest.mark.parametrize(
    ("content", "auto"),
    [
        (replace(CHINESE, acknowledgement=True), "auto-replied"),
        (CHINESE, "auto-generated"),
        (replace(CHINESE, automatic=False), None),
    ],
)
def test_automatic_mail_says_what_kind_it_is_and_a_persons_does_not(content, auto):
    mail = sent(content)
    assert mail["Auto-Submitted"] == auto
    assert mail["X-Auto-Response-Suppress"] == ("All" if auto else None)


def test_a_survey_can_be_left_by_mail_or_by_a_press():
    by_mail = sent(replace(CHINESE, survey=True))
    assert by_mail["List-Unsubscribe"] == f"<mailto:{ENVELOPE.reply_to}?subject=unsubscribe>"
    by_press = sent(replace(CHINESE, survey=True, unsubscribe="https://desk.test/u/1"))
    assert by_press["List-Unsubscribe"] == "<https://desk.test/u/1>"
    assert by_press["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_only_a_survey_can_be_left():
    assert sent()["List-Unsubscribe"] is None


def test_files_travel_while_they_fit_and_are_named_where_they_do_not():
    small = Attached(name="日志.txt", type="text/plain", data=b"log")
    large = Attached(name="dump.bin", type="application/zip", data=b"x" * 900, url="https://d.t/f")
    mail = sent(replace(CHINESE, attachments=(large, small)), attachments_limit=1000)
    assert [part.get_filename() for part in mail.iter_attachments()] == ["日志.txt"]
    assert "dump.bin https://d.t/f" in text_of(mail)


def test_an_attached_mail_is_carried_as_bytes():
    mail = sent(
        replace(CHINESE, attachments=(Attached(name="m.eml", type="message/rfc822", data=b"\xff"),))
    )
    (part,) = mail.iter_attachments()
    assert part.get_content() == b"\xff"


anything = st.text(st.characters(codec="utf-8"), max_size=60)


@settings(max_examples=25)
@given(subject=anything, name=anything, file=anything, reference=anything)
def test_no_words_make_a_header_of_their_own(subject, name, file, reference):
    content = replace(
        CHINESE,
        subject=subject,
        references=(reference,),
        attachments=(Attached(name=file, type="a/b", data=b""),),
    )
    mail = sent(content, sender_name=name, in_reply_to=reference)
    usual = set(sent(attachments_limit=0).keys()) | {"In-Reply-To"}
    assert set(mail.keys()) <= usual
    assert mail["To"] == "wang@example.com"


def test_a_reply_address_is_read_whatever_a_relay_did_to_its_case():
    address = SIGNER.reply_address("desk@desk.test", "100427")
    assert SIGNER.ticket_of(f"<{address.upper()}>") == "100427"


@pytest.mark.parametrize(
    "address",
    [
        "desk@desk.test",
        "desk+t100427.aaaaaaaaaaaa@desk.test",
        "desk+t100435." + SIGNER.reply_address("d@d", "100427").split(".")[1],
        "desk+t100427.@desk.test",
        "desk+t100427.中中中中中中中中中中中中@desk.test",
    ],
)
def test_a_guessed_reply_address_names_no_ticket(address):
    assert SIGNER.ticket_of(address) is None


def test_another_desks_signatures_are_not_ours():
    other = replace(SIGNER, instance="other.test")
    assert other.ticket_of(SIGNER.reply_address("desk@desk.test", "100427")) is None
    assert other.ours(SIGNER.message_id("100427", "r")) is None


def test_the_right_side_of_an_id_proves_nothing_by_itself():
    forged = SIGNER.message_id("100427", "r").replace("t100427.", "t100435.")
    assert SIGNER.ours(forged) is None


def test_a_mail_about_no_ticket_is_still_ours():
    assert SIGNER.ours(SIGNER.message_id("", "broadcast-7")) == ""


def test_what_an_old_key_signed_is_good_under_a_new_one():
    new = replace(SIGNER, keys=(b"fedcba9876543210", *SIGNER.keys))
    assert new.ticket_of(SIGNER.reply_address("desk@desk.test", "100427")) == "100427"
    assert SIGNER.ticket_of(new.reply_address("desk@desk.test", "100427")) is None


def test_a_link_brings_back_what_was_signed_until_it_expires():
    token = SIGNER.sign_link("100427", "decline", "缺备件", 7, NOW + timedelta(days=1))
    link = SIGNER.verify_link(token, NOW)
    assert (link.ticket, link.action, link.arg, link.person) == ("100427", "decline", "缺备件", 7)
    with pytest.raises(Stale):
        SIGNER.verify_link(token, NOW + timedelta(days=2))


@given(st.data())
def test_a_link_changed_anywhere_is_stale(data):
    token = SIGNER.sign_link("100427", "confirm", "", 7, NOW + timedelta(days=1))
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda c: c != token[at]))
    with pytest.raises(Stale):
        SIGNER.verify_link(token[:at] + other + token[at + 1 :], NOW)


def test_a_link_is_no_reply_token_and_the_reverse():
    mac = SIGNER.reply_address("desk@desk.test", "100427").split(".")[1].partition("@")[0]
    with pytest.raises(Stale):
        SIGNER.verify_link(f"100427.{mac}", NOW)


@pytest.mark.parametrize(
    ("instance", "key"), [("desk", b"short"), ("Desk Test", b"x" * 32), ("", b"x" * 32)]
)
def test_a_signer_that_could_be_guessed_or_break_a_header_is_refused(instance, key):
    with pytest.raises(ValueError, match=r"."):
        Signer(instance=instance, keys=(key,))


def test_a_sender_name_in_any_script_is_read_as_it_was_written():
    name = 'IT 服务台 "夜班", 广州与深圳的所有网点以及仓库'
    raw = layout(CHINESE, replace(ENVELOPE, sender_name=name))
    read = message_from_bytes(raw)  # the newer policy leaves blanks between encoded words
    for header in ("From", "Reply-To"):
        assert str(make_header(decode_header(read[header]))).startswith(f"{name} <desk")


@pytest.mark.parametrize(
    "name", ["Desk, IT", "IT (night)", 'The "Desk"', "Dr. Wang: desk", "=?x?="]
)
def test_a_sender_name_is_one_persons_whatever_its_marks_mean(name):
    (sender,) = sent(sender_name=name)["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, "desk@desk.test")


words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)


@given(names=st.lists(words, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_every_file_is_carried_whole_under_its_own_name_in_short_lines(names):
    files = tuple(Attached(name=n, type="application/zip", data=n.encode() * 40) for n in names)
    raw = layout(replace(CHINESE, attachments=files), ENVELOPE)
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    mail = message_from_bytes(raw, policy=default)
    parts = list(mail.iter_attachments())
    assert [part.get_filename() for part in parts] == names
    assert [part.get_content() for part in parts] == [file.data for file in files]
    assert not [part.defects for part in mail.walk() if part.defects]


@given(words)
@settings(max_examples=60, deadline=None)
def test_every_subject_is_read_as_it_was_written_in_short_lines(subject):
    raw = layout(replace(CHINESE, subject=subject), ENVELOPE)
    head = raw.partition(b"\r\n\r\n")[0]
    assert all(len(line) < 78 or b" " not in line.strip() for line in head.split(b"\r\n"))
    read = message_from_bytes(raw, policy=default)
    assert str(read["Subject"]) == f"{subject} [#100427]"


def test_a_return_address_names_its_letter_whatever_a_relay_did_to_its_case():
    message_id = SIGNER.message_id("100427", "letter-1")
    address = SIGNER.return_address("desk@desk.test", message_id)
    assert SIGNER.returned(address.upper()) == message_id.strip("<>")
    assert len(address.partition("@")[0]) <= 64


def test_a_guessed_return_address_names_no_letter():
    address = SIGNER.return_address("desk@desk.test", SIGNER.message_id("100427", "letter-1"))
    assert SIGNER.returned(address.replace("100427", "100435")) is None
    assert SIGNER.ticket_of(address) is None
