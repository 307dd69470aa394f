"""What the desk does by itself when a moment comes: one handler for each kind of timer."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from core import (
    absence,
    clocks,
    closing,
    emergency,
    levels,
    outbox,
    outlook,
    planning,
    privacy,
    prompts,
    reckoning,
    year_ahead,
)
from core.desk import Desk
from core.dispatch import backlog, leaving, offers
from core.in_hand import InHand
from core.lifecycle import HELD, OPEN, WAITING, Action, Status
from core.notices.engineer import JobMoved
from core.people import Role
from core.ports import Tx
from core.routing import propose, settle_ticket
from core.rows import TimerRow
from core.ticket import Offer, Ticket

OnTicket = Callable[[InHand, TimerRow], None]


def _ticket_id(timer: TimerRow) -> int:
    """From subjects such as ticket/7 and ticket/7/2."""
    return int(timer.subject.split("/")[1])


def on_ticket(handle: OnTicket) -> Callable[[Tx, Desk, TimerRow, datetime], None]:
    """Take the ticket in hand, let the handler look at its state again, save."""

    def fire(tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
        ticket = tx.lock(Ticket, _ticket_id(timer))
        if ticket is None:
            return
        hand = InHand(tx, desk, ticket, now=now, cause=f"t{timer.id}")
        handle(hand, timer)
        hand.save()
        leaving.watch(hand, ticket)
        backlog.freed(hand, ticket)

    return fire


def on_offer(
    handle: Callable[[InHand, Offer], None],
) -> Callable[[Tx, Desk, TimerRow, datetime], None]:
    def fire(tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
        offer = tx.get(Offer, int(timer.subject.split("/")[1]))
        ticket = tx.lock(Ticket, offer.ticket_id) if offer else None
        offer = tx.get(Offer, offer.id) if offer else None
        if offer is None or ticket is None or offer.state != "open":
            return
        hand = InHand(tx, desk, ticket, now=now, cause=f"t{timer.id}")
        handle(hand, offer)
        hand.save()

    return fire


def _settle(hand: InHand, timer: TimerRow) -> None:
    settle_ticket(hand)
    hand.later(emergency.WATCH, timedelta())


def _watch(hand: InHand, timer: TimerRow) -> None:
    emergency.watch(hand)


def _round(hand: InHand, timer: TimerRow) -> None:
    emergency.status_round(hand)


def _untriaged(hand: InHand, timer: TimerRow) -> None:
    """Nothing rests without a mode (R-023): the supervisor can still act."""
    if hand.ticket.status in {Status.NEW, Status.REOPENED}:
        propose(hand, Role.SUPERVISOR, Role.DESK_AGENT)


def _offer_again(hand: InHand, timer: TimerRow) -> None:
    if offers.is_waiting_for_yes(hand):
        offers.offer_next(hand, again=int(timer.payload.get("again") or 1))


def _nobody_accepts(hand: InHand, timer: TimerRow) -> None:
    if offers.is_waiting_for_yes(hand):
        offers.nobody_accepts(hand)


def _remind_to_confirm(hand: InHand, timer: TimerRow) -> None:
    closing.remind(hand)


def _close_unconfirmed(hand: InHand, timer: TimerRow) -> None:
    closing.close_unconfirmed(hand)


def _survey(hand: InHand, timer: TimerRow) -> None:
    closing.send_survey(hand, int(timer.payload["cycle"] or 0))


def _survey_remind(hand: InHand, timer: TimerRow) -> None:
    closing.remind_survey(hand, int(timer.payload["cycle"] or 0))


def _survey_expire(hand: InHand, timer: TimerRow) -> None:
    closing.expire_survey(hand, int(timer.payload["cycle"] or 0))


def _follow_up(hand: InHand, timer: TimerRow) -> None:
    """The date that was set for a waiting ticket has come (R-045)."""
    if hand.ticket.status not in WAITING:
        return
    hand.step(Action.RESUME, detail={"why": "follow_up"})
    hand.tell(hand.assignee, JobMoved(number=hand.ticket.number, status=hand.ticket.status))
    hand.tell_role(JobMoved(number=hand.ticket.number, status=hand.ticket.status), Role.SUPERVISOR)


def _promise(hand: InHand, timer: TimerRow) -> None:
    """What was promised with the acknowledgement is due: awake again if nothing came of it."""
    if clocks.promise_failed(hand):
        return  # the clock that was silenced says so
    if hand.ticket.status in OPEN - HELD - {Status.RESOLVED, Status.CONFIRMED}:
        offers.nobody_accepts(hand)


def _leave_by(hand: InHand, timer: TimerRow) -> None:
    leaving.nudge(hand)


def _not_left(hand: InHand, timer: TimerRow) -> None:
    leaving.not_left(hand)


def _clock(hand: InHand, timer: TimerRow) -> None:
    clocks.look(hand)


def _reckon(hand: InHand, timer: TimerRow) -> None:
    reckoning.reckon(hand)


HANDLERS: Mapping[str, Callable[[Tx, Desk, TimerRow, datetime], None]] = {
    "settle": on_ticket(_settle),
    "untriaged": on_ticket(_untriaged),
    "offer_remind": on_offer(offers.remind),
    "offer_expire": on_offer(offers.expire),
    "offer_supervisor": on_ticket(_nobody_accepts),
    "offer_again": on_ticket(_offer_again),
    "confirm_remind": on_ticket(_remind_to_confirm),
    "close_unconfirmed": on_ticket(_close_unconfirmed),
    "survey": on_ticket(_survey),
    "survey_remind": on_ticket(_survey_remind),
    "survey_expire": on_ticket(_survey_expire),
    "follow_up": on_ticket(_follow_up),
    "promise": on_ticket(_promise),
    absence.STARTS: absence.begin,
    absence.HAND_ON: on_ticket(absence.hand_on),
    absence.GAPS: absence.warn_of_gaps,
    emergency.WATCH: on_ticket(_watch),
    emergency.LINK: on_ticket(emergency.link_child),
    emergency.FOLLOW: on_ticket(emergency.follow_parent),
    emergency.LET_GO: on_ticket(emergency.stand_alone),
    emergency.ROUND: on_ticket(_round),
    planning.PLANNED: on_ticket(planning.offer_planned),
    backlog.DRAIN: backlog.drain,
    leaving.NUDGE: on_ticket(_leave_by),
    leaving.ALARM: on_ticket(_not_left),
    prompts.TIMER: outbox.question_over,
    clocks.TIMER: on_ticket(_clock),
    levels.TIMER: reckoning.fire,
    reckoning.EACH: on_ticket(_reckon),
    outlook.TIMER: outlook.fire,
    year_ahead.TIMER: year_ahead.fire,
    privacy.TIMER: privacy.fire,
}
