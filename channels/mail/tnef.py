"""winmail.dat: what Outlook wraps attachments in, believing that all have Outlook (MS-OXTNEF)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from channels.mail import rtf
from channels.mail.caps import CAPS
from channels.mail.charset import clean, decode, lines

SIGNATURE = b"\x78\x9f\x3e\x22"

_ATTACHMENT_STARTS, _ATTACHMENT_TITLE, _ATTACHMENT_DATA = 0x00069002, 0x00018010, 0x0006800F
_ATTACHMENT_PROPERTIES, _MESSAGE_PROPERTIES, _BODY, _CODE_PAGE = (
    0x00069005,
    0x00069003,
    0x0002800C,
    0x00069007,
)
_LONG_NAME, _SHORT_NAME, _MIME_TYPE, _CONTENT_ID, _DATA = 0x3707, 0x3704, 0x370E, 0x3712, 0x3701
_PLAIN_BODY, _HTML_BODY, _RTF_BODY = 0x1000, 0x1013, 0x1009
_SIZES = {
    0x02: 4,
    0x03: 4,
    0x04: 4,
    0x05: 8,
    0x06: 8,
    0x07: 8,
    0x0A: 4,
    0x0B: 4,
    0x14: 8,
    0x40: 8,
    0x48: 16,
}
_STRING, _UNICODE, _BINARY, _OBJECT, _MANY = 0x1E, 0x1F, 0x102, 0x0D, 0x1000


class Damaged(ValueError):
    """No TNEF, or cut off; the file as it came is kept anyway."""


@dataclass(slots=True)
class Packed:
    name: str = ""
    type: str = ""
    content_id: str = ""
    content: bytes = b""


@dataclass(slots=True)
class Opened:
    text: str
    html: str
    files: list[Packed]


def unpack(data: bytes) -> Opened:
    """The files and the text inside; raises Damaged when there is nothing to be had."""
    if not data.startswith(SIGNATURE):
        raise Damaged("no TNEF signature")
    opened, charset = Opened("", "", []), "cp1252"
    for kind, value in _attributes(data):
        if kind == _CODE_PAGE and len(value) >= 4:
            charset = f"cp{struct.unpack_from('<I', value)[0]}"
        elif kind == _ATTACHMENT_STARTS:
            if len(opened.files) >= CAPS.unpacked_files:
                break
            opened.files.append(Packed())
        elif kind == _BODY:
            opened.text = opened.text or _text(value, charset)
        elif kind == _MESSAGE_PROPERTIES:
            _read_message(opened, value, charset)
        elif opened.files:
            _read_attachment(opened.files[-1], kind, value, charset)
    opened.files = [file for file in opened.files if file.content]
    return opened


def _read_message(opened: Opened, value: bytes, charset: str) -> None:
    for key, content, is_unicode in _properties(value):
        if key == _PLAIN_BODY:
            opened.text = opened.text or _text(content, "utf-16-le" if is_unicode else charset)
        elif key == _HTML_BODY:
            opened.html = opened.html or _text(content, "utf-16-le" if is_unicode else charset)
        elif key == _RTF_BODY:
            _read_rtf(opened, content)


def _read_rtf(opened: Opened, packed: bytes) -> None:
    """Often the only body there is."""
    try:
        read = rtf.unpacked(packed, CAPS.html)
    except rtf.Damaged:
        return
    if rtf.is_page(read):
        opened.html = opened.html or rtf.to_page(read)
    else:
        opened.text = opened.text or rtf.to_text(read)


def _read_attachment(file: Packed, kind: int, value: bytes, charset: str) -> None:
    if kind == _ATTACHMENT_TITLE:
        file.name = file.name or _text(value, charset)
    elif kind == _ATTACHMENT_DATA:
        file.content = value
    elif kind == _ATTACHMENT_PROPERTIES:
        for key, content, is_unicode in _properties(value):
            text = _text(content, "utf-16-le" if is_unicode else charset) if key != _DATA else ""
            if key == _LONG_NAME or (key == _SHORT_NAME and not file.name):
                file.name = text or file.name
            elif key == _MIME_TYPE:
                file.type = text.lower()
            elif key == _CONTENT_ID:
                file.content_id = text.strip("<>")


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 6
    while at + 9 <= len(data):
        _level, kind, size = struct.unpack_from("<BII", data, at)
        if at + 9 + size > len(data):
            return  # cut off: what came before is good
        yield kind, data[at + 9 : at + 9 + size]
        at += 9 + size + 2


def _properties(data: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """Key, bytes, whether they are UTF-16. Stops quietly where the block stops making sense."""
    try:
        yield from _properties_until_broken(data)
    except (struct.error, KeyError):
        return


def _properties_until_broken(data: bytes) -> Iterator[tuple[int, bytes, bool]]:
    (count,) = struct.unpack_from("<I", data)
    at = 4
    for _ in range(min(count, 4096)):
        kind, key = struct.unpack_from("<HH", data, at)
        at += 4
        if key >= 0x8000:
            at = _skip_name(data, at)
        several, kind = kind & _MANY, kind & ~_MANY
        if kind in (_STRING, _UNICODE, _BINARY, _OBJECT):
            (values,) = struct.unpack_from("<I", data, at)
            at += 4
            for _ in range(min(values, 4096)):
                (size,) = struct.unpack_from("<I", data, at)
                yield key, data[at + 4 : at + 4 + size], kind == _UNICODE
                at += 4 + size + (-size % 4)
        else:
            values = 1
            if several:
                (values,) = struct.unpack_from("<I", data, at)
                at += 4
            at += _SIZES[kind] * values


def _skip_name(data: bytes, at: int) -> int:
    (by_string,) = struct.unpack_from("<I", data, at + 16)
    if not by_string:
        return at + 24
    (size,) = struct.unpack_from("<I", data, at + 20)
    return int(at + 24 + size + (-size % 4))


def _text(value: bytes, charset: str) -> str:
    if charset == "utf-16-le":
        found = value.decode("utf-16-le", "replace")
    else:
        found = decode(value.rstrip(b"\0"), charset).text
    return clean(lines(found.partition("\0")[0]))
