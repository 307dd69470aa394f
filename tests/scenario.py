"""Speaks to the whole desk in memory: people write and press, time passes, letters arrive."""

import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path

from core import enquiries, intake, levels, outbox, sheet, timers, work
from core.desk import Desk, Rules
from core.errors import Undeliverable
from core.in_hand import Actor
from core.lifecycle import Action
from core.messages import File, Inbound, Letter, Receipt
from core.people import Address, Person
from core.ports import Between, Capabilities, Store, Tx
from core.requests import Outcome, Request
from core.rows import InboxRow, OutboxRow, TimerRow
from core.sla.calendar import Calendar
from core.sla.calendars import shipped
from core.sla.policy import Policy, shipped_policy
from core.storage import schema
from core.telling import Reply
from core.ticket import Step, Ticket
from tests import once
from tests.calm_store import CalmStore

EXAMPLE = Path(__file__).parent.parent / "core" / "desk_data" / "example.toml"
# A Monday morning at ten in Guangzhou.
START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@dataclass
class MemoryChannel:
    """A carrier that behaves: it delivers, refuses or is away, and can be asked what it carried."""

    name: str
    can: Capabilities
    delivered: list[Letter] = field(default_factory=list)
    refuses: dict[str, Undeliverable] = field(default_factory=dict)
    ids: "count[int]" = field(default_factory=lambda: count(1))

    async def send(self, letter: Letter) -> Receipt:
        if letter.address in self.refuses:
            raise self.refuses[letter.address]
        self.delivered.append(letter)
        return Receipt(id=str(next(self.ids)))


CHAT = Capabilities(buttons=8, edits=True, text_limit=4096, threads=True, files=1, album=10)
MAIL = Capabilities(threads=True, files=20)
SMS = Capabilities()


class Scenario:
    """Everybody of the example desk has a chat whose address is their code."""

    def __init__(self, store: Store, rules: Rules) -> None:
        self.moment = START
        self.channels = {
            "telegram": MemoryChannel("telegram", CHAT),
            "mail": MemoryChannel("mail", MAIL),
            "sms": MemoryChannel("sms", SMS),
        }
        self.desk = Desk(
            store=store,
            now=lambda: self.moment,
            calendars=dict(_calendars()),
            policies=(shipped_policy(),),
            channels={name: channel.can for name, channel in self.channels.items()},
            rules=rules,
        )
        self._ids = count(1)

    async def prepare(self) -> None:
        example = sheet.read_toml(EXAMPLE.read_text("utf-8"), self.moment)

        def body(tx: Tx) -> None:
            sheet.apply(tx, example)
            for person in tx.find(Person):
                tx.insert(
                    Address(
                        person_id=person.id,
                        channel="telegram",
                        value=person.code or "",
                        verified_at=self.moment,
                    )
                )

        await self.desk.store.write(body)

    # -- people

    async def hears(
        self,
        who: str,
        text: str = "",
        *,
        channel: str = "telegram",
        row: int | None = None,
        **more: object,
    ) -> Outcome:
        """Somebody writes to the desk. `row`: the number that the inbox shall have for it."""
        inbound = self._said(who, text, channel)
        if row is not None:
            await self.desk.store.write(lambda tx: tx.insert(_row(row, inbound)))
        whole = replace(inbound, **more)  # type: ignore[arg-type]
        outcome = await intake.receive(self.desk, whole, row)
        await self.settle()
        return outcome

    async def asks(self, who: str, command: str, text: str = "", **more: object) -> Outcome:
        """Somebody types a command such as /why, with what followed its name."""
        inbound = replace(self._said(who, text), **more)  # type: ignore[arg-type]
        outcome = await enquiries.enquire(self.desk, command, inbound)
        await self.settle()
        return outcome

    def _said(self, who: str, text: str, channel: str = "telegram") -> Inbound:
        number = next(self._ids)
        return Inbound(
            channel=channel,
            external_id=str(number),
            message_id=f"m{number}",
            sender=who,
            sender_name=who,
            text=text,
            occurred_at=self.moment,
            received_at=self.moment,
            trust="proven" if channel == "telegram" else "claimed",
        )

    async def does(
        self, who: str, action: str, number: str = "", arg: str = "", text: str = "", **more: object
    ) -> Outcome:
        """Somebody presses a button on the card of a ticket (the latest, unless named)."""
        request = Request(
            action=Action(action),
            number=number or (await self.latest()).number,
            arg=arg,
            text=text,
            **more,  # type: ignore[arg-type]
        )
        outcome = await work.act(self.desk, request, await self.actor(who))
        await self.settle()
        return outcome

    async def actor(self, who: str, channel: str = "telegram") -> Actor:
        person = await self.person(who)
        return Actor(
            sees_outcome=True,
            person=person,
            role=person.roles[0],
            channel=channel,
            reply=Reply(channel=channel, account="", address=who),
        )

    async def person(self, who: str) -> Person:
        found = await self.desk.store.read(lambda tx: tx.first(Person, code=who))
        assert found is not None, who
        return found

    # -- time

    async def time_passes(self, **amount: float) -> None:
        """Step from deadline to deadline, as the sweeper would."""
        until = self.moment + timedelta(**amount)
        while True:
            due = await self.desk.store.read(lambda tx: tx.ask("next_timer")[0]["due_at"])
            if due is None or due > until:
                break
            self.moment = max(self.moment, due)
            await self.settle()
        self.moment = until
        await self.settle()

    async def settle(self) -> None:
        """Fire what is due and carry what is written, until all is quiet."""
        for _ in range(50):
            due, busy = await self.desk.store.read(self._work_to_do)
            if due:
                await timers.sweep(self.desk)
            for name in busy:
                channel = self.channels[name]
                for row in await outbox.claim(self.desk, name):
                    await outbox.send(self.desk, channel, row)
            if not due and not busy:
                return
        raise AssertionError("the desk does not come to rest")

    def _work_to_do(self, tx: Tx) -> tuple[int, list[str]]:
        now = self.moment + timedelta(microseconds=1)
        due = tx.count(TimerRow, state="pending", due_at=Between(before=now))
        letters = tx.find(OutboxRow, state="pending")
        return due, sorted({x.channel for x in letters if x.next_at is None or x.next_at < now})

    # -- what can be seen

    def letters(self, who: str, channel: str = "") -> list[Letter]:
        return [
            letter
            for name, carrier in self.channels.items()
            if channel in {"", name}
            for letter in carrier.delivered
            if letter.address == who
        ]

    def heard(self, who: str, channel: str = "telegram") -> list[str]:
        """Kinds of the letters that reached somebody, in order."""
        return [letter.kind for letter in self.letters(who, channel)]

    def last(self, who: str, kind: str = "") -> Letter:
        return next(x for x in reversed(self.letters(who, "telegram")) if kind in {"", x.kind})

    async def latest(self) -> Ticket:
        return (await self.tickets())[-1]

    async def tickets(self) -> list[Ticket]:
        return await self.desk.store.read(lambda tx: tx.find(Ticket, order="id"))

    async def journal(self, number: str = "") -> list[Step]:
        ticket = await self.latest() if not number else None
        serial = ticket.id if ticket else (await self.ticket(number)).id
        return await self.desk.store.read(lambda tx: tx.find(Step, order="seq", ticket_id=serial))

    async def ticket(self, number: str) -> Ticket:
        found = await self.desk.store.read(lambda tx: tx.first(Ticket, number=number))
        assert found is not None, number
        return found

    async def pending_timers(self) -> list[TimerRow]:
        return await self.desk.store.read(
            lambda tx: tx.find(TimerRow, order="due_at", state="pending")
        )


def _row(number: int, inbound: Inbound) -> InboxRow:
    return InboxRow(
        id=number,
        channel=inbound.channel,
        account=inbound.account,
        external_id=inbound.external_id,
        order_key=inbound.sender,
        body=b"",
        received_at=inbound.received_at,
    )


@cache
def _calendars() -> dict[str, Calendar]:
    """They learn years as they are asked about them: once for all desks."""
    return shipped()


async def tables() -> Path:
    """Our tables in a file of SQLite with nothing in them, to be copied."""
    return await once.laid("tables.db", lambda path: schema.upgrade(f"sqlite:///{path}"))


async def template() -> Path:
    """The example desk in a file of SQLite, to be copied."""
    return await once.laid("desk.db", _lay_the_example)


async def _lay_the_example(path: Path) -> None:
    shutil.copy(await tables(), path)
    async with _opened(CalmStore(path), Rules()) as new:
        await new.prepare()
        await new.settle()  # what the import of calendars has to be followed by


@asynccontextmanager
async def a_desk(
    folder: Path,
    rules: Rules | None = None,
    *,
    fresh: bool = True,
    store: Callable[[Path], Store] = CalmStore,
) -> AsyncIterator[Scenario]:
    """A new one, or the one whose database lies in the folder. `store`: what it is kept in."""
    path = folder / "desk.db"
    if fresh:
        shutil.copy(await template(), path)
    async with _opened(store(path), rules or Rules()) as scenario:
        if fresh:
            await _goes_by_the_example(scenario.desk)
        yield scenario


_levels: list[tuple[Mapping[str, Calendar], Sequence[Policy]]] = []


async def _goes_by_the_example(desk: Desk) -> None:
    """As the program does at its start. Calendars learn years as they are asked: read once."""
    if not _levels:
        await desk.store.read(lambda tx: levels.refresh(tx, desk))
        _levels.append((desk.calendars, desk.policies))
    calendars, policies = _levels[0]
    desk.calendars, desk.policies = dict(calendars), policies


@asynccontextmanager
async def _opened(store: Store, rules: Rules) -> AsyncIterator[Scenario]:
    await store.open()
    try:
        yield Scenario(store, rules)
    finally:
        await store.close()


PHOTO = File(kind="photo", name="p.jpg", type="image/jpeg", size=1000, source="file-1")
