"""The schema that is laid at once, the road that leads to it, and databases of other ages."""

from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.storage import schema
from core.storage.tables import metadata

pytest_plugins = ("tests.postgres",)


def engine_for(address: str) -> AsyncEngine:
    url = make_url(address)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    return create_async_engine(url.set(drivername=drivers[url.get_backend_name()]))


def described(connection: Connection) -> dict[str, Any]:
    """Everything that the database says about its tables."""
    seen = inspect(connection)
    return {
        table: {
            "columns": [
                (c["name"], str(c["type"]), c["nullable"]) for c in seen.get_columns(table)
            ],
            "key": seen.get_pk_constraint(table)["constrained_columns"],
            "unique": sorted(str(u["column_names"]) for u in seen.get_unique_constraints(table)),
            "indexes": sorted(
                f"{i['name']} {i['column_names']} {i['unique']} {_condition(i)}"
                for i in seen.get_indexes(table)
            ),
        }
        for table in sorted(seen.get_table_names())
        if table != "alembic_version"
    }


def _condition(index: Any) -> str:
    return " ".join(str(v) for k, v in index.get("dialect_options", {}).items() if "where" in k)


async def tables_of(address: str) -> dict[str, Any]:
    engine = engine_for(address)
    async with engine.connect() as connection:
        found = await connection.run_sync(described)
    await engine.dispose()
    return found


async def order(address: str, *statements: str) -> None:
    engine = engine_for(address)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def walk(address: str) -> None:
    engine = engine_for(address)
    async with engine.begin() as connection:
        await connection.run_sync(schema.migrate)
    await engine.dispose()


async def test_the_road_of_migrations_leads_to_the_tables_that_are_laid_at_once(empty: str) -> None:
    await schema.upgrade(empty)
    laid = await tables_of(empty)
    drops = [f'DROP TABLE "{table}"' for table in (*laid, "alembic_version")]
    await order(empty, *drops)
    await walk(empty)
    assert await tables_of(empty) == laid
    assert set(laid) == set(metadata.tables)


async def test_alembic_sees_no_drift_between_the_road_and_the_tables(empty: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    await walk(empty)
    engine = engine_for(empty)
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == []


async def test_the_last_step_of_the_road_is_the_version_the_program_knows(empty: str) -> None:
    await walk(empty)
    engine = engine_for(empty)
    async with engine.connect() as connection:
        version = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    await engine.dispose()
    assert version == schema.HEAD


async def test_a_second_upgrade_finds_nothing_to_do(empty: str) -> None:
    assert [await schema.upgrade(empty), await schema.upgrade(empty)] == [True, False]


async def test_a_database_of_a_newer_program_is_refused_and_left_alone(empty: str) -> None:
    await schema.upgrade(empty)
    await order(empty, "UPDATE alembic_version SET version_num = '9999'")
    before = await tables_of(empty)
    with pytest.raises(schema.NewerSchema, match="9999"):
        await schema.upgrade(empty)
    assert await tables_of(empty) == before
