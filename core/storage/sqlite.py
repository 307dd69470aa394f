"""SQLite: one writing connection that commits for all who wait, and readers beside it.

A transaction is a plain function that runs as one call in the thread of an aiosqlite connection.
Crossing between the loop and that thread for every statement costs a millisecond each (measured
in docs/benchmarks.md); crossing once for a whole transaction costs it once. SQLAlchemy says what a
statement is in SQL, once; its own way of executing one costs several times what SQLite needs, so
from then on the text goes straight to the driver.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import aiosqlite
from sqlalchemy import Select
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as sqlite_dialect

from core.crashpoints import reach
from core.errors import StorageBusy
from core.ports import Tx
from core.storage.statements import memo
from core.storage.transaction import Params, SqlTx

T = TypeVar("T")
Body = Callable[[Tx], Any]
Waiting = tuple[Body, "asyncio.Future[Any]"]

TOGETHER = 128  # bodies that share one commit at the most
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
PATIENCE = 5.0  # seconds that a transaction waits where another program has the file
READERS = 2


Cross = Callable[[Any], Any]  # one value, over the border between the core and the file
# By place: forty values bound by name take the driver 14 µs, by place 6.
_DIALECT = sqlite_dialect(paramstyle="qmark")


@dataclass(frozen=True, slots=True)
class _Ready:
    """A statement as SQLite takes it, with what crosses the border changed on the way."""

    sql: str
    constants: dict[str, Any]
    names: tuple[str, ...]  # of the parameters, by place
    inward: tuple[tuple[int, Cross], ...]  # by place among the parameters
    outward: tuple[tuple[int, Cross], ...]  # by place in the row

    def bound(self, params: Params) -> Sequence[Any]:
        given = {**params, **self.constants} if self.constants else params
        values = [given[name] for name in self.names]
        for place, cross in self.inward:
            values[place] = cross(values[place])
        return values


@memo
def _ready(statement: Any) -> _Ready:
    compiled = statement.compile(dialect=_DIALECT)
    names = tuple(compiled.positiontup)
    inward = (
        (place, compiled.binds[name].type.dialect_impl(_DIALECT).bind_processor(_DIALECT))
        for place, name in enumerate(names)
    )
    columns = statement.selected_columns if isinstance(statement, Select) else ()
    outward = (
        (place, column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None))
        for place, column in enumerate(columns)
    )
    return _Ready(
        sql=str(compiled),
        constants={name: value for name, value in compiled.params.items() if value is not None},
        names=names,
        inward=tuple((place, cross) for place, cross in inward if cross),
        outward=tuple((place, cross) for place, cross in outward if cross),
    )


class SqliteDriver:
    """core.storage.transaction.Driver on a connection of the standard library."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def rows(self, statement: Any, params: Params) -> Sequence[Sequence[Any]]:
        ready = _ready(statement)
        found = self.connection.execute(ready.sql, ready.bound(params)).fetchall()
        return [_outward(row, ready.outward) for row in found] if ready.outward else found

    def named(self, statement: Any, params: Params) -> list[dict[str, Any]]:
        ready = _ready(statement)
        found = self.connection.execute(ready.sql, ready.bound(params))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def change(self, statement: Any, params: Params) -> int:
        ready = _ready(statement)
        return self.connection.execute(ready.sql, ready.bound(params)).rowcount

    def add(self, statement: Any, params: Sequence[Params]) -> None:
        ready = _ready(statement)
        self.connection.executemany(ready.sql, [ready.bound(one) for one in params])

    def add_new(self, statement: Any, params: Sequence[Params]) -> int:
        before = self.connection.total_changes
        self.add(statement, params)
        return self.connection.total_changes - before


def _outward(row: Sequence[Any], outward: tuple[tuple[int, Cross], ...]) -> Sequence[Any]:
    values = list(row)
    for place, cross in outward:
        if values[place] is not None:
            values[place] = cross(values[place])
    return values


class _Line(aiosqlite.Connection):
    """An aiosqlite connection on whose thread whole transactions run."""

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

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        # `_execute` is how aiosqlite's own methods reach the thread; it has no public name.
        execute = cast(Callable[..., Awaitable[T]], self._execute)
        return await execute(work, self._conn)


def _busy(fault: Exception) -> bool:
    """Locked, full, read-only or unreadable: nothing is wrong with the body, so try again later."""
    return isinstance(fault, sqlite3.OperationalError) and any(
        sign in str(fault)
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


def _together(connection: sqlite3.Connection, bodies: list[Body]) -> list[Any]:
    def all_of_them(tx: Tx) -> list[Any]:
        return [body(tx) for body in bodies]

    return _whole(connection, "BEGIN IMMEDIATE", all_of_them)


def _whole(connection: sqlite3.Connection, begin: str, body: Callable[[Tx], T]) -> T:
    connection.execute(begin)
    try:
        tx = SqlTx(SqliteDriver(connection))
        result = body(tx)
        tx.flush()
        if begin != "BEGIN":
            reach("before_commit")
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    if begin != "BEGIN":
        reach("after_commit")
    return result
