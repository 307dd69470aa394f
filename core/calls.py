"""A telephone call, logged by the desk on behalf of the caller (R-002, R-009)."""

import re

from core.desk import Desk
from core.errors import CallForm
from core.guests import Guest, door
from core.hearing import Hearing
from core.hearing.reporting import report
from core.in_hand import InHand
from core.lifecycle import Action
from core.messages import Inbound
from core.notices.answers import CallLogged, Refused
from core.numbers import is_number
from core.people import Address, Person, Role
from core.ports import Tx
from core.requests import REPEATED, Outcome, Request
from core.telling import Reply
from core.ticket import Ticket
from core.work import settle

_CALLER = re.compile(r"^(\+?[\d -]{5,20}|\S+)\s+(.+)$", re.DOTALL)


async def log_call(desk: Desk, inbound: Inbound, inbox_id: int | None = None) -> Outcome:
    """`13800138000 the printer is jammed`: a ticket of the caller, with an answered call in it.

    `100427 she rang again`: one more call about that ticket.
    """

    def body(tx: Tx) -> Outcome:
        now = desk.now()
        if inbox_id is not None and not settle(tx, inbox_id, now):
            return REPEATED
        agent = door(tx, desk, inbound, now)
        hearing = Hearing(tx, desk, inbound, agent, now, inbox_id)
        said = _CALLER.match(inbound.text.strip())
        if not agent.person.has(Role.DESK_AGENT, Role.SUPERVISOR, Role.REMOTE_AGENT):
            hearing.say(Refused(reason="refused_not_allowed", detail=""))
            return Outcome("refused_not_allowed", refused=True)
        if said is None:
            hearing.say(Refused(reason=CallForm.kind, detail=""))
            return Outcome(CallForm.kind, refused=True)
        if is_number(said[1]):
            request = Request(action=Action.CALL, number=said[1], text=said[2].strip())
            return hearing.perform(request)
        caller = _caller(tx, desk, said[1].strip(), agent)
        on_behalf = Inbound(
            channel="tel",
            account="",
            external_id=inbound.external_id,
            sender=caller.address.value,
            text=said[2].strip(),
            occurred_at=inbound.occurred_at,
            received_at=inbound.received_at,
            trust="proven",
            detail={"new": "yes", "agent": agent.person.code or ""},
        )
        outcome = report(Hearing(tx, desk, on_behalf, caller, now, inbox_id))
        assert outcome.ticket is not None
        _answered(tx, desk, outcome.ticket, agent, now)
        return outcome

    outcome = await desk.store.write(body)
    desk.wake()
    return outcome


def _caller(tx: Tx, desk: Desk, who: str, agent: Guest) -> Guest:
    """By number or by the name in the register; an unknown number becomes a provisional person."""
    number = re.sub(r"[ -]", "", who)
    person = tx.first(Person, phone=number) or tx.first(Person, phone=f"+86{number}")
    person = person or tx.first(Person, code=who)
    if person is None:
        person = tx.insert(Person(name=who, phone=number, provisional=True, created_at=desk.now()))
    address = Address(person_id=person.id, channel="tel", value=number)
    return Guest(person, address, True, Reply(channel="tel", account="", address=number))


def _answered(tx: Tx, desk: Desk, ticket: Ticket, agent: Guest, now: object) -> None:
    held = tx.lock(Ticket, ticket.id)
    assert held is not None
    hand = InHand(tx, desk, held, by=agent.actor, now=desk.now())
    hand.step(Action.CALL, detail={"answered": True})
    logged = CallLogged(number=ticket.number, requester=hand.requester.name, symptom=ticket.symptom)
    hand.answer(logged)
    hand.save()
