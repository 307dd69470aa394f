"""What the shell asks Telegram itself: who the bot is."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.settings import Telegram

ENDPOINT = "https://api.telegram.org"
PATIENCE = 10.0  # seconds


class NoAnswer(Exception):
    """Telegram cannot be asked, or does not know this bot; the text never holds the token."""


async def get_me(section: "Telegram") -> str:
    """The bot's name, asked through the proxy and base_url of the settings."""
    import httpx

    url = f"{section.base_url or ENDPOINT}/bot{section.token.get_secret_value()}/getMe"
    try:
        async with httpx.AsyncClient(proxy=section.proxy or None, timeout=PATIENCE) as client:
            answer = (await client.get(url)).json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as fault:
        raise NoAnswer(f"no answer ({type(fault).__name__})") from None
    if not isinstance(answer, dict) or not answer.get("ok"):
        told = answer.get("description", "refused") if isinstance(answer, dict) else "refused"
        raise NoAnswer(f"Telegram says: {told}")
    return str(answer["result"]["username"])


def bot_name(settings: Path | None) -> str | None:
    """None where there is no bot, or it cannot be asked now."""
    from bot.cli.start import read_settings

    section = read_settings(settings).telegram
    if section is None:
        return None
    try:
        return asyncio.run(get_me(section))
    except NoAnswer:
        return None
