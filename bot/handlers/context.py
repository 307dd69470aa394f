"""What every handler is given besides the update."""

from dataclasses import dataclass
from typing import Any

import telegram
from telegram.ext import ContextTypes

from bot.pictures.studio import Studio
from bot.pump import Slot, current_slot
from channels.telegram.reading import inbound
from channels.telegram.sending import TelegramChannel
from core.desk import Desk
from core.messages import Inbound
from core.requests import Outcome
from core.words import normal, say

Context = ContextTypes.DEFAULT_TYPE


@dataclass(frozen=True)
class Front:
    """The chat's own things, kept in `bot_data` by the composition root."""

    desk: Desk
    channel: TelegramChannel
    account: str
    key: bytes
    studio: Studio


def front(context: Context) -> Front:
    found: Any = context.bot_data["front"]
    assert isinstance(found, Front)
    return found


def slot() -> Slot:
    """The inbox row that is being handled. Handlers run only from the pump."""
    found = current_slot()
    assert found is not None
    return found


def heard(update: telegram.Update, context: Context) -> Inbound:
    """The update as the core sees it."""
    given = front(context)
    found = inbound(update, given.account, given.desk.now())
    assert found is not None, update
    return found


def toast(outcome: Outcome, language: str) -> str:
    """What a pressed button answers: done, or why not, in the person's language."""
    params = {name: str(value) for name, value in outcome.params.items()}
    return say(outcome.kind, params, language=normal(language), context="toast")
