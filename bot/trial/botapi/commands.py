"""The menu of commands, by scope and language."""

from __future__ import annotations

import json
import re
from typing import Any

from bot.trial.botapi.values import Json, bad

COMMANDS_LIMIT, DESCRIPTION_LIMIT = 100, 256
_NAME, _LANGUAGE = re.compile(r"[a-z0-9_]{1,32}"), re.compile(r"(?:[a-z]{2})?")
_NEEDS = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}


class CommandBook:
    def __init__(self) -> None:
        self._lists: dict[tuple[str, str], list[Json]] = {}
        self.profile: dict[tuple[str, str], str] = {}

    def put(self, commands: list[Json], scope: Any, language: str) -> None:
        if len(commands) > COMMANDS_LIMIT:
            raise bad("BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            if not _NAME.fullmatch(str(command.get("command", "")).removeprefix("/")):
                raise bad("BOT_COMMAND_INVALID")
            if not 1 <= len(str(command.get("description", ""))) <= DESCRIPTION_LIMIT:
                raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        self._lists[_key(scope), _checked(language)] = commands

    def get(self, scope: Any, language: str) -> list[Json]:
        return self._lists.get((_key(scope), _checked(language)), [])

    def menu(self, chat_id: int, language: str) -> list[Json]:
        """What a person's telephone shows in a private chat: the narrowest list that exists."""
        for scope in ({"type": "chat", "chat_id": chat_id}, {"type": "all_private_chats"}, None):
            for code in (language[:2].lower(), ""):
                if found := self._lists.get((_key(scope), code)):
                    return found
        return []


def _checked(language: str) -> str:
    if not _LANGUAGE.fullmatch(language):
        raise bad("LANG_CODE_INVALID")
    return language


def _key(scope: Any) -> str:
    scope = scope or {"type": "default"}
    kind = scope.get("type")
    if kind not in _NEEDS:
        raise bad("can't parse BotCommandScope: unsupported type specified")
    if any(name not in scope for name in _NEEDS[kind]):
        raise bad("can't parse BotCommandScope: chat not specified")
    return json.dumps([kind, *(str(scope[name]) for name in _NEEDS[kind])])
