"""The call that fits a message: a text, one file under it, or an album."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import telegram

from channels.telegram.limits import Upload

NO_PREVIEW: Final = telegram.LinkPreviewOptions(is_disabled=True)
_IN_ALBUM: Final[Mapping[str, Any]] = {
    "photo": telegram.InputMediaPhoto,
    "document": telegram.InputMediaDocument,
}


async def carry(
    bot: telegram.Bot,
    chat: int,
    files: Sequence[Upload],
    text: str,
    mode: str | None,
    *,
    markup: dict[str, Any],
    **common: Any,
) -> Sequence[telegram.Message]:
    """The messages that it became; the text, and the markup if there is one message, is the
    first one's."""
    if not files:
        sent = await bot.send_message(
            chat,
            text,
            parse_mode=mode,
            api_kwargs=markup,
            link_preview_options=NO_PREVIEW,
            **common,
        )
        return (sent,)
    caption: dict[str, Any] = {"caption": text or None, "parse_mode": mode}
    if len(files) > 1:
        media = [_IN_ALBUM[file.kind](file.data, filename=file.name) for file in files]
        return await bot.send_media_group(chat, media, **caption, **common)
    (file,) = files
    send = getattr(bot, f"send_{file.kind}")
    name = file.name or None
    return (await send(chat, file.data, filename=name, api_kwargs=markup, **caption, **common),)
