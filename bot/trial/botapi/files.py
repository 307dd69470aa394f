"""Files that people and the bot sent: kept in memory, handed out by id for an hour."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass

from bot.trial.botapi.values import Json, Params, Refused, Upload, bad

DOWNLOAD_LIMIT, UPLOAD_LIMIT, PHOTO_LIMIT = 20 * 2**20, 50 * 2**20, 10 * 2**20
LINK_LIFETIME = 3600.0
FOLDERS = {"photo": "photos", "voice": "voice", "video": "videos", "audio": "music"}


@dataclass(frozen=True, slots=True)
class StoredFile:
    id: str
    unique_id: str
    kind: str
    name: str
    mime: str
    data: bytes
    size: int
    path: str

    @property
    def reference(self) -> Json:
        return {"file_id": self.id, "file_unique_id": self.unique_id, "file_size": self.size}

    def content(self, seconds: int = 0) -> Json:
        """The fields of a message that carries this file."""
        if self.kind == "photo":
            return {"photo": self._sizes()}
        body = {**self.reference, "mime_type": self.mime}
        if self.kind != "voice":
            body["file_name"] = self.name
        if self.kind in {"voice", "video", "audio"}:
            body["duration"] = seconds or opus_seconds(self.data)
        if self.kind == "video":
            body |= {"width": 640, "height": 480}
        return {self.kind: body}

    def _sizes(self) -> list[Json]:
        width, height = picture_size(self.data) or (1280, 960)
        scale = max(width, height) / 90
        small = {
            **self.reference,
            "file_id": self.id + "s",
            "file_unique_id": self.unique_id + "s",
            "width": max(1, round(width / scale)),
            "height": max(1, round(height / scale)),
        }
        full = {**self.reference, "width": width, "height": height}
        return [small, full] if scale > 1 else [full]


class Files:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._files: dict[str, StoredFile] = {}
        self._links: dict[str, tuple[str, float]] = {}

    def add(
        self, kind: str, data: bytes, name: str, mime: str, *, size: int | None = None
    ) -> StoredFile:
        """`size` overstates the length, so that a huge file needs no memory."""
        number = len(self._files) + 1
        digest = hashlib.sha256(data + kind.encode()).digest()
        ident = base64.urlsafe_b64encode(struct.pack(">Q", number) + digest[:16]).decode()
        suffix = name.rpartition(".")[2] if "." in name else "bin"
        path = f"{FOLDERS.get(kind, 'documents')}/file_{number}.{suffix}"
        unique = base64.urlsafe_b64encode(digest[16:27]).decode().rstrip("=")
        total = len(data) if size is None else size
        stored = StoredFile(f"AgAC{ident}", unique, kind, name, mime, data, total, path)
        self._files[stored.id] = stored
        return stored

    def find(self, file_id: str) -> StoredFile | None:
        return self._files.get(file_id) or self._files.get(file_id.removesuffix("s"))

    def link(self, file_id: str) -> Json:
        stored = self.find(file_id)
        if stored is None:
            raise bad("wrong file_id or the file is temporarily unavailable")
        if stored.size > DOWNLOAD_LIMIT:
            raise bad("file is too big")
        self._links[stored.path] = stored.id, self._clock() + LINK_LIFETIME
        return {**stored.reference, "file_id": file_id, "file_path": stored.path}

    def download(self, path: str) -> StoredFile:
        file_id, expires = self._links.get(path, ("", 0.0))
        if expires <= self._clock():
            raise Refused(404, "Not Found")
        return self._files[file_id]

    def sent(self, params: Params, field: str, kind: str) -> StoredFile:
        """The file a call carries: uploaded, attached, or named by the id of an earlier one."""
        value = params.text(field)
        upload = params.uploads.get(value.removeprefix("attach://") if value else field)
        if upload is not None:
            return self._receive(upload, kind)
        if not value:
            raise bad(f"there is no {field} in the request")
        stored = self.find(value)
        if stored is None:
            raise bad("wrong remote file identifier specified: Wrong padding in the string")
        if stored.kind != kind:
            raise bad(f"can't use file of type {stored.kind.title()} as {kind.title()}")
        return stored

    def _receive(self, upload: Upload, kind: str) -> StoredFile:
        size = len(upload.data)
        if not size:
            raise bad("file must be non-empty")
        if size > UPLOAD_LIMIT:
            raise Refused(413, "Request Entity Too Large")
        if kind == "photo" and size > PHOTO_LIMIT:
            raise bad(
                f"file of size {size} bytes is too big for a photo; "
                f"the maximum size is {PHOTO_LIMIT} bytes"
            )
        if kind == "photo" and picture_type(upload.data) is None:
            raise bad("IMAGE_PROCESS_FAILED")
        return self.add(kind, upload.data, upload.name, upload.mime)


def opus_seconds(data: bytes) -> int:
    """How long a voice is: its last page says how many samples there were up to it."""
    page = data.rfind(b"OggS")
    samples = int.from_bytes(data[page + 6 : page + 14], "little", signed=True)
    return max(0, round(samples / 48_000)) if page >= 0 else 0


PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}


def picture_type(data: bytes) -> str | None:
    return next((mime for magic, mime in PICTURES.items() if data.startswith(magic)), None)


def picture_size(data: bytes) -> tuple[int, int] | None:
    kind = picture_type(data)
    if kind == "image/png" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if kind == "image/gif" and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return width, height
    return _jpeg_size(data) if kind == "image/jpeg" else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
