"""A job that was offered: taken, declined, or handed on by whoever had it."""

from core import actions
from core.dispatch import offers
from core.effects.asking import ask, forget_words, wait_for_words
from core.effects.others import colleagues, job_choices, tell_desk, tell_moved
from core.errors import IllegalMove
from core.in_hand import InHand
from core.lifecycle import Action, Status
from core.notices.engineer import JobTaken, RemoteTaken
from core.notices.requester import EngineerAssigned, RemoteAssigned
from core.people import Person
from core.requests import Request
from core.ticket import Draft, Offer

S, A = Status, Action


def accept(hand: InHand, request: Request) -> None:
    person = hand.by.person
    assert person is not None
    offer = hand.tx.first(Offer, ticket_id=hand.ticket.id, person_id=person.id, state="open")
    if offer is None or not offers.answer(hand, offer, "accepted"):
        raise IllegalMove(status=hand.ticket.status, action=A.ACCEPT)
    on_site = hand.ticket.status == S.DISPATCHED
    hand.step(
        A.ACCEPT if on_site else A.START_PHONE,
        detail={"person": person.name, "offer": offer.id, **request.said},
        assignee_id=person.id,
    )
    offers.withdraw(hand, taken_by=person)
    hand.cancel_timers("offer_supervisor", "offer_again")
    number, requester = hand.ticket.number, hand.requester.name
    taken = JobTaken(number=number) if on_site else RemoteTaken(number=number, requester=requester)
    hand.answer(taken, choices=job_choices(hand))
    if on_site:
        hand.tell(
            hand.requester,
            EngineerAssigned(
                number=number, engineer=person.name, due=hand.ticket.still_due(hand.now)
            ),
        )
    else:
        hand.tell(hand.requester, RemoteAssigned(number=number, engineer=person.name))
    tell_desk(hand)


def decline(hand: InHand, request: Request) -> None:
    person = hand.by.person
    assert person is not None
    if not request.arg and not request.text:
        # The reason is part of the answer, and one tap.
        ask(hand, A.DECLINE, actions.DECLINE_REASONS)
        return
    offer = hand.tx.first(Offer, ticket_id=hand.ticket.id, person_id=person.id, state="open")
    if offer is None or not offers.answer(hand, offer, "declined", request.arg or request.text):
        raise IllegalMove(status=hand.ticket.status, action=A.DECLINE)
    hand.step(A.DECLINE, arg=request.arg, detail={"person": person.name, **request.said})
    offers.offer_next(hand)


NEXT_BEST = "next"


def hand_over(hand: InHand, request: Request) -> None:
    """To whom, and what they must know. A press asks both: the name is one more tap, and words
    that are written instead are the note."""
    person, note = _whom_and_what(hand, request)
    kept = _kept_note(hand)
    if person is None and request.arg != NEXT_BEST and (kept is not None or not note):
        _ask_whom(hand, note)
        return
    note = note or (kept.arg if kept else "")
    before = hand.assignee
    hand.step(
        A.HAND_OVER,
        arg=person.code or "" if person else "",
        detail={
            **({"text": note} if note else {}),
            **({"from": before.id} if before else {}),
            **request.detail,
        },
        assignee_id=None,
    )
    forget_words(hand, hand.by.person)
    tell_moved(hand, before, person)
    if person is not None:
        offers.offer_to(hand, person)
    else:
        offers.withdraw(hand)
        offers.offer_next(hand)


def _whom_and_what(hand: InHand, request: Request) -> tuple[Person | None, str]:
    """ "li.wei the cable is still missing": a name at the front is whom, the rest is the note."""
    if request.arg and (person := hand.book.named(request.arg)):
        return person, request.text
    first, _, rest = request.text.strip().partition(" ")
    if first and (person := hand.book.named(first)):
        return person, rest.strip()
    return None, request.text.strip()


def _kept_note(hand: InHand) -> Draft | None:
    person = hand.by.person
    if person is None:
        return None
    return hand.tx.first(Draft, person_id=person.id, ticket_id=hand.ticket.id, kind="hand_over")


def _ask_whom(hand: InHand, note: str) -> None:
    ask(hand, A.HAND_OVER, [*colleagues(hand), NEXT_BEST])
    wait_for_words(hand, hand.by.person, "hand_over", note)
