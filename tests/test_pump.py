"""The pump's promise: an update that Telegram has forgotten is one that we have stored."""

import asyncio
import json
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import httpx
import pytest
from starlette.applications import Starlette
from telegram.ext import ExtBot

import bot.pump
from bot.pump import HOOK_BODY_BYTES, POLL_SECONDS, Hook, Pump, hook_route
from bot.trial.botapi import BotApi, Person
from bot.trial.botapi.values import Reply
from bot.trial.botapi.wire import InProcess
from core.errors import StorageBusy
from core.ports import Keep, Raw

TOKEN = "700001:test-token-of-a-bot-that-is-not"
PATIENCE = 20.0  # seconds, on a machine that is busy with other tests
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Inbox:
    """The inbox table, as far as the pump sees it: a commit per call in a SQLite file."""

    def __init__(self, path: Path) -> None:
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=FULL")
        self.database.execute(
            "CREATE TABLE IF NOT EXISTS inbox (account, external_id, order_key, body,"
            " PRIMARY KEY (account, external_id))"
        )
        self.batches: list[int] = []
        self.busy = 0  # so many calls fail
        self.quiet_week: Callable[[], bool] = lambda: False

    async def keep(self, rows: list[Raw]) -> int:
        self.batches.append(len(rows))
        if self.busy:
            self.busy -= 1
            raise StorageBusy("database is locked")
        self.database.execute("BEGIN IMMEDIATE")
        added = self.database.executemany(
            "INSERT INTO inbox VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(row.account, row.external_id, row.order_key, row.body) for row in rows],
        ).rowcount
        self.database.execute("COMMIT")
        return added

    async def offset(self) -> int:
        """Nothing counts after a quiet week; what is stored already then comes once more."""
        if self.quiet_week():
            return 0
        newest = self.database.execute("SELECT max(CAST(external_id AS INTEGER)) FROM inbox")
        return int(newest.fetchone()[0] or -1) + 1

    def texts(self) -> list[str]:
        bodies = self.database.execute("SELECT body FROM inbox ORDER BY external_id").fetchall()
        return [json.loads(body)["message"].get("text") for (body,) in bodies]

    def __len__(self) -> int:
        return int(self.database.execute("SELECT count(*) FROM inbox").fetchone()[0])


async def until(come_true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not come_true():  # noqa: ASYNC110 - the pump does not know that it is watched
            await asyncio.sleep(0.001)


class Ground:
    """A server, a file and the pump between them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.api = BotApi(TOKEN, "desk_bot", NOW.timestamp)
        self.li: Person = self.api.person(42, "李娜")
        self.inbox = Inbox(path)
        self.keep: Keep = self.inbox.keep
        self.troubles: list[str] = []
        self.told: list[Mapping[str, str]] = []
        self.running: list[tuple[Pump, asyncio.Task[None]]] = []

    def bot(self) -> ExtBot[None]:
        return ExtBot(TOKEN, request=InProcess(self.api), get_updates_request=InProcess(self.api))

    def pump(self, hook: Hook | None = None) -> Pump:
        return Pump(
            self.bot(),
            "desk_bot",
            self.keep,
            self.inbox.offset,
            lambda: NOW + timedelta(seconds=5),
            self.trouble,
            pauses=(0.001,),
            hook=hook,
        )

    def trouble(self, kind: str, detail: Mapping[str, str]) -> None:
        self.troubles.append(kind)
        self.told.append(detail)

    def start(self, hook: Hook | None = None) -> tuple[Pump, "asyncio.Task[None]"]:
        pump = self.pump(hook)
        self.running.append((pump, asyncio.create_task(pump.run())))
        return self.running[-1]

    async def confirmed(self) -> None:
        """Until Telegram holds nothing any more."""
        await until(lambda: not len(self.api.feed))


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    ground = Ground(tmp_path / "inbox.db")
    yield ground
    for pump, task in ground.running:
        pump.stop()
        await asyncio.wait({task}, timeout=PATIENCE)
    ground.inbox.database.close()


async def test_what_arrives_is_stored(ground: Ground) -> None:
    ground.start()
    ground.li.says("eins")
    ground.li.says("zwei")
    await ground.confirmed()
    assert ground.inbox.texts() == ["eins", "zwei"]


async def test_telegram_forgets_only_what_is_stored(ground: Ground) -> None:
    held: list[int] = []
    really_keep = ground.inbox.keep

    async def keep(rows: list[Raw]) -> int:
        added = await really_keep(rows)
        held.append(len(ground.api.feed))
        return added

    ground.keep = keep
    ground.li.says("eins")
    ground.start()
    await ground.confirmed()
    assert held == [1]


async def test_a_backlog_comes_in_commits_of_a_hundred(ground: Ground) -> None:
    for number in range(250):
        ground.li.says(str(number))
    ground.start()
    await ground.confirmed()
    assert ground.inbox.batches == [100, 100, 50]


async def test_a_busy_database_confirms_nothing_and_is_tried_again(ground: Ground) -> None:
    ground.inbox.busy = 4
    ground.li.says("eins")
    ground.start()
    await ground.confirmed()
    assert ground.inbox.texts() == ["eins"]
    assert ground.troubles == ["storage_busy"]
    calls = [call for call in ground.api.calls("getUpdates") if int(call.params.text("offset"))]
    assert len(calls) == 1


async def test_stopping_beside_a_busy_database_confirms_nothing(ground: Ground) -> None:
    ground.inbox.busy = 10**9
    ground.li.says("eins")
    pump, task = ground.start()
    await until(lambda: ground.troubles == ["storage_busy"])
    pump.stop()
    await asyncio.wait_for(task, PATIENCE)
    assert len(ground.api.feed) == 1


async def test_a_second_poller_is_told_and_outlived(ground: Ground) -> None:
    ground.api.fail("getUpdates", 409, times=3)
    ground.li.says("eins")
    ground.start()
    await ground.confirmed()
    assert ground.troubles == ["second_poller"]


async def test_a_refused_token_ends_the_pump_and_is_told_without_the_token(ground: Ground) -> None:
    ground.api.fail("getMe", 401)
    _, task = ground.start()
    await asyncio.wait_for(task, PATIENCE)
    assert ground.troubles == ["telegram_token_refused"]
    assert TOKEN.partition(":")[2] not in str(ground.told)


async def test_a_token_that_is_refused_later_ends_the_pump(ground: Ground) -> None:
    ground.api.fail("getUpdates", 401)
    _, task = ground.start()
    await asyncio.wait_for(task, PATIENCE)
    assert ground.troubles == ["telegram_token_refused"]


async def test_the_pump_starts_when_telegram_comes_back(ground: Ground) -> None:
    ground.api.fail("getMe", "drop", times=3)
    ground.li.says("eins")
    pump, _ = ground.start()
    await ground.confirmed()
    assert ground.troubles == ["telegram_unreachable"]
    assert pump.failing == ""


async def test_a_pause_that_telegram_names_is_kept(ground: Ground) -> None:
    ground.api.fail("getUpdates", 429, retry_after=1)
    ground.li.says("eins")
    started = monotonic()
    ground.start()
    await ground.confirmed()
    assert monotonic() - started > 0.9


async def test_a_web_hook_of_yesterday_is_taken_away(ground: Ground) -> None:
    async with ground.bot() as ours:
        await ours.set_webhook("https://desk.example/hooks/telegram")
    ground.start()
    await until(lambda: ground.api.calls("getUpdates"))
    ground.li.says("eins")
    await ground.confirmed()
    assert ground.troubles == []


async def test_the_pump_leaves_a_long_poll_at_once(ground: Ground) -> None:
    pump, task = ground.start()
    await until(lambda: ground.api.calls("getUpdates"))
    pump.stop()
    await asyncio.wait_for(task, POLL_SECONDS / 2)


async def test_a_cancelled_pump_leaves_no_poll_behind(ground: Ground) -> None:
    _, task = ground.start()
    await until(lambda: ground.api.calls("getUpdates"))
    task.cancel()
    await asyncio.wait({task})
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_offset_from_another_age_falls_back_to_what_waits(ground: Ground) -> None:
    await ground.inbox.keep(
        [
            Raw(
                channel="telegram",
                account="desk_bot",
                external_id="999999999",
                order_key="",
                body=b'{"message": {}}',
                received_at=NOW,
            )
        ]
    )
    ground.li.says("eins")
    ground.start()
    await ground.confirmed()
    assert "eins" in ground.inbox.texts()


async def test_a_quiet_poll_drops_the_old_offset(ground: Ground) -> None:
    ground.li.says("eins")
    ground.start()
    await ground.confirmed()
    ground.api.feed.release()  # the long poll ends without news
    await until(lambda: len(ground.api.calls("getUpdates")) == 3)
    offsets = [call.params.text("offset") for call in ground.api.calls("getUpdates")]
    assert offsets == ["0", "500000002", "0"]


async def test_an_update_that_nobody_can_read_is_stored_with_its_neighbours(
    ground: Ground,
) -> None:
    ground.li.says("eins")
    ground.api.feed.push("message", {"date": "never", "chat": 7, "text": "?"})
    ground.li.says("zwei")
    ground.start()
    await ground.confirmed()
    assert ground.inbox.texts() == ["eins", "?", "zwei"]


async def test_half_a_character_does_not_hold_up_the_queue(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Reply, "encoded", lambda reply: json.dumps(reply.body).encode())
    ground.api.feed.push("message", {"text": "a\ud83d"})
    ground.start()
    await ground.confirmed()
    assert ground.inbox.texts() == ["a\ud83d"]


async def test_the_pump_knows_how_late_it_is(ground: Ground) -> None:
    pump, _ = ground.start()
    ground.li.says("eins")
    await ground.confirmed()
    assert pump.lag == timedelta(seconds=5)
    assert pump.stored == 1


class Killed(BaseException):
    """As near to SIGKILL as a test in one process gets: nothing of ours catches it."""


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_killed_every_update_is_stored_once(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    dice = random.Random(seed)
    kept: Counter[str] = Counter()
    really_keep = ground.inbox.keep

    def maybe_die(_name: str = "") -> None:
        if dice.random() < 0.12:
            raise Killed

    async def keep(rows: list[Raw]) -> int:
        maybe_die()
        kept.update(row.external_id for row in rows)
        added = await really_keep(rows)
        maybe_die()
        return added

    monkeypatch.setattr(bot.pump, "reach", maybe_die)
    ground.inbox.quiet_week = lambda: dice.random() < 0.5
    ground.keep = keep
    said, deaths = 0, 0
    async with asyncio.timeout(20):
        while said < 300 or len(ground.api.feed):
            pump = ground.pump()
            task = asyncio.create_task(pump.run())
            while not task.done() and (said < 300 or len(ground.api.feed)):
                for _ in range(min(dice.randrange(12), 300 - said)):
                    ground.li.says(str(said))
                    said += 1
                await asyncio.sleep(0.001)
            pump.stop()
            deaths += isinstance((await asyncio.gather(task, return_exceptions=True))[0], Killed)
    assert ground.inbox.texts() == [str(number) for number in range(300)]
    assert deaths >= 10
    assert max(kept.values()) > 1  # some were fetched again, or the test proves nothing


# The web hook


@pytest.fixture
async def hook(ground: Ground) -> AsyncIterator[httpx.AsyncClient]:
    route = hook_route("secret-é", ground.inbox.keep, "desk_bot", lambda: NOW)
    transport = httpx.ASGITransport(Starlette(routes=[route]))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        yield client


async def deliver(client: httpx.AsyncClient, body: bytes, secret: str = "secret-é") -> int:
    headers = {b"X-Telegram-Bot-Api-Secret-Token": secret.encode("latin-1")}
    response = await client.post("/hooks/telegram", content=body, headers=headers)
    return response.status_code


UPDATE = json.dumps({"update_id": 7, "message": {"text": "eins", "chat": {"id": 42}}}).encode()


async def test_telegram_is_told_of_the_hook_as_soon_as_it_can_be_reached(ground: Ground) -> None:
    ground.api.fail("setWebhook", "drop", times=2)
    ground.start(Hook("https://desk.example/hooks/telegram", "a-secret"))
    await until(lambda: len(ground.api.calls("setWebhook")) == 3)
    call = ground.api.calls("setWebhook")[-1]
    assert call.params.text("secret_token") == "a-secret"
    assert ground.api.calls("getUpdates") == []


async def test_a_delivered_update_is_stored_before_200(
    ground: Ground, hook: httpx.AsyncClient
) -> None:
    assert await deliver(hook, UPDATE) == 200
    assert ground.inbox.texts() == ["eins"]


async def test_a_redelivered_update_is_stored_once(ground: Ground, hook: httpx.AsyncClient) -> None:
    assert [await deliver(hook, UPDATE), await deliver(hook, UPDATE)] == [200, 200]
    assert len(ground.inbox) == 1


async def test_a_busy_database_makes_telegram_try_again(
    ground: Ground, hook: httpx.AsyncClient
) -> None:
    ground.inbox.busy = 1
    assert [await deliver(hook, UPDATE), await deliver(hook, UPDATE)] == [503, 200]
    assert len(ground.inbox) == 1


@pytest.mark.parametrize(
    ("body", "secret", "status"),
    [
        (UPDATE, "wrong", 403),
        (UPDATE, "", 403),
        (b"{", "secret-é", 400),
        (b"[]", "secret-é", 400),
        (b'{"update_id": "7"}', "secret-é", 400),
        (b" " * (HOOK_BODY_BYTES + 1), "secret-é", 413),
    ],
    ids=["wrong secret", "no secret", "no JSON", "no object", "no id", "too large"],
)
async def test_a_stranger_leaves_no_trace(
    ground: Ground, hook: httpx.AsyncClient, body: bytes, secret: str, status: int
) -> None:
    assert await deliver(hook, body, secret) == status
    assert len(ground.inbox) == 0
