"""What a question costs: the work that is due, never the history that exists."""

import re
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from bot import board
from core import files, inbox, outbox, outlook, overviews
from core.messages import File
from core.storage import sqlite
from core.storage.tables import TABLES
from tests.scenario import PHOTO, Scenario, a_desk
from tests.test_story import accepted, resolved

ROOT = Path(__file__).parent.parent
# Few rows by their nature: one for each site, device, setting, mailbox or open question.
SMALL = {"assets", "bindings", "counters", "mail_cursors", "people", "prompts", "rota"}
SMALL |= {"settings", "sites"}
GROWING = {table.name for table in TABLES.values()} - SMALL


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Every statement that the program makes, not a test, and where."""
    found: dict[str, str] = {}
    prepare = sqlite._ready

    def ready(statement: Any) -> Any:
        made = prepare(statement)
        frame = sys._getframe(1)
        while "storage" in Path(frame.f_code.co_filename).parts and frame.f_back:
            frame = frame.f_back
        caller = Path(frame.f_code.co_filename)
        if caller.is_relative_to(ROOT) and "tests" not in caller.parts:
            found.setdefault(made.sql, f"{caller.relative_to(ROOT)}:{frame.f_lineno}")
        return made

    monkeypatch.setattr(sqlite, "_ready", ready)
    return found


async def fetch(file: File) -> bytes:
    return file.source.encode()


async def a_day(desk: Scenario, folder: Path) -> None:
    """The story and the looks beside it."""
    number, engineer = await resolved(desk)
    await desk.does("tang.wei", "confirm", number)
    await desk.time_passes(days=2)
    number, engineer = await accepted(desk)
    await desk.hears("tang.wei", "还有一张照片", files=(PHOTO,))
    await desk.hears(engineer, f"状态 {number}")
    await desk.hears(engineer, "1")
    await desk.time_passes(hours=3)
    await desk.hears("xu.lan", "电脑蓝屏 天河")
    await desk.time_passes(hours=3)
    await desk.does("tang.wei", "cancel", number)
    await desk.does("wen.ting", "cancel", number)
    await inbox.claim(desk.desk)
    await inbox.release(desk.desk)
    await outbox.rescue(desk.desk)
    await outbox.rescue(desk.desk, all_of_them=True)
    await files.fetch_wanted(desk.desk, files.FileStore(folder), {"telegram": fetch})
    await desk.desk.store.read(lambda tx: outlook.outlook(tx, desk.desk, desk.moment))
    reader = await desk.person("zhao.hong")
    first = desk.moment.date()
    await desk.desk.store.read(
        lambda tx: overviews.duty_week(tx, desk.desk, reader, first, desk.moment)
    )
    await desk.desk.store.read(
        lambda tx: board.text(tx, desk.desk, desk.moment, language="en", zone="Asia/Shanghai")
    )


def plan(path: Path, sql: str) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", [1] * sql.count("?"))
        return [row[3] for row in rows]
    finally:
        connection.close()


def walks_through(path: Path, sql: str) -> list[str]:
    """Steps of the plan that read all rows of a table which grows, open and closed alike."""
    aliases = {alias: table for table, alias in re.findall(r"(?:FROM|JOIN) (\w+) (\w)\b", sql)}
    partial = {
        str(index.name)
        for table in TABLES.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    }
    found = []
    for step in plan(path, sql):
        scanned = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
        if scanned is None or "WHERE 0 = 1" in sql:
            continue
        table = aliases.get(scanned[1], scanned[1])
        if table in GROWING and scanned[2] not in partial:
            found.append(step)
    return found


async def test_no_statement_of_the_story_walks_through_the_history(
    tmp_path: Path, asked: dict[str, str]
) -> None:
    async with a_desk(tmp_path) as desk:
        await a_day(desk, tmp_path)
    assert len(asked) > 80
    slow = {
        f"{where}: {sql}": steps
        for sql, where in asked.items()
        if not sql.startswith("INSERT") and (steps := walks_through(tmp_path / "desk.db", sql))
    }
    assert slow == {}


async def test_open_rows_are_found_among_open_rows(tmp_path: Path, asked: dict[str, str]) -> None:
    """A state that is said as a parameter would keep SQLite from the index over the open rows."""
    async with a_desk(tmp_path) as desk:
        await a_day(desk, tmp_path)
    cancelling = [sql for sql in asked if sql.startswith("UPDATE timers") and "subject" in sql]
    assert cancelling
    for sql in cancelling:
        assert any("ix_timers_subject" in step for step in plan(tmp_path / "desk.db", sql)), sql
