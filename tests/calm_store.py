"""A store for lives in memory: one connection in the caller's own thread, and no disk to wait for.

The same tables, statements and transactions as in the desk; only what makes a commit durable is
left out, since nobody pulls the plug on a simulated year.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from core.ports import Tx
from core.storage.sqlite import SqliteDriver
from core.storage.transaction import SqlTx

T = TypeVar("T")
_PRAGMAS = ("journal_mode=MEMORY", "synchronous=OFF", "cache_size=-131072", "foreign_keys=ON")


class CalmStore:
    """core.ports.Store on one connection."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        for pragma in _PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")

    async def open(self) -> None:
        """It is open from the start."""

    async def close(self) -> None:
        self._connection.close()

    async def write(self, body: Callable[[Tx], T]) -> T:
        return self._whole(body)

    async def read(self, body: Callable[[Tx], T]) -> T:
        self._connection.execute("PRAGMA query_only=ON")
        try:
            return self._whole(body)
        finally:
            self._connection.execute("PRAGMA query_only=OFF")

    def _whole(self, body: Callable[[Tx], T]) -> T:
        self._connection.execute("BEGIN")
        try:
            tx = SqlTx(SqliteDriver(self._connection))
            result = body(tx)
            tx.flush()
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return result
