"""What the texts show can be typed: commands, make lines, settings, data."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.main import get_group
from typer.testing import CliRunner

from bot.cli import PARTS, app
from bot.cli import load as load_part
from bot.settings import load
from tests.test_project import ROOT, text_of

EVERY_TEXT = (
    "README.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{p.name}" for p in ROOT.glob("docs/*.md")),
)
SHOWN = re.compile(r"`paidan ([a-z][^`\n]*)`|^    paidan ([a-z][^#\n]*)", re.MULTILINE)


def shown_commands() -> list[tuple[str, str]]:
    return [
        (name, (found[1] or found[2]).strip())
        for name in EVERY_TEXT
        for found in SHOWN.finditer(text_of(name))
    ]


@pytest.mark.parametrize(("name", "words"), shown_commands())
def test_every_shell_command_in_a_text_exists_with_its_options(name, words):
    """As far as the line says: `paidan inbox` stands for the whole group."""
    first, *rest = shlex.split(words)
    command = load_part(PARTS[first]) if first in PARTS else get_group(app).commands[first]
    options = {word.partition("=")[0] for word in rest if word.startswith("-")}
    for word in rest:
        if hasattr(command, "commands") and not word.startswith("-"):
            assert word in command.commands, f"{name}: paidan {words}"
            command = command.commands[word]
    known = {option for param in command.params for option in param.opts} | {"--help"}
    assert options <= known, f"{name}: paidan {words}"


def test_the_commands_of_the_desks_sheet_do_what_their_text_says(tmp_path, monkeypatch):
    """The one block that is a whole session: run line by line on a machine with nothing."""
    monkeypatch.chdir(tmp_path)
    Path("paidan.toml").write_text("[http]\nport = 0\n", "utf-8")
    lines = re.findall(r"^    paidan ([^#\n]*)", text_of("docs/desk-sheet.md"), re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        done = CliRunner().invoke(app, shlex.split(line), input="y\n")
        assert done.exit_code == 0, (line, done.output)
    assert Path("desk.xlsx").stat().st_size > 10_000


def make_lines() -> list[str]:
    every = (re.findall(r"^    (make [^#\n]*)", text_of(name), re.MULTILINE) for name in EVERY_TEXT)
    return sorted({line.strip() for lines in every for line in lines})


@pytest.mark.parametrize("line", make_lines())
def test_every_make_line_of_a_text_is_understood_by_make(line):
    words = [*shlex.split(line), "--dry-run", "PYTHON=python"]  # looking for one takes a while
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


BLOCK = re.compile(r"^```(toml|json)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", EVERY_TEXT)
def test_every_example_of_settings_or_data_in_a_text_can_be_read(name, tmp_path):
    for kind, text in BLOCK.findall(text_of(name)):
        if kind == "json":
            assert all(json.loads(line) for line in text.splitlines())
            continue
        (tmp_path / "secret").write_text("x" * 40)
        file = tmp_path / "paidan.toml"
        file.write_text(re.sub(r'(_file = )"[^"]+"', r'\1"secret"', text), "utf-8")
        assert load(file, {})
