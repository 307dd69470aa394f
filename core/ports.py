"""What the core asks of the outside: carry a letter, keep rows, keep bytes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.messages import Letter, Receipt

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the core may count on. It asks what a channel can do, never what it is called."""

    buttons: int = 0  # under one letter; 0: choices are numbered in the text
    edits: bool = False  # a letter can be replaced after it was sent
    text_limit: int | None = None
    files: bool = False
    templates_only: bool = False  # the carrier approves every wording beforehand
    threads: bool = False  # an answer names the message it answers
    proves_sender: bool = False  # the channel vouches for who wrote


class Channel(Protocol):
    """A way to reach a person."""

    @property
    def name(self) -> str: ...

    @property
    def can(self) -> Capabilities: ...

    async def send(self, letter: Letter) -> Receipt:
        """Hand the letter over and bring back the carrier's id for it.

        Raises Undeliverable, permanent when no other try can help, and Unclear when the
        answer was lost and the carrier may have taken the letter.
        """


class Words(Protocol):
    """Turns a kind and its slots into a sentence in the reader's language."""

    def __call__(
        self, kind: str, params: "dict[str, object]", *, language: str, context: str, zone: str
    ) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """One raw event of a source, to be stored before the source is told "got it"."""

    channel: str
    account: str
    external_id: str
    order_key: str  # rows of one key are worked on in order
    body: bytes
    received_at: datetime
    content_hash: str = ""  # equal where two sources carried the same thing


Keep = Callable[[list[Raw]], Awaitable[int]]
"""Store raw events, commit, and only then return how many were new. Raises StorageBusy."""
