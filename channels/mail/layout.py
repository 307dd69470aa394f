"""A letter's content as a mail: plain text that stands alone, and HTML with large buttons.

The mail is written as it stands on the wire. The library's own way there is to parse each header,
fold it, copy every body and look for a boundary, which took six times as long as all the rest.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from urllib.parse import quote

REFERENCES = 10
LINE = 76  # characters, where a line can be broken at all
LONGEST = 900  # characters that SMTP surely carries in one piece
ENCODED = 42  # bytes, so that the encoded word fits a line beside a header's name
NAMED = 56  # characters of a file's name on one line

_PHRASE = re.compile(r"[\w!#$%&'*+/=?^`{|}~ -]*", re.ASCII)  # RFC 5322: all others have a meaning
_TYPE = re.compile(r"[\w!#$&^+.-]{1,127}/[\w!#$&^+.-]{1,127}", re.ASCII)


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
    left_out: str = ""  # said above the names of files that are too large to travel
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


def layout(content: Content, envelope: Envelope) -> bytes:
    """In 7-bit form, so that no relay has a reason to recode it."""
    fitting, left_out = _sorted_by_fit(content.attachments, envelope.attachments_limit)
    said = [
        _words_in("plain", _text(content, left_out)),
        _words_in("html", _html(content, left_out)),
    ]
    # Nobody can have written this into the text: a Message-ID of ours is not known beforehand.
    unique = hashlib.sha256(envelope.message_id.encode()).hexdigest()[:32]
    body = _several("alternative", said, f"=_0.{unique}")
    if fitting:
        body = _several("mixed", [body, *map(_attachment, fitting)], f"=_1.{unique}")
    head = "".join(_folded(name, pieces) for name, pieces in _headers(content, envelope))
    return f"{head}MIME-Version: 1.0\r\n".encode() + body


def _several(kind: str, parts: Sequence[bytes], boundary: str) -> bytes:
    head = f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"\r\n'.encode()
    line = f"\r\n--{boundary}".encode()
    return b"".join([head, *(line + b"\r\n" + part for part in parts), line, b"--\r\n"])


def _words_in(kind: str, text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    plain = text.isascii() and all(len(line) < LONGEST for line in lines)
    data = "\r\n".join(lines).encode()
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\n'.encode()
    return head + (b"Content-Transfer-Encoding: 7bit\r\n\r\n" + data if plain else _base64(data))


def _attachment(file: Attached) -> bytes:
    kind = file.type.lower()
    # Parts of these two types would be taken for structure.
    if not _TYPE.fullmatch(kind) or kind.startswith(("multipart/", "message/")):
        kind = "application/octet-stream"
    head = _folded("Content-Disposition", ["attachment", *_file_name(_line(file.name))], ";")
    return f"Content-Type: {kind}\r\n{head}".encode() + _base64(file.data)


def _base64(data: bytes) -> bytes:
    coded = b64encode(data)
    lines = [coded[at : at + LINE] for at in range(0, len(coded), LINE)]
    return b"\r\n".join([b"Content-Transfer-Encoding: base64", b"", *lines, b""])


def _file_name(name: str) -> list[str]:
    """As a parameter, or as several where it is long or in another script (RFC 2231)."""
    if name.isascii() and len(name) < NAMED:
        escaped = re.sub(r'(["\\])', r"\\\1", name)
        return [f'filename="{escaped}"']
    parts = [""]
    for character in name:
        coded = quote(character, safe="")
        if len(parts[-1]) + len(coded) > NAMED:
            parts.append("")
        parts[-1] += coded
    parts[0] = f"utf-8''{parts[0]}"
    if len(parts) == 1:
        return [f"filename*={parts[0]}"]
    return [f"filename*{n}*={part}" for n, part in enumerate(parts)]


def _headers(content: Content, envelope: Envelope) -> Iterable[tuple[str, Sequence[str]]]:
    """Each with the pieces between which its line may be broken."""
    yield "Message-ID", [envelope.message_id]
    yield "Date", [format_datetime(envelope.at)]
    yield "From", _mailbox(envelope.sender_name, envelope.sender)
    yield "To", _mailbox("", envelope.to)
    yield "Reply-To", _mailbox(envelope.sender_name, envelope.reply_to)
    yield "Subject", _words(_subject(content.subject, envelope.ticket))
    if envelope.in_reply_to:
        yield "In-Reply-To", _ids([envelope.in_reply_to])
    if references := _references(content, envelope):
        yield "References", references
    yield "X-Loop", [envelope.instance]
    if content.automatic:
        # Only answers are auto-replied; other programs count those two differently.
        kind = "auto-replied" if content.acknowledgement else "auto-generated"
        yield "Auto-Submitted", [kind]
        yield "X-Auto-Response-Suppress", ["All"]
    if content.survey:
        way_out = content.unsubscribe or f"mailto:{envelope.reply_to}?subject=unsubscribe"
        yield "List-Unsubscribe", [f"<{_line(way_out)}>"]
        if way_out.startswith("https:"):
            yield "List-Unsubscribe-Post", ["List-Unsubscribe=One-Click"]


def _subject(subject: str, ticket: str) -> str:
    token = f"[#{ticket}]"
    subject = _line(subject)
    return subject if not ticket or token in subject else f"{subject} {token}"


def _references(content: Content, envelope: Envelope) -> list[str]:
    """The ancestor stays in front, whatever is cut: a relay may have renamed all the others."""
    ids = dict.fromkeys((envelope.thread, *content.references, envelope.in_reply_to))
    first, *others = [*ids] if envelope.thread else ["", *ids]
    return _ids([first, *others[-(REFERENCES - 1) :]])


def _ids(ids: Iterable[str]) -> list[str]:
    found = (re.sub(r"[^\x21-\x7e]|[<>]", "", one) for one in ids)
    return [f"<{one}>" for one in found if one]


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


def _text(content: Content, left_out: Sequence[Attached]) -> str:
    blocks = list(content.paragraphs)
    named = [" ".join(part for part in (_line(f.name), f.url) if part) for f in left_out]
    blocks += [content.left_out, *named] if named and content.left_out else named
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


def _html(content: Content, left_out: Sequence[Attached]) -> str:
    body = [_PARAGRAPH.format(_lines(paragraph)) for paragraph in content.paragraphs]
    if left_out and content.left_out:
        body.append(_PARAGRAPH.format(_lines(content.left_out)))
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


def _mailbox(name: str, address: str) -> list[str]:
    """The name as it is, but where a character of it has a meaning: "IT, desk" is two people."""
    name = _line(name)
    if not name:
        return [address]
    return [*(_words(name) if _PHRASE.fullmatch(name) else _encoded(name)), f"<{address}>"]


@lru_cache(maxsize=64)
def _words(text: str) -> Sequence[str]:
    """As they stand, or as encoded words."""
    plain = text.split(" ")
    if text.isascii() and "=?" not in text and max(map(len, plain)) < LONGEST:
        return plain
    return _encoded(text)


def _encoded(text: str) -> Sequence[str]:
    """Encoded words of whole characters (RFC 2047)."""
    parts, room = list[str](), 0
    for character in text:
        size = len(character.encode())
        if size > room:
            parts, room = [*parts, ""], ENCODED
        parts[-1] += character
        room -= size
    return [f"=?utf-8?b?{b64encode(part.encode()).decode()}?=" for part in parts]


def _folded(name: str, pieces: Sequence[str], mark: str = "") -> str:
    """A header as lines, with a mark between its pieces. Nothing in it can begin another header."""
    if not all(map(str.isprintable, pieces)):
        raise ValueError(f"{name}: {pieces!r} cannot travel")
    lines = [f"{name}: "]
    for n, piece in enumerate(pieces):
        piece += mark if n + 1 < len(pieces) else ""
        if n and len(lines[-1]) + len(piece) >= LINE:
            lines.append("")
        lines[-1] += f" {piece}" if n else piece
    return "\r\n".join(lines) + "\r\n"
