"""What is said about a pause: its evidence and its planned end, where the policy asks for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core import clocks, typed_answers
from core.actions import ACTIONS
from core.in_hand import InHand
from core.lifecycle import Action
from core.messages import File, Value
from core.sla.policy import PAUSE_NEEDS


@dataclass(frozen=True, slots=True)
class Pause:
    """What somebody said, and what is still missing of what the policy needs."""

    text: str
    evidence: str
    until: datetime | None
    missing: tuple[str, ...]

    @property
    def detail(self) -> dict[str, Value]:
        """For the journal: evidence is kept as such, other words as what they are."""
        told: dict[str, Value] = {"evidence": self.evidence} if self.evidence else {}
        if self.text and not self.evidence:
            told["text"] = self.text
        if self.until is not None:
            told["until"] = self.until.isoformat()
        return told


def read(hand: InHand, reason: str, text: str, files: Sequence[File]) -> Pause:
    """A number of an order, a name, a picture: whatever a person can be shown later."""
    needs = clocks.pause_needs(hand, reason)
    until = hand.desk.planned_in(text, hand.now) if text else None
    until = until if until and until > hand.now else None
    pictures = [f"[{file.name or file.kind}]" for file in files]
    evidence = " ".join([text, *pictures]).strip() if "evidence" in needs else ""
    has = {"evidence": bool(evidence), "until": until is not None}
    missing = tuple(name for name in PAUSE_NEEDS if name in needs and not has[name])
    return Pause(text, evidence, until, missing)


def reason_in(text: str) -> tuple[str, str]:
    """The reason that a typed line begins with, and what follows it."""
    return typed_answers.leading(Action.WAIT, ACTIONS[Action.WAIT].args, text)
