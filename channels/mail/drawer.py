"""Mail without a mail server: letters are laid out as they would leave, and kept."""

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from channels.mail.layout import layout
from channels.mail.sender import Compose, SmtpChannel, envelope_of, wire_address
from channels.mail.settings import SmtpSettings
from channels.mail.tokens import Signer
from core.messages import Letter, Receipt
from core.ports import Now


@dataclass(frozen=True, slots=True)
class KeptMail:
    at: datetime
    recipient: str
    mail: EmailMessage


class Drawer:
    """core.ports.Channel of the trial desk and of tests."""

    name = SmtpChannel.name
    can = SmtpChannel.can

    def __init__(self, settings: SmtpSettings, signer: Signer, compose: Compose, now: Now) -> None:
        self.kept: list[KeptMail] = []
        self.settings, self.signer = settings, signer
        self._compose, self._now = compose, now

    async def send(self, letter: Letter) -> Receipt:
        content, at = await self._compose(letter), self._now()
        recipient = wire_address(letter.address)
        envelope = envelope_of(self.settings, self.signer, letter, recipient, at)
        mail = message_from_bytes(layout(content, envelope), policy=default)
        self.kept.append(KeptMail(at, recipient, mail))
        return Receipt(id=envelope.message_id.strip("<>"))

    def to(self, recipient: str) -> list[EmailMessage]:
        return [each.mail for each in self.kept if each.recipient == recipient]
