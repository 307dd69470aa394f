"""The desk decides how a ticket is dealt with, and by whom."""

from core import passing_on
from core.dispatch import offers
from core.effects.asking import ask
from core.effects.others import colleagues, tell_moved
from core.errors import Missing
from core.in_hand import InHand
from core.kinds import MODES
from core.lifecycle import Action, Status
from core.notices.engineer import JobAssigned, JobMoved
from core.people import Person
from core.requests import Request
from core.routing import route

S, A = Status, Action


def triage(hand: InHand, request: Request) -> None:
    mode = request.arg or hand.ticket.mode or "onsite"
    if mode not in MODES:
        raise Missing(number=hand.ticket.number, what="mode")
    hand.step(A.TRIAGE, arg=mode, detail=request.said, mode=mode, settled=True)
    hand.cancel_timers("settle", "untriaged")
    route(hand)
    hand.answer(JobMoved(number=hand.ticket.number, status=hand.ticket.status))


def dispatch(hand: InHand, request: Request) -> None:
    """To the best one, or with "again" to whoever had it: they know the matter."""
    before = hand.assignee
    hand.step(
        A.DISPATCH,
        arg=request.arg,
        detail=request.said,
        mode="onsite",
        assignee_id=None,
        settled=True,
    )
    hand.cancel_timers("settle", "untriaged")
    if request.arg == "again" and before is not None:
        offers.offer_to(hand, before)
    elif person := hand.book.by_code.get(request.arg):
        offers.offer_to(hand, person)
    else:
        offers.offer_next(hand)
    hand.answer(JobMoved(number=hand.ticket.number, status=S.DISPATCHED))


def reassign(hand: InHand, request: Request) -> None:
    """R-034. The arrival clock does not start again."""
    person = _named(hand, request)
    if person is None:
        return
    before = hand.assignee
    if hand.ticket.status in {S.TRIAGED, S.NEW, S.REOPENED, S.ESCALATED}:
        if hand.ticket.status in {S.NEW, S.REOPENED}:
            hand.step(A.TRIAGE, arg="onsite", mode="onsite", settled=True)
        hand.step(A.DISPATCH, arg=request.arg, mode="onsite", assignee_id=None)
    else:
        hand.step(A.REASSIGN, arg=person.code or "", detail=request.said, assignee_id=None)
    hand.cancel_timers("settle", "untriaged", "offer_again")
    tell_moved(hand, before, person)
    offers.offer_to(hand, person)


def add_engineer(hand: InHand, request: Request) -> None:
    person = _named(hand, request)
    if person is None:
        return
    hand.step(A.ADD_ENGINEER, arg=person.code or "", detail=request.said)
    hand.tell(
        person,
        JobAssigned(
            number=hand.ticket.number,
            site=hand.site_name(person),
            symptom=hand.ticket.symptom,
            due=hand.ticket.still_due(hand.now),
            overdue=hand.ticket.overdue(hand.now),
        ),
        audience="engineer",
    )
    passing_on.pass_on(hand, newcomer=person)
    hand.answer(JobMoved(number=hand.ticket.number, status=hand.ticket.status))


def _named(hand: InHand, request: Request) -> Person | None:
    """The engineer of the request; without a name the card asks for one. Raises Missing."""
    if not request.arg:
        ask(hand, request.action, colleagues(hand))
        return None
    person = hand.book.named(request.arg)
    if person is None:
        raise Missing(number=hand.ticket.number, what="engineer")
    return person
