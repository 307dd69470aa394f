"""The chat, switched on: PTB as parser, handlers and client; pump, outbox and cards are ours."""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import cache, partial
from time import monotonic
from typing import Protocol

import httpx
from telegram.ext import Application
from telegram.request import BaseRequest, HTTPXRequest

from bot import board, handlers, menus
from bot.cards import CardChannel, Renderer
from bot.handlers.context import Front
from bot.health import Look
from bot.host import Host
from bot.pictures.studio import Studio
from bot.pump import (
    PAUSES,
    AnyApplication,
    Hook,
    NotReady,
    Pump,
    Unreadable,
    check_handlers,
    feed,
    hook_route,
)
from bot.redraw import redraw
from bot.settings import Telegram as Section
from channels.telegram.limiter import Limiter
from channels.telegram.sending import TelegramChannel
from channels.telegram.wire import Wire
from core import inbox, leases
from core.files import Fetch
from core.inbox import NotYet, Poison
from core.ports import Channel, Files
from core.rows import InboxRow

# Telegram takes thirty messages a second, and every idle connection costs the client time.
CONNECTIONS = 8
REDRAW = 0.5
MENUS = 2.0

Redraw = Callable[[], Awaitable[int]]
"""Draws the cards that are no longer true, now; how many."""


class ChatHost(Host, Protocol):
    key: bytes
    studio: Studio
    pump: Pump | None

    @property
    def files(self) -> Files: ...

    def watch(self, look: Look) -> None: ...

    def every(self, seconds: float, name: str, work: Callable[[], Awaitable[object]]) -> None: ...

    def plug_in(
        self,
        channel: Channel,
        handle: inbox.Handle,
        close: Callable[[], Awaitable[object]],
        fetch: Fetch | None = None,
    ) -> None: ...


def add_telegram(
    program: ChatHost,
    section: Section,
    *,
    limiter: Limiter | None = None,
    pauses: Sequence[float] = PAUSES,
) -> Redraw:
    """Switch the channel on.

    `pauses`: seconds that the pump rests after one failure, and after another.
    """
    token = section.token.get_secret_value()
    account = token.partition(":")[0]
    app = _application(section, token)
    limiter = Limiter(monotonic) if limiter is None else limiter  # an idle one is falsy
    renderer = Renderer(program.desk, program.key, program.files)
    channel = TelegramChannel(app.bot, account, renderer, limiter, trouble=program.trouble)
    app.bot_data["front"] = Front(program.desk, channel, account, program.key, program.studio)
    lease = leases.Lease(program.desk, f"telegram/{account}")
    pump = program.pump = _pump(program, section, app, account, lease, pauses)
    program.watch(pump.wrong)

    async def close() -> None:
        try:
            await lease.let_go()
        finally:
            await app.shutdown()

    program.plug_in(CardChannel(channel, renderer), partial(_feed, app), close, channel.download)
    draw = partial(redraw, program.desk, channel, renderer)
    _tick(program, pump, lease, channel, draw)
    return draw


def _application(section: Section, token: str) -> AnyApplication:
    builder = Application.builder().token(token).updater(None).job_queue(None)
    builder = builder.request(_client(section, CONNECTIONS))
    builder = builder.get_updates_request(_client(section, 1))
    if section.base_url:
        builder = builder.base_url(f"{section.base_url}/bot")
        builder = builder.base_file_url(f"{section.base_url}/file/bot")
    app = builder.build()
    handlers.register(app)
    check_handlers(app)
    return app


def _client(section: Section, connections: int) -> BaseRequest:
    if not section.proxy:
        return Wire(connections, trust=trust)
    return HTTPXRequest(
        connection_pool_size=connections,
        pool_timeout=30,
        proxy=section.proxy,
        httpx_kwargs={"verify": trust()},
    )


@cache
def trust() -> ssl.SSLContext:
    """Which servers are believed: read once, since the list takes a twentieth of a second."""
    return httpx.create_ssl_context()


def _pump(
    program: ChatHost,
    section: Section,
    app: AnyApplication,
    account: str,
    lease: leases.Lease,
    pauses: Sequence[float],
) -> Pump:
    keep = inbox.keeper(program.desk, program.wake)
    hook = None
    if section.webhook_url:
        hook = Hook(section.webhook_url, section.webhook_secret.get_secret_value())
        program.routes.append(hook_route(hook.secret, keep, account, program.now))

    async def offset() -> int:
        last = await inbox.last_external(program.desk, "telegram", account)
        return 0 if last is None else last + 1

    return Pump(
        app.bot,
        account,
        keep,
        offset,
        program.now,
        program.trouble,
        initialize=app.initialize,
        hook=hook,
        my_turn=lease.hold,
        pauses=pauses,
    )


def _tick(
    program: ChatHost, pump: Pump, lease: leases.Lease, channel: TelegramChannel, draw: Redraw
) -> None:
    told = menus.Told(program.desk, channel)

    async def renew_lease() -> None:
        """One of the processes that share a database polls; another takes over when it is gone."""
        if pump.polling:
            await lease.renew()

    async def renew_menus() -> None:
        """Asked of Telegram by itself, and not because a row says so: it can wait for it."""
        if pump.connected.is_set():
            await told.renew()

    program.every(leases.RENEW, "lease", renew_lease)
    program.every(MENUS, "menus", renew_menus)
    program.every(REDRAW, "redraw", draw)
    program.every(board.EVERY, "board", partial(board.redraw, program.desk, channel))


async def _feed(app: AnyApplication, row: InboxRow) -> None:
    try:
        await feed(app, row.id, row.body)
    except Unreadable as fault:
        raise Poison(str(fault)) from fault
    except NotReady as fault:
        raise NotYet(str(fault)) from fault
