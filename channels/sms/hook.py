"""The web hooks under /hooks/sms: prove, split, store, commit, and only then say "got it"."""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from channels.sms.joining import fingerprint
from channels.sms.wire import (
    Forged,
    Gateway,
    HookRequest,
    Malformed,
    Unreadable,
    digest,
    freeze,
    same,
    thaw,
)
from core.errors import StorageBusy
from core.messages import Inbound, Report
from core.ports import Keep, Now, Raw

log = logging.getLogger(__name__)

PATH = "/hooks/sms"
READ_DEADLINE = 5.0  # seconds for the whole body
LONGEST_KEY = 200
SHORTEST_TOKEN = 22  # 128 bits in base64
_TOKEN = re.compile(rf"({PATH}/[^/\s?]*/)[^\s\"']*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One gateway's door."""

    gateway: Gateway
    token: str
    allow: tuple[IPv4Network | IPv6Network, ...] = ()  # empty: any address
    rate: float = 300.0  # calls a second, over which it gets 429
    burst: int = 2000

    def __post_init__(self) -> None:
        if len(self.token) < SHORTEST_TOKEN:
            raise ValueError(f"the token of {self.gateway.name} has less than 128 bits")


@dataclass(slots=True)
class _Bucket:
    """Calls that one door still takes."""

    rate: float
    burst: float
    left: float
    filled_at: float

    def take(self, at: float) -> bool:
        self.left = min(self.burst, self.left + (at - self.filled_at) * self.rate)
        self.filled_at = at
        if self.left < 1:
            return False
        self.left -= 1
        return True


class HideTokens(logging.Filter):
    """For uvicorn.access and the like: neither token nor query, where Kannel puts the text."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(str(record.msg))
        if isinstance(record.args, tuple):  # uvicorn's formatter counts on all five of them
            record.args = tuple(redact(a) if isinstance(a, str) else a for a in record.args)
        return True


def redact(line: str) -> str:
    return _TOKEN.sub(r"\1***", line)


Heard = Callable[[str, datetime], None]


def routes(
    hooks: Sequence[Hook],
    keep: Keep,
    now: Now,
    *,
    public_url: str = "",
    heard: Heard = lambda gateway, at: None,
) -> list[Route]:
    """One route for all gateways. `public_url` is the address they know us by, which some sign;
    `heard` is told of every proven call, heartbeats included."""
    door = _Door({hook.gateway.name: hook for hook in hooks}, keep, now, public_url, heard)
    everything = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return [Route(f"{PATH}/{{name}}/{{token:path}}", door.open, methods=everything)]


@dataclass(slots=True)
class _Door:
    hooks: Mapping[str, Hook]
    keep: Keep
    now: Now
    public_url: str
    heard: Heard
    buckets: dict[str, _Bucket] = field(default_factory=dict)

    async def open(self, request: Request) -> Response:
        hook = self._known(request)
        if hook is None or not _allowed(hook, request):
            return _no(404)
        if not self._in_budget(hook):
            return _no(429, {"retry-after": "1"})
        if refusal := _unwanted(hook.gateway, request):
            return _no(refusal)
        try:
            async with asyncio.timeout(READ_DEADLINE):
                body = await _read(request, hook.gateway.limit)
        except TimeoutError:
            return _no(408)
        except (ClientDisconnect, Malformed):
            return _no(400)
        except _TooLong:
            return _no(413)
        return await self._take(hook.gateway, self._call(request, body))

    def _known(self, request: Request) -> Hook | None:
        """The same work for an unknown name and a wrong token."""
        hook = self.hooks.get(request.path_params["name"])
        right = same(hook.token if hook else "", request.path_params["token"])
        return hook if right else None

    def _in_budget(self, hook: Hook) -> bool:
        at = asyncio.get_running_loop().time()
        fresh = _Bucket(hook.rate, hook.burst, hook.burst, at)
        return self.buckets.setdefault(hook.gateway.name, fresh).take(at)

    def _call(self, request: Request, body: bytes) -> HookRequest:
        query = request.scope["query_string"].decode("latin-1")
        path = (request.scope.get("raw_path") or request.url.path.encode()).decode("latin-1")
        base = self.public_url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"
        return HookRequest(
            method=request.method,
            url=base + path.partition("?")[0] + (f"?{query}" if query else ""),
            query=query,
            headers=dict(request.headers.items()),
            body=body,
            received_at=self.now(),
        )

    async def _take(self, gateway: Gateway, call: HookRequest) -> Response:
        try:
            gateway.authenticate(call, call.received_at)
            pieces = gateway.split(call)
        except Forged as why:
            log.warning("sms hook refused: %s: %s", gateway.name, why)
            return _no(401)
        except Malformed as why:
            log.warning("sms hook malformed: %s: %s", gateway.name, why)
            return _no(400)
        rows = OrderedDict((row.external_id, row) for row in map(_row(gateway), pieces) if row)
        if rows:
            try:
                await self.keep(list(rows.values()))
            except StorageBusy:
                return _no(503, {"retry-after": "10"})
        self.heard(gateway.name, call.received_at)
        answer = gateway.answer
        return Response(answer.body, answer.status, media_type=answer.type)


def _no(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Without a word: Kannel would text it to the user, and a forger would learn from it."""
    return Response(status_code=status, headers={"connection": "close", **(headers or {})})


def _allowed(hook: Hook, request: Request) -> bool:
    if not hook.allow:
        return True
    try:
        peer = ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return any(peer in network for network in hook.allow)


def _unwanted(gateway: Gateway, request: Request) -> int:
    """The status that refuses a call before its body is read; 0: none."""
    if request.method not in gateway.methods:
        return 405
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        return 415
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        return 400
    return 413 if len(length) > 9 or int(length) > gateway.limit else 0


class _TooLong(Exception):
    pass


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _TooLong
    return bytes(body)


def _row(gateway: Gateway) -> Callable[[HookRequest], Raw | None]:
    """One element as a row of the inbox; None for a heartbeat. What cannot be read is kept too."""

    def row(piece: HookRequest) -> Raw | None:
        news = _first(gateway, piece)
        if news is None:
            return None
        key, sender, content = _identity(news, piece)
        return Raw(
            channel="sms",
            account=gateway.name,
            external_id=_bounded(key),
            order_key=_bounded(sender),
            body=freeze(gateway.name, piece),
            received_at=piece.received_at,
            content_hash=content,
        )

    return row


def _bounded(key: str) -> str:
    """A forged id may be as long as the call: the index of the inbox is no place for it."""
    return key if len(key) <= LONGEST_KEY else digest(key)


def _first(gateway: Gateway, piece: HookRequest) -> Inbound | Report | Unreadable | None:
    try:
        return next(iter(gateway.parse(piece)), None)
    except Exception as odd:  # one odd element must not refuse its batch
        log.exception("sms element of %s cannot be read", gateway.name)
        return Unreadable(type(odd).__name__)


def _identity(news: Inbound | Report | Unreadable, piece: HookRequest) -> tuple[str, str, str]:
    """Key, whose row it is, and the fingerprint of a message that may come under two ids."""
    match news:
        case Inbound():
            return news.external_id, news.sender, fingerprint(news.sender, news.text)
        case Report():
            return news.external_id, f"report:{news.receipt}", ""
        case _:
            odd = digest(piece.query, piece.body.decode("latin-1"))
            return f"unreadable:{odd}", f"unreadable:{odd}", ""


def reader(gateways: Sequence[Gateway]) -> Callable[[bytes], Inbound | Report]:
    """For the worker: a stored row back into what it says. Raises Unreadable."""
    by_name = {gateway.name: gateway for gateway in gateways}

    def read(raw: bytes) -> Inbound | Report:
        name, request = thaw(raw)
        if name not in by_name:
            raise Unreadable(f"no gateway {name}")
        news = next(iter(by_name[name].parse(request)), None)
        if news is None or isinstance(news, Unreadable):
            raise news or Unreadable("no news")
        return news

    return read
