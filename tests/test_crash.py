"""Kill the desk anywhere in the story: nothing is lost, and nothing happens twice."""

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_asyncio
import uvicorn

from bot.main import open_store
from bot.trial.botapi import BotApi, Person, Seen
from bot.trial.botapi.wire import http_app, listen
from core.crashpoints import POINTS
from core.people import Address
from core.ports import Tx
from core.ticket import Step, Ticket, broken_link
from core.words import say
from tests.crash_desk import REPORT, Life, order
from tests.extent import EVERYTHING
from tests.scenario import template as example

TOKEN = "100200300:crash-test-token-of-no-value"
ACCOUNT = TOKEN.partition(":")[0]
FIRST_ID = 700_001
SEEDS, SAMPLE = 20, 40
LANES, SIDE_BY_SIDE = 4, 4
STORY = (
    "report", "triage", "dispatch", "accept", "depart", "arrive", "start_work", "resolve",
    "confirm", "close", "rate",
)  # fmt: skip
# How often the story passes each point at the least: a kill is planned for one of these passings.
PASSINGS: Mapping[str, int] = {
    "after_fetch": 6,
    "after_store": 6,
    "before_confirm": 6,
    "mid_handling": 7,
    "before_commit": 15,
    "after_commit": 15,
    "before_claim": 8,
    "before_send": 10,
    "after_accept": 10,
    "after_settle": 10,
    "in_sweep": 2,
    "after_timer": 2,
}
BROKEN, REPAIRED = (b"\xff\xd8\xff" + name for name in (b"broken", b"repaired"))
MARKS = [say("card.repeated", {}, language=language) for language in ("zh_CN", "en")]
PATIENCE = 40.0
on_one_loop = pytest.mark.asyncio(loop_scope="module")


def plans() -> list[tuple[str, int]]:
    every = [(point, seed) for seed in range(SEEDS) for point in POINTS]
    return every if EVERYTHING else every[:SAMPLE]


# -- a world in which the desk lives and dies


Birth = tuple[int, asyncio.Future[int]]  # the process, and how it will end


@dataclass
class Zygote:
    """Has loaded the program, and forks a life for each order."""

    process: asyncio.subprocess.Process
    _births: "asyncio.Queue[Birth]" = field(default_factory=asyncio.Queue)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def listen(self) -> None:
        assert self.process.stdout is not None
        endings: dict[int, asyncio.Future[int]] = {}
        async for line in self.process.stdout:
            process, *ending = map(int, line.split())
            if ending:
                endings.pop(process).set_result(*ending)
            else:
                endings[process] = asyncio.get_running_loop().create_future()
                self._births.put_nowait((process, endings[process]))

    async def bears(self, life: Life) -> Birth:
        assert self.process.stdin is not None
        async with self._turn:
            self.process.stdin.write(order(life))
            return await self._births.get()


@dataclass
class World:
    """The peer, the people, the clock and the file: whatever outlives the process."""

    api: BotApi
    life: Life
    zygote: Zygote
    orders: list[str]  # where each life shall end; after the last it goes on
    people: Mapping[str, int]  # telegram id by code
    kills: int = 0
    pid: int = 0
    _ending: "asyncio.Future[int] | None" = None

    # the process

    async def begin(self) -> None:
        crash_at = self.orders.pop(0) if self.orders else ""
        life = Life(**{**self.life.__dict__, "crash_at": crash_at})
        self.pid, self._ending = await self.zygote.bears(life)

    async def look_after(self) -> None:
        """Start the desk again where it was killed."""
        if self._ending is None or self._ending.done():
            if self._ending is not None:
                assert self._ending.result() == -signal.SIGKILL
                self.kills += 1
            await self.begin()

    async def end(self) -> None:
        if self._ending is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            await self._ending

    # the clock

    @property
    def ahead(self) -> float:
        return float(Path(self.life.ahead).read_text())

    def now(self) -> float:
        return time.time() + self.ahead

    def leap_to(self, moment: str) -> None:
        wanted = datetime.fromisoformat(moment).timestamp() + 0.01 - time.time()
        fresh = Path(self.life.ahead + ".new")
        fresh.write_text(str(max(self.ahead, wanted)))
        fresh.rename(self.life.ahead)

    # the file

    def ask(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        return self._reading.execute(sql, params).fetchall()

    @cached_property
    def _reading(self) -> sqlite3.Connection:
        return sqlite3.connect(self.life.database.removeprefix("sqlite:///"), isolation_level=None)

    def status(self) -> str:
        found = self.ask("SELECT status FROM tickets ORDER BY id DESC LIMIT 1")
        return str(found[0][0]) if found else ""

    # the people

    def who(self, code: str) -> Person:
        return self.api.people[self.people[code]]

    def button(self, person: Person, action: str, arg: str = "") -> tuple[Seen, str] | None:
        """The newest button of that action that the person can see."""
        for seen in reversed(person.sees()):
            for button in seen.buttons:
                data = str(button.get("callback_data", ""))
                if data.startswith(f"1{action}.") and data.split(".")[2] == arg:
                    return seen, data
        return None

    async def until(self, what: str, check: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not (found := check()):
            if time.monotonic() > deadline:
                raise AssertionError(f"the story waits for {what}; the ticket is {self.status()}")
            await self.look_after()
            self._let_letters_come_due()
            await asyncio.sleep(0.05)
        return found

    def _let_letters_come_due(self) -> None:
        """A letter that is repeated waits a minute; nobody else needs to."""
        (due,) = self.ask("SELECT min(next_at) FROM outbox WHERE state = 'pending'")[0]
        if due and datetime.fromisoformat(due).timestamp() > self.now():
            self.leap_to(due)

    async def press(self, person: Person, action: str, arg: str = "") -> None:
        what = f"the button {action} {arg} of {person.name}"
        seen, data = await self.until(what, lambda: self.button(person, action, arg))
        person.presses(seen, data)

    async def becomes(self, status: str) -> None:
        await self.until(status, lambda: self.status() == status)

    def asked(self) -> Person | None:
        found = self.ask("SELECT person_id FROM offers WHERE state = 'open' ORDER BY id DESC")
        person = self.api.people[FIRST_ID + found[0][0]] if found else None
        return person if person and self.button(person, "accept") else None

    def is_quiet(self) -> bool:
        busy = self.ask(
            "SELECT (SELECT count(*) FROM inbox WHERE state = 'new')"
            " + (SELECT count(*) FROM outbox WHERE state IN ('pending', 'claimed', 'sending'))"
            " + (SELECT count(*) FROM files WHERE state = 'wanted')"
        )
        return busy == [(0,)] and not len(self.api.feed)


async def story(world: World) -> None:
    """From one message to five stars; the report and the result are pictures."""
    requester = world.who("tang.wei")
    await world.begin()
    requester.photo(BROKEN, REPORT)
    await world.becomes("dispatched")
    engineer = await world.until("an offer", world.asked)
    await world.press(engineer, "accept")
    await world.becomes("accepted")
    for action, status in (("depart", "en_route"), ("arrive", "arrived")):
        await world.press(engineer, action)
        await world.becomes(status)
    await world.press(engineer, "resolve")
    await world.until("the question for the result", lambda: world.ask("SELECT 1 FROM drafts"))
    engineer.photo(REPAIRED)
    await world.becomes("resolved")
    await world.press(requester, "confirm")
    await world.becomes("closed")
    (due,) = world.ask("SELECT due_at FROM timers WHERE kind = 'survey' AND state = 'pending'")
    world.leap_to(due[0])
    await world.press(requester, "rate", "5")
    await world.until("five stars", lambda: world.ask("SELECT 1 FROM surveys WHERE score = 5"))
    await world.until("an empty desk", world.is_quiet)


# -- what must be true at the end


@dataclass
class Findings:
    """Everything that is not as it should be, so that one run tells all of it."""

    world: World
    wrong: list[str] = field(default_factory=list)

    def expect(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            self.wrong.append(f"{what}: {found} instead of {wanted}")

    def look(self) -> list[str]:
        ask = self.world.ask
        self.expect("tickets", ask("SELECT count(*) FROM tickets"), [(1,)])
        steps = [row[0] for row in ask("SELECT action FROM journal ORDER BY seq")]
        self.expect("steps of the story", [one for one in steps if one in STORY], list(STORY))
        self.expect("steps that came twice", [o for o, n in Counter(steps).items() if n > 1], [])
        surveys = ask("SELECT state, score FROM surveys")
        self.expect("surveys", surveys, [("answered", 5)])
        inbox = Counter(row[0] for row in ask("SELECT state FROM inbox"))
        self.expect("inbox", inbox, {"done": 8})
        twice = ask(
            "SELECT kind, subject, due_at FROM timers WHERE state = 'fired'"
            " GROUP BY kind, subject, due_at HAVING count(*) > 1"
        )
        self.expect("deadlines that fired twice", twice, [])
        self.expect("files passed on", ask("SELECT count(*) FROM files_shown"), [(2,)])
        self._letters()
        return self.wrong

    def _letters(self) -> None:
        """Repeated only where the carrier may have had it when the kill came, and then marked."""
        api, ask = self.world.api, self.world.ask
        sent = [
            (call.params.text("chat_id"), call.params.text("text") or call.params.text("caption"))
            for method in ("sendMessage", "sendPhoto")
            for call in api.calls(method)
        ]
        came = Counter(sent)
        marked = {each: n for each, n in came.items() if any(mark in each[1] for mark in MARKS)}
        twice = [each for each, times in came.items() if times > 1 and each not in marked]
        self.expect("letters that came twice without a word", twice, [])
        repeated = ask("SELECT count(*) FROM outbox WHERE repeated AND state = 'sent'")[0][0]
        # A repetition may be cut off as well, by the next kill; its card may say more by then.
        copies = sum(marked.values())
        if not repeated <= copies <= repeated * self.world.kills:
            self.expect("letters marked as repeated", copies, repeated)
        lost = ask(
            "SELECT kind FROM outbox WHERE must AND channel = 'telegram' AND state <> 'sent'"
        )
        self.expect("letters that must arrive and did not", lost, [])
        doubts = ask("SELECT count(*) FROM outbox WHERE repeated OR state = 'unknown'")[0][0]
        if not self.world.kills:
            self.expect("doubtful letters without a kill", doubts, 0)


async def whole_journal(path: str) -> bool:
    store = open_store(path)
    await store.open()
    ticket, steps = await store.read(lambda tx: (tx.first(Ticket), tx.find(Step, order="seq")))
    await store.close()
    assert ticket is not None
    return broken_link(steps, ticket.head) is None


# -- putting it together


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def template() -> AsyncIterator[Path]:
    """The example desk in a file; everybody has a chat."""
    with tempfile.TemporaryDirectory(prefix="paidan-crash-") as folder:
        path = Path(shutil.copy(await example(), folder))
        store = open_store(f"sqlite:///{path}")
        await store.open()

        def bind(tx: Tx) -> None:
            for address in tx.find(Address, channel="telegram"):
                value = str(FIRST_ID + address.person_id)
                tx.update(address, value=value, account=ACCOUNT)
            tx.delete(Address, channel="mail")

        await store.write(bind)
        await store.close()
        yield path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def zygote(template: Path) -> AsyncIterator[Zygote]:
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    program = (sys.executable, "-m", "tests.crash_desk", str(template))
    with (template.parent / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=None if os.environ.get("PAIDAN_CRASH_LOG") else log,
            env=environment,
            cwd=Path(__file__).parent.parent,
        )
    born = Zygote(process)
    listening = asyncio.create_task(born.listen())
    yield born
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()
    await listening


def world_of(folder: Path, template: Path, zygote: Zygote) -> World:
    shutil.copy(template, folder / "desk.db")
    (folder / "ahead").write_text("0")
    life = Life(f"sqlite:///{folder / 'desk.db'}", "", TOKEN, str(folder / "ahead"))
    world = World(api=None, life=life, zygote=zygote, orders=[], people={})  # type: ignore[arg-type]
    world.api = BotApi(TOKEN, "paidan_crash_bot", world.now, rates=False)
    people = {}
    for number, code, name in world.ask("SELECT id, code, name FROM people"):
        world.api.person(FIRST_ID + number, name).opens()
        people[code] = FIRST_ID + number
    world.people = people
    return world


async def play(world: World) -> None:
    door = listen()
    server = uvicorn.Server(
        uvicorn.Config(http_app(world.api), log_level="critical", lifespan="off")
    )
    serving = asyncio.create_task(server.serve([door]))
    world.life = Life(**{**world.life.__dict__, "url": f"http://127.0.0.1:{door.getsockname()[1]}"})
    try:
        await story(world)
    finally:
        await world.end()
        world.api.close()
        server.should_exit = True
        server.force_exit = True
        await serving


def orders(point: str, seed: int) -> list[str]:
    """Where the lives end: the first for sure, the second perhaps at the same place."""
    luck = Random(f"{point} {seed}")
    first = f"{point}:{luck.randint(1, PASSINGS[point])}"
    return [first, f"{point}:{luck.randint(1, 3)}"] if luck.random() < 0.4 else [first]


def test_there_are_a_dozen_points_and_the_story_passes_each() -> None:
    assert len(POINTS) >= 12
    assert set(PASSINGS) == set(POINTS)


@on_one_loop
async def test_the_story_without_a_kill(template: Path, zygote: Zygote, tmp_path: Path) -> None:
    world = world_of(tmp_path, template, zygote)
    await play(world)
    assert (Findings(world).look(), world.kills) == ([], 0)


@on_one_loop
@pytest.mark.parametrize("lane", range(LANES))
async def test_a_kill_at_any_point_loses_nothing_and_doubles_nothing(
    template: Path, zygote: Zygote, tmp_path: Path, lane: int
) -> None:
    """A life mostly waits, so several are lived side by side."""
    mine = plans()[lane::LANES]
    parts = [mine[first::SIDE_BY_SIDE] for first in range(SIDE_BY_SIDE)]
    living = (live_through(part, zygote, template, tmp_path) for part in parts)
    found = await asyncio.gather(*living)
    wrong = [each for wrong, _ in found for each in wrong]
    reached = {point for _, points in found for point in points}
    assert wrong == []
    assert reached == {point for point, _ in mine}


async def live_through(
    some: list[tuple[str, int]], zygote: Zygote, template: Path, tmp_path: Path
) -> tuple[list[str], set[str]]:
    """What went wrong in these lives, and which points were reached."""
    wrong: list[str] = []
    reached: set[str] = set()
    for point, seed in some:
        folder = tmp_path / f"{point}.{seed}"
        folder.mkdir()
        world = world_of(folder, template, zygote)
        world.orders = orders(point, seed)
        where = " ".join(world.orders)
        try:
            await play(world)
        except AssertionError as fault:
            wrong.append(f"{where}: {fault}")
            continue
        wrong += [f"{where}: {each}" for each in Findings(world).look()]
        if not await whole_journal(world.life.database):
            wrong.append(f"{where}: the journal's chain is broken")
        if world.kills:
            reached.add(point)
        else:
            wrong.append(f"{where}: was not reached")
    return wrong, reached
