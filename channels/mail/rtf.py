"""RTF inside winmail.dat: Outlook's own format, packed (MS-OXRTFCP), and HTML hidden in it.

Only words are read. MS-OXRTFEX hides a whole page between RTF's own words; it is taken out again.
"""

import re
import struct
from dataclasses import dataclass
from html import escape

from channels.mail.charset import clean, decode

_PACKED, _PLAIN = 0x75465A4C, 0x414C454D  # "LZFu" and "MELA"
_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_WINDOW = 4096
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,9})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)"
)
_SILENT = frozenset(
    b"fonttbl colortbl stylesheet info pict object header footer themedata datastore listtable"
    b" listoverridetable rsidtbl generator xmlnstbl latentstyles".split()
)
_SAID = {b"par": "\n", b"line": "\n", b"row": "\n", b"tab": "\t", b"cell": "\t", b"emdash": "—"}
_SAID |= {b"endash": "–", b"bullet": "•", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“"}
_SAID |= {b"rdblquote": "”"}


class Damaged(ValueError):
    """Not packed as Outlook packs."""


def unpacked(data: bytes, limit: int) -> bytes:
    """At most `limit` bytes: a few packed ones may stand for very many."""
    if len(data) < 16:
        raise Damaged("too short")
    _, size, kind, _ = struct.unpack_from("<IIII", data)
    if kind == _PLAIN:
        return data[16 : 16 + min(size, limit)]
    if kind != _PACKED:
        raise Damaged("unknown packing")
    return _expanded(data, min(size, limit))


def _expanded(data: bytes, limit: int) -> bytes:
    """Literals and pairs of (where, how much), eight behind each byte that tells which is which."""
    out, at = bytearray(_DICTIONARY), 16
    start, wanted = len(out), len(out) + limit
    while at < len(data) and len(out) < wanted:
        control, at = data[at], at + 1
        for bit in range(8):
            if not control >> bit & 1:
                out += data[at : at + 1]
                at += 1
                continue
            pair = int.from_bytes(data[at : at + 2], "big")
            back = (len(out) - (pair >> 4)) % _WINDOW
            if at + 2 > len(data) or not 0 < back <= len(out):  # 0: the end says so itself
                return bytes(out[start:wanted])
            at += 2
            for _ in range((pair & 15) + 2):
                out.append(out[-back])
    return bytes(out[start:wanted])


def is_page(rtf: bytes) -> bool:
    return b"\\fromhtml" in rtf[:1024]


def to_text(rtf: bytes) -> str:
    return clean("".join(_Reader(rtf).said)).strip()


def to_page(rtf: bytes) -> str:
    """The HTML that was hidden in it."""
    return "".join(_Reader(rtf, page=True).said)


@dataclass(slots=True)
class _State:
    silent: bool = False  # a table of fonts, a picture
    tag: bool = False  # a piece of the hidden page
    skip: int = 1  # characters after \u, for programs that know no Unicode
    rtf_only: bool = False  # between \htmlrtf and \htmlrtf0


class _Reader:
    def __init__(self, rtf: bytes, *, page: bool = False) -> None:
        self.said: list[str] = []
        self._page = page
        self._charset = "cp1252"
        self._bytes = bytearray()  # of characters that take several \'xx
        self._stack: list[_State] = []
        self._now = _State()
        self._skip = 0
        for match in _TOKEN.finditer(rtf):
            self._take(match)
        self._flush()

    def _take(self, match: re.Match[bytes]) -> None:
        word, number, code, symbol, brace, text = match.groups()
        if code is not None:
            self._hear(bytes([int(code, 16)]))
            return
        if text is not None:
            self._hear(text)
            return
        self._flush()
        if brace == b"{":
            self._stack.append(self._now)
            now = self._now
            self._now = _State(now.silent, now.tag, now.skip, now.rtf_only)
        elif brace == b"}":
            self._now = self._stack.pop() if self._stack else self._now
        elif symbol is not None:
            self._symbol(symbol)
        else:
            self._word(word.lower(), number)

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._now.silent = True  # unless the next word is one we know
        elif symbol in b"\\{}":
            self._hear(symbol)
        elif symbol == b"~":
            self._say("\u00a0")
        elif symbol in b"\r\n":
            self._say("\n")

    def _word(self, word: bytes, number: bytes | None) -> None:
        value = int(number) if number else None
        if word == b"htmltag":
            self._now.silent, self._now.tag = not self._page, True
        elif word == b"htmlrtf":
            self._now.rtf_only = value != 0
        elif word in _SILENT:
            self._now.silent = True
        elif word == b"ansicpg" and value:
            self._charset = f"cp{value}" if value != 65001 else "utf-8"
        elif word == b"uc" and value is not None:
            self._now.skip = max(value, 0)
        elif word == b"u" and value is not None:
            self._say(chr(value % 0x10000))
            self._skip = self._now.skip
        elif word in _SAID:
            self._say(_SAID[word])

    def _hear(self, data: bytes) -> None:
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if data and not self._is_mute:
            self._bytes += data

    @property
    def _is_mute(self) -> bool:
        return self._now.silent or (self._page and self._now.rtf_only)

    def _flush(self) -> None:
        if self._bytes:
            text, self._bytes = decode(bytes(self._bytes), self._charset).text, bytearray()
            self._put(text)

    def _say(self, text: str) -> None:
        if not self._is_mute:
            self._put(text)

    def _put(self, text: str) -> None:
        plain = self._page and not self._now.tag
        self.said.append(escape(text, quote=False) if plain else text)
