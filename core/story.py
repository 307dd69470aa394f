"""/why: a ticket's journal as sentences: what was understood, who was asked and why (promise 7)."""

from core import clocks
from core.in_hand import InHand
from core.lifecycle import Action
from core.rows import TicketClocks
from core.sla.story import tell
from core.ticket import Offer, Step
from core.words import say

SHOWN_PARTS = 3


def lines(hand: InHand, language: str, *, zone: str) -> list[str]:
    """The story in the reader's language, oldest first."""
    return [
        *(_step(hand, step, language, zone) for step in hand.history),
        *(
            line
            for offer in hand.tx.find(Offer, ticket_id=hand.ticket.id, order="id")
            for line in _offer(hand, offer, language, zone)
        ),
        *(line for clock in clocks.readings(hand) for line in _clock(hand, clock, language, zone)),
    ]


def _step(hand: InHand, step: Step, language: str, zone: str) -> str:
    actor = hand.person(step.actor_id)
    slots = {
        "at": step.at.isoformat(),
        "actor": actor.name if actor else "",
        "channel": step.channel,
        "status": step.to_status,
        "arg": step.detail.get("arg", ""),
        "text": step.detail.get("text", ""),
        "rule": step.detail.get("rule", ""),
        "certainty": _percent(step.detail.get("certainty")),
    }
    key = "why.reported" if step.action == Action.REPORT else f"step.{step.action}"
    told = say(key, slots, language=language, zone=zone)
    if step.action in {Action.REPORT, Action.TRIAGE} and slots["rule"]:
        told += "\n" + say("why.understood", slots, language=language, zone=zone)
    return told


def _clock(hand: InHand, clock: clocks.Running, language: str, zone: str) -> list[str]:
    """One promise span by span: which rule, which calendar day, what moved the deadline."""
    calendar = hand.desk.calendars[clock.attached.clock.calendar]
    policy = hand.tx.get(TicketClocks, hand.ticket.id)
    told = tell(clock.reading, clock.attached, calendar, policy.policy if policy else "")
    head = say("why.clock", {"milestone": clock.milestone}, language=language, zone=zone)
    return [head, *(say(x.kind, x.params, language=language, zone=zone) for x in told)]


def _percent(certainty: object) -> str:
    return f"{float(certainty):.0%}" if isinstance(certainty, int | float) else ""


def _offer(hand: InHand, offer: Offer, language: str, zone: str) -> list[str]:
    person = hand.person(offer.person_id)
    parts = sorted(offer.score.items(), key=lambda part: -abs(float(part[1] or 0)))
    score = ", ".join(
        f"{say(f'term.part.{name}', {}, language=language)} {float(value or 0):+.0f}"
        for name, value in parts[:SHOWN_PARTS]
    )
    slots = {
        "at": offer.offered_at.isoformat(),
        "person": person.name if person else "",
        "score": score,
        "state": offer.state,
    }
    told = [say("why.offered", slots, language=language, zone=zone)]
    over = ", ".join(
        f"{_name(hand, code)}: {say(f'term.objection.{key}', {}, language=language)}"
        for code, key in offer.passed_over.items()
    )
    if over:
        told.append(say("why.passed_over", {"people": over}, language=language, zone=zone))
    return told


def _name(hand: InHand, code: str) -> str:
    person = hand.book.by_code.get(code)
    return person.name if person else code
