"""Keyboards as Telegram accepts them."""

from __future__ import annotations

import itertools
import re
from typing import Any

from bot.trial.botapi.values import Json, bad

BUTTONS, BUTTONS_IN_A_ROW, DATA_BYTES, COPY_CHARACTERS = 100, 8, 64, 256
STYLES = {"primary", "success", "danger"}
_WEB_LINK = re.compile(r"(?:https?://[^\s]+|tg://[^\s]+)")
_DEEDS = {"callback_data", "url", "copy_text", "switch_inline_query", "web_app", "login_url", "pay"}


def inline(markup: Any) -> Json | None:
    """The checked inline keyboard, or None where the mark-up is none."""
    if not isinstance(markup, dict) or "inline_keyboard" not in markup:
        return None
    rows = _rows(markup["inline_keyboard"])
    for button in itertools.chain.from_iterable(rows):
        _check_inline(button)
    return {"inline_keyboard": rows} if rows else None


def below(markup: Any, *, private: bool) -> Json | None:
    """The checked reply keyboard, removal or forced reply, or None where the mark-up is none."""
    if not isinstance(markup, dict) or "inline_keyboard" in markup:
        return None
    if "keyboard" not in markup:
        return markup if markup.get("remove_keyboard") or markup.get("force_reply") else None
    rows = _rows(
        [
            [{"text": key} if isinstance(key, str) else key for key in row]
            for row in markup["keyboard"]
        ]
    )
    for key in itertools.chain.from_iterable(rows):
        if not key.get("text"):
            raise bad("keyboard button text must be non-empty")
        if key.get("request_contact") and not private:
            raise bad("phone number can be requested in private chats only")
        if key.get("request_location") and not private:
            raise bad("location can be requested in private chats only")
    return {**markup, "keyboard": rows}


def _rows(rows: Any) -> list[list[Json]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad("can't parse reply keyboard markup JSON object")
    if sum(len(row) for row in rows) > BUTTONS or any(len(row) > BUTTONS_IN_A_ROW for row in rows):
        raise bad("reply markup is too long")
    return [row for row in rows if row]


def _check_inline(button: Json) -> None:
    if not button.get("text"):
        raise bad('can\'t parse inline keyboard button: Field "text" must be non-empty')
    if not _DEEDS & button.keys():
        raise bad("Text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(data.encode()) <= DATA_BYTES:
        raise bad("BUTTON_DATA_INVALID")
    url = button.get("url")
    if url is not None and not _WEB_LINK.fullmatch(url):
        raise bad(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
    copied = button.get("copy_text")
    if copied is not None and not 1 <= len(copied.get("text", "")) <= COPY_CHARACTERS:
        raise bad("BUTTON_COPY_TEXT_INVALID")
    if button.get("style", "primary") not in STYLES:
        raise bad("button style is invalid")
