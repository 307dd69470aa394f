"""What we knew of a mail when we fetched it, written above it as every relay does."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

HEADER_LIMIT = 262_144
_STAMP = b"X-Paidan-Arrival: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Only a stamp on the very first line is ours: whatever a sender writes stands below it."""

    at: datetime | None  # INTERNALDATE: when the provider took the mail
    size: int  # of the whole mail, which may be more than was fetched
    truncated: bool = False  # the header and the first 64 KB
    unreadable: bool = False  # the server would not hand it over: there is nothing below
    archive: bool = False  # older than the desk: filed, never answered, no clock


def stamp(arrival: Arrival, raw: bytes) -> bytes:
    marks = [f"size={arrival.size}"]
    if arrival.at is not None:
        marks.append(f"at={arrival.at.isoformat()}")
    marks += [name for name in ("truncated", "unreadable", "archive") if getattr(arrival, name)]
    return _STAMP + "; ".join(marks).encode() + b"\r\n" + raw


def read_stamp(body: bytes) -> tuple[Arrival | None, bytes]:
    """The stamp, and the mail as its server had it. A mail from a file has none."""
    if not body.startswith(_STAMP):
        return None, body
    line, _, raw = body.partition(b"\r\n")
    marks = line.removeprefix(_STAMP).decode().split("; ")
    values = dict(mark.split("=", 1) for mark in marks if "=" in mark)
    arrival = Arrival(
        at=datetime.fromisoformat(values["at"]) if "at" in values else None,
        size=int(values["size"]),
        truncated="truncated" in marks,
        unreadable="unreadable" in marks,
        archive="archive" in marks,
    )
    return arrival, raw


def fingerprint(raw: bytes, arrived_at: datetime | None) -> str:
    """Equal for two copies of one mail, whichever way each of them came.

    Received lines differ from mailbox to mailbox, so only what the sender wrote counts. A
    Message-ID alone proves nothing: carriers reuse them. A mail without one is recognised by its
    content and the moment it came, or else one empty test mail would swallow all later ones.
    """
    head, text = _split(raw)
    digest = hashlib.sha256()
    for name in (b"From", b"Date", b"Subject"):
        digest.update(name + b":" + _header(head, name) + b"\n")
    digest.update(b"\n" + _evened(text))
    message_id = b"".join(_header(head, b"Message-ID").split()).strip(b"<>").decode("latin-1")
    moment = "" if message_id else f"@{arrived_at.isoformat() if arrived_at else ''}"
    return f"{message_id}|{digest.hexdigest()}{moment}"


def _evened(text: bytes) -> bytes:
    """Relays change line ends and trailing blanks, and some add an empty line at the end."""
    text = text.replace(b"\r", b"").rstrip()
    # One byte is found, and replaced, many times as fast as two; the pattern takes longer still.
    if any(blank in text and blank + b"\n" in text for blank in (b" ", b"\t")):
        text = re.sub(rb"[ \t]+\n", b"\n", text)
    return text


def sender_key(raw: bytes) -> str:
    """An address-like word of From, so that one person's mails are worked on in order."""
    field = _header(_split(raw)[0], b"From")
    found = re.findall(rb"[^\s<>\"(),;:]+@[^\s<>\"(),;:]+", field)
    return found[-1].decode("latin-1").lower() if found else ""


def _split(raw: bytes) -> tuple[bytes, bytes]:
    found = re.search(rb"\r?\n\r?\n", raw)
    head, text = (raw[: found.start()], raw[found.end() :]) if found else (raw, b"")
    return head[:HEADER_LIMIT], text


def _header(head: bytes, name: bytes) -> bytes:
    """The first such header, unfolded, with its white space made even."""
    found = re.search(
        rb"^" + name + rb"[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)", head, re.IGNORECASE | re.MULTILINE
    )
    return b" ".join(found[1].split()) if found else b""
