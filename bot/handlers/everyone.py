"""Messages of anybody: a report, more words to one, an answer; and whatever else comes."""

import telegram
from telegram.ext import ApplicationHandlerStop

from bot.handlers.context import Context, front, heard, slot
from channels.telegram.reading import inbound
from channels.telegram.reading import reachability as reachable
from core import addresses, intake, work


async def nothing_said(update: telegram.Update, context: Context) -> None:
    """Service messages and what other bots say end here; everything else goes on."""
    row, given = slot(), front(context)
    if update.my_chat_member is None and inbound(update, given.account, given.desk.now()) is None:
        await work.ignore(given.desk, row.inbox_id, "nothing said")
        row.settle()
        raise ApplicationHandlerStop


async def message(update: telegram.Update, context: Context) -> None:
    """Somebody wrote, sent a file, or corrected what they wrote."""
    row = slot()
    await intake.receive(front(context).desk, heard(update, context), row.inbox_id)
    row.settle()


async def edited_command(update: telegram.Update, context: Context) -> None:
    """A command counts once, and as it was first written."""
    row = slot()
    await work.ignore(front(context).desk, row.inbox_id, "an edited command")
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
