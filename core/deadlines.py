"""What moved a deadline: the same clock read after every step of the journal, in its order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core import clocks
from core.in_hand import InHand
from core.lifecycle import Action
from core.ticket import Step, Ticket

# Steps that change what a policy asks for, and the field whose former value they keep.
_FACTS = {
    Action.SET_PRIORITY: "priority",
    Action.SET_SITE: "site",
    Action.SET_CATEGORY: "category",
    Action.SET_MODE: "mode",
}


@dataclass(frozen=True, slots=True)
class Move:
    """A deadline before and after a step. None before: the first one was set."""

    step: Step
    milestone: str
    rule: str  # in force after the step
    old_rule: str
    due: datetime
    was: datetime


def moves(hand: InHand) -> list[Move]:
    """Every move of a deadline within the cycle that its clock is in now."""
    cycles = {clock.milestone: clock.reading.cycle for clock in clocks.readings(hand)}
    last: dict[str, tuple[datetime, str]] = {}
    found = []
    for past in _stages(hand):
        step = past.history[-1]
        for clock in clocks.readings(past):
            milestone, due = clock.milestone, clock.reading.due
            if due is None or clock.reading.cycle != cycles.get(milestone):
                continue
            was, old_rule = last.get(milestone, (due, clock.attached.rule))
            last[milestone] = (due, clock.attached.rule)
            if due != was:
                found.append(Move(step, milestone, clock.attached.rule, old_rule, due, was))
    return sorted([*found, *_by_calendar(hand)], key=lambda move: move.step.seq)


def _by_calendar(hand: InHand) -> Iterator[Move]:
    """Moves that a change of a calendar brought: the journal keeps them, a reading does not."""
    began = {clock.milestone: clock.reading.started for clock in clocks.readings(hand)}
    for step in hand.history:
        started = began.get(str(step.detail.get("milestone", "")))
        if step.action == Action.RECKON and started is not None and step.at >= started:
            was, due = (datetime.fromisoformat(str(step.detail[k])) for k in ("was_due", "due"))
            yield Move(step, str(step.detail["milestone"]), "", "", due, was)


def _stages(hand: InHand) -> Iterator[InHand]:
    """The ticket in hand as it was before and after each step that may move a deadline."""
    history = hand.history
    moving = {count for count, step in enumerate(history, 1) if _may_move(step)}
    for count in sorted((moving | {before - 1 for before in moving}) - {0}):
        yield hand.as_of(history[:count], _as_it_was(hand.ticket, history[count:]))


def _may_move(step: Step) -> bool:
    """Words, notes and letters, of which a ticket may have hundreds, move nothing."""
    changes_state = step.from_status != step.to_status
    return changes_state or Action(step.action) in {*_FACTS, Action.SET_APPOINTMENT}


def _as_it_was(ticket: Ticket, since: Sequence[Step]) -> Ticket:
    """Without the changes that later steps brought."""
    former = {}
    for step in reversed(since):
        name = _FACTS.get(Action(step.action))
        if name is not None and "was" in step.detail:
            former[name] = str(step.detail["was"] or "") or (None if name == "site" else "")
    return replace(ticket, **former)  # type: ignore[arg-type]
