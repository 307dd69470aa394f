"""PostgreSQL: every transaction on a connection of its own, again when another got in its way."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.crashpoints import reach
from core.errors import StorageBusy
from core.ports import Tx
from core.storage.transaction import Params, SqlTx

T = TypeVar("T")
TRIES = 5
# SQLSTATE classes: serialization, connection, server going down, a row that another one holds.
AGAIN = ("40", "08", "57P", "55P03")
PATIENCE = 5.0  # seconds that a statement waits for such a row


class PostgresDriver:
    """core.storage.transaction.Driver on a connection of SQLAlchemy."""

    dialect = "postgresql"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, statement: Any, params: Params) -> Sequence[Sequence[Any]]:
        return self._connection.execute(statement, params).all()

    def named(self, statement: Any, params: Params) -> list[dict[str, Any]]:
        found = self._connection.execute(statement, params)
        return [dict(row) for row in found.mappings()] if found.returns_rows else []

    def change(self, statement: Any, params: Params) -> int:
        return int(self._connection.execute(statement, params).rowcount)

    def add(self, statement: Any, params: Sequence[Params]) -> None:
        self._connection.execute(statement, params)

    def add_new(self, statement: Any, params: Sequence[Params]) -> int:
        # The driver gives no row count of a batch, so the new rows are asked for.
        asked = statement.returning(*statement.table.primary_key)
        return len(self._connection.execute(asked, params).all())


class PostgresStore:
    """core.ports.Store for several processes. All state is rows; claims skip what is locked."""

    def __init__(self, url: str, *, pool: int = 10, patience: float = PATIENCE) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool,
            max_overflow=0,
            pool_pre_ping=True,
            pool_recycle=1800,
            connect_args={
                "server_settings": {
                    "lock_timeout": f"{patience * 1000:.0f}",
                    "statement_timeout": "15000",
                    "idle_in_transaction_session_timeout": "30000",
                    "timezone": "UTC",
                }
            },
        )
        self._reading = self.engine.execution_options(postgresql_readonly=True)
        self._pending: set[asyncio.Task[object]] = set()

    async def open(self) -> None:
        async with self.engine.connect():
            return

    async def close(self) -> None:
        if self._pending:
            await asyncio.wait(self._pending)
        await self.engine.dispose()

    async def read(self, body: Callable[[Tx], T]) -> T:
        return await self._run(body, self._reading)

    async def write(self, body: Callable[[Tx], T]) -> T:
        """A cancelled caller does not undo the transaction: it runs on as a task of its own."""
        task = asyncio.create_task(self._run(body, self.engine))
        self._pending.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: "asyncio.Task[object]") -> None:
        self._pending.discard(task)
        if not task.cancelled():
            task.exception()  # a caller that went away need not hear of it

    async def _run(self, body: Callable[[Tx], T], engine: AsyncEngine) -> T:
        def whole(connection: Connection) -> T:
            tx = SqlTx(PostgresDriver(connection))
            result = body(tx)
            tx.flush()
            if engine is self.engine:
                reach("before_commit")
            return result

        for attempt in range(1, TRIES + 1):
            try:
                async with engine.begin() as connection:
                    result = await connection.run_sync(whole)
                if engine is self.engine:
                    reach("after_commit")
            except (DBAPIError, OSError, PoolTimeout) as fault:
                if not _passing(fault):
                    raise
                if attempt == TRIES:
                    raise StorageBusy(str(fault)) from fault
                await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter
            else:
                return result
        raise AssertionError("the last try returns or raises")


def _passing(fault: Exception) -> bool:
    if isinstance(fault, OSError | PoolTimeout):
        return True
    state = str(getattr(getattr(fault, "orig", None), "sqlstate", "") or "")
    gone = isinstance(fault, DBAPIError) and fault.connection_invalidated
    return state.startswith(AGAIN) or gone or (isinstance(fault, OperationalError) and not state)
