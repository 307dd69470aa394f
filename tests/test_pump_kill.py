"""The pump as a process of its own, killed by the kernel in the middle of its work."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn

from bot.trial.botapi import BotApi
from bot.trial.botapi.wire import http_app, listen
from tests.test_pump import TOKEN, Inbox, until

pytestmark = pytest.mark.skipif(
    not os.environ.get("PAIDAN_SOAK"), reason="starts processes; PAIDAN_SOAK=1 runs it"
)

PROGRAM = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from telegram.ext import ExtBot
from bot.pump import Pump
from tests.test_pump import Inbox

token, url, path = sys.argv[1:]
inbox = Inbox(Path(path))
bot = ExtBot(token, base_url=f"{url}/bot")
now = lambda: datetime.now(UTC)
pump = Pump(bot, "desk_bot", inbox.keep, inbox.offset, now, lambda kind, detail: None)
asyncio.run(pump.run())
"""


@pytest.fixture
async def server() -> AsyncIterator[tuple[BotApi, str]]:
    api = BotApi(TOKEN, "desk_bot", datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp)
    door = listen()
    server = uvicorn.Server(uvicorn.Config(http_app(api), log_level="critical", lifespan="off"))
    serving = asyncio.create_task(server.serve([door]))
    yield api, f"http://127.0.0.1:{door.getsockname()[1]}"
    api.close()
    server.should_exit = True
    await serving


async def start(url: str, path: Path, crash_at: str = "") -> asyncio.subprocess.Process:
    environment = {**os.environ, "PAIDAN_CRASH_AT": crash_at, "NO_PROXY": "127.0.0.1"}
    environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, TOKEN, url, str(path), env=environment
    )


async def test_a_kill_at_any_point_of_the_pump_loses_and_doubles_nothing(
    server: tuple[BotApi, str], tmp_path: Path
) -> None:
    api, url = server
    li, said = api.person(42, "李娜"), 0
    for crash_at in ("after_fetch:1", "after_store:1", "before_confirm:1"):
        for _ in range(10):
            li.says(f"{said:02}")
            said += 1
        dying = await start(url, tmp_path / "inbox.db", crash_at)
        assert await asyncio.wait_for(dying.wait(), 20) == -signal.SIGKILL
    last = await start(url, tmp_path / "inbox.db")
    await until(lambda: not len(api.feed))
    last.terminate()
    await last.wait()
    assert Inbox(tmp_path / "inbox.db").texts() == [f"{number:02}" for number in range(said)]
