"""Leave, hand-over and emergency from many sides at once: never two owners, never an orphan."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from typing import TypeVar

import pytest

from core import enquiries, timers, work
from core.in_hand import Actor
from core.lifecycle import HELD, Action
from core.messages import Inbound
from core.people import ENGINEERS, Role
from core.requests import Request
from core.rows import TimerRow
from core.ticket import Offer, Step, Ticket, broken_link
from tests.scenario import Scenario
from tests.test_story import DEAD_TILL

R = TypeVar("R")

SEEDS = 200 if os.environ.get("PAIDAN_SOAK") == "1" else 4
ROUNDS = 5
Move = Callable[[], Awaitable[object]]


class Fray:
    """Tickets at which everybody pulls, as a seed decides."""

    def __init__(self, desk: Scenario, actors: dict[int, Actor], luck: Random) -> None:
        self.desk, self.actors, self.luck = desk, actors, luck
        self.said = 0

    def crew(self) -> list[Actor]:
        return [a for a in self.actors.values() if a.person and a.person.has(*ENGINEERS)]

    def one(self, role: Role) -> Actor:
        return next(a for a in self.actors.values() if a.role == role)

    async def moves(self) -> list[Move]:
        tickets = await self.desk.tickets()
        moves: list[Move] = [lambda: timers.sweep(self.desk.desk)]
        moves += [self._move(self.luck.choice(tickets)) for _ in range(self.luck.randint(3, 6))]
        self.luck.shuffle(moves)
        return moves

    def _move(self, ticket: Ticket) -> Move:
        engineer = self.actors.get(ticket.assignee_id or 0) or self.luck.choice(self.crew())
        desk_agent, supervisor = self.one(Role.DESK_AGENT), self.one(Role.SUPERVISOR)
        other = str(self.luck.choice(self.crew()).person.code)  # type: ignore[union-attr]
        first = "100014"
        options: list[tuple[Actor, Action, str]] = [
            (self.luck.choice(self.crew()), Action.ACCEPT, ""),
            (engineer, Action.ACCEPT, ""),
            (engineer, Action.DECLINE, "schedule"),
            (engineer, Action.HAND_OVER, other),
            (engineer, Action.DEPART, ""),
            (supervisor, Action.REASSIGN, other),
            (supervisor, Action.HAND_OVER, ""),
            (supervisor, Action.DECLARE_EMERGENCY, ""),
            (supervisor, Action.STAND_DOWN, ""),
            (desk_agent, Action.LINK_DUPLICATE, first),
        ]
        if self.luck.random() < 0.25:
            return lambda: self._leave(engineer)
        by, action, arg = self.luck.choice(options)
        request = Request(action=action, number=ticket.number, arg=arg, text="fray")
        return lambda: work.act(self.desk.desk, request, by)

    async def _leave(self, engineer: Actor) -> object:
        self.said += 1
        assert engineer.person is not None
        inbound = Inbound(
            channel="telegram",
            external_id=f"leave {self.said}",
            sender=str(engineer.person.code),
            text="today",
            occurred_at=self.desk.moment,
            received_at=self.desk.moment,
            trust="proven",
        )
        return await enquiries.enquire(self.desk.desk, "leave", inbound)

    async def check(self) -> None:
        for ticket in await self.desk.tickets():
            steps = await self._rows(Step, order="seq", ticket_id=ticket.id)
            assert broken_link(steps, ticket.head) is None
            offers = await self._rows(Offer, ticket_id=ticket.id)
            still_open = [offer for offer in offers if offer.state == "open"]
            held = ticket.status in HELD
            assert held == (ticket.assignee_id is not None), ticket
            if held or ticket.follows:
                assert still_open == [], ticket
            elif ticket.status == "dispatched":
                again = await self._rows(
                    TimerRow, kind="offer_again", subject=f"ticket/{ticket.id}", state="pending"
                )
                assert still_open or again, ticket  # never an orphan

    async def _rows(self, row: type[R], /, order: str = "", **where: object) -> list[R]:
        return await self.desk.desk.store.read(
            lambda tx: tx.find(row, order=order, limit=None, **where)
        )


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_nothing_is_lost_or_owned_twice_however_people_pull(
    busy_desk: Scenario, seed: int
) -> None:
    desk = busy_desk
    luck = Random(seed)
    staff = await desk.desk.store.read(lambda tx: desk.desk.register.open(tx).staff)
    actors = {
        person.id: Actor(person=person, role=person.roles[0], channel="telegram")
        for person in staff.values()
    }
    for who in ("tang.wei", "feng.lei", "pan.yue"):
        await desk.hears(who, DEAD_TILL)
    fray = Fray(desk, actors, luck)
    for _ in range(ROUNDS):
        desk.moment += timedelta(minutes=luck.choice((0, 1, 5, 6)))
        await asyncio.gather(*(move() for move in await fray.moves()))
        desk.moment += timedelta(seconds=1)
        await timers.sweep(desk.desk)
        await fray.check()
