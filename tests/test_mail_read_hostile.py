"""Mails made to stop a desk: none raises, none takes long, whatever is done to their bytes."""
# ruff: noqa: E501  (hostile mails on one line each)

import json
import os
import random
import resource
import time
from pathlib import Path

import pytest

from channels.mail.caps import Caps
from channels.mail.page import to_text
from channels.mail.parse import parse, show
from tests.mail_servers.desk import MailDesk
from tests.scenario import a_desk
from tests.test_mail_read_programs import letters

SOAK = bool(os.environ.get("PAIDAN_SOAK"))
SEEDS = 4
ROUNDS = 25_000 if SOAK else 375  # mails per seed
THROUGH_THE_DESK = 10_000 if SOAK else 80
SECONDS, KILOBYTES = 5.0, 200_000

FILES = sorted((Path(__file__).parent / "mails").rglob("*.eml"))
LETTERS = [*(path.read_bytes() for path in FILES), *letters()]
FRAGMENTS = [
    *(b"\n\n", b"\r\n", b'"', b"(", b"<", b"--", b"\0", b"\xff\xfe", b">", b": ", b";", b"\\", b"%", b"="),
    *(b"=?utf-8?B?", b"?=", b"boundary=", b"charset=utf-7", b"charset=hz", b"charset=utf-16", b"*0*="),
    *(b"Content-Type: multipart/mixed; boundary=a\n", b"message/rfc822", b"application/ms-tnef", b"text/html"),
    *(b"begin 644 x\n", b"<div>", b"\xed\xa0\x80", b"base64", b"quoted-printable", b"x-uuencode", b"\n> "),
    *(b"On 1 May 2026, a@b.example wrote:\n", b"charset=unicode_escape", b"charset=idna", b"text/calendar"),
]  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(LETTERS))
    for _ in range(chance.randint(1, 12)):
        at, what = chance.randrange(len(data) + 1), chance.random()
        if what < 0.35 and at < len(data):
            data[at] = chance.randrange(256)
        elif what < 0.65:
            data[at:at] = chance.choice(FRAGMENTS)
        elif what < 0.8:
            del data[at : at + chance.randint(1, 200)]
        elif what < 0.9:
            data[at:at] = data[at : at + 50] * chance.randint(1, 20)
        else:
            other = chance.choice(LETTERS)
            data[at:at] = other[chance.randrange(len(other)) :][:400]
    return bytes(data)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_mutated_mail_is_read_quickly_and_can_be_stored(seed):
    chance, before = random.Random(seed), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(ROUNDS):
        raw = mutated(chance)
        started = time.process_time()
        assert json.dumps(show(raw), ensure_ascii=False).encode()
        assert time.process_time() - started < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < KILOBYTES


async def test_a_mutated_mail_goes_through_the_whole_desk(tmp_path):
    """From the stored bytes to the ticket and the letters about it: none is tried twice."""
    chance, plenty = random.Random(f"{SEEDS} and one"), 10**9
    async with a_desk(tmp_path) as scenario:
        post = MailDesk(
            scenario, tmp_path, held_above=plenty, storm=plenty, answers_per_hour=plenty
        )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(THROUGH_THE_DESK):
            raw, started = mutated(chance), time.process_time()
            await post.gets(raw)
            assert time.process_time() - started < SECONDS
        rows = await post.rows()
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < KILOBYTES
        assert len(await scenario.tickets()) > THROUGH_THE_DESK / 2
    unsettled = [row for row in rows if row.state not in {"done", "ignored"} or row.tries > 1]
    assert [(row.note, row.body[:200]) for row in unsettled] == []


NESTED = b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n"
REPLY = b"In-Reply-To: <a@b>\n\n"
REPORT = b"From: mailer-daemon@x.example\nSubject: Undelivered\n\n"
HOSTILE = {
    "20,000 encoded words": b"Subject: " + b"=?utf-8?B?5L2g?= " * 20_000 + b"\n\nx",
    "open brackets": b"From: " + b"(" * 20_000 + b"\n\nx",
    "open quotes": b"From: " + b'"\\' * 8_000 + b"<a@b>\n\nx",
    "open angles": b"From: " + b'<"' * 8_000 + b"\n\nx",
    "20,000 recipients": b"To: " + b", ".join(b"u%d@x.example" % i for i in range(20_000)) + b"\n\nx",
    "1,000 multiparts deep": b"".join(NESTED % (i, i) for i in range(1_000)) + b"\nx",
    "1,000 mails deep": b"Content-Type: message/rfc822\n\n" * 1_000,
    "50,000 parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 50_000,
    "200,000 fields": b"X: y\n" * 200_000 + b"\nx",
    "a delimiter everywhere": b"Content-Type: multipart/mixed; boundary=-\n\n" + b"-" * 2_000_000,
    "lost delimiters": b"Content-Type: multipart/mixed\n\n" + (b"--a" + b" " * 300 + b"\n") * 5_000,
    "parameters": b"Content-Type: text/plain; " + b"a*0*=x;" * 2_300 + b"\n\nx",
    "blank parameters": b"Content-Type: text/plain;" + b"a " * 4_000 + b" " * 8_000 + b"\n\nx",
    "uuencode without end": b"\n\n" + b"begin 644 x\n" * 100_000 + b"\nend\n",
    "20,000 uuencoded files": b"\n\n" + b"begin 644 x\n#0V%T\nend\n" * 20_000,
    "base64 in pieces": b"Content-Transfer-Encoding: base64\n\n" + b"=QQ" * 1_000_000,
    "attributions": REPLY + b"On Mon 2024\n" * 20_000,
    "quotes and answers": REPLY + b"> a\nb\n" * 40_000,
    "signatures": REPLY + b"x\n> a\n" + b"-- \n> a\n" * 30_000,
    "footers": REPLY + b"-- \n__\n> \nSent from my iPhone\n" * 8_000,
    "signs above a quote": REPLY + b"2024 " + b"@" * 100_000 + b"\n> x\n",
    "rules and no word": REPLY + (b"_" * 390 + b" x\n") * 600 + b"> x\n",
    "a long recipient": REPLY + b"From: x\nTo: " + b"a" * 200_000 + b"\nSubject: x\n",
    "spaces": REPLY + b"x" + b" " * 200_000 + b"y\n> x\n",
    "addresses": REPORT + b"a@a-" * 250_000,
    "almost addresses": REPORT + b"a." * 500_000,
    "blank reports": REPORT + b" " * 500_000 + b"x",
    "dashes": REPORT + b"-" * 500_000,
    "results in comments": b"Authentication-Results: x; " + b"(" * 16_000 + b"\n\nx",
    "an endless invitation": b"Content-Type: text/calendar\n\nBEGIN:VEVENT\n" + b"SUMMARY:\\n\n" * 100_000,
    "bytes of no charset": b"\n\n" + bytes(range(128, 256)) * 5_000,
}  # fmt: skip


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_mail_made_to_be_slow_is_not(raw):
    started = time.process_time()
    parse(raw)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "html",
    ["<div>" * 50_000 + "x", "".join(f"<b id={i}><p>" for i in range(30_000)), '<a "' * 100_000, "<\"'>" * 50_000, "<a" * 150_000, "<!--" * 100_000, "&" * 250_000, "<style>" * 50_000],
    ids=str.__len__,
)  # fmt: skip
def test_a_page_made_to_be_slow_is_not(html):
    started = time.process_time()
    to_text(html)
    assert time.process_time() - started < 4


def test_a_mail_over_the_cap_is_read_from_its_beginning_only():
    mail = parse(b"Subject: logs\r\n\r\n" + b"x" * 2_000, Caps(raw=1_000, stub=100))
    assert (mail.subject, mail.too_large, len(mail.text)) == ("logs", True, 83)


def test_what_a_cap_cut_off_is_said():
    assert parse(b"Subject: " + b"x" * 20_000 + b"\r\n\r\nx").clipped
