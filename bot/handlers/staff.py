"""What only staff do: the board for a group."""

import telegram

from bot import board
from bot.handlers.context import Context, front, heard, slot
from core import intake, work
from core.errors import Refusal
from core.ports import Tx


async def put_board(update: telegram.Update, context: Context) -> None:
    """/board in a group: the live board lives here from now on."""
    row, given = slot(), front(context)
    chat, desk = update.effective_chat, given.desk
    assert chat is not None
    guest = await intake.known(desk, heard(update, context))
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
