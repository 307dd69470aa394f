"""A telephone call, logged by the desk on behalf of the caller (R-002, R-009)."""

import re
from datetime import datetime

from core.desk import Desk
from core.errors import CallForm, NotAllowed
from core.guests import Guest, door
from core.hearing import Hearing
from core.hearing.reporting import report
from core.in_hand import InHand
from core.lifecycle import Action
from core.messages import Inbound
from core.notices.answers import CallLogged
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
        guest = door(tx, desk, inbound, now)
        return _logged(Hearing(tx, desk, inbound, guest, now, inbox_id))

    outcome = await desk.store.write(body)
    desk.wake()
    return outcome


def _logged(hearing: Hearing) -> Outcome:
    if not hearing.person.has(Role.DESK_AGENT, Role.SUPERVISOR, Role.REMOTE_AGENT):
        return hearing.refuse(NotAllowed())
    said = _CALLER.match(hearing.text)
    if said is None:
        return hearing.refuse(CallForm())
    who, what = said[1].strip(), said[2].strip()
    if is_number(who):
        return hearing.perform(Request(action=Action.CALL, number=who, text=what))
    caller = _caller(hearing.tx, who, hearing.now)
    on_behalf = Inbound(
        channel="tel",
        account="",
        external_id=hearing.inbound.external_id,
        sender=caller.address.value,
        text=what,
        occurred_at=hearing.inbound.occurred_at,
        received_at=hearing.inbound.received_at,
        trust="proven",
        detail={"new": "yes", "agent": hearing.person.code or ""},
    )
    reported = Hearing(hearing.tx, hearing.desk, on_behalf, caller, hearing.now, hearing.inbox_id)
    outcome = report(reported)
    assert outcome.ticket is not None
    _answered(hearing, outcome.ticket)
    return outcome


def _caller(tx: Tx, who: str, now: datetime) -> Guest:
    """By number or by the name in the register; an unknown number becomes a provisional person."""
    number = re.sub(r"[ -]", "", who)
    person = tx.first(Person, phone=number) or tx.first(Person, phone=f"+86{number}")
    person = person or tx.first(Person, code=who)
    if person is None:
        person = tx.insert(Person(name=who, phone=number, provisional=True, created_at=now))
    address = Address(person_id=person.id, channel="tel", value=number)
    return Guest(person, address, True, Reply(channel="tel", account="", address=number))


def _answered(hearing: Hearing, ticket: Ticket) -> None:
    """The agent who answered stands in the journal, and is told the number for the caller."""
    held = hearing.tx.lock(Ticket, ticket.id)
    assert held is not None
    cause = f"{hearing.event}.call"
    hand = InHand(
        hearing.tx, hearing.desk, held, by=hearing.guest.actor, now=hearing.now, cause=cause
    )
    hand.step(Action.CALL, detail={"answered": True})
    logged = CallLogged(number=ticket.number, requester=hand.requester.name, symptom=ticket.symptom)
    hand.answer(logged)
    hand.save()
