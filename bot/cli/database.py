"""`paidan db`: the schema brought up to date, and a copy that is known to be whole."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.shell import SettingsFile, busy, complain, complaints, group

app = group("The database: bring it up to date, back it up.")


@app.command()
def upgrade(settings: SettingsFile = None) -> None:
    """Bring the database to the newest schema.

    An empty one gets its tables.
    """
    from bot.cli.start import read_settings
    from bot.main import open_store
    from bot.main import upgrade as bring_up

    with complaints():
        given = read_settings(settings)
        open_store(given.database)  # makes the folder
        changed = asyncio.run(bring_up(given))
    typer.echo("The database was upgraded." if changed else "The database is up to date.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy shall be; replaced if it exists.")],
    settings: SettingsFile = None,
) -> None:
    """Copy the database while the desk runs.

    The copy is looked over before it gets its name.
    """
    from bot.cli.start import read_settings

    with complaints():
        source = sqlite_file(read_settings(settings).database)
        if source is None:
            complain("on PostgreSQL use pg_dump: it makes a consistent copy of a running database")
        if not source.exists():
            complain(f"there is no database at {source}")
        with busy("Copying …"):
            size = copy(source, file)
    typer.echo(f"{file}: {size / 1024:,.0f} KiB, whole.")


def sqlite_file(url: str) -> Path | None:
    kind, _, path = url.partition(":///")
    return Path(path) if kind == "sqlite" else None


def copy(source: Path, target: Path) -> int:
    """A crash at any line leaves the old copy or the new one, never half of one."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as database:
            database.execute("VACUUM INTO ?", (str(fresh),))
        with closing(sqlite3.connect(fresh)) as made:
            told = [row[0] for row in made.execute("PRAGMA integrity_check")]
        if told != ["ok"]:
            complain(f"the copy is damaged: {told[0]}")
        _to_disk(fresh)
        fresh.replace(target)
        _to_disk(target.parent)
    except sqlite3.Error as fault:
        complain(f"the database cannot be copied: {fault}")
    finally:
        fresh.unlink(missing_ok=True)
    return target.stat().st_size


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
