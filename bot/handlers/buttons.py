"""A press: unpack, one use case (which knows who may), a word back. The card follows by itself."""

from dataclasses import replace

import telegram

from bot.buttons import unpack
from bot.handlers.context import Context, front, heard, slot, toast
from bot.worn import Press, Rows
from channels.telegram.limits import Button
from core import work
from core.errors import Refusal
from core.in_hand import Actor
from core.intake import Guest, known
from core.messages import Inbound
from core.work import Outcome, Request


async def press(update: telegram.Update, context: Context) -> None:
    """Somebody pressed a button under a message of ours."""
    row, given, query = slot(), front(context), update.callback_query
    assert query is not None
    inbound = heard(update, context)
    guest = await known(given.desk, inbound)
    language = guest.person.language or inbound.language
    pressed = None
    try:
        pressed = unpack(query.data or "", str(guest.person.id), given.key)
    except Refusal as refusal:
        outcome = Outcome(refusal.kind, None, refusal.params, refused=True)
        await work.ignore(given.desk, row.inbox_id, "stale button")
    else:
        request = Request(action=pressed.action, number=pressed.number, arg=pressed.arg)
        outcome = await work.act(given.desk, request, _pressing(guest, inbound), row.inbox_id)
    row.settle()
    await given.channel.answer(query.id, toast(outcome, language), alert=outcome.refused)
    message = query.message
    if isinstance(message, telegram.Message) and message.reply_markup is not None:
        place = str(message.chat.id), str(message.message_id)
        given.worn.note(Press(guest.person, *place, _rows(message.reply_markup), pressed))


def _pressing(guest: Guest, inbound: Inbound) -> Actor:
    """A press on a live card needs no answer but the card itself."""
    pressed = next(iter(inbound.reply_to), "")
    return replace(guest.actor, reply=guest.reply and replace(guest.reply, pressed=pressed))


def _rows(markup: telegram.InlineKeyboardMarkup) -> Rows:
    return tuple(
        tuple(
            Button(button.text, str(button.callback_data or ""), button.style or "")
            for button in row
        )
        for row in markup.inline_keyboard
    )
