"""How fast a bot may speak: in all, in one chat, in one group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.trial.botapi.values import Refused


@dataclass(slots=True)
class Bucket:
    """Refills steadily up to its size; what is in it may be spent at once."""

    per_second: float
    size: float
    level: float
    at: float

    @classmethod
    def full(cls, per_second: float, size: float, now: float) -> Bucket:
        return cls(per_second, size, size, now)

    def wait(self, cost: float, now: float) -> float:
        self.level = min(self.size, self.level + max(0.0, now - self.at) * self.per_second)
        self.at = now
        return max(0.0, (min(cost, self.size) - self.level) / self.per_second)


# Telegram tolerates "short bursts" beyond one a second in a chat and does not publish how
# short; three is what a card with its question and an alert needs. A group: twenty a minute.
OVERALL, CHAT, GROUP = (30.0, 30.0), (1.0, 3.0), (20 / 60, 20.0)


class Rates:
    def __init__(self) -> None:
        self.enforced = True
        self._overall: Bucket | None = None
        self._chats: dict[int, Bucket] = {}

    def spend(self, chat_id: int, *, group: bool, cost: int, now: float) -> None:
        """Raises Telegram's 429 with the seconds to wait; a refused call costs nothing."""
        if not self.enforced:
            return
        buckets = self._buckets(chat_id, group, now)
        wait = max(bucket.wait(cost, now) for bucket in buckets)
        if wait > 0:
            seconds = math.ceil(wait)
            raise Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        for bucket in buckets:
            bucket.level -= cost

    def _buckets(self, chat_id: int, group: bool, now: float) -> Sequence[Bucket]:
        if self._overall is None:
            self._overall = Bucket.full(*OVERALL, now)
        if chat_id not in self._chats:
            self._chats[chat_id] = Bucket.full(*(GROUP if group else CHAT), now)
        return self._overall, self._chats[chat_id]
