"""An action that somebody asks for, however they said it, and what became of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.in_hand import InHand
from core.lifecycle import Action
from core.messages import File
from core.ticket import Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One action that somebody asks for, however they said it."""

    action: Action
    number: str
    arg: str = ""
    text: str = ""
    files: tuple[File, ...] = ()
    message: int = 0  # under which its words and files are kept
    at: datetime | None = None  # when it happened, if not now
    detail: Mapping[str, str] = field(default_factory=dict)  # such as a location's distance

    @property
    def said(self) -> dict[str, str]:
        """For the journal: the words, and whatever else came with them."""
        return {**({"text": self.text} if self.text else {}), **self.detail}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it: a catalog key and slots for a toast, where the channel can show one."""

    kind: str
    ticket: Ticket | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    refused: bool = False


REPEATED = Outcome("done_already")


# An effect may say another word than "done" about what it did.
Effect = Callable[[InHand, Request], str | None]
