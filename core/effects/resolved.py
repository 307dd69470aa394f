"""What came of it: resolved or not, confirmed, rated, opened again, cancelled."""

from core import actions, closing, emergency, pauses
from core.dispatch import offers
from core.effects.asking import (
    ask,
    ask_about_pause,
    check,
    forget_words,
    wait_for_words,
    with_earlier_words,
)
from core.effects.others import job_choices, tell_desk
from core.errors import IllegalMove
from core.in_hand import InHand
from core.lifecycle import Action, Status
from core.notices.desk import DeskCancelAsked, DeskNotSolved, DeskUnresolved
from core.notices.engineer import (
    AskResult,
    CancelAsked,
    JobCancelled,
    JobConfirmed,
    JobMoved,
    JobNotSolved,
)
from core.notices.requester import (
    CancelPassedOn,
    NotSolvedReceived,
    TicketCancelled,
    TicketClosed,
    TicketReopened,
    WhatComesNext,
)
from core.people import Role, name_of
from core.requests import Request
from core.routing import propose
from core.ticket import Offer

S, A = Status, Action


def resolve(hand: InHand, request: Request) -> None:
    person = hand.by.person
    if not (request.arg or request.text or request.files) and person is not None:
        check(hand, A.RESOLVE)
        wait_for_words(hand, person, "result")
        hand.answer(
            AskResult(number=hand.ticket.number),
            choices=[hand.choice(A.RESOLVE, result) for result in actions.RESULTS],
        )
        return
    if hand.ticket.status == S.ARRIVED:
        hand.step(A.START_WORK)
    hand.step(A.RESOLVE, arg=request.arg, detail=request.said, resolved_at=hand.at)
    forget_words(hand, person)
    result = request.text or request.arg or "fixed"
    closing.ask_whether_it_works(hand, result=result)
    emergency.tell_children(hand, result)
    hand.answer(JobMoved(number=hand.ticket.number, status=S.RESOLVED))
    tell_desk(hand)


def unresolved(hand: InHand, request: Request) -> str | None:
    request = with_earlier_words(request)
    if not request.arg:
        ask(hand, A.REPORT_UNRESOLVED, actions.UNRESOLVED_CODES)
        return "asked_for_choice"
    if hand.ticket.status == S.ARRIVED and request.arg == "needs_onsite":
        raise IllegalMove(status=hand.ticket.status, action=A.REPORT_UNRESOLVED)
    said = pauses.read(hand, request.arg.removeprefix("needs_"), request.text, request.files)
    if said.missing:
        return ask_about_pause(hand, request, said)
    if hand.ticket.status == S.ARRIVED:
        hand.step(A.START_WORK)
    who = name_of(hand.assignee)
    hand.step(A.REPORT_UNRESOLVED, arg=request.arg, detail={**request.detail, **said.detail})
    forget_words(hand, hand.by.person)
    number = hand.ticket.number
    if said.until is not None:
        hand.timer("follow_up", said.until)
    if hand.ticket.status == S.DISPATCHED:
        hand.change(mode="onsite", assignee_id=None)
        offers.offer_next(hand)
    elif hand.ticket.status == S.ESCALATED:
        hand.change(tier=2)
        call_experts(hand)
    hand.tell_role(DeskUnresolved(number=number, engineer=who, reason=request.arg), Role.DESK_AGENT)
    hand.tell(hand.requester, WhatComesNext(number=number, reason=request.arg))
    hand.answer(JobMoved(number=number, status=hand.ticket.status), choices=job_choices(hand))
    return None


def confirm(hand: InHand, request: Request) -> None:
    hand.step(A.CONFIRM, detail=request.said)
    closing.close(hand)
    number = hand.ticket.number
    hand.answer(TicketClosed(number=number))
    if not hand.by_requester:
        hand.tell(hand.requester, TicketClosed(number=number))
    hand.tell(hand.assignee, JobConfirmed(number=number))
    tell_desk(hand)


def not_solved(hand: InHand, request: Request) -> None:
    """R-040: it comes back with its history, to the desk, the supervisor and whoever had it."""
    hand.step(A.NOT_SOLVED, detail=request.said, tier=2, resolved_at=None)
    closing.forget_resolution(hand)
    number, who = hand.ticket.number, hand.requester.name
    hand.answer(NotSolvedReceived(number=number))
    hand.tell_role(
        DeskNotSolved(number=number, requester=who),
        Role.DESK_AGENT,
        Role.SUPERVISOR,
        choices=(hand.choice(A.DISPATCH, "again", "primary"), hand.choice(A.REASSIGN)),
        audience="desk",
    )
    hand.tell(
        hand.assignee, JobNotSolved(number=number), choices=(hand.choice(A.DISPATCH, "again"),)
    )
    call_experts(hand)


def call_experts(hand: InHand) -> None:
    hand.tell_role(
        DeskNotSolved(number=hand.ticket.number, requester=hand.requester.name),
        Role.ESCALATION_CENTRE,
        choices=(hand.choice(A.TAKE_OVER, style="primary"), hand.choice(A.SEND_PERSON)),
        audience="desk",
    )


def reopen(hand: InHand, request: Request) -> None:
    """R-041."""
    closed = hand.ticket.closed_at
    if closed is not None and hand.now - closed > hand.desk.rules.reopen:
        raise IllegalMove(status=hand.ticket.status, action=A.REOPEN)
    last = hand.assignee
    hand.step(
        A.REOPEN,
        detail=request.said,
        reopened=hand.ticket.reopened + 1,
        cycle=hand.ticket.cycle + 1,
        resolved_at=None,
        closed_at=None,
        close_code="",
    )
    closing.forget_resolution(hand)
    hand.answer(TicketReopened(number=hand.ticket.number))
    hand.tell(last, JobNotSolved(number=hand.ticket.number))
    propose(hand, Role.DESK_AGENT, Role.SUPERVISOR)


def rate(hand: InHand, request: Request) -> None:
    closing.rate(hand, int(request.arg) if request.arg in actions.SCORES else None, request.text)


def cancel(hand: InHand, request: Request) -> None:
    was_held_by = hand.assignee
    asked = hand.tx.find(Offer, ticket_id=hand.ticket.id, state="open")
    hand.step(request.action, arg=request.arg, detail=request.said, closed_at=hand.now)
    number = hand.ticket.number
    for offer in asked:
        offers.answer(hand, offer, "withdrawn")
        hand.tell(hand.person(offer.person_id), JobCancelled(number=number))
    hand.tell(was_held_by, JobCancelled(number=number))
    hand.cancel_timers()
    emergency.let_go(hand)
    hand.tell(
        hand.requester,
        TicketCancelled(number=number),
        to_actor=hand.by_requester,
    )


def ask_cancel(hand: InHand, request: Request) -> None:
    """Whoever was sent may be on the road: the desk cancels, and they hear of the wish."""
    since = hand.now - hand.desk.rules.urge_every
    if not any(s.action == A.ASK_CANCEL and s.entered_at > since for s in hand.history):
        hand.step(A.ASK_CANCEL, arg=request.arg, detail=request.said)
        _tell_of_the_wish(hand, request.text)
    hand.answer(CancelPassedOn(number=hand.ticket.number))


def _tell_of_the_wish(hand: InHand, text: str) -> None:
    number, requester = hand.ticket.number, hand.requester.name
    hand.tell_role(
        DeskCancelAsked(
            number=number,
            requester=requester,
            status=hand.ticket.status,
            engineer=name_of(hand.assignee),
            text=text,
        ),
        Role.DESK_AGENT,
        choices=(hand.choice(A.CANCEL),),
    )
    asked = hand.tx.find(Offer, ticket_id=hand.ticket.id, state="open")
    for person_id in {hand.ticket.assignee_id, *(offer.person_id for offer in asked)}:
        hand.tell(
            hand.person(person_id), CancelAsked(number=number, requester=requester, text=text)
        )
