"""The leave-by alarm: whoever has accepted must be on the road in time for the deadline (R-033)."""

from datetime import timedelta

from core.in_hand import InHand
from core.lifecycle import Action, Status
from core.notices.desk import NotLeft
from core.notices.engineer import LeaveNow
from core.people import Person, Role
from core.ticket import Ticket

NUDGE, ALARM = "leave_by", "not_left"  # kinds of timers
MARGIN = timedelta(minutes=10)  # a lift, a parking place, a word at the gate
BREATH = timedelta(minutes=2)  # who accepts late is not hurried in the same second
AT_WORK = (Status.ARRIVED, Status.WORKING, Status.EN_ROUTE)
TODAY = timedelta(hours=12)


def watch(hand: InHand, before: Ticket) -> None:
    """After a change was saved: set, move or cancel the alarm of a job that is not under way."""
    if _what_counts(before) == _what_counts(hand.ticket):
        return
    if hand.ticket.status != Status.ACCEPTED:
        if before.status == Status.ACCEPTED:
            hand.cancel_timers(NUDGE, ALARM)
        return
    person, due = hand.assignee, hand.ticket.due_at
    if person is None or due is None:
        hand.cancel_timers(NUDGE, ALARM)
        return
    latest = due - road(hand, person)
    nudge = max(latest - MARGIN, hand.now + BREATH)
    alarm = max(latest, nudge + BREATH)
    for kind, at in ((NUDGE, nudge), (ALARM, alarm)):
        if at < due:
            hand.timer(kind, at)
        else:
            hand.cancel_timers(kind)  # the warnings of the clock itself have the word by then


def _what_counts(ticket: Ticket) -> tuple[object, ...]:
    return (ticket.status, ticket.assignee_id, ticket.due_at, ticket.site)


def road(hand: InHand, person: Person) -> timedelta:
    """How long the way to the ticket's site takes from where the person is likely to be."""
    site = hand.ticket.site
    if site is None or site not in hand.book.sites:
        return timedelta()
    place = whereabouts(hand, person)
    return timedelta(minutes=hand.book.travel.minutes(place, site))


def whereabouts(hand: InHand, person: Person) -> str | None:
    """Where the job in hand is, else where today's last one was, else the person's own site."""
    others = hand.tx.find(Ticket, assignee_id=person.id, status=AT_WORK, order="-changed_at")
    if not others:
        since = hand.now - TODAY
        done = hand.tx.find(
            Ticket,
            assignee_id=person.id,
            status=(Status.RESOLVED, Status.CONFIRMED, Status.CLOSED),
            order="-resolved_at",
            limit=1,
        )
        others = [ticket for ticket in done if (ticket.resolved_at or since) > since]
    return next((other.site for other in others if other.site), person.site)


def nudge(hand: InHand) -> None:
    """To the engineer alone, while leaving now is still in time."""
    if hand.ticket.status == Status.ACCEPTED and hand.ticket.due_at is not None:
        hand.tell(
            hand.assignee,
            LeaveNow(number=hand.ticket.number, due=hand.ticket.due_at),
            choices=(hand.choice(Action.DEPART, style="primary"), hand.choice(Action.HAND_OVER)),
        )


def not_left(hand: InHand) -> None:
    """To the supervisor before the breach: somebody else may still make it."""
    person, due = hand.assignee, hand.ticket.due_at
    if hand.ticket.status != Status.ACCEPTED or person is None or due is None:
        return
    for supervisor in hand.book.with_role(Role.SUPERVISOR):
        hand.tell(
            supervisor,
            NotLeft(
                number=hand.ticket.number,
                engineer=person.name,
                site=hand.site_name(supervisor),
                due=due,
            ),
            choices=hand.interventions(),
            audience="supervisor",
        )
