"""Updates pushed to a web hook: one at a time, with the secret, until somebody says 2xx."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from bot.trial.botapi.feed import Feed
from bot.trial.botapi.values import Json, Params, bad

SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
Call = Callable[[str, Params], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    secret: str = ""
    connections: int = 40


def target(params: Params) -> Target:
    url, secret = params.text("url"), params.text("secret_token")
    parts = urlsplit(url)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if secret and not SECRET.fullmatch(secret):
        raise bad("secret token contains unallowed characters")
    return Target(url, secret, params.integer("max_connections", 40))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(slots=True)
class Hook:
    """Delivers the feed's head again and again, doubling the pause, and never skips it."""

    feed: Feed
    call: Call  # a bot may answer with a method in the response
    now: Callable[[], float]
    target: Target | None = None
    last_error: tuple[int, str] | None = None
    first_pause: float = FIRST_PAUSE
    _task: asyncio.Task[None] | None = field(default=None)

    def aim(self, target: Target | None) -> None:
        self.target, self.last_error = target, None
        if self._task:
            self._task.cancel()
            self._task = None
        if target:
            self.wake()

    def wake(self) -> None:
        if self.target and len(self.feed) and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._deliver(self.target))

    async def _deliver(self, target: Target) -> None:
        pause = self.first_pause
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            while (update := self.feed.head()) is not None:
                error = await self._offer(client, target, update)
                if error is None:
                    self.feed.acknowledge(update["update_id"] + 1)
                    pause = self.first_pause
                    continue
                self.last_error = int(self.now()), error
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _offer(self, client: httpx.AsyncClient, target: Target, update: Json) -> str | None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": target.secret} if target.secret else {}
        try:
            response = await client.post(target.url, json=update, headers=headers)
        except httpx.HTTPError as error:
            return f"Connection failed: {type(error).__name__}"
        if not response.is_success:
            reason = f"{response.status_code} {response.reason_phrase}"
            return f"Wrong response from the webhook: {reason}"
        await self._answer(response)
        return None

    async def _answer(self, response: httpx.Response) -> None:
        if not response.headers.get("content-type", "").startswith("application/json"):
            return
        body = response.json() if response.content else None
        if isinstance(body, dict) and "method" in body:
            await self.call(str(body.pop("method")), Params(body))
