"""A database that is locked or full: nothing is confirmed, nothing is broken, work resumes."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import StorageBusy
from core.ports import Tx
from core.rows import Setting
from core.storage import schema
from core.storage.sqlite import SqliteStore

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    path = tmp_path / "paidan.db"
    await schema.upgrade(f"sqlite:///{path}")
    opened = SqliteStore(path, patience=0.2)
    await opened.open()
    yield opened
    await opened.close()


class Locked:
    """Another program that has the file: a backup that went wrong, somebody's shell."""

    def __init__(self, store: SqliteStore) -> None:
        self._other = sqlite3.connect(store.path, isolation_level=None)

    def __enter__(self) -> None:
        self._other.execute("BEGIN EXCLUSIVE")

    def __exit__(self, *_: object) -> None:
        self._other.execute("ROLLBACK")
        self._other.close()


def keep(name: str, size: int = 10) -> Setting:
    return Setting(name=name, value={"x": "x" * size}, changed_at=NOW)


async def names(store: SqliteStore) -> list[str]:
    return [row.name for row in await store.read(lambda tx: tx.find(Setting, order="name"))]


async def test_a_locked_database_is_said_to_be_busy_and_serves_again(store: SqliteStore) -> None:
    with Locked(store), pytest.raises(StorageBusy, match="locked"):
        await store.write(lambda tx: tx.insert(keep("a")))
    await store.write(lambda tx: tx.insert(keep("b")))
    assert await names(store) == ["b"]


async def test_everybody_who_waits_hears_that_the_database_is_busy(store: SqliteStore) -> None:
    with Locked(store):
        writes = [store.write(lambda tx, n=n: tx.insert(keep(f"{n}"))) for n in range(5)]  # type: ignore[misc]
        ended = await asyncio.gather(*writes, return_exceptions=True)
    assert {type(one) for one in ended} == {StorageBusy}


async def test_reading_goes_on_while_the_database_is_locked(store: SqliteStore) -> None:
    await store.write(lambda tx: tx.insert(keep("a")))
    with Locked(store):
        assert await names(store) == ["a"]


async def test_a_short_lock_is_waited_for(store: SqliteStore) -> None:
    lock = Locked(store)
    lock.__enter__()
    asyncio.get_running_loop().call_later(0.05, lock.__exit__)
    await store.write(lambda tx: tx.insert(keep("a")))
    assert await names(store) == ["a"]


async def _limit(store: SqliteStore, pages: int) -> None:
    def body(tx: Tx) -> None:
        tx.driver.connection.execute(f"PRAGMA max_page_count={pages}")  # type: ignore[attr-defined]

    await store.write(body)


async def test_a_full_disk_is_said_to_be_busy_and_serves_again(store: SqliteStore) -> None:
    await store.write(lambda tx: tx.insert(keep("before")))
    await _limit(store, 1)  # SQLite takes it as "no larger than it is"
    with pytest.raises(StorageBusy, match="full"):
        await store.write(lambda tx: tx.insert(keep("large", 400_000)))
    assert await names(store) == ["before"]
    await _limit(store, 1_000_000)
    await store.write(lambda tx: tx.insert(keep("large", 400_000)))
    assert await names(store) == ["before", "large"]


async def test_the_file_is_whole_after_trouble(store: SqliteStore) -> None:
    await _limit(store, 1)
    with pytest.raises(StorageBusy):
        await store.write(lambda tx: tx.insert(keep("large", 400_000)))
    with sqlite3.connect(store.path) as other:
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_commit_waits_for_the_disk(store: SqliteStore) -> None:
    """What was acknowledged survives a power cut: WAL with FULL, not the faster NORMAL."""

    def pragma(tx: Tx, name: str) -> object:
        return tx.driver.connection.execute(f"PRAGMA {name}").fetchone()[0]  # type: ignore[attr-defined]

    found = await store.write(lambda tx: [pragma(tx, n) for n in ("journal_mode", "synchronous")])
    assert found == ["wal", 2]


async def test_many_who_wait_share_one_commit(store: SqliteStore) -> None:
    before = store.commits
    await asyncio.gather(
        *(store.write(lambda tx, n=n: tx.insert(keep(f"{n}"))) for n in range(100))  # type: ignore[misc]
    )
    assert store.commits - before <= 2
