"""SQLite: one writing connection that commits for all who wait, and readers beside it.

A transaction is a plain function that runs as one call in the thread of an aiosqlite connection.
Crossing between the loop and that thread for every statement costs a millisecond each (measured
in docs/benchmarks.md); crossing once for a whole transaction costs it once.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import aiosqlite
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

from core.crashpoints import reach
from core.errors import StorageBusy
from core.ports import Tx
from core.storage.transaction import SqlTx

T = TypeVar("T")
Body = Callable[[Tx], Any]
Waiting = tuple[Body, "asyncio.Future[Any]"]

TOGETHER = 128  # bodies that share one commit at the most
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
PATIENCE = 5.0  # seconds that a transaction waits where another program has the file
READERS = 2


class _Line(aiosqlite.Connection):
    """An aiosqlite connection on whose thread whole transactions run, through SQLAlchemy."""

    def __init__(self, path: str, patience: float, *pragmas: str) -> None:
        def connect() -> sqlite3.Connection:
            # The driver must not open transactions by itself, hence no isolation level.
            raw = sqlite3.connect(
                path, timeout=patience, isolation_level=None, cached_statements=512
            )
            for pragma in (*_PRAGMAS, *pragmas):
                raw.execute(f"PRAGMA {pragma}")
            return raw

        super().__init__(connect, iter_chunk_size=64)
        self._engine: Engine | None = None

    async def run(self, work: Callable[[Connection], T]) -> T:
        # `_execute` is how aiosqlite's own methods reach the thread; it has no public name.
        execute = cast(Callable[..., Awaitable[T]], self._execute)
        return await execute(self._work, work)

    def _work(self, work: Callable[[Connection], T]) -> T:
        if self._engine is None:
            raw = self._conn
            self._engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
        with self._engine.connect() as connection:
            return work(connection)


def _busy(fault: Exception) -> bool:
    """Locked, full, read-only or unreadable: nothing is wrong with the body, so try again later."""
    cause = getattr(fault, "orig", fault)
    return isinstance(cause, sqlite3.OperationalError) and any(
        sign in str(cause)
        for sign in ("locked", "full", "readonly", "read-only", "disk I/O", "unable to open")
    )


class SqliteStore:
    """core.ports.Store on one file. One process only: start-up takes a lock file."""

    def __init__(self, path: str | Path, *, patience: float = PATIENCE) -> None:
        self.path = str(path)
        self._writer = _Line(self.path, patience)
        self._readers = [_Line(self.path, patience, "query_only=ON") for _ in range(READERS)]
        self._free: asyncio.Queue[_Line] = asyncio.Queue()
        self._waiting: list[Waiting] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.commits = 0

    async def open(self) -> None:
        await self._writer
        for reader in self._readers:
            await reader
            self._free.put_nowait(reader)
        self._task = asyncio.create_task(self._commit_all_who_wait(), name="sqlite-writer")

    async def close(self) -> None:
        """Whoever waits is still served; then the file is left alone."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        for line in (self._writer, *self._readers):
            await line.close()

    async def read(self, body: Callable[[Tx], T]) -> T:
        reader = await self._free.get()
        try:
            return await reader.run(lambda connection: _whole(connection, "BEGIN", body))
        finally:
            self._free.put_nowait(reader)

    async def write(self, body: Callable[[Tx], T]) -> T:
        """Run the body with others in one commit. A cancelled caller does not undo it."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((body, future))
        self._wake.set()
        return await asyncio.shield(future)

    async def _commit_all_who_wait(self) -> None:
        while self._waiting or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                await self._serve(batch)

    async def _serve(self, batch: list[Waiting]) -> None:
        """One commit for all; if any body fails, each gets a transaction of its own."""
        try:
            results = await self._writer.run(lambda c: _together(c, [body for body, _ in batch]))
        except Exception as fault:  # noqa: BLE001 - handed to the callers below
            if len(batch) > 1 and not _busy(fault):
                for one in batch:
                    await self._serve([one])
                return
            told = StorageBusy(str(fault)) if _busy(fault) else fault
            for _, future in batch:
                if not future.done():
                    future.set_exception(told)
                    future.exception()  # a caller that went away need not hear of it
            return
        self.commits += 1
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)


def _together(connection: Connection, bodies: list[Body]) -> list[Any]:
    def all_of_them(tx: Tx) -> list[Any]:
        return [body(tx) for body in bodies]

    return _whole(connection, "BEGIN IMMEDIATE", all_of_them)


def _whole(connection: Connection, begin: str, body: Callable[[Tx], T]) -> T:
    connection.exec_driver_sql(begin)
    try:
        tx = SqlTx(connection)
        result = body(tx)
        tx.flush()
        if begin != "BEGIN":
            reach("before_commit")
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        # A full disk may have rolled back by itself.
        if connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
            connection.exec_driver_sql("ROLLBACK")
        raise
    if begin != "BEGIN":
        reach("after_commit")
    return result
