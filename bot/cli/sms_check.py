"""`paidan check sms`: each gateway as far as it can be asked, its hook, its templates, a test."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from time import monotonic

import httpx
from prometheus_client import CollectorRegistry

from bot.main import opened
from bot.settings import Settings
from bot.settings import Sms as Section
from bot.sms import WrongGateway, gateway, hook_address, reviewed
from channels import http
from channels.sms.filling import fill
from channels.sms.hook import Hook, reader, routes
from channels.sms.lint import lint
from channels.sms.numbers import e164, may_answer
from channels.sms.probes import probe
from channels.sms.sender import TIMEOUT
from channels.sms.standard import STANDARD, missing
from channels.sms.templates import Catalog, Unfit
from channels.sms.wire import Gateway, Sms, Unreadable
from core import inbox
from core.desk import Desk
from core.errors import Unclear, Undeliverable
from core.masking import mask_number
from core.messages import Choice, Letter, Report
from core.ports import Between, Now, Store
from core.rows import InboxRow

Step = tuple[str, bool, str]
TEST = "IT服务台测试短信，无需回复 / Test message of the IT desk, no reply needed"
PATIENCE = 60.0  # seconds that a delivery report may take
LOOK = 0.2


async def checks(settings: Settings, now: Now, *, to: str = "") -> AsyncIterator[Step]:
    """(what was looked at, whether it is well, what was found)"""
    if to and not may_answer(e164(to)):
        yield "number", False, f"{to} is no number of a person"
        return
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=TIMEOUT))
        usable = []
        for section in settings.sms:
            try:
                one = gateway(section, settings.http.public_url)
            except WrongGateway as wrong:
                yield section.name, False, str(wrong)
                continue
            usable.append((section, one))
            yield _hook(section, settings.http.public_url)
            for step in _templates(section):
                yield step
            verdict = await probe(one, client, now())
            yield f"{section.name} gateway", verdict.ok, verdict.told
        if to and usable:
            ear = await stack.enter_async_context(_Ear(settings, now, usable))
            for section, one in usable:
                yield await _test(ear, client, section, one, e164(to))


def _hook(section: Section, public_url: str) -> Step:
    """The whole address, secret and all: it is what must be set at the provider."""
    address = hook_address(section, public_url)
    if not public_url:
        return f"{section.name} hook", False, f"public_url is empty: nobody can call {address}"
    return f"{section.name} hook", True, address


def _templates(section: Section) -> list[Step]:
    made = reviewed(section)
    if made is None:
        return []
    steps = [
        (f"{section.name} template {one.kind}".strip(), not one.severe, one.problem)
        for one in lint(made)
    ]
    told = f"{len(made.templates)} of {len(STANDARD)} have an id"
    unsaid = missing(made)
    if unsaid:
        told += f"; by another channel: {', '.join(unsaid)}"
    return [*steps, (f"{section.name} templates", bool(made.templates), told)]


async def _test(
    ear: "_Ear", client: httpx.AsyncClient, section: Section, one: Gateway, number: str
) -> Step:
    """One text to that number, and the report that it arrived."""
    what = f"{section.name} test to {mask_number(number)}"
    try:
        sms = _sample(reviewed(section), number, ear.now())
        receipt = one.read_answer(await client.send(one.build(sms, ear.now())), sms)
    except (Undeliverable, Unclear, Unfit, httpx.HTTPError) as fault:
        return what, False, str(fault) or type(fault).__name__
    if receipt.final:
        return what, True, "accepted; without public_url no report can come"
    report = await ear.report(one, {receipt.id, sms.reference})
    if report is None:
        return what, False, f"accepted, but no report within {PATIENCE:.0f} s"
    return what, report.state == "delivered", f"{report.state} {report.reason}".strip()


def _sample(catalog: Catalog | None, number: str, now: datetime) -> Sms:
    reference = f"check-{secrets.token_hex(6)}"
    if catalog is None:
        return Sms(reference=reference, to=number, text=TEST)
    for kind, template in catalog.templates.items():
        letter = _sample_letter(kind, template.answers, number, now)
        with suppress(Unfit):
            return Sms(reference=reference, to=number, filled=fill(letter, catalog)[0])
    raise Unfit("no template has an id")


def _sample_letter(kind: str, answers: tuple[str, ...], number: str, now: datetime) -> Letter:
    moments = dict.fromkeys(("due", "answer_by", "until", "starts"), now.isoformat())
    return Letter(
        id=0, person_id=None, channel="sms", address=number, language="zh_CN",
        zone="Asia/Shanghai", kind=kind, params={**moments, "code": "0000", "parent": "100014"},
        choices=tuple(Choice(action=action) for action in answers), ticket="100014",
        reference="check",
    )  # fmt: skip


class _Ear:
    """Hears the reports: in the inbox of the desk that runs, or by listening at its port."""

    def __init__(self, settings: Settings, now: Now, usable: list[tuple[Section, Gateway]]) -> None:
        self.settings, self.now, self.usable = settings, now, usable
        self.since = now()
        self._stack = AsyncExitStack()
        self._store: Store

    async def __aenter__(self) -> "_Ear":
        self._store = await self._stack.enter_async_context(opened(self.settings))
        desk = Desk(store=self._store, now=self.now, calendars={}, channels={})
        hooks = [
            Hook(gateway=one, token=section.token.get_secret_value())
            for section, one in self.usable
        ]
        keep = inbox.keeper(desk, lambda: None)
        made = routes(hooks, keep, self.now, public_url=self.settings.http.public_url)

        async def well() -> list[str]:
            return []

        application = http.app(made, well, CollectorRegistry())
        with suppress(OSError):  # the desk itself listens there, and stores what it hears
            server = http.Server(application, self.settings.http.host, self.settings.http.port)
            await server.start()
            self._stack.push_async_callback(server.stop)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def report(self, one: Gateway, names: set[str]) -> Report | None:
        """The last word on the text of one of these names, once there is one."""
        until = monotonic() + PATIENCE
        while monotonic() < until:
            rows = await self._store.read(
                lambda tx: tx.find(
                    InboxRow, order="-id", channel="sms", account=one.name,
                    received_at=Between(after=self.since),
                )
            )  # fmt: skip
            for row in rows:
                news = _read(one, row)
                if news is not None and news.receipt in names and news.state != "accepted":
                    return news
            await asyncio.sleep(LOOK)
        return None


def _read(one: Gateway, row: InboxRow) -> Report | None:
    try:
        news = reader([one])(row.body)
    except Unreadable:
        return None
    return news if isinstance(news, Report) else None
