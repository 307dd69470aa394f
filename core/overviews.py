"""What the large pictures show, as facts: a week of the rota, and the queue as a whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core import absence
from core.desk import Desk
from core.dispatch.rota import Bar, Gap, Span, week
from core.lifecycle import HELD
from core.people import Person, Role
from core.ports import Tx
from core.register import Book
from core.telling import language_of
from core.ticket import Offer, Ticket

DAY, WEEK = timedelta(days=1), timedelta(days=7)
QUEUE_ROWS = 60  # a picture with more cannot be read on a telephone
# In the order in which somebody looks for a person to send.
ROLES = (
    Role.RESIDENT_ENGINEER,
    Role.FIELD_ENGINEER,
    Role.BACKUP_ENGINEER,
    Role.SYSTEM_ENGINEER,
    Role.REMOTE_AGENT,
    Role.DESK_AGENT,
    Role.ESCALATION_CENTRE,
    Role.SUPERVISOR,
)


NEXT_WEEK = frozenset({"下周", "next", "next week"})


def first_day(desk: Desk, said: str, now: datetime) -> date:
    """Where the week begins: today, next Monday, or on the day that was said. Raises Missing."""
    today = now.astimezone(desk.rules.zone).date()
    if said.strip().lower() in NEXT_WEEK:
        return today + timedelta(days=7 - today.weekday())
    return absence.day_in(said.strip().lower(), today) if said.strip() else today


@dataclass(frozen=True, slots=True)
class DutyRow:
    name: str
    role: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyWeek:
    """Seven days of everybody's time. `gaps` are sites in hours with nobody of theirs."""

    first: date
    now: datetime
    zone: str
    language: str
    rows: tuple[DutyRow, ...]
    gaps: tuple[tuple[str, Gap], ...]
    closed: frozenset[date]  # days without working hours


def duty_week(tx: Tx, desk: Desk, reader: Person, first: date, now: datetime) -> DutyWeek:
    book, language, zone = desk.register.open(tx), language_of(reader), desk.rules.zone
    since = datetime.combine(first, time(), zone)
    rota = book.rota_between(since, since + WEEK)
    bars = week(rota, first, zone, _busy(tx, book, now))
    people = sorted(
        (p for p in book.staff.values() if p.code and (bars.get(p.code) or p.duty or p.on_call)),
        key=lambda person: (_place(person), person.code),
    )
    return DutyWeek(
        first=first,
        now=now,
        zone=str(zone),
        language=language,
        rows=tuple(
            DutyRow(p.called(language), _role(p), tuple(bars.get(p.code or "", ()))) for p in people
        ),
        gaps=tuple(
            (book.site_name(code, language), gap)
            for code, gap in absence.gaps_between(book, desk, since, since + WEEK)
        ),
        closed=_closed(desk, first),
    )


def _closed(desk: Desk, first: date) -> frozenset[date]:
    days = [first + timedelta(days=n) for n in range(WEEK.days)]
    midnights = {day: datetime.combine(day, time(), desk.rules.zone) for day in days}
    office = desk.working_days
    return frozenset(
        day for day, opens in midnights.items() if not any(office.spans(opens, opens + DAY))
    )


def _place(person: Person) -> int:
    return min((ROLES.index(role) for role in ROLES if person.has(role)), default=len(ROLES))


def _role(person: Person) -> str:
    return next((role for role in ROLES if person.has(role)), person.roles[0])


def _busy(tx: Tx, book: Book, now: datetime) -> Mapping[str, Iterable[Span]]:
    """Who is at a job right now, and since when."""
    held_now = tx.find(Ticket, assignee_id=tuple(book.staff), status=tuple(HELD))
    held = {ticket.id: ticket for ticket in held_now}
    found: dict[str, list[Span]] = {}
    accepted = tx.find(Offer, ticket_id=tuple(held), state="accepted") if held else []
    for offer in accepted:
        person = book.staff.get(offer.person_id)
        mine = held[offer.ticket_id].assignee_id == offer.person_id
        if mine and person is not None and person.code and offer.answered_at is not None:
            found.setdefault(person.code, []).append((offer.answered_at, now))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    number: str
    priority: str
    status: str
    site: str
    engineer: str
    symptom: str
    due: datetime | None
    emergency: bool
    vip: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What is open, by deadline; `many` and `late` count all of it, shown or not."""

    now: datetime
    zone: str
    language: str
    rows: tuple[QueueRow, ...]
    many: int
    late: int


def queue(tx: Tx, desk: Desk, reader: Person, now: datetime, *, most: int = QUEUE_ROWS) -> Queue:
    book, language = desk.register.open(tx), language_of(reader)
    counted = count(tx, now)
    return Queue(
        now=now,
        zone=reader.zone,
        language=language,
        rows=tuple(_row(ticket, book, language) for ticket in by_deadline(tx, most)),
        many=counted.many,
        late=counted.late,
    )


def by_deadline(tx: Tx, most: int) -> list[Ticket]:
    """What is still to be done, whatever is due first at the front."""
    ids = tuple(row["id"] for row in tx.ask("board", many=most))
    found = {ticket.id: ticket for ticket in tx.find(Ticket, id=ids)} if ids else {}
    return [found[key] for key in ids if key in found]


@dataclass(frozen=True, slots=True)
class Count:
    """Everything that is still to be done, and how much of it is late."""

    many: int
    late: int


def count(tx: Tx, now: datetime) -> Count:
    (counted,) = tx.ask("board_counts", now=now)
    return Count(counted["many"], counted["late"])


def _row(ticket: Ticket, book: Book, language: str) -> QueueRow:
    holder = book.staff.get(ticket.assignee_id or 0)
    return QueueRow(
        number=ticket.number,
        priority=ticket.priority,
        status=ticket.status,
        site=book.site_name(ticket.site, language),
        engineer=holder.called(language) if holder else "",
        symptom=" ".join(ticket.symptom.split()),
        due=ticket.due_at,
        emergency=ticket.emergency,
        vip=ticket.vip,
    )
