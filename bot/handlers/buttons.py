"""A press: unpack, one use case (which knows who may), a word back. The card follows by itself."""

import telegram

from bot.buttons import Pressed, unpack
from bot.handlers.context import Context, front, heard, slot, toast
from bot.worn import Press, Rows
from channels.telegram.limits import Button
from core import intake
from core.people import Person
from core.work import Request


async def press(update: telegram.Update, context: Context) -> None:
    """Somebody pressed a button under a message of ours."""
    row, given, query = slot(), front(context), update.callback_query
    assert query is not None
    found: list[Pressed] = []

    def meant(person: Person) -> Request:
        found.append(unpack(query.data or "", str(person.id), given.key))
        pressed = found[-1]
        return Request(action=pressed.action, number=pressed.number, arg=pressed.arg)

    outcome, person = await intake.press(given.desk, heard(update, context), meant, row.inbox_id)
    row.settle()
    await given.channel.answer(query.id, toast(outcome, person.language), alert=outcome.refused)
    message = query.message
    if isinstance(message, telegram.Message) and message.reply_markup is not None:
        place = str(message.chat.id), str(message.message_id)
        pressed = found[-1] if found else None
        given.worn.note(Press(person, *place, _rows(message.reply_markup), pressed))


def _rows(markup: telegram.InlineKeyboardMarkup) -> Rows:
    return tuple(
        tuple(
            Button(button.text, str(button.callback_data or ""), button.style or "")
            for button in row
        )
        for row in markup.inline_keyboard
    )
