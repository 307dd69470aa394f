"""Verdicts as rows: written once, and followed by further rows where something further happened."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.lifecycle import Action
from core.ports import Tx
from core.rows import VerdictRow
from core.sla.clock import Reading
from core.sla.errors import SlaRefusal
from core.sla.policy import Attached, Policy
from core.sla.verdict import Outcome, Verdict, verdict

if TYPE_CHECKING:
    from core.in_hand import InHand

CLAIM = "claim"  # why a verdict was followed by another: a claim was accepted


def write(hand: "InHand", policy: Policy, read: Iterable[tuple[Attached, Reading]]) -> None:
    """What is decided by now about cycles of clocks, as they read now."""
    told = (_verdict(hand, policy, attached, reading) for attached, reading in read)
    decided = [one for one in told if one is not None]
    if not decided:
        return
    written = hand.tx.find(VerdictRow, order="id", ticket_id=hand.ticket.id)
    for one in decided:
        _write(hand, one, [row for row in written if _same_promise(row, one)])


def _verdict(
    hand: "InHand", policy: Policy, attached: Attached, reading: Reading
) -> Verdict | None:
    calendar = hand.desk.calendars[attached.clock.calendar]
    opened = calendar.local(reading.started or hand.now).date()
    return verdict(
        reading,
        attached.clock,
        policy=policy.version,
        rule=attached.rule,
        calendar_version=calendar.version(opened).label,
    )


def _same_promise(row: VerdictRow, told: Verdict) -> bool:
    return (row.milestone, row.cycle) == (told.milestone, told.cycle)


def _write(hand: "InHand", told: Verdict, written: list[VerdictRow]) -> None:
    """What was written stays; something further is written where something further happened."""
    why, who = _why_again(hand, told, written[-1]) if written else ("", "")
    if written and not why:
        return
    values = asdict(told) | {"outcome": str(told.outcome), "target_source": str(told.target_source)}
    hand.tx.add(
        VerdictRow(
            ticket_id=hand.ticket.id,
            written_at=hand.now,
            corrects=written[0].id if written else None,
            who=who,
            why=why,
            **values,
        )
    )


def _why_again(hand: "InHand", told: Verdict, last: VerdictRow) -> tuple[str, str]:
    """Why another row follows, and by whom; nothing where only a calendar was edited since."""
    if last.who and last.why != CLAIM:
        return "", ""  # a person has decided
    by = hand.by.person
    if hand.history[-1].action == Action.ACCEPT_CLAIM and told.at != last.at and by is not None:
        return CLAIM, by.code or by.name
    if told.final and not last.final:
        return "stopped", ""
    if last.final and told.at > last.at:
        return "reopened", ""
    return "", ""


def correct(
    tx: Tx, verdict_id: int, outcome: Outcome, *, who: str, why: str, now: datetime
) -> VerdictRow:
    """Overrule a verdict by a further row; the row itself stays as it was written."""
    row = tx.get(VerdictRow, verdict_id)
    if row is None:
        raise SlaRefusal(f"there is no verdict {verdict_id}")
    if not who.strip() or not why.strip():
        raise SlaRefusal("a correction says who and why")
    return tx.insert(
        replace(
            row,
            id=0,
            outcome=str(outcome),
            final=True,
            corrects=row.corrects or row.id,
            who=who,
            why=why,
            written_at=now,
        )
    )


def standing(rows: Iterable[VerdictRow]) -> list[VerdictRow]:
    """What a report counts: of each promise the last word."""
    last = {(row.ticket_id, row.milestone, row.cycle): row for row in sorted(rows, key=_written)}
    return list(last.values())


def _written(row: VerdictRow) -> int:
    return row.id
