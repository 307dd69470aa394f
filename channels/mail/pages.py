"""Where the links of a mail lead: a GET shows what would happen, and only a POST lets it happen.

Mail scanners and previews open every link; a page in between costs a person one press more and
keeps programs from accepting jobs.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from channels.mail.tokens import Link, Signer
from core.errors import Stale
from core.ports import Now

PATH = "/mail/do/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What stands on the page. Each button posts another token back."""

    title: str
    lines: Sequence[str] = ()
    buttons: Sequence[tuple[str, str]] = ()  # token, label
    language: str = "zh_CN"
    good: bool = True


Show = Callable[[str, Link], Awaitable[Page]]
"""What the link would do, in its owner's language; changes nothing. Raises Stale."""

Act = Callable[[Link], Awaitable[Page]]
"""Does it, and says what became of it. Raises Stale."""

Refuse = Callable[[Request], Page]
"""What to say about a link that is forged or too old."""


def routes(signer: Signer, now: Now, show: Show, act: Act, refuse: Refuse) -> list[BaseRoute]:
    async def page(request: Request) -> Response:
        token = request.path_params["token"]
        try:
            link = signer.verify_link(token, now())
            shown = await (act(link) if request.method == "POST" else show(token, link))
        except Stale:
            return _response(refuse(request), 410)
        return _response(shown, 200 if shown.good else 409)

    return [Route(PATH + "{token}", page, methods=["GET", "POST"])]


_HTML = (
    '<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
    '<meta name="color-scheme" content="light dark"><title>{title}</title><style>'
    "body{{font:18px/1.6 system-ui,'PingFang SC','Microsoft YaHei',sans-serif;margin:2rem auto;"
    "max-width:34rem;padding:0 1rem}}h1{{font-size:1.3rem}}"
    "button{{font:inherit;font-weight:bold;width:100%;"
    "margin:.4rem 0;padding:.8rem;border:0;border-radius:.5rem;background:#1d4ed8;color:#fff}}"
    "</style></head><body><h1>{title}</h1>{body}</body></html>"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
}


def _response(page: Page, status: int) -> Response:
    body = "".join(f"<p>{escape(line)}</p>" for line in page.lines)
    body += "".join(
        f'<form method="post" action="{escape(PATH + token)}"><button>{escape(label)}</button>'
        "</form>"
        for token, label in page.buttons
    )
    html = _HTML.format(
        language=page.language.replace("_", "-"), title=escape(page.title), body=body
    )
    return HTMLResponse(html, status, headers=_HEADERS)
