"""The desk's side of a mailbox in a dictionary: what was kept, and how far it was read."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from channels.mail.arrival import read_stamp
from channels.mail.imap import ImapMailbox
from channels.mail.inbox import Cursor, Inbox
from channels.mail.settings import MailboxSettings, Pace
from core.errors import StorageBusy
from core.ports import Raw

QUICK = Pace(
    poll=0.3,
    idle=5,
    answer=0.5,
    stale=1.2,
    retry_least=0.02,
    retry_most=0.1,
    refused_most=0.2,
    busy_most=0.05,
)
"""Production's rules at about a hundredth of its times."""


class MemoryStore:
    """Keeps rows by their identity and matters by their content, as the real one does."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Raw] = {}
        self.cursors: dict[tuple[str, str], Cursor] = {}
        self.alerts: list[str] = []
        self.busy = 0  # so many calls of keep find the database locked
        self.on_keep: Callable[[], None] = lambda: None

    async def keep(self, raws: list[Raw]) -> int:
        self.on_keep()
        if self.busy:
            self.busy -= 1
            raise StorageBusy
        known = len(self.rows)
        for raw in raws:
            self.rows.setdefault((raw.account, raw.external_id), raw)
        return len(self.rows) - known

    async def load(self, account: str, folder: str) -> Cursor | None:
        return self.cursors.get((account, folder))

    async def save(self, account: str, folder: str, cursor: Cursor) -> None:
        self.cursors[account, folder] = cursor

    async def alert(self, kind: str, params: object) -> None:
        self.alerts.append(kind)

    @property
    def mails(self) -> list[bytes]:
        """Distinct ones: the same content under another identity is the same matter."""
        bodies = {row.content_hash: read_stamp(row.body)[1] for row in self.rows.values()}
        return list(bodies.values())

    @property
    def doubled(self) -> int:
        return len(self.rows) - len(self.mails)


def settings(port: int, **more: object) -> MailboxSettings:
    given: dict[str, object] = {
        "address": "desk@desk.test",
        "host": "127.0.0.1",
        "port": port,
        "user": "desk",
        "password": "secret",
        "tls": False,
        "pace": QUICK,
    }
    return MailboxSettings(**given | more)  # type: ignore[arg-type]


@asynccontextmanager
async def reading(wanted: MailboxSettings, store: MemoryStore) -> AsyncIterator[Inbox]:
    """An inbox at work; it is stopped as hard as a process is killed."""
    inbox = Inbox(wanted, ImapMailbox(wanted), alert=store.alert)
    work = asyncio.create_task(inbox.run(store.keep, store, lambda: datetime.now(UTC)))
    try:
        await eventually(lambda: inbox.connected or work.done() or store.alerts)
        yield inbox
    finally:
        work.cancel()
        await asyncio.wait({work})


async def eventually(true: Callable[[], object], within: float = 30) -> float:
    """Seconds until it was true."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < within, "it never came true"
        await asyncio.sleep(0.005)
    return time.monotonic() - began


def mail(subject: str, text: str = "打印机坏了", **headers: str) -> bytes:
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["From"] = "小王 <wang@example.com>"
    message["To"] = "desk@desk.test"
    message["Subject"] = subject
    message["Date"] = "Sun, 22 Nov 2026 09:00:00 +0800"
    message["Message-ID"] = f"<{subject.replace(' ', '.')}@example.com>"
    for name, value in headers.items():
        del message[name.replace("_", "-")]
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def mails(count: int) -> list[bytes]:
    """Many, quickly, each with its own subject and id."""
    template = mail("Mail 10000")
    return [template.replace(b"10000", b"%05d" % n) for n in range(count)]
