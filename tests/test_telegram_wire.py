"""The same over a real socket, with our HTTP client and with the library's own."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import uvicorn
from telegram.ext import ExtBot
from telegram.request import BaseRequest, HTTPXRequest

from bot.pump import Pump
from bot.trial.botapi import BotApi
from bot.trial.botapi.wire import http_app, listen
from channels.telegram.limiter import Limiter
from channels.telegram.limits import ChatMessage
from channels.telegram.sending import TelegramChannel
from channels.telegram.wire import Wire
from core.errors import Unclear, Undeliverable
from core.messages import File, Letter
from core.ports import Raw

TOKEN = "700001:test-token-of-a-bot-that-is-not"
PATIENCE = 20.0  # seconds, on a machine that is busy with other tests
LETTER = Letter(
    id=7,
    person_id=1,
    channel="telegram",
    address="42",
    language="zh_CN",
    zone="Asia/Shanghai",
    kind="ticket_opened",
    params={},
    reference="7",
)


@dataclass
class Line:
    api: BotApi
    server: uvicorn.Server
    bot: ExtBot[None]
    channel: TelegramChannel


async def render(letter: Letter) -> ChatMessage:
    return ChatMessage(html=f"<b>{letter.kind}</b>")


def client(url: str, library: bool = False) -> ExtBot[None]:
    def request() -> BaseRequest:
        if library:
            return HTTPXRequest(read_timeout=2, httpx_kwargs={"trust_env": False})
        return Wire(4, read_timeout=2)

    return ExtBot(
        TOKEN,
        base_url=f"{url}/bot",
        base_file_url=f"{url}/file/bot",
        request=request(),
        get_updates_request=request(),
    )


@pytest.fixture(params=["our client", "the library's client"])
async def line(request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    api = BotApi(TOKEN, "desk_bot", now.timestamp)
    api.person(42, "李娜").opens()
    door = listen()
    server = uvicorn.Server(uvicorn.Config(http_app(api), log_level="critical", lifespan="off"))
    serving = asyncio.create_task(server.serve([door]))
    library = request.param == "the library's client"
    bot = client(f"http://127.0.0.1:{door.getsockname()[1]}", library)
    limiter = Limiter(asyncio.get_running_loop().time)
    async with bot:
        yield Line(api, server, bot, TelegramChannel(bot, "desk_bot", render, limiter))
    api.close()
    server.should_exit = True
    await serving


async def test_a_letter_goes_over_the_wire(line: Line) -> None:
    await line.channel.send(LETTER)
    assert (await line.api.person(42, "李娜").hears("ticket_opened")).from_bot


async def test_a_file_comes_over_the_wire(line: Line) -> None:
    sent = line.api.person(42, "李娜").document(b"log", "error.log").raw["document"]
    file = File(kind="document", source=sent["file_id"])
    assert await line.channel.download(file) == b"log"


@pytest.mark.parametrize("trouble", ["drop", "timeout"])
async def test_a_lost_answer_is_unclear_on_a_real_connection(line: Line, trouble: str) -> None:
    line.api.fail("sendMessage", "drop" if trouble == "drop" else "timeout", before=False)
    with pytest.raises(Unclear):
        await line.channel.send(LETTER)


async def test_a_closed_port_is_tried_again(line: Line) -> None:
    nowhere = listen()
    url = f"http://127.0.0.1:{nowhere.getsockname()[1]}"
    nowhere.close()
    limiter = Limiter(asyncio.get_running_loop().time)
    channel = TelegramChannel(client(url), "desk_bot", render, limiter)
    with pytest.raises(Undeliverable) as caught:
        await channel.send(LETTER)
    assert not caught.value.permanent


async def test_the_proxy_that_the_environment_names_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode().split()[1])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    wire = Wire(1)
    async with server:
        answer = await wire.do_request("http://telegram.invalid/bot/getMe", "POST")
        await wire.shutdown()
    assert (answer, asked) == ((200, b"{}"), ["http://telegram.invalid/bot/getMe"])


async def test_an_update_is_pumped_over_the_wire(line: Line) -> None:
    kept: list[Raw] = []
    arrived = asyncio.Event()

    async def keep(rows: list[Raw]) -> int:
        kept.extend(rows)
        arrived.set()
        return len(rows)

    async def offset() -> int:
        return 0

    def now() -> datetime:
        return datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    pump = Pump(line.bot, "desk_bot", keep, offset, now, lambda kind, detail: None)
    running = asyncio.create_task(pump.run())
    line.api.person(42, "李娜").says("打印机卡纸")
    await asyncio.wait_for(arrived.wait(), PATIENCE)
    pump.stop()
    await asyncio.wait_for(running, PATIENCE)
    assert [row.order_key for row in kept] == ["42:42"]


async def test_buttons_go_out_and_are_not_read_again(line: Line) -> None:
    keys = {"inline_keyboard": [[{"text": "OK", "callback_data": "x"}]]}
    sent = await line.bot.send_message(42, "hello", api_kwargs={"reply_markup": keys})
    seen = await line.api.person(42, "李娜").hears("hello")
    assert (seen.labels, seen.id) == (["OK"], sent.message_id)
    if isinstance(line.bot.request, Wire):
        assert sent.reply_markup is None
