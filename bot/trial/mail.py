"""The trial's mail: real mails, read and laid out as ever, that never leave the program."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from itertools import count
from pathlib import Path

from bot.mail import Composer, MailHost, plug, signer_of, smtp_settings
from bot.settings import Mail
from bot.trial.world import TrialLetter
from channels.mail.arrival import Arrival, fingerprint, sender_key, stamp
from channels.mail.drawer import Drawer, KeptMail
from channels.mail.layout import Content
from core import inbox
from core.files import FileStore
from core.messages import Letter
from core.ports import Raw

ADDRESS = "desk@example.com"
_ON_THIS_MACHINE = {"address": ADDRESS, "host": "127.0.0.1", "password": "trial"}
SECTION = Mail.model_validate(
    {
        "mailboxes": [{**_ON_THIS_MACHINE, "tls": False}],
        "smtp": {**_ON_THIS_MACHINE, "tls": "none"},
    }
)
_ANSWERS = re.compile(r"^(?:\s*(?:re|回复|答复)\s*[:：])+\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody on the page wrote to the desk."""

    at: datetime
    sender: str
    mail: EmailMessage


class TrialMail:
    """bot.trial.world.TrialPost: the post office between the page and the desk."""

    def __init__(self, program: MailHost, ring: Callable[[], None]) -> None:
        self._program, self._ring = program, ring
        self._signer = signer_of(ADDRESS, program.key)
        self._files = FileStore(Path(program.settings.files))
        self._compose = Composer(program.desk, self._signer, "", self._files)
        self._drawer = Drawer(
            smtp_settings(SECTION.smtp), self._signer, self._in_words, program.now
        )
        self._written: list[Written] = []
        self._uids = count(1)
        plug(program, SECTION, self._drawer, self._signer, [])

    def reach(self, address: str) -> None:
        """Links in mails lead to the trial's own pages, once they have an address."""
        self._compose = Composer(self._program.desk, self._signer, address, self._files)

    async def _in_words(self, letter: Letter) -> Content:
        content = await self._compose(letter)
        asyncio.get_running_loop().call_soon(self._ring)
        return content

    async def letters(self) -> Sequence[TrialLetter]:
        sent = [_seen(n, each) for n, each in enumerate(self._drawer.kept)]
        written = [
            TrialLetter(
                id=f"in{n}",
                sender=each.sender,
                recipient=ADDRESS,
                text=_text(each.mail),
                at=each.at,
                incoming=True,
                subject=str(each.mail["Subject"]),
            )
            for n, each in enumerate(self._written)
        ]
        return sorted([*sent, *written], key=lambda letter: letter.at)

    async def write(self, sender: str, subject: str, text: str) -> None:
        now = self._program.now()
        sender = " ".join(sender.split()).lower()
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["Subject"] = sender, " ".join(subject.split())
        mail["Date"] = format_datetime(now)
        mail["Message-ID"] = f"<{next(self._uids)}.{now:%Y%m%d%H%M%S%f}@example.com>"
        answered = self._answered(sender, subject)
        mail["To"] = str(answered["Reply-To"]) if answered else ADDRESS
        if answered:
            mail["In-Reply-To"] = str(answered["Message-ID"])
        mail.set_content(text)
        self._written.append(Written(now, sender, mail))
        await self._deliver(mail.as_bytes(), now)
        self._ring()

    def _answered(self, sender: str, subject: str) -> EmailMessage | None:
        """The newest mail to the sender under the subject that "Re:" stands before."""
        bare = _ANSWERS.sub("", subject)
        if bare == subject:
            return None
        mails = reversed(self._drawer.to(sender))
        return next((mail for mail in mails if str(mail["Subject"]) == bare.strip()), None)

    async def _deliver(self, raw: bytes, now: datetime) -> None:
        keep = inbox.keeper(self._program.desk, self._program.wake)
        await keep(
            [
                Raw(
                    channel="mail",
                    account=ADDRESS,
                    external_id=f"trial/{next(self._uids)}",
                    order_key=sender_key(raw),
                    body=stamp(Arrival(at=now, size=len(raw)), raw),
                    received_at=now,
                    content_hash=fingerprint(raw, now),
                )
            ]
        )


def _seen(number: int, kept: KeptMail) -> TrialLetter:
    return TrialLetter(
        id=f"out{number}",
        sender=ADDRESS,
        recipient=kept.recipient,
        text="\n".join([_text(kept.mail), *_attached(kept.mail)]),
        at=kept.at,
        incoming=False,
        subject=str(kept.mail["Subject"]),
    )


def _attached(mail: EmailMessage) -> list[str]:
    return [f"📎 {part.get_filename()}" for part in mail.iter_attachments()]


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()).strip() if body is not None else ""
