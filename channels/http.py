"""The desk's HTTP side: health with reasons, metrics, and whatever routes the channels bring."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

Health = Callable[[], Awaitable[Sequence[str]]]
"""What is wrong, one sentence for each; nothing: the desk is well."""


def app(routes: Sequence[BaseRoute], health: Health, registry: CollectorRegistry) -> Starlette:
    async def healthz(request: Request) -> Response:
        wrong = list(await health())
        return JSONResponse(
            {"status": "red" if wrong else "green", "reasons": wrong}, 503 if wrong else 200
        )

    async def livez(request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/livez", livez),
            Route("/metrics", metrics),
            *routes,
        ]
    )


class Server:
    """uvicorn inside our own loop, on a socket of ours."""

    def __init__(self, application: Starlette, host: str, port: int) -> None:
        # With protocol 0 asyncio leaves Nagle on, and every answer waits 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        self.address = "http://{}:{}".format(*self._socket.getsockname()[:2])
        config = uvicorn.Config(
            application,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._server.capture_signals = _no_signals  # type: ignore[method-assign]
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            if self._task.done():
                await self._task
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self._server.should_exit = True  # who is being answered has a second to hear the end
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task
        self._socket.close()


@contextmanager
def _no_signals() -> Iterator[None]:
    """Signals are the composition root's; uvicorn would take them."""
    yield
