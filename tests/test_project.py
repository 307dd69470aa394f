"""The project's own rules: its texts are true, and what it must not hold is not in it."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.cli import app
from bot.settings import Settings, load

ROOT = Path(__file__).parent.parent
ROOMS = ("bot", "channels", "core")
LOCKS = ("requirements.lock", "requirements-dev.lock")
TEXTS = ("README.md", "CONTRIBUTING.md", "docs/development.md", "docs/operations.md")

# Who else may look at the wall clock than bot/main.py, and why.
READERS_OF_THE_CLOCK = {
    "bot/main.py": "reads it for everybody and hands it in",
    "bot/schedule.py": "tells APScheduler to tick at once; no moment of the desk comes from it",
    "bot/trial/botapi/__main__.py": "a Bot API server as a process of its own starts its own clock",
    "bot/trial/desk.py": "the trial's clock: the wall clock, put forward by the page's button",
}
# Written so that this file does not hold what it looks for.
OF_SOME_MACHINE = re.compile(
    r"/w[o]rk/(?:main|shared|\.library)|/t[m]p/venv|f[i]le:///opt|/o[p]t/(?:wheels|pypi)"
    r"|/r[o]ot/|/h[o]me/(?!app\b)\w+/|pypi\.o[r]g|pythonhosted\.o[r]g"
)


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@cache
def modules() -> Mapping[str, ast.Module]:
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return {p.relative_to(ROOT).as_posix(): ast.parse(p.read_text("utf-8")) for p in paths}


def files_in_git() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [name for name in listed.stdout.decode().split("\0") if (ROOT / name).is_file()]


# -- settings


def all_settings(model: type[BaseModel] = Settings, section: str = "") -> set[tuple[str, str]]:
    """(section, name) of everything that an operator may set."""
    found: set[tuple[str, str]] = set()
    for name, field in model.model_fields.items():
        kinds = (field.annotation, *getattr(field.annotation, "__args__", ()))
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        inside = f"{section}.{name}".strip(".")
        found |= all_settings(inner[0], inside) if inner else {(section, name)}
    return found


def shown_in(values: Mapping[str, object], section: str = "") -> set[tuple[str, str]]:
    """The same of a file; of several sections with one name the first."""
    found: set[tuple[str, str]] = set()
    for name, value in values.items():
        inside = f"{section}.{name}".strip(".")
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict) and (section, name) not in all_settings():
            found |= shown_in(first, inside)
        else:
            found.add((section, name))
    return found


def example_without_marks() -> str:
    """The example with the commented settings switched on."""
    marked = re.compile(r"^# (?=\[+\w+(?:\.\w+)*\]+|\w+ = )", re.MULTILINE)
    return marked.sub("", text_of("paidan.example.toml"))


def test_every_setting_is_in_the_example_file():
    assert shown_in(tomllib.loads(example_without_marks())) == all_settings()


def test_the_example_file_with_everything_switched_on_is_accepted(tmp_path):
    file = tmp_path / "paidan.toml"
    file.write_text(example_without_marks(), "utf-8")
    assert load(file, {}).telegram is not None


def test_the_example_file_shows_the_values_that_hold_without_it():
    assert load(ROOT / "paidan.example.toml", {}) == Settings()


def test_every_setting_is_explained():
    explained, section = set(), ""
    for line in text_of("docs/settings.md").splitlines():
        if line.startswith("## "):
            section = found[1] if (found := re.search(r"`\[+([\w.]+)\]+`", line)) else ""
        elif row := re.match(r"\| `(\w+)` \|", line):
            explained.add((section, row[1]))
    assert explained == all_settings()


# -- what is written about the project


def test_every_room_on_the_map_exists():
    drawn = re.search(r"^```\n(bot/.*?)^```", text_of("README.md"), re.MULTILINE | re.DOTALL)
    assert drawn is not None
    parents: dict[int, str] = {}
    for line in drawn[1].splitlines():
        indent = len(line) - len(line.lstrip())
        names, *_ = line.strip().split("  ")
        inside = max((parents[at] for at in parents if at < indent), key=len, default="")
        for name in names.split(" "):
            assert (ROOT / inside / name).exists(), f"{inside}{name}"
        parents = {at: kept for at, kept in parents.items() if at < indent}
        parents[indent] = f"{inside}{names}"


@pytest.mark.parametrize("name", TEXTS)
def test_every_make_command_that_a_text_names_exists(name):
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^    )make ([a-z]+)", text_of(name), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_of_a_text_leads_to_a_file(name):
    links = re.findall(r"(?<!!)\[[^\]]+\]\(([^)#]+)", text_of(name))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not ((ROOT / name).parent / link).exists()] == []


def test_the_readme_shows_the_two_commands():
    assert {"make run", "make test"} <= set(re.findall(r"make \w+", text_of("README.md")))


def test_every_command_of_the_shell_is_in_the_readme():
    commands = {
        command.name or command.callback.__name__
        for command in app.registered_commands
        if command.callback is not None
    } | {group.name for group in app.registered_groups}
    named = set(re.findall(r"`paidan ([a-z]+)", text_of("README.md")))
    assert named == commands


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=]", line)[0] for line in requirements}


def test_every_dependency_has_its_reason():
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    names = set().union(*map(names_of, lists))
    assert {name for name in names if f"`{name}`" not in text_of("CONTRIBUTING.md")} == set()


# -- the locks


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_says_what_and_never_from_where(name):
    assert re.findall(r"^.*(?:://|@ |^-|/\w+/).*$", text_of(name), re.MULTILINE) == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_version_has_its_hashes(name):
    entries = re.split(r"^(?=[a-z0-9])", text_of(name), flags=re.MULTILINE)[1:]
    assert len(entries) > 20
    pinned = re.compile(r"[\w.-]+(?:\[[\w,-]+\])?==\S+.*?\\\n(?:    --hash=sha256:[0-9a-f]{64})")
    assert [entry for entry in entries if not pinned.match(entry)] == []


def test_tests_run_on_the_versions_that_users_get():
    run, dev = (set(re.findall(r"^\S+==\S+", text_of(name), re.MULTILINE)) for name in LOCKS)
    assert run - dev == set()


def test_every_dependency_is_locked():
    names = names_of(tomllib.loads(text_of("pyproject.toml"))["project"]["dependencies"])
    locked = set(re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", text_of(LOCKS[0]), re.MULTILINE))
    assert names - locked == set()


# -- what must not be in it


def test_no_file_names_a_machine_or_an_index():
    found = []
    for name in files_in_git():
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        found += [(name, match[0]) for match in OF_SOME_MACHINE.finditer(text)]
    assert found == []


def reads_the_clock(node: ast.AST) -> bool:
    """`datetime.now`, `date.today`, `time.time` and their like, called or handed on."""
    if not isinstance(node, ast.Attribute):
        return False
    owner = node.value
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return (name in {"datetime", "date"} and node.attr in {"now", "utcnow", "today"}) or (
        name == "time" and node.attr in {"time", "time_ns", "localtime", "gmtime", "ctime"}
    )


@pytest.mark.parametrize("line", ["datetime.now(UTC)", "x = dt.datetime.utcnow", "time.time()"])
def test_a_look_at_the_wall_clock_is_noticed(line):
    assert any(reads_the_clock(node) for node in ast.walk(ast.parse(line)))


def test_only_named_files_read_the_wall_clock():
    readers = {
        name
        for name, tree in modules().items()
        if any(reads_the_clock(node) for node in ast.walk(tree))
    }
    assert readers == set(READERS_OF_THE_CLOCK)


def test_the_core_prints_nothing():
    printers = {
        name
        for name, tree in modules().items()
        if name.startswith("core/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    }
    assert printers == set()


def test_every_module_opens_with_a_sentence():
    silent = {
        name for name, tree in modules().items() if tree.body and ast.get_docstring(tree) is None
    }
    assert silent == set()
