"""The real program when its surroundings fail: Telegram, a second poller, the database."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from bot import main
from bot.settings import WrongSettings
from bot.trial.desk import free_port
from core import intake, leases, outbox
from core.messages import Inbound
from core.ports import Tx
from core.rows import InboxRow
from core.storage.sqlite import SqliteStore
from core.words import say
from tests.running import (
    PATIENCE,
    Clock,
    Running,
    a_program,
    settings_for,
    started,
    telegram,
    until,
)
from tests.scenario import Scenario, template

pytest_plugins = ("tests.postgres",)
PAPER = "打印机卡纸 珠海香洲店"


# -- Telegram cannot be reached


async def by_mail(desk: Running, text: str) -> str:
    """A report through another door, which needs no Telegram."""
    now = desk.clock.now()
    inbound = Inbound(
        channel="mail",
        external_id="1",
        sender="xu.lan@example.com",
        text=text,
        occurred_at=now,
        received_at=now,
    )
    outcome = await intake.receive(desk.program.desk, inbound)
    assert outcome.ticket is not None
    return outcome.ticket.number


async def test_the_desk_starts_and_works_while_telegram_cannot_be_reached(tmp_path: Path) -> None:
    async with a_program(tmp_path, reachable=False) as desk:
        assert await by_mail(desk, PAPER) == (await desk.tickets())[0].number


async def test_the_light_says_that_telegram_cannot_be_reached(tmp_path: Path) -> None:
    async with a_program(tmp_path, reachable=False) as desk:
        (reason,) = await desk.turns(503)
    assert reason.startswith("telegram: cannot be reached")


async def test_the_desk_connects_by_itself_when_telegram_is_there(tmp_path: Path) -> None:
    async with a_program(tmp_path, reachable=False) as desk:
        await desk.turns(503)
        await desk.carrier.come_back()
        assert await desk.turns(200) == []
        tang = await desk.phone("tang.wei")
        ticket = await desk.reports(tang, PAPER)
        await tang.hears(ticket.number, timeout=PATIENCE)


async def test_what_was_written_while_telegram_was_away_arrives_later(tmp_path: Path) -> None:
    async with a_program(tmp_path) as desk:
        tang = await desk.phone("tang.wei")
        await desk.reports(tang, PAPER)
        await desk.settled(1)
        await desk.carrier.stop()
        tang.says("/help")
        await desk.turns(503)
        await desk.carrier.come_back()
        desk.clock.ahead += timedelta(seconds=outbox.BACKOFF[0])
        await tang.hears("/new", timeout=PATIENCE)


# -- somebody else polls with our token


@asynccontextmanager
async def rivalled(folder: Path) -> AsyncIterator[Running]:
    """A desk that just met another program with its token."""
    async with a_program(folder) as desk, httpx.AsyncClient(trust_env=False) as rival:
        url = f"{desk.carrier.address}/bot{desk.api.token}/getUpdates"

        async def met() -> bool:
            await rival.post(url, json={"timeout": 0})
            return desk.pump.conflict_at is not None

        await until(met)
        yield desk


async def test_a_second_poller_stands_in_the_log(tmp_path: Path) -> None:
    with capture_logs() as log:
        async with rivalled(tmp_path) as desk:
            await desk.turns(503)
    assert "second_poller" in [entry.get("kind") for entry in log]


async def test_the_light_says_that_there_is_a_second_poller(tmp_path: Path) -> None:
    async with rivalled(tmp_path) as desk:
        (reason,) = await desk.turns(503)
    assert "another program asks for this bot's updates (409)" in reason


async def test_supervisors_are_told_of_a_second_poller_and_work_goes_on(tmp_path: Path) -> None:
    async with rivalled(tmp_path) as desk:
        supervisor, tang = await desk.phone("zhao.hong"), await desk.phone("tang.wei")
        told = say("term.trouble.second_poller", {}, language="zh_CN")
        await supervisor.hears(told, timeout=PATIENCE)
        assert (await desk.reports(tang, PAPER)).symptom == PAPER


async def test_the_light_turns_green_once_the_second_poller_is_gone(tmp_path: Path) -> None:
    async with rivalled(tmp_path) as desk:
        await desk.turns(503)
        desk.clock.ahead += timedelta(minutes=3)
        assert await desk.turns(200) == []


# -- one of several processes polls


@pytest.mark.postgres
async def test_of_two_processes_on_one_database_one_polls_and_the_other_takes_over(
    postgres_desk: str, tmp_path: Path
) -> None:
    clock = Clock()
    async with telegram(clock) as carrier:
        settings = settings_for(postgres_desk, tmp_path, carrier.address)
        async with started(settings, carrier, clock) as elder:
            tang = await elder.phone("tang.wei")
            await elder.reports(tang, PAPER)
            async with started(settings, carrier, clock) as younger:
                await younger.pump.connected.wait()
                assert [elder.pump.polling, younger.pump.polling] == [True, False]
                await die(elder)
                clock.ahead += leases.HELD
                tang.says("/my")
                await younger.settled(2)
                assert younger.pump.polling
                assert [elder.pump.conflict_at, younger.pump.conflict_at] == [None, None]


async def die(desk: Running) -> None:
    """As a kill does: nothing is handed over, nobody is told."""
    await desk.program.ticker.stop()
    for task in desk.program._tasks:
        task.cancel()


async def test_a_lease_has_one_holder_until_it_is_let_go_or_over(any_desk: Scenario) -> None:
    one, other = (leases.Lease(any_desk.desk, "a task") for _ in range(2))
    held = await asyncio.gather(one.hold(), other.hold())
    assert sorted(held) == [False, True]
    mine, theirs = (one, other) if held[0] else (other, one)
    any_desk.moment += leases.HELD - timedelta(seconds=1)
    assert [await mine.hold(), await theirs.hold()] == [True, False]
    any_desk.moment += leases.HELD + timedelta(seconds=1)
    assert [await theirs.hold(), await mine.hold()] == [True, False]
    await theirs.let_go()
    assert await mine.hold()


async def test_the_only_process_on_a_file_waits_for_no_dead_one(any_desk: Scenario) -> None:
    dead, new = (leases.Lease(any_desk.desk, "a task") for _ in range(2))
    assert await dead.hold()
    assert not await new.hold()
    await leases.end_all(any_desk.desk)
    assert await new.hold()


async def test_a_second_desk_on_the_same_file_does_not_start(tmp_path: Path) -> None:
    async with a_program(tmp_path) as desk:
        with pytest.raises(WrongSettings, match=r"a desk runs on .*desk\.db already"):
            await main.Program(desk.program.settings).open()


# -- the database takes no writes


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that waits for nobody, so that the test need not either."""

    def open_store(url: str) -> SqliteStore:
        return SqliteStore(url.removeprefix("sqlite:///"), patience=0.1)

    monkeypatch.setattr(main, "open_store", open_store)


@contextmanager
def locked(desk: Running) -> Iterator[None]:
    """Another program that has the file: a backup that went wrong, somebody's shell."""
    assert isinstance(desk.program.store, SqliteStore)
    other = sqlite3.connect(desk.program.store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def limit(desk: Running, pages: int) -> None:
    def body(tx: Tx) -> None:
        tx.driver.connection.execute(f"PRAGMA max_page_count={pages}")  # type: ignore[attr-defined]

    await desk.program.store.write(body)


async def test_a_short_lock_is_waited_out_and_nothing_is_confirmed_meanwhile(
    tmp_path: Path,
) -> None:
    async with a_program(tmp_path) as desk:
        tang = await desk.phone("tang.wei")
        with locked(desk):
            tang.says(PAPER)
            (reason,) = await desk.turns(503)
            waiting = len(desk.api.feed), await desk.rows(InboxRow)
        await desk.turns(200)
        await desk.settled(1)
    assert "the database takes no writes" in reason
    assert waiting == (1, [])


async def test_a_locked_database_confirms_nothing_and_work_resumes_by_itself(
    impatient: None, tmp_path: Path
) -> None:
    async with a_program(tmp_path) as desk:
        tang = await desk.phone("tang.wei")
        with locked(desk):
            tang.says(PAPER)
            reasons = await until(lambda: both_reasons(desk))
            waiting = len(desk.api.feed), await desk.rows(InboxRow)
        await desk.turns(200)
        await desk.settled(1)
        assert [ticket.symptom for ticket in await desk.tickets()] == [PAPER]
    assert reasons[0].startswith("telegram: what arrives cannot be stored")
    assert reasons[1].startswith("the database takes no writes")
    assert waiting == (1, [])


async def both_reasons(desk: Running) -> list[str]:
    """The pump has met the trouble, and so has whoever looks."""
    _, reasons = await desk.health()
    return reasons if len(reasons) == 2 else []


async def test_supervisors_hear_of_a_locked_database_once_letters_can_be_written(
    impatient: None, tmp_path: Path
) -> None:
    async with a_program(tmp_path) as desk:
        tang, supervisor = await desk.phone("tang.wei"), await desk.phone("zhao.hong")
        with locked(desk):
            tang.says(PAPER)
            await until(lambda: both_reasons(desk))
        told = say("term.trouble.storage_busy", {}, language="zh_CN")
        await supervisor.hears(told, timeout=PATIENCE)


async def test_a_full_disk_confirms_nothing_and_work_resumes_by_itself(tmp_path: Path) -> None:
    async with a_program(tmp_path) as desk:
        tang = await desk.phone("tang.wei")
        await limit(desk, 1)  # SQLite takes it as "no larger than it is"
        said = [f"打印机卡纸 {number} " + "卡" * 4000 for number in range(4)]
        for text in said:
            tang.says(text)
        reasons = await desk.turns(503)  # of the feed, and perhaps of whatever else would write
        assert any("database or disk is full" in reason for reason in reasons)
        confirmed = len(said) - len(desk.api.feed)
        assert len(await desk.rows(InboxRow)) >= confirmed
        await limit(desk, 1_000_000)
        assert await desk.turns(200) == []
        await desk.settled(len(said))


async def test_a_stop_beside_a_locked_database_loses_nothing(
    impatient: None, tmp_path: Path
) -> None:
    """What was not stored is still with Telegram, and the next start takes it in."""
    clock, path = Clock(), tmp_path / "desk.db"
    path.write_bytes((await template()).read_bytes())
    async with telegram(clock) as carrier:
        settings = settings_for(f"sqlite:///{path}", tmp_path, carrier.address)
        async with started(settings, carrier, clock) as desk:
            tang = await desk.phone("tang.wei")
            with locked(desk):
                tang.says(PAPER)
                await until(lambda: both_reasons(desk))
                desk.pump.stop()
        async with started(settings, carrier, clock) as desk:
            await desk.settled(1)
            assert [ticket.symptom for ticket in await desk.tickets()] == [PAPER]


# -- how Telegram is reached


SECRET = "a-word-that-only-telegram-knows"


@asynccontextmanager
async def hooked(folder: Path) -> AsyncIterator[Running]:
    port = free_port(18_080 + hash(folder.name) % 10_000)
    url = f"http://127.0.0.1:{port}/hooks/telegram"
    async with a_program(folder, port=port, webhook_url=url, webhook_secret=SECRET) as desk:
        yield desk


async def test_with_a_web_hook_telegram_delivers_and_is_never_polled(tmp_path: Path) -> None:
    async with hooked(tmp_path) as desk:
        tang = await desk.phone("tang.wei")
        ticket = await desk.reports(tang, PAPER)
        await tang.hears(ticket.number, timeout=PATIENCE)
        assert desk.api.calls("getUpdates") == []


async def test_with_a_web_hook_the_menus_are_registered_as_well(tmp_path: Path) -> None:
    async with hooked(tmp_path) as desk:
        tang = await desk.phone("tang.wei")

        async def shown() -> bool:
            return "my" in [entry["command"] for entry in tang.menu()]

        assert await until(shown)


@pytest.mark.parametrize("secret", ["", "a-word-that-somebody-guessed"])
async def test_a_web_hook_without_the_secret_is_refused(tmp_path: Path, secret: str) -> None:
    body = {"update_id": 1, "message": {"text": PAPER, "chat": {"id": 1}}}
    async with hooked(tmp_path) as desk, httpx.AsyncClient(trust_env=False) as stranger:
        url = f"{desk.program.server.address}/hooks/telegram"
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
        refused = await stranger.post(url, json=body, headers=headers)
        assert (refused.status_code, await desk.rows(InboxRow)) == (403, [])


async def test_a_web_hook_confirms_nothing_that_is_not_stored(
    impatient: None, tmp_path: Path
) -> None:
    async with hooked(tmp_path) as desk:
        tang = await desk.phone("tang.wei")
        await until(lambda: hook_is_set(desk))
        desk.api.hook.first_pause = 0.05
        with locked(desk):
            tang.says(PAPER)
            error = await until(lambda: refusal(desk))
        await desk.settled(1)
        assert "503" in error


async def hook_is_set(desk: Running) -> bool:
    return desk.api.hook.target is not None


async def refusal(desk: Running) -> str:
    return desk.api.hook.last_error[1] if desk.api.hook.last_error else ""


@asynccontextmanager
async def proxy(to: str) -> AsyncIterator[tuple[str, list[str]]]:
    """A forward proxy that takes every request to one place; its address, and what it was asked."""
    asked: list[str] = []
    host, port = to.removeprefix("http://").split(":")

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        first = await reader.readline()
        asked.append(first.decode().split()[1])
        method, url, version = first.split()
        path = b"/" + url.split(b"/", 3)[3]
        inner_writer.write(b" ".join((method, path, version)) + b"\r\nConnection: close\r\n")
        await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def test_everything_that_is_said_to_telegram_goes_through_the_proxy(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "desk.db"
    path.write_bytes((await template()).read_bytes())
    async with telegram(clock) as carrier, proxy(carrier.address) as (address, asked):
        nowhere = "http://telegram.invalid"
        settings = settings_for(f"sqlite:///{path}", tmp_path, nowhere, proxy=address)
        async with started(settings, carrier, clock) as desk:
            tang = await desk.phone("tang.wei")
            ticket = await desk.reports(tang, PAPER)
            await tang.hears(ticket.number, timeout=PATIENCE)
        methods = {url.rpartition("/")[2] for url in asked}
        assert {"getMe", "getUpdates", "sendMessage"} <= methods
        assert all(url.startswith(nowhere) for url in asked)
