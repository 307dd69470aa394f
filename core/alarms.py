"""Warnings as letters: who hears that a promise is in danger, and what they can do about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core import actions
from core.lifecycle import Action
from core.messages import Choice
from core.notices.desk import SlaBreach, SlaLateOnAttach, SlaPromiseFailed, SlaWarning
from core.notices.notice import kind_of
from core.people import Person, Role
from core.sla.ladder import Kind, Warning
from core.telling import language_of
from core.ticket import Offer

if TYPE_CHECKING:
    from core.clocks import Running
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


def warn(hand: "InHand", due: Sequence[tuple["Running", Warning]]) -> None:
    """Each clock's one warning that counts now; a promise that failed is one matter for all."""
    failed = [(clock, warning) for clock, warning in due if warning.kind is Kind.PROMISE_FAILED]
    for clock, warning in due:
        if warning.kind is not Kind.PROMISE_FAILED:
            _tell_all(hand, clock, warning, set())
    told: set[int] = set()
    for clock, warning in sorted(failed, key=lambda pair: pair[0].reading.due or pair[1].at):
        _tell_all(hand, clock, warning, told)


def _tell_all(hand: "InHand", clock: "Running", warning: Warning, told: set[int]) -> None:
    """Letters to whoever has not been told of it, and a line in the journal with all names."""
    people = _hearers(hand, clock, warning)
    for person in people:
        if person.id not in told and _tell(hand, clock, warning, person):
            told.add(person.id)
    hand.step(
        Action.WARN,
        detail={
            "milestone": clock.milestone,
            "cycle": clock.reading.cycle,
            "warning": warning.name,
            "alarm": str(warning.kind),
            "due": warning.at.isoformat(),
            "late": warning.late,
            "told": " ".join(person.code or "" for person in people if person.id in told),
        },
    )


def _hearers(hand: "InHand", clock: "Running", warning: Warning) -> list[Person]:
    """Whoever the rung names. A clock that never rests finds somebody who is awake: where
    nobody of them is on duty, the escalation centre hears of it too (clock rule 12)."""
    people = [p for name in warning.audience for p in _audience(hand, name)]
    people = people or _audience(hand, "desk")
    if _round_the_clock(hand, clock) and not hand.book.on_duty(people, hand.now):
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


def _round_the_clock(hand: "InHand", clock: "Running") -> bool:
    return hand.desk.calendars[clock.attached.clock.calendar].round_the_clock


def _tell(hand: "InHand", clock: "Running", warning: Warning, person: Person) -> int:
    holder = hand.assignee
    promised = warning.kind is Kind.PROMISE_FAILED
    return hand.tell(
        person,
        ALARMS[warning.kind](
            number=hand.ticket.number,
            milestone=clock.milestone,
            site=hand.book.site_name(hand.ticket.site, language_of(person)),
            holder=holder.name if holder else "",
            due=warning.at if promised else clock.reading.due or warning.at,
            late=_minutes(hand.now - warning.at) if warning.late else "",
        ),
        choices=_choices(hand, clock, person),
        audience="",
        not_before=_not_before(hand, clock, person),
    )


def _choices(hand: "InHand", clock: "Running", person: Person) -> tuple[Choice, ...]:
    """What may be done about it, never what the desk would refuse to this person."""
    choices = [hand.choice(Action.ACKNOWLEDGE, style="primary")]
    remedy = REMEDIES.get(clock.milestone)
    if remedy is not None:
        able = actions.may(remedy, person.roles, {actions.Relation.ANY})
        return (*choices, hand.choice(remedy)) if able else tuple(choices)
    if person.has(Role.DESK_AGENT, Role.SUPERVISOR):
        choices += [hand.choice(Action.REASSIGN), hand.choice(Action.CALL_ENGINEER)]
    return tuple(choices)


def _not_before(hand: "InHand", clock: "Running", person: Person) -> datetime | None:
    """A clock that never rests wakes people; any other waits for the receiver's own hours."""
    if _round_the_clock(hand, clock) or not (person.duty or person.on_call):
        return None
    rota, code = hand.book.rota(hand.now), person.code or ""
    if rota.duty(code, hand.now) is not None:
        return None
    following = rota.next_duty(code, hand.now)
    return following.starts if following else None


def _minutes(late: timedelta) -> str:
    return str(int(late / timedelta(minutes=1)))
