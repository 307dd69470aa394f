"""What only staff do in the chat: a board for the group, arrival by place or sticker."""

import telegram

from bot import board
from bot.handlers import commands, everyone
from bot.handlers.context import Context, front, heard, slot
from core import arriving, guests, work
from core.errors import Refusal
from core.ports import Tx
from core.requests import Outcome


async def put_board(update: telegram.Update, context: Context) -> None:
    """/board in a group: the live board lives here from now on."""
    row, given = slot(), front(context)
    chat, desk = update.effective_chat, given.desk
    assert chat is not None
    guest = await guests.known(desk, heard(update, context))
    place = board.place_in(str(chat.id), given.channel.name, given.account, guest.person)

    def body(tx: Tx) -> None:
        now = desk.now()
        if work.settle(tx, row.inbox_id, now):
            board.bind(tx, guest.person, place, now)

    try:
        await desk.store.write(body)
    except Refusal:
        await work.ignore(desk, row.inbox_id, "may not place the board")
    row.settle()


async def location(update: telegram.Update, context: Context) -> None:
    """An engineer who shares a location has arrived; anybody else has said something."""
    row, given = slot(), front(context)
    inbound = heard(update, context)
    outcome = await arriving.at_location(given.desk, inbound, row.inbox_id)
    await _settle(update, context, outcome)


async def sticker(update: telegram.Update, context: Context) -> None:
    """/start c_CODE, from the sticker at a site: the engineer is there."""
    row, given = slot(), front(context)
    outcome = await arriving.at_sticker(given.desk, heard(update, context), row.inbox_id)
    if outcome is None:
        await commands.start(update, context)
    else:
        await _settle(update, context, outcome)


async def _settle(update: telegram.Update, context: Context, outcome: Outcome | None) -> None:
    """What was no arrival is a message like any other."""
    if outcome is None:
        await everyone.message(update, context)
    else:
        slot().settle()
