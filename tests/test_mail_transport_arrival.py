"""Two copies of one mail are known as one, and two mails with one id as two."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.arrival import Arrival, fingerprint, read_stamp, sender_key, stamp
from channels.mail.imap import internal_date, read_fetch, uid_set, wire_name
from tests.mail_servers.store import mail

AT = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
moments = st.none() | st.datetimes(timezones=st.just(UTC))


@given(
    st.builds(
        Arrival,
        at=moments,
        size=st.integers(0),
        truncated=st.booleans(),
        unreadable=st.booleans(),
        archive=st.booleans(),
    ),
    st.binary(),
)
def test_a_stamp_gives_back_what_was_known_and_the_mail_untouched(arrival, raw):
    assert read_stamp(stamp(arrival, raw)) == (arrival, raw)


def test_a_stamp_that_a_sender_wrote_is_only_text():
    forged = stamp(Arrival(at=AT, size=1, archive=True), b"")
    arrival, raw = read_stamp(stamp(Arrival(at=AT, size=2), forged + mail("x")))
    assert arrival is not None
    assert not arrival.archive
    assert raw.startswith(forged)


def test_a_mail_from_a_file_has_no_stamp():
    assert read_stamp(mail("x")) == (None, mail("x"))


def test_two_ways_to_us_are_one_mail():
    one = b"Received: from a by b\r\n\tfor <desk@desk.test>\r\n" + mail("Jam")
    two = b"Return-Path: <wang@example.com>\nDelivered-To: it@desk.test\n"
    two += mail("Jam").replace(b"\r\n", b"\n")
    assert fingerprint(one, AT) == fingerprint(two, AT + timedelta(minutes=3))


def test_a_subject_folded_by_a_relay_is_the_same_subject():
    folded = mail("A long subject").replace(b"A long", b"A\r\n\tlong")
    assert fingerprint(folded, AT) == fingerprint(mail("A long subject"), AT)


@pytest.mark.parametrize(
    "other",
    [
        mail("Jam", "another text"),
        mail("Jam", Date="Mon, 23 Nov 2026 09:00:00 +0800"),
        mail("Jam", From="li@example.com"),
        mail("Ham", Message_ID="<Jam@example.com>"),
    ],
)
def test_a_reused_id_does_not_swallow_another_mail(other):
    assert fingerprint(other, AT) != fingerprint(mail("Jam"), AT)


@pytest.mark.parametrize("missing", [b"Message-ID: <>\r\n", b"Message-ID:\r\n", b""])
def test_without_an_id_the_moment_tells_two_mails_apart(missing):
    raw = mail("Test", "").replace(b"Message-ID: <Test@example.com>\r\n", missing)
    assert fingerprint(raw, AT) == fingerprint(raw, AT)
    assert fingerprint(raw, AT) != fingerprint(raw, AT + timedelta(seconds=1))


@given(st.binary(max_size=300), moments)
def test_any_bytes_have_a_fingerprint_and_a_sender(raw, at):
    assert "|" in fingerprint(raw, at)
    assert "\n" not in sender_key(raw)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b"From: =?utf-8?b?5bCP546L?= <Wang@Example.com>", "wang@example.com"),
        (b"from:wang@example.com", "wang@example.com"),
        (b"From: a@b.c\r\n <wang@example.com>", "wang@example.com"),
        (b"From: nobody", ""),
        (b"Subject: From: x@y.z", ""),
    ],
)
def test_mails_of_one_sender_share_a_key(line, key):
    assert sender_key(line + b"\r\n\r\nFrom: other@example.com") == key


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("INBOX", '"INBOX"'),
        ("已处理", '"&XfJZBHQG-"'),
        ("Q&A", '"Q&-A"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("~peter/mail/台北/日本語", '"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'),  # RFC 3501's example
    ],
)
def test_folder_names_travel_in_modified_utf7(name, wire):
    assert wire_name(name) == wire


@given(st.sets(st.integers(1, 10_000), min_size=1, max_size=100))
def test_a_uid_set_names_each_uid_and_no_other(uids):
    named: set[int] = set()
    for run in uid_set(sorted(uids)).split(","):
        first, _, last = run.partition(":")
        named |= set(range(int(first), int(last or first) + 1))
    assert named == uids


def test_attributes_are_found_on_both_sides_of_a_literal():
    (_, item) = read_fetch(
        [b"7 FETCH (FLAGS () BODY[] {3}", bytearray(b"abc"), b" UID 42)", b"Fetch completed."]
    )
    assert (item.uid, item.parts) == (42, {"": b"abc"})


def test_lines_about_other_mails_in_between_change_nothing():
    items = read_fetch(
        [
            b"3 FETCH (FLAGS (\\Seen))",
            b"7 FETCH (UID 42 RFC822.SIZE 3 BODY[] {3}",
            bytearray(b"abc"),
            b")",
            b"8 FETCH (FLAGS (\\Deleted) UID 43)",
        ]
    )
    assert {item.uid: item.parts for item in items if item.parts} == {42: {"": b"abc"}}


@pytest.mark.parametrize(
    ("said", "body"), [(b'"a \\"b\\" c"', b'a "b" c'), (b"NIL", b""), (b'""', b"")]
)
def test_a_short_body_may_come_without_a_literal(said, body):
    (_, item) = read_fetch([b"1 FETCH (UID 9 BODY[] " + said + b")"])
    assert item.parts == {"": body}


def test_an_internal_date_is_read_in_any_zone_and_nonsense_is_none():
    assert internal_date("22-Nov-2026 09:00:00 +0800") == AT
    assert internal_date(" 2-Nov-2026 09:00:00 -0330") is not None
    for nonsense in ("", "32-Nov-2026 09:00:00 +0000", "22-Xxx-2026 09:00:00 +0000", "22-11-2026"):
        assert internal_date(nonsense) is None
