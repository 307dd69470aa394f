"""Two roads to the server: loopback HTTP, and inside the process for python-telegram-bot."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import httpx
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

from bot.trial.botapi.server import BotApi
from bot.trial.botapi.values import Dropped, Json, NoAnswer, Params, Refused, Reply, Upload


def listen(port: int = 0, host: str = "127.0.0.1") -> socket.socket:
    """A listening socket for uvicorn.

    Made with IPPROTO_TCP: asyncio switches Nagle off only for such sockets, and with it on
    every call waits 40 ms for an acknowledgement.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(128)  # whoever comes before uvicorn is up waits instead of being refused
    return listening


def http_app(api: BotApi, *more: Route) -> Starlette:
    return Starlette(routes=[*more, *routes(api)])


def routes(api: BotApi) -> list[Route]:
    async def method(request: Request) -> Response:
        token, name = request.path_params["token"], request.path_params["method"]
        params = await _params(request)
        return _json(await _unless_hung_up(request, api.call(token, name, params)))

    async def download(request: Request) -> Response:
        token, path = request.path_params["token"], request.path_params["path"]
        stored = await api.download(token, path)
        return Response(stored.data, media_type="application/octet-stream")

    return [
        Route("/bot{token}/{method}", _answering(method), methods=["GET", "POST"]),
        Route("/file/bot{token}/{path:path}", _answering(download)),
    ]


Endpoint = Callable[[Request], Awaitable[Response]]


def _answering(endpoint: Endpoint) -> Endpoint:
    """Trouble as a client over the wire sees it."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (Dropped, ClientDisconnect):
            return HangUp()
        except NoAnswer:
            await _hung_up(request)
            return HangUp()
        except Refused as refusal:
            return _json(Reply.no(refusal))

    return answer


class HangUp(Response):
    """Promises a body and breaks off: all that ASGI lets us do to a connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


def _json(reply: Reply) -> Response:
    return Response(reply.encoded(), reply.status, media_type="application/json")


async def _params(request: Request) -> Params:
    fields: Json = dict(request.query_params)
    uploads: dict[str, Upload] = {}
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        fields |= await request.json()
    elif request.method == "POST":
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    uploads[name] = Upload(
                        value.filename or name,
                        value.content_type or "application/octet-stream",
                        await value.read(),
                    )
                else:
                    fields[name] = value
    else:
        await request.body()
    return Params(fields, uploads)


async def _unless_hung_up(request: Request, work: Coroutine[Any, Any, Reply]) -> Reply:
    """A client that hangs up frees its long poll; quick calls never get that far."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    if not task.done():
        gone = asyncio.ensure_future(_hung_up(request))
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not task.done():
            task.cancel()
            raise Dropped(delivered=False)
    return task.result()


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class InProcess(BaseRequest):
    """`Application.builder().request(InProcess(api)).get_updates_request(InProcess(api))`.

    Trouble looks as it does over the wire, down to the httpx error that caused it.
    """

    def __init__(self, api: BotApi, read_timeout: float = 5.0) -> None:
        self._api, self._read_timeout = api, read_timeout

    @property
    def read_timeout(self) -> float:
        return self._read_timeout

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        *args: Any,
        **timeouts: Any,
    ) -> tuple[int, bytes]:
        path = unquote(urlsplit(url).path)
        patience = self.read_timeout if read_timeout is self.DEFAULT_NONE else read_timeout
        try:
            async with asyncio.timeout(patience):
                return await self._answer(path, _from_ptb(request_data))
        except Dropped as drop:
            cause = _trouble(drop)
            raise NetworkError(f"httpx.{type(cause).__name__}: {cause}") from cause
        except (NoAnswer, TimeoutError):
            raise TimedOut from httpx.ReadTimeout("")

    async def _answer(self, path: str, params: Params) -> tuple[int, bytes]:
        token, _, rest = path.rpartition("/bot")[2].partition("/")
        if "/file/bot" not in path:
            reply = await self._api.call(token, rest, params)
            return reply.status, reply.encoded()
        try:
            return 200, (await self._api.download(token, rest)).data
        except Refused as refusal:
            return refusal.code, Reply.no(refusal).encoded()


def _trouble(drop: Dropped) -> httpx.HTTPError:
    if drop.delivered:
        return httpx.RemoteProtocolError("Server disconnected without sending a response.")
    return httpx.ConnectError("All connection attempts failed")


def _from_ptb(data: RequestData | None) -> Params:
    if data is None:
        return Params({})
    files = data.multipart_data if data.contains_files else {}
    return Params(data.json_parameters, {field: _upload(*part) for field, part in files.items()})


def _upload(name: str, content: bytes | IO[bytes], mime: str) -> Upload:
    return Upload(name, mime, content if isinstance(content, bytes) else content.read())
