"""Work without a visit: by telephone, at a distance, by the experts."""

from core.dispatch import offers
from core.effects.others import job_choices
from core.errors import IllegalMove
from core.in_hand import InHand
from core.lifecycle import Action, Status
from core.notices.engineer import JobTaken, RemoteAgreed
from core.notices.requester import RemoteAssigned, RemoteOffered, RemoteStarted
from core.people import name_of
from core.requests import Request

S, A = Status, Action


def take_myself(hand: InHand, request: Request) -> None:
    """The dispatcher deals with it by telephone; whoever was asked is told who has it."""
    person = hand.by.person
    if hand.ticket.status in {S.NEW, S.REOPENED}:
        hand.step(A.TRIAGE, arg="phone", mode="phone", settled=True)
    hand.step(
        A.START_PHONE,
        detail={"person": name_of(person), **request.said},
        assignee_id=person.id if person else None,
        mode="phone",
        settled=True,
    )
    offers.withdraw(hand, taken_by=person)
    hand.cancel_timers("settle", "untriaged", "offer_supervisor", "offer_again")
    hand.answer(JobTaken(number=hand.ticket.number), choices=job_choices(hand))
    hand.tell(hand.requester, RemoteAssigned(number=hand.ticket.number, engineer=name_of(person)))


def offer_remote(hand: InHand, request: Request) -> None:
    hand.step(A.OFFER_REMOTE, detail=request.said)
    hand.tell(
        hand.requester,
        RemoteOffered(number=hand.ticket.number, engineer=name_of(hand.by.person)),
        choices=(hand.choice(A.START_REMOTE, "agreed", "success"), hand.choice(A.CANCEL)),
    )


def start_remote(hand: InHand, request: Request) -> None:
    """R-111: only the user starts it, and their press is the consent that the journal keeps."""
    if not any(step.action == A.OFFER_REMOTE for step in hand.history):
        raise IllegalMove(status=hand.ticket.status, action=A.START_REMOTE)
    hand.step(A.START_REMOTE, detail={"consent": "remote_terms_1", **request.said})
    number = hand.ticket.number
    hand.answer(
        RemoteStarted(number=number, engineer=name_of(hand.assignee)),
        choices=(hand.choice(A.END_REMOTE, style="danger"),),
    )
    hand.tell(
        hand.assignee,
        RemoteAgreed(number=number, requester=hand.requester.name),
        choices=job_choices(hand),
    )


def take_over(hand: InHand, request: Request) -> None:
    assert hand.by.person is not None
    hand.step(A.TAKE_OVER, detail=request.said, assignee_id=hand.by.person.id)
    hand.answer(JobTaken(number=hand.ticket.number), choices=(hand.choice(A.RESOLVE),))


def send_person(hand: InHand, request: Request) -> None:
    hand.step(A.SEND_PERSON, detail=request.said, mode="onsite", assignee_id=None)
    offers.offer_next(hand)
