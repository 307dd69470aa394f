"""The real program on a copy of the example desk, beside a strict Bot API server over loopback."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr

from bot.main import Program
from bot.pump import Pump
from bot.settings import DeskSection, Http, Settings, Telegram
from bot.telegram import add_telegram
from bot.trial.botapi import BotApi, Person, Seen
from bot.trial.botapi.wire import http_app
from channels import http
from channels.telegram.limiter import Limiter, Rate
from core.people import Address
from core.people import Person as Known
from core.ports import Tx
from core.rows import InboxRow
from core.ticket import Ticket
from tests.scenario import START, template

TOKEN = "100200300:test-token-of-a-desk-that-runs"
ACCOUNT = TOKEN.partition(":")[0]
FIRST_ID = 700_001
PATIENCE = 40.0  # seconds, on a machine that is busy with other tests
QUICK = Rate(10_000, 1.0)
T = TypeVar("T")


async def until(true: Callable[[], Awaitable[T]], seconds: float = PATIENCE) -> T:
    """What comes of it once it is something; it is asked until then."""
    async with asyncio.timeout(seconds):
        while not (found := await true()):  # noqa: ASYNC110 - what is asked rings no bell
            await asyncio.sleep(0.02)
    return found


class Clock:
    """A Monday morning that goes on by itself, and can be put forward."""

    def __init__(self) -> None:
        self._began = monotonic()
        self.ahead = timedelta()

    def now(self) -> datetime:
        return START + timedelta(seconds=monotonic() - self._began) + self.ahead


class Carrier:
    """Telegram, which can be cut off: nobody listens at its address, and nothing is forgotten."""

    def __init__(self, api: BotApi) -> None:
        self.api = api
        self._server = http.Server(http_app(api), "127.0.0.1", 0)
        self.address = self._server.address

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        self.api.feed.release()
        await self._server.stop()

    async def come_back(self) -> None:
        host, port = self.address.removeprefix("http://").split(":")
        self._server = http.Server(http_app(self.api), host, int(port))
        await self.start()


@dataclass
class Running:
    """One desk: its program, its Telegram, and the telephones of everybody."""

    program: Program
    carrier: Carrier
    clock: "Clock"
    ids: "count[int]" = field(default_factory=lambda: count(900_001))

    @property
    def api(self) -> BotApi:
        return self.carrier.api

    @property
    def pump(self) -> Pump:
        assert self.program.pump is not None
        return self.program.pump

    async def phone(self, code: str) -> Person:
        """The telephone of somebody whom the desk knows."""
        known = await self.program.store.read(lambda tx: tx.first(Known, code=code))
        assert known is not None, code
        return self.api.people[FIRST_ID + known.id]

    def stranger(self, language: str, name: str = "某人") -> Person:
        """Somebody who never wrote before, with a telephone in that language."""
        return self.api.person(next(self.ids), name, {"zh_CN": "zh-hans"}.get(language, language))

    async def health(self) -> tuple[int, list[str]]:
        answer = await self._asked("/healthz")
        return answer.status_code, answer.json()["reasons"]

    async def turns(self, status: int) -> list[str]:
        """Until the light shows that; what it says then."""

        async def seen() -> list[list[str]]:
            found, reasons = await self.health()
            return [reasons] if found == status else []

        (said,) = await until(seen)
        return said

    async def metric(self, name: str) -> float:
        lines = (await self._asked("/metrics")).text.splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])

    async def _asked(self, path: str) -> httpx.Response:
        # Nobody's certificate is looked at, and reading whom to trust takes longer than to ask.
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE, verify=False) as client:
            return await client.get(f"{self.program.server.address}{path}")

    async def rows(self, kind: type[T], **where: Any) -> list[T]:
        return await self.program.store.read(lambda tx: tx.find(kind, order="id", **where))

    async def tickets(self) -> list[Ticket]:
        return await self.rows(Ticket)

    async def settled(self, many: int = 0) -> None:
        """Until every update is stored and dealt with (and there are as many)."""

        async def quiet() -> bool:
            if len(self.api.feed):  # what is not confirmed may be stored while the rows are read
                return False
            rows = await self.rows(InboxRow)
            return all(row.state != "new" for row in rows) and len(rows) >= many

        await until(quiet)

    async def reports(self, who: Person, text: str) -> Ticket:
        """Somebody's message, and the ticket that it opened."""
        before = len(await self.tickets())
        who.says(text)
        found = await until(lambda: self.more_tickets_than(before))
        return found[-1]

    async def more_tickets_than(self, many: int) -> list[Ticket]:
        found = await self.tickets()
        return found if len(found) > many else []


def data_of(seen: Seen, action: str) -> str:
    """What the button of that action under a message sends."""
    every = [str(button.get("callback_data", "")) for button in seen.buttons]
    return next(data for data in every if data.startswith(f"1{action}."))


async def bind_everybody(program: Program) -> list[Known]:
    """Each of the example desk has a chat, and nothing else."""

    def body(tx: Tx) -> list[Known]:
        for address in tx.find(Address, channel="telegram"):
            tx.update(address, value=str(FIRST_ID + address.person_id), account=ACCOUNT)
        tx.delete(Address, channel="mail")
        return tx.find(Known)

    return await program.store.write(body)


def settings_for(database: str, folder: Path, base_url: str, **telegram: Any) -> Settings:
    return Settings(
        database=database,
        files=str(folder / "files"),
        telegram=Telegram(**{"token": SecretStr(TOKEN), "base_url": base_url, **telegram}),
        http=Http(port=0),
        desk=DeskSection(settle_seconds=0),
    )


@asynccontextmanager
async def telegram(clock: Clock, *, reachable: bool = True) -> AsyncIterator[Carrier]:
    carrier = Carrier(BotApi(TOKEN, "desk_bot", lambda: clock.now().timestamp(), rates=False))
    if reachable:
        await carrier.start()
    yield carrier
    carrier.api.close()
    await carrier.stop()


@asynccontextmanager
async def started(settings: Settings, carrier: Carrier, clock: Clock) -> AsyncIterator[Running]:
    """A program of its own beside a Telegram that others may use, too."""
    limiter = Limiter(monotonic, overall=QUICK, per_chat=QUICK)
    program = Program(settings, now=clock.now)
    await program.open()
    for known in await bind_everybody(program):
        carrier.api.person(FIRST_ID + known.id, known.name, known.language or "zh-hans").opens()
    assert settings.telegram is not None
    add_telegram(program, settings.telegram, limiter=limiter, pauses=(0.05,))
    await program.start()
    try:
        yield Running(program, carrier, clock)
    finally:
        carrier.api.feed.release()
        await program.stop()


@asynccontextmanager
async def a_program(
    folder: Path, *, reachable: bool = True, port: int = 0, **section: Any
) -> AsyncIterator[Running]:
    """The program on a copy of the example desk. `section`: more settings of [telegram]."""
    path, clock = folder / "desk.db", Clock()
    shutil.copy(await template(), path)
    async with telegram(clock, reachable=reachable) as carrier:
        settings = settings_for(f"sqlite:///{path}", folder, carrier.address, **section)
        settings = settings.model_copy(update={"http": Http(port=port)})
        async with started(settings, carrier, clock) as desk:
            yield desk
