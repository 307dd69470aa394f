"""A message is put into a ticket that there is, and the other side knows."""

from dataclasses import replace

from core import grievances, passing_on
from core.actions import Relation
from core.hearing import Hearing
from core.hearing.reporting import in_words, report, warn_of_password
from core.in_hand import InHand, relations
from core.lifecycle import Action, Status
from core.notices.engineer import RequesterSays
from core.notices.requester import MessageAdded
from core.people import Role
from core.requests import Outcome, Request
from core.ticket import Message, Ticket
from core.understand.reading import Understanding
from core.understand.secrets import mask_passwords

A = Action


def add(hearing: Hearing, ticket: Ticket, *, why: str) -> Outcome:
    """Put the message into the ticket, and let the other side know."""
    held = hearing.tx.lock(Ticket, ticket.id)
    assert held is not None
    ties = relations(hearing.tx, held, hearing.person)
    is_own = Relation.OWN in ties
    if not held.is_open and is_own:
        return _after_the_end(hearing, held)
    if _is_more_of_an_album(hearing, held):
        hearing.guest = replace(hearing.guest, reply=None)  # its first part was answered
    by_staff = not is_own and hearing.person.is_staff
    hearing.keep(held.id, shown_to="" if by_staff else passing_on.JOB)
    hand = hearing.hand(held)
    text = hearing.text or in_words(hearing.inbound)
    if by_staff:
        if Relation.JOB not in ties and not hearing.person.has(Role.DESK_AGENT, Role.SUPERVISOR):
            return hearing.perform(Request(action=A.NOTE, number=held.number, text=text))
        return hearing.perform(
            Request(
                action=A.RELAY, number=held.number, text=hearing.text, files=hearing.inbound.files
            )
        )
    text = mask_passwords(text)
    hand.step(A.ADD, detail={"text": text, "why": why})
    warn_of_password(hearing, hand)
    if held.status == Status.NEW and not held.settled:
        _learn(hearing, hand)
        if hearing.phone and held.site is None and hand.ticket.site is not None:
            # The question went to a telephone: no card there shows that its answer was read.
            hand.answer(MessageAdded(number=held.number, symptom=held.symptom))
    else:
        if held.status == Status.WAITING_USER:
            hand.step(A.RESUME)
        if hearing.text or not hearing.inbound.files:  # files speak for themselves
            tell_holder(hearing, hand, text)
    if hearing.inbound.files:
        passing_on.pass_on(hand)
    if why == "recent":
        hand.answer(
            MessageAdded(number=held.number, symptom=held.symptom),
            choices=(hand.choice(A.DETACH, str(hearing.inbox_id or "")),),
        )
    return Outcome("added", hand.save())


def _is_more_of_an_album(hearing: Hearing, ticket: Ticket) -> bool:
    album = hearing.inbound.album
    return bool(album) and bool(
        hearing.tx.first(Message, album=album, person_id=hearing.person.id, ticket_id=ticket.id)
    )


def _after_the_end(hearing: Hearing, ticket: Ticket) -> Outcome:
    """A word after closing re-opens while that is allowed; later it is a new ticket (R-041).

    Whoever waits for the answer to a complaint is still complaining.
    """
    complaint = grievances.unsettled(hearing.tx, ticket.id, grievances.COMPLAINT)
    if complaint is not None and complaint.state == "open":
        hearing.keep(ticket.id)
        return hearing.perform(Request(action=A.COMPLAIN, number=ticket.number, text=hearing.text))
    closed = ticket.closed_at
    fresh = closed is not None and hearing.now - closed <= hearing.desk.rules.reopen
    if ticket.status == Status.CLOSED and fresh:
        hearing.keep(ticket.id)
        return hearing.perform(Request(action=A.REOPEN, number=ticket.number, text=hearing.text))
    return report(hearing, after=ticket)


def _learn(hearing: Hearing, hand: InHand) -> None:
    """More words while the ticket settles: read all of them together again."""
    symptom = " ".join(part for part in (hand.ticket.symptom, mask_passwords(hearing.text)) if part)
    hand.change(symptom=symptom, **corrected(hand.ticket, hearing.understand(symptom)))


def tell_holder(hearing: Hearing, hand: InHand, text: str) -> None:
    notice = RequesterSays(number=hand.ticket.number, requester=hearing.person.name, text=text)
    if hand.assignee is not None:
        hand.tell(hand.assignee, notice)
    elif hand.ticket.settled:
        hand.tell_role(notice, Role.DESK_AGENT)


def corrected(ticket: Ticket, read: Understanding) -> dict[str, object]:
    """What a new reading of all the words changes; what a person set by hand stays."""
    changes: dict[str, object] = {
        "category": read.category or ticket.category,
        "device": read.device or ticket.device,
        "mode": read.mode or ticket.mode,
    }
    if read.site != "?" and ticket.site is None:
        changes["site"] = read.site
    if read.severity < ticket.severity:  # P1 sorts before P4: only worse news counts
        changes["severity"] = changes["priority"] = read.severity
    return changes
