"""What Telegram's refusals mean for a letter: one table, told apart by class and by wording."""

from typing import Final

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from core.errors import Unclear, Undeliverable

UNCHANGED: Final = ("message is not modified",)
CANNOT_EDIT: Final = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "there is no text in the message to edit",
)
CANNOT_HANG_UNDER: Final = (
    "message thread not found",
    "replied message not found",
    "message to be replied not found",
)
BAD_MARKUP: Final = ("can't parse entities",)
QUERY_GONE: Final = ("query is too old", "query id is invalid")
NOBODY_THERE: Final = ("chat not found", "user not found", "peer_id_invalid")


class NeverSent(Exception):
    """There was no connection to Telegram, so it cannot have the letter."""


_NEVER_SENT: Final = (
    NeverSent,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    ConnectionRefusedError,
)

TOKEN_REFUSED: Final = (InvalidToken, EndPointNotFound)
"""A 401 or 404. An initialised bot calls the 404 of a plain request EndPointNotFound."""


def says(error: TelegramError, wordings: tuple[str, ...]) -> bool:
    """Whether a 400 is one of these. Telegram has no codes below 400, only English."""
    told = error.message.lower()
    return isinstance(error, BadRequest) and any(wording in told for wording in wordings)


def pause(error: RetryAfter) -> float:
    """Seconds, whichever of its two types the library was told to use."""
    asked = error.retry_after
    return float(asked) if isinstance(asked, int) else asked.total_seconds()


def verdict(error: TelegramError, *, editing: bool) -> Undeliverable | Unclear:
    """What the outbox must do about a letter. An edit may be tried again without harm."""
    told = error.message
    match error:  # BadRequest and TimedOut are NetworkErrors; the other classes are not
        case RetryAfter():
            return Undeliverable(told, permanent=False, retry_after=pause(error))
        case Forbidden():
            return Undeliverable(told, permanent=True, address_dead=True)
        case BadRequest():
            dead = says(error, NOBODY_THERE)
            return Undeliverable(told, permanent=True, address_dead=dead)
        case NetworkError():
            if editing or not _may_have_arrived(error):
                return Undeliverable(told, permanent=False)
            return Unclear(told)
        case InvalidToken() | EndPointNotFound():
            return Undeliverable("the bot's token was refused", permanent=False)
        case ChatMigrated() | Conflict():
            return Undeliverable(told, permanent=False)
        case _:  # such as a 200 that is no JSON: some box on the way answered
            return Undeliverable(told, permanent=False) if editing else Unclear(told)


def _may_have_arrived(error: NetworkError) -> bool:
    """Telegram's own 5xx says that it did not take the message; a lost answer says nothing."""
    cause = error.__cause__
    if isinstance(error, BadRequest):
        return False
    if cause is None or isinstance(cause, TelegramError):
        return type(error) is not NetworkError
    return not isinstance(cause, _NEVER_SENT)
