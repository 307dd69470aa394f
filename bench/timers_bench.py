"""What time costs: a look with nothing due, and ten thousand warnings that are due at once.

Run with `python -m bench.timers_bench`. Every warning is that of a whole ticket, and writes its
line of the journal, its letters and the next moment, as in the desk. The disk's raw rate is
measured in the same run.
"""

import asyncio
import logging
import sqlite3
import statistics
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import structlog

from bench.desk_bench import folder, machine, raw_commits, row, scenario
from core import timers
from core.clocks import TIMER
from core.numbers import number_of
from core.people import Person
from core.ports import Tx
from core.rows import OutboxRow, TicketClocks, TimerRow
from core.ticket import Offer, Step, Ticket, chained
from tests.scenario import Scenario

OPEN = (10_000, 100_000, 1_000_000)
DUE, PART = 10_000, 1_000
LOOKS = 200
REPORT = "珠海香洲店 收款机开不了机 黑屏"


@dataclass(frozen=True, slots=True)
class Model:
    """One ticket that somebody has accepted, right before its next warning."""

    ticket: Ticket
    steps: list[Step]
    clocks: TicketClocks
    timer: TimerRow

    def copies(self, tx: Tx, serials: range) -> None:
        for serial in serials:
            self.copy(tx, serial)

    def copy(self, tx: Tx, serial: int) -> None:
        head = ""
        for step in self.steps:
            again = chained(replace(step, id=0, ticket_id=serial), head)
            head = again.hash
            tx.add(again)
        tx.add(replace(self.ticket, id=serial, number=number_of(serial), head=head))
        tx.add(replace(self.clocks, ticket_id=serial))
        tx.add(replace(self.timer, id=0, subject=f"ticket/{serial}"))


async def model(desk: Scenario) -> Model:
    await desk.hears("tang.wei", REPORT)
    await desk.time_passes(minutes=2)
    await desk.does(await asked(desk), "accept")
    ticket = await desk.latest()

    def rows(tx: Tx) -> Model:
        clocks = tx.get(TicketClocks, ticket.id)
        timer = tx.first(TimerRow, subject=f"ticket/{ticket.id}", kind=TIMER, state="pending")
        assert clocks is not None
        assert timer is not None
        return Model(ticket, tx.find(Step, order="seq", ticket_id=ticket.id), clocks, timer)

    return await desk.desk.store.read(rows)


async def asked(desk: Scenario) -> str:
    """Code of the person who was offered the job."""

    def body(tx: Tx) -> str:
        offer = tx.first(Offer, state="open")
        person = tx.get(Person, offer.person_id) if offer else None
        return (person.code if person else None) or ""

    return await desk.desk.store.read(body)


def leave_open(path: Path, many: int, desk: Scenario) -> None:
    """Deadlines of days to come, written past the desk: its own way would take minutes."""
    connection = sqlite3.connect(path)
    connection.execute(
        """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        INSERT INTO timers (kind, subject, due_at, payload, state, tries)
        SELECT 'clock', 'ticket/' || (1000000 + i),
               strftime('%Y-%m-%dT%H:%M:%f000Z', ?, '+30 days', '+' || i || ' seconds'),
               '{}', 'pending', 0 FROM n""",
        (many, desk.moment.strftime("%Y-%m-%d %H:%M:%S")),
    )
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


@dataclass(frozen=True, slots=True)
class Measured:
    idle: float  # milliseconds of one look with nothing due
    rate: float  # warnings a second, by the clock on the wall
    cpu: float  # and a second of one core's time, which others on the machine hardly change
    letters: float  # of each warning
    lines: float


async def measured(path: Path, waiting: int) -> Measured:
    async with scenario(path) as desk:
        one = await model(desk)
        leave_open(path, waiting, desk)
        idle = [await look(desk) for _ in range(LOOKS)]
        for start in range(2, 2 + DUE, PART):
            await desk.desk.store.write(partial(one.copies, serials=range(start, start + PART)))
        desk.moment = one.timer.due_at
        before = await desk.desk.store.read(written)
        started, busy = perf_counter(), process_time()
        fired = await timers.sweep(desk.desk)
        took, busy = perf_counter() - started, process_time() - busy
        after = await desk.desk.store.read(written)
        letters, lines = ((now - then) / fired for then, now in zip(before, after, strict=True))
        return Measured(statistics.median(idle) * 1000, fired / took, fired / busy, letters, lines)


async def look(desk: Scenario) -> float:
    started = perf_counter()
    await timers.sweep(desk.desk)
    return perf_counter() - started


def written(tx: Tx) -> tuple[int, int]:
    return tx.count(OutboxRow), tx.count(Step)


def main() -> None:
    logging.disable(logging.CRITICAL)
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    machine()
    with folder() as place:
        raw = raw_commits(place / "raw.db")
        row("raw commits/s (one row, FULL)", f"{raw:,.0f}")
        for many in OPEN:
            path = place / f"open{many}.db"
            told = asyncio.run(measured(path, many))
            path.unlink()
            row(f"idle sweep, {many:,} open", f"{told.idle:.2f} ms", "aim 1 ms")
            row(
                f"{DUE:,} warnings due at once, {many:,} open",
                f"{told.rate:,.0f}/s",
                f"{told.rate / raw:.2f} × raw, {told.cpu:,.0f} per CPU second, aim 1,000/s; "
                f"{told.lines:.1f} line and {told.letters:.1f} letters each",
            )


if __name__ == "__main__":
    main()
