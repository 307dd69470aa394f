"""Jobs that wait for somebody: whoever becomes free is asked for the oldest deadline first."""

from datetime import datetime, timedelta

from core.desk import Desk
from core.in_hand import InHand
from core.people import ENGINEERS
from core.ports import Tx
from core.rows import TimerRow
from core.ticket import Ticket

DRAIN, AGAIN = "drain", "offer_again"  # kinds of timers
AT_ONCE = 50  # jobs that one free engineer may set in motion
NEXT = timedelta(microseconds=1)


def freed(hand: InHand, before: Ticket) -> None:
    """After a change was saved: a job left somebody's hands, so those hands are free."""
    after = hand.ticket
    if before.is_held and not (after.is_held and after.assignee_id == before.assignee_id):
        look_again(hand)


def look_again(hand: InHand) -> None:
    """In a transaction of its own: this one holds a ticket, and must not wait for others."""
    hand.later(DRAIN, timedelta())


def drain(tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
    """Let the waiting jobs ask again now: VIP first, then by deadline, each by its own timer."""
    waiting = tx.ask("backlog", now=now, many=AT_ONCE)
    for place, row in enumerate(waiting, start=1):
        if row["subject"] != timer.subject:  # whose own turn was just over
            tx.update_where(
                TimerRow, {"id": row["id"], "state": "pending"}, due_at=now + place * NEXT
            )


def until_somebody_comes(hand: InHand) -> timedelta | None:
    """How long until the next duty of an engineer who covers the ticket's site begins."""
    site = hand.book.sites.get(hand.ticket.site or "")
    if site is None:
        return None
    rota = hand.book.rota(hand.now)
    coming = [
        duty.starts
        for person in hand.book.with_role(*ENGINEERS)
        if site.city in person.cities
        and (duty := rota.next_duty(person.code or "", hand.now)) is not None
    ]
    return min(coming) - hand.now if coming else None
