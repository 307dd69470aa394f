"""Fixtures that many tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenario import Scenario, a_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Scenario]:
    async with a_desk(tmp_path) as scenario:
        yield scenario
