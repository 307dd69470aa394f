"""One mail, from raw bytes to what the desk reads. Pure: no network, no clock, no files."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_tz
from urllib.parse import unquote

from channels.mail import authentic, invite, machine, mime, page, tnef, trim
from channels.mail.caps import CAPS, Caps
from channels.mail.charset import clean, decode, lines
from channels.mail.files import File, made
from channels.mail.flowed import unflowed
from channels.mail.headers import People, Person, identifiers, parameters, people, text_of

__all__ = ["File", "Mail", "Person", "authentication", "parse", "show"]


@dataclass(frozen=True, kw_only=True)
class Mail:
    """What the desk knows of a mail. `text` is whole; `visible` leaves out what a reply quotes."""

    subject: str
    senders: tuple[Person, ...]  # From; more than one is rare and never an identity
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    reply_to: tuple[Person, ...] = ()
    identity: str = ""  # the one address in From, lower case; empty when From leaves a doubt
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    sent_at: datetime | None = None
    text: str = ""
    first_text: str = ""  # of several text parts the first; `text` has them all
    visible: str = ""
    files: tuple[File, ...] = ()
    auto: str = ""  # why: a header's name, "sender", "subject", "report" or "bounce"
    bounce: machine.Bounce | None = None
    clipped: bool = False  # a cap cut something off
    too_large: bool = False  # only the beginning was read
    fields: tuple[tuple[str, str], ...] = field(
        default=(), repr=False
    )  # header, names in lower case

    @property
    def sender(self) -> Person:
        return self.senders[0] if self.senders else Person("", "")

    def header(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.fields if key == name)

    def is_own(self, instance: str) -> bool:
        return machine.is_own(self.header, instance)


def parse(raw: bytes, caps: Caps = CAPS) -> Mail:
    """Reads any bytes as a mail. What cannot be understood is kept as text or as a file."""
    too_large = len(raw) > caps.raw
    root, clipped = mime.read(raw[: caps.stub] if too_large else raw, caps)
    body = _body(root, caps)
    envelope = _Envelope(root, body.charset, caps)
    subject, sender = envelope.text("subject"), envelope.people("from")
    text = clean(body.text)[: caps.text]
    in_reply_to, references = envelope.ids("in-reply-to"), envelope.ids("references")
    first = sender.all[0] if sender.all else Person("", "")
    identity = (
        first.addr.lower()
        if sender.clear and len(sender.all) == 1 and envelope.count("from") == 1
        else ""
    )
    bounce = machine.bounce(root, envelope.all, (first.addr, first.name), subject, text)
    return Mail(
        subject=subject,
        senders=sender.all,
        to=envelope.people("to").all,
        cc=envelope.people("cc").all,
        reply_to=envelope.people("reply-to").all,
        identity=identity,
        message_id=next(iter(envelope.ids("message-id")), ""),
        in_reply_to=in_reply_to,
        references=references,
        sent_at=_moment(envelope.text("date")),
        text=text,
        first_text=clean(body.first_text)[: caps.text],
        visible=_visible(text, subject, is_reply=bool(in_reply_to or references)),
        files=tuple(body.files),
        auto=machine.automatic(root, envelope.all, first.addr, subject)
        or ("bounce" * bool(bounce)),
        bounce=bounce,
        clipped=clipped or too_large or len(body.text) > caps.text,
        too_large=too_large,
        fields=envelope.decoded,
    )


def show(raw: bytes) -> dict[str, object]:
    """What the command prints: `text` is the first text part, `text_joined` all of several."""
    mail = parse(raw)
    several = {"text_joined": mail.text} if mail.text.strip() != mail.first_text.strip() else {}
    return {
        "subject": mail.subject,
        "from": [_shown(person) for person in mail.senders],
        "to": [_shown(person) for person in mail.to],
        "message_id": mail.message_id,
        "in_reply_to": list(mail.in_reply_to),
        "references": list(mail.references),
        "text": mail.first_text,
        **several,
        "visible": mail.visible,
        "attachments": [
            {"name": file.name, "size": file.size, "type": file.type, "sha256": file.sha256}
            for file in mail.files
        ],
        "auto": bool(mail.auto),
        "bounce": _shown_bounce(mail.bounce),
    }


def _shown(person: Person) -> dict[str, str | None]:
    return {"name": person.name or None, "addr": person.addr}


def _shown_bounce(bounce: machine.Bounce | None) -> dict[str, object] | None:
    if bounce is None:
        return None
    return {
        "recipient": bounce.recipient or None,
        "status": bounce.status,
        "message_id": bounce.message_id or None,
        "permanent": bounce.permanent,
    }


def authentication(mail: Mail, trusted: Collection[str]) -> authentic.Verdict:
    """Whether the servers in `trusted` vouch for From; "none" when that is not one address."""
    domain = mail.identity.rpartition("@")[2]
    return authentic.verdict(domain, mail.header("authentication-results"), trusted)


# --- the head -------------------------------------------------------------------------------


class _Envelope:
    """The header of the outermost part; unlabelled bytes in it are read as its body was."""

    def __init__(self, root: mime.Part, charset: str, caps: Caps) -> None:
        self._raw = root.fields
        self._charset = charset
        self._caps = caps
        self.decoded = tuple((name, text_of(value, charset)) for name, value in root.fields)

    def all(self, name: str) -> Sequence[str]:
        return [value for key, value in self.decoded if key == name]

    def count(self, name: str) -> int:
        return sum(key == name for key, _ in self._raw)

    def text(self, name: str) -> str:
        return next((value for key, value in self.decoded if key == name), "")

    def ids(self, name: str) -> tuple[str, ...]:
        return identifiers(b" ".join(value for key, value in self._raw if key == name))

    def people(self, name: str) -> People:
        raw = b", ".join(value for key, value in self._raw if key == name)
        return people(raw, self._charset, self._caps.recipients)


def _moment(date: str) -> datetime | None:
    """When the sender says it was sent, in UTC; None when the date is none."""
    try:
        found = parsedate_tz(date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if found is None:
        return None
    try:
        stamp = datetime(*found[:6], tzinfo=UTC).timestamp() - (found[9] or 0)
        return datetime.fromtimestamp(stamp, UTC)
    except (ValueError, OverflowError, OSError):
        return None


_REPLY = re.compile(
    r"^\s*(?:\[[^\]]{1,40}\]\s*)*(?:re|aw|antw|sv|ref|rif|res|rép|r|odp|vá|回复|回覆|答复|答覆|返信|회신|ynt|отв?)(?:\[\d+\])?\s*[:：]",
    re.IGNORECASE,
)
# A Dane forwards with VS, and a Finn answers with it: in doubt the mail stays whole.
_FORWARD = re.compile(
    r"^\s*(?:\[[^\]]{1,40}\]\s*)*(?:fwd?|wg|tr|i|rv|enc|doorst|vb|vs|vl|pd|ilt|πρθ|转发|轉寄|转寄|転送|전달)(?:\[\d+\])?\s*[:：]",
    re.IGNORECASE,
)


def _visible(text: str, subject: str, *, is_reply: bool) -> str:
    """Only replies are trimmed: a first mail and a forward are meant to be read whole."""
    if _FORWARD.match(subject) or not (is_reply or _REPLY.match(subject)):
        return text
    return trim.visible(text)


# --- the body -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Body:
    texts: list[str] = field(default_factory=list)
    has_page: bool = False  # of HTML, whether or not it is what is read
    calendars: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    charset: str = ""

    @property
    def text(self) -> str:
        return "\n\n".join(text for text in self.texts if text.strip()) or self._invitation

    @property
    def first_text(self) -> str:
        return next((text for text in self.texts if text.strip()), "") or self._invitation

    @property
    def _invitation(self) -> str:
        return next(filter(None, map(invite.summary, self.calendars)), "")


def _body(root: mime.Part, caps: Caps) -> _Body:
    body = _Body()
    _read(root, body, caps, is_text=True)
    return body


def _read(part: mime.Part, body: _Body, caps: Caps, *, is_text: bool) -> None:
    """Sorts a part into text, HTML and files; `is_text`: no better alternative is read."""
    if part.type == "multipart/alternative":
        chosen = _chosen(part)
        for child in part.children:
            _read(child, body, caps, is_text=is_text and child is chosen)
    elif part.is_multipart:
        for child in part.children:
            _read(child, body, caps, is_text=is_text)
    elif _is_body(part, body):
        _read_text(part, body, caps, is_text=is_text)
    else:
        _read_file(part, body)


def _chosen(part: mime.Part) -> mime.Part | None:
    """Plain text unless it says nothing, as in "your program does not support HTML"."""
    plain = [child for child in part.children if _holds(child, "text/plain")]
    pages = [child for child in part.children if _holds(child, "text/html")]
    useful = [child for child in plain if not (pages and _is_stub(child))]
    return next(iter(useful or pages or plain or part.children), None)


def _holds(part: mime.Part, kind: str) -> bool:
    return any(leaf.type == kind and not _is_attached(leaf) for leaf in part.walk())


_STUB = re.compile(
    rb"(?:does\s+not|doesn't|cannot|can't|unable\s+to|to)\s+(?:\w+\s+){0,3}(?:support|display|view|read|show)\w*\s[^.]{0,60}html|html[^.]{0,40}"
    rb"(?:client|viewer|e-?mail|format|version|compatible)",
    re.IGNORECASE,
)


def _is_stub(part: mime.Part) -> bool:
    for leaf in part.walk():
        if leaf.type == "text/plain" and len(leaf.body) < 2_000:
            content = leaf.content().strip()
            if content and not (len(content) < 300 and _STUB.search(content.split(b"\n", 1)[0])):
                return False
        elif leaf.type == "text/plain":
            return False
    return True


def _is_attached(part: mime.Part) -> bool:
    return part.first("content-disposition").lstrip()[:10].lower() == b"attachment"


def _is_body(part: mime.Part, body: _Body) -> bool:
    if not part.type.startswith("text/") or _is_attached(part):
        return False
    if part.type in ("text/plain", "text/html"):
        started = bool(body.texts or body.has_page)
        return not (started and _file_name(part))
    return part.type == "text/calendar" or (
        part.type not in _TEXT_FILES and not _file_name(part) and not body.texts
    )


_TEXT_FILES = frozenset(
    {"text/rfc822-headers", "text/csv", "text/x-vcard", "text/vcard", "text/directory", "text/rtf"}
)


def _read_text(part: mime.Part, body: _Body, caps: Caps, *, is_text: bool) -> None:
    content = part.content()
    is_page = part.type == "text/html"
    if part.type == "text/plain" and b"\nend" in content and b"begin " in content:
        content = _without_uuencoded(content, body)
    hint = _page_charset(content) if is_page else ""
    found = decode(content[: 4 * caps.text], part.params.get("charset", ""), hint)
    if not content.isascii() or not body.charset:
        body.charset = found.charset
    text = lines(found.text)
    if part.params.get("format", "").lower() == "flowed" and part.type == "text/plain":
        text = unflowed(text, spaced=part.params.get("delsp", "").lower() != "yes")
    if is_page:
        body.has_page = True
        if is_text:
            body.texts.append(page.to_text(text))
    elif part.type == "text/calendar":
        body.calendars.append(text)
        body.files.append(
            made(_file_name(part, body.charset) or "invite.ics", "text/calendar", content)
        )
    elif is_text:
        body.texts.append(text)


_META = re.compile(rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?\s*([\w:.-]+)", re.IGNORECASE)


def _page_charset(content: bytes) -> str:
    """What the page says of itself; UTF-16 cannot be, or these words could not have been read."""
    match = _META.search(content, 0, 2_048)
    label = match[1].decode("ascii") if match else ""
    return "" if label.lower().startswith("utf-16") else label


def _without_uuencoded(content: bytes, body: _Body) -> bytes:
    kept, at = [], 0
    for name, data, where in mime.uuencoded(content):
        body.files.append(made(text_of(name), "", data))
        kept.append(content[at : where.start])
        at = where.stop
    return b"".join([*kept, content[at:]])


def _read_file(part: mime.Part, body: _Body) -> None:
    content = part.content()
    name = _file_name(part, body.charset)
    if part.type in ("message/rfc822", "message/global"):
        name = name or _subject_of(content)
    content_id = text_of(part.first("content-id")).strip("<> ")
    inline = part.first("content-disposition").lstrip()[:6].lower() == b"inline"
    body.files.append(made(name, part.type, content, content_id, inline=inline or bool(content_id)))
    if (
        part.type in ("application/ms-tnef", "application/vnd.ms-tnef")
        or name.lower() == "winmail.dat"
    ):
        _open_tnef(content, body)


def _subject_of(content: bytes) -> str:
    subject = next((value for key, value in mime.fields_of(content) if key == "subject"), b"")
    return f"{text_of(subject)}.eml" if subject else "message.eml"


def _open_tnef(content: bytes, body: _Body) -> None:
    try:
        opened = tnef.unpack(content)
    except tnef.Damaged:
        return  # the file itself is among the attachments
    for packed in opened.files:
        body.files.append(made(packed.name, packed.type, packed.content, packed.content_id))
    body.has_page |= bool(opened.html)
    if not any(text.strip() for text in body.texts):
        body.texts.append(opened.text or page.to_text(opened.html))


def _file_name(part: mime.Part, charset: str = "") -> str:
    _, disposition = parameters(part.first("content-disposition"), charset)
    name = disposition.get("filename") or part.params.get("name", "")
    return _unescaped(name) or _described(text_of(part.first("content-description"), charset))


def _described(words: str) -> str:
    """Exchange says there what the file is called, and others what it is."""
    return words if _FILE_NAME.fullmatch(words) else ""


_FILE_NAME = re.compile(r"[^/\\]{1,200}\.[a-z0-9]{2,4}", re.IGNORECASE)


def _unescaped(name: str) -> str:
    """Some web mailers write a name as it would stand in a link."""
    if "%" not in name or not name.isascii() or " " in name:
        return name
    try:
        meant = unquote(name, errors="strict")
    except UnicodeDecodeError:
        return name
    return name if meant.isascii() else meant
