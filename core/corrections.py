"""A verdict overruled by a person: a further row that says who and why (promise 8)."""

from core import typed_answers, verdicts
from core.errors import Missing
from core.in_hand import InHand
from core.lifecycle import Action
from core.notices.desk import VerdictCorrected
from core.people import Role
from core.rows import VerdictRow
from core.sla.verdict import Outcome


def correctable(hand: InHand) -> list[str]:
    """Milestones on which the last word has been spoken. Raises Missing where there is none."""
    found = [row.milestone for row in _standing(hand) if row.final]
    if not found:
        raise Missing(number=hand.ticket.number, what="verdict")
    return list(dict.fromkeys(found))


def milestone_in(hand: InHand, text: str) -> tuple[str, str]:
    """The milestone that a typed line begins with, by its key or its name, and what follows it."""
    return typed_answers.leading(Action.CORRECT_VERDICT, correctable(hand), text)


def correct(hand: InHand, milestone: str, why: str) -> None:
    """Met becomes broken and broken becomes met; the row that was written stays."""
    by = hand.by.person
    assert by is not None
    row = next((r for r in reversed(_standing(hand)) if r.milestone == milestone), None)
    if row is None or not row.final:
        raise Missing(number=hand.ticket.number, what="verdict")
    outcome = Outcome.MET if row.outcome == Outcome.BROKEN else Outcome.BROKEN
    verdicts.correct(hand.tx, row.id, outcome, who=by.code or by.name, why=why, now=hand.now)
    hand.step(
        Action.CORRECT_VERDICT,
        arg=milestone,
        detail={"text": why, "was": row.outcome, "outcome": str(outcome)},
    )
    notice = VerdictCorrected(
        number=hand.ticket.number,
        milestone=milestone,
        outcome=str(outcome),
        name=by.name,
        text=why,
    )
    hand.answer(notice)
    hand.tell_role(notice, Role.PROJECT_MANAGER, Role.QUALITY)


def _standing(hand: InHand) -> list[VerdictRow]:
    return verdicts.standing(hand.tx.find(VerdictRow, order="id", ticket_id=hand.ticket.id))
