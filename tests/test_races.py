"""Many hands on one ticket at once: one winner, everybody told, never two owners, no orphan."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TypeVar

from core import inbox, intake, outbox, timers, work
from core.in_hand import Actor
from core.lifecycle import DONE, HELD, Action, Status
from core.messages import Inbound
from core.people import Address, Person, Role
from core.ports import Raw, Tx
from core.requests import Outcome, Request
from core.rows import InboxRow, OutboxRow, TimerRow
from core.ticket import Offer, Step, Ticket, broken_link
from tests.extent import EVERYTHING, SOAK
from tests.scenario import Scenario

R = TypeVar("R")

pytest_plugins = ("tests.postgres",)

DEAD_TILL = "珠海香洲店 收款机开不了机 黑屏 客人排队 急"


def is_sqlite(desk: Scenario) -> bool:
    return type(desk.desk.store).__name__ == "SqliteStore"


def a_report(desk: Scenario, sender: str, text: str = DEAD_TILL) -> Inbound:
    return Inbound(
        channel="telegram",
        external_id="1",
        sender=sender,
        text=text,
        occurred_at=desk.moment,
        received_at=desk.moment,
        trust="proven",
    )


async def act(desk: Scenario, by: Actor, action: Action, number: str, arg: str = "") -> str:
    outcome = await work.act(
        desk.desk, Request(action=action, number=number, arg=arg, text="race"), by
    )
    return outcome.kind


# -- one offer, a thousand who want it


async def crowd(desk: Scenario, number: str, size: int) -> list[Actor]:
    """Engineers who were all asked to take the ticket and have not answered."""
    ticket = await desk.ticket(number)

    def body(tx: Tx) -> list[Person]:
        people = [
            tx.insert(
                Person(
                    name=f"engineer {n}",
                    roles=(Role.FIELD_ENGINEER,),
                    code=f"crowd.{n}",
                    created_at=desk.moment,
                )
            )
            for n in range(size)
        ]
        for person in people:
            tx.add(
                Offer(
                    ticket_id=ticket.id,
                    person_id=person.id,
                    step="field",
                    offered_at=desk.moment,
                    answer_by=desk.moment + timedelta(minutes=5),
                )
            )
        return people

    people = await desk.desk.store.write(body)
    return [Actor(person=person, role=Role.FIELD_ENGINEER, channel="telegram") for person in people]


async def test_of_a_thousand_who_accept_at_once_one_wins_and_all_others_are_told_who(
    any_desk: Scenario,
) -> None:
    size = 1000 if is_sqlite(any_desk) or EVERYTHING else 150
    await any_desk.hears("tang.wei", DEAD_TILL)
    number = (await any_desk.latest()).number
    engineers = await crowd(any_desk, number, size)

    async def accept(by: Actor) -> Outcome:
        request = Request(action=Action.ACCEPT, number=number)
        return await work.act(any_desk.desk, request, by)

    outcomes = await asyncio.gather(*(accept(by) for by in engineers))
    ticket = await any_desk.ticket(number)
    winner = next(by.person for by in engineers if by.person and by.person.id == ticket.assignee_id)
    told = Counter((o.kind, o.params.get("by")) for o in outcomes)
    assert told == {("done_accept", None): 1, ("refused_taken", winner.name): size - 1}


async def test_whoever_was_asked_and_did_not_press_is_told_as_well(any_desk: Scenario) -> None:
    await any_desk.hears("tang.wei", DEAD_TILL)
    ticket = await any_desk.latest()
    first, *others = await crowd(any_desk, ticket.number, 20)
    await act(any_desk, first, Action.ACCEPT, ticket.number)
    offers = await any_desk.desk.store.read(lambda tx: tx.find(Offer, ticket_id=ticket.id))
    assert Counter(offer.state for offer in offers) == {"accepted": 1, "withdrawn": len(others) + 1}


# -- everything at once, by many sides

Move = Callable[[], Awaitable[object]]


class Scuffle:
    """A ticket at which people and deadlines pull in every direction, as a seed decides."""

    def __init__(self, desk: Scenario, actors: dict[int, Actor], luck: Random) -> None:
        self.desk, self.actors, self.luck = desk, actors, luck
        self.engineers = [a for a in actors.values() if "engineer" in a.role]
        self.supervisor = next(a for a in actors.values() if a.role == Role.SUPERVISOR)
        self.ticket_id, self.number = 0, ""

    async def play(self, seed: int) -> None:
        report = a_report(self.desk, f"guest {seed}")
        ticket = (await intake.receive(self.desk.desk, report)).ticket
        assert ticket is not None
        self.ticket_id, self.number = ticket.id, ticket.number
        for _ in range(4):
            self.desk.moment += timedelta(minutes=self.luck.choice((0, 1, 5, 6)))
            moves = await self._moves()
            await asyncio.gather(*(move() for move in moves))
            await self.check()
        await act(self.desk, self.supervisor, Action.CANCEL, self.number)

    async def _moves(self) -> list[Move]:
        asked = await self._rows(Offer, state="open")
        ticket = (await self._rows(Ticket))[0]
        near = [self.actors[o.person_id] for o in asked if o.person_id in self.actors]
        near += self.luck.sample(self.engineers, 2)
        holder = self.actors.get(ticket.assignee_id or 0)
        moves: list[Move] = [lambda: timers.sweep(self.desk.desk)]
        for _ in range(self.luck.randint(2, 5)):
            moves.append(self._move(self.luck.choice(near), holder))
        self.luck.shuffle(moves)
        return moves

    def _move(self, somebody: Actor, holder: Actor | None) -> Move:
        other = self.luck.choice(self.engineers).person
        assert other is not None
        code, luck = other.code or "", self.luck.random()
        if luck < 0.45:
            return lambda: act(self.desk, somebody, Action.ACCEPT, self.number)
        if luck < 0.6:
            return lambda: act(self.desk, somebody, Action.DECLINE, self.number, "schedule")
        if luck < 0.75:
            return lambda: act(self.desk, self.supervisor, Action.REASSIGN, self.number, code)
        if holder is not None and luck < 0.9:
            return lambda: act(self.desk, holder, Action.HAND_OVER, self.number)
        return lambda: act(self.desk, holder or somebody, Action.DEPART, self.number)

    async def _rows(self, kind: type[R], **where: str) -> list[R]:
        theirs = {"id" if kind is Ticket else "ticket_id": self.ticket_id}
        return await self.desk.desk.store.read(
            lambda tx: tx.find(kind, order="id", limit=None, **theirs, **where)
        )

    async def check(self) -> None:
        (ticket,) = await self._rows(Ticket)
        offers = await self._rows(Offer)
        steps = sorted(await self._rows(Step), key=lambda step: step.seq)
        waiting = await self.desk.desk.store.read(
            lambda tx: tx.find(TimerRow, state="pending", subject=f"ticket/{self.ticket_id}")
        )
        still_open = [offer for offer in offers if offer.state == "open"]
        assert broken_link(steps, ticket.head) is None
        assert [step.seq for step in steps] == list(range(1, ticket.version + 1))
        assert owners(steps) == ticket.assignee_id, "the journal and the ticket name one owner"
        if ticket.assignee_id is not None:
            assert ticket.status in HELD, ticket.status
            assert still_open == [], "a taken ticket asks nobody"
        elif ticket.status not in DONE:
            assert ticket.status == Status.DISPATCHED
            again = [timer for timer in waiting if timer.kind == "offer_again"]
            assert len(still_open) == 1 or again, "a ticket that nobody has asks somebody"


def owners(steps: list[Step]) -> int | None:
    """Who holds it by the journal; two accepts without a hand-over between them fail."""
    holder: int | None = None
    for step in steps:
        if step.action == Action.ACCEPT:
            assert holder is None, "two owners"
            holder = step.actor_id
        elif step.action in {Action.REASSIGN, Action.HAND_OVER, Action.DISPATCH}:
            holder = None
    return holder


async def test_whatever_happens_at_once_there_is_one_owner_or_somebody_is_asked(
    any_desk: Scenario,
) -> None:
    few, many = (60, 200) if is_sqlite(any_desk) else (6, 20)
    seeds = 1000 if SOAK else many if EVERYTHING else few
    people = await any_desk.desk.store.read(lambda tx: tx.find(Person, order="id"))
    actors = {
        person.id: Actor(person=person, role=person.roles[0], channel="telegram")
        for person in people
        if person.is_staff
    }
    for seed in range(seeds):
        try:
            await Scuffle(any_desk, actors, Random(seed)).play(seed)
        except AssertionError as fault:
            fault.add_note(f"seed {seed}")
            raise


# -- the inbox, by several workers


async def test_a_report_that_two_workers_take_opens_one_ticket(any_desk: Scenario) -> None:

    keep = inbox.keeper(any_desk.desk, lambda: None)
    raw = Raw(
        channel="telegram",
        account="",
        external_id="1",
        order_key="telegram:tang.wei",
        body=b"{}",
        received_at=any_desk.moment,
    )
    await keep([raw])
    (row,) = await any_desk.desk.store.read(lambda tx: tx.find(InboxRow))
    inbound = a_report(any_desk, "tang.wei")
    outcomes = await asyncio.gather(
        *(intake.receive(any_desk.desk, inbound, row.id) for _ in range(10))
    )
    assert Counter(o.kind for o in outcomes) == {"opened": 1, "done_already": 9}
    assert len(await any_desk.tickets()) == 1


async def test_a_stranger_who_writes_twice_at_once_is_one_person(any_desk: Scenario) -> None:

    report = a_report(any_desk, "999")
    ended = await asyncio.gather(
        *(intake.receive(any_desk.desk, replace(report, external_id=f"{n}")) for n in range(5)),
        return_exceptions=True,
    )
    addresses = await any_desk.desk.store.read(lambda tx: tx.find(Address, value="999"))
    assert [e for e in ended if isinstance(e, BaseException)] == []
    assert len(addresses) == 1


async def test_a_deadline_that_two_sweepers_see_fires_once(any_desk: Scenario) -> None:
    await any_desk.hears("xu.lan", "打印机卡纸 三楼财务 天河")
    any_desk.moment += timedelta(minutes=1)
    await asyncio.gather(*(timers.sweep(any_desk.desk) for _ in range(5)))
    journal = await any_desk.journal()
    assert Counter(step.action for step in journal)["triage"] == 1


async def test_letters_that_two_drains_see_are_carried_once(any_desk: Scenario) -> None:
    await any_desk.hears("tang.wei", DEAD_TILL)
    channel = any_desk.channels["mail"]

    def again(tx: Tx) -> None:
        letter = tx.first(OutboxRow, channel="mail")
        assert letter is not None
        for n in range(10):
            tx.add(replace(letter, id=0, reference=f"copy.{n}", state="pending", token="",
                           address=f"{n}@example.com", receipt=""))  # fmt: skip

    channel.delivered.clear()
    await any_desk.desk.store.write(again)

    async def drain() -> None:
        while rows := await outbox.claim(any_desk.desk, "mail"):
            for row in rows:
                await outbox.send(any_desk.desk, channel, row)

    await asyncio.gather(*(drain() for _ in range(5)))
    assert sorted(x.address for x in channel.delivered) == [f"{n}@example.com" for n in range(10)]


async def test_a_letter_whose_lease_another_has_is_not_sent(any_desk: Scenario) -> None:
    """A worker that slept past its lease finds another token and throws its claim away."""
    await any_desk.hears("tang.wei", DEAD_TILL)
    channel = any_desk.channels["mail"]
    channel.delivered.clear()

    def again(tx: Tx) -> None:
        letter = tx.first(OutboxRow, channel="mail")
        assert letter is not None
        tx.update(letter, state="pending", token="", kind="home")

    await any_desk.desk.store.write(again)
    (slept,) = await outbox.claim(any_desk.desk, "mail")
    any_desk.moment += timedelta(minutes=2)
    await outbox.rescue(any_desk.desk)
    (mine,) = await outbox.claim(any_desk.desk, "mail")
    await outbox.send(any_desk.desk, channel, slept)
    assert channel.delivered == []
    await outbox.send(any_desk.desk, channel, mine)
    assert len(channel.delivered) == 1
