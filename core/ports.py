"""What the core asks of the outside: carry a letter, keep rows, keep bytes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from core.messages import Letter, Receipt

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the core may count on. It asks what a channel can do, never what it is called."""

    buttons: int = 0  # under one letter; 0: choices are numbered in the text
    edits: bool = False  # a letter can be replaced after it was sent
    text_limit: int | None = None
    files: int = 0  # that one letter carries
    album: int = 0  # pictures that go together in one, where other files go alone
    templates_only: bool = False  # the carrier approves every wording beforehand
    threads: bool = False  # an answer names the message it answers
    at_once: int = 64  # letters under way; a claimed one that only waits looks tried after a crash


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


R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Between:
    """A range in a question to the store: after (inclusive) and before (exclusive) may be open."""

    after: datetime | int | None = None
    before: datetime | int | None = None


class Tx(Protocol):
    """One transaction. Its body is a plain function: it cannot wait, so it cannot call a network.

    Rows are the frozen values of the core, one class for each table. In a question a tuple means
    "one of", None means "is empty", and Between is a range.
    """

    memo: dict[str, Any]
    """What was read once, by the counter that moves when it changes; gone with the transaction."""

    def get(self, kind: type[R], key: int | str) -> R | None: ...

    def lock(self, kind: type[R], key: int | str) -> R | None:
        """The row, which nobody else can change until the transaction ends."""

    def first(self, kind: type[R], /, *, order: str = "", **where: Any) -> R | None: ...

    def find(
        self, kind: type[R], /, *, order: str = "", limit: int | None = None, **where: Any
    ) -> list[R]:
        """Rows in order of the named column, `-` before it for descending."""

    def count(self, kind: type[Any], /, **where: Any) -> int: ...

    def insert(self, row: R) -> R:
        """Write at once and give back the row with its id."""

    def add(self, row: object) -> None:
        """Write before the transaction ends, with others: for rows whose id nobody needs."""

    def put(self, row: object) -> None:
        """Insert, or replace the row with the same key."""

    def update(self, row: R, /, **changes: Any) -> R: ...

    def update_where(self, kind: type[Any], where: Mapping[str, Any], /, **changes: Any) -> int:
        """Change all rows that match, and tell how many did: the way to win or lose a race."""

    def delete(self, kind: type[Any], /, **where: Any) -> int: ...

    def next(self, counter: str) -> int:
        """The next value of a running number."""

    def add_new(self, rows: "list[Any]", *, key: tuple[str, ...]) -> int:
        """Insert the rows whose key columns are not there yet; how many were new."""

    def ask(self, name: str, **params: Any) -> list[Mapping[str, Any]]:
        """One of the named queries of the store: questions that a row cannot answer alone."""


class Store(Protocol):
    """Where rows live. The body may run more than once: it must not touch anything but the Tx."""

    async def open(self) -> None: ...

    async def close(self) -> None:
        """Whoever waits is still served."""

    async def write(self, body: Callable[[Tx], T]) -> T:
        """Run the body in one transaction. Raises StorageBusy where nothing can be written now."""

    async def read(self, body: Callable[[Tx], T]) -> T: ...


class Files(Protocol):
    """Bytes by the hash of their content."""

    async def put(self, data: bytes) -> str: ...

    async def get(self, sha256: str) -> bytes | None: ...
