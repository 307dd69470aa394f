"""A PostgreSQL of the suite's own, and every storage test on it as well as on SQLite.

All workers of a run share one server: who needs it first starts it, who leaves last stops it.

A test module asks for it with `pytest_plugins = ("tests.postgres",)`. $TEST_DATABASE_URL names a
server to use instead of starting one; $PG_BIN names the folder of its programs.
"""

import asyncio
import fcntl
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import URL, make_url

from bot.main import open_store
from core.desk import Rules
from core.ports import Store
from core.storage import schema
from core.storage.sqlite import SqliteStore
from tests import once
from tests.scenario import Scenario, a_desk, tables

BOTH = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))
_numbers = count(1)


# One of all workers of a run (pytest-xdist), or of this process.
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))[:8]
TABLES = f"paidan_tables_{RUN}"
DESK = f"paidan_desk_{RUN}"


@dataclass
class Server:
    """Makes databases, each from a template that is laid once."""

    url: URL
    laid: set[str] = field(default_factory=set)  # templates, as far as this worker knows

    def address(self, name: str) -> str:
        return self.url.set(database=name).render_as_string(hide_password=False)

    async def orders(self, *statements: str) -> list[Any]:
        """What the last of them found."""
        plain = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await self._connected(plain)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return list(await connection.fetch(statements[-1]))
        finally:
            await connection.close()

    async def _connected(self, address: str) -> Any:
        for _ in range(100):  # the socket is there a moment before the server takes logins
            with suppress(asyncpg.CannotConnectNowError):
                return await asyncpg.connect(address)
            await asyncio.sleep(0.05)
        raise AssertionError("PostgreSQL takes no logins")

    @asynccontextmanager
    async def database(self, template: str) -> AsyncIterator[str]:
        """Address of a database with nothing ("template0"), our tables or the example desk."""
        await self._lay(template)
        name = f"t{os.getpid()}_{next(_numbers)}"
        await self.orders(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.address(name)
        finally:
            await self.orders(f"DROP DATABASE {name} WITH (FORCE)")

    async def _lay(self, template: str) -> None:
        if template == "template0" or template in self.laid:
            return
        with once.alone("postgres-templates"):
            if not await self.orders(f"SELECT FROM pg_database WHERE datname = '{template}'"):
                await self._lay_anew(template)
        self.laid.add(template)

    async def _lay_anew(self, template: str) -> None:
        """It has its name once it is whole."""
        draft = f"{template}_draft"
        await self.orders(
            f"DROP DATABASE IF EXISTS {draft}", f"CREATE DATABASE {draft} TEMPLATE template0"
        )
        await schema.upgrade(self.address(draft))
        if template == DESK:
            store = open_store(self.address(draft))
            new = Scenario(store, Rules())
            await new.prepare()
            await new.settle()
            await store.close()
        await self.orders(f"ALTER DATABASE {draft} RENAME TO {template}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield Server(make_url(given).set(drivername="postgresql+asyncpg"))
        return
    programs = _programs()
    if programs is None:
        why = "no PostgreSQL here: install it, or set TEST_DATABASE_URL or PG_BIN"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    with _shared(programs) as folder:
        where = {"host": folder}
        yield Server(URL.create("postgresql+asyncpg", "postgres", database="postgres", query=where))


@contextmanager
def _shared(programs: Path) -> Iterator[str]:
    """The folder of a server that runs while any worker of this run needs it."""
    running = once.folder() / "postgres"
    with (once.folder() / "postgres.users").open("w") as users:
        with once.alone("postgres"):
            fcntl.flock(users, fcntl.LOCK_SH)
            if not running.exists():
                running.write_text(str(_start(programs)))
        yield running.read_text()
        with once.alone("postgres"), suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _stop(programs, Path(running.read_text()))
            running.unlink()


def _programs() -> Path | None:
    found = shutil.which("initdb")
    places = [
        os.environ.get("PG_BIN", ""),
        str(Path(found).resolve().parent) if found else "",
        *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True),
        *glob.glob("/opt/homebrew/opt/postgresql*/bin"),
    ]
    return next((Path(p) for p in places if p and os.access(f"{p}/postgres", os.X_OK)), None)


def _start(programs: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pd-", dir=_place()))
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    environment.pop("PGDATA", None)
    how: dict[str, Any] = {"cwd": folder, "env": environment, **_ordinary_user(folder)}
    data = str(folder / "data")
    laying = [str(programs / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    laying += ["--locale=C.UTF-8", "--no-sync", "--no-instructions"]
    subprocess.run(laying, check=True, capture_output=True, **how)
    settings = (
        *("listen_addresses=", "max_connections=200"),
        # Nobody needs these databases tomorrow, nor does any of them grow.
        *("fsync=off", "full_page_writes=off", "autovacuum=off", "jit=off"),
        *("wal_level=minimal", "max_wal_senders=0", "max_wal_size=64MB"),
    )
    options = [part for setting in settings for part in ("-c", setting)]
    serving = [str(programs / "postgres"), "-D", data, "-k", str(folder), *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(serving, stdout=log, stderr=log, start_new_session=True, **how)
    for _ in range(1000):
        if process.poll() is not None:
            raise RuntimeError((folder / "log").read_text())
        with suppress(OSError), socket.socket(socket.AF_UNIX) as door:
            door.connect(str(folder / ".s.PGSQL.5432"))
            return folder
        time.sleep(0.01)
    raise RuntimeError("PostgreSQL does not come up")


def _place() -> str:
    """A socket's path is short, and open to the server's user: hardly one that somebody chose."""
    return once.MEMORY if tempfile.gettempdir() == once.MEMORY else "/tmp"


def _stop(programs: Path, folder: Path) -> None:
    data = str(folder / "data")
    # At once: nothing here is worth a last checkpoint.
    stopping = [str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop"]
    subprocess.run(stopping, check=True, capture_output=True, cwd=folder, **_ordinary_user(folder))
    shutil.rmtree(folder, ignore_errors=True)


def _ordinary_user(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            os.chown(folder, user.pw_uid, user.pw_gid)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise RuntimeError("no ordinary user to run PostgreSQL as")


@pytest.fixture
async def postgres_desk(postgres: Server) -> AsyncIterator[str]:
    """Address of a database with the example desk."""
    async with postgres.database(DESK) as address:
        yield address


@asynccontextmanager
async def _address(
    kind: str, template: str, folder: Path, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    if kind == "sqlite":
        path = folder / "paidan.db"
        if template == TABLES:
            shutil.copy(await tables(), path)
        yield f"sqlite:///{path}"
        return
    server: Server = request.getfixturevalue("postgres")
    async with server.database(template) as address:
        yield address


@pytest.fixture(params=BOTH)
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Address of a database with nothing in it."""
    async with _address(request.param, "template0", tmp_path, request) as address:
        yield address


@pytest.fixture(params=BOTH)
async def laid(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Address of a database with our tables."""
    async with _address(request.param, TABLES, tmp_path, request) as address:
        yield address


@pytest.fixture
async def store(laid: str) -> AsyncIterator[Store]:
    opened = open_store(laid)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(params=BOTH)
async def any_desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scenario]:
    """The example desk on each of the databases."""
    if request.param == "sqlite":
        async with a_desk(tmp_path, store=SqliteStore) as scenario:
            yield scenario
        return
    server: Server = request.getfixturevalue("postgres")
    async with server.database(DESK) as address:
        opened = open_store(address)
        await opened.open()
        yield Scenario(opened, Rules())
        await opened.close()
