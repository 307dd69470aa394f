"""The whole desk on real mail servers: mail delivered there becomes tickets and letters."""

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from bot.mail import add_mail
from bot.main import Program
from bot.settings import Http, Mail, Settings
from core.rows import InboxRow
from core.ticket import Ticket
from tests.mail_servers import real
from tests.mail_servers.desk import answer, letter
from tests.mail_servers.smtp import smtp_sink
from tests.mail_servers.store import QUICK

WANG = "wang@desk.test"
PACE = replace(QUICK, answer=10, stale=30)
PATIENCE = 40  # seconds, on a machine with much else to do
EXAMPLE = Path(__file__).parent.parent / "core/desk_data/example.toml"


@asynccontextmanager
async def running(folder: Path, imap: real.ImapServer, smtp_port: int):
    section = Mail.model_validate(
        {
            "mailboxes": [
                {
                    "address": "desk@desk.test",
                    "host": "127.0.0.1",
                    "port": imap.port,
                    "user": imap.user,
                    "password": "secret",
                    "tls": False,
                }
            ],
            "smtp": {
                "address": f"{imap.user}@desk.test",
                "host": "127.0.0.1",
                "port": smtp_port,
                "tls": "none",
            },
        }
    )
    program = Program(
        Settings(
            database=f"sqlite:///{folder / 'desk.db'}",
            files=str(folder / "files"),
            mail=section,
            http=Http(port=0),
        )
    )
    await program.open()
    await program.load_sheet(EXAMPLE.read_text("utf-8"))
    (box,) = add_mail(program, section, PACE)
    await program.start()
    try:
        async with asyncio.timeout(PATIENCE):
            while not box.connected:  # noqa: ASYNC110  (its state is a plain value)
                await asyncio.sleep(0.02)
        yield program
    finally:
        await program.stop()


async def until(look, wanted):
    async with asyncio.timeout(PATIENCE):
        while not wanted(found := await look()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


def tickets(program: Program):
    return lambda: program.store.read(lambda tx: tx.find(Ticket, order="id"))


def settled(program: Program):
    def body(tx):
        return [row for row in tx.find(InboxRow, order="id") if row.state != "new"]

    return lambda: program.store.read(body)


async def conversation(program: Program, deliver, mails) -> list[Ticket]:
    """A report, its acknowledgement, and an answer to that."""
    await deliver(letter(WANG, "打印机坏了", "三楼财务 卡纸"))
    (acknowledgement, *_) = await until(mails, len)
    await deliver(answer(acknowledgement, WANG, "还有墨水也没了"))
    await until(settled(program), lambda rows: len(rows) == 2)
    return await tickets(program)()


@pytest.fixture(scope="module")
def pymap():
    with real.pymap() as server:
        yield server


async def test_report_acknowledgement_and_answer_are_one_ticket(tmp_path, pymap):
    async with smtp_sink() as sink, running(tmp_path, pymap, sink.port) as program:

        async def deliver(mail: EmailMessage) -> None:
            await asyncio.to_thread(pymap.deliver, mail.as_bytes())

        async def mails() -> list[EmailMessage]:
            return sink.mails()

        (ticket,) = await conversation(program, deliver, mails)
    assert ticket.number in str(sink.mails()[0]["Subject"])


async def test_the_figures_say_how_long_a_mailbox_has_been_silent(tmp_path, pymap):
    async with smtp_sink() as sink, running(tmp_path, pymap, sink.port) as program:
        async with httpx.AsyncClient(base_url=program.server.address) as client:
            figures = (await client.get("/metrics")).text
        (age,) = re.findall(r'mailbox_age_seconds\{mailbox="desk@desk.test"\} (\S+)', figures)
    assert 0 <= float(age) < PATIENCE


async def test_a_desk_that_starts_again_hears_nothing_twice(tmp_path, pymap):
    async with smtp_sink() as sink:
        async with running(tmp_path, pymap, sink.port) as program:
            mail = letter(WANG, "电脑蓝屏", "开机就这样")
            await asyncio.to_thread(pymap.deliver, mail.as_bytes())
            await until(settled(program), len)
        async with running(tmp_path, pymap, sink.port) as program:
            await asyncio.to_thread(pymap.deliver, mail.as_bytes())
            rows = await until(settled(program), lambda rows: len(rows) >= 2)
            found = await tickets(program)()
    assert len(found) == 1
    assert [row.state for row in rows] == ["done", "ignored"]


@pytest.mark.dovecot
async def test_the_same_with_dovecot_and_postfix(tmp_path):
    import aiosmtplib

    with real.dovecot() as dovecot, real.postfix(dovecot.lmtp_port) as port:
        imap, wang = dovecot.user("desk"), dovecot.user("wang")

        async def deliver(mail: EmailMessage) -> None:
            await aiosmtplib.send(mail, hostname="127.0.0.1", port=port, start_tls=False)

        async def mails() -> list[EmailMessage]:
            from email import message_from_bytes
            from email.policy import default

            raws = await asyncio.to_thread(wang.read_all)
            return [message_from_bytes(raw, policy=default) for raw in raws]

        async with running(tmp_path, imap, port) as program:
            (ticket,) = await conversation(program, deliver, mails)
            acknowledgement = (await mails())[0]
    assert ticket.number in str(acknowledgement["Subject"])
