"""What the inbox asks of a mailbox, so that another IMAP library could take this one's place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

WINDOW = 100
"""Mails in one command: what is asked for at once is waited for, and lost, at once."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""As IMAP writes them; strftime and strptime would use the machine's language."""


class LinkLost(ConnectionError):
    """The server is gone, silent or talks nonsense. The connection went with it."""


class Refused(Exception):
    """The server said NO or BAD to one command; the connection is still good."""

    def __init__(self, command: str, answer: str) -> None:
        super().__init__(f"{command}: {answer}")
        self.command = command
        self.answer = answer


class LoginRefused(Refused):
    """Name, password or token are wrong, or the provider wants something else first."""


class FolderRefused(Refused):
    """The folder does not exist, or this account may not open it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """An opened folder. UIDs mean something only together with its uidvalidity."""

    uidvalidity: int
    uidnext: int  # 0 where the server does not tell
    exists: int = 0
    writable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One mail before its bytes: the size decides how they are fetched."""

    uid: int
    size: int
    arrived_at: datetime | None  # INTERNALDATE; None where the server's is unreadable


class MailSource(Protocol):
    """A mailbox. Calls raise LinkLost or Refused, and never take longer than their limit."""

    async def connect(self) -> Folder:
        """Dial, log in and open the folder, leaving an earlier connection behind."""

    async def search(self, criteria: str) -> list[int]:
        """UIDs in ascending order; criteria are ASCII."""

    async def sizes(self, uids: Sequence[int]) -> dict[int, Listed]: ...

    async def fetch(self, listed: Sequence[Listed]) -> dict[int, bytes]:
        """Whole mails. One that is gone is missing from the answer."""

    async def fetch_head(self, uid: int) -> bytes | None:
        """The header and the first 64 KB of what follows."""

    async def flag(self, uids: Sequence[int]) -> None:
        """Mark as seen."""

    async def move(self, uids: Sequence[int], folder: str) -> None: ...

    async def wait(self, seconds: float) -> None:
        """Until the server hints at news, or the time is over."""

    def abort(self) -> None:
        """Cut the connection: whatever is waiting for it raises LinkLost."""


def windows(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(uids), WINDOW):
        yield uids[start : start + WINDOW]
