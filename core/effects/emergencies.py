"""One matter behind many tickets, and one plan for all of them."""

from core import emergency, planning
from core.in_hand import InHand
from core.notices.desk import DuplicateLinked, PlanUsed
from core.requests import Request


def declare_emergency(hand: InHand, request: Request) -> None:
    emergency.declare(hand, request.arg)


def stand_down(hand: InHand, request: Request) -> None:
    emergency.stand_down(hand)


def link_duplicate(hand: InHand, request: Request) -> None:
    parent = emergency.link(hand, request.arg or request.text)
    hand.answer(DuplicateLinked(number=hand.ticket.number, parent=parent.number))


def apply_plan(hand: InHand, request: Request) -> None:
    planning.use(hand, request.arg)
    hand.answer(PlanUsed(number=hand.ticket.number))
