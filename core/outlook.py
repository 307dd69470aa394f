"""What will be late unless somebody acts, and by when: for supervisors, hourly and on demand."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core import clocks, looks
from core.desk import Desk
from core.in_hand import InHand
from core.notices.desk import Forecast
from core.people import Person, Role
from core.ports import Tx
from core.rows import Grievance, TimerRow
from core.sla.forecast import Needs, Outlook, Running, forecast
from core.telling import language_of, tell
from core.ticket import Ticket
from core.words import moment, say

HORIZON = timedelta(hours=4)
EVERY = timedelta(hours=1)
TIMER = "forecast"
LINES = 20
AT_MOST = 200  # tickets that are reckoned with, the most urgent ones


@dataclass(frozen=True, slots=True)
class Prospect:
    """A promise that fails unless somebody acts, with where it is and who has it."""

    outlook: Outlook
    site: str | None
    holder: Person | None


def outlook(tx: Tx, desk: Desk, now: datetime) -> list[Prospect]:
    """The contract's clocks that need a hand within the horizon, the most urgent first."""
    near = tx.ask("due_soon", until=now + HORIZON + timedelta(hours=2), many=AT_MOST)
    # complaints are mostly about what is closed
    waiting = tx.find(Grievance, order="id", limit=AT_MOST, state="open")
    ids = {row["id"] for row in near} | {one.ticket_id for one in waiting}
    tickets = tx.find(Ticket, id=tuple(ids)) if ids else []
    hands = {ticket.number: InHand(tx, desk, ticket, now=now) for ticket in tickets}
    running = [
        Running(
            subject=number,
            reading=clock.reading,
            status=hand.ticket.status,
            travel=_travel(hand) if clock.milestone == "onsite_arrival" else None,
        )
        for number, hand in hands.items()
        for clock in clocks.readings(hand)
        if clock.attached.clock.contract and not hand.ticket.follows
    ]
    return [_prospect(line, hands[line.subject]) for line in forecast(running, now, HORIZON)]


def _prospect(line: Outlook, hand: InHand) -> Prospect:
    return Prospect(line, hand.ticket.site, hand.assignee)


def _travel(hand: InHand) -> timedelta | None:
    if hand.ticket.site is None:
        return None
    start = hand.assignee.site if hand.assignee else None
    return timedelta(minutes=hand.book.travel.minutes(start, hand.ticket.site))


def lines(tx: Tx, desk: Desk, found: list[Prospect], reader: Person, now: datetime) -> list[str]:
    """One line for each, in the reader's words; of the same day only the hour is said."""
    language, book = language_of(reader), desk.register.open(tx)

    def at(value: datetime) -> str:
        return moment(value, since=now, language=language, zone=reader.zone)

    told = [
        say(
            f"forecast.{_tense(one.outlook)}",
            {
                "number": one.outlook.subject,
                "milestone": one.outlook.milestone,
                "site": book.site_name(one.site, language),
                "engineer": one.holder.called(language) if one.holder else "",
                "needs": str(one.outlook.needs),
                "act_by": at(one.outlook.act_by),
                "until_then": at(one.outlook.due),
            },
            language=language,
            zone=reader.zone,
        )
        for one in found[:LINES]
    ]
    return told or [say("forecast.empty", {}, language=language)]


def _tense(line: Outlook) -> str:
    if line.needs is Needs.NOTHING_HELPS:
        return "late"
    return "missed" if line.missed else "line"


def plan(tx: Tx, now: datetime) -> None:
    """The hourly look, as a row like any other deadline."""
    looks.begin(tx, TIMER, now + EVERY)


def fire(tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
    """The hourly look: who is told, only if something is in danger."""
    found = outlook(tx, desk, now)
    if found:
        book = desk.register.open(tx)
        supervisors = book.with_role(Role.SUPERVISOR)
        for person in book.on_duty(supervisors, now):
            text = "\n".join(lines(tx, desk, found, person, now))
            tell(tx, desk, person, Forecast(lines=text), event=f"t{timer.id}", now=now)
    missed = (now - timer.due_at) // EVERY  # hours that passed while the desk was off
    looks.again(tx, TIMER, timer.due_at + (missed + 1) * EVERY)
