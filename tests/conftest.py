"""Fixtures that many tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.storage.sqlite import SqliteStore
from tests.scenario import Scenario, a_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Scenario]:
    async with a_desk(tmp_path) as scenario:
        yield scenario


@pytest.fixture
async def busy_desk(tmp_path: Path) -> AsyncIterator[Scenario]:
    """On the store of the program itself: whoever acts at the same time meets in there."""
    async with a_desk(tmp_path, store=SqliteStore) as scenario:
        yield scenario
