"""A letter's content as a mail: plain text that stands alone, and HTML with large buttons."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from typing import Any, Self

REFERENCES = 10
LINE = 76  # characters, where a line can be broken at all
LONGEST = 900  # characters that SMTP surely carries in one piece
ENCODED = 42  # bytes, so that the encoded word fits a line beside a header's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One answer: a word or digit to write back, and a link to press."""

    label: str
    url: str = ""
    digit: str = ""
    style: str = ""  # primary, success or danger


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    name: str
    type: str
    data: bytes
    url: str = ""  # where it can be had if it is too large to travel


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a mail says, in the reader's language. This module adds no words of its own."""

    subject: str
    paragraphs: tuple[str, ...]
    choices: tuple[Offer, ...] = ()
    hint: str = ""  # how to answer, shown above the choices
    footer: str = ""
    language: str = "en"
    automatic: bool = True  # no person wrote it
    acknowledgement: bool = False  # an answer to one mail, by nobody
    survey: bool = False  # may be unsubscribed from
    unsubscribe: str = ""  # a URL; empty: by mail to the reply address
    attachments: tuple[Attached, ...] = ()
    references: tuple[str, ...] = ()  # Message-IDs of the thread, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Everything above the text that is not wording."""

    message_id: str
    at: datetime
    sender: str
    sender_name: str = ""
    to: str
    reply_to: str
    instance: str
    ticket: str = ""
    thread: str = ""  # the ancestor that all of a ticket's mails name
    in_reply_to: str = ""
    attachments_limit: int = 15_000_000


def layout(content: Content, envelope: Envelope) -> EmailMessage:
    """A mail in 7-bit form, so that no relay has a reason to recode it."""
    mail = EmailMessage(policy=POLICY)
    for name, value in _headers(content, envelope):
        mail[name] = _header(name, value) if type(value) is str else value
    fitting, left_out = _sorted_by_fit(content.attachments, envelope.attachments_limit)
    text, html = _text(content, left_out), _html(content, left_out)
    # Said outright, since the library would otherwise try every encoding on every line.
    mail.set_content(text, cte=_encoding(text))
    mail.add_alternative(html, subtype="html", cte=_encoding(html))
    for file in fitting:
        main, _, sub = file.type.partition("/")
        if not sub or main in ("multipart", "message"):  # such parts would be taken for structure
            main, sub = "application", "octet-stream"
        mail.add_attachment(file.data, maintype=main, subtype=sub, filename=_line(file.name))
    _set_boundaries(mail, envelope.message_id)
    return mail


def _set_boundaries(mail: EmailMessage, message_id: str) -> None:
    """The library would look for one that occurs nowhere, which took a third of a letter's time.

    Nobody can have written this one into the text: a Message-ID of ours is not known beforehand.
    """
    unique = hashlib.sha256(message_id.encode()).hexdigest()[:32]
    for number, part in enumerate(filter(EmailMessage.is_multipart, mail.walk())):
        pieces = [f"{part.get_content_type()};", f'boundary="=_{number}.{unique}"']
        part.replace_header("Content-Type", _Header("Content-Type", " ".join(pieces), pieces))


def _encoding(text: str) -> str:
    short = text.isascii() and all(len(line) < LONGEST for line in text.split("\n"))
    return "7bit" if short else "base64"


def _headers(content: Content, envelope: Envelope) -> Iterable[tuple[str, object]]:
    yield "Message-ID", envelope.message_id
    yield "Date", format_datetime(envelope.at)
    yield "From", _mailbox("From", _line(envelope.sender_name), envelope.sender)
    yield "To", _mailbox("To", "", envelope.to)
    yield "Reply-To", _mailbox("Reply-To", _line(envelope.sender_name), envelope.reply_to)
    yield "Subject", _subject(content.subject, envelope.ticket)
    if envelope.in_reply_to:
        yield "In-Reply-To", _ids([envelope.in_reply_to])
    if references := _references(content, envelope):
        yield "References", references
    yield "X-Loop", envelope.instance
    if content.automatic:
        # Only answers are auto-replied; other programs count those two differently.
        kind = "auto-replied" if content.acknowledgement else "auto-generated"
        yield "Auto-Submitted", kind
        yield "X-Auto-Response-Suppress", "All"
    if content.survey:
        way_out = content.unsubscribe or f"mailto:{envelope.reply_to}?subject=unsubscribe"
        yield "List-Unsubscribe", f"<{_line(way_out)}>"
        if way_out.startswith("https:"):
            yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"


def _subject(subject: str, ticket: str) -> str:
    token = f"[#{ticket}]"
    subject = _line(subject)
    return subject if not ticket or token in subject else f"{subject} {token}"


def _references(content: Content, envelope: Envelope) -> str:
    """The ancestor stays in front, whatever is cut: a relay may have renamed all the others."""
    ids = dict.fromkeys((envelope.thread, *content.references, envelope.in_reply_to))
    first, *others = [*ids] if envelope.thread else ["", *ids]
    return _ids([first, *others[-(REFERENCES - 1) :]])


def _ids(ids: Iterable[str]) -> str:
    found = (re.sub(r"[^\x21-\x7e]|[<>]", "", one) for one in ids)
    return " ".join(f"<{one}>" for one in found if one)


def _line(text: str) -> str:
    """Somebody's words as part of a header: a line break in them must not begin another one."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _sorted_by_fit(files: Iterable[Attached], limit: int) -> tuple[list[Attached], list[Attached]]:
    fitting, left_out, room = list[Attached](), list[Attached](), limit
    for file in files:
        carried = len(file.data) * 4 // 3  # base64
        (fitting if carried <= room else left_out).append(file)
        room -= carried if carried <= room else 0
    return fitting, left_out


def _text(content: Content, left_out: Iterable[Attached]) -> str:
    blocks = list(content.paragraphs)
    blocks += [" ".join(part for part in (_line(f.name), f.url) if part) for f in left_out]
    if content.choices:
        lines = [content.hint] if content.hint else []
        for offer in content.choices:
            lines.append(f"[{offer.digit}] {offer.label}" if offer.digit else f"* {offer.label}")
            lines += [f"    {offer.url}"] if offer.url else []
        blocks.append("\n".join(lines))
    if content.footer:
        blocks.append(f"-- \n{content.footer}")
    return "\n\n".join(blocks) + "\n"


_COLOURS = {"success": "#1a7f37", "danger": "#b42318"}
_FONT = "font-family:-apple-system,'Segoe UI','PingFang SC','Microsoft YaHei',sans-serif"
_PAGE = (
    '<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark"></head>'
    '<body style="margin:0;padding:16px;{font};font-size:16px;line-height:1.6">'
    '<div style="max-width:600px;margin:0 auto">{body}</div></body></html>\n'
)
# A table cell with a colour of its own: Outlook draws neither padding nor radius on links.
_BUTTON = (
    '<table role="presentation" cellspacing="0" cellpadding="0" style="margin:12px 0"><tr>'
    '<td bgcolor="{colour}" style="border-radius:6px"><a href="{url}" style="display:inline-block;'
    "min-width:160px;padding:14px 24px;color:#ffffff;font-size:18px;font-weight:bold;"
    'text-align:center;text-decoration:none">{label}</a></td></tr></table>'
)
_PARAGRAPH = '<p style="margin:0 0 16px">{}</p>'
_FOOTER = '<p style="margin:24px 0 0;font-size:13px;color:#6b7280">{}</p>'


def _html(content: Content, left_out: Iterable[Attached]) -> str:
    body = [_PARAGRAPH.format(_lines(paragraph)) for paragraph in content.paragraphs]
    for file in left_out:
        name = _lines(_line(file.name))
        linked = f'<a href="{escape(file.url)}">{name}</a>' if _is_web(file.url) else name
        body.append(_PARAGRAPH.format(linked))
    if content.choices and content.hint:
        body.append(_PARAGRAPH.format(_lines(content.hint)))
    body += map(_button, content.choices)
    if content.footer:
        body.append(_FOOTER.format(_lines(content.footer)))
    language = escape(content.language.replace("_", "-"))
    return _PAGE.format(language=language, font=_FONT, body="".join(body))


def _button(offer: Offer) -> str:
    label = escape(f"{offer.digit} {offer.label}".strip())
    if not _is_web(offer.url):
        return _PARAGRAPH.format(f"<strong>{label}</strong>")
    colour = _COLOURS.get(offer.style, "#1d4ed8")
    return _BUTTON.format(colour=colour, url=escape(offer.url), label=label)


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


class _Header(str):
    """A header that brings its form on the wire, where the library would parse and fold it anew.

    That took four fifths of a letter's time. As there, nothing in it can begin another header.
    """

    name: str
    pieces: Sequence[str]  # what a line may be broken between

    def __new__(cls, name: str, text: str, pieces: Sequence[str]) -> Self:
        if not all(piece.isascii() and piece.isprintable() for piece in pieces):
            raise ValueError(f"{name}: {text!r} cannot travel")
        made = super().__new__(cls, text)
        made.name, made.pieces = name, pieces
        return made

    def fold(self, *, policy: EmailPolicy) -> str:
        first, *others = self.pieces
        lines = [f"{self.name}: {first}"]
        for piece in others:
            if len(lines[-1]) + len(piece) < LINE:
                lines[-1] += f" {piece}"
            else:
                lines.append(f" {piece}")
        return policy.linesep.join(lines) + policy.linesep


def _header(name: str, text: str) -> _Header:
    return _Header(name, text, _words(text))


def _mailbox(header: str, name: str, address: str) -> _Header | Address:
    local, _, domain = address.rpartition("@")
    if not address.isascii():  # allowed only where both servers speak SMTPUTF8
        return Address(name, local, domain)
    shown = str(Address(name, local, domain))
    return _Header(header, shown, [*_words(name), f"<{address}>"] if name else [address])


@lru_cache(maxsize=64)
def _words(text: str) -> Sequence[str]:
    """As they stand, or as encoded words of whole characters (RFC 2047)."""
    plain = text.split(" ")
    if text.isascii() and '"' not in text and "=?" not in text and max(map(len, plain)) < LONGEST:
        return plain
    parts = [""]
    for character in text:
        if len((parts[-1] + character).encode()) > ENCODED:
            parts.append("")
        parts[-1] += character
    return [f"=?utf-8?b?{b64encode(part.encode()).decode()}?=" for part in parts]


class _Remembered(HeaderRegistry):
    """The headers of parts are nearly all alike: they are parsed once."""

    def __init__(self) -> None:
        super().__init__()
        self._known = lru_cache(maxsize=64)(super().__call__)

    def __call__(self, name: str, value: Any) -> Any:
        alike = isinstance(value, str) and "=_" not in value and "name" not in value
        return self._known(name, value) if alike else super().__call__(name, value)


class _Wire(EmailPolicy):
    """7-bit, and each header is written once, so that nobody has to count them."""

    def header_max_count(self, name: str) -> None:
        return None

    def fold_binary(self, name: str, value: str) -> bytes:
        short = len(name) + len(value) < LINE and value.isascii() and value.isprintable()
        if short and not isinstance(value, _Header):  # a part's: there is nothing to fold
            return f"{name}: {value}{self.linesep}".encode()
        return bytes(super().fold_binary(name, value))


POLICY = _Wire(linesep=SMTP.linesep, cte_type="7bit", header_factory=_Remembered())
