"""Messages of anybody: a report, more words to one, an answer; and whatever else comes."""

import telegram

from bot.handlers.context import Context, front, heard, slot
from channels.telegram.reading import reachability as reachable
from core import addresses, intake, work


async def message(update: telegram.Update, context: Context) -> None:
    """Somebody wrote, sent a file, or corrected what they wrote."""
    row = slot()
    await intake.receive(front(context).desk, heard(update, context), row.inbox_id)
    row.settle()


async def reachability(update: telegram.Update, context: Context) -> None:
    """Somebody blocked the bot, or let it in again: the dispatcher must know (delivery honesty)."""
    row, told = slot(), reachable(update)
    given = front(context)
    if told is not None:
        address, is_reachable = told
        await addresses.reachability(
            given.desk, "telegram", given.account, address, is_reachable, row.inbox_id
        )
    else:
        await work.ignore(given.desk, row.inbox_id, "membership")
    row.settle()


async def whatever_else(update: telegram.Update, context: Context) -> None:
    """The catch-all: runs for every update, and settles those that nobody took."""
    row = slot()
    if not row.settled and row.failure is None:
        await work.ignore(front(context).desk, row.inbox_id, "nothing for the desk")
        row.settle()
