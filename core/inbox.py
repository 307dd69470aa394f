"""Raw events on their way in: stored before the source may forget them, worked on in order."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog

from core.crashpoints import reach
from core.desk import Desk
from core.errors import StorageBusy
from core.notices.desk import Trouble
from core.notices.requester import Held
from core.people import Address, Person, Role
from core.ports import Raw, Tx
from core.rows import InboxRow, OutboxRow
from core.telling import Reply, tell

log = structlog.get_logger()

LEASE = timedelta(seconds=60)
SOON = timedelta(seconds=0.2)
RETRY = (1, 5, 30, 120, 600)  # seconds
TRIES = len(RETRY) + 1
WEEK = timedelta(days=7)

Handle = Callable[[InboxRow], Awaitable[None]]
"""Work on one row, or raise. Poison is for what no other try can help."""


class Poison(Exception):
    """The row cannot be read: it is set aside with its bytes, and its neighbours go on."""


class NotYet(Exception):
    """Whoever works on such rows is still starting: the row is not to blame, and loses no try."""


def keeper(desk: Desk, woken: Callable[[], None]) -> Callable[[list[Raw]], Awaitable[int]]:
    """core.ports.Keep on the desk's store: commit, and only then return."""

    async def keep(raws: list[Raw]) -> int:
        rows = [
            InboxRow(
                channel=raw.channel,
                account=raw.account,
                external_id=raw.external_id,
                order_key=raw.order_key,
                body=raw.body,
                content_hash=raw.content_hash,
                received_at=raw.received_at,
            )
            for raw in raws
        ]
        new = await desk.store.write(
            lambda tx: tx.add_new(rows, key=("channel", "account", "external_id"))
        )
        woken()
        return new

    return keep


async def last_external(desk: Desk, channel: str, account: str) -> int | None:
    """The highest number of a numbered source in the last week; older numbers may be random."""
    since = desk.now() - WEEK
    found = await desk.store.read(
        lambda tx: tx.ask("last_external", channel=channel, account=account, since=since)
    )
    return found[0]["last"] if found else None


async def claim(desk: Desk, *, limit: int = 100) -> list[InboxRow]:
    """The oldest row of each key that is due. Its try is counted before it is made."""

    def body(tx: Tx) -> list[InboxRow]:
        now = desk.now()
        taken = tx.ask("claim_inbox", now=now, lease=now + LEASE, many=limit)
        ids = tuple(row["id"] for row in taken)
        return tx.find(InboxRow, order="id", id=ids) if ids else []

    return await desk.store.write(body)


async def release(desk: Desk) -> None:
    """At the start of the only process: nobody else can hold a row."""
    await desk.store.write(lambda tx: tx.ask("release_inbox"))


async def work_on(desk: Desk, row: InboxRow, handlers: Mapping[str, Handle]) -> None:
    """One row, through its channel's handler; whatever happens, the next row goes on."""
    try:
        if row.tries > TRIES:
            raise Poison(f"tried {row.tries - 1} times")
        handle = handlers.get(row.channel)
        if handle is None:
            raise Poison(f"no handler for {row.channel}")
        await handle(row)
    except NotYet:
        await _put_back(desk, row)
    except StorageBusy:
        return  # nothing can be written: the lease runs out, and the row comes again
    except Poison as fault:
        await _bury(desk, row, str(fault))
    except Exception as fault:
        log.warning("inbox_try_failed", id=row.id, tries=row.tries, exc_info=fault)
        if row.tries >= TRIES:
            await _bury(desk, row, f"{type(fault).__name__}: {fault}")
        else:
            again = desk.now() + timedelta(seconds=RETRY[row.tries - 1])
            mine, note = {"id": row.id, "state": "new"}, repr(fault)[:500]
            await desk.store.write(
                lambda tx: tx.update_where(InboxRow, mine, next_at=again, note=note)
            )
    else:
        reach("after_settle")


async def _put_back(desk: Desk, row: InboxRow) -> None:
    mine, soon = {"id": row.id, "state": "new"}, desk.now() + SOON
    await desk.store.write(
        lambda tx: tx.update_where(InboxRow, mine, next_at=soon, tries=row.tries - 1)
    )


async def _bury(desk: Desk, row: InboxRow, why: str) -> None:
    def body(tx: Tx) -> None:
        now = desk.now()
        mine = {"id": row.id, "state": "new"}
        # A handler that ran out of time may still have committed: then the row is done.
        if tx.update_where(InboxRow, mine, state="dead", note=why[:1000], settled_at=now) != 1:
            return
        _tell_operators(tx, desk, "poison", f"{row.channel} #{row.id}: {why[:200]}", row.id, now)
        _tell_sender(tx, desk, row, now)

    log.error("inbox_dead", id=row.id, channel=row.channel, why=why)
    await desk.store.write(body)
    desk.wake()


def _tell_sender(tx: Tx, desk: Desk, row: InboxRow, now: datetime) -> None:
    """The person is told that somebody will look, where the key of the row tells who they are."""
    who = row.order_key.rpartition(":")[2]
    address = tx.first(Address, channel=row.channel, account=row.account, value=who)
    person = tx.get(Person, address.person_id) if address else None
    if address is None or person is None or row.channel not in desk.channels:
        return
    reply = Reply(channel=row.channel, account=row.account, address=address.value)
    tell(tx, desk, person, Held(reference=str(row.id)), event=f"held{row.id}", now=now, reply=reply)


def _tell_operators(
    tx: Tx, desk: Desk, trouble: str, detail: str, key: object, now: datetime
) -> None:
    book = desk.register.open(tx)
    for person in book.with_role(Role.SUPERVISOR, Role.ADMINISTRATOR):
        event = f"{trouble}.{key}"
        if tx.first(OutboxRow, reference=f"{event}.trouble.{person.id}") is None:
            tell(tx, desk, person, Trouble(trouble=trouble, detail=detail), event=event, now=now)


async def report_trouble(desk: Desk, trouble: str, detail: str) -> None:
    """Once an hour for each kind: a broken channel is said, not shouted."""
    now = desk.now()
    hour = now.strftime("%Y%m%d%H")
    await desk.store.write(lambda tx: _tell_operators(tx, desk, trouble, detail, hour, now))
    desk.wake()


async def retry(desk: Desk, row_id: int) -> bool:
    """Give a dead row another life: its bytes are still there."""
    changed = await desk.store.write(
        lambda tx: tx.update_where(
            InboxRow, {"id": row_id, "state": "dead"}, state="new", tries=0, next_at=None
        )
    )
    return changed == 1
