"""A Bot API server as strict as Telegram's, for trying the desk out and for its tests."""

from bot.trial.botapi.people import Group, NotOnScreen, Person, Seen, Tap
from bot.trial.botapi.server import Answer, BotApi, Call

__all__ = ["Answer", "BotApi", "Call", "Group", "NotOnScreen", "Person", "Seen", "Tap"]
