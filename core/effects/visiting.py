"""The visit: when it is agreed for, on the way, there, at work."""

from core.effects.asking import ask, forget_words, wait_for_words
from core.effects.others import job_choices, tell_desk
from core.errors import Missing, WrongSiteCode
from core.in_hand import InHand
from core.lifecycle import Action, Status
from core.notices.desk import AppointmentSet
from core.notices.engineer import JobMoved
from core.notices.requester import EngineerArrived, EngineerEnRoute
from core.people import name_of
from core.requests import Request

S, A = Status, Action


def set_appointment(hand: InHand, request: Request) -> None:
    """A time agreed with the user takes the place of the arrival target (clock rule 4)."""
    said = request.arg or request.text
    if not said:
        ask(hand, A.SET_APPOINTMENT, ())
        wait_for_words(hand, hand.by.person, "appointment")
        return
    at = hand.desk.moment_in(said, hand.now)
    if at is None or at <= hand.now:
        raise Missing(number=hand.ticket.number, what="moment")
    hand.step(A.SET_APPOINTMENT, detail={**request.said, "at": at.isoformat()})
    forget_words(hand, hand.by.person)
    number = hand.ticket.number
    hand.tell(hand.requester, AppointmentSet(number=number, engineer=name_of(hand.assignee), at=at))
    hand.answer(JobMoved(number=number, status=hand.ticket.status))


def depart(hand: InHand, request: Request) -> None:
    hand.step(A.DEPART, detail=request.said)
    number = hand.ticket.number
    hand.answer(JobMoved(number=number, status=S.EN_ROUTE), choices=job_choices(hand))
    site = hand.book.sites.get(hand.ticket.site or "")
    hand.tell(
        hand.requester,
        EngineerEnRoute(
            number=number,
            engineer=name_of(hand.assignee),
            code=site.spoken_code if site else "",
        ),
    )
    tell_desk(hand)


def arrive(hand: InHand, request: Request) -> None:
    if request.arg:
        _check_site_code(hand, request.arg)
    hand.step(A.ARRIVE, detail={**({"code": "site"} if request.arg else {}), **request.said})
    number = hand.ticket.number
    hand.answer(JobMoved(number=number, status=S.ARRIVED), choices=job_choices(hand))
    hand.tell(hand.requester, EngineerArrived(number=number, engineer=name_of(hand.assignee)))
    tell_desk(hand)


def _check_site_code(hand: InHand, code: str) -> None:
    """A code that is spoken or scanned is proof; a wrong one is said, never silently dropped."""
    site = hand.book.sites.get(hand.ticket.site or "")
    if site is not None and code not in {site.spoken_code, site.code_on_site}:
        raise WrongSiteCode(number=hand.ticket.number)


def start_work(hand: InHand, request: Request) -> None:
    hand.step(A.START_WORK, detail=request.said)
    hand.answer(JobMoved(number=hand.ticket.number, status=S.WORKING), choices=job_choices(hand))
