"""The hooks behind a real HTTP server on loopback, and an inbox that can be asked."""

import asyncio
import contextlib
import socket

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from channels.sms.hook import Hook, reader, routes
from channels.sms.wire import HookRequest
from core.errors import StorageBusy
from core.messages import Inbound, Report
from core.ports import Keep, Raw
from tests.sms_servers.golden import ALL, DESK, NOW, TOKEN


class FakeInbox:
    """Keeps rows as the storage does: once per channel, account and external id."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], Raw] = {}
        self.busy = False
        self.calls = 0

    async def keep(self, raws: list[Raw]) -> int:
        if self.busy:
            raise StorageBusy
        self.calls += 1
        before = len(self.rows)
        for raw in raws:
            self.rows.setdefault((raw.channel, raw.account, raw.external_id), raw)
        return len(self.rows) - before

    def read(self, gateways=ALL) -> list[Inbound | Report]:
        read = reader(gateways)
        return [read(raw.body) for raw in self.rows.values()]


def app(keep: Keep, gateways=ALL, *, now=lambda: NOW, **more) -> Starlette:
    hooks = [Hook(gateway=gateway, token=TOKEN, **more) for gateway in gateways]

    async def health(_):
        return PlainTextResponse("ok")

    return Starlette(
        routes=[
            Route("/healthz", health),
            *routes(hooks, keep, now, public_url=DESK),
        ]
    )


@contextlib.asynccontextmanager
async def serving(application, *, port: int = 0):
    """A uvicorn on loopback, on a free port unless one is named; the value is its base URL."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        port = listener.getsockname()[1]
        config = uvicorn.Config(application, lifespan="off", log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110  uvicorn sets a flag, no event
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await running


def client(application) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(application, client=("127.0.0.1", 50000))
    return httpx.AsyncClient(transport=transport, base_url=DESK)


async def call(http: httpx.AsyncClient, request, base: str = DESK) -> httpx.Response:
    """Send a golden request as its provider would."""
    url = request.url.replace(DESK, base, 1)
    headers = {"host": "desk.example.com", **request.headers}
    return await http.request(request.method, url, headers=headers, content=request.body)


def wire_bytes(request: HookRequest) -> bytes:
    """The call as it looks on the wire."""
    target = request.url.removeprefix(DESK)
    headers = {
        "host": "desk.example.com",
        **request.headers,
        "content-length": str(len(request.body)),
    }
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


async def statuses(base: str, request: HookRequest, count: int, lanes: int) -> list[int]:
    """Send one call `count` times over `lanes` connections at once."""
    port, sent = int(base.rpartition(":")[2]), wire_bytes(request)

    async def lane(times: int) -> list[int]:
        reader_, writer = await asyncio.open_connection("127.0.0.1", port)
        found = []
        for _ in range(times):
            writer.write(sent)
            head = await reader_.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader_.readexactly(length)
            found.append(int(head.split(b" ", 2)[1]))
        writer.close()
        return found

    done = await asyncio.gather(*(lane(count // lanes) for _ in range(lanes)))
    return [status for lane_ in done for status in lane_]


async def at_once(application, request: HookRequest, count: int) -> list[int]:
    """One call `count` times in the same moment, as the server hands it to the application."""
    path, _, query = request.url.removeprefix(DESK).partition("?")
    headers = {"host": "desk.example.com", **request.headers}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("desk.example.com", 443),
    }
    found: list[int] = []

    async def receive():
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            found.append(message["status"])

    await asyncio.gather(*(application(dict(scope), receive, send) for _ in range(count)))
    return found
