"""What each action does besides its step: one row each, one room for each phase of a job."""

from collections.abc import Mapping

from core import grievances
from core.effects import (
    asking,
    assigning,
    correcting,
    emergencies,
    offered,
    remote,
    resolved,
    talking,
    visiting,
    waiting,
)
from core.in_hand import InHand
from core.lifecycle import Action
from core.requests import Effect, Request

A = Action


def just_a_step(hand: InHand, request: Request) -> None:
    hand.step(request.action, arg=request.arg, detail=request.said)


EFFECTS: Mapping[Action, Effect] = {
    A.ACCEPT: offered.accept,
    A.DECLINE: offered.decline,
    A.DEPART: visiting.depart,
    A.ARRIVE: visiting.arrive,
    A.START_WORK: visiting.start_work,
    A.RESOLVE: resolved.resolve,
    A.REPORT_UNRESOLVED: resolved.unresolved,
    A.CONFIRM: resolved.confirm,
    A.NOT_SOLVED: resolved.not_solved,
    A.CANCEL: resolved.cancel,
    A.ASK_CANCEL: resolved.ask_cancel,
    A.NOT_A_FAULT: resolved.cancel,
    A.DISPATCH: assigning.dispatch,
    A.TRIAGE: assigning.triage,
    A.REASSIGN: assigning.reassign,
    A.HAND_OVER: offered.hand_over,
    A.START_PHONE: remote.take_myself,
    A.DETACH: correcting.detach,
    A.OFFER_REMOTE: remote.offer_remote,
    A.START_REMOTE: remote.start_remote,
    A.TAKE_OVER: remote.take_over,
    A.SEND_PERSON: remote.send_person,
    A.SET_APPOINTMENT: visiting.set_appointment,
    A.WAIT: waiting.wait,
    A.RESUME: waiting.resume,
    A.REOPEN: resolved.reopen,
    A.URGE: waiting.urge,
    A.SET_SITE: correcting.set_site,
    A.SET_CATEGORY: correcting.set_to("category"),
    A.SET_DEVICE: correcting.set_to("device"),
    A.SET_MODE: correcting.set_to("mode"),
    A.SET_PRIORITY: correcting.set_priority,
    A.RELAY: talking.relay,
    A.NOTE: talking.note,
    A.ACKNOWLEDGE: waiting.acknowledge,
    A.CALL: talking.call,
    A.CALL_ENGINEER: talking.call_engineer,
    A.ACCEPT_CLAIM: correcting.accept_claim,
    A.RATE: resolved.rate,
    A.ADD_ENGINEER: assigning.add_engineer,
    A.DECLARE_EMERGENCY: emergencies.declare_emergency,
    A.STAND_DOWN: emergencies.stand_down,
    A.LINK_DUPLICATE: emergencies.link_duplicate,
    A.APPLY_PLAN: emergencies.apply_plan,
    A.CORRECT_VERDICT: correcting.correct_verdict,
    **{action: asking.in_words(effect) for action, effect in grievances.NEED_WORDS.items()},
    **{action: asking.at_once(effect) for action, effect in grievances.WITHOUT_WORDS.items()},
}
