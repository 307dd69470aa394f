"""A mail as a tree of parts, read from bytes: nothing raises, nothing goes deeper than the caps.

The standard library's parser is exact about correct mail; on broken mail it raises, loses text or
recurses until it dies, and it reads line by line. This one looks for delimiters with `bytes.find`,
so that 200 kB of base64 cost nothing.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from channels.mail.caps import CAPS, Caps
from channels.mail.headers import base64_bytes, parameters

_HEADER_END = re.compile(rb"\n\r?\n")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_NEW_LINE = re.compile(rb"\n(?![ \t])")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:[ \t]*(.*)", re.DOTALL)
_MBOX_FROM = re.compile(rb"\A>?From [^\r\n]*\r?\n")
_LOST_BOUNDARY = re.compile(
    rb"^--(\S[^\r\n]{0,197}?)[ \t]{0,8}\r?\n(?=content-[a-z-]{1,40}[ \t]{0,8}:)",
    re.IGNORECASE | re.MULTILINE,
)
_CLOSES = re.compile(rb"--(?![\w'()+,./:=? -])")  # behind it: none of what a boundary is made of
_LONGEST_OPENING = 2_048  # bytes: the header of a multipart, and what stands above its first part
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")
_TYPES = {  # as some programs write them
    "plain/text": "text/plain",
    "text/htm": "text/html",
    "text/xhtml": "text/html",
    "application/xhtml+xml": "text/html",
}
_NO_TEXT = frozenset({"application", "audio", "font", "image", "model", "video"})
_ADDRESSES = frozenset({"to", "cc", "bcc", "resent-to", "resent-cc"})


@dataclass(slots=True)
class Part:
    """One node; `fields` are (lower-case name, raw unfolded value) in order."""

    fields: list[tuple[str, bytes]]
    body: bytes
    type: str = "text/plain"
    params: dict[str, str] = field(default_factory=dict)
    children: list["Part"] = field(default_factory=list)

    def first(self, name: str) -> bytes:
        return next((value for key, value in self.fields if key == name), b"")

    def all(self, name: str) -> list[bytes]:
        return [value for key, value in self.fields if key == name]

    @property
    def is_multipart(self) -> bool:
        return bool(self.children)

    def walk(self) -> Iterator["Part"]:
        yield self
        for child in self.children:
            yield from child.walk()

    def content(self) -> bytes:
        """The body with its transfer encoding undone as far as it goes."""
        return transferred(self.body, self.first("content-transfer-encoding"))


@dataclass(slots=True)
class _Budget:
    parts: int
    clipped: bool = False


def read(raw: bytes, caps: Caps = CAPS) -> tuple[Part, bool]:
    """The root part, and whether a cap cut anything off."""
    budget = _Budget(caps.parts)
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    raw = _MBOX_FROM.sub(b"", raw.lstrip(), count=1)
    return _part(raw, caps, budget, depth=0, default="text/plain"), budget.clipped


def fields_of(raw: bytes, caps: Caps = CAPS) -> list[tuple[str, bytes]]:
    """Only the header block, of a returned message for instance."""
    return _split(raw.lstrip(b"\r\n"), caps, _Budget(0))[0]


def _part(raw: bytes, caps: Caps, budget: _Budget, depth: int, default: str) -> Part:
    budget.parts -= 1
    fields, body = _split(raw, caps, budget)
    part = Part(fields, body, default)
    declared = part.first("content-type")
    if declared:
        kind, part.params = parameters(declared)
        part.type = _TYPES.get(kind) or (kind if _TYPE.fullmatch(kind) else _guess(kind))
    if part.type.startswith("multipart/"):
        _divide(part, caps, budget, depth)
    return part


def _guess(kind: str) -> str:
    """`multipart` or `image` without a subtype still says something; nonsense is read as text."""
    if "html" in kind:
        return "text/html"
    major = kind.partition("/")[0]
    if major == "multipart":
        return "multipart/mixed"
    return "application/octet-stream" if major in _NO_TEXT else "text/plain"


def _divide(part: Part, caps: Caps, budget: _Budget, depth: int) -> None:
    """Gives a multipart its children; one that cannot be divided is read as text, not lost."""
    if depth >= caps.depth:
        part.type, budget.clipped = "application/octet-stream", True
        return
    default = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
    for piece in _pieces(part):
        if budget.parts <= 0:
            budget.clipped = True
            break
        part.children.append(_part(piece, caps, budget, depth + 1, default))
    if not part.children:
        part.type, part.params = "text/plain", {}


def _pieces(part: Part) -> list[bytes]:
    boundary = part.params.get("boundary", "").encode("utf-8", "surrogateescape")
    pieces = _between(part.body, boundary) if boundary else []
    if not pieces and (lost := _LOST_BOUNDARY.search(part.body)):
        pieces = _between(part.body, lost[1])
    return pieces


def _between(body: bytes, boundary: bytes) -> list[bytes]:
    """What stands between the delimiter lines; a part that nobody closes goes to the end."""
    delimiter = b"\n--" + boundary.rstrip()
    body = b"\n" + body
    pieces: list[bytes] = []
    inside, known = False, -1  # a multipart within that has the same boundary, and where it began
    start, at = -1, body.find(delimiter)
    while at >= 0:
        rest_at = at + len(delimiter)
        end = body.find(b"\n", rest_at)
        end = len(body) if end < 0 else end
        rest = body[rest_at:end].strip()
        closes = _CLOSES.match(rest) is not None
        if inside:
            inside = not closes
        elif start > known and not rest and _declares(boundary, body[start:at]):
            inside, known = True, start
        elif closes or not rest:
            if start >= 0:
                pieces.append(_without_last_break(body[start : at + 1]))
            start = -1 if closes else end + 1
            if closes:
                break
        at = body.find(delimiter, end)
    if start >= 0 and body[start:].strip():
        pieces.append(body[start:])
    return pieces


def _declares(boundary: bytes, piece: bytes) -> bool:
    """Whether it opens a multipart of the same boundary: Outlook for Mac and viruses write such."""
    if len(piece) > _LONGEST_OPENING or boundary not in piece:
        return False
    declared = next((value for name, value in fields_of(piece) if name == "content-type"), b"")
    kind, params = parameters(declared)
    return kind.startswith("multipart/") and params.get("boundary", "").encode() == boundary


def _without_last_break(piece: bytes) -> bytes:
    if piece.endswith(b"\r\n"):
        return piece[:-2]
    return piece[:-1] if piece.endswith(b"\n") else piece


def _split(raw: bytes, caps: Caps, budget: _Budget) -> tuple[list[tuple[str, bytes]], bytes]:
    """The header fields and the body, which is found without a blank line before it too."""
    if raw[:1] == b"\n" or raw[:2] == b"\r\n":
        return [], raw[raw.index(b"\n") + 1 :]
    end = _HEADER_END.search(raw)
    block, body = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
    if len(block) > caps.header_block:
        block, budget.clipped = block[: caps.header_block], True
    lines = _FOLD.sub(b"", block).split(b"\n")
    fields: list[tuple[str, bytes]] = []
    for number, line in enumerate(lines):
        match = _FIELD.match(line)
        if match is None:
            if any(map(_FIELD.match, lines[number + 1 : number + 2])):
                continue  # a stray line between two fields
            starts = [0, *(break_.end() for break_ in _NEW_LINE.finditer(block))]
            return fields, raw[starts[number] :].lstrip(b"\r\n")
        name = match[1].decode("ascii").lower()
        limit = caps.recipients_header if name in _ADDRESSES else caps.header
        budget.clipped |= len(match[2]) > limit
        fields.append((name, match[2][:limit].rstrip()))
    return fields, body


def transferred(body: bytes, encoding: bytes) -> bytes:
    how = _NOT_IN_NAMES.sub(b"", encoding.lower())
    if how.startswith(b"base64"):
        return _without_base64(body) if _is_prose(body) else base64_bytes(body)
    if how.startswith(b"quoted"):
        return binascii.a2b_qp(body)
    if b"uue" in how:
        return next((content for _, content, _ in uuencoded(body)), body)
    return body


_NOT_IN_NAMES = re.compile(rb"[^a-z0-9]+")


def _is_prose(body: bytes) -> bool:
    """Base64 has neither blanks nor letters beyond ASCII; text under its label has many."""
    beyond = 0 if body.isascii() else len(body) - len(body.translate(None, _BEYOND_ASCII))
    return 20 * (body.count(b" ") + beyond) > len(body)


def _without_base64(body: bytes) -> bytes:
    """Text as it stands, below base64 if there is any: gateways add their notice like that."""
    match = _BASE64_LINES.match(body)
    head = b"".join(match[0].split()) if match else b""
    if match is None or len(head) < _SHORTEST_BASE64 or len(head) % 4:
        return body
    return base64_bytes(head) + b"\n" + body[match.end() :]


_BASE64_LINES = re.compile(rb"\s*(?:[A-Za-z0-9+/]+={0,2}\r?\n)+")
_SHORTEST_BASE64 = 16  # characters: a word or two on lines of their own look the same
_BEYOND_ASCII = bytes(range(128, 256))
_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} +([^\r\n]+)\r?\n", re.MULTILINE)
_UU_LINE = re.compile(rb"([ -`]+)[ \t]*\r?\n")


def uuencoded(
    body: bytes, limit: int = CAPS.unpacked_files
) -> Iterator[tuple[bytes, bytes, slice]]:
    """Files that stand in the middle of a text: name, content, and where."""
    at = 0
    for _ in range(limit):
        begin = _BEGIN.search(body, at)
        if begin is None:
            return
        content, end = _uu_block(body, begin.end())
        at = max(end, begin.end())
        if content:
            yield begin[1].strip(), content, slice(begin.start(), end)


def _uu_block(body: bytes, at: int) -> tuple[bytes, int]:
    """Reads to `end`; a line that is no uuencode shows that `begin` was an ordinary word."""
    lines: list[bytes] = []
    while True:
        if body.startswith(b"end", at) and body[at + 3 : at + 4].strip() == b"":
            newline = body.find(b"\n", at)
            return b"".join(lines), len(body) if newline < 0 else newline + 1
        line = _UU_LINE.match(body, at)
        if line is None:
            return b"", at
        try:
            lines.append(binascii.a2b_uu(line[1]))
        except binascii.Error:
            size = (((line[1][0] - 32) & 63) * 4 + 5) // 3  # mailers that miscount the last line
            try:
                lines.append(binascii.a2b_uu(line[1][:size]))
            except binascii.Error:
                return b"", at
        at = line.end()
