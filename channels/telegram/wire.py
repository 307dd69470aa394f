"""The calls to Telegram over aiohttp, in a quarter of the time that the library's own client takes.

A press is answered by two calls or three, so their cost decides how fast the desk answers
(docs/benchmarks.md). Where a proxy is set, the library's own client stays.
"""

import asyncio
import importlib
import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from telegram._utils.types import ODVInput
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

from channels.telegram.verdicts import NeverSent

if TYPE_CHECKING:
    from aiohttp import ClientSession

CONNECT, READ, WRITE_FILES, POOL = 5.0, 5.0, 20.0, 30.0  # seconds; what the library's client waits
SLOWEST = 100_000  # bytes a second of a line that still counts as one
UNSAID = BaseRequest.DEFAULT_NONE
SENT = ("message_id", "date", "chat")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Wire(BaseRequest):
    """telegram.request.BaseRequest for a direct connection."""

    def __init__(
        self,
        connections: int,
        *,
        trust: Callable[[], ssl.SSLContext | bool] = lambda: True,
        read_timeout: float = READ,
    ) -> None:
        """`trust`: whom to believe, asked before the first call."""
        self._connections, self._trust, self._read_timeout = connections, trust, read_timeout
        self._session: ClientSession | None = None
        self._proxies: dict[str, str | None] = {}  # by server

    @property
    def read_timeout(self) -> float:
        return self._read_timeout

    async def initialize(self) -> None:
        # In a thread: the desk serves while it does not know yet whether Telegram answers.
        aiohttp = await asyncio.to_thread(importlib.import_module, "aiohttp")
        trust = await asyncio.to_thread(self._trust)
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, ssl=trust),
                headers={"User-Agent": self.USER_AGENT},
            )

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: ODVInput[float] = UNSAID,
        write_timeout: ODVInput[float] = UNSAID,
        connect_timeout: ODVInput[float] = UNSAID,
        pool_timeout: ODVInput[float] = UNSAID,
    ) -> tuple[int, bytes]:
        """Raises TimedOut and NetworkError; from NeverSent where Telegram cannot have it."""
        if self._session is None:
            await self.initialize()
        import aiohttp

        assert self._session is not None
        files = request_data.multipart_data if request_data else {}
        answer = _said(read_timeout, self._read_timeout)
        timeout = aiohttp.ClientTimeout(
            total=None,
            connect=_said(pool_timeout, POOL),
            sock_connect=_said(connect_timeout, CONNECT),
            # The answer is waited for while a large file is still on its way out.
            sock_read=answer if answer is None or not files else answer + _upload(files),
        )
        said = request_data.json_parameters if request_data else {}
        # aiohttp takes twice as long to write the same line from a mapping.
        body: Any = _form(said, files) if files else urlencode(said).encode()
        try:
            async with self._session.request(
                method,
                url,
                data=body,
                headers=None if files else FORM,
                proxy=self._proxy(url),
                timeout=timeout,
            ) as response:
                return response.status, await response.read()
        except aiohttp.ConnectionTimeoutError as fault:
            raise TimedOut from NeverSent(str(fault))
        except TimeoutError as fault:
            raise TimedOut from fault
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as fault:
            raise NetworkError(type(fault).__name__) from NeverSent(type(fault).__name__)
        except (aiohttp.ClientError, OSError) as fault:
            raise NetworkError(f"{type(fault).__name__}: {fault}") from fault

    @staticmethod
    def parse_json_payload(payload: bytes) -> Any:
        """Of a message that we sent nobody reads more than which it is and where: to make objects
        of its buttons again costs as much as the call."""
        answer = BaseRequest.parse_json_payload(payload)
        sent = answer.get("result")
        if isinstance(sent, dict) and "message_id" in sent:
            answer["result"] = {name: sent[name] for name in SENT if name in sent}
        return answer

    def _proxy(self, url: str) -> str | None:
        """What the environment names. aiohttp would read it anew, in a thread, for every call."""
        server = urlsplit(url)
        if server.netloc not in self._proxies:
            bypassed = proxy_bypass(server.hostname or "")
            self._proxies[server.netloc] = None if bypassed else getproxies().get(server.scheme)
        return self._proxies[server.netloc]


def _upload(files: Mapping[str, Any]) -> float:
    """Seconds that they may take."""
    return WRITE_FILES + sum(len(content) for _, content, _ in files.values()) / SLOWEST


def _said(given: ODVInput[float], otherwise: float) -> float | None:
    return given if isinstance(given, int | float | None) else otherwise


def _form(parameters: Mapping[str, str], files: Mapping[str, Any]) -> Any:
    import aiohttp

    form = aiohttp.FormData()
    for name, value in parameters.items():
        form.add_field(name, value)
    for name, (file_name, content, mime) in files.items():
        form.add_field(name, content, filename=file_name, content_type=mime)
    return form
