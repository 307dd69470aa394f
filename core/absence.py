"""Leave, illness and cover: one line from the phone, and nothing stays with who is away (R-031)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core import looks
from core.desk import Desk
from core.dispatch import offers
from core.dispatch.rota import Gap, Kind, Need, gaps
from core.errors import Missing, NotAllowed
from core.in_hand import InHand
from core.lifecycle import LIFE, OPEN, Action, Status
from core.notices.desk import CoverKept, DutyGap, LeaveKept, LeaveTold
from core.notices.engineer import JobHandedOver
from core.notices.requester import VisitChanged
from core.people import ENGINEERS, Person, Role, RotaRow
from core.ports import Tx
from core.register import CHANGES, Book
from core.rows import TimerRow
from core.telling import language_of, tell
from core.ticket import Offer, Ticket

GAPS, HAND_ON, STARTS = "duty_gaps", "hand_on", "leave_starts"  # kinds of timers
AHEAD = timedelta(days=7)
LOOK_AT = time(8, 30)
VISITED = {Status.ACCEPTED, Status.EN_ROUTE, Status.ARRIVED, Status.WORKING}

_DAYS = {"today": 0, "今天": 0, "今日": 0, "tomorrow": 1, "明天": 1, "明日": 1, "后天": 2}
_DATE = re.compile(r"(?:(\d{4})[-/年])?(\d{1,2})[-/月](\d{1,2})日?")


@dataclass(frozen=True, slots=True)
class Away:
    """From now or a midnight to a midnight, as the desk's own days run."""

    starts: datetime
    ends: datetime


def read_days(words: Iterable[str], desk: Desk, now: datetime) -> Away:
    """`today`, `2026-11-24`, `11-24 11-26`; nothing means ill today. Raises Missing."""
    zone = desk.rules.zone
    today = now.astimezone(zone).date()
    days = [day_in(word.strip().lower(), today) for word in words] or [today]
    if len(days) > 2 or days[-1] < days[0] or days[-1] < today:
        raise Missing(number="", what="moment")
    midnight = datetime.combine(days[0], time(), zone)
    return Away(max(midnight, now), datetime.combine(days[-1] + timedelta(days=1), time(), zone))


def day_in(word: str, today: date) -> date:
    """The day that a word names: today, 明天, 2026-11-24, 11-24. Raises Missing."""
    if word in _DAYS:
        return today + timedelta(days=_DAYS[word])
    found = _DATE.fullmatch(word)
    if found is None:
        raise Missing(number="", what="moment")
    year, month, day = found.groups()
    try:
        return date(int(year or today.year), int(month), int(day))
    except ValueError as fault:
        raise Missing(number="", what="moment") from fault


# -- the commands


def leave(tx: Tx, desk: Desk, by: Person, said: str, *, event: str, now: datetime) -> LeaveKept:
    """`/leave`, `/leave 11-24 11-26`; a supervisor may name the person first."""
    book, words = desk.register.open(tx), said.split()
    person = book.named(words[0]) if words else None
    if person is not None:
        words = words[1:]
    if not by.is_staff or (person not in {None, by} and not by.has(Role.SUPERVISOR)):
        raise NotAllowed
    person, away = person or by, read_days(words, desk, now)
    jobs = len(_held(tx, person)) if away.starts <= now else 0
    code = _code(person)
    if tx.first(RotaRow, person_code=code, kind=Kind.LEAVE, ends=away.ends) is None:
        _keep_leave(tx, code, away)
        told = LeaveTold(name=person.name, starts=away.starts, ends=away.ends, jobs=jobs)
        for supervisor in book.with_role(Role.SUPERVISOR):
            if supervisor.id != by.id:
                tell(tx, desk, supervisor, told, event=event, now=now)
        look_for_gaps(tx, now)
    return LeaveKept(starts=away.starts, ends=away.ends, jobs=jobs)


def _keep_leave(tx: Tx, code: str, away: Away) -> None:
    row = RotaRow(person_code=code, kind=Kind.LEAVE, starts=away.starts, ends=away.ends)
    kept = tx.insert(row)
    tx.add(TimerRow(kind=STARTS, subject=f"rota/{kept.id}", due_at=away.starts))
    tx.next(CHANGES)


def cover(tx: Tx, desk: Desk, by: Person, said: str, *, event: str, now: datetime) -> CoverKept:
    """`/cover NAME days`: I stand in for NAME; a supervisor may name both, who and for whom."""
    book, words = desk.register.open(tx), said.split()
    named: list[Person] = []
    while words and len(named) < 2 and (person := book.named(words[0])) is not None:
        named.append(person)
        words = words[1:]
    if not named:
        raise Missing(number="", what="engineer")
    who, whom = (by, named[0]) if len(named) == 1 else (named[0], named[1])
    if not by.is_staff or (who.id != by.id and not by.has(Role.SUPERVISOR)):
        raise NotAllowed
    if who.id == whom.id:
        raise Missing(number="", what="engineer")
    away = read_days(words, desk, now)
    tx.insert(
        RotaRow(
            person_code=_code(who),
            kind=Kind.COVER,
            starts=away.starts,
            ends=away.ends,
            covers=_code(whom),
        )
    )
    tx.next(CHANGES)
    told = CoverKept(name=who.name, covered=whom.name, starts=away.starts, ends=away.ends)
    for person in {p.id: p for p in (who, whom, *book.with_role(Role.SUPERVISOR))}.values():
        if person.id != by.id:
            tell(tx, desk, person, told, event=event, now=now)
    return told


def _code(person: Person) -> str:
    if person.code is None:
        raise Missing(number="", what="engineer")
    return person.code


# -- what follows when the leave begins


def begin(tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
    """Every open job and offer of the person goes on by its own timer, so by its own lock."""
    row = tx.get(RotaRow, int(timer.subject.split("/")[1]))
    person = tx.first(Person, code=row.person_code) if row and row.ends > now else None
    if person is None:
        return
    asked = {offer.ticket_id for offer in tx.find(Offer, person_id=person.id, state="open")}
    for ticket_id in sorted(asked | {ticket.id for ticket in _held(tx, person)}):
        subject = f"ticket/{ticket_id}/{person.id}"
        tx.add(TimerRow(kind=HAND_ON, subject=subject, due_at=now, payload={"from": person.id}))


def _held(tx: Tx, person: Person) -> list[Ticket]:
    held = tx.find(Ticket, assignee_id=person.id, status=tuple(OPEN))
    return [ticket for ticket in held if ticket.status in LIFE[Action.HAND_OVER].origin]


def hand_on(hand: InHand, timer: TimerRow) -> None:
    """To whoever covers the person, else to the next best; who waits for a visit is told."""
    away = hand.person(int(timer.payload["from"] or 0))
    if away is None:
        return
    if hand.ticket.assignee_id == away.id:
        if hand.ticket.status not in LIFE[Action.HAND_OVER].origin:
            return
        visited = hand.ticket.status in VISITED
        hand.step(
            Action.HAND_OVER,
            detail={"why": "leave", "was": away.name, "from": away.id},
            assignee_id=None,
        )
        hand.tell(away, JobHandedOver(number=hand.ticket.number))
        if visited:
            hand.tell(hand.requester, VisitChanged(number=hand.ticket.number))
    elif (
        offer := hand.tx.first(Offer, ticket_id=hand.ticket.id, person_id=away.id, state="open")
    ) is None or not offers.answer(hand, offer, "withdrawn"):
        return
    stand_in = _stand_in(hand, away)
    if stand_in is not None and offers.is_waiting_for_yes(hand):
        offers.offer_to(hand, stand_in)
    elif offers.is_waiting_for_yes(hand):
        offers.offer_next(hand)


def _stand_in(hand: InHand, away: Person) -> Person | None:
    for row in hand.book.rows:
        if row.covers == away.code and row.starts <= hand.now < row.ends:
            return hand.book.by_code.get(row.person_code)
    return None


# -- gaps ahead


def plan(tx: Tx, desk: Desk, now: datetime) -> None:
    """The daily look ahead, as a row like any other deadline."""
    looks.begin(tx, GAPS, looks.next_day_at(LOOK_AT, desk, now))


def look_for_gaps(tx: Tx, now: datetime) -> None:
    tx.update_where(TimerRow, {"kind": GAPS, "state": "pending"}, due_at=now)


def warn_of_gaps(tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
    """At least one resident at each resident site in the customer's hours (R-030)."""
    book = desk.register.open(tx)
    for number, (code, gap) in enumerate(gaps_ahead(book, desk, now)):
        for person in book.with_role(Role.SUPERVISOR):
            notice = DutyGap(
                place=book.site_name(code, language_of(person)),
                starts=gap.starts,
                ends=gap.ends,
                missing=gap.missing,
            )
            tell(tx, desk, person, notice, event=f"t{timer.id}.{number}", now=now)
    looks.again(tx, GAPS, looks.next_day_at(LOOK_AT, desk, now))


def gaps_ahead(book: Book, desk: Desk, now: datetime) -> list[tuple[str, Gap]]:
    """Sites and stretches of the coming week in which nobody of theirs is planned."""
    return gaps_between(book, desk, now, now + AHEAD)


def gaps_between(book: Book, desk: Desk, since: datetime, until: datetime) -> list[tuple[str, Gap]]:
    hours = tuple(desk.calendars["resident"].spans(since, until))
    needs = [
        Need(
            name=site.code,
            people=_residents(book, site.code),
            within=hours,
            site=site.code,
            city=site.city,
        )
        for site in book.sites.values()
        if site.kind == "resident"
    ]
    found = gaps(book.rota_between(since, until), since, until, needs)
    return [(gap.need, gap) for gap in found]


def _residents(book: Book, site: str) -> frozenset[str]:
    own = {
        person.code
        for person in book.with_role(*ENGINEERS)
        if person.code and person.site == site and person.has(Role.RESIDENT_ENGINEER)
    }
    return frozenset(own | {row.person_code for row in book.rows if row.covers in own})
