"""What the running desk offers to a channel that is switched on."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.routing import BaseRoute

from bot.schedule import Ticker
from bot.settings import Settings
from core import inbox
from core.desk import Desk
from core.ports import Channel, Now


class Host(Protocol):
    settings: Settings
    desk: Desk
    now: Now
    routes: list[BaseRoute]
    ticker: Ticker

    def wake(self) -> None: ...

    def trouble(self, kind: str, detail: object) -> None: ...

    def plug_in(
        self, channel: Channel, handle: inbox.Handle, close: Callable[[], Awaitable[object]]
    ) -> None: ...
