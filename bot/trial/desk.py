"""The throw-away desk: the real program, the example desk, a Bot API server and a clock to move."""

import asyncio
import secrets
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from time import monotonic
from typing import get_args

from pydantic import SecretStr
from starlette.applications import Starlette

from bot import loading
from bot.main import Program, until_told_to_stop
from bot.settings import Http, Settings, Telegram, WrongSettings
from bot.sms import add_sms
from bot.telegram import Redraw, add_telegram
from bot.trial import page
from bot.trial.botapi import BotApi
from bot.trial.botapi.wire import routes as bot_api_routes
from bot.trial.mail import TrialMail
from bot.trial.sms import TrialSms
from bot.trial.world import Language, Seat, Step, TrialPerson, TrialPost
from channels import http
from channels.telegram.limiter import Limiter
from core import apart, timers
from core.people import Address, Person, Role
from core.ports import Tx
from core.register import CHANGES, Book
from core.sla.calendar import Calendar
from core.ticket import Survey, Ticket
from core.words import normal, say

DEFAULT_PORT, PORTS_TRIED = 8080, 20
FIRST_ID = 700_001
ENGINEER_ROLES = frozenset(
    {
        Role.RESIDENT_ENGINEER,
        Role.FIELD_ENGINEER,
        Role.BACKUP_ENGINEER,
        Role.REMOTE_AGENT,
        Role.ESCALATION_CENTRE,
    }
)
STEPS: Mapping[str, Step] = {
    "new": "settle",
    "triaged": "accept",
    "dispatched": "accept",
    "accepted": "depart",
    "en_route": "arrive",
    "arrived": "finish",
    "working": "finish",
    "in_phone": "finish",
    "in_remote": "finish",
    "resolved": "confirm",
    "confirmed": "survey",
    "closed": "survey",
    "cancelled": "report",
}
LONGEST_REST = 60.0  # seconds that one stop on the way through time may take, on any machine
MORNING = time(10)
STORY = timedelta(hours=3)  # the office stays open that long for a newcomer


class TrialClock:
    """The wall clock, put forward by as much as the page was told."""

    def __init__(self) -> None:
        self.offset = timedelta()
        self.moving = False

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def pace(self) -> float:
        """Seconds that never go back, for a carrier's budgets."""
        return monotonic() + self.offset.total_seconds()

    async def sleep(self, seconds: float) -> None:
        """While time is moved, waiting is moving it: nobody sits through a carrier's pauses."""
        if self.moving:
            self.offset += timedelta(seconds=seconds)
        await asyncio.sleep(0 if self.moving else seconds)


class TrialDesk:
    """bot.trial.world.TrialWorld over a running program."""

    mail: TrialPost | None = None
    sms: TrialPost | None = None

    def __init__(
        self, program: Program, clock: TrialClock, ring: Callable[[], None], redraw: Redraw
    ) -> None:
        self._program, self._clock, self._ring = program, clock, ring
        self._redraw = redraw
        self.people: Sequence[TrialPerson] = ()

    @property
    def zone(self) -> str:
        return self._program.settings.desk.zone

    def now(self) -> datetime:
        return self._clock.now()

    def morning(self) -> datetime:
        return next_morning(self._program.desk.working_days, self.now())

    async def settle_in(self, account: str) -> None:
        """Give everybody of the example desk a chat, as if each had been bound by a code."""

        def body(tx: Tx) -> list[TrialPerson]:
            people = tx.find(Person, order="id", provisional=False)
            for person in people:
                tx.insert(
                    Address(
                        person_id=person.id,
                        channel="telegram",
                        account=account,
                        value=str(FIRST_ID + person.id),
                        verified_at=self.now(),
                    )
                )
            tx.next(CHANGES)
            book = self._program.desk.register.open(tx)
            return [_trial_person(person, book) for person in people]

        self.people = await self._program.store.write(body)

    async def advance(self, by: timedelta) -> None:
        """From deadline to deadline, so that everything happens at its moment and in its order."""
        self._clock.moving = True
        try:
            await self._move(self._clock.offset + by)
        finally:
            self._clock.moving = False
        await self._redraw()

    async def _move(self, until: timedelta) -> None:
        while True:
            due = await self.next_event()
            if due is None or due - datetime.now(UTC) > until:
                break
            self._clock.offset = max(self._clock.offset, due - datetime.now(UTC))
            await self._rest()
        self._clock.offset = max(self._clock.offset, until)
        await self._rest()

    async def _rest(self) -> None:
        """Let everything that is due happen, and reach the telephones."""
        program = self._program
        async with asyncio.timeout(LONGEST_REST):
            while True:
                await timers.sweep(program.desk)
                program.wake()
                await asyncio.sleep(0.02)
                if await self._is_quiet():
                    break
        self._ring()

    async def _is_quiet(self) -> bool:
        if not all(worker.is_idle for worker in self._program.workers):
            return False

        def body(tx: Tx) -> bool:
            overdue = tx.ask("timer_lag", now=self.now())[0]["many"]
            return not overdue and not tx.ask("outbox_due", now=self.now())[0]["many"]

        return await self._program.store.read(body)

    async def next_event(self) -> datetime | None:
        found = await self._program.store.read(lambda tx: tx.ask("next_timer")[0]["due_at"])
        return found if isinstance(found, datetime) else None

    async def story(self) -> Step:
        """What a newcomer might do next, by the latest ticket."""

        def body(tx: Tx) -> Step:
            ticket = tx.first(Ticket, order="-id")
            if ticket is None:
                return "report"
            if ticket.status == "closed" and tx.count(
                Survey, ticket_id=ticket.id, state="answered"
            ):
                return "end"
            return STEPS.get(ticket.status, "accept")

        return await self._program.store.read(body)

    async def speak(self, language: Language) -> None:
        chosen = normal(language)

        def body(tx: Tx) -> None:
            for person in self.people:
                address = tx.first(Address, channel="telegram", value=str(person.telegram_id))
                somebody = tx.get(Person, address.person_id) if address else None
                if somebody is not None:
                    apart.speak(tx, somebody, chosen)
            tx.next(CHANGES)

        await self._program.store.write(body)


def next_morning(office: Calendar, now: datetime) -> datetime:
    """Ten o'clock on the next working day after today."""
    tomorrow = datetime.combine(office.local(now).date() + timedelta(days=1), time())
    day = office.local(office.next_open(office.at(tomorrow))).date()
    return office.at(datetime.combine(day, MORNING))


def opening(office: Calendar, now: datetime) -> datetime:
    """When a trial begins: now in office hours, else the next working morning at ten."""
    if office.is_open(now) and office.between(now, now + STORY) == STORY:
        return now
    today = datetime.combine(office.local(now).date(), MORNING)
    if office.is_open(office.at(today)) and now < office.at(today):
        return office.at(today)
    return next_morning(office, now)


def _trial_person(person: Person, book: Book) -> TrialPerson:
    seat: Seat = "staff"
    if person.is_staff:
        seat = "engineer" if ENGINEER_ROLES & set(person.roles) else "supervisor"
    return TrialPerson(
        telegram_id=FIRST_ID + person.id,
        name={"zh": person.name, "en": person.name_en or person.name},
        title={short: _title(person, book, normal(short)) for short in get_args(Language)},
        seat=seat,
        language="en" if person.language == "en" else "zh",
        phone=person.phone,
    )


def _title(person: Person, book: Book, language: str) -> str:
    """What somebody is, where: "Resident engineer · Zhujiang New Town head office"."""
    site = book.site_name(person.site, language)
    parts = [say(f"term.role.{person.roles[0]}", {}, language=language), site]
    return " · ".join([part for part in parts if part] + ["VIP"] * person.vip)


def trial_settings(folder: Path, port: int, base_url: str, token: str) -> Settings:
    return Settings(
        database=f"sqlite:///{folder / 'trial.db'}",
        files=str(folder / "files"),
        telegram=Telegram(token=SecretStr(token), base_url=base_url),
        http=Http(port=port),
    )


def free_port(wanted: int | None) -> int:
    """The port that was asked for; where none was, the usual one or the next that is free.

    Raises WrongSettings where it cannot be had.
    """
    tried = range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED) if wanted is None else [wanted]
    why = ""
    for port in tried:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as fault:
                why = fault.strerror or str(fault)
            else:
                return port
    raise WrongSettings(
        [f"Port {port} on 127.0.0.1 cannot be used ({why}): choose another with --port."]
    )


async def run(port: int | None = None, *, folder: Path | None = None) -> None:
    """Print one address, and be a desk until told to stop."""
    chosen = free_port(port)
    with tempfile.TemporaryDirectory(prefix="paidan-trial-") as fresh:
        async with TrialProgram(folder or Path(fresh), chosen) as trial:
            loading.is_done()
            print(
                greeting(
                    trial.program.server.address, moved=port is None and chosen != DEFAULT_PORT
                )
            )
            sys.stdout.flush()
            await until_told_to_stop()


def greeting(address: str, *, moved: bool) -> str:
    lines = [f"Paidan 派单 · {address}"]
    if moved:
        lines.append(f"Port {DEFAULT_PORT} is taken, so this is the next one.")
        lines.append(f"{DEFAULT_PORT} 端口被占用，已换成上面这个。")
    lines.append("Open the page and play; Ctrl-C ends it, and nothing is kept.")
    lines.append("用浏览器打开，随便玩；按 Ctrl-C 结束，什么都不会留下。")
    return "\n".join(lines)


class TrialProgram:
    """The trial as a context, for the command line and for tests."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder, self.port = folder, port
        self.clock = TrialClock()
        token = f"{1_000_000_000 + secrets.randbelow(10**9)}:{secrets.token_urlsafe(26)}"
        self.api = BotApi(token, "paidan_trial_bot", lambda: self.clock.now().timestamp())
        self.sms = TrialSms(self.clock.now)
        wires = [*bot_api_routes(self.api), *self.sms.routes()]
        self._carrier = http.Server(Starlette(routes=wires), "127.0.0.1", 0)

    async def __aenter__(self) -> "TrialProgram":
        async with AsyncExitStack() as down:
            down.push_async_callback(self._carrier.stop)
            await self._carrier.start()
            down.push_async_callback(self.sms.close)
            settings = trial_settings(self.folder, self.port, self._carrier.address, self.api.token)
            self.program = Program(settings, now=self.clock.now)
            down.push_async_callback(self.program.stop)
            down.callback(self.api.close)  # lets go of everybody who waits for news
            await self._furnish(settings)
            self._way_down = down.pop_all()
        return self

    async def _furnish(self, settings: Settings) -> None:
        program = self.program
        await program.open()
        self.clock.offset = opening(program.desk.working_days, self.clock.now()) - self.clock.now()
        example = files("core.desk_data").joinpath("example.toml").read_text("utf-8")
        await program.load_sheet(example)
        assert settings.telegram is not None
        self.limiter = Limiter(self.clock.pace, self.clock.sleep)
        redraw = add_telegram(program, settings.telegram, limiter=self.limiter)
        add_sms(program, [self.sms.section(self._carrier.address)])
        self.world = TrialDesk(program, self.clock, self.api.bell.ring, redraw)
        await self.world.settle_in(self.api.token.partition(":")[0])
        self.world.sms = self.sms
        self.world.mail = mail = TrialMail(program, self.api.bell.ring)
        program.routes += page.routes(self.api, self.world)
        await program.start()
        self.sms.reach(program.server.address)
        mail.reach(program.server.address)

    async def __aexit__(self, *_: object) -> None:
        await self._way_down.aclose()
