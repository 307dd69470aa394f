"""The contract's clocks of a ticket, kept as timers. Renewed whenever the ticket changes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.in_hand import InHand


def renew(hand: "InHand") -> None:
    """Set the deadlines again from the journal."""
