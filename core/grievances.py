"""Complaints and notices of deviation: registered, owned, answered in writing, closed.

R-067, R-104. Their deadlines are clocks of the policy, which hear of the steps that are written
here; the records hold what was said. Nothing is ever taken out of them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from core import clocks
from core.actions import SEVERITIES
from core.errors import Missing
from core.in_hand import InHand
from core.lifecycle import Action
from core.messages import Choice
from core.notices.desk import ComplaintToAnswer, DeviationToPlan, MatterState
from core.notices.notice import Notice
from core.notices.requester import (
    ComplaintAnswered,
    ComplaintReceived,
    DeviationPlanned,
    DeviationReceived,
)
from core.people import Person, Role, name_of
from core.ports import Tx
from core.rows import Grievance

A = Action
COMPLAINT, DEVIATION = "complaint", "deviation"
NORMAL, SERIOUS = SEVERITIES
MILESTONES = {COMPLAINT: "complaint_answer", DEVIATION: "deviation_plan"}
UNSETTLED = ("open", "answered")

# Who writes the word first and then what it is about, without a ticket's number.
_SAID = re.compile(
    r"\s*(?:(?P<complaint>(?:我要)?投诉|complaint)"
    r"|(?P<deviation>(?:服务)?偏离通知|deviation notice))"
    r"(?:\s*[:：,，]|\s)\s*(?P<words>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_REGISTERS = {COMPLAINT: A.COMPLAIN, DEVIATION: A.NOTE_DEVIATION}


@dataclass(frozen=True, slots=True)
class Said:
    """A grievance in somebody's own words."""

    kind: str
    words: str

    @property
    def action(self) -> Action:
        return _REGISTERS[self.kind]


def said_in(text: str) -> Said | None:
    """ "投诉：等了两天没人来" is a complaint, and "投诉系统打不开" a fault like any other."""
    found = _SAID.fullmatch(text)
    if found is None:
        return None
    return Said(COMPLAINT if found["complaint"] else DEVIATION, found["words"].strip())


def of_ticket(tx: Tx, ticket_id: int) -> list[Grievance]:
    return tx.find(Grievance, order="id", ticket_id=ticket_id)


def unsettled(tx: Tx, ticket_id: int, kind: str) -> Grievance | None:
    """The one that still needs something: of each kind a ticket has one at a time."""
    return tx.first(Grievance, order="-id", ticket_id=ticket_id, kind=kind, state=UNSETTLED)


def due(hand: InHand, kind: str) -> datetime | None:
    """Until when an answer or a plan was promised; None where no clock of it runs."""
    milestone = MILESTONES[kind]
    return next(
        (
            clock.reading.due
            for clock in clocks.readings(hand)
            if clock.milestone == milestone and clock.reading.ticking
        ),
        None,
    )


# -- a complaint


def complain(hand: InHand, text: str) -> None:
    """Further words join a complaint that waits for its answer; its deadline stays."""
    grievance = _register(hand, COMPLAINT, text)
    number, until = hand.ticket.number, due(hand, COMPLAINT)
    hand.answer(ComplaintReceived(number=number, due=until))
    if grievance.registered_by != grievance.person_id:
        hand.tell(hand.person(grievance.person_id), ComplaintReceived(number=number, due=until))
    _tell_owner(
        hand,
        grievance,
        _to_answer(hand, grievance, text),
        (
            hand.choice(A.ANSWER_COMPLAINT, style="primary"),
            hand.choice(A.TAKE_COMPLAINT, NORMAL),
            hand.choice(A.TAKE_COMPLAINT, SERIOUS),
        ),
    )


def _to_answer(hand: InHand, grievance: Grievance, text: str) -> ComplaintToAnswer:
    return ComplaintToAnswer(
        number=hand.ticket.number,
        requester=name_of(hand.person(grievance.person_id)),
        engineer=name_of(hand.person(grievance.about_id)),
        text=text,
        due=due(hand, COMPLAINT),
    )


def take_complaint(hand: InHand, severity: str) -> None:
    """It is mine from now on, and so serious; a serious one goes to the project manager, too."""
    grievance = _open(hand, COMPLAINT)
    assert hand.by.person is not None
    severity = severity if severity in SEVERITIES else grievance.severity
    hand.step(A.TAKE_COMPLAINT, arg=severity)
    hand.tx.update(grievance, owner_id=hand.by.person.id, severity=severity)
    hand.answer(_state(hand, grievance.kind, "taken"))
    if severity == SERIOUS and grievance.severity != SERIOUS:
        notice = _to_answer(hand, grievance, grievance.text)
        hand.tell_role(notice, Role.PROJECT_MANAGER)


def answer_complaint(hand: InHand, text: str) -> None:
    """The reply goes to whoever complained, and stops the clock."""
    grievance = _open(hand, COMPLAINT)
    _answer(hand, A.ANSWER_COMPLAINT, grievance, text)
    hand.tell(
        hand.person(grievance.person_id),
        ComplaintAnswered(number=hand.ticket.number, text=text),
        choices=(hand.choice(A.COMPLAIN),),
    )
    hand.answer(_state(hand, COMPLAINT, "answered"), choices=(hand.choice(A.CLOSE_COMPLAINT),))


def close_complaint(hand: InHand, text: str) -> None:
    """Its cause, and what is done so that it does not come again."""
    _close(hand, A.CLOSE_COMPLAINT, _answered(hand, COMPLAINT), text)


def withdraw_complaint(hand: InHand, text: str) -> None:
    _withdraw(hand, A.WITHDRAW_COMPLAINT, _open(hand, COMPLAINT), text)


# -- a notice of deviation


def note_deviation(hand: InHand, text: str) -> None:
    """The customer's written notice: a plan is due within the policy's working days."""
    grievance = _register(hand, DEVIATION, text)
    number, until = hand.ticket.number, due(hand, DEVIATION)
    hand.answer(DeviationReceived(number=number, due=until))
    _tell_owner(
        hand,
        grievance,
        DeviationToPlan(
            number=number,
            requester=name_of(hand.person(grievance.person_id)),
            text=text,
            due=until,
        ),
        (hand.choice(A.FILE_PLAN, style="primary"),),
    )


def file_plan(hand: InHand, text: str) -> None:
    """The plan goes to the customer, who may accept it."""
    grievance = _open(hand, DEVIATION)
    _answer(hand, A.FILE_PLAN, grievance, text)
    notice = DeviationPlanned(number=hand.ticket.number, text=text)
    customers = [hand.person(grievance.person_id), *hand.book.with_role(Role.CUSTOMER_IT)]
    for person in {p.id: p for p in customers if p is not None and not p.is_staff}.values():
        may_accept = person.has(Role.CUSTOMER_IT)
        choices = (hand.choice(A.CLOSE_DEVIATION, style="success"),) if may_accept else ()
        hand.tell(person, notice, choices=choices)
    hand.answer(_state(hand, DEVIATION, "answered"))


def close_deviation(hand: InHand, text: str) -> None:
    _close(hand, A.CLOSE_DEVIATION, _answered(hand, DEVIATION), text)


def withdraw_deviation(hand: InHand, text: str) -> None:
    _withdraw(hand, A.WITHDRAW_DEVIATION, _open(hand, DEVIATION), text)


# -- what both have in common


def _register(hand: InHand, kind: str, text: str) -> Grievance:
    hand.step(_REGISTERS[kind], detail={"text": text})
    known = unsettled(hand.tx, hand.ticket.id, kind)
    if known is not None and known.state == "open":
        return hand.tx.update(known, text=f"{known.text}\n{text}")
    if known is not None:
        hand.tx.update(known, state="closed", closed_at=hand.now)  # the answer did not settle it
    by = hand.by.person
    on_behalf = by is None or by.is_staff
    owner = _owner(hand, kind)
    return hand.tx.insert(
        Grievance(
            kind=kind,
            ticket_id=hand.ticket.id,
            person_id=hand.ticket.requester_id if on_behalf or by is None else by.id,
            about_id=hand.ticket.assignee_id if kind == COMPLAINT else None,
            registered_by=hand.by.id,
            channel=hand.by.channel,
            text=text,
            owner_id=owner.id if owner else None,
            opened_at=hand.at,
        )
    )


def _owner(hand: InHand, kind: str) -> Person | None:
    """Of those whose matter it is and who are on duty, whoever has the fewest of them."""
    role = Role.QUALITY if kind == COMPLAINT else Role.SUPERVISOR
    people = hand.book.with_role(role) or hand.book.with_role(Role.SUPERVISOR)
    on = hand.book.on_duty_or_all(people, hand.now)
    return min(
        on,
        key=lambda p: hand.tx.count(Grievance, owner_id=p.id, state=UNSETTLED),
        default=None,
    )


def _tell_owner(
    hand: InHand, grievance: Grievance, notice: Notice, choices: tuple[Choice, ...]
) -> None:
    """The owner and, since it is about the service, the supervisor."""
    supervisors = hand.book.with_role(Role.SUPERVISOR)
    on = hand.book.on_duty_or_all(supervisors, hand.now)
    owner = hand.person(grievance.owner_id)
    for person in {p.id: p for p in (owner, *on) if p is not None}.values():
        if person.id != hand.by.id:
            hand.tell(person, notice, choices=choices)


def _open(hand: InHand, kind: str) -> Grievance:
    """Raises Missing where nothing of the kind waits for an answer."""
    found = unsettled(hand.tx, hand.ticket.id, kind)
    if found is None or found.state != "open":
        raise Missing(number=hand.ticket.number, what=kind)
    return found


def _answered(hand: InHand, kind: str) -> Grievance:
    """Raises Missing: what was not answered cannot be closed."""
    found = unsettled(hand.tx, hand.ticket.id, kind)
    if found is None or found.state != "answered":
        raise Missing(number=hand.ticket.number, what=f"{kind}_answer")
    return found


def _answer(hand: InHand, action: Action, grievance: Grievance, text: str) -> None:
    hand.step(action, detail={"text": text})
    hand.tx.update(
        grievance,
        state="answered",
        answer=text,
        answered_by=hand.by.id,
        answered_at=hand.at,
    )


def _close(hand: InHand, action: Action, grievance: Grievance, text: str) -> None:
    hand.step(action, detail={"text": text} if text else {})
    hand.tx.update(grievance, state="closed", measure=text, closed_at=hand.now)
    hand.answer(_state(hand, grievance.kind, "closed"))


def _withdraw(hand: InHand, action: Action, grievance: Grievance, text: str) -> None:
    hand.step(action, detail={"text": text} if text else {})
    hand.tx.update(grievance, state="withdrawn", closed_at=hand.now)
    notice = _state(hand, grievance.kind, "withdrawn")
    _tell_owner(hand, grievance, notice, ())
    hand.answer(notice)


def _state(hand: InHand, kind: str, state: str) -> MatterState:
    return MatterState(
        number=hand.ticket.number, what=kind, state=state, name=name_of(hand.by.person)
    )


Effect = Callable[[InHand, str], None]
NEED_WORDS: Mapping[Action, Effect] = {
    A.COMPLAIN: complain,
    A.ANSWER_COMPLAINT: answer_complaint,
    A.CLOSE_COMPLAINT: close_complaint,
    A.NOTE_DEVIATION: note_deviation,
    A.FILE_PLAN: file_plan,
}
WITHOUT_WORDS: Mapping[Action, Effect] = {
    A.TAKE_COMPLAINT: take_complaint,
    A.WITHDRAW_COMPLAINT: withdraw_complaint,
    A.CLOSE_DEVIATION: close_deviation,
    A.WITHDRAW_DEVIATION: withdraw_deviation,
}
