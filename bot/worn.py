"""Earlier messages after a press: buttons that no longer fit go, and so do answered questions."""

import asyncio
from dataclasses import dataclass

from bot.buttons import Pressed, unpack
from channels.telegram.limits import Button
from channels.telegram.sending import TelegramChannel
from core.actions import available
from core.desk import Desk
from core.errors import Stale
from core.in_hand import relations
from core.lifecycle import Action
from core.people import Person
from core.ports import Tx
from core.ticket import Card, Ticket

Rows = tuple[tuple[Button, ...], ...]
FOR_ANOTHER_TRY = {Action.RATE}  # a score may be changed for a day


@dataclass(frozen=True, slots=True)
class Press:
    """A button that somebody pressed, and the message that it hung under."""

    person: Person
    chat: str
    message_id: str
    rows: Rows
    pressed: Pressed | None  # None: not one of ours, or not for this person


class WornButtons:
    """Presses are noted at once and looked after in the next round of drawing: no press waits for
    an edit. What a crash forgets are buttons that answer "out of date", which is no loss."""

    def __init__(self, desk: Desk, channel: TelegramChannel, key: bytes) -> None:
        self._desk, self._channel, self._key = desk, channel, key
        self._noted: list[Press] = []

    def note(self, press: Press) -> None:
        self._noted.append(press)

    async def take_away(self) -> int:
        """How many messages were changed."""
        noted, self._noted = self._noted, []
        if not noted:
            return 0

        def look(tx: Tx) -> list[Rows]:
            return [self._left(tx, press) for press in noted]

        changed = [
            (press, left)
            for press, left in zip(noted, await self._desk.store.read(look), strict=True)
            if left != press.rows
        ]
        async with asyncio.TaskGroup() as group:
            for press, left in changed:
                group.create_task(self._tidy(press, left))
        return len(changed)

    async def _tidy(self, press: Press, left: Rows) -> None:
        """A question that was answered goes as a whole: the card says what the answer was."""
        if not left and press.pressed is not None and press.pressed.arg:
            await self._channel.take_back(press.chat, press.message_id)
        else:
            await self._channel.leave_buttons(press.chat, press.message_id, left)

    def _left(self, tx: Tx, press: Press) -> Rows:
        """All of them where the message is a live card, which is drawn again anyway."""
        place = {"channel": self._channel.name, "address": press.chat}
        if tx.first(Card, message_id=press.message_id, **place):
            return press.rows
        rows = (tuple(b for b in row if self._fits(tx, press, b)) for row in press.rows)
        return tuple(row for row in rows if row)

    def _fits(self, tx: Tx, press: Press, button: Button) -> bool:
        try:
            offered = unpack(button.data, str(press.person.id), self._key)
        except Stale:
            return False
        if offered.action in FOR_ANOTHER_TRY or not offered.number:
            return True
        done = press.pressed
        if done and done.arg and (done.action, done.number) == (offered.action, offered.number):
            return False  # the question is answered
        ticket = tx.first(Ticket, number=offered.number)
        if ticket is None:
            return False
        ties = relations(tx, ticket, press.person)
        return offered.action in available(ticket.status, press.person.roles, ties)
