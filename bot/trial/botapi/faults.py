"""Planned misfortune: refusals, lost connections and silence, before or after the deed."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Literal

from bot.trial.botapi.values import Dropped, NoAnswer, Refused

Trouble = int | Literal["drop", "timeout"]
WORDS = {
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running",
    429: "Too Many Requests: retry after {retry_after}",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One call goes wrong; `before` says whether the server had not yet done what was asked."""

    trouble: Trouble
    before: bool = True
    description: str = ""
    retry_after: int | None = None

    def strike(self) -> None:
        if self.trouble == "drop":
            raise Dropped(delivered=not self.before)
        if self.trouble == "timeout":
            raise NoAnswer
        wait = self.retry_after if self.retry_after is not None else 1
        words = self.description or WORDS.get(self.trouble, "Bad Request: refused by plan")
        extra = {"retry_after": wait} if self.trouble == 429 or self.retry_after is not None else {}
        raise Refused(self.trouble, words.format(retry_after=wait), **extra)


class Faults:
    def __init__(self) -> None:
        self._planned: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._slow: dict[str, float] = {}

    def plan(self, method: str, fault: Fault, times: int) -> None:
        """`method` may be "*": whatever is called next."""
        self._planned[method.lower()].extend([fault] * times)

    def slow(self, method: str, seconds: float) -> None:
        self._slow[method.lower()] = seconds

    def take(self, method: str) -> Fault | None:
        for name in (method, "*"):
            if self._planned.get(name):
                return self._planned[name].popleft()
        return None

    def delay(self, method: str) -> float:
        return self._slow.get(method, self._slow.get("*", 0.0))

    def clear(self) -> None:
        self._planned.clear()
        self._slow.clear()
