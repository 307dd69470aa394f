"""What both stores promise: the same questions, the same answers, nothing lost, nothing twice."""

import asyncio
import dataclasses
import os
import re
import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.main import open_store
from core import inbox
from core.desk import Desk
from core.people import Address
from core.ports import Between, Store, Tx
from core.rows import Counter, InboxRow, OutboxRow, Setting, TimerRow
from core.storage import statements
from core.storage.postgres import PostgresStore
from core.storage.queries import QUERIES
from core.storage.tables import TABLES

pytest_plugins = ("tests.postgres",)

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
ONCE = ("channel", "account", "external_id")
REFUSED = (DBAPIError, sqlite3.Error)  # in the words of either driver
SOAK = os.environ.get("PAIDAN_SOAK") == "1"


def a_row(number: int, key: str = "", **more: object) -> InboxRow:
    row = InboxRow(
        channel="telegram",
        account="1",
        external_id=str(number),
        order_key=key or f"who:{number}",
        body=b"{}",
        received_at=NOW,
    )
    return dataclasses.replace(row, **more)  # type: ignore[arg-type]


def an_address(value: str) -> Address:
    return Address(person_id=7, channel="telegram", account="1", value=value, heard_at=NOW)


async def numbers(store: Store, limit: int | None = None, **where: object) -> list[int]:
    found = await store.read(lambda tx: tx.find(InboxRow, order="id", limit=limit, **where))
    return [int(row.external_id) for row in found]


async def with_rows(store: Store, *rows: InboxRow) -> None:
    await store.write(lambda tx: tx.add_new(list(rows), key=ONCE))


# -- questions


async def test_a_time_without_a_zone_is_refused_at_the_border(store: Store) -> None:
    with pytest.raises(Exception, match="a moment without a zone"):
        await with_rows(store, a_row(1, received_at=datetime(2026, 11, 23, 2, 0)))  # noqa: DTZ001
    assert await numbers(store) == []


async def test_a_moment_comes_back_the_same_instant_in_utc(store: Store) -> None:
    guangzhou = timezone(timedelta(hours=8))
    await with_rows(store, a_row(1, received_at=datetime(2026, 11, 23, 10, 0, 0, 7, guangzhou)))
    (row,) = await store.read(lambda tx: tx.find(InboxRow))
    assert row.received_at == NOW + timedelta(microseconds=7)
    assert row.received_at.utcoffset() == timedelta()


async def test_a_tuple_asks_for_one_of(store: Store) -> None:
    await with_rows(store, *(a_row(n) for n in range(5)))
    assert await numbers(store, external_id=("1", "3", "9")) == [1, 3]
    assert await numbers(store, external_id=()) == []


async def test_none_asks_for_the_empty(store: Store) -> None:
    await with_rows(store, a_row(1), a_row(2, next_at=NOW))
    assert await numbers(store, next_at=None) == [1]


async def test_a_range_holds_its_start_and_not_its_end(store: Store) -> None:
    await with_rows(store, *(a_row(n, received_at=NOW + timedelta(seconds=n)) for n in range(5)))
    one, three = NOW + timedelta(seconds=1), NOW + timedelta(seconds=3)
    assert await numbers(store, received_at=Between(after=one, before=three)) == [1, 2]
    assert await numbers(store, received_at=Between(after=three)) == [3, 4]
    assert await numbers(store, received_at=Between(before=one)) == [0]


async def test_rows_come_in_the_order_that_was_asked_for(store: Store) -> None:
    await with_rows(store, *(a_row(n, received_at=NOW - timedelta(hours=n)) for n in range(3)))

    def body(tx: Tx) -> list[list[str]]:
        orders = ("received_at", "-received_at")
        return [[r.external_id for r in tx.find(InboxRow, order=o, limit=2)] for o in orders]

    assert await store.read(body) == [["2", "1"], ["0", "1"]]


async def test_bytes_and_documents_come_back_as_they_were(store: Store) -> None:
    document = {"名": "打印机 🖨 \u202e", "list": [1, 2.5, None], "deep": {"a": True}}
    body = bytes(range(256)) * 40
    await store.write(lambda tx: tx.put(Setting(name="x", value=document, changed_at=NOW)))
    await with_rows(store, a_row(1, body=body))

    def read(tx: Tx) -> tuple[object, bytes]:
        setting, row = tx.get(Setting, "x"), tx.first(InboxRow)
        assert setting is not None
        assert row is not None
        return setting.value, row.body

    assert await store.read(read) == (document, body)


async def test_what_waits_to_be_written_is_found_in_the_same_transaction(store: Store) -> None:
    def body(tx: Tx) -> int:
        tx.add(a_row(1))
        return tx.count(InboxRow)

    assert await store.write(body) == 1


@pytest.mark.parametrize("changes", ["update", "delete"])
async def test_what_waits_to_be_written_is_changed_where_it_is_meant(
    store: Store, changes: str
) -> None:
    def body(tx: Tx) -> list[str]:
        for name in ("one", "two"):
            tx.add(TimerRow(kind="test", subject=name, due_at=NOW))
        if changes == "update":
            assert tx.update_where(TimerRow, {"subject": "three"}, state="cancelled") == 0
            assert tx.update_where(TimerRow, {"subject": "two"}, state="cancelled") == 1
        else:
            assert tx.delete(TimerRow, subject="three") == 0
            assert tx.delete(TimerRow, subject="two") == 1
        return [row.subject for row in tx.find(TimerRow, state="pending")]

    assert await store.write(body) == ["one"]


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_query_finds_what_waits_in_each_of_its_tables(name: str) -> None:
    text = statements.named(name, "sqlite").text
    named = set(re.findall(r"(?:FROM|JOIN|UPDATE|INTO) (\w+)", text))
    assert named <= {TABLES[kind].name for kind in statements.asked_of(name, "sqlite")}


@pytest.mark.parametrize("way", ["update", "update_where", "put", "add", "insert", "delete"])
async def test_what_is_asked_again_in_a_transaction_is_as_it_was_left(
    store: Store, way: str
) -> None:
    def body(tx: Tx) -> list[str]:
        kept = tx.insert(an_address("1"))
        assert tx.find(Address, order="id", person_id=7) == [kept]
        match way:
            case "update":
                tx.update(kept, value="2")
            case "update_where":
                tx.update_where(Address, {"value": "1"}, value="2")
            case "put":
                tx.put(dataclasses.replace(kept, value="2"))
            case "add":
                tx.add(an_address("2"))
            case "insert":
                tx.insert(an_address("2"))
            case "delete":
                tx.delete(Address, id=kept.id)
        return [address.value for address in tx.find(Address, order="id", person_id=7)]

    left = {"add": ["1", "2"], "insert": ["1", "2"], "delete": []}.get(way, ["2"])
    assert await store.write(body) == left


async def test_put_takes_the_place_of_the_row_with_its_key(store: Store) -> None:
    for value in (1, 2):
        row = Counter(name="x", value=value)
        await store.write(lambda tx, row=row: tx.put(row))  # type: ignore[misc]
    assert await store.read(lambda tx: tx.find(Counter)) == [Counter(name="x", value=2)]


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_the_fields_of_a_value_are_the_columns_of_its_table(kind: type) -> None:
    assert [f.name for f in dataclasses.fields(kind)] == list(TABLES[kind].c.keys())


# -- once, and not twice


async def test_a_row_that_comes_again_is_not_new(store: Store) -> None:
    def add(*ids: int) -> "asyncio.Future[int]":
        rows = [a_row(n) for n in ids]
        return asyncio.ensure_future(store.write(lambda tx: tx.add_new(rows, key=ONCE)))

    assert [await add(1, 2), await add(2, 3), await add(1, 2, 3)] == [2, 1, 0]
    assert await numbers(store) == [1, 2, 3]


async def test_a_row_twice_in_one_batch_is_one_row(store: Store) -> None:
    rows = [a_row(1), a_row(2), a_row(1)]
    assert await store.write(lambda tx: tx.add_new(rows, key=ONCE)) == 2
    assert await numbers(store) == [1, 2]


async def test_what_another_stored_at_the_same_time_is_not_counted_as_mine(laid: str) -> None:
    stores = [open_store(laid) for _ in range(2)]
    for one in stores:
        await one.open()
    rows = [a_row(n) for n in range(200)]

    def keep(one: Store, part: list[InboxRow]) -> "asyncio.Future[int]":
        return asyncio.ensure_future(one.write(lambda tx: tx.add_new(part, key=ONCE)))

    batches = [rows[start : start + 10] for start in range(0, 200, 10)]
    counted = await asyncio.gather(*(keep(one, part) for part in batches for one in stores))
    stored = await numbers(stores[0])
    for one in stores:
        await one.close()
    assert (sum(counted), len(stored)) == (200, 200)


async def test_a_conditional_change_is_won_by_one(store: Store) -> None:
    await with_rows(store, a_row(1))

    def win(tx: Tx) -> int:
        return tx.update_where(InboxRow, {"state": "new"}, state="done")

    assert sorted(await asyncio.gather(*(store.write(win) for _ in range(20)))) == [0] * 19 + [1]


async def test_claims_are_distinct_however_many_claim(store: Store) -> None:
    await with_rows(store, *(a_row(n) for n in range(160)))
    desk = Desk(store=store, now=lambda: NOW, calendars={}, channels={})

    async def claimer() -> list[int]:
        mine: list[int] = []
        while rows := await inbox.claim(desk, limit=7):
            mine += [row.id for row in rows]
        return mine

    claimed = sorted(
        n for part in await asyncio.gather(*(claimer() for _ in range(8))) for n in part
    )
    assert len(claimed) == len(set(claimed)) == 160


async def test_only_the_oldest_of_each_sender_can_be_claimed(store: Store) -> None:
    await with_rows(store, *(a_row(n, key=f"who:{n % 3}") for n in range(9)))
    desk = Desk(store=store, now=lambda: NOW, calendars={}, channels={})
    first = [row.external_id for row in await inbox.claim(desk)]
    assert (first, await inbox.claim(desk)) == (["0", "1", "2"], [])


async def test_no_increment_is_lost_between_two_stores(laid: str) -> None:
    """Read, think, write: what databases lose by default, and without a word."""
    stores = [open_store(laid) for _ in range(2)]
    each = 2500 if SOAK or laid.startswith("sqlite") else 250

    def one_more(tx: Tx) -> None:
        counter = tx.lock(Counter, "n")
        assert counter is not None
        tx.update(counter, value=counter.value + 1)

    async def count_up(store: Store) -> None:
        for start in range(0, each, 50):
            await asyncio.gather(*(store.write(one_more) for _ in range(min(50, each - start))))

    for one in stores:
        await one.open()
    await stores[0].write(lambda tx: tx.insert(Counter(name="n", value=0)))
    await asyncio.gather(*(count_up(one) for one in stores))
    found = await stores[0].read(lambda tx: tx.get(Counter, "n"))
    for one in stores:
        await one.close()
    assert found == Counter(name="n", value=2 * each)


async def test_running_numbers_are_given_out_once(store: Store) -> None:
    given = await asyncio.gather(*(store.write(lambda tx: tx.next("n")) for _ in range(200)))
    assert sorted(given) == list(range(1, 201))


async def test_one_pending_deadline_of_a_kind_for_a_subject(store: Store) -> None:
    def timer(state: str = "pending") -> TimerRow:
        return TimerRow(kind="settle", subject="ticket/1", due_at=NOW, state=state)

    await store.write(lambda tx: [tx.insert(timer("fired")), tx.insert(timer())])
    with pytest.raises(REFUSED):
        await store.write(lambda tx: tx.insert(timer()))


async def test_a_letter_about_one_event_is_written_once(store: Store) -> None:
    letter = OutboxRow(
        channel="mail",
        address="a@b.c",
        language="en",
        zone="UTC",
        kind="home",
        reference="in1.home.1",
        created_at=NOW,
    )
    await store.write(lambda tx: tx.insert(letter))
    with pytest.raises(REFUSED):
        await store.write(lambda tx: tx.insert(letter))


# -- transactions


async def test_a_body_that_fails_takes_no_other_with_it(store: Store) -> None:
    class Slip(Exception):
        pass

    def fails(tx: Tx) -> None:
        tx.insert(a_row(99))
        raise Slip

    writes = [store.write(lambda tx, n=n: tx.insert(a_row(n))) for n in range(5)]  # type: ignore[misc]
    writes.insert(2, store.write(fails))
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(r) for r in results if isinstance(r, BaseException)] == [Slip]
    assert sorted(await numbers(store)) == [0, 1, 2, 3, 4]


async def test_a_caller_that_goes_away_does_not_undo_its_write(laid: str) -> None:
    store = open_store(laid)
    await store.open()
    tasks = [
        asyncio.create_task(store.write(lambda tx, n=n: tx.insert(a_row(n))))  # type: ignore[misc]
        for n in range(100)
    ]
    for task in tasks:
        await asyncio.sleep(0)
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    gone = sum(isinstance(one, asyncio.CancelledError) for one in ended)
    await store.close()
    again = open_store(laid)
    await again.open()
    stored = sorted(await numbers(again))
    await again.close()
    assert gone > 50
    assert stored == list(range(100))


async def test_whoever_reads_cannot_write(store: Store) -> None:
    with pytest.raises(REFUSED, match=r"readonly|read-only"):
        await store.read(lambda tx: tx.insert(a_row(1)))
    assert await numbers(store) == []


async def test_closing_serves_whoever_waits(laid: str) -> None:
    store = open_store(laid)
    await store.open()
    waiting = [
        asyncio.create_task(store.write(lambda tx, n=n: tx.insert(a_row(n))))  # type: ignore[misc]
        for n in range(20)
    ]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*waiting)
    again = open_store(laid)
    await again.open()
    assert len(await numbers(again)) == 20
    await again.close()


@pytest.mark.parametrize(
    "laid", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
async def test_whoever_waits_long_for_a_row_tries_again(laid: str) -> None:
    impatient, other = PostgresStore(laid, patience=0.05), PostgresStore(laid)
    await with_rows(other, a_row(1))
    (row,) = await other.read(lambda tx: tx.find(InboxRow))
    once, again = asyncio.Event(), asyncio.Event()

    def hold(tx: Tx) -> InboxRow | None:
        (again if once.is_set() else once).set()
        return tx.lock(InboxRow, row.id)

    async with other.engine.begin() as holding:
        await holding.execute(text("SELECT id FROM inbox FOR UPDATE"))
        waiting = asyncio.create_task(impatient.write(hold))
        seen = asyncio.create_task(again.wait())
        await asyncio.wait({waiting, seen}, return_when=asyncio.FIRST_COMPLETED)
        assert seen.done()
    assert await waiting == row
    for each in (impatient, other):
        await each.close()
