"""One matter behind many tickets, and one plan for all of them."""

from core import emergency, planning
from core.in_hand import InHand
from core.lifecycle import Action
from core.notices.engineer import JobMoved, NoteKept
from core.requests import Request

A = Action


def declare_emergency(hand: InHand, request: Request) -> None:
    emergency.declare(hand, request.arg)
    hand.answer(
        JobMoved(number=hand.ticket.number, status=hand.ticket.status),
        choices=(hand.choice(A.STAND_DOWN, style="success"),),
    )


def stand_down(hand: InHand, request: Request) -> None:
    emergency.stand_down(hand)
    hand.answer(NoteKept(number=hand.ticket.number))


def link_duplicate(hand: InHand, request: Request) -> None:
    emergency.link(hand, request.arg or request.text)
    hand.answer(NoteKept(number=hand.ticket.number))


def apply_plan(hand: InHand, request: Request) -> None:
    planning.use(hand, request.arg)
    hand.answer(NoteKept(number=hand.ticket.number))
