"""Who else is concerned: colleagues nearby, the desk, whoever holds the job next."""

from core.in_hand import InHand
from core.lifecycle import Action, Status
from core.messages import Choice
from core.notices.desk import DeskStep
from core.notices.engineer import JobHandedOver
from core.notices.requester import VisitChanged
from core.people import ENGINEERS, Person, Role, name_of

S, A = Status, Action

MOST_NAMES = 12  # more buttons nobody reads


def colleagues(hand: InHand) -> list[str]:
    """Engineers on duty who cover the place, and nobody who has the job already."""
    people = hand.book.on_duty(hand.book.with_role(*ENGINEERS), hand.now)
    site = hand.book.sites.get(hand.ticket.site or "")
    near = [p for p in people if site is None or site.city in p.cities] or people
    others = [p.code for p in near if p.code and p.id != hand.ticket.assignee_id]
    return others[:MOST_NAMES]


def job_choices(hand: InHand) -> tuple[Choice, ...]:
    """The next thing that whoever holds the job can do."""
    following = {
        S.ACCEPTED: (A.DEPART, A.ARRIVE),
        S.EN_ROUTE: (A.ARRIVE,),
        S.ARRIVED: (A.RESOLVE, A.REPORT_UNRESOLVED),
        S.WORKING: (A.RESOLVE, A.REPORT_UNRESOLVED),
        S.IN_PHONE: (A.RESOLVE, A.OFFER_REMOTE, A.DISPATCH),
        S.IN_REMOTE: (A.RESOLVE, A.END_REMOTE),
        S.WAITING_USER: (A.RESUME,),
        S.WAITING_PARTS: (A.RESUME,),
        S.WAITING_VENDOR: (A.RESUME,),
    }
    return tuple(hand.choice(action) for action in following.get(hand.ticket.status, ()))


def tell_desk(hand: InHand) -> None:
    """The desk is told of every step on site at once (R-038), without a sound."""
    notice = DeskStep(
        number=hand.ticket.number, status=hand.ticket.status, engineer=name_of(hand.assignee)
    )
    hand.tell_role(notice, Role.DESK_AGENT, audience="desk")


def tell_moved(hand: InHand, before: Person | None, after: Person | None) -> None:
    if before is not None and before.id != (after.id if after else None):
        hand.tell(before, JobHandedOver(number=hand.ticket.number))
        hand.tell(hand.requester, VisitChanged(number=hand.ticket.number))
