"""Deadlines reckoned anew: after a calendar was changed, every running clock is read again.

Time that was spent stays spent, a warning that was sent is not sent again, and the journal keeps
each deadline's old and new moment (clock rule 9).
"""

from datetime import datetime

from core import clocks, levels
from core.desk import Desk
from core.in_hand import InHand
from core.lifecycle import Action
from core.ports import Tx
from core.rows import TimerRow

EACH = "reckon"


def fire(tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
    """The desk goes by what was saved; then each ticket whose clocks run is looked at by itself."""
    levels.refresh(tx, desk)
    tx.update_where(TimerRow, {"kind": EACH, "state": "pending"}, state="cancelled")
    for row in tx.ask("clocks_that_run"):
        tx.add(TimerRow(kind=EACH, subject=str(row["subject"]), due_at=now))


def reckon(hand: InHand) -> None:
    """Write down what moved; with these steps the clocks are read and their timers set again."""
    for milestone, was, due in clocks.moved(hand):
        hand.step(
            Action.RECKON,
            detail={"milestone": milestone, "was_due": was.isoformat(), "due": due.isoformat()},
        )
