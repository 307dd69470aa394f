"""A press: unpack, one use case (which knows who may), a word back. The card follows by itself."""

from dataclasses import replace

import telegram

from bot.buttons import unpack
from bot.handlers.context import Context, front, heard, slot, toast
from core import work
from core.errors import Refusal
from core.intake import known
from core.work import Outcome, Request


async def press(update: telegram.Update, context: Context) -> None:
    """Somebody pressed a button under a message of ours."""
    row, given, query = slot(), front(context), update.callback_query
    assert query is not None
    inbound = heard(update, context)
    guest = await known(given.desk, inbound)
    language = guest.person.language or inbound.language
    try:
        pressed = unpack(query.data or "", str(guest.person.id), given.key)
    except Refusal as refusal:
        outcome = Outcome(refusal.kind, None, refusal.params, refused=True)
        await work.ignore(given.desk, row.inbox_id, "stale button")
    else:
        request = Request(action=pressed.action, number=pressed.number, arg=pressed.arg)
        by = replace(guest.actor, reply=guest.reply and replace(guest.reply, message_id=""))
        outcome = await work.act(given.desk, request, by, row.inbox_id)
    row.settle()
    await given.channel.answer(query.id, toast(outcome, language), alert=outcome.refused)
