"""What will be late unless somebody acts, and by when: for supervisors, hourly and on demand."""

from datetime import datetime, timedelta

from core import clocks
from core.desk import Desk
from core.in_hand import InHand
from core.notices import Forecast
from core.people import Person, Role
from core.ports import Tx
from core.rows import TimerRow
from core.sla.forecast import Outlook, Running, forecast
from core.telling import language_of, tell
from core.ticket import Ticket
from core.words import moment, say

HORIZON = timedelta(hours=4)
EVERY = timedelta(hours=1)
TIMER = "forecast"
LINES = 20
AT_MOST = 200  # tickets that are reckoned with, the most urgent ones


def outlook(tx: Tx, desk: Desk, now: datetime) -> list[Outlook]:
    """The contract's clocks of open tickets that need a hand within the horizon."""
    near = tx.ask("due_soon", until=now + HORIZON + timedelta(hours=2), many=AT_MOST)
    running = []
    for ticket in tx.find(Ticket, id=tuple(row["id"] for row in near)):
        hand = InHand(tx, desk, ticket, now=now)
        for clock in clocks.readings(hand):
            if clock.attached.clock.contract:
                road = _travel(hand) if clock.milestone == "onsite_arrival" else None
                running.append(
                    Running(
                        subject=ticket.number,
                        reading=clock.reading,
                        status=ticket.status,
                        travel=road,
                    )
                )
    return forecast(running, now, HORIZON)


def _travel(hand: InHand) -> timedelta | None:
    if hand.ticket.site is None:
        return None
    start = hand.assignee.site if hand.assignee else None
    return timedelta(minutes=hand.book.travel.minutes(start, hand.ticket.site))


def lines(found: list[Outlook], reader: Person) -> list[str]:
    language = language_of(reader)
    told = [
        say(
            "forecast.line",
            {
                "number": line.subject,
                "milestone": line.milestone,
                "needs": str(line.needs),
                "act_by": moment(line.act_by, language=language, zone=reader.zone),
                "due": line.due.isoformat(),
            },
            language=language,
            zone=reader.zone,
        )
        for line in found[:LINES]
    ]
    return told or [say("forecast.empty", {}, language=language)]


def plan(tx: Tx, now: datetime) -> None:
    """Set the next hourly look, if none is set: called at the start of the program."""
    if tx.first(TimerRow, order="due_at", kind=TIMER, state="pending") is None:
        tx.add(TimerRow(kind=TIMER, subject="desk", due_at=now + EVERY))


def fire(tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
    """The hourly look: who is told, only if something is in danger."""
    found = outlook(tx, desk, now)
    if found:
        book = desk.register.open(tx)
        supervisors = book.with_role(Role.SUPERVISOR)
        for person in book.on_duty(supervisors, now):
            text = "\n".join(lines(found, person))
            tell(tx, desk, person, Forecast(lines=text), event=f"t{timer.id}", now=now)
    tx.add(TimerRow(kind=TIMER, subject="desk", due_at=max(timer.due_at + EVERY, now)))
