"""The schema and its age: an old program refuses a newer database, a new one updates it."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from core.storage.tables import metadata

HEAD = "0001"
MIGRATIONS = Path(__file__).parent / "migrations"
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


class NewerSchema(Exception):
    """The database was written by a newer program."""


async def upgrade(url: str) -> bool:
    """Bring the database to the newest schema; whether there was anything to do."""
    parsed = make_url(url)
    engine = create_async_engine(parsed.set(drivername=_DRIVERS[parsed.get_backend_name()]))
    try:
        async with engine.begin() as connection:
            found = await connection.run_sync(_version)
            if found is not None and found > HEAD:
                raise NewerSchema(f"the database is at {found}, this program knows {HEAD}")
            if found is None:
                await connection.run_sync(_lay)
            elif found != HEAD:
                await connection.run_sync(migrate)
            return found != HEAD
    finally:
        await engine.dispose()


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
