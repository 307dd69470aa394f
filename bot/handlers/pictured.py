"""Commands that are answered with a picture: the week's rota, a long queue, a site's sticker."""

from collections.abc import Awaitable, Callable

import structlog
import telegram

from bot.handlers.commands import said
from bot.handlers.context import Context, Front, front, slot
from bot.pictures import NoTypeface
from core import enquiries, guests
from core.errors import Refusal
from core.messages import File
from core.people import Person

log = structlog.get_logger()
Draw = Callable[[Front, Person, str], Awaitable[File | None]]


async def _answer(update: telegram.Update, context: Context, draw: Draw) -> None:
    """Draw first and in a thread; the answer and its picture are then written at once."""
    row, (name, inbound) = slot(), said(update, context)
    given = front(context)
    guest = await guests.known(given.desk, inbound)
    picture, note = None, ""
    try:
        picture = await draw(given, guest.person, inbound.text)
    except NoTypeface:
        note = "picture.no_font"
    except Refusal as refusal:
        log.debug("nothing_drawn", why=refusal.kind)  # the enquiry refuses it too, and says so
    await enquiries.enquire(given.desk, name, inbound, row.inbox_id, picture=picture, note=note)
    row.settle()


async def duty(update: telegram.Update, context: Context) -> None:
    """/duty, /duty next, /duty 12-01: the seven days from there on, and who is on now."""

    async def draw(given: Front, reader: Person, words: str) -> File | None:
        return await given.studio.week(reader, words) if reader.is_staff else None

    await _answer(update, context, draw)


async def queue(update: telegram.Update, context: Context) -> None:
    """/queue: what is open, by deadline; as a picture as well where it is long."""

    async def draw(given: Front, reader: Person, words: str) -> File | None:
        may = reader.has(*enquiries.QUEUE_READERS)
        return await given.studio.queue(reader) if may else None

    await _answer(update, context, draw)


async def sticker(update: telegram.Update, context: Context) -> None:
    """/sticker GZ-TH: to be printed and put up at the site."""
    bot = context.bot.username

    async def draw(given: Front, reader: Person, words: str) -> File | None:
        if not words or not reader.has(*enquiries.STICKER_MAKERS):
            return None
        book = await given.desk.store.read(given.desk.register.open)
        return await given.studio.sticker(bot, enquiries.site_named(book, words))

    await _answer(update, context, draw)
