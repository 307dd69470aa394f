"""What reports say about letters and numbers over time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

State = Literal["sent", "accepted", "failed", "delivered"]

_ORDER: tuple[State, ...] = ("sent", "accepted", "failed", "delivered")
NO_NEWS = timedelta(minutes=30)
DOUBTFUL_AFTER = 3


def advance(old: State, new: State) -> State:
    """Forward only: reports overtake one another and come twice. Delivered is the last word."""
    return max(old, new, key=_ORDER.index)


def silent(sent_at: datetime, state: State, now: datetime) -> bool:
    """Accepted is not delivered: after half an hour without news the next address is due."""
    return state in ("sent", "accepted") and now - sent_at >= NO_NEWS


def doubtful(outcomes: Sequence[State]) -> bool:
    """Whether the last three letters to a number (oldest first) all failed."""
    last = outcomes[-DOUBTFUL_AFTER:]
    return len(last) == DOUBTFUL_AFTER and set(last) == {"failed"}
