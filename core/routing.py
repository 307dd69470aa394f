"""From a settled report to somebody's telephone: triage where sure, a proposal where not."""

from datetime import timedelta

from core import passing_on
from core.dispatch import offers
from core.in_hand import SYSTEM, Actor, InHand
from core.kinds import MODES
from core.lifecycle import Action
from core.notices.desk import DeskProposal
from core.people import Role


def settle_ticket(hand: InHand) -> None:
    """The settling time is over, or the matter is too urgent to wait for it."""
    if hand.ticket.status != "new" or hand.ticket.settled:
        return
    hand.change(settled=True)
    hand.cancel_timers("settle")
    read = next((step.detail for step in hand.history if step.action == Action.REPORT), {})
    certainty = float(read.get("certainty") or 0)
    place_known = hand.ticket.site is not None or hand.ticket.mode in {"remote", "phone"}
    if hand.ticket.mode and place_known and certainty >= hand.desk.rules.sure:
        hand.step(
            Action.TRIAGE,
            arg=hand.ticket.mode,
            detail={"rule": read.get("rule", ""), "certainty": certainty},
            by=SYSTEM,
        )
        route(hand, by=SYSTEM)
    else:
        propose(hand, Role.DESK_AGENT)
        hand.later("untriaged", hand.desk.rules.untriaged)


def route(hand: InHand, by: Actor | None = None) -> None:
    """On-site jobs ring the site's engineer, remote and phone jobs the remote agent (R-023)."""
    if hand.ticket.status == "new":
        settle_ticket(hand)
        return
    if hand.ticket.mode == "onsite":
        hand.step(Action.DISPATCH, by=by)
    offers.offer_next(hand)


def propose(hand: InHand, *roles: Role) -> None:
    """Put the ticket before the desk, with what was understood as one button."""
    hand.later(offers.WATCH, timedelta())
    ticket = hand.ticket
    likely = ticket.mode or "onsite"
    choices = [hand.choice(Action.TRIAGE, likely, "primary")]
    choices += [hand.choice(Action.TRIAGE, mode) for mode in MODES if mode != likely]
    choices.append(hand.choice(Action.CANCEL))
    people = hand.book.with_role(*roles)
    for person in hand.book.on_duty_or_all(people, hand.now):
        if person.id == hand.by.id:
            continue
        hand.tell(
            person,
            DeskProposal(
                number=ticket.number,
                symptom=ticket.symptom,
                requester=hand.requester.name,
                site=hand.site_name(person),
                category=ticket.category,
                mode=likely,
                priority=ticket.priority,
            ),
            choices=choices,
            audience="desk",
        )
    passing_on.pass_on(hand)  # "[photo]" says little to whoever has to decide
