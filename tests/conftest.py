"""Fixtures that many tests share.

They import what they need themselves: the process that leads a run starts its workers at once.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import once

if TYPE_CHECKING:
    from core.ports import Tx
    from tests.scenario import Scenario

ROOM = 2 << 30  # bytes: several times what the files of one run take
PLACED = {"TMPDIR", "PAIDAN_SOAK"}  # somebody chose a place, or wants what is too large for this

# Whoever begins with these is not the last one at work. They mostly wait: for programs and servers.
LONG = (
    "test_crash", "test_browser_story", "test_mail_transport_servers", "test_faults_program",
    "test_trial_story", "test_races", "test_time_travel", "test_words", "test_chat_dispatch",
    "test_handing_on", "test_chat_door", "test_cli", "test_simulation_cli", "test_trial_start",
)  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    _choose_a_place()
    if _leads(config):
        once.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _leads(config):
        once.end()


def _leads(config: pytest.Config) -> bool:
    """Whether this process starts the others, or runs all tests itself."""
    return not hasattr(config, "workerinput")


def _choose_a_place() -> None:
    """Files live in memory where it has room: nobody waits for a disk, or reads them tomorrow."""
    fits = os.access(once.MEMORY, os.W_OK) and shutil.disk_usage(once.MEMORY).free > ROOM
    if fits and not PLACED & set(os.environ):
        os.environ["TMPDIR"] = tempfile.tempdir = once.MEMORY


def pytest_collection(session: pytest.Session) -> None:
    """Thousands of tests come to be and stay: looking for garbage among them takes seconds."""
    gc.disable()
    if not _leads(session.config) and session.config.args == session.config.getini("testpaths"):
        _import_from_another_end(**session.config.workerinput)  # type: ignore[attr-defined]


def _import_from_another_end(workerid: str, workercount: int, **_: object) -> None:
    """In a fresh clone no worker rewrites the assertions of a module that another one rewrites."""
    modules = sorted(module.stem for module in Path(__file__).parent.glob("test_*.py"))
    first = len(modules) * int(workerid.removeprefix("gw")) // workercount
    for module in modules[first:] + modules[:first]:
        with suppress(Exception):  # what is wrong with it, its collection will say
            import_module(f"tests.{module}")


@pytest.hookimpl(trylast=True)  # the order was drawn by lot; within a file it stays so
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    turns = {name: turn for turn, name in enumerate(LONG)}
    items.sort(key=lambda item: turns.get(item.path.stem, len(LONG)))


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_sessionfinish() -> None:
    """At its end pytest looks for garbage five times; what the first look leaves is none."""
    gc.collect()
    gc.freeze()


@pytest.fixture
async def desk(tmp_path: Path) -> "AsyncIterator[Scenario]":
    """A desk of the example; whatever happened on it, it leaves every journal whole."""
    from tests.scenario import a_desk

    async with a_desk(tmp_path) as scenario:
        yield scenario
        assert await scenario.desk.store.read(broken_journals) == {}


@pytest.fixture
async def busy_desk(tmp_path: Path) -> "AsyncIterator[Scenario]":
    """On the store of the program itself: whoever acts at the same time meets in there."""
    from core.storage.sqlite import SqliteStore
    from tests.scenario import a_desk

    async with a_desk(tmp_path, store=SqliteStore) as scenario:
        yield scenario
        assert await scenario.desk.store.read(broken_journals) == {}


def broken_journals(tx: "Tx") -> dict[str, int]:
    """The step at which a ticket's journal does not fit its chain, by ticket."""
    from core.ticket import Step, Ticket, broken_link

    found = {
        ticket.number: broken_link(tx.find(Step, order="seq", ticket_id=ticket.id), ticket.head)
        for ticket in tx.find(Ticket)
    }
    return {number: step for number, step in found.items() if step is not None}
