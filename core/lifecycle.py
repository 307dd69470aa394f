"""The life of a ticket as a table: documentation, guard and keyboard at once (R-036)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.errors import IllegalMove


class Status(StrEnum):
    NEW = "new"
    TRIAGED = "triaged"
    IN_PHONE = "in_phone"
    IN_REMOTE = "in_remote"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    WORKING = "working"
    RESOLVED = "resolved"
    CONFIRMED = "confirmed"
    CLOSED = "closed"
    WAITING_USER = "waiting_user"
    WAITING_VENDOR = "waiting_vendor"
    WAITING_PARTS = "waiting_parts"
    WAITING_APPROVAL = "waiting_approval"
    TAKEN_AWAY = "taken_away"
    ESCALATED = "escalated"
    REOPENED = "reopened"
    CANCELLED = "cancelled"


S = Status


class Action(StrEnum):
    """Everything that may be done to a ticket; who may stands in core/actions.py."""

    REPORT = "report"
    TRIAGE = "triage"
    LINK_DUPLICATE = "link_duplicate"
    CANCEL = "cancel"
    START_PHONE = "start_phone"
    OFFER_REMOTE = "offer_remote"
    START_REMOTE = "start_remote"
    END_REMOTE = "end_remote"
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    DECLINE = "decline"
    EXPIRE_OFFER = "expire_offer"
    SET_APPOINTMENT = "set_appointment"
    DEPART = "depart"
    ARRIVE = "arrive"
    START_WORK = "start_work"
    REASSIGN = "reassign"
    HAND_OVER = "hand_over"
    RESOLVE = "resolve"
    REPORT_UNRESOLVED = "report_unresolved"
    WAIT = "wait"
    ASK_APPROVAL = "ask_approval"
    APPROVE = "approve"
    REFUSE = "refuse"
    RESUME = "resume"
    TAKE_AWAY = "take_away"
    RETURN_DEVICE = "return_device"
    ESCALATE = "escalate"
    ADVISE = "advise"
    TAKE_OVER = "take_over"
    SEND_PERSON = "send_person"
    DE_ESCALATE = "de_escalate"
    CONFIRM = "confirm"
    NOT_SOLVED = "not_solved"
    CLOSE_UNCONFIRMED = "close_unconfirmed"
    CLOSE = "close"
    REOPEN = "reopen"
    # These keep the state; they are journaled too.
    ADD = "add"  # a further message or file of the requester
    RELAY = "relay"  # an answer of whoever holds the job to the requester
    NOTE = "note"  # stays inside
    URGE = "urge"
    ASK_CANCEL = "ask_cancel"  # somebody was sent already: the desk calls them back
    SET_SITE = "set_site"
    SET_CATEGORY = "set_category"
    SET_PRIORITY = "set_priority"
    SET_DEVICE = "set_device"
    SET_MODE = "set_mode"
    NOT_A_FAULT = "not_a_fault"
    DETACH = "detach"  # "not that one": the message becomes a ticket of its own
    ACKNOWLEDGE = "acknowledge"
    CALL = "call"  # an answered telephone call was logged
    CALL_ENGINEER = "call_engineer"  # somebody was given the engineer's number, to ring up
    RATE = "rate"
    ADD_ENGINEER = "add_engineer"
    OFFER_DELIVERED = "offer_delivered"  # the engineer's telephone has it: the arrival clock starts
    ACCEPT_CLAIM = "accept_claim"  # a step that was entered late counts from its own time
    CALLBACK_DONE = "callback_done"  # the day after, the desk asked how it is
    HUMAN_REPLY = "human_reply"  # a person's words have reached the requester
    WARN = "warn"  # somebody was told that a promise is in danger, or broken
    CHASE = "chase"  # somebody was told that a job still waits for its yes
    DECLARE_EMERGENCY = "declare_emergency"
    STAND_DOWN = "stand_down"
    APPLY_PLAN = "apply_plan"  # one assignment for the whole backlog
    COMPLAIN = "complain"
    TAKE_COMPLAINT = "take_complaint"
    ANSWER_COMPLAINT = "answer_complaint"
    CLOSE_COMPLAINT = "close_complaint"
    WITHDRAW_COMPLAINT = "withdraw_complaint"
    NOTE_DEVIATION = "note_deviation"  # the customer's written notice that the service deviates
    FILE_PLAN = "file_plan"  # how that is mended
    CLOSE_DEVIATION = "close_deviation"
    WITHDRAW_DEVIATION = "withdraw_deviation"
    CORRECT_VERDICT = "correct_verdict"
    SPEAK = "speak"  # a language is chosen: about a person, and no ticket
    RECKON = "reckon"  # a calendar was changed, and a deadline moved with it


A = Action

WAITING = frozenset({S.WAITING_USER, S.WAITING_VENDOR, S.WAITING_PARTS, S.WAITING_APPROVAL})
ACTIVE = frozenset(
    {
        S.TRIAGED,
        S.IN_PHONE,
        S.IN_REMOTE,
        S.DISPATCHED,
        S.ACCEPTED,
        S.EN_ROUTE,
        S.ARRIVED,
        S.WORKING,
        S.ESCALATED,
        S.REOPENED,
    }
)
DONE = frozenset({S.CLOSED, S.CANCELLED})
OPEN = frozenset(Status) - DONE
"""Somebody still has to do something."""
BEFORE_DISPATCH = frozenset({S.NEW, S.TRIAGED, S.IN_PHONE, S.IN_REMOTE, S.REOPENED})
"""Nobody has been sent, or asked to go."""
HELD = frozenset({S.IN_PHONE, S.IN_REMOTE, S.ACCEPTED, S.EN_ROUTE, S.ARRIVED, S.WORKING})
"""Somebody is at it right now."""
ASIDE = frozenset({A.WARN, A.CHASE})
"""The desk's own remarks: they move no clock and no card, and count as no activity."""
SIDE = WAITING | {S.TAKEN_AWAY, S.ESCALATED}
"""States that remember where they came from."""


@dataclass(frozen=True, slots=True)
class Move:
    origin: frozenset[Status]
    to: Status | None = None  # None: stays where it is
    back: bool = False  # returns to where it was before the side state
    by_arg: Mapping[str, Status] = field(default_factory=dict)  # the reason or result decides


def _from(
    *origin: Status,
    to: Status | None = None,
    back: bool = False,
    by_arg: Mapping[str, Status] | None = None,
) -> Move:
    return Move(frozenset(origin), to, back, by_arg or {})


ON_SITE = frozenset({S.DISPATCHED, S.ACCEPTED, S.EN_ROUTE, S.ARRIVED, S.WORKING})
UNRESOLVED = {
    "needs_onsite": S.DISPATCHED,
    "needs_expert": S.ESCALATED,
    "needs_parts": S.WAITING_PARTS,
    "needs_vendor": S.WAITING_VENDOR,
    "needs_approval": S.WAITING_APPROVAL,
}
WAIT_FOR = {"user": S.WAITING_USER, "parts": S.WAITING_PARTS, "vendor": S.WAITING_VENDOR}

LIFE: Mapping[Action, Move] = {
    A.TRIAGE: _from(S.NEW, S.REOPENED, to=S.TRIAGED),
    A.LINK_DUPLICATE: _from(S.NEW, S.TRIAGED, S.DISPATCHED, to=S.TRIAGED),
    A.CANCEL: _from(*(OPEN - {S.RESOLVED, S.CONFIRMED, S.TAKEN_AWAY}), to=S.CANCELLED),
    A.START_PHONE: _from(S.NEW, S.REOPENED, S.TRIAGED, S.DISPATCHED, to=S.IN_PHONE),
    A.OFFER_REMOTE: _from(S.TRIAGED, S.IN_PHONE),
    A.START_REMOTE: _from(S.TRIAGED, S.IN_PHONE, to=S.IN_REMOTE),
    A.END_REMOTE: _from(S.IN_REMOTE, to=S.IN_PHONE),
    A.DISPATCH: _from(S.TRIAGED, S.IN_PHONE, S.IN_REMOTE, S.ESCALATED, to=S.DISPATCHED),
    A.ACCEPT: _from(S.DISPATCHED, to=S.ACCEPTED),
    A.DECLINE: _from(S.DISPATCHED, S.TRIAGED),
    A.EXPIRE_OFFER: _from(S.DISPATCHED, S.TRIAGED),
    A.SET_APPOINTMENT: _from(S.DISPATCHED, S.ACCEPTED),
    A.DEPART: _from(S.ACCEPTED, to=S.EN_ROUTE),
    A.ARRIVE: _from(S.ACCEPTED, S.EN_ROUTE, to=S.ARRIVED),
    A.START_WORK: _from(S.ARRIVED, to=S.WORKING),
    A.REASSIGN: _from(*ON_SITE, *WAITING, to=S.DISPATCHED),
    A.HAND_OVER: _from(*ON_SITE, *WAITING, to=S.DISPATCHED),
    A.RESOLVE: _from(S.IN_PHONE, S.IN_REMOTE, S.ARRIVED, S.WORKING, S.ESCALATED, to=S.RESOLVED),
    A.REPORT_UNRESOLVED: _from(S.IN_PHONE, S.IN_REMOTE, S.ARRIVED, S.WORKING, by_arg=UNRESOLVED),
    A.WAIT: _from(*ACTIVE, S.TAKEN_AWAY, by_arg=WAIT_FOR),
    A.ASK_APPROVAL: _from(S.WORKING, S.TAKEN_AWAY, S.ESCALATED, to=S.WAITING_APPROVAL),
    A.APPROVE: _from(S.WAITING_APPROVAL, back=True),
    A.REFUSE: _from(S.WAITING_APPROVAL, back=True),
    A.RESUME: _from(*WAITING, back=True),
    A.TAKE_AWAY: _from(S.ARRIVED, S.WORKING, to=S.TAKEN_AWAY),
    A.RETURN_DEVICE: _from(S.TAKEN_AWAY, to=S.WORKING),
    A.ESCALATE: _from(*(ACTIVE - {S.ESCALATED}), *WAITING, S.TAKEN_AWAY, to=S.ESCALATED),
    A.ADVISE: _from(S.ESCALATED, back=True),
    A.TAKE_OVER: _from(S.ESCALATED),
    A.SEND_PERSON: _from(S.ESCALATED, to=S.DISPATCHED),
    A.DE_ESCALATE: _from(S.ESCALATED, back=True),
    A.CONFIRM: _from(S.RESOLVED, to=S.CONFIRMED),
    A.NOT_SOLVED: _from(S.RESOLVED, to=S.ESCALATED),
    A.CLOSE_UNCONFIRMED: _from(S.RESOLVED, to=S.CLOSED),
    A.CLOSE: _from(S.CONFIRMED, to=S.CLOSED),
    A.REOPEN: _from(S.CLOSED, to=S.REOPENED),
    A.ADD: _from(*Status),
    A.RELAY: _from(*OPEN),
    A.NOTE: _from(*Status),
    A.URGE: _from(*(OPEN - {S.RESOLVED, S.CONFIRMED})),
    A.ASK_CANCEL: _from(*(OPEN - BEFORE_DISPATCH - {S.RESOLVED, S.CONFIRMED})),
    A.SET_SITE: _from(*(OPEN - {S.RESOLVED, S.CONFIRMED})),
    A.SET_CATEGORY: _from(*(OPEN - {S.RESOLVED, S.CONFIRMED})),
    A.SET_PRIORITY: _from(*(OPEN - {S.RESOLVED, S.CONFIRMED})),
    A.SET_DEVICE: _from(*(OPEN - {S.RESOLVED, S.CONFIRMED})),
    A.SET_MODE: _from(S.NEW, S.TRIAGED, S.REOPENED),
    A.NOT_A_FAULT: _from(S.NEW, S.TRIAGED, to=S.CANCELLED),
    A.DETACH: _from(*OPEN),
    A.ACKNOWLEDGE: _from(*Status),
    A.CALL: _from(*Status),
    A.CALL_ENGINEER: _from(*OPEN),
    A.ACCEPT_CLAIM: _from(*Status),
    A.CALLBACK_DONE: _from(S.RESOLVED, S.CONFIRMED, S.CLOSED),
    A.RATE: _from(S.RESOLVED, S.CONFIRMED, S.CLOSED),
    A.ADD_ENGINEER: _from(*ON_SITE),
    A.OFFER_DELIVERED: _from(*Status),
    A.HUMAN_REPLY: _from(*Status),
    A.WARN: _from(*Status),
    A.CHASE: _from(*Status),
    A.DECLARE_EMERGENCY: _from(*OPEN),
    A.STAND_DOWN: _from(*Status),
    A.APPLY_PLAN: _from(*Status),
    **dict.fromkeys(
        (
            A.COMPLAIN,
            A.TAKE_COMPLAINT,
            A.ANSWER_COMPLAINT,
            A.CLOSE_COMPLAINT,
            A.WITHDRAW_COMPLAINT,
            A.NOTE_DEVIATION,
            A.FILE_PLAN,
            A.CLOSE_DEVIATION,
            A.WITHDRAW_DEVIATION,
            A.CORRECT_VERDICT,
            A.RECKON,
        ),
        _from(*Status),  # whatever has become of the ticket: the records know what is open
    ),
}


# A job for the telephone is offered and taken before anything is dispatched.
MEANS = {(Status.TRIAGED, Action.ACCEPT): Action.START_PHONE}


def possible(status: Status, action: Action) -> bool:
    meant = MEANS.get((status, action), action)
    return meant in LIFE and status in LIFE[meant].origin


def after(
    status: Status, action: Action, *, arg: str = "", came_from: Status | None = None
) -> Status:
    """Where the action leads. Raises IllegalMove for whatever the table does not list (R-036)."""
    if not possible(status, action):
        raise IllegalMove(status=status, action=action)
    move = LIFE[MEANS.get((status, action), action)]
    if move.by_arg:
        if arg not in move.by_arg:
            raise IllegalMove(status=status, action=action)
        return move.by_arg[arg]
    if move.back:
        return came_from or S.TRIAGED
    return move.to or status
