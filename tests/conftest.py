"""Fixtures that many tests share."""

import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.ports import Tx
from core.storage.sqlite import SqliteStore
from core.ticket import Step, Ticket, broken_link
from tests.scenario import Scenario, a_desk, forget_templates

MEMORY = Path("/dev/shm")
ROOM = 2 << 30  # bytes: several times what the files of one run take
PLACED = {"TMPDIR", "PAIDAN_SOAK"}  # somebody chose a place, or wants what is too large for this


def pytest_configure() -> None:
    """Files live in memory where it has room: nobody waits for a disk, or reads them tomorrow."""
    fits = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    if fits and not PLACED & set(os.environ):
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def pytest_unconfigure() -> None:
    forget_templates()


def pytest_collection() -> None:
    """Thousands of tests come to be and stay: looking for garbage among them takes seconds."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Scenario]:
    """A desk of the example; whatever happened on it, it leaves every journal whole."""
    async with a_desk(tmp_path) as scenario:
        yield scenario
        assert await scenario.desk.store.read(broken_journals) == {}


@pytest.fixture
async def busy_desk(tmp_path: Path) -> AsyncIterator[Scenario]:
    """On the store of the program itself: whoever acts at the same time meets in there."""
    async with a_desk(tmp_path, store=SqliteStore) as scenario:
        yield scenario
        assert await scenario.desk.store.read(broken_journals) == {}


def broken_journals(tx: Tx) -> dict[str, int]:
    """The step at which a ticket's journal does not fit its chain, by ticket."""
    found = {
        ticket.number: broken_link(tx.find(Step, order="seq", ticket_id=ticket.id), ticket.head)
        for ticket in tx.find(Ticket)
    }
    return {number: step for number, step in found.items() if step is not None}
