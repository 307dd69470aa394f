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
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, cycle, islice
from pathlib import Path
from time import perf_counter
from typing import Any

import structlog

from bot.main import open_store
from bot.trial.botapi import Person as Phone
from bot.trial.botapi import Seen
from bot.trial.desk import TrialProgram
from core import inbox, intake, timers
from core.desk import Rules
from core.messages import Inbound
from core.numbers import number_of
from core.people import Person
from core.ports import Raw, Tx
from core.rows import Counter, InboxRow, TimerRow
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
    await schema.upgrade(f"sqlite:///{path}")
    store = open_store(f"sqlite:///{path}")
    await store.open()
    desk = Scenario(store, Rules())
    await desk.prepare()
    yield desk
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


async def worked(folder: Path, many: int = 500) -> float:
    """Stored updates through the Telegram handlers until every one is a ticket."""
    async with quiet_trial(folder) as trial:
        program = trial.program
        account = trial.api.token.partition(":")[0]
        for n in range(10**6, 10**6 + many):
            trial.api.person(n, f"P{n}").opens()
        stored = [raws(n, 100, account, program.now()) for n in range(10**6, 10**6 + many, 100)]
        keep = inbox.keeper(program.desk, program.wake)
        started = perf_counter()
        for batch in stored:
            await keep(batch)
        while await program.store.read(lambda tx: tx.count(InboxRow, state="new")):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        took = perf_counter() - started
        assert await program.store.read(lambda tx: tx.count(Ticket)) == many
        return many / took


# -- press to answer


@asynccontextmanager
async def quiet_trial(folder: Path) -> AsyncIterator[TrialProgram]:
    """The whole program with a Bot API server on loopback that does not hold anybody back."""
    trial = TrialProgram(folder)
    trial.api.rates.enforced = False
    async with trial:
        yield trial


async def presses(folder: Path) -> list[float]:
    """Seconds from a press to its answer, at a steady rate, by everybody of the example desk."""
    async with quiet_trial(folder) as trial:
        buttons = [await first_button(trial.api.person(p.telegram_id, p.name["zh"]))
                   for p in trial.world.people]  # fmt: skip
        waits: list[float] = []

        async def press(person: Phone, seen: Seen, data: str) -> None:
            started = perf_counter()
            await person.presses(seen, data).answered(60)
            waits.append(perf_counter() - started)

        running = []
        for pressed in islice(cycle(buttons), PRESSES):
            running.append(asyncio.create_task(press(*pressed)))
            await asyncio.sleep(1 / PER_SECOND)
        await asyncio.gather(*running)
        return waits


async def first_button(person: Phone) -> tuple[Phone, Seen, str]:
    """A report, and a button of the card that answers it."""
    person.says("打印机卡纸 珠海香洲店")
    while True:
        seen = await person.hears(timeout=30)
        for button in seen.buttons:
            if "callback_data" in button:
                return person, seen, str(button["callback_data"])


# -- start and memory


START = """
import asyncio, sys, time
began = time.perf_counter()
from bot.main import Program
from bot.settings import Http, Settings, Telegram
async def main(path):
    section = Telegram(token="1:x", base_url="http://127.0.0.1:9")
    settings = Settings(database=f"sqlite:///{path}", http=Http(port=0), telegram=section)
    program = Program(settings)
    await program.open()
    program.add_telegram(section)
    await program.start()
    print(time.perf_counter() - began)
    await asyncio.sleep(1.5)
    print(next(x.split()[1] for x in open("/proc/self/status") if x.startswith("VmRSS")))
    await program.stop()
asyncio.run(main(sys.argv[1]))
"""


def start_up(path: Path) -> tuple[float, float]:
    """Seconds from the first line of Python to a desk that serves, and its memory in MB."""
    times, sizes = [], []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", START, str(path)],
            capture_output=True,
            text=True,
            check=True,
            cwd=path.parent,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        )
        figures = [line for line in done.stdout.splitlines() if line.replace(".", "").isdigit()]
        times.append(float(figures[0]))
        sizes.append(float(figures[1]) / 1024)
    return min(times), max(sizes)


async def fill(path: Path, many: int) -> None:
    """Tickets of other days: closed, each with its first step."""
    async with scenario(path) as desk:
        person = await desk.person("tang.wei")
        for start in range(1, many + 1, 5000):
            part = range(start, min(start + 5000, many + 1))
            await desk.desk.store.write(
                lambda tx, part=part: _tickets(tx, part, person, desk.moment)
            )  # type: ignore[misc]
        await desk.desk.store.write(lambda tx: tx.put(Counter(name="ticket", value=many)))


def _tickets(tx: Tx, serials: range, person: Person, at: datetime) -> None:
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
        (place / "worked").mkdir()
        rate = asyncio.run(worked(place / "worked"))
        row("chat reports → tickets/s", f"{rate:,.0f}", f"{rate / raw:.2f} × raw, aim 0.5")
        (place / "presses").mkdir()
        waits = sorted(asyncio.run(presses(place / "presses")))
        told = [waits[int(len(waits) * part)] * 1000 for part in (0.5, 0.95, 0.99)]
        figures = " / ".join(f"{one:.0f}" for one in told)
        row("press to answer, ms p50 / p95 / p99", figures, f"at {PER_SECOND}/s, aim p95 < 100")
        for many in (0, 10_000, 100_000):
            path = place / f"start{many}.db"
            asyncio.run(fill(path, many))
            seconds, size = start_up(path)
            row(f"start with {many:,} tickets", f"{seconds:.2f} s", f"aim 2 s; {size:.0f} MB")
            os.unlink(path)
        for many in (0, 10_000, 100_000, *((1_000_000,) if SOAK else ())):
            idle, fired = asyncio.run(sweeps(place / f"sweep{many}.db", many))
            row(f"sweep with {many:,} waiting", f"{idle:.2f} ms", f"{fired:,.0f} due ones fired/s")


if __name__ == "__main__":
    main()
