"""Coming up and going down: a start that cannot succeed says why and ends, and a stop is quick."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import httpx
import pytest

from bot.main import until_told_to_stop
from bot.settings import WrongSettings
from bot.trial import desk
from bot.trial.desk import free_port, greeting

PATIENCE = 60.0  # seconds, on a machine that is busy with other tests
QUICK = 3.0  # seconds for an orderly end, where a start takes no longer than that


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@asynccontextmanager
async def paidan(*arguments: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command in a process of its own, in an empty folder."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PAIDAN_")}
    root = Path(__file__).parent.parent
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.cli",
        *arguments,
        cwd=folder,
        env=outside | {"PYTHONPATH": str(root), "HOME": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_desk_whose_port_is_taken_says_so_and_ends(tmp_path: Path, taken: int) -> None:
    (tmp_path / "paidan.toml").write_text(f"[http]\nport = {taken}\n", "utf-8")
    async with paidan("run", folder=tmp_path) as process:
        _, said = await process.communicate()
    assert process.returncode == 2
    assert said.decode() == f"http: 127.0.0.1:{taken} cannot be used: Address already in use\n"


async def test_a_desk_without_a_usable_database_says_so_and_ends(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "paidan.toml").write_text(f'database = "sqlite:///{tmp_path}/file/x.db"', "utf-8")
    async with paidan("run", folder=tmp_path) as process:
        _, said = await process.communicate()
    assert process.returncode == 2
    assert said.decode().startswith("the database cannot be used: ")
    assert len(said.decode().splitlines()) == 1


async def test_the_trial_ends_quickly_while_a_browser_waits(tmp_path: Path) -> None:
    started = monotonic()
    async with paidan("run", "--port", str(free_port(0)), folder=tmp_path) as process:
        assert process.stdout is not None
        address = (await process.stdout.readline()).decode().split()[-1]
        as_slow_as = max(1.0, (monotonic() - started) / QUICK)  # other tests have the machine, too
        async with httpx.AsyncClient(base_url=address, timeout=PATIENCE) as browser:
            people = (await browser.get("/trial/api/people")).json()["people"]
            path = f"/trial/api/events?phones={people[0]['telegram_id']}"
            news = (await browser.get(path)).json()
            waiting = f"{path}&session={news['session']}&since={news['version'] + 99}"
            poll = asyncio.create_task(browser.get(waiting))
            await browser.get("/livez")  # behind the poll, which has therefore arrived
            began = monotonic()
            process.send_signal(signal.SIGINT)
            _, said = await process.communicate()
            took = monotonic() - began
            await asyncio.gather(poll, return_exceptions=True)
    assert process.returncode == 0
    assert said.decode() == ""
    assert took < QUICK * as_slow_as


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
async def test_after_the_first_signal_a_second_one_ends_the_program(name: str) -> None:
    number = signal.Signals[name]
    waiting = asyncio.create_task(until_told_to_stop())
    await asyncio.sleep(0)
    os.kill(os.getpid(), number)
    async with asyncio.timeout(PATIENCE):
        await waiting
    assert signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}


def test_a_port_that_was_asked_for_is_not_exchanged(taken: int) -> None:
    with pytest.raises(WrongSettings, match=f"Port {taken} on 127.0.0.1 cannot be used"):
        free_port(taken)


def test_the_usual_port_is_exchanged_for_the_next_and_that_is_told(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "DEFAULT_PORT", taken)
    assert taken < free_port(None) < taken + desk.PORTS_TRIED
    assert f"Port {taken} is taken" in greeting("http://127.0.0.1:1", moved=True)
    assert f"Port {taken}" not in greeting("http://127.0.0.1:1", moved=False)


async def test_a_trial_that_cannot_start_leaves_nothing_running(tmp_path: Path, taken: int) -> None:
    before = asyncio.all_tasks()
    with pytest.raises(WrongSettings, match="cannot be used"):
        async with desk.TrialProgram(tmp_path, taken):
            pass
    assert {task for task in asyncio.all_tasks() - before if not task.done()} == set()
