"""How many mails a second become tickets, from the IMAP server to the committed row.

Run with `python -m bench.mail_bench`; PAIDAN_SOAK=1 for the full sizes. The mails: Chinese and
English, 30 % HTML, 10 % with 200 kB attachments, 20 % answers. Dovecot serves them where it is
installed, pymap elsewhere. The raw rate of commits with a mail's bytes stands beside, as the roof.
"""

import asyncio
import os
import random
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from pathlib import Path
from shutil import which
from time import perf_counter

from bot.mail import Composer, Cursors, mailbox_settings, plug, signer_of, smtp_settings
from bot.main import Program
from bot.settings import Http, Mail, Settings
from channels.mail.drawer import Drawer
from channels.mail.imap import ImapMailbox
from channels.mail.inbox import Inbox
from core import inbox, intake
from core.messages import Inbound
from core.ports import Raw, Tx
from core.rows import InboxRow
from tests.mail_servers import real

SOAK = bool(os.environ.get("PAIDAN_SOAK"))
MAILS = 1_000 if SOAK else 300
EXISTING = 10_000 if SOAK else 1_000
SENDERS = 200
TEXTS = (
    "三楼财务的打印机卡纸了,请尽快派人来看一下。",
    "收银机开不了机,黑屏,客人在排队。",
    "The network in the meeting room has been down since this morning.",
    "Outlook 打不开, it says the profile is damaged.",
    "电脑很慢,开机要十分钟,已经重启过。",
)
EXAMPLE = Path(__file__).parent.parent / "core/desk_data/example.toml"


def mails(count: int, seed: int) -> list[bytes]:
    """Mixed as people's are, the same for the same seed."""
    chance = random.Random(seed)
    opened: list[tuple[str, str, str]] = []
    made = []
    for n in range(count):
        mail = EmailMessage(policy=SMTP)
        message_id, text = f"<{seed}.{n}@example.com>", chance.choice(TEXTS)
        subject, sender = f"{text[:12]} {seed}-{n}", f"user{chance.randrange(SENDERS)}x@example.com"
        if opened and chance.random() < 0.2:
            sender, answered, subject = chance.choice(opened)
            mail["In-Reply-To"] = mail["References"] = answered
            subject = f"Re: {subject}"
        else:
            opened.append((sender, message_id, subject))
        mail["From"], mail["To"], mail["Subject"] = sender, "desk@desk.test", subject
        mail["Date"], mail["Message-ID"] = "Mon, 23 Nov 2026 10:00:00 +0800", message_id
        mail.set_content(f"{text}\n\n{n}\n")
        if chance.random() < 0.3:
            mail.add_alternative(f"<html><body><p>{text}</p><p>{n}</p></body></html>", "html")
        if chance.random() < 0.1:
            data = chance.randbytes(200_000)
            mail.add_attachment(data, "application", "octet-stream", filename=f"{n}.bin")
        made.append(mail.as_bytes())
    return made


@contextmanager
def server() -> Iterator[real.ImapServer]:
    if which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin"):
        with real.dovecot() as dovecot:
            yield dovecot.user("desk")
    else:
        with real.pymap() as pymap:
            yield pymap


class Bench:
    """The program on a fresh database, its letters laid out and kept, its mailbox a real one."""

    def __init__(self, folder: Path, imap: real.ImapServer) -> None:
        here = {"address": "desk@desk.test", "host": "127.0.0.1", "password": "secret"}
        box = {**here, "port": imap.port, "user": imap.user, "tls": False}
        plenty = {"held_above": 10**9, "storm": 10**9, "answers_per_hour": 10**9}
        self.section = Mail.model_validate(
            {"mailboxes": [box], "smtp": {**here, "tls": "none"}, **plenty}
        )
        self.imap = imap
        settings = Settings(
            database=f"sqlite:///{folder / 'desk.db'}",
            files=str(folder / "files"),
            http=Http(port=0),
        )
        self.program = Program(settings)

    async def open(self) -> None:
        program = self.program
        await program.open()
        await program.load_sheet(EXAMPLE.read_text("utf-8"))
        print(f"raw commits/s    {await self.commits(MAILS):8.0f}")
        signer = signer_of("desk@desk.test", program.key)
        compose = Composer(program.desk, signer, "")
        drawer = Drawer(smtp_settings(self.section.smtp), signer, compose, program.now)
        plug(program, self.section, drawer, signer, [])
        await program.start()
        await self._read_until(0)  # the first connection: what is there then is history

    async def run(self, count: int, seed: int) -> float:
        """Mails a second, from the dial to the last settled row; the server has them all before."""
        burst = mails(count, seed)
        await asyncio.to_thread(self.imap.deliver, *burst)
        return count / await self._read_until(count)

    async def _read_until(self, settled: int) -> float:
        program, wanted = self.program, mailbox_settings(self.section.mailboxes[0])
        box, started = Inbox(wanted, ImapMailbox(wanted)), perf_counter()
        keep = inbox.keeper(program.desk, program.wake)
        reading = asyncio.create_task(box.run(keep, Cursors(program.desk), program.now))
        while box.stored < settled or not box.connected or await self._unread():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        took = perf_counter() - started
        reading.cancel()
        await asyncio.wait({reading})
        return took

    async def _unread(self) -> int:
        lag = await self.program.store.read(lambda tx: tx.ask("inbox_lag"))
        return int(lag[0]["many"])

    async def fill(self, tickets: int) -> None:
        """Tickets that were there before, each with its message."""
        program, now = self.program, self.program.now()

        def body(tx: Tx, first: int) -> None:
            for n in range(first, first + 100):
                said = Inbound(
                    channel="mail", external_id=f"old{n}", sender=f"old{n}@example.com",
                    text=TEXTS[n % len(TEXTS)], subject=f"old {n}", message_id=f"old{n}@old",
                    occurred_at=now, received_at=now,
                )  # fmt: skip
                intake.take(tx, program.desk, said, now, answers=False)

        for first in range(0, tickets, 100):
            await program.store.write(partial(body, first=first))

    async def commits(self, count: int) -> float:
        """Rows with a mail's bytes, committed one by one as fast as the database takes them."""
        keep, burst = inbox.keeper(self.program.desk, lambda: None), mails(count, 0)
        started = perf_counter()
        for n, raw in enumerate(burst):
            await keep(
                [
                    Raw(
                        channel="raw",
                        account="",
                        external_id=str(n),
                        order_key="",
                        body=raw,
                        received_at=self.program.now(),
                    )
                ]
            )
        took = perf_counter() - started
        await self.program.store.write(lambda tx: tx.delete(InboxRow, channel="raw"))
        return count / took


async def measure(folder: Path, imap: real.ImapServer) -> None:
    bench = Bench(folder, imap)
    await bench.open()
    try:
        await bench.run(50, seed=1)  # the workers are started, the sheet is compiled
        print(f"mails/s          {await bench.run(MAILS, seed=2):8.0f}   of {MAILS}")
        await bench.fill(EXISTING)
        rate = await bench.run(MAILS, seed=3)
        print(f"mails/s          {rate:8.0f}   of {MAILS} at {EXISTING} more tickets")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        readers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"peak memory, MB  {peak:8.0f}   and {readers:.0f} for the largest child")
    finally:
        await bench.program.stop()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, server() as imap:
        asyncio.run(measure(Path(folder), imap))


if __name__ == "__main__":
    main()
