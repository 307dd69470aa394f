"""A press: unpack, one use case (which knows who may), a word back. The card follows by itself."""

import telegram

from bot.buttons import unpack
from bot.handlers.context import Context, front, heard, slot, toast
from core import intake
from core.people import Person
from core.requests import Request


async def press(update: telegram.Update, context: Context) -> None:
    """Somebody pressed a button under a message of ours."""
    row, given, query = slot(), front(context), update.callback_query
    assert query is not None

    def meant(person: Person) -> Request:
        pressed = unpack(query.data or "", str(person.id), given.key)
        return Request(action=pressed.action, number=pressed.number, arg=pressed.arg)

    outcome, person = await intake.press(given.desk, heard(update, context), meant, row.inbox_id)
    row.settle()
    await given.channel.answer(query.id, toast(outcome, person.language), alert=outcome.refused)
