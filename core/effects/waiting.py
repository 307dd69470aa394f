"""A pause begins and ends, and whoever waits makes themselves heard."""

from dataclasses import replace

from core import actions, pauses
from core.actions import NOT_ME
from core.effects.asking import ask, ask_about_pause, forget_words, with_earlier_words
from core.effects.others import job_choices
from core.errors import IllegalMove
from core.in_hand import InHand
from core.lifecycle import Action, Status
from core.notices.desk import Acknowledged, NotWaitingForMe
from core.notices.engineer import JobMoved, RequesterUrges
from core.notices.requester import UrgeReceived, WaitingForYou
from core.people import Role
from core.requests import Request

S, A = Status, Action


def wait(hand: InHand, request: Request) -> str | None:
    """R-045: a pause has a reason, a day on which somebody looks again and, where the policy asks
    for it, evidence."""
    request = with_earlier_words(request)
    reason, text = request.arg, request.text
    if not reason and text:
        reason, text = pauses.reason_in(text)
    if not reason:
        ask(hand, A.WAIT, actions.ACTIONS[A.WAIT].args)
        return "asked_for_choice"
    said = pauses.read(hand, reason, text, request.files)
    if said.missing:
        return ask_about_pause(hand, replace(request, arg=reason), said)
    again = said.until or hand.desk.working_days.after_days(hand.now, 1)
    hand.step(A.WAIT, arg=reason, detail={**said.detail, "until": again.isoformat()})
    forget_words(hand, hand.by.person)
    hand.timer("follow_up", again)
    moved = JobMoved(number=hand.ticket.number, status=hand.ticket.status)
    hand.answer(moved, choices=job_choices(hand))
    if hand.ticket.status == S.WAITING_USER:
        hand.tell(
            hand.requester,
            WaitingForYou(number=hand.ticket.number),
            choices=(hand.choice(A.RESUME, NOT_ME),),
        )
    return None


def resume(hand: InHand, request: Request) -> None:
    if hand.by_requester and hand.ticket.status != S.WAITING_USER:
        raise IllegalMove(status=hand.ticket.status, action=A.RESUME)  # nobody waits for them
    hand.step(A.RESUME, detail={**request.said, **({"flagged": True} if hand.by_requester else {})})
    hand.cancel_timers("follow_up")
    number = hand.ticket.number
    hand.tell(
        hand.assignee,
        JobMoved(number=number, status=hand.ticket.status),
        choices=job_choices(hand),
    )
    if hand.by_requester:
        notice = NotWaitingForMe(number=number, requester=hand.requester.name)
        hand.tell_role(notice, Role.DESK_AGENT)
        hand.answer(JobMoved(number=number, status=hand.ticket.status))


def urge(hand: InHand, request: Request) -> None:
    since = hand.now - hand.desk.rules.urge_every
    if any(s.action == A.URGE and s.entered_at > since for s in hand.history):
        hand.answer(UrgeReceived(number=hand.ticket.number))
        return
    hand.step(A.URGE, detail=request.said)
    notice = RequesterUrges(number=hand.ticket.number, requester=hand.requester.name)
    if hand.ticket.assignee_id is None:
        hand.tell_role(notice, Role.DESK_AGENT)
    else:
        hand.tell(hand.assignee, notice)
    hand.answer(UrgeReceived(number=hand.ticket.number))


def acknowledge(hand: InHand, request: Request) -> None:
    """One promise silences all levels; the alert wakes again only if it fails (clock rule 13)."""
    said = hand.desk.moment_in(request.arg or request.text, hand.now)
    until = said if said and said > hand.now else hand.now + hand.desk.rules.promise
    hand.step(A.ACKNOWLEDGE, detail={"promised": until.isoformat(), **request.said})
    hand.timer("promise", until, version=hand.ticket.version)
    hand.answer(Acknowledged(number=hand.ticket.number, until=until))
