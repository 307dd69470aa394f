"""Nobody but a browser on this machine, showing this page, may speak to the trial."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
LARGEST_BODY = 40 * 2**20
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; media-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class LoopbackOnly:
    """Refuses foreign names (DNS rebinding) and, for changes, foreign origins and forms."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        why = objection(scope["method"], Headers(scope=scope))
        if why is not None:
            await PlainTextResponse(why, 403)(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_guarded)


def objection(method: str, headers: Headers) -> str | None:
    host = headers.get("host", "")
    if urlsplit(f"//{host}").hostname not in LOOPBACK:
        return "The trial answers on this machine only."
    if method in {"GET", "HEAD"}:
        return None
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return "This came from another page."
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return "This came from another page."
    # A foreign form can send text/plain without asking first, but never this type.
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return "Only application/json is taken."
    if not headers.get("content-length", "").isdigit():
        return "How long is it?"
    if int(headers["content-length"]) > LARGEST_BODY:
        return "This is too large."
    return None
