"""Warnings as letters: who hears that a promise is in danger, and what they can do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core import actions
from core.lifecycle import Action
from core.messages import Choice
from core.notices.desk import SlaBreach, SlaLateOnAttach, SlaPromiseFailed, SlaWarning
from core.notices.notice import kind_of
from core.people import Person, Role, name_of
from core.sla.calendar import Calendar
from core.sla.ladder import Kind, Warning
from core.ticket import Offer

if TYPE_CHECKING:
    from core.in_hand import InHand

ROLES: Mapping[str, Role] = {
    "desk": Role.DESK_AGENT,
    "supervisor": Role.SUPERVISOR,
    "manager": Role.PROJECT_MANAGER,
    "quality": Role.QUALITY,
    "escalation_centre": Role.ESCALATION_CENTRE,
}
# What ends a clock, where a single press or text of whoever is warned can do that.
REMEDIES: Mapping[str, Action] = {
    "complaint_answer": Action.ANSWER_COMPLAINT,
    "deviation_plan": Action.FILE_PLAN,
    "callback": Action.CALLBACK_DONE,
}
ALARMS = {
    Kind.SOON: SlaWarning,
    Kind.BREACH: SlaBreach,
    Kind.AFTER_BREACH: SlaBreach,
    Kind.LATE_ON_ATTACH: SlaLateOnAttach,
    Kind.PROMISE_FAILED: SlaPromiseFailed,
}
LETTERS = tuple(sorted({kind_of(notice) for notice in ALARMS.values()}))


@dataclass(frozen=True, slots=True)
class Alarm:
    """A warning whose moment has come, and the clock that it is about."""

    milestone: str
    due: datetime | None
    calendar: Calendar
    warning: Warning


def warn(hand: "InHand", due: Sequence[Alarm]) -> None:
    """Each clock's one warning that counts now; a promise that failed is one matter for all."""
    failed = [alarm for alarm in due if alarm.warning.kind is Kind.PROMISE_FAILED]
    for alarm in due:
        if alarm.warning.kind is not Kind.PROMISE_FAILED:
            _tell_all(hand, alarm, set())
    told: set[int] = set()
    for alarm in sorted(failed, key=lambda alarm: alarm.due or alarm.warning.at):
        _tell_all(hand, alarm, told)


def _tell_all(hand: "InHand", alarm: Alarm, told: set[int]) -> None:
    """Letters to whoever has not been told of it, and a line in the journal with all names."""
    warning = alarm.warning
    people = _hearers(hand, alarm)
    for person in people:
        if person.id not in told and _tell(hand, alarm, person):
            told.add(person.id)
    hand.step(
        Action.WARN,
        detail={
            "milestone": alarm.milestone,
            "cycle": warning.cycle,
            "warning": warning.name,
            "alarm": str(warning.kind),
            "due": warning.at.isoformat(),
            "late": warning.late,
            "told": " ".join(person.code or "" for person in people if person.id in told),
        },
    )


def _hearers(hand: "InHand", alarm: Alarm) -> list[Person]:
    """Whoever the rung names. A clock that never rests finds somebody who is awake: where
    nobody of them is on duty, the escalation centre hears of it too (clock rule 12)."""
    people = [p for name in alarm.warning.audience for p in _audience(hand, name)]
    people = people or _audience(hand, "desk")
    if alarm.calendar.round_the_clock and not hand.book.on_duty(people, hand.now):
        people += _audience(hand, "escalation_centre")
    return list({person.id: person for person in people}.values())


def _audience(hand: "InHand", name: str) -> list[Person]:
    if name != "engineer":
        return hand.book.with_role(ROLES[name])
    holder = hand.assignee
    if holder is not None:
        return [holder]
    asked = hand.tx.find(Offer, ticket_id=hand.ticket.id, state="open")
    return [p for offer in asked if (p := hand.person(offer.person_id))]


def _tell(hand: "InHand", alarm: Alarm, person: Person) -> int:
    warning = alarm.warning
    promised = warning.kind is Kind.PROMISE_FAILED
    return hand.tell(
        person,
        ALARMS[warning.kind](
            number=hand.ticket.number,
            milestone=alarm.milestone,
            site=hand.site_name(person),
            holder=name_of(hand.assignee),
            due=warning.at if promised else alarm.due or warning.at,
            late=_minutes(hand.now - warning.at) if warning.late else "",
        ),
        choices=_choices(hand, alarm, person),
        not_before=_not_before(hand, alarm, person),
    )


def _choices(hand: "InHand", alarm: Alarm, person: Person) -> tuple[Choice, ...]:
    """What may be done about it, never what the desk would refuse to this person."""
    remedy = REMEDIES.get(alarm.milestone)
    if remedy is None and person.has(Role.DESK_AGENT, Role.SUPERVISOR):
        return hand.interventions()
    known = hand.choice(Action.ACKNOWLEDGE, style="primary")
    if remedy is not None and actions.may(remedy, person.roles, {actions.Relation.ANY}):
        return known, hand.choice(remedy)
    return (known,)


def _not_before(hand: "InHand", alarm: Alarm, person: Person) -> datetime | None:
    """A clock that never rests wakes people; any other waits for the receiver's own hours."""
    if alarm.calendar.round_the_clock or not (person.duty or person.on_call):
        return None
    rota, code = hand.book.rota(hand.now), person.code or ""
    if rota.duty(code, hand.now) is not None:
        return None
    following = rota.next_duty(code, hand.now)
    return following.starts if following else None


def _minutes(late: timedelta) -> str:
    return str(int(late / timedelta(minutes=1)))
