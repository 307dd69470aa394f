"""The desk from end to end, beside what this machine's disk can do alone.

Run with `python -m bench.desk_bench`. The disk's raw rate is measured in the same run: one SQLite
row, one commit, `synchronous=FULL`. PAIDAN_SOAK=1 adds the sizes that take minutes.
"""

import asyncio
import json
import logging
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, cycle, islice
from pathlib import Path
from time import perf_counter, time
from typing import Any

import psutil
import structlog
import uvicorn

from bot.main import open_store
from bot.trial.botapi import BotApi, Seen
from bot.trial.botapi import Person as Phone
from bot.trial.botapi.wire import http_app, listen
from core import inbox, intake, timers
from core.desk import Rules
from core.messages import Inbound
from core.numbers import number_of
from core.people import Address, Person
from core.ports import Raw, Tx
from core.rows import Counter, TimerRow
from core.storage import schema
from core.ticket import Step, Ticket, chained
from tests.scenario import Scenario

SOAK = os.environ.get("PAIDAN_SOAK") == "1"
REPORTS = (
    "打印机卡纸 三楼财务 天河",
    "珠海香洲店 收款机开不了机 黑屏",
    "顺德 上不了网 全部人都上不了",
)
PRESSES, PER_SECOND = 500, 50
TOKEN = "100200300:bench-token-of-no-value"
FIRST_ID = 700_001


def row(name: str, figure: str, note: str = "") -> None:
    print(f"{name:<44}{figure:>16}  {note}".rstrip(), flush=True)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="paidan-bench-") as name:
        yield Path(name)


# -- the disk alone


def raw_commits(path: Path, seconds: float = 2.0) -> float:
    """Single-row commits a second, as SQLite makes them durable on this disk."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    started, done = perf_counter(), 0
    while perf_counter() - started < seconds:
        connection.execute("INSERT INTO t (v) VALUES ('one row')")
        done += 1
    connection.close()
    return done / (perf_counter() - started)


# -- in


def update_of(number: int, person: int, text: str, at: datetime) -> dict[str, Any]:
    user = {"id": person, "is_bot": False, "first_name": f"P{person}", "language_code": "zh-hans"}
    message = {
        "message_id": number,
        "date": int(at.timestamp()),
        "chat": {"id": person, "type": "private", "first_name": f"P{person}"},
        "from": user,
        "text": text,
    }
    return {"update_id": number, "message": message}


def raws(start: int, many: int, account: str, at: datetime) -> list[Raw]:
    """Reports of as many people, each with one message."""
    return [
        Raw(
            channel="telegram",
            account=account,
            external_id=str(n),
            order_key=f"telegram:{account}:{n}",
            body=json.dumps(update_of(n, n, REPORTS[n % 3], at)).encode(),
            received_at=at,
        )
        for n in range(start, start + many)
    ]


async def stored_updates(path: Path, many: int = 10_000, batch: int = 100) -> float:
    """What the pump does with an answer of Telegram, batch after batch."""
    async with scenario(path) as desk:
        keep = inbox.keeper(desk.desk, lambda: None)
        batches = [raws(n, batch, "1", desk.moment) for n in range(10**6, 10**6 + many, batch)]
        started = perf_counter()
        for each in batches:
            await keep(each)
        return many / (perf_counter() - started)


@asynccontextmanager
async def scenario(path: Path) -> AsyncIterator[Scenario]:
    is_new = await schema.upgrade(f"sqlite:///{path}")
    store = open_store(f"sqlite:///{path}")
    await store.open()
    try:
        desk = Scenario(store, Rules())
        if is_new:
            await desk.prepare()
        yield desk
    finally:
        await store.close()


async def received(path: Path, many: int = 1000) -> float:
    """intake.receive alone, sixty-four at a time."""
    async with scenario(path) as desk:
        inbounds = [
            Inbound(
                channel="telegram",
                external_id=str(n),
                sender=f"9{n}",
                text=REPORTS[n % 3],
                occurred_at=desk.moment,
                received_at=desk.moment,
            )
            for n in range(many)
        ]
        await intake.receive(desk.desk, replace(inbounds[0], sender="warm"))
        started = perf_counter()
        for part in range(0, many, 64):
            await asyncio.gather(
                *(intake.receive(desk.desk, one) for one in inbounds[part : part + 64])
            )
        return many / (perf_counter() - started)


@dataclass
class Town:
    """Telegram and the people of the desk here, the desk itself in a process of its own."""

    api: BotApi
    path: Path
    desk: psutil.Process
    started: float  # seconds from the first line of Python to a desk that serves

    @property
    def memory(self) -> float:
        """MB of the desk's process."""
        return float(self.desk.memory_info().rss / 2**20)

    @property
    def busy(self) -> float:
        """Seconds that the desk has computed so far: what a loaded machine does not change."""
        spent = self.desk.cpu_times()
        return float(spent.user + spent.system)

    def ask(self, sql: str) -> int:
        with closing(sqlite3.connect(self.path)) as connection:
            return int(connection.execute(sql).fetchone()[0])


@asynccontextmanager
async def town(path: Path) -> AsyncIterator[Town]:
    """A desk with the example's people, each with a telephone, on a Telegram without limits."""
    api = BotApi(TOKEN, "paidan_bench_bot", time, rates=False)
    people = await bound(path, TOKEN.partition(":")[0])
    for number, name in people.items():
        api.person(number, name).opens()
    door = listen()
    server = uvicorn.Server(uvicorn.Config(http_app(api), log_level="critical", lifespan="off"))
    serving = asyncio.create_task(server.serve([door]))
    url = f"http://127.0.0.1:{door.getsockname()[1]}"
    desk = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.desk_alone", str(path), url, TOKEN),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
    )
    assert desk.stdout is not None
    try:
        started = float(await desk.stdout.readline())
        yield Town(api, path, psutil.Process(desk.pid), started)
    finally:
        api.close()
        desk.terminate()
        await desk.wait()
        server.should_exit = server.force_exit = True
        await serving


async def bound(path: Path, account: str) -> dict[int, str]:
    """The example desk in a file, if there is none yet, and everybody's chat."""
    async with scenario(path) as desk:

        def body(tx: Tx) -> dict[int, str]:
            for address in tx.find(Address, channel="telegram"):
                tx.update(address, value=str(FIRST_ID + address.person_id), account=account)
            return {FIRST_ID + p.id: p.name for p in tx.find(Person) if p.code}

        return await desk.desk.store.write(body)


async def worked(path: Path, many: int) -> tuple[float, float, float]:
    """Messages of as many people, through Telegram, until every one is a ticket.

    Tickets a second, milliseconds of the desk's own time for each, and its memory after all.
    """
    async with town(path) as place:
        everybody = [place.api.person(n, f"P{n}") for n in range(10**6, 10**6 + many)]
        await one_report(place, everybody[0])
        started, busy = perf_counter(), place.busy
        for person, text in zip(everybody[1:], cycle(REPORTS), strict=False):
            person.says(text)
        while place.ask("SELECT count(*) FROM tickets") < many:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
        own = (place.busy - busy) * 1000 / (many - 1)
        return (many - 1) / (perf_counter() - started), own, place.memory


async def one_report(place: Town, person: Phone) -> None:
    """So that nothing is measured for the first time."""
    person.says(REPORTS[0])
    await person.hears(timeout=30)


# -- press to answer


async def presses(path: Path) -> tuple[list[float], float]:
    """Seconds from a press to its answer, at a steady rate, by everybody of the example desk.

    And milliseconds of the desk's own time for each press.
    """
    async with town(path) as place:
        buttons = [await first_button(person) for person in list(place.api.people.values())]
        waits: list[float] = []

        async def press(person: Phone, seen: Seen, data: str) -> None:
            started = perf_counter()
            await person.presses(seen, data).answered(60)
            waits.append(perf_counter() - started)

        running, busy = [], place.busy
        for pressed in islice(cycle(buttons), PRESSES):
            running.append(asyncio.create_task(press(*pressed)))
            await asyncio.sleep(1 / PER_SECOND)
        await asyncio.gather(*running)
        return waits, (place.busy - busy) * 1000 / PRESSES


async def first_button(person: Phone) -> tuple[Phone, Seen, str]:
    """A report, and a button of the card that answers it."""
    person.says("打印机卡纸 珠海香洲店")
    while True:
        seen = await person.hears(timeout=30)
        for button in seen.buttons:
            if "callback_data" in button:
                return person, seen, str(button["callback_data"])


# -- start and memory


async def start_up(path: Path) -> tuple[float, float]:
    """Seconds from the first line of Python to a desk that serves, and its memory in MB."""
    lives = []
    for _ in range(3):
        async with town(path) as place:
            await asyncio.sleep(1.5)
            lives.append((place.started, place.memory))
    return min(started for started, _ in lives), max(memory for _, memory in lives)


async def fill(path: Path, many: int) -> None:
    """Tickets of other days: closed, each with its first step."""
    async with scenario(path) as desk:
        person = await desk.person("tang.wei")
        for start in range(1, many + 1, 5000):
            part = range(start, min(start + 5000, many + 1))
            await desk.desk.store.write(partial(_tickets, part, person, desk.moment))
        await desk.desk.store.write(lambda tx: tx.put(Counter(name="ticket", value=many)))


def _tickets(serials: range, person: Person, at: datetime, tx: Tx) -> None:
    for serial in serials:
        step = chained(
            Step(
                ticket_id=serial,
                seq=1,
                at=at,
                entered_at=at,
                action="report",
                from_status="",
                to_status="closed",
            ),
            "",
        )
        tx.add(step)
        tx.add(
            Ticket(
                id=serial,
                number=number_of(serial),
                status="closed",  # type: ignore[arg-type]
                requester_id=person.id,
                origin="telegram",
                symptom="打印机卡纸",
                opened_at=at,
                changed_at=at,
                closed_at=at,
                version=1,
                head=step.hash,
            )
        )


# -- deadlines


async def sweeps(path: Path, waiting: int) -> tuple[float, float]:
    """One look with nothing due, in milliseconds; and deadlines fired a second, 10 000 at once."""
    async with scenario(path) as desk:
        numbers = count(1)

        def add(tx: Tx, many: int, due: datetime) -> None:
            for n in islice(numbers, many):
                tx.add(TimerRow(kind="nothing", subject=f"none/{n}", due_at=due))

        for start in range(0, waiting, 10_000):
            later = desk.moment + timedelta(days=30, seconds=start)
            await desk.desk.store.write(lambda tx, later=later: add(tx, 10_000, later))  # type: ignore[misc]
        idle = []
        for _ in range(20):
            started = perf_counter()
            await timers.sweep(desk.desk)
            idle.append(perf_counter() - started)
        await desk.desk.store.write(lambda tx: add(tx, 10_000, desk.moment))
        handlers = {"nothing": lambda tx, desk, timer, now: None}
        started = perf_counter()
        fired = await timers.sweep(desk.desk, handlers)
        return statistics.median(idle) * 1000, fired / (perf_counter() - started)


# -- all of it


def machine() -> None:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}, load {load}, "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )


def main() -> None:
    logging.disable(logging.CRITICAL)
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    machine()
    with folder() as place:
        raw = raw_commits(place / "raw.db")
        row("raw commits/s (one row, FULL)", f"{raw:,.0f}")
        rate = asyncio.run(stored_updates(place / "stored.db"))
        row("stored updates/s (batches of 100)", f"{rate:,.0f}", f"{rate / raw:.1f} × raw, aim 5")
        rate = asyncio.run(received(place / "received.db"))
        row("intake.receive alone, tickets/s", f"{rate:,.0f}", f"{rate / raw:.2f} × raw")
        for many in (1_000, 10_000):
            rate, own, size = asyncio.run(worked(place / f"worked{many}.db", many))
            note = f"{rate / raw:.2f} × raw, aim 0.5; {own:.1f} ms of CPU each; then {size:.0f} MB"
            row(f"{many:,} chat reports → tickets/s", f"{rate:,.0f}", note)
        waits, own = asyncio.run(presses(place / "presses.db"))
        waits.sort()
        told = [waits[int(len(waits) * part)] * 1000 for part in (0.5, 0.95, 0.99)]
        figures = " / ".join(f"{one:.0f}" for one in told)
        note = f"at {PER_SECOND}/s, aim p95 < 100; {own:.1f} ms of CPU each"
        row("press to answer, ms p50 / p95 / p99", figures, note)
        for many in (0, 10_000, 100_000):
            path = place / f"start{many}.db"
            asyncio.run(fill(path, many))
            seconds, size = asyncio.run(start_up(path))
            row(
                f"start with {many:,} tickets",
                f"{seconds:.2f} s",
                f"aim 2 s; {size:.0f} MB idle, aim 120",
            )
            os.unlink(path)
        for many in (0, 10_000, 100_000, *((1_000_000,) if SOAK else ())):
            idle, fired = asyncio.run(sweeps(place / f"sweep{many}.db", many))
            row(f"sweep with {many:,} waiting", f"{idle:.2f} ms", f"{fired:,.0f} due ones fired/s")


if __name__ == "__main__":
    main()
