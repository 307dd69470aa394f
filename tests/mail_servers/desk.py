"""The whole desk in memory with a drawer for its mail: people write to it and find its answers."""

from email.message import EmailMessage
from email.policy import SMTP
from itertools import count

from bot.mail import Arrivals, Composer, Door, house_of, limits_of, signer_of, smtp_settings
from bot.settings import Mail
from channels.mail.arrival import Arrival, fingerprint, sender_key, stamp
from channels.mail.drawer import Drawer
from channels.mail.parse import parse
from core import inbox
from core.files import FileStore
from core.ports import Raw
from core.rows import InboxRow
from tests.scenario import Scenario

DESK = "desk@desk.test"
SECTION = {
    "mailboxes": [
        {"address": DESK, "host": "127.0.0.1", "password": "secret", "tls": False},
        {"address": "help@desk.test", "host": "127.0.0.1", "password": "secret", "tls": False},
    ],
    "smtp": {"address": DESK, "host": "127.0.0.1", "tls": "none", "sender_name": "IT desk"},
    "trusted": ["mx.desk.test"],
}
KEY = b"0123456789abcdef"


class MailDesk:
    """A desk whose post is carried by hand."""

    def __init__(self, scenario: Scenario, folder, address: str = DESK, **more: object) -> None:
        self.scenario, self.desk, self.address = scenario, scenario.desk, address
        section = Mail.model_validate(SECTION | more)
        self.signer = signer_of(address, KEY)
        kept = FileStore(folder / "files")
        compose = Composer(self.desk, self.signer, "https://desk.test", kept)
        settings = smtp_settings(section.smtp.model_copy(update={"address": address}))
        self.drawer = Drawer(settings, self.signer, compose, self.desk.now)
        scenario.channels["mail"] = self.drawer  # type: ignore[assignment]
        self.troubles: list[str] = []
        self.arrivals = Arrivals(
            self.desk,
            house_of(section, self.signer),
            self._read,
            kept,
            limits_of(section),
            lambda kind, detail: self.troubles.append(kind),
        )
        self.door = Door(self.desk, self.signer)
        self._uids = count(1)

    async def _read(self, raw: bytes):
        return parse(raw)

    async def gets(self, raw: bytes | EmailMessage, *, box: str = DESK, **marks: object) -> None:
        """The raw mail is stored and worked on, as by the worker."""
        await self.stores(raw, box=box, **marks)
        await self.work()

    async def stores(self, raw: bytes | EmailMessage, *, box: str = DESK, **marks: object) -> None:
        data = raw if isinstance(raw, bytes) else raw.as_bytes(policy=SMTP)
        arrival = Arrival(at=self.desk.now(), size=len(data), **marks)  # type: ignore[arg-type]
        keep = inbox.keeper(self.desk, lambda: None)
        await keep(
            [
                Raw(
                    channel="mail",
                    account=box,
                    external_id=f"INBOX/1/{next(self._uids)}",
                    order_key=sender_key(data),
                    body=stamp(arrival, data),
                    received_at=self.desk.now(),
                    content_hash=fingerprint(data, arrival.at),
                )
            ]
        )

    async def work(self) -> None:
        for row in await inbox.claim(self.desk):
            await inbox.work_on(self.desk, row, {"mail": self.arrivals.handle})
        await self.scenario.settle()

    async def rows(self) -> list[InboxRow]:
        return await self.desk.store.read(lambda tx: tx.find(InboxRow, order="id", channel="mail"))

    def sent(self, to: str) -> list[EmailMessage]:
        return self.drawer.to(to)

    def last(self, to: str) -> EmailMessage:
        return self.sent(to)[-1]


_ids = count(1)


def letter(sender: str, subject: str, text: str = "", *, to: str = DESK, **headers: str):
    """A mail as people's programs make them."""
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = sender, to, subject
    made["Message-ID"] = f"<m{next(_ids)}@example.com>"
    made["Date"] = "Mon, 23 Nov 2026 10:00:00 +0800"
    for name, value in headers.items():
        del made[name.replace("_", "-")]
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def answer(to: EmailMessage, sender: str, text: str, **headers: str) -> EmailMessage:
    """Somebody presses Reply."""
    message_id = str(to["Message-ID"])
    given = {
        "In_Reply_To": message_id,
        "References": f"{to['References'] or ''} {message_id}".strip(),
    }
    wrote = "On Mon, Nov 23, 2026 at 10:00 AM IT desk <desk@desk.test> wrote:"
    quoted = f"{text}\n\n{wrote}\n\n> Ticket received\n> What comes next\n"
    back = str(to["Reply-To"] or to["From"])
    return letter(sender, f"Re: {to['Subject']}", quoted, to=back, **(given | headers))
