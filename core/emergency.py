"""Many reports of one thing, or one of something grave: seen, declared, followed to its end."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import timedelta

from core import closing, looks, story
from core.dispatch import offers
from core.errors import NoSuchTicket
from core.in_hand import InHand
from core.lifecycle import HELD, LIFE, OPEN, Action, Status
from core.messages import Choice
from core.notices.desk import (
    DuplicateProposed,
    EmergencyDeclared,
    EmergencyNews,
    EmergencyOver,
    EmergencyProposed,
    EmergencyReport,
    EmergencyRound,
)
from core.notices.engineer import SecondEngineer
from core.notices.requester import LinkedTo
from core.numbers import serial_of
from core.people import Person, Role, name_of
from core.ports import Between
from core.routing import route
from core.rows import OutboxRow, TimerRow
from core.telling import language_of, tell
from core.ticket import Ticket

A, S = Action, Status
WATCH, LINK, FOLLOW = offers.WATCH, "link_child", "follow_parent"
LET_GO, ROUND = "stand_alone", "emergency_round"
WINDOW = timedelta(minutes=30)
EVERY = timedelta(minutes=30)
ALIKE = 3  # reports by different people within the window
MANY = 4 * ALIKE  # that are counted before anybody has heard of them
EXTRA_HANDS = 2
# A single dead till is urgent and no emergency; these are, whoever reports them first.
GRAVE = frozenset({"ransomware", "site_down", "safety", "security_loss"})
COMMAND = (Role.SUPERVISOR, Role.PROJECT_MANAGER, Role.DESK_AGENT)
LINKABLE = (S.NEW, S.TRIAGED, S.DISPATCHED)


# -- seen


def watch(hand: InHand) -> None:
    """After a report: is it one of several, and is it grave?"""
    ticket = hand.ticket
    if ticket.emergency or ticket.duplicate_of is not None or not ticket.is_open:
        return
    alike = _enough(hand)
    first, reporters = alike[0] if alike else ticket, _reporters(hand, alike)
    if first.emergency:
        _propose_link(hand, first)
    elif len(reporters) >= ALIKE or _is_grave(hand):
        _propose_emergency(hand, first)
    elif len(reporters) > 1:
        _propose_link(hand, first)


def _enough(hand: InHand) -> Sequence[Ticket]:
    """As many as tell whether enough people report it, and no more: hundreds who write from one
    site are not read through for each."""
    few = _alike(hand, most=ALIKE + 1)
    if len(few) < ALIKE or len(_reporters(hand, few)) >= ALIKE:
        return few
    return _alike(hand, most=MANY)  # somebody reported it more than once


def _reporters(hand: InHand, alike: Iterable[Ticket]) -> set[int]:
    return {hand.ticket.requester_id, *(other.requester_id for other in alike)}


def _alike(hand: InHand, most: int | None = None) -> list[Ticket]:
    """Other open matters of the same site and category within the window, oldest first."""
    ticket = hand.ticket
    if ticket.site is None or not ticket.category:
        return []
    found = hand.tx.find(
        Ticket,
        order="opened_at",
        limit=most,
        site=ticket.site,
        category=ticket.category,
        duplicate_of=None,
        opened_at=Between(after=ticket.opened_at - WINDOW),
        status=tuple(OPEN),
    )
    return [other for other in found if other.id != ticket.id]


def _is_grave(hand: InHand) -> bool:
    return not GRAVE.isdisjoint(hand.book.reader.read(hand.ticket.symptom).emergency)


def _propose_emergency(hand: InHand, first: Ticket) -> None:
    """Once: further reports are proposed for linking when it is declared."""
    if hand.tx.count(OutboxRow, ticket_id=first.id, kind="emergency_proposed") > 0:
        return
    reports = len(_reporters(hand, _alike(hand, most=MANY)))
    for person in hand.book.with_role(Role.SUPERVISOR, Role.DESK_AGENT):
        notice = EmergencyProposed(
            number=first.number,
            site=hand.book.site_name(first.site, language_of(person)),
            category=first.category,
            symptom=first.symptom,
            reports=reports,
        )
        choices = (
            Choice(action=A.DECLARE_EMERGENCY, ticket=first.number, style="danger"),
            Choice(action=A.ACKNOWLEDGE, ticket=first.number),
        )
        event = f"emergency.{first.number}"
        tell(
            hand.tx, hand.desk, person, notice,
            event=event, now=hand.now, choices=choices, ticket=first,
        )  # fmt: skip


def _propose_link(hand: InHand, first: Ticket) -> None:
    """R-015: to the desk, which decides."""
    ticket = hand.ticket
    if ticket.status not in LINKABLE:
        return
    people = hand.book.with_role(Role.DESK_AGENT)
    for person in hand.book.on_duty_or_all(people, hand.now):
        hand.tell(
            person,
            DuplicateProposed(
                number=ticket.number,
                parent=first.number,
                site=hand.site_name(person),
                category=ticket.category,
                symptom=ticket.symptom,
            ),
            choices=(hand.choice(A.LINK_DUPLICATE, first.number, "primary"),),
        )


# -- one matter, many reports


def link(hand: InHand, number: str) -> Ticket:
    """The report becomes part of another matter and has its result (R-015). Raises NoSuchTicket."""
    serial = serial_of(number)
    parent = hand.tx.get(Ticket, serial) if serial else None
    if parent is None or parent.id == hand.ticket.id or parent.duplicate_of is not None:
        raise NoSuchTicket(number=number[:12])
    hand.step(
        A.LINK_DUPLICATE, arg=parent.number, duplicate_of=parent.id, settled=True, assignee_id=None
    )
    offers.withdraw(hand)
    hand.cancel_timers("settle", "untriaged", "offer_supervisor", "offer_again")
    news = (
        EmergencyNews(number=hand.ticket.number, site=hand.site_name(hand.requester))
        if parent.emergency
        else LinkedTo(number=hand.ticket.number, parent=parent.number)
    )
    hand.tell(hand.requester, news)
    return parent


def link_child(hand: InHand, timer: TimerRow) -> None:
    """By the declaration: what is alike and not yet in anybody's hands."""
    if hand.ticket.status not in LINKABLE or hand.ticket.duplicate_of is not None:
        return
    with suppress(NoSuchTicket):  # the matter itself was linked to another meanwhile
        link(hand, str(timer.payload["parent"]))


def _children(hand: InHand) -> list[Ticket]:
    """Reports that were linked to this one and wait for its result."""
    found = hand.tx.find(Ticket, duplicate_of=hand.ticket.id, order="id")
    return [child for child in found if child.follows]


def tell_children(hand: InHand, result: str) -> None:
    """The matter is resolved: so are the reports that hang on it, each by its own lock."""
    for child in _children(hand):
        _later(hand, FOLLOW, child, result=result)


def follow_parent(hand: InHand, timer: TimerRow) -> None:
    if not hand.ticket.follows:
        return  # it was taken up by itself meanwhile
    result = str(timer.payload["result"] or "")
    hand.step(
        A.RESOLVE, detail={"text": result, "why": "parent"}, to=S.RESOLVED, resolved_at=hand.now
    )
    closing.ask_whether_it_works(hand, result=result)
    tell_children(hand, result)


def let_go(hand: InHand) -> None:
    """The matter was cancelled, so its reports stand alone again, each by its own lock."""
    for child in _children(hand):
        _later(hand, LET_GO, child)


def stand_alone(hand: InHand, timer: TimerRow) -> None:
    if hand.ticket.follows:
        hand.step(A.DETACH, detail={"why": "cancelled"}, duplicate_of=None)
        route(hand)


def _later(hand: InHand, kind: str, child: Ticket, **payload: str) -> None:
    looks.instead(hand.tx, kind, f"ticket/{child.id}/{hand.ticket.id}", hand.now, **payload)


# -- declared


def declare(hand: InHand, commander_code: str) -> None:
    """Commander, extra people, one word to all who reported, and news until it is over."""
    if hand.ticket.emergency:
        _answer_declared(hand, 1 + len(_children(hand)))  # a second press is success
        return
    commander = hand.book.by_code.get(commander_code) or hand.by.person
    hand.step(
        A.DECLARE_EMERGENCY,
        detail={"commander": name_of(commander)},
        emergency=True,
        severity="P1",
        priority="P1",
    )
    alike = [other for other in _alike(hand) if other.status in LINKABLE]
    for other in alike:
        _later(hand, LINK, other, parent=hand.ticket.number)
    concerned = _concerned(hand)
    for person in concerned:
        hand.tell(person, _declared(hand, person, 1 + len(alike)))
    if hand.ticket.requester_id not in {person.id for person in concerned}:
        news = EmergencyNews(number=hand.ticket.number, site=hand.site_name(hand.requester))
        hand.tell(hand.requester, news)
    _send_people(hand, commander)
    hand.later(ROUND, EVERY)
    _answer_declared(hand, 1 + len(alike))


def _answer_declared(hand: InHand, reports: int) -> None:
    if hand.by.person is not None:
        over = hand.choice(A.STAND_DOWN, style="success")
        hand.answer(_declared(hand, hand.by.person, reports), choices=(over,))


def _declared(hand: InHand, reader: Person, reports: int) -> EmergencyDeclared:
    return EmergencyDeclared(
        number=hand.ticket.number,
        site=hand.site_name(reader),
        symptom=hand.ticket.symptom,
        commander=_commander(hand),
        reports=reports,
    )


def _concerned(hand: InHand) -> Sequence[Person]:
    """Who leads, the customer's own IT, and the resident of the site; not who just pressed."""
    people = hand.book.with_role(*COMMAND)
    people += [
        person
        for person in hand.book.with_role(Role.RESIDENT_ENGINEER)
        if person.site == hand.ticket.site
    ]
    people += [p for p in hand.tx.find(Person, active=True) if p.has(Role.CUSTOMER_IT)]
    return [person for person in {p.id: p for p in people}.values() if person.id != hand.by.id]


def _send_people(hand: InHand, commander: Person | None) -> None:
    """Nobody has it: everybody fit is asked at once. Somebody has it: the next best join."""
    if hand.ticket.status in HELD:
        for person in offers.extra_hands(hand, EXTRA_HANDS):
            if hand.ticket.status in LIFE[A.ADD_ENGINEER].origin:
                hand.step(A.ADD_ENGINEER, arg=person.code or "")
            notice = SecondEngineer(
                number=hand.ticket.number,
                site=hand.site_name(person),
                symptom=hand.ticket.symptom,
                commander=name_of(commander),
            )
            hand.tell(person, notice)
        return
    if hand.ticket.status in {S.NEW, S.REOPENED}:
        hand.step(A.TRIAGE, arg="onsite", mode="onsite", settled=True)
        hand.cancel_timers("settle", "untriaged")
    if hand.ticket.status in {S.TRIAGED, S.ESCALATED}:
        hand.step(A.DISPATCH, mode="onsite", assignee_id=None)
    if hand.ticket.status == S.DISPATCHED:
        offers.withdraw(hand)
        offers.offer_next(hand)


# -- followed


def status_round(hand: InHand) -> None:
    """How it stands, until somebody stands it down."""
    if not hand.ticket.emergency:
        return
    for person in _concerned(hand):
        holder = hand.assignee
        notice = EmergencyRound(
            number=hand.ticket.number,
            site=hand.site_name(person),
            status=hand.ticket.status,
            commander=_commander(hand),
            engineer=name_of(holder),
            reports=1 + hand.tx.count(Ticket, duplicate_of=hand.ticket.id),
            minutes=_minutes(hand),
        )
        hand.tell(person, notice)
    hand.later(ROUND, EVERY)


def stand_down(hand: InHand) -> None:
    """Over: everybody is told, and whoever leads has the time line for the report."""
    number, actor = hand.ticket.number, hand.by.person
    if actor is not None:
        hand.answer(EmergencyOver(number=number, site=hand.site_name(actor)))
    if not hand.ticket.emergency:
        return
    hand.step(A.STAND_DOWN, emergency=False)
    hand.cancel_timers(ROUND)
    for person in _everybody(hand):
        if actor is None or person.id != actor.id:
            hand.tell(person, EmergencyOver(number=number, site=hand.site_name(person)))
    for person in hand.book.with_role(Role.SUPERVISOR, Role.PROJECT_MANAGER):
        notice = EmergencyReport(
            number=number,
            site=hand.site_name(person),
            minutes=_minutes(hand),
            reports=1 + hand.tx.count(Ticket, duplicate_of=hand.ticket.id),
            lines="\n".join(story.lines(hand, language_of(person), zone=person.zone)),
        )
        hand.tell(person, notice)


def _everybody(hand: InHand) -> Iterable[Person]:
    children = hand.tx.find(Ticket, duplicate_of=hand.ticket.id, order="id")
    reporters = [hand.requester, *(hand.tx.get(Person, c.requester_id) for c in children)]
    people = [*_concerned(hand), hand.assignee, *reporters]
    return {person.id: person for person in people if person is not None}.values()


def _commander(hand: InHand) -> str:
    declared = [step for step in hand.history if step.action == A.DECLARE_EMERGENCY]
    return str(declared[-1].detail.get("commander", "")) if declared else ""


def _minutes(hand: InHand) -> int:
    declared = [step.at for step in hand.history if step.action == A.DECLARE_EMERGENCY]
    return int((hand.now - declared[-1]).total_seconds() // 60) if declared else 0
