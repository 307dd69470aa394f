"""Fetches the bytes of files that people sent."""

import telegram
from telegram.error import BadRequest, InvalidToken, RetryAfter, TelegramError

from channels.telegram.verdicts import pause
from core.errors import FileTooLarge, FileVanished, Undeliverable
from core.messages import File


async def fetch(bot: telegram.Bot, file: File, limit: int) -> bytes:
    """Raises FileTooLarge, FileVanished, or Undeliverable (temporary) when the network fails."""
    _check_size(file.size, limit)
    try:
        found = await bot.get_file(file.source)
        _check_size(found.file_size, limit)
        data = bytes(await _bytes_of(found))
    except BadRequest as error:
        if "too big" in error.message.lower():
            raise FileTooLarge(error.message) from None
        raise FileVanished(error.message) from None
    except RetryAfter as error:
        raise Undeliverable(error.message, permanent=False, retry_after=pause(error)) from None
    except TelegramError as error:
        # `from None`: the chain below holds the address of the file, and so the bot's token.
        raise Undeliverable(type(error).__name__, permanent=False) from None
    _check_size(len(data), limit)
    return data


async def _bytes_of(found: telegram.File) -> bytearray:
    try:
        return await found.download_as_bytearray()
    except InvalidToken:  # what the library makes of a 404, also of one for a file
        raise FileVanished("its address leads nowhere") from None


def _check_size(size: int | None, limit: int) -> None:
    if size is not None and size > limit:
        raise FileTooLarge(f"{size} bytes, {limit} allowed")
