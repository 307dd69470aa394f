"""What the ticket says is put right: its site, its kind, its times, its verdicts."""

from collections.abc import Callable

from core import actions, corrections
from core.dispatch import offers
from core.effects.asking import ask, forget_words, wait_for_words
from core.errors import Missing
from core.in_hand import InHand
from core.kinds import PRIORITIES
from core.lifecycle import Action, Status
from core.notices.engineer import AskChoice, NoteKept
from core.opening import open_from
from core.register import amend
from core.requests import Request
from core.routing import route
from core.sla.clock import LATE_ENTRY
from core.ticket import Message, Ticket

S, A = Status, Action


def set_site(hand: InHand, request: Request) -> None:
    if not request.arg:
        ask(hand, A.SET_SITE, hand.book.sites)
        return
    if request.arg not in hand.book.sites:
        raise Missing(number=hand.ticket.number, what="site")
    before = hand.ticket.site
    hand.step(A.SET_SITE, arg=request.arg, detail={"was": before or ""}, site=request.arg)
    person = hand.requester
    if person.site is None and not person.is_staff:
        amend(hand.tx, person, site=request.arg)  # so that nobody is asked twice
    _tell_other_tickets_the_site(hand, request)
    if before != request.arg and hand.ticket.status == S.DISPATCHED:
        offers.withdraw(hand)
        offers.offer_next(hand)
    if hand.ticket.status == S.NEW and hand.ticket.settled:
        route(hand)


def _tell_other_tickets_the_site(hand: InHand, request: Request) -> None:
    """An answer counts for everything the person has reported and not said a site for (R-012)."""
    others = hand.tx.find(
        Ticket, requester_id=hand.ticket.requester_id, site=None, status=(S.NEW, S.TRIAGED)
    )
    for other in others:
        if other.id != hand.ticket.id:
            held = InHand(hand.tx, hand.desk, other, by=hand.by, now=hand.now)
            held.step(A.SET_SITE, arg=request.arg, detail={"why": "said for another ticket"})
            held.change(site=request.arg)
            held.save()


def set_to(name: str) -> Callable[[InHand, Request], None]:
    def effect(hand: InHand, request: Request) -> None:
        if not request.arg:
            ask(hand, request.action, actions.ACTIONS[request.action].args)
            return
        was = getattr(hand.ticket, name)
        hand.step(request.action, arg=request.arg, detail={"was": was})
        hand.change(**{name: request.arg})

    return effect


def set_priority(hand: InHand, request: Request) -> None:
    if not request.arg:
        ask(hand, A.SET_PRIORITY, PRIORITIES)
        return
    if request.arg not in PRIORITIES:
        raise Missing(number=hand.ticket.number, what="priority")
    was = hand.ticket.priority
    hand.step(
        A.SET_PRIORITY,
        arg=request.arg,
        detail={"was": was},
        severity=request.arg,
        priority=request.arg,
    )


def detach(hand: InHand, request: Request) -> None:
    """ "Not that one": the message becomes a ticket of its own, and the desk sees both (R-014)."""
    message = hand.tx.first(
        Message,
        order="-id",
        ticket_id=hand.ticket.id,
        **({"inbox_id": int(request.arg)} if request.arg.isdigit() else {}),
    )
    if message is None:
        raise Missing(number=hand.ticket.number, what="message")
    hand.step(A.DETACH, arg=request.arg)
    other = open_from(
        hand.tx,
        hand.desk,
        message,
        requester=hand.requester,
        by=hand.by,
        now=hand.now,
        cause=f"detach{message.id}",
        after=hand.ticket,
    )
    other.save()


def accept_claim(hand: InHand, request: Request) -> None:
    """The supervisor agrees that it happened when it is said to have happened."""
    late = [step for step in hand.history if step.entered_at - step.at > LATE_ENTRY]
    claim = next((step for step in late if request.arg in {"", str(step.seq)}), None)
    if claim is None:
        raise Missing(number=hand.ticket.number, what="moment")
    hand.step(A.ACCEPT_CLAIM, detail={"claim": claim.seq, **request.said})
    hand.answer(NoteKept(number=hand.ticket.number))


def correct_verdict(hand: InHand, request: Request) -> str | None:
    """Which of the ticket's verdicts, and why: asked one after the other where it was not said."""
    milestone, why = request.arg, request.text
    if not milestone and why:
        milestone, why = corrections.milestone_in(hand, why)
    if not milestone:
        ask(hand, A.CORRECT_VERDICT, corrections.correctable(hand))
        return "asked_for_choice"
    if not why:
        wait_for_words(hand, hand.by.person, A.CORRECT_VERDICT, milestone)
        hand.answer(AskChoice(number=hand.ticket.number, asked="why_corrected"))
        return "asked_for_words"
    corrections.correct(hand, milestone, why)
    forget_words(hand, hand.by.person)
    return None
