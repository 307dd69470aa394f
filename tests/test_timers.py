"""The sweeper: what is due fires once, in order for each ticket, and nothing stops the next."""

from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from core import timers
from core.desk import Desk
from core.errors import StorageBusy
from core.ports import Between, Tx
from core.rows import TimerRow
from core.storage.sqlite import SqliteStore
from tests.scenario import Scenario


class Heard:
    """Handlers that write down what fired; `poison` breaks, `busy` finds the store locked."""

    def __init__(self) -> None:
        self.fired: list[str] = []
        self.handlers = {"tick": self.tick, "poison": self.poison, "busy": self.busy}

    def tick(self, tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
        # a body may run again with others, so that the last word counts
        if timer.subject in self.fired:
            self.fired.remove(timer.subject)
        self.fired.append(timer.subject)

    def poison(self, tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
        tx.update_where(TimerRow, {"state": "pending"}, state="cancelled")
        raise ZeroDivisionError

    def busy(self, tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
        raise StorageBusy


@pytest.fixture
async def desk(busy_desk: Scenario) -> Scenario:
    """A desk that waits for nothing: what the import of its sheet left to do is done."""
    await timers.sweep(busy_desk.desk)
    assert await busy_desk.pending_timers() == []
    return busy_desk


async def due(desk: Scenario, *subjects: str, **kinds: str) -> None:
    """Deadlines that have passed, in this order, the earliest first."""

    def body(tx: Tx) -> None:
        for nth, subject in enumerate(subjects):
            at = desk.moment - timedelta(seconds=len(subjects) - nth)
            kind = kinds.get(subject.split("/")[0], "tick")
            tx.add(TimerRow(kind=kind, subject=subject, due_at=at))

    await desk.desk.store.write(body)


async def test_one_bad_deadline_stops_no_other_and_is_tried_again_later(desk: Scenario) -> None:
    heard = Heard()
    await due(desk, "ticket/1", "bad/1", "ticket/2", "ticket/3", bad="poison")
    with capture_logs() as logs:
        await timers.sweep(desk.desk, heard.handlers)
    assert heard.fired == ["ticket/1", "ticket/2", "ticket/3"]
    (left,) = await desk.pending_timers()
    assert (left.subject, left.tries) == ("bad/1", 1)
    assert left.due_at == desk.moment + timedelta(minutes=1)
    assert [line["event"] for line in logs] == ["timer_failed"]


async def test_deadlines_of_one_ticket_fire_in_their_order(desk: Scenario) -> None:
    heard = Heard()
    subjects = [f"ticket/{ticket}/{nth}" for nth in range(5) for ticket in (7, 8)]
    await due(desk, *subjects)
    await timers.sweep(desk.desk, heard.handlers)
    of_seven = [subject for subject in heard.fired if subject.startswith("ticket/7/")]
    assert of_seven == [f"ticket/7/{nth}" for nth in range(5)]


async def test_what_is_due_at_once_shares_the_way_to_the_disk(desk: Scenario) -> None:
    heard = Heard()
    await due(desk, *(f"ticket/{n}" for n in range(300)))
    assert isinstance(desk.desk.store, SqliteStore)
    before = desk.desk.store.commits
    assert await timers.sweep(desk.desk, heard.handlers) == 300
    assert desk.desk.store.commits - before <= 10


async def test_a_store_that_is_busy_is_told_and_nothing_counts_as_tried(desk: Scenario) -> None:
    heard = Heard()
    await due(desk, "locked/1", locked="busy")
    with pytest.raises(StorageBusy):
        await timers.sweep(desk.desk, heard.handlers)
    (left,) = await desk.pending_timers()
    assert left.tries == 0
    assert await desk.desk.store.read(
        lambda tx: tx.count(TimerRow, state="pending", due_at=Between(before=desk.moment))
    )
