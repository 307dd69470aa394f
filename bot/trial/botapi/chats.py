"""Chats and what was said in them, as the bot and the people see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.trial.botapi.values import Json, Refused, bad


@dataclass(slots=True)
class Kept:
    """A message in a chat; `version` grows with every change anywhere on the server."""

    body: Json
    version: int
    below: Json | None = None  # a reply keyboard, its removal, or a forced reply
    silent: bool = False
    reactions: tuple[str, ...] = ()

    @property
    def id(self) -> int:
        return int(self.body["message_id"])


@dataclass(slots=True)
class Chat:
    body: Json
    started: bool = False  # a person has written: before that a bot may not
    blocked: bool = False
    deactivated: bool = False
    kept: dict[int, Kept] = field(default_factory=dict)
    gone: dict[int, int] = field(default_factory=dict)  # deleted message: version
    last_id: int = 0
    version: int = 0
    keys: Json | None = None  # the reply keyboard on display
    members: dict[int, str] = field(default_factory=dict)
    topics: dict[int, str] = field(default_factory=dict)
    pinned: list[int] = field(default_factory=list)
    upgraded_to: int | None = None
    action: tuple[str, float] | None = None

    @property
    def id(self) -> int:
        return int(self.body["id"])

    @property
    def kind(self) -> str:
        return str(self.body["type"])

    @property
    def private(self) -> bool:
        return self.kind == "private"

    @property
    def forum(self) -> bool:
        return bool(self.body.get("is_forum"))

    def newest_first(self) -> Iterator[Kept]:
        return reversed(self.kept.values())

    def admit(self, bot_id: int) -> None:
        """Raises where the bot may not write."""
        if self.upgraded_to is not None:
            raise bad(
                "group chat was upgraded to a supergroup chat", migrate_to_chat_id=self.upgraded_to
            )
        if not self.private:
            status = self.members.get(bot_id, "left")
            if status == "kicked":
                raise Refused(403, f"Forbidden: bot was kicked from the {self.kind} chat")
            if status == "left":
                raise Refused(403, f"Forbidden: bot is not a member of the {self.kind} chat")
        elif self.deactivated:
            raise Refused(403, "Forbidden: user is deactivated")
        elif self.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        elif not self.started:
            raise Refused(403, "Forbidden: bot can't initiate conversation with a user")

    def find(self, message_id: int, purpose: str) -> Kept:
        kept = self.kept.get(message_id)
        if kept is None:
            raise bad(f"message to {purpose} not found")
        return kept

    def erase(self, message_id: int, version: int) -> None:
        del self.kept[message_id]
        self.gone[message_id] = version
        self.version = version
        if message_id in self.pinned:
            self.pinned.remove(message_id)
