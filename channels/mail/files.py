"""Files that came with a mail, under names and types that do no harm."""

import hashlib
import re
from dataclasses import dataclass, field

from channels.mail.caps import CAPS
from channels.mail.charset import clean

_GENERIC = frozenset(
    {
        "application/octet-stream",
        "application/binary",
        "application/unknown",
        "application/x-unknown",
    }
)
_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"\x7fELF", "application/x-executable"),
    (b"MZ", "application/x-msdownload"),
)
_PROGRAMS = frozenset({"application/x-executable", "application/x-msdownload"})
# Bidirectional marks make "exe.gnp.scr" look like a picture; the rest breaks paths and shells.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff<>:"|?*]')
_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    name: str
    type: str  # as the sender declares it; before showing or serving a file, ask `true_type`
    content: bytes = field(repr=False)
    sha256: str
    content_id: str = ""  # what `cid:` in the HTML refers to
    inline: bool = False  # shown inside the text rather than handed over

    @property
    def size(self) -> int:
        return len(self.content)

    @property
    def true_type(self) -> str:
        """By its first bytes: a program stays a program under the flag of a picture."""
        found = next((kind for start, kind in _STARTS if self.content.startswith(start)), "")
        if found in _PROGRAMS or (found and self.type in _GENERIC):
            return found
        one_is_picture = "image/" in (found[:6], self.type[:6])
        if found and one_is_picture and found.split("/")[0] != self.type.split("/")[0]:
            return found
        return self.type

    @property
    def folds(self) -> bool:
        """A tiny picture inside the text: a logo or a spacer, hardly a screenshot."""
        return self.inline and self.true_type.startswith("image/") and self.size < 2048


def made(
    name: str, declared: str, content: bytes, content_id: str = "", *, inline: bool = False
) -> File:
    return File(
        name=safe_name(name),
        type=declared.lower() if _TYPE.fullmatch(declared) else "application/octet-stream",
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        content_id=content_id,
        inline=inline,
    )


def safe_name(name: str) -> str:
    """The last part of a path, without what breaks paths or misleads eyes, not too long."""
    base = _UNSAFE.sub("", clean(name).replace("\\", "/").rstrip("/").rpartition("/")[2]).strip(
        " ."
    )
    if len(base.encode()) <= CAPS.file_name:
        return base
    stem, dot, suffix = base.rpartition(".")
    suffix = dot + suffix if stem and len(suffix.encode()) <= 20 else ""
    stem = stem if suffix else base
    room = CAPS.file_name - len(suffix.encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + suffix
