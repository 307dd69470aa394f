"""What a command needs that acts on a ticket: who acts, and the channels on which others hear."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.shell import complain

if TYPE_CHECKING:
    from core.desk import Desk
    from core.in_hand import Actor
    from core.ports import Capabilities, Tx
    from core.requests import Request

CHANNEL = "shell"  # where it was said, for the journal


async def act(desk: "Desk", request: "Request", by: str, settings: Path | None) -> None:
    """Do it as a member of staff, by the same door as a press. A refusal ends the command."""
    from core import work
    from core.words import say

    desk.channels = _switched_on(settings)
    actor = await desk.store.read(lambda tx: _actor(desk, tx, by))
    outcome = await work.act(desk, request, actor)
    if outcome.refused or outcome.ticket is None:
        complain(say(outcome.kind, outcome.params, language="en", context="toast"))


def _actor(desk: "Desk", tx: "Tx", code: str) -> "Actor":
    from core.in_hand import Actor

    person = desk.register.open(tx).by_code.get(code)
    if person is None:
        complain(f"nobody of the staff is called {code!r}")
    return Actor(person=person, role=person.roles[0], channel=CHANNEL)


def _switched_on(path: Path | None) -> "Mapping[str, Capabilities]":
    """The running desk carries the letters; here they are only written."""
    from bot.cli.start import read_settings
    from channels.mail.sender import SmtpChannel
    from channels.telegram.sending import TelegramChannel
    from core.ports import Capabilities

    settings = read_settings(path)
    can = {
        "telegram": TelegramChannel.can if settings.telegram else None,
        "mail": SmtpChannel.can if settings.mail else None,
        "sms": Capabilities() if settings.sms else None,
    }
    return {name: able for name, able in can.items() if able is not None}
