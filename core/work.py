"""Actions on a ticket, by people: one door for buttons, words, digits and links (promise 5)."""

from dataclasses import replace
from datetime import datetime

from core import actions, clocks, passing_on
from core.apart import APART
from core.desk import Desk
from core.dispatch import backlog, leaving
from core.effects import EFFECTS, just_a_step
from core.errors import (
    IllegalMove,
    Missing,
    NoSuchTicket,
    NotAllowed,
    Refusal,
    TakenByAnother,
    Unproven,
)
from core.in_hand import Actor, InHand, relations
from core.lifecycle import Action
from core.notices.answers import refused
from core.notices.desk import ClaimToAccept
from core.notices.engineer import JobTaken
from core.numbers import serial_of
from core.people import Person, Role, name_of
from core.ports import Tx
from core.requests import REPEATED, Outcome, Request
from core.rows import InboxRow
from core.sla.clock import LATE_ENTRY
from core.telling import language_of, tell
from core.ticket import Offer, Ticket

A = Action


async def act(desk: Desk, request: Request, by: Actor, inbox_id: int | None = None) -> Outcome:
    """Do it in one transaction with everything that follows from it, or say why not."""

    def body(tx: Tx) -> Outcome:
        now = desk.now()
        if inbox_id is not None and not settle(tx, inbox_id, now):
            return REPEATED
        return perform(tx, desk, request, by, now, cause=f"in{inbox_id}" if inbox_id else "")

    outcome = await desk.store.write(body)
    desk.wake()
    return outcome


def settle(tx: Tx, inbox_id: int, now: datetime, note: str = "", state: str = "done") -> bool:
    """The first statement of every transaction that answers an inbox row: once, or not at all."""
    return (
        tx.update_where(
            InboxRow, {"id": inbox_id, "state": "new"}, state=state, note=note, settled_at=now
        )
        == 1
    )


async def ignore(desk: Desk, inbox_id: int, why: str) -> None:
    """Nothing to be done about this row, and it is written down why."""
    now = desk.now()
    await desk.store.write(lambda tx: settle(tx, inbox_id, now, note=why, state="ignored"))


def perform(
    tx: Tx, desk: Desk, request: Request, by: Actor, now: datetime, *, cause: str = ""
) -> Outcome:
    """One action within a transaction. Rules refuse before anything is written."""
    try:
        if request.action in APART:
            return APART[request.action](tx, desk, request, by, now, cause)
        ticket = find_ticket(tx, request.number)
        request, claimed = _dated(desk, request, now), request.at is None
        hand = InHand(tx, desk, ticket, by=by, now=now, at=request.at, cause=cause)
        request = replace(request, action=guarded(hand, request.action))
        if claimed and hand.at < ticket.opened_at:
            raise Missing(number=ticket.number, what="moment")
        said = EFFECTS.get(request.action, just_a_step)(hand, request)
        _ask_for_approval(hand, request)
        saved = hand.save()
        passing_on.follow(hand, ticket, request)
        leaving.watch(hand, ticket)
        backlog.freed(hand, ticket)
        return Outcome(said or f"done_{request.action}", saved)
    except Refusal as refusal:
        return refuse(tx, desk, refusal, by, now, f"{request.number}.{request.action}")


def _dated(desk: Desk, request: Request, now: datetime) -> Request:
    """ "ARR 14:05" is entered late: it keeps both times (clock rule 3)."""
    if request.action not in clocks.CLAIMABLE or request.at is not None:
        return request
    at = desk.past_moment_in(request.arg, now)
    return replace(request, at=at, arg="") if at else request


def _ask_for_approval(hand: InHand, request: Request) -> None:
    """Where the contract wants it so, a late entry counts only once a supervisor accepts it."""
    if request.action not in clocks.CLAIMABLE or hand.now - hand.at <= LATE_ENTRY:
        return
    if not hand.desk.rules.claims_need_approval:
        return
    hand.tell_role(
        ClaimToAccept(
            number=hand.ticket.number,
            engineer=name_of(hand.by.person),
            status=hand.ticket.status,
            at=hand.at,
            entered=hand.now,
        ),
        Role.SUPERVISOR,
        choices=(hand.choice(A.ACCEPT_CLAIM, str(hand.history[-1].seq), "primary"),),
    )


def refuse(tx: Tx, desk: Desk, refusal: Refusal, by: Actor, now: datetime, event: str) -> Outcome:
    """A refusal in words, and nobody is left without: who sees no outcome is sent a letter."""
    if by.person is not None and by.reply is not None and not by.sees_outcome:
        number = str(refusal.params.get("number", ""))
        done = isinstance(refusal, _Done)
        tell(
            tx,
            desk,
            by.person,
            JobTaken(number=number) if done else refused(refusal),
            event=f"{event}.{by.reply.message_id or now.timestamp()}",
            now=now,
            reply=by.reply,
        )
    return Outcome(refusal.kind, None, refusal.params, refused=not isinstance(refusal, _Done))


def find_ticket(tx: Tx, number: str) -> Ticket:
    """The ticket of that number, held until the transaction ends. Raises NoSuchTicket."""
    serial = serial_of(number)
    ticket = tx.lock(Ticket, serial) if serial else None
    if ticket is None:
        raise NoSuchTicket(number=number[:12])
    return ticket


def guarded(hand: InHand, action: Action) -> Action:
    """What is meant by the action now, if this person may do it (R-120), and with this proof.

    Whether the state allows it is for `step` to say. Raises NotAllowed, Unproven and, where an
    offer came to nothing, TakenByAnother or IllegalMove.
    """
    person = hand.by.person
    if person is None:
        return action
    ties, status = relations(hand.tx, hand.ticket, person), hand.ticket.status
    action = actions.meant(action, person.roles, ties, status)
    if actions.may(action, person.roles, ties, status):
        own = actions.may(action, (Role.REQUESTER,), ties)
        if hand.by.proven or own or not person.is_staff:
            return action
        raise Unproven(number=hand.ticket.number)
    if action in {A.ACCEPT, A.DECLINE} and person.is_staff:
        _explain_lost_offer(hand, person, action)
    raise NotAllowed(number=hand.ticket.number)


def _explain_lost_offer(hand: InHand, person: Person, action: Action) -> None:
    """Who comes too late is told who has it; the winner's second press is fine."""
    asked = hand.tx.first(Offer, order="-id", ticket_id=hand.ticket.id, person_id=person.id)
    if asked is None:
        return
    if hand.ticket.assignee_id == person.id and action == A.ACCEPT:
        raise _Done(number=hand.ticket.number)
    holder = hand.assignee
    if holder is not None:
        raise TakenByAnother(number=hand.ticket.number, by=holder.called(language_of(person)))
    raise IllegalMove(status=asked.state, action=action)


class _Done(Refusal):
    """A second press by the winner is success."""

    kind = "done_accept"
