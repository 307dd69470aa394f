"""The same promises against servers that were not written for these tests."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from itertools import count
from pathlib import Path

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from channels.mail.arrival import read_stamp
from channels.mail.check import check
from channels.mail.layout import Content
from channels.mail.sender import SmtpChannel
from channels.mail.settings import SmtpSettings
from channels.mail.tokens import Signer
from core.errors import Undeliverable
from core.messages import Letter
from tests.extent import EVERYTHING
from tests.mail_servers import real
from tests.mail_servers.certificate import certificate, server_tls
from tests.mail_servers.line import line_to
from tests.mail_servers.smtp import smtp_sink
from tests.mail_servers.store import QUICK, MemoryStore, eventually, mail, mails, reading, settings

PUSHED = replace(QUICK, poll=30, idle=30, stale=90, answer=10)  # only a push is quicker
PATIENT = replace(QUICK, answer=10, stale=30)
SOON_BACK = replace(PATIENT, poll=0.2)
SIGNER = Signer(instance="desk.test", keys=(b"0123456789abcdef",))
ROOT = Path(__file__).parent.parent
names = count()


@pytest.fixture(scope="module")
def pymap() -> Iterator[real.ImapServer]:
    with real.pymap() as server:
        yield server


@pytest.fixture(scope="module")
def dovecot() -> Iterator[real.Dovecot]:
    with real.dovecot() as server:
        yield server


@pytest.fixture(scope="module")
def pymap_on_disk() -> Iterator[real.Pymap]:
    with real.pymap_on_disk() as server:
        yield server


@pytest.fixture(params=["pymap_on_disk", pytest.param("dovecot", marks=pytest.mark.dovecot)])
def mortal(request) -> real.Pymap | real.Dovecot:
    """A server that can be killed. (pymap in memory announces nothing to whoever idles.)"""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["pymap", pytest.param("dovecot", marks=pytest.mark.dovecot)])
def imap(request) -> real.ImapServer:
    """A mailbox nobody else uses, or one whose earlier mail is history."""
    server = request.getfixturevalue(request.param)
    return server if request.param == "pymap" else server.user(f"user{next(names)}")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def to(imap: real.ImapServer, **more):
    return settings(imap.port, user=imap.user, **{"pace": PATIENT} | more)


async def test_new_mail_is_pushed(mortal, store):
    user = f"user{next(names)}"
    async with reading(to(mortal.user(user), pace=PUSHED), store) as inbox:
        await eventually(lambda: inbox.waiting)
        await asyncio.to_thread(mortal.drop, user, mail("Pushed"))
        assert await eventually(lambda: store.mails) < 25
    assert subjects(store) == ["Pushed"]


async def test_a_burst_is_read_whole_and_each_mail_once(imap, store):
    quick = isinstance(imap, real.DovecotUser)  # pymap takes 15 ms for each
    burst = mails(2000 if EVERYTHING and quick else 600 if quick else 50)
    async with reading(to(imap), store):
        await asyncio.to_thread(imap.deliver, *burst)
        await eventually(lambda: len(store.rows) >= len(burst), within=60)
    assert sorted(store.mails) == sorted(burst)
    assert store.doubled == 0


async def test_a_mass_expunge_by_another_client_deafens_nobody(imap, store):
    quick = isinstance(imap, real.DovecotUser)
    await asyncio.to_thread(imap.deliver, *mails(1500 if EVERYTHING and quick else 40))

    def expunge() -> None:
        with imap.other_client() as client:
            client.store("1:*", "+FLAGS", "\\Deleted")
            client.expunge()

    async with reading(to(imap), store):
        await asyncio.to_thread(expunge)
        await asyncio.to_thread(imap.deliver, mail("New"))
        await eventually(lambda: store.mails)


async def test_a_link_that_dies_without_a_word_costs_no_mail_and_no_second_one(imap, store):
    """As long as production waits, at a hundredth of its times."""
    first, second, third = mails(3)
    async with line_to(imap.port) as line:
        wanted = settings(line.port, user=imap.user, pace=replace(QUICK, answer=3, stale=4))
        async with reading(wanted, store) as inbox:
            await asyncio.to_thread(imap.deliver, first)
            await eventually(lambda: store.mails)
            line.die()
            await asyncio.to_thread(imap.deliver, second)
            await eventually(lambda: inbox.reconnects)
            line.heal()
            await eventually(lambda: len(store.mails) == 2)
            await asyncio.to_thread(imap.deliver, third)
            await eventually(lambda: len(store.mails) == 3)
    assert sorted(store.mails) == sorted([first, second, third])
    assert store.doubled == 0


async def test_a_mark_that_pymap_refuses_costs_no_second_mail_and_is_told(pymap, store):
    async with reading(to(pymap, processed="Trash"), store) as inbox:
        await asyncio.to_thread(pymap.deliver, mail("Unmovable"))
        await eventually(lambda: store.alerts)
        assert (inbox.unmarked, store.mails) == (1, [mail("Unmovable")])
    assert store.alerts == ["mail_not_marked"]
    async with reading(to(pymap), store) as inbox:
        await eventually(lambda: not inbox.unmarked and inbox.waiting)
    assert (store.mails, store.doubled) == ([mail("Unmovable")], 0)


@pytest.mark.dovecot
async def test_a_mailbox_without_the_right_to_mark_is_read_once_and_told(dovecot, store):
    """STORE is refused; once the right is there, every mail gets its mark and none comes again."""
    user, pace = f"user{next(names)}", replace(PATIENT, poll=0.3, reopen=0.5)
    await asyncio.to_thread(dovecot.drop, user, mail("Old"))
    dovecot.deny(user)
    imap = dovecot.user(user)
    async with reading(to(imap, pace=pace), store) as inbox:
        await asyncio.to_thread(dovecot.drop, user, *mails(3))
        await eventually(lambda: store.alerts and len(store.rows) == 3)
        assert inbox.unmarked == 3
        dovecot.deny(user, allow=True)
        await eventually(lambda: not inbox.unmarked)
    assert store.alerts == ["mail_not_marked"]
    assert (sorted(store.mails), store.doubled) == (mails(3), 0)
    assert await asyncio.to_thread(seen, imap) == 3


def seen(imap: real.ImapServer) -> int:
    with imap.other_client() as client:
        _, (found,) = client.search(None, "SEEN")
    return len(found.split())


@pytest.mark.dovecot
async def test_a_mark_that_the_server_refuses_costs_no_second_mail(dovecot, store):
    user = f"user{next(names)}"
    async with reading(to(dovecot.user(user), processed="Done"), store) as inbox:
        store.on_keep = partial(dovecot.lock, user, "Done")  # just before the mark
        await asyncio.to_thread(dovecot.drop, user, mail("Unmarkable"))
        await eventually(lambda: inbox.unmarked and inbox.waiting)
        dovecot.lock(user, "Done", unlock=True)
        await eventually(lambda: not inbox.unmarked)
    assert store.mails == [mail("Unmarkable")]
    assert store.doubled == 0


async def test_stored_mail_moves_to_a_folder_with_a_chinese_name(imap, store):
    async with reading(to(imap, processed="已处理"), store) as inbox:
        await asyncio.to_thread(imap.deliver, mail("Move me"))
        await eventually(lambda: store.mails and not inbox.unmarked)
    assert mail("Move me") in await asyncio.to_thread(imap.read_all, '"&XfJZBHQG-"')


@pytest.mark.dovecot
async def test_a_large_mail_arrives_byte_for_byte(dovecot, store):
    imap = dovecot.user(f"user{next(names)}")
    large = mail("Large", "all work and no play\r\n" * 200_000)
    async with reading(to(imap), store):
        await asyncio.to_thread(imap.deliver, large)
        await eventually(lambda: store.mails)
    assert store.mails == [large]


@pytest.mark.dovecot
async def test_a_mail_far_over_the_limit_delays_no_other(dovecot, store):
    """It is filed by its beginning, and its bytes never come over the line."""
    user, megabytes = f"user{next(names)}", 200 if EVERYTHING else 50
    huge = mail("Huge", "x" * 70) + (b"y" * 998 + b"\r\n") * 1_000 * megabytes
    async with reading(to(dovecot.user(user)), store):
        await asyncio.to_thread(dovecot.drop, user, huge, mail("Next"))
        assert await eventually(lambda: len(store.rows) == 2) < 10
    sizes = sorted(len(raw) for raw in store.mails)
    assert sizes[1] < 70_000
    assert store.alerts == ["mail_too_large"]


async def test_a_server_killed_and_restarted_loses_and_doubles_nothing(mortal, store):
    user = f"user{next(names)}"
    first, second, third = mails(3)
    async with reading(to(mortal.user(user), pace=SOON_BACK), store) as inbox:
        await asyncio.to_thread(mortal.drop, user, first)
        await eventually(lambda: store.mails)
        await asyncio.to_thread(mortal.kill)
        await asyncio.to_thread(mortal.drop, user, second)
        await eventually(lambda: inbox.reconnects)
        await asyncio.to_thread(mortal.start)
        assert await eventually(lambda: len(store.rows) == 2) < 2
        await asyncio.to_thread(mortal.drop, user, third)
        await eventually(lambda: len(store.rows) == 3)
    assert subjects(store) == ["Mail 00000", "Mail 00001", "Mail 00002"]
    assert store.doubled == 0


async def test_a_server_that_lost_its_uids_brings_nothing_twice(mortal, store):
    user = f"user{next(names)}"
    async with reading(to(mortal.user(user), pace=SOON_BACK), store):
        await asyncio.to_thread(mortal.drop, user, *mails(20))
        await eventually(lambda: len(store.rows) == 20)
        await asyncio.to_thread(mortal.kill)
        mortal.forget_uids(user)
        mortal.drop(user, mail("New"))
        await asyncio.to_thread(mortal.start)
        await eventually(lambda: len(store.rows) == 41)
    assert subjects(store) == [*(f"Mail {n:05}" for n in range(20)), "New"]


def subjects(store: MemoryStore) -> list[str]:
    return sorted(str(message_from_bytes(raw, policy=default)["Subject"]) for raw in store.mails)


@pytest.mark.dovecot
async def test_a_mailbox_is_read_over_tls(dovecot, store):
    user = f"user{next(names)}"
    wanted = settings(dovecot.tls_port, user=user, tls=True, cafile=certificate()[0], pace=PATIENT)
    async with reading(wanted, store):
        await asyncio.to_thread(dovecot.drop, user, mail("Private"))
        await eventually(lambda: store.mails)


@pytest.mark.dovecot
async def test_a_certificate_nobody_vouches_for_is_not_talked_to(dovecot, store):
    user = f"user{next(names)}"
    wanted = settings(dovecot.tls_port, user=user, tls=True)
    findings = [finding async for finding in check(wanted, None, SIGNER, now)]
    assert [(finding.step, finding.ok) for finding in findings] == [("connect", False)]
    assert "certificate" in findings[0].detail.lower()


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Town:
    """A desk and a person, and the servers between them."""

    imap: real.ImapServer
    smtp_port: int
    letters: asyncio.Queue[EmailMessage]  # what came to wang

    async def wang_writes(self, message: EmailMessage) -> None:
        message["From"] = "wang@desk.test"
        await aiosmtplib.send(message, hostname="127.0.0.1", port=self.smtp_port, start_tls=False)

    @property
    def way_out(self) -> SmtpSettings:
        return SmtpSettings(
            address=f"{self.imap.user}@desk.test",
            host="127.0.0.1",
            port=self.smtp_port,
            tls="none",
        )


class LoopMta:
    """aiosmtpd for both: the desk's mail goes on to its IMAP server, wang's to a queue."""

    def __init__(self, imap: real.ImapServer) -> None:
        self.imap, self.letters = imap, asyncio.Queue[EmailMessage]()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        (recipient,) = envelope.rcpt_tos
        raw = f"Delivered-To: {recipient}\r\n".encode() + (envelope.content or b"")  # type: ignore[operator]
        if recipient.startswith("wang@"):
            self.letters.put_nowait(message_from_bytes(raw, policy=default))
        else:
            await asyncio.to_thread(self.imap.deliver, raw)
        return "250 2.0.0 queued"


@pytest.fixture
async def town_of_pip(pymap) -> AsyncIterator[Town]:
    mta = LoopMta(pymap)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        partial(SMTP, mta, hostname="localhost", loop=loop), "127.0.0.1", 0
    )
    yield Town(pymap, server.sockets[0].getsockname()[1], mta.letters)
    server.close()


@pytest.fixture(scope="module")
def mta(dovecot) -> Iterator[int]:
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root only")
    with real.postfix(dovecot.lmtp_port) as port:
        yield port


@pytest.fixture
async def town_of_postfix(dovecot, mta) -> AsyncIterator[Town]:
    letters = asyncio.Queue[EmailMessage]()

    async def fetch() -> None:
        while True:
            for raw in await asyncio.to_thread(dovecot.user("wang").read_all):
                letters.put_nowait(message_from_bytes(raw, policy=default))
                return
            await asyncio.sleep(0.1)

    fetching = asyncio.create_task(fetch())
    yield Town(dovecot.user(f"user{next(names)}"), mta, letters)
    fetching.cancel()


@pytest.fixture(params=["pip", pytest.param("postfix", marks=pytest.mark.dovecot)])
def town(request) -> Town:
    return request.getfixturevalue(f"town_of_{request.param}")


async def test_report_acknowledgement_and_reply_are_one_conversation(town, store):
    async def compose(letter: Letter) -> Content:
        return Content(subject="打印机坏了", paragraphs=("已受理",), acknowledgement=True)

    channel = SmtpChannel(town.way_out, SIGNER, compose, now)
    async with reading(to(town.imap), store):
        report = message(
            To=town.way_out.address, Subject="打印机坏了", Message_ID="<r1@example.com>"
        )
        await town.wang_writes(report)
        await eventually(lambda: store.mails)
        await channel.send(letter_to("wang@desk.test", reply_to="<r1@example.com>"))
        answer = await asyncio.wait_for(town.letters.get(), 30)
        reply = message(
            To=str(answer["Reply-To"]),
            Subject=f"Re: {answer['Subject']}",
            In_Reply_To=str(answer["Message-ID"]),
        )
        await town.wang_writes(reply)
        await eventually(lambda: len(store.mails) == 2)
    assert answer["In-Reply-To"] == "<r1@example.com>"
    last = message_from_bytes(store.mails[-1], policy=default)
    assert SIGNER.ticket_of(str(last["To"].addresses[0].addr_spec)) == "100427"
    assert SIGNER.ticket_of(str(last["Delivered-To"])) == "100427"
    assert SIGNER.ours(str(last["In-Reply-To"])) == "100427"


async def test_the_check_proves_every_step_and_leaves_no_unread_mail(town):
    wanted = to(town.imap, address=town.way_out.address, processed="已处理")
    findings = [finding async for finding in check(wanted, town.way_out, SIGNER, now, patience=30)]
    assert [finding.step for finding in findings] == (
        ["connect", "login", "folder", "idle", "send", "loop", "processed", "send", "plus"]
    )
    assert [finding for finding in findings if not finding.ok] == []


@pytest.mark.dovecot
async def test_a_real_mta_says_at_once_where_it_cannot_go(town_of_postfix):
    async def compose(letter: Letter) -> Content:
        return Content(subject="x", paragraphs=("y",))

    channel = SmtpChannel(town_of_postfix.way_out, SIGNER, compose, now)
    with pytest.raises(Undeliverable) as refusal:
        await channel.send(letter_to("x@elsewhere.example"))
    assert refusal.value.permanent


@pytest.mark.parametrize(
    ("given", "failing", "said"),
    [
        ({"password": "wrong"}, "login", "authorisation code"),
        ({"folder": "No such folder"}, "folder", "does not exist"),
        ({"port": 1}, "connect", "look at host and port"),
        ({"tls": True}, "connect", "this port speaks no TLS"),
    ],
)
async def test_the_check_stops_at_the_step_that_fails_and_says_why(pymap, given, failing, said):
    wanted = settings(**{"port": pymap.port, "user": pymap.user, "pace": PATIENT} | given)
    findings = [finding async for finding in check(wanted, None, SIGNER, now)]
    assert [finding.step for finding in findings if not finding.ok] == [failing]
    assert findings[-1].step == failing
    assert said in findings[-1].detail


@pytest.mark.parametrize(
    ("tls", "given", "said"),
    [
        (False, {"tls": "starttls"}, 'tls = "implicit"'),
        (True, {"tls": "implicit"}, "set cafile"),
        (True, {"tls": "implicit", "password": "wrong"}, "authorisation code or an app password"),
    ],
)
async def test_the_check_says_why_nothing_can_be_sent(pymap, tls, given, said):
    async with smtp_sink(server_tls() if tls else None, implicit=tls, login=tls) as sink:
        cafile = certificate()[0] if "password" in given else ""
        out = SmtpSettings(
            address="desk@desk.test", host="127.0.0.1", port=sink.port, cafile=cafile, **given
        )
        findings = [finding async for finding in check(to(pymap), out, SIGNER, now)]
    assert [(finding.step, finding.ok) for finding in findings[-1:]] == [("send", False)]
    assert said in findings[-1].detail


async def test_the_check_finds_out_that_stored_mail_cannot_be_moved(town_of_pip):
    town = town_of_pip
    wanted = to(town.imap, address=town.way_out.address, processed="Trash")
    findings = [finding async for finding in check(wanted, town.way_out, SIGNER, now, patience=30)]
    assert [finding.step for finding in findings if not finding.ok] == ["processed"]


async def test_the_check_is_a_command(town_of_pip, tmp_path):
    town = town_of_pip
    box = ("address", "user", "password", "port", "tls", "processed")
    values = (town.way_out.address, town.imap.user, "secret", town.imap.port, False, "已处理")
    out = ("address", "port", "tls")
    sections = (
        ("[[mail.mailboxes]]", zip(box, values, strict=True)),
        ("[mail.smtp]", zip(out, (town.way_out.address, town.smtp_port, "none"), strict=True)),
    )
    lines = [
        line
        for head, given in sections
        for line in (head, 'host = "127.0.0.1"', *(f"{n} = {json.dumps(v)}" for n, v in given))
    ]
    (tmp_path / "paidan.toml").write_text("\n".join(lines), "utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", "check", "mail"),
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "LANG": "C.UTF-8", "COLUMNS": "160"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, complaints = (text.decode() for text in await process.communicate())
    assert (process.returncode, complaints) == (0, "")
    for step in ("login", "folder", "idle", "send", "loop", "processed", "plus"):
        assert re.search(rf"{step} +│ ok", told), told


@pytest.mark.dovecot
async def test_history_on_a_real_server_is_filed_as_archive(dovecot, store):
    imap = dovecot.user(f"user{next(names)}")
    await asyncio.to_thread(partial(dovecot.drop, imap.user, mail("Before the desk"), age=60))
    async with reading(to(imap, history_from=date(2020, 1, 1)), store):
        await eventually(lambda: mail("Before the desk") in store.mails)
        await asyncio.to_thread(imap.deliver, mail("After"))
        await eventually(lambda: mail("After") in store.mails)
    stamped = [read_stamp(row.body) for row in store.rows.values()]
    archived = {raw: arrival.archive for arrival, raw in stamped if arrival is not None}
    assert archived[mail("Before the desk")]
    assert not archived[mail("After")]


def message(**headers: str) -> EmailMessage:
    made = EmailMessage()
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content("坏了")
    return made


def letter_to(address: str, reply_to: str = "") -> Letter:
    return Letter(
        id=1,
        person_id=1,
        channel="mail",
        address=address,
        language="zh_CN",
        zone="Asia/Shanghai",
        kind="ticket_opened",
        params={},
        ticket="100427",
        reference=f"letter to {address}",
        reply_to=reply_to,
    )
