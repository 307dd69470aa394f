"""A start loads and computes what the desk needs to serve, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
# Each costs time and megabytes at every start; what needs one loads it when it is asked for.
SPARED = (
    *("alembic", "asyncpg", "chinese_calendar", "holidays", "matplotlib"),
    *("numpy", "openpyxl", "phonenumbers", "PIL", "pygments", "rich", "scipy", "segno"),
    *("sqlalchemy.dialects.postgresql", "sqlalchemy.ext.asyncio", "sqlalchemy.orm"),
    *("bot.mail", "bot.sms", "bot.trial", "channels.mail", "channels.sms"),
    *("core.sheet", "core.simulation"),
)
# `paidan run` itself, until the desk serves
PROGRAM = """
import gc, json, os, sys
from bot import loading

def served():
    is_done()
    found = {"modules": sorted(sys.modules), "looks": gc.isenabled(), "kept": gc.get_freeze_count()}
    import rich.table, pygments.lexers
    print(json.dumps(found), flush=True)
    os._exit(0)

is_done, loading.is_done = loading.is_done, served
from bot.cli import app
app(["run", "--settings", sys.argv[1]])
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> dict[str, Any]:
    """What a desk with a chat had at the moment when it began to serve."""
    folder = tmp_path_factory.mktemp("start")
    settings = folder / "paidan.toml"
    settings.write_text(
        f'database = "sqlite:///{folder}/paidan.db"\nfiles = "{folder}/files"\n'
        '[http]\nport = 0\n[telegram]\ntoken = "1:none"\nbase_url = "http://127.0.0.1:9"\n',
        "utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(settings)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("spared", SPARED)
def test_a_desk_serves_without_what_it_does_not_need(served, spared):
    assert spared not in served["modules"]


def test_garbage_is_looked_for_once_the_desk_serves(served):
    assert served["looks"]


def test_what_the_start_made_is_not_looked_through_again(served):
    assert served["kept"] > 50_000
