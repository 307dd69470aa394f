"""Files that came with messages: fetched by a worker, kept by the hash of their content."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import structlog

from core.desk import Desk
from core.errors import FileTooLarge, FileVanished
from core.in_hand import InHand
from core.messages import File
from core.notices import FileGone, FileTooBig
from core.ports import Files, Tx
from core.ticket import StoredFile, Ticket

log = structlog.get_logger()

MEGABYTE = 1024 * 1024
LIMIT = 20 * MEGABYTE
TRIES = 5
AGAIN = timedelta(seconds=30)
BATCH = 10

Fetch = Callable[[File], Awaitable[bytes]]
"""Brings the bytes of a promised file. Raises FileTooLarge, FileVanished, or what may pass."""


class FileStore:
    """core.ports.Files in a folder: two letters, then the hash. Written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256

    async def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        await asyncio.to_thread(self._write, self._path(sha256), data)
        return sha256

    def _write(self, path: Path, data: bytes) -> None:
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}")
        with half.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)

    async def get(self, sha256: str) -> bytes | None:
        path = self._path(sha256)
        return await asyncio.to_thread(path.read_bytes) if path.exists() else None


async def fetch_wanted(desk: Desk, files: Files, fetchers: Mapping[str, Fetch]) -> int:
    """Bring in what messages promised; how many rows were dealt with."""
    now = desk.now()
    wanted = await desk.store.read(lambda tx: tx.find(StoredFile, order="id", state="wanted"))
    due = [row for row in wanted if row.next_at is None or row.next_at <= now][:BATCH]
    for row in due:
        await _fetch(desk, files, fetchers, row)
    return len(due)


async def _fetch(desk: Desk, files: Files, fetchers: Mapping[str, Fetch], row: StoredFile) -> None:
    try:
        if row.size is not None and row.size > LIMIT:
            raise FileTooLarge
        data = await fetchers[row.channel](
            File(kind=row.kind, name=row.name, type=row.type, size=row.size, source=row.source)
        )
        sha256 = await files.put(data)
    except FileTooLarge:
        notice = FileTooBig(
            number="", name=row.name or row.kind, megabytes=(row.size or LIMIT) // MEGABYTE
        )
        await desk.store.write(lambda tx: _lost(tx, desk, row, "too_big", notice))
    except FileVanished:
        notice_gone = FileGone(number="", name=row.name or row.kind)
        await desk.store.write(lambda tx: _lost(tx, desk, row, "gone", notice_gone))
    except Exception as fault:
        log.warning("file_not_fetched", id=row.id, tries=row.attempts + 1, exc_info=fault)
        await _try_again(desk, row)
    else:
        await desk.store.write(
            lambda tx: tx.update(row, sha256=sha256, size=len(data), state="stored")
        )


async def _try_again(desk: Desk, row: StoredFile) -> None:
    if row.attempts + 1 >= TRIES:
        notice = FileGone(number="", name=row.name or row.kind)
        await desk.store.write(lambda tx: _lost(tx, desk, row, "gone", notice))
        return
    again = desk.now() + AGAIN * (row.attempts + 1)
    await desk.store.write(lambda tx: tx.update(row, attempts=row.attempts + 1, next_at=again))


def _lost(tx: Tx, desk: Desk, row: StoredFile, state: str, notice: FileTooBig | FileGone) -> None:
    """The ticket stays; the sender is told, and how else the file can come."""
    tx.update(row, state=state)
    ticket = tx.get(Ticket, row.ticket_id) if row.ticket_id else None
    if ticket is None:
        return
    hand = InHand(tx, desk, ticket, now=desk.now())
    hand.tell(hand.requester, replace(notice, number=ticket.number))
