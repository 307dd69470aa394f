"""From a mail as parsed to what the core hears: who, which ticket, by what proof. Pure."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from channels.mail.arrival import Arrival
from channels.mail.files import File as MailFile
from channels.mail.guards import is_machine
from channels.mail.parse import Mail, authentication
from channels.mail.tokens import Signer
from core.messages import File, Inbound

LINE = 60  # characters that a typed word with its number may have
_ENVELOPE = ("x-original-to", "delivered-to", "envelope-to", "to", "cc")
_ADDRESS = re.compile(r"[^\s<>,;:\"()]+@[^\s<>,;:\"()]+")
_NUMBER = re.compile(r"[#＃]\s?(\d{6,10})(?!\d)")
_ANSWERS = re.compile(
    r"^\s*(?:(?:re|fwd?|aw|sv|回复|回覆|答复|转发|轉寄)(?:\[\d+\])?\s*[:：]\s*)+", re.IGNORECASE
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_KINDS = {"image": "photo", "audio": "audio", "video": "video", "message": "mail"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a mail was found, and when."""

    account: str  # address of the mailbox
    external_id: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the desk knows of itself: its own addresses, its signature, the servers it trusts."""

    addresses: frozenset[str]
    signer: Signer
    trusted: frozenset[str] = frozenset()  # authserv ids (RFC 8601)


def inbound(mail: Mail, arrival: Arrival | None, place: Place, house: House) -> Inbound:
    """`account` stays empty: whichever mailbox a person writes to, it is the same person."""
    automatic, trusted = doubts(mail, house), authentication(mail, house.trusted) == "pass"
    at = arrival.at if arrival and arrival.at else place.received_at
    thread, match = ticket_of(mail, house.signer)
    subject = _ANSWERS.sub("", mail.subject, count=1).strip()
    text = mail.visible.strip()
    detail = {
        "mailbox": place.account,
        "typed": "" if automatic else typed_line(text),
        "match": match,
        "number": "" if thread else next(iter(_NUMBER.findall(mail.subject)), ""),
        "automatic": automatic,
        "archive": "archive" if arrival and arrival.archive else "",
        "too_large": str(arrival.size) if arrival and arrival.truncated else "",
    }
    return Inbound(
        channel="mail",
        external_id=f"{place.account}/{place.external_id}",
        # A From that may be several people, or nobody, is not an address to know anybody by.
        sender=mail.identity
        if _is_known(mail, automatic)
        else f"{place.account}/{place.external_id}",
        sender_name=mail.sender.name or mail.sender.addr,
        language="zh" if _HAN.search(mail.subject + text) else "en",
        text=text or subject,
        full_text=mail.text if mail.text.strip() != text else "",
        subject=subject,
        occurred_at=min(at, place.received_at),
        received_at=place.received_at,
        message_id=mail.message_id,
        reply_to=tuple(answered(mail)),
        thread=thread,
        trust="proven" if trusted and not automatic else "claimed",
        automatic=bool(automatic),
        detail={name: value for name, value in detail.items() if value},
    )


def doubts(mail: Mail, house: House) -> str:
    """Why this mail is no person's word: empty when it seems to be one's."""
    if mail.auto or mail.bounce:
        return mail.auto or "bounce"
    if not mail.identity:
        return "sender_unclear"
    if authentication(mail, house.trusted) == "fail":
        return "not_authentic"
    if returned_id(mail, house.signer):  # our envelope's sender: people answer another address
        return "returned"
    return "sender" if mail.identity in house.addresses or is_machine(mail.identity) else ""


def _is_known(mail: Mail, automatic: str) -> bool:
    return bool(mail.identity) and automatic not in {"sender_unclear", "not_authentic"}


def ticket_of(mail: Mail, signer: Signer) -> tuple[str, str]:
    """The ticket that the mail proves to answer, and by what (field notes §12)."""
    for address in _addressed(mail):
        if ticket := signer.ticket_of(address):
            return ticket, "reply_address"
    if returned := returned_id(mail, signer):
        return signer.ours(returned) or "", "return_address"
    for message_id in answered(mail):
        if ticket := signer.ours(message_id):
            return ticket, "message_id"
    return "", ""


def returned_id(mail: Mail, signer: Signer) -> str:
    """The letter that came back, by the address it came back to; the surest of all signs."""
    return next(filter(None, map(signer.returned, _addressed(mail))), "")


def _addressed(mail: Mail) -> Iterator[str]:
    for name in _ENVELOPE:
        for value in mail.header(name):
            yield from _ADDRESS.findall(value)


def answered(mail: Mail) -> Sequence[str]:
    """Ids of the mails it answers, nearest first; an empty one means nothing."""
    ids = dict.fromkeys((*mail.in_reply_to, *reversed(mail.references)))
    return [each for each in ids if each.strip("<> ")]


def typed_line(text: str) -> str:
    """The first line, which may be a word for an action; what is longer never is."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return first if len(first) <= LINE else ""


def worth_keeping(files: Collection[MailFile]) -> list[MailFile]:
    """Without the logos of signatures."""
    return [file for file in files if not file.folds]


def kept(file: MailFile) -> File:
    """A file whose bytes are in the store."""
    kind = _KINDS.get(file.true_type.partition("/")[0], "document")
    return File(kind=kind, name=file.name, type=file.true_type, size=file.size, sha256=file.sha256)
