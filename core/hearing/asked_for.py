"""Words that the desk asked for, and a matter that names itself: a complaint, a deviation."""

from core import grievances
from core.actions import ACTIONS, Relation, may
from core.hearing import Hearing
from core.hearing.reporting import opened
from core.in_hand import relations
from core.lifecycle import OPEN, Action, Status
from core.numbers import number_of
from core.requests import Outcome, Request
from core.ticket import Draft, Ticket

A = Action
DRAFTS = {spec.asks: action for action, spec in ACTIONS.items() if spec.asks} | {"comment": A.RATE}


def drafted(hearing: Hearing) -> Outcome | None:
    """The desk asked this person for words, and here they are: text, voice or photo."""
    draft = hearing.tx.first(Draft, person_id=hearing.person.id)
    if draft is None:
        return None
    if draft.expires_at <= hearing.now:
        hearing.tx.delete(Draft, id=draft.id)
        return None
    replied = hearing.of_thread()
    if replied is None and hearing.inbound.subject:
        return None  # a mail that answers nothing is a matter of its own
    if replied is not None and replied.id != draft.ticket_id:
        return None
    hearing.keep(draft.ticket_id)
    action = DRAFTS.get(draft.kind, A.NOTE)
    hearing.vouch(number_of(draft.ticket_id), action)
    return hearing.perform(
        Request(
            action=action,
            number=number_of(draft.ticket_id),
            arg=draft.arg,
            text=hearing.text,
            files=hearing.inbound.files,
        )
    )


def grievance(hearing: Hearing) -> Outcome | None:
    """A complaint or a notice of deviation that names no ticket: about the last one or, where
    there is none, a matter of its own."""
    said = grievances.said_in(hearing.matter)
    if said is None:
        return None
    lately = hearing.mine((*OPEN, Status.CLOSED))[:1] if said.kind == grievances.COMPLAINT else []
    ticket = hearing.of_thread() or next(iter(lately), None)
    ties = relations(hearing.tx, ticket, hearing.person) if ticket else {Relation.OWN}
    if not may(said.action, hearing.person.roles, ties):
        return None
    if ticket is None:
        ticket = _matter_of_its_own(hearing, said.kind)
    hearing.keep(ticket.id)
    return hearing.perform(Request(action=said.action, number=ticket.number, text=said.words))


def _matter_of_its_own(hearing: Hearing, kind: str) -> Ticket:
    """A ticket that nobody has to be sent for: what counts is the record on it."""
    hand = opened(hearing)
    hand.step(A.NOT_A_FAULT, to=Status.CLOSED)
    hand.change(kind=kind, settled=True, closed_at=hearing.now, close_code=kind)
    return hand.save()
