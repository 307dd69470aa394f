"""Where everything is put together, and the only reader of the wall clock."""

import asyncio
import fcntl
import hashlib
import secrets
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from starlette.routing import BaseRoute

from bot.health import Health, Look
from bot.loops import Worker, inbox_worker, outbox_worker
from bot.metrics import DeskCollector
from bot.pictures.studio import Studio
from bot.schedule import Ticker
from bot.settings import DeskSection, Settings, WrongSettings
from channels import http
from core import (
    absence,
    arriving,
    files,
    inbox,
    leases,
    levels,
    outbox,
    outlook,
    planning,
    privacy,
    timers,
    year_ahead,
)
from core.desk import Desk, Rules
from core.errors import StorageBusy
from core.ports import Channel, Now, Store, Tx
from core.rows import Counter as CounterRow
from core.rows import InboxRow, OutboxRow, Setting
from core.storage import schema
from core.storage.sqlite import SqliteStore

if TYPE_CHECKING:
    from bot.pump import Pump

log = structlog.get_logger()

SWEEP = 1.0  # seconds between looks at the timers
RESCUE = 10.0
FETCH = 1.0
FORGET = 6 * 3600.0  # between looks for files that nobody needs

SEVERAL = "several processes need PostgreSQL"


def wall_clock() -> datetime:
    return datetime.now(UTC)


def open_store(url: str) -> Store:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        from core.storage.postgres import PostgresStore  # loads what SQLite can do without

        return PostgresStore(
            parsed.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
        )
    path = Path(parsed.database or "paidan.db")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise _unusable(fault) from fault
    return SqliteStore(path)


def _unusable(fault: Exception) -> WrongSettings:
    return WrongSettings([f"the database cannot be used: {str(fault).splitlines()[0]}"])


async def upgrade(settings: Settings) -> bool:
    """Bring the database to this program's schema; whether there was anything to do."""
    try:
        return await schema.upgrade(settings.database)
    except (schema.NewerSchema, SQLAlchemyError, OSError) as fault:
        raise _unusable(fault) from fault


class AloneOnFile:
    """One desk for each SQLite file: the second would take up the first one's work as its own."""

    def __init__(self, database: Path) -> None:
        self._file = database.with_name(f"{database.name}.lock").open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            self._file.close()
            raise WrongSettings([f"a desk runs on {database} already: {SEVERAL}"]) from fault

    def leave(self) -> None:
        self._file.close()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """The store for a command of the shell, beside a desk that may be running."""
    store = open_store(settings.database)
    await upgrade(settings)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@cache
def rules_of(section: DeskSection) -> Rules:
    """The figures that the operator set, for the program and for a shell alike."""
    return Rules(
        zone=ZoneInfo(section.zone),
        settle=timedelta(seconds=section.settle_seconds),
        survey_at=time(section.survey_hour),
        sure=section.sure,
        claims_need_approval=section.claims_need_approval,
        plan_by_itself=section.plan_by_itself,
    )


class Program:
    """The running desk: one store, some channels, a handful of loops."""

    def __init__(self, settings: Settings, *, now: Now = wall_clock) -> None:
        self.settings = settings
        self.now = now
        self.store = open_store(settings.database)
        self.files = files.FileStore(Path(settings.files))
        self.routes: list[BaseRoute] = []
        self.ticker = Ticker()
        self.workers: list[Worker[InboxRow] | Worker[OutboxRow]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._handlers: dict[str, inbox.Handle] = {}
        self._fetchers: dict[str, files.Fetch] = {}
        self._closers: list[Callable[[], Awaitable[object]]] = []
        self.pump: Pump | None = None
        self.ages: dict[str, Callable[[], float]] = {}  # of each mailbox, since it answered
        self.troubles: Counter[str] = Counter()  # by kind, since the start
        self._telling: dict[str, asyncio.Task[None]] = {}
        self._alone: AloneOnFile | None = None
        self.desk: Desk
        self.health: Health

    # -- the way up

    async def open(self) -> None:
        """Database and desk, before any channel. Raises WrongSettings."""
        if isinstance(self.store, SqliteStore):
            self._alone = AloneOnFile(Path(self.store.path))
        await upgrade(self.settings)
        await self.store.open()
        section = self.settings.desk
        self.desk = Desk(
            store=self.store,
            now=self.now,
            calendars={},  # from the database, in a moment
            policies=(),
            channels={},
            rules=rules_of(section),
        )
        self.health = Health(self.desk, self.ticker, self._folders())
        self.studio = Studio(self.desk, self.files, section.font)
        self._levels = -1
        await self.load_levels()
        self.key = await self._key()
        self.desk.wake = self.wake
        if isinstance(self.store, SqliteStore):
            # One process on this file: whatever was claimed belongs to a process that is gone.
            await leases.end_all(self.desk)
            await inbox.release(self.desk)
            await outbox.rescue(self.desk, all_of_them=True)

    def _folders(self) -> list[Path]:
        """Where the desk writes."""
        kept = [Path(self.settings.files)]
        return (
            [*kept, Path(self.store.path).parent] if isinstance(self.store, SqliteStore) else kept
        )

    async def load_levels(self) -> None:
        """Policies and calendars, again when somebody saved a change in another process."""

        def body(tx: Tx) -> None:
            counter = tx.get(CounterRow, levels.CHANGES)
            version = counter.value if counter else 0
            if version != self._levels:
                levels.refresh(tx, self.desk)
                self._levels = version

        await self.store.read(body)

    async def _key(self) -> bytes:
        """The key that signs buttons: from the settings, or made once and kept in the database."""
        given = self.settings.key.get_secret_value()
        if given:
            return hashlib.sha256(given.encode()).digest()
        fresh = secrets.token_hex(32)

        def body(tx: Tx) -> str:
            kept = tx.get(Setting, "key")
            if kept is None:
                kept = tx.insert(Setting(name="key", value={"hex": fresh}, changed_at=self.now()))
            return str(kept.value["hex"])

        return bytes.fromhex(await self.store.write(body))

    async def load_sheet(self, text: str) -> None:
        """Make the desk's data what the sheet says."""
        from core import sheet  # only a trial desk writes its data at the start

        given = sheet.read_toml(text, self.now())
        await self.store.write(lambda tx: sheet.apply(tx, given))

    def plug_in(
        self,
        channel: Channel,
        handle: inbox.Handle,
        close: Callable[[], Awaitable[object]],
        fetch: files.Fetch | None = None,
    ) -> None:
        """Switch a channel on: what it carries, what is done with what it brings, how it ends.

        `fetch`: how it brings files that it has only announced.
        """
        self._handlers[channel.name] = handle
        self._closers.append(close)
        if fetch is not None:
            self._fetchers[channel.name] = fetch
        self.desk.channels = {**self.desk.channels, channel.name: channel.can}
        self.workers.append(outbox_worker(self.desk, channel))

    # -- running

    async def start(self) -> None:
        """Start every loop. The desk works from here on, whether or not Telegram answers."""
        self.server = self._serve()  # first, so that a port that is taken ends the start at once
        await self.store.read(self.desk.register.open)  # compiled before the first message comes
        await self.store.write(self._plan)
        self.workers.append(inbox_worker(self.desk, self._handlers))
        for worker in self.workers:
            self._spawn(worker.run(), worker.name)
        if self.pump is not None:
            self._spawn(self.pump.run(), "pump")
        desk = self.desk
        self.every(SWEEP, "sweep", lambda: timers.sweep(desk))
        self.every(RESCUE, "levels", self.load_levels)
        self.every(RESCUE, "rescue", lambda: outbox.rescue(desk))
        self.every(FETCH, "files", lambda: files.fetch_wanted(desk, self.files, self._fetchers))
        self.every(FORGET, "forget files", lambda: files.sweep(desk, self.files))
        self.every(planning.EVERY, "plan", lambda: planning.propose(desk))
        self.ticker.start()
        await self.server.start()

    def _serve(self) -> http.Server:
        """Raises WrongSettings where its address cannot be had."""
        registry = CollectorRegistry()
        registry.register(DeskCollector(self))
        section = self.settings.http
        try:
            return http.Server(
                http.app(self.routes, self.health, registry), section.host, section.port
            )
        except OSError as fault:
            told = f"http: {section.host}:{section.port} cannot be used: {fault.strerror}"
            raise WrongSettings([told]) from fault

    def _plan(self, tx: Tx) -> None:
        """The desk's own recurring looks, as rows like any other deadline."""
        outlook.plan(tx, self.now())
        absence.plan(tx, self.desk, self.now())
        arriving.give_codes(tx)
        year_ahead.plan(tx, self.desk, self.now())
        privacy.plan(tx, self.desk, self.now())

    def _spawn(self, work: "Awaitable[None]", name: str) -> None:
        self._tasks.append(asyncio.ensure_future(work))
        self._tasks[-1].set_name(name)

    def every(self, seconds: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """A tick that finds the database busy is followed by another."""

        async def quietly() -> None:
            try:
                await work()
            except* StorageBusy as faults:
                log.warning("storage_busy", loop="tick", why=str(faults.exceptions[0]))

        self.ticker.every(seconds, name, quietly)

    def wake(self) -> None:
        for worker in self.workers:
            worker.wake()

    def watch(self, look: Look) -> None:
        """Ask a channel what is wrong with it whenever somebody looks at the light."""
        self.health.looks.append(look)

    def trouble(self, kind: str, detail: object) -> None:
        """What an operator must know: into the log, the figures and the supervisors' letters."""
        log.error("trouble", kind=kind, detail=detail)
        self.troubles[kind] += 1
        if kind not in self._telling:
            telling = asyncio.ensure_future(self._tell_operators(kind, str(detail)[:300]))
            self._telling[kind] = telling
            telling.add_done_callback(lambda done: self._told(kind, done))

    async def _tell_operators(self, kind: str, detail: str) -> None:
        """As soon as a letter can be written: a full disk takes none."""
        while True:
            try:
                return await inbox.report_trouble(self.desk, kind, detail)
            except StorageBusy:
                await asyncio.sleep(SWEEP)

    def _told(self, kind: str, done: "asyncio.Task[None]") -> None:
        del self._telling[kind]
        if not done.cancelled() and (fault := done.exception()):
            log.error("trouble_not_told", kind=kind, exc_info=fault)

    # -- the way down

    async def stop(self) -> None:
        """Finish what is in hand; what is left stands in the rows."""
        await self.ticker.stop()
        if self.pump is not None:
            self.pump.stop()
        for worker in self.workers:
            worker.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.gather(*self._tasks, return_exceptions=True)
        for task in (*self._tasks, *self._telling.values()):
            task.cancel()
        if hasattr(self, "server"):
            await self.server.stop()
        for close in self._closers:
            with suppress(Exception):
                await close()
        await self.store.close()
        if self._alone is not None:
            self._alone.leave()


async def run(settings: Settings, *, ready: Callable[[Program], None] | None = None) -> None:
    """The desk until SIGTERM or Ctrl-C. Raises WrongSettings where it cannot start."""
    program = Program(settings)
    try:
        await program.open()
        # A desk starts without loading the channels that it does not have.
        if settings.telegram is not None:
            from bot.telegram import add_telegram

            add_telegram(program, settings.telegram)
        if settings.mail is not None:
            from bot.mail import add_mail

            add_mail(program, settings.mail)
        if settings.sms:
            from bot.sms import add_sms

            add_sms(program, settings.sms)
        await program.start()
        log.info("started", address=program.server.address, channels=list(program.desk.channels))
        if ready is not None:
            ready(program)
        await until_told_to_stop()
    finally:
        await program.stop()


async def until_told_to_stop() -> None:
    """The first signal asks for an orderly end; a second one gets its way at once."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for name in signals:
        loop.add_signal_handler(name, stopping.set)
    try:
        await stopping.wait()
    finally:
        for name in signals:
            loop.remove_signal_handler(name)
