"""Files that came with messages: fetched by a worker, kept by the hash of their content."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from core import passing_on, privacy
from core.desk import Desk
from core.errors import FileTooLarge, FileVanished
from core.in_hand import InHand
from core.messages import File
from core.notices.requester import FileGone, FileTooBig
from core.people import Person
from core.ports import Files, Tx
from core.rows import OutboxRow
from core.ticket import Message, StoredFile, Ticket

log = structlog.get_logger()

MEGABYTE = 1024 * 1024
LIMIT = 20 * MEGABYTE
AGAIN, AGAIN_AT_MOST = timedelta(seconds=5), timedelta(minutes=30)
TRIES = 55  # a day of them
BATCH = 10
UNSETTLED = ("pending", "waiting", "claimed", "sending", "unknown")

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
            path.touch()  # whoever puts it again counts on it
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}")
        try:
            with half.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
        except OSError:
            half.unlink(missing_ok=True)  # a full disk needs the room
            raise

    async def get(self, sha256: str) -> bytes | None:
        path = self._path(sha256)
        return await asyncio.to_thread(path.read_bytes) if path.exists() else None

    async def drop_all_but(self, kept: Collection[str], before: datetime) -> int:
        """Remove what was put before and is not among those; how many."""
        return await asyncio.to_thread(self._drop, kept, before.timestamp())

    def _drop(self, kept: Collection[str], before: float) -> int:
        dropped = 0
        for path in self.folder.glob("??/*"):
            if path.name not in kept and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                dropped += 1
        return dropped


async def sweep(desk: Desk, store: FileStore) -> int:
    """Forget files that nobody needs: drawn pictures above all, which no message keeps.

    As long as a raw message is kept it may name a file that no row names yet.
    """
    kept = await desk.store.read(_needed)
    dropped = await store.drop_all_but(kept, desk.now() - privacy.RAW)
    if dropped:
        log.info("files_forgotten", many=dropped)
    return dropped


def _needed(tx: Tx) -> set[str]:
    """Of messages, and of letters that are still on their way."""
    letters = tx.find(OutboxRow, state=UNSETTLED)
    on_their_way = {str(file["sha256"]) for letter in letters for file in letter.files}
    return on_their_way | {row["sha256"] for row in tx.ask("kept_files")}


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
        data = await _bytes_of(row, fetchers[row.channel])
    except FileTooLarge:
        await desk.store.write(lambda tx: _lost(tx, desk, row, "too_big"))
    except FileVanished:
        await desk.store.write(lambda tx: _lost(tx, desk, row, "gone"))
    except Exception as fault:
        log.warning("file_not_fetched", id=row.id, tries=row.attempts + 1, exc_info=fault)
        await desk.store.write(lambda tx: _try_again(tx, desk, row, row.attempts + 1))
    else:
        await _keep(desk, files, row, data)


async def _bytes_of(row: StoredFile, fetch: Fetch) -> bytes:
    if row.size is not None and row.size > LIMIT:
        raise FileTooLarge
    return await fetch(
        File(kind=row.kind, name=row.name, type=row.type, size=row.size, source=row.source)
    )


async def _keep(desk: Desk, files: Files, row: StoredFile, data: bytes) -> None:
    try:
        sha256 = await files.put(data)
    except OSError as fault:  # our own disk: no fault of the file's, and no try is used up
        log.error("file_not_kept", id=row.id, exc_info=fault)
        await desk.store.write(lambda tx: _try_again(tx, desk, row, row.attempts))
    else:
        await desk.store.write(lambda tx: _stored(tx, desk, row, sha256, len(data)))
        desk.wake()


def _stored(tx: Tx, desk: Desk, row: StoredFile, sha256: str, size: int) -> None:
    if tx.update_where(StoredFile, _still(row), sha256=sha256, size=size, state="stored"):
        _pass_on(tx, desk, row)


def _still(row: StoredFile) -> dict[str, object]:
    """Another process may have dealt with it meanwhile."""
    return {"id": row.id, "state": "wanted"}


def _try_again(tx: Tx, desk: Desk, row: StoredFile, attempts: int) -> None:
    """The file waits where it is, longer each time; after a day it counts as gone."""
    if attempts >= TRIES:
        _lost(tx, desk, row, "gone")
        return
    again = desk.now() + min(AGAIN * 2**attempts, AGAIN_AT_MOST)
    as_before = _still(row) | {"next_at": row.next_at}
    tried = tx.update_where(StoredFile, as_before, attempts=attempts, next_at=again)
    if tried and row.next_at is None:
        _pass_on(tx, desk, row, "waits")  # the rest of its burst does not wait for it


def _lost(tx: Tx, desk: Desk, row: StoredFile, state: str) -> None:
    """The ticket stays; the sender is told, and how else the file can come."""
    if not tx.update_where(StoredFile, _still(row), state=state):
        return
    hand = _in_hand(tx, desk, row, state)
    if hand is None:
        return
    number, name = hand.ticket.number, row.name or row.kind
    notice = (
        FileTooBig(number=number, name=name, megabytes=LIMIT // MEGABYTE)
        if state == "too_big"
        else FileGone(number=number, name=name)
    )
    hand.tell(_sender(tx, row) or hand.requester, notice)
    passing_on.pass_on(hand)


def _pass_on(tx: Tx, desk: Desk, row: StoredFile, what: str = "here") -> None:
    if (hand := _in_hand(tx, desk, row, what)) is not None:
        passing_on.pass_on(hand)


def _in_hand(tx: Tx, desk: Desk, row: StoredFile, what: str) -> InHand | None:
    """Its ticket; meanwhile its words may have found one, or another one."""
    now = tx.get(StoredFile, row.id)
    ticket = tx.lock(Ticket, now.ticket_id) if now and now.ticket_id is not None else None
    return (
        InHand(tx, desk, ticket, now=desk.now(), cause=f"file{row.id}.{what}") if ticket else None
    )


def _sender(tx: Tx, row: StoredFile) -> Person | None:
    message = tx.get(Message, row.message_id)
    person_id = message.person_id if message else None
    return tx.get(Person, person_id) if person_id is not None else None
