"""Header fields as their senders meant them: encoded words, raw bytes, people, ids, parameters."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from channels.mail.charset import clean, codecs_for, decode

_WORD = re.compile(rb"=\?([\w.:+()-]*)(?:\*[\w-]*)?\?([bBqQ])\?")
_ONLY_WORDS = re.compile(r"(?:=\?[\w.:-]+\?[bBqQ]\?[!-~]*?\?=\s*)+")
_UNQUOTE = re.compile(r"\\(.)", re.DOTALL)


def text_of(raw: bytes, hint: str = "") -> str:
    """A header's words on one line: folds, encoded words and raw bytes of any charset undone."""
    if not raw:
        return ""
    if b"=?" not in raw:
        return one_line(raw.decode("ascii") if raw.isascii() else decode(raw, "", hint).text)
    text = one_line("".join(_decoded(_pieces(raw), hint)))
    if _ONLY_WORDS.fullmatch(text):  # a program encoded what was encoded already
        text = one_line("".join(_decoded(_pieces(text.encode()), hint)))
    return text


def one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if line.isascii() and line.isprintable() else clean(line)


@dataclass(frozen=True, slots=True)
class _Piece:
    charset: str | None  # None: written plainly
    data: bytes


def _pieces(raw: bytes) -> Iterator[_Piece]:
    at = 0
    while word := _WORD.search(raw, at):
        end = raw.find(b"?=", word.end())
        if end < 0:  # cut off by a program that minds the length
            end = word.end() + len((raw[word.end() :].split(None, 1) or [b""])[0])
        plain = raw[at : word.start()]
        if plain.strip() or (plain and at == 0):
            yield _Piece(None, plain)
        data = _word_bytes(raw[word.end() : end], word[2])
        yield _Piece(word[1].decode("ascii", "replace").lower(), data)
        at = end + 2
    if rest := raw[at:]:
        yield _Piece(None, rest)


def _word_bytes(data: bytes, how: bytes) -> bytes:
    if how in b"qQ":
        return binascii.a2b_qp(data.replace(b"\r", b"").replace(b"\n", b""), header=True)
    return base64_bytes(data)


def _decoded(pieces: Iterator[_Piece], hint: str) -> Iterator[str]:
    """Neighbours of one charset are decoded together: some programs split inside a character."""
    charset: str | None = None
    waiting = b""
    for piece in pieces:
        if waiting and piece.charset != charset:
            yield decode(waiting, charset or "").text
            waiting = b""
        charset = piece.charset
        if charset is None:
            yield decode(piece.data, "", hint).text
        elif codecs_for(charset)[:1] and codecs_for(charset)[0].startswith(
            ("iso2022", "hz", "utf-7")
        ):
            yield decode(piece.data, charset).text  # each word starts in ASCII again
        else:
            waiting += piece.data
    if waiting:
        yield decode(waiting, charset or "").text


def base64_bytes(data: bytes) -> bytes:
    """Whatever can be read: padding is missing, characters are stray, pieces glued together."""
    try:
        whole = binascii.a2b_base64(data)
    except binascii.Error:
        return b"".join(map(_base64_piece, data.split(b"=", _MOST_PIECES)))
    padding = data.find(b"=")
    if 0 <= padding < len(data) - 16 and _GLUED.search(data, padding):
        return b"".join(map(_base64_piece, data.split(b"=", _MOST_PIECES)))
    return whole


_MOST_PIECES = 1_000
_GLUED = re.compile(rb"=\s*[A-Za-z0-9+/\s]{16,}=*\s*\Z")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def _base64_piece(data: bytes) -> bytes:
    kept = _NOT_BASE64.sub(b"", data)
    kept = kept[: len(kept) - (len(kept) % 4 == 1)]
    return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


# --- people ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    addr: str  # empty when the header names somebody without an address

    @property
    def domain(self) -> str:
        return self.addr.rpartition("@")[2].lower()


@dataclass(frozen=True, slots=True)
class People:
    """An address list; `clear` when it is nothing but plain mailboxes, with nothing left over."""

    all: tuple[Person, ...]
    clear: bool


_TOKEN = re.compile(
    r"""(?P<word>=\?[\w.:+()-]*(?:\*[\w-]*)?\?[bBqQ]\?[^?\r\n]*\?=)"""
    r"""|"(?P<quoted>(?:[^"\\]|\\.)*)"?"""
    r"""|<(?P<angle>(?:"(?:[^"\\]|\\.)*"|[^<>"])*)>?"""
    r"""|(?P<literal>@\[[^\]\r\n]*\])"""
    r"""|(?P<stop>[,;])|(?P<colon>:)|(?P<open>\()|(?P<space>\s+)"""
    r"""|(?P<atom>[^\s"(),:;<>]+|.)""",
    re.DOTALL,
)
_ADDR = re.compile(
    r"""[^\s@"<>(),;:\\]+@[^\s@"<>(),;:\\]+|"(?:[^"\\]|\\.){1,128}"@[^\s@"<>(),;:\\]+"""
)
_NAMED_ADDRESS = re.compile(rf"(.*?)\s*<({_ADDR.pattern})>")
_ROUTE = re.compile(r"^(?:@[^:]*|mailto):", re.IGNORECASE)


class _Scan:
    """One pass over an address list; a name may be words, quotes and encoded words in any order."""

    def __init__(self, hint: str, limit: int) -> None:
        self.found: list[Person] = []
        self.clear = True
        self._forgave = False
        self._hint, self._limit = hint, limit
        self._reset()

    def _reset(self) -> None:
        self._words: list[str] = []
        self._bare: list[str] = []
        self._comments: list[str] = []
        self._angle: str | None = None
        self._named = 0  # words in front of the angle

    def read(self, source: str) -> None:
        at = 0
        while at < len(source) and len(self.found) < self._limit:
            token = _TOKEN.match(source, at)
            if token is None:  # cannot be: the last alternative takes any character
                break
            at = token.end()
            if token.lastgroup == "open":
                at = self._comment(source, at)
            elif self._lone_quote(token):
                at = token.start() + 1
            else:
                self._take(token.lastgroup or "", token)
        self._finish()

    def _lone_quote(self, token: re.Match[str]) -> bool:
        """A quote that nobody closes would swallow the address. Forgiven once, or it gets slow."""
        lone = token.lastgroup == "quoted" and not token[0].endswith('"') and "<" in token[0]
        if not lone or self._forgave:
            return False
        self._forgave, self.clear = True, False
        return True

    def _take(self, kind: str, token: re.Match[str]) -> None:
        whole = token[0]
        if whole == "," and self._is_half_a_name():
            self._words.append(whole)
        elif kind == "stop":
            self.clear &= whole == ","
            self._finish()
        elif self._angle is not None and not any(map(str.isalnum, whole)) and kind == "atom":
            self.clear = False
        elif kind == "colon":
            self._colon()
        elif kind == "angle":
            self.clear &= self._angle is None and whole.endswith(">")
            if self._angle and "@" in whole:
                self._finish_before_angle()
            self._angle = self._angle or token["angle"].strip()
            self._named = len(self._words)
        elif kind == "quoted":
            self.clear &= len(whole) > 1 and whole.endswith('"')
            self._words.append(_UNQUOTE.sub(r"\1", token["quoted"]))
            self._bare.append(whole)
        else:
            self._words.append(whole)
            self._bare.append(whole)

    def _is_half_a_name(self) -> bool:
        """Lee, Ann <ann@x.org> without the quotes that the comma needs."""
        bare = "".join(self._bare)
        return self._angle is None and bool(bare.strip()) and "@" not in bare

    def _colon(self) -> None:
        """What came before names a group, unless it is an address with something behind it."""
        self.clear = False
        if "@" in "".join(self._bare) or self._angle is not None:
            self._finish()
        self._reset()

    def _comment(self, source: str, at: int) -> int:
        depth, start = 1, at
        while depth and at < len(source):
            here = source[at]
            at += 2 if here == "\\" else 1
            depth += (here == "(") - (here == ")")
        self._comments.append(source[start : at - (depth == 0)])
        return at

    def _finish_before_angle(self) -> None:
        """Somebody else begins behind the address before, without a comma."""
        words = self._words[self._named :]
        del self._words[self._named :]
        self._finish()
        self._words = words

    def _finish(self) -> None:
        name, addr = "".join(self._words), self._angle
        if addr is None:
            addr, name = self._without_angle(name)
        addr = _ROUTE.sub("", addr).strip().strip("'") if addr else ""
        name = self._say(name).removesuffix(",") or self._say(" ".join(self._comments))
        if not addr and (encoded := _NAMED_ADDRESS.fullmatch(name)):
            name, addr = encoded[1], encoded[2]
            self.clear = False
        if not _ADDR.fullmatch(addr) and (name or addr):
            self.clear = False
        if name or addr:
            self.found.append(Person(name, self._say(addr)))
        self._reset()

    def _without_angle(self, name: str) -> tuple[str, str]:
        bare = "".join(self._bare).strip()
        if "@" not in bare:
            return "", name
        if match := _ADDR.search(bare):
            rest = (bare[: match.start()] + bare[match.end() :]).replace("<>", "").strip()
            self.clear &= not rest
            return match[0], rest
        return bare, ""

    def _say(self, text: str) -> str:
        return text_of(text.encode("latin-1", "replace"), self._hint).strip("\u200b")


def people(raw: bytes, hint: str = "", limit: int = 1_000) -> People:
    """The people in one or more address fields; groups are flattened."""
    if not raw:
        return People((), clear=True)
    return _known(raw, hint, limit) if len(raw) < 256 else _scanned(raw, hint, limit)


@lru_cache(maxsize=4096)
def _known(raw: bytes, hint: str, limit: int) -> People:
    """The same few hundred people write to a desk."""
    return _scanned(raw, hint, limit)


def _scanned(raw: bytes, hint: str, limit: int) -> People:
    scan = _Scan(hint, limit)
    scan.read(raw.decode("latin-1"))
    return People(tuple(scan.found[:limit]), scan.clear)


# --- ids and parameters ---------------------------------------------------------------------

_ID = re.compile(r"<([^<>]*)>")


def identifiers(raw: bytes) -> tuple[str, ...]:
    """Message ids without brackets, each once, in order."""
    if not raw:
        return ()
    text = clean(decode(raw).text)
    found = [one_line(inner).replace(" ", "") for inner in _ID.findall(text)]
    if "<" not in text:  # some programs forget the brackets; prose has no @
        found = [word.strip("<>,;\"'") for word in text.split() if "@" in word]
    return tuple(dict.fromkeys(filter(None, found)))


_PARAMETER = re.compile(
    r"""[;\s]\s*([\w!#$%&'*+^`{|}~.-]+?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;\s"][^;\r\n]*)?)""",
    re.DOTALL,
)
_SECTION = re.compile(r"^(.*?)(?:\*(\d+))?(\*)?$")


def parameters(raw: bytes, hint: str = "") -> tuple[str, dict[str, str]]:
    """The value before the first semicolon in lower case, and the parameters, RFC 2231 undone."""
    source = raw.decode("latin-1")
    head = re.match(r"\s*([^;\s]*)", source)
    value = head[1].lower() if head else ""
    sections: dict[str, dict[int, tuple[bool, str]]] = {}
    settled: set[str] = set()
    for match in _PARAMETER.finditer(source, head.end() if head else 0):
        key, number, extended = _section(match[1].lower())
        quoted = match[2]
        content = _UNQUOTE.sub(_escape, quoted) if quoted is not None else (match[3] or "").rstrip()
        if quoted is None and key not in ("filename", "name"):
            content = content.split(None, 1)[0] if content else ""
        if number < 0:  # filename* beside filename: the plain one is for old programs
            sections[key] = {0: (extended, content)}
            settled.add(key)
        elif key not in settled:
            sections.setdefault(key, {}).setdefault(number, (extended, content))
    return value, {key: _joined(found, hint) for key, found in sections.items()}


def _escape(match: re.Match[str]) -> str:
    r"""Old browsers write C:\files\a.txt unescaped: only a quote or a backslash is ever escaped."""
    return match[1] if match[1] in '"\\' else match[0]


WHOLE = -1  # the number of `filename*`, which is no section of anything


def _section(key: str) -> tuple[str, int, bool]:
    match = _SECTION.match(key)
    if match is None:
        return key, 0, False
    number = int(match[2]) if match[2] and len(match[2]) < 4 else 0
    return match[1], number if match[2] or not match[3] else WHOLE, bool(match[3])


def _joined(sections: dict[int, tuple[bool, str]], hint: str) -> str:
    ordered = [sections[number] for number in sorted(sections)]
    if not any(extended for extended, _ in ordered):
        return text_of("".join(content for _, content in ordered).encode("latin-1"), hint)
    first = ordered[0][1]
    charset, _, rest = first.split("'", 2) if first.count("'") >= 2 else ("", "", first)
    texts = [rest, *(content for _, content in ordered[1:])]
    data = b"".join(
        unquote_to_bytes(text) if extended else text.encode("latin-1")
        for (extended, _), text in zip(ordered, texts, strict=True)
    )
    return one_line(decode(data, charset, hint).text)
