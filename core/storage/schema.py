"""The schema and its age: an old program refuses a newer database, a new one updates it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import URL, make_url

from core.storage.tables import metadata, speak_postgresql

HEAD = "0001"
MIGRATIONS = Path(__file__).parent / "migrations"
T = TypeVar("T")


class NewerSchema(Exception):
    """The database was written by a newer program."""


async def upgrade(url: str) -> bool:
    """Bring the database to the newest schema; whether there was anything to do."""
    return await _with(make_url(url), _upgraded)


def _upgraded(connection: Connection) -> bool:
    found = _version(connection)
    if found is not None and found > HEAD:
        raise NewerSchema(f"the database is at {found}, this program knows {HEAD}")
    if connection.dialect.name == "postgresql":
        speak_postgresql()
    if found is None:
        _lay(connection)
    elif found != HEAD:
        migrate(connection)
    return found != HEAD


async def _with(url: URL, body: Callable[[Connection], T]) -> T:
    """Run the body in one transaction, without the asyncio side of SQLAlchemy where it can be
    spared: loading it takes a fifth of a start."""
    if url.get_backend_name() == "sqlite":
        return await asyncio.to_thread(_in_a_thread, url, body)
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url.set(drivername="postgresql+asyncpg"))
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(body)
    finally:
        await engine.dispose()


def _in_a_thread(url: URL, body: Callable[[Connection], T]) -> T:
    engine = create_engine(url.set(drivername="sqlite"))
    try:
        with engine.begin() as connection:
            return body(connection)
    finally:
        engine.dispose()


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _lay(connection: Connection) -> None:
    """An empty database gets the newest tables at once; a test holds them equal to the road."""
    metadata.create_all(connection)
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def migrate(connection: Connection) -> None:
    """Walk the road of migrations from wherever the database stands."""
    # Alembic takes a second to import, and is needed once in the life of a version.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
