"""`paidan` from a shell: quick, complete in its help, and never a traceback for a slip."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import PARTS, app, load
from channels.sms.standard import STANDARD

ROOT = Path(__file__).parent.parent
HEAVY = ("telegram", "sqlalchemy", "rich", "scipy", "openpyxl", "matplotlib", "bot.main")


@pytest.fixture
def paidan(tmp_path, monkeypatch):
    """The command in a folder of its own, with nothing configured."""
    monkeypatch.chdir(tmp_path)
    for name in ("PAIDAN_DATABASE", "PAIDAN_TELEGRAM__TOKEN"):
        monkeypatch.delenv(name, raising=False)
    Path("paidan.toml").write_text("[http]\nport = 0\n", "utf-8")

    def invoke(*words: str, code: int = 0, given: str | None = None) -> str:
        result = CliRunner().invoke(app, words, input=given)
        assert result.exit_code == code, result.output
        return result.output

    return invoke


def shell(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *words],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# -- as real processes


def test_a_report_is_read_from_a_shell(tmp_path):
    done = shell("understand", "顺德 上不了网 全部人都上不了", "--json", folder=tmp_path)
    assert json.loads(done.stdout)["site"] == "FS-SD"


def test_a_deadline_is_asked_from_a_shell(tmp_path):
    words = ("calendar", "due", "2026-02-13 17:00", "8h", "--calendar", "office")
    done = shell(*words, folder=tmp_path)
    assert done.stdout == "2026-02-14T17:30:00+08:00\n"  # a Saturday made up for the holiday


def test_a_day_is_simulated_from_a_shell(tmp_path):
    words = ("simulate", "--days", "1", "--strategy", "round_robin", "--json")
    done = shell(*words, folder=tmp_path)
    assert json.loads(done.stdout)["strategies"]["round_robin"]["tickets"] > 0


def test_a_slip_is_a_sentence_and_exit_code_two(tmp_path):
    done = shell("ticket", "show", "100", folder=tmp_path)
    assert (done.returncode, done.stderr) == (2, "paidan: there is no ticket with that number\n")


@pytest.mark.parametrize("words", [("--help",), ("calendar", "due", "--help"), ("desk", "--help")])
def test_help_loads_nothing_heavy(words, tmp_path):
    program = (
        "import sys\n"
        "from bot.cli import app\n"
        "try: app()\n"
        f"finally: print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == "[]"


# -- help


@pytest.mark.parametrize("name", PARTS)
def test_every_command_explains_itself(name, paidan):
    assert "Usage: " in paidan(name, "--help")


def test_a_command_that_does_not_exist_is_told(paidan):
    assert "No such command" in paidan("dispatch", code=2)


# -- texts for a cloud's review

CLOUD = """
[[sms]]
name = "cloud"
kind = "tencent"
token = "0123456789012345678901"
"""


@pytest.fixture
def cloud(paidan):
    """The command, in a folder whose desk has a cloud that knows one of the texts."""

    def invoke(*words: str, more: str = 'hotline = "4001234567"', code: int = 0) -> str:
        known = '[sms.templates]\njob_cancelled = "42"\n'
        Path("paidan.toml").write_text(f"{CLOUD}{more}\n{known}", "utf-8")
        return paidan("templates", *words, code=code)

    return invoke


def test_every_text_is_printed_as_the_clouds_console_wants_it(cloud):
    lines = [line.split("\t") for line in cloud().splitlines()]
    assert {kind for _, kind, _, _ in lines} == STANDARD.keys()
    assert ["cloud", "job_cancelled", "42", "任务单号{1}已取消，不用前往"] in lines
    assert ["cloud", "held", "-", "您的消息已收到，将由人工查看，急事请拨打4001234567"] in lines


def test_only_texts_that_are_still_to_be_reviewed_are_printed_where_asked(cloud):
    kinds = [line.split("\t")[1] for line in cloud("cloud", "--missing").splitlines()]
    assert set(kinds) == STANDARD.keys() - {"job_cancelled"}


def test_a_text_is_not_printed_without_the_hotline_that_it_names(cloud):
    assert "set its hotline first" in cloud(more="", code=2)


def test_a_cloud_that_the_settings_do_not_have_is_told(cloud):
    assert "no cloud fax" in cloud("fax", code=2)


# -- check


def test_a_desk_without_data_fails_the_check_and_says_what_to_do(paidan):
    told = paidan("check", "desk", code=1)
    assert "failed" in told
    assert "paidan desk import" in told


def test_a_database_that_is_not_there_yet_is_no_fault(paidan):
    assert "is made at the first start" in paidan("check", "database", "telegram", "http")


def test_a_check_names_a_settings_file_only_where_there_is_one(paidan):
    assert "paidan.toml, environment" in paidan("check", "http")
    Path("paidan.toml").unlink()
    assert "there is no paidan.toml here" in paidan("check", "database")


def test_a_check_that_does_not_exist_is_told(paidan):
    assert "there is no check 'fax'" in paidan("check", "fax", code=2)


def test_a_token_that_reaches_nobody_fails_without_being_shown(paidan):
    Path("paidan.toml").write_text(
        '[telegram]\ntoken = "123:secret"\nbase_url = "http://127.0.0.1:9"\n', "utf-8"
    )
    told = paidan("check", "telegram", code=1)
    assert "no answer" in told
    assert "secret" not in told


def test_a_port_that_somebody_else_has_fails(paidan):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        Path("paidan.toml").write_text(f"[http]\nport = {taken.getsockname()[1]}\n", "utf-8")
        assert "failed" in paidan("check", "http", code=1)


def test_wrong_settings_stop_every_command(paidan):
    Path("paidan.toml").write_text("[http]\nport = 99999\n", "utf-8")
    assert "paidan.toml, line 2: http.port" in paidan("ticket", "list", code=2)


# -- the database


def test_an_empty_database_gets_its_tables_once(paidan):
    assert "upgraded" in paidan("db", "upgrade")
    assert "up to date" in paidan("db", "upgrade")


def test_a_backup_is_a_whole_database(paidan):
    import sqlite3

    paidan("db", "upgrade")
    assert "whole" in paidan("db", "backup", "copy.db")
    assert sqlite3.connect("copy.db").execute("SELECT count(*) FROM people").fetchone() == (0,)
    assert sorted(p.name for p in Path().iterdir()) == ["copy.db", "data", "paidan.toml"]


def test_a_damaged_database_leaves_the_old_backup_alone(paidan):
    paidan("db", "upgrade")
    Path("copy.db").write_text("the old one")
    Path("data/paidan.db").write_bytes(b"no database at all" * 100)
    paidan("db", "backup", "copy.db", code=2)
    assert Path("copy.db").read_text() == "the old one"
    assert not list(Path().glob(".*.part"))


def test_a_postgres_database_is_not_copied_by_us(paidan):
    Path("paidan.toml").write_text('database = "postgresql://u@127.0.0.1/x"\n', "utf-8")
    assert "pg_dump" in paidan("db", "backup", "copy.db", code=2)


# -- the sheet


@pytest.fixture
def desk(paidan):
    paidan("desk", "example", "desk.toml")
    paidan("desk", "import", "desk.toml", "--yes")
    return paidan


def test_the_example_is_imported_and_exported_the_same(desk):
    desk("desk", "export", "out.xlsx")
    assert "has already" in desk("desk", "import", "out.xlsx")


def test_an_import_asks_first(desk):
    text = Path("desk.toml").read_text("utf-8").replace("天河区", "越秀区")
    Path("desk.toml").write_text(text, "utf-8")
    assert "Nothing was changed" in desk("desk", "import", "desk.toml", given="n\n")
    assert "district: 天河区 → 越秀区" in desk("desk", "import", "desk.toml", "--dry-run")


def test_the_difference_masks_names_and_numbers_unless_told(desk):
    text = Path("desk.toml").read_text("utf-8").replace("+8613800000101", "+8613900000101")
    Path("desk.toml").write_text(text, "utf-8")
    assert "138****0101 → 139****0101" in desk("desk", "import", "desk.toml", "--dry-run")
    shown = desk("desk", "import", "desk.toml", "--dry-run", "--reveal")
    assert "+8613800000101 → +8613900000101" in shown


def test_a_wrong_sheet_is_refused_with_file_and_place(desk):
    text = Path("desk.toml").read_text("utf-8").replace("+8613800000101", "nobody")
    Path("wrong.toml").write_text(text, "utf-8")
    told = desk("desk", "import", "wrong.toml", "--yes", code=2)
    assert told.startswith("wrong.toml: people[1] li.wei.phone: ")


@pytest.mark.parametrize("name", ["none.toml", "none.xlsx", "desk.docx"])
def test_a_sheet_that_cannot_be_read_is_a_sentence(name, desk):
    assert name in desk("desk", "import", name, code=2)


def test_a_link_is_good_for_one_person(desk):
    told = desk("desk", "bind", "li.wei")
    assert told.startswith("/start v_")


def test_nobody_is_linked_to_a_code_that_does_not_exist(desk):
    assert "nobody active" in desk("desk", "bind", "who", code=2)


def test_every_command_is_explained():
    page = (ROOT / "docs/cli.md").read_text("utf-8")
    missing = [
        f"{name} {command}"
        for name, part in PARTS.items()
        for command in getattr(load(part), "commands", {"": None})
        if not explains(page, name, command)
    ]
    assert missing == []


def explains(page: str, name: str, command: str) -> bool:
    rows = [line for line in page.splitlines() if line.startswith(f"| `paidan {name} ")]
    rows += [line for line in page.splitlines() if line.startswith(f"| `paidan {name}`")]
    return any(command in row.split(" | ")[0] for row in rows)
