"""Every role × action × relation, through the one door: what the table grants, and nothing else."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from core import work
from core.actions import ACTIONS, Relation
from core.in_hand import Actor
from core.lifecycle import LIFE, OPEN, Action, Status
from core.numbers import number_of
from core.people import STAFF, Person, Role
from core.ports import Tx
from core.requests import Outcome, Request
from core.rows import OutboxRow
from core.ticket import Offer, Step, Ticket, chained
from tests.scenario import Scenario

FIRST_SERIAL = 500_000


@dataclass(frozen=True)
class Cell:
    """One person with one role and one tie, who wants one thing."""

    role: Role
    action: Action
    relation: Relation

    def __str__(self) -> str:
        return f"{self.role} / {self.action} / {self.relation}"

    @property
    def granted(self) -> bool:
        who = ACTIONS[self.action].who
        return (self.role, self.relation) in who or (self.role, Relation.ANY) in who


def cells() -> Iterator[Cell]:
    for role, action, relation in product(Role, ACTIONS, Relation):
        yield Cell(role, action, relation)


def fitting(action: Action) -> Status:
    """A state in which the action is possible, an open one where there is any."""
    origin = LIFE[action].origin
    return min(origin & OPEN or origin)


def arrange(tx: Tx, desk: Scenario, cell: Cell, serial: int) -> tuple[Ticket, Actor]:
    """Their own ticket for each cell; whoever has the role is one and the same."""
    code = f"cell.{cell.role}"
    person = tx.first(Person, code=code) or tx.insert(
        Person(name=code, roles=(cell.role,), code=code, created_at=desk.moment)
    )
    other = tx.first(Person, code="tang.wei")
    assert other is not None
    status = fitting(cell.action)
    steps = [
        Step(
            ticket_id=serial,
            seq=seq,
            at=desk.moment,
            entered_at=desk.moment,
            action=action,
            from_status=before,
            to_status=after,
        )
        for seq, (action, before, after) in enumerate(
            (("report", "", Status.WORKING), ("offer_remote", Status.WORKING, status)), start=1
        )
    ]
    first = tx.insert(chained(steps[0], ""))
    second = tx.insert(chained(steps[1], first.hash))
    ticket = tx.insert(
        Ticket(
            id=serial,
            number=number_of(serial),
            status=status,
            requester_id=person.id if cell.relation == Relation.OWN else other.id,
            assignee_id=person.id if cell.relation == Relation.JOB else None,
            origin="telegram",
            site="ZH-XZ",
            mode="onsite",
            symptom="test",
            opened_at=desk.moment,
            changed_at=desk.moment,
            closed_at=None if status in OPEN else desk.moment,
            version=2,
            head=second.hash,
        )
    )
    if cell.relation == Relation.OFFERED:
        tx.insert(
            Offer(
                ticket_id=serial,
                person_id=person.id,
                step="field",
                offered_at=desk.moment,
                answer_by=desk.moment,
            )
        )
    return ticket, Actor(person=person, role=cell.role, channel="telegram")


async def tried(desk: Scenario, wanted: list[Cell]) -> list[tuple[Cell, Ticket, Outcome]]:
    arranged = await desk.desk.store.write(
        lambda tx: [arrange(tx, desk, c, FIRST_SERIAL + n) for n, c in enumerate(wanted)]
    )

    async def press(cell: Cell, ticket: Ticket, by: Actor) -> tuple[Cell, Ticket, Outcome]:
        args = ACTIONS[cell.action].args
        request = Request(
            action=cell.action, number=ticket.number, arg=args[0] if args else "", text="said"
        )
        return cell, ticket, await work.act(desk.desk, request, by)

    both = zip(wanted, arranged, strict=True)
    return await asyncio.gather(*(press(cell, *rest) for cell, rest in both))


async def test_whoever_the_table_names_may(desk: Scenario) -> None:
    granted = [cell for cell in cells() if cell.granted]
    refused = [
        str(cell)
        for cell, _, outcome in await tried(desk, granted)
        if outcome.kind == "refused_not_allowed"
    ]
    assert refused == []


async def test_whoever_the_table_does_not_name_may_not_and_changes_nothing(desk: Scenario) -> None:
    before = await desk.desk.store.read(lambda tx: tx.count(OutboxRow))
    ended = await tried(desk, [cell for cell in cells() if not cell.granted])
    allowed = [f"{cell}: {outcome.kind}" for cell, _, outcome in ended if not outcome.refused]
    assert allowed == []

    def touched(tx: Tx) -> list[str]:
        return [
            str(cell)
            for cell, ticket, _ in ended
            if tx.get(Ticket, ticket.id) != ticket or tx.count(Step, ticket_id=ticket.id) != 2
        ]

    assert await desk.desk.store.read(touched) == []
    assert await desk.desk.store.read(lambda tx: tx.count(OutboxRow)) == before


async def test_a_claim_to_be_somebody_is_no_proof(desk: Scenario) -> None:
    """A mail's From and an SMS's sender open no staff action (design §8)."""
    staff_cells = [
        cell
        for cell in cells()
        if cell.granted and cell.relation != Relation.OWN and cell.role in STAFF
    ]
    arranged = await desk.desk.store.write(
        lambda tx: [arrange(tx, desk, c, FIRST_SERIAL + n) for n, c in enumerate(staff_cells)]
    )
    outcomes = [
        await work.act(
            desk.desk,
            Request(action=cell.action, number=ticket.number, text="said"),
            replace(by, proven=False),
        )
        for cell, (ticket, by) in zip(staff_cells, arranged, strict=True)
    ]
    done = [str(c) for c, o in zip(staff_cells, outcomes, strict=True) if not o.refused]
    assert done == []
