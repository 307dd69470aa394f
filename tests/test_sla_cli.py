"""`paidan calendar`: questions about working time from the shell."""

# ruff: noqa: E501  a table is read by its rows

import json

import pytest
from typer.testing import CliRunner, Result

from bot.cli.calendar import app

SPLIT = [
    "--hours",
    "mon-fri 09:00-12:00 13:30-18:00",
    "--holidays",
    "CN",
    "--zone",
    "Asia/Shanghai",
]
OFFICE = ["--calendar", "office"]


def ask(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.mark.parametrize("which", [OFFICE, SPLIT])
def test_when_is_it_due(which):
    result = ask("due", "2026-02-13 17:00", "8h", *which, "--json")
    assert json.loads(result.stdout) == {"due": "2026-02-14T17:30:00+08:00"}


@pytest.mark.parametrize("which", [OFFICE, SPLIT])
def test_how_much_lies_between(which):
    result = ask("between", "2026-02-13 09:00", "2026-02-14 18:00", *which, "--json")
    assert json.loads(result.stdout) == {"seconds": 54000}


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["due", "2026-02-13 17:00", "8h", *OFFICE], "2026-02-14T17:30:00+08:00"),
        (["due", "2026-02-13 17:00", "5d", *OFFICE], "2026-02-27T18:00:00+08:00"),
        (["due", "2026-02-13T09:00:00Z", "8h", *OFFICE], "2026-02-14T17:30:00+08:00"),
        (["due", "2026/2/13 17:00", "PT8H", *OFFICE], "2026-02-14T17:30:00+08:00"),
        (["due", "2026年2月13日 17:00", "8小时", *OFFICE], "2026-02-14T17:30:00+08:00"),
        (["due", "2026-02-12 24:00", "8h", *OFFICE], "2026-02-14T09:30:00+08:00"),
        (["due", "2027-02-01 09:00", "1h", *OFFICE], "2027-02-01T10:00:00+08:00  (provisional)"),
        (["between", "2026-02-13 09:00", "2026-02-14 18:00", *OFFICE], "15h"),
        (["between", "2026-02-14 18:00", "2026-02-13 09:00", *OFFICE], "-15h"),
        (["between", "2026-02-13 09:00", "2026-02-13 10:00:05", *OFFICE], "1h 5s"),
        (["between", "2026-02-15 09:00", "2026-02-16 09:00", *OFFICE], "0s"),
    ],
)
def test_plain_answers(words, answer):
    result = ask(*words)
    assert (result.exit_code, result.stdout.strip()) == (0, answer)


@pytest.mark.parametrize(
    ("zone", "start", "amount", "due"),
    [
        ("Europe/Berlin", "2026-03-29 01:00", "2h", "2026-03-29T04:00:00+02:00"),
        ("Europe/Berlin", "2026-10-25 01:00", "3h", "2026-10-25T03:00:00+01:00"),
        ("America/New_York", "2026-03-08 01:00", "1h", "2026-03-08T03:00:00-04:00"),
        ("Australia/Lord_Howe", "2026-10-04 01:30", "1h", "2026-10-04T03:00:00+11:00"),
        ("Asia/Shanghai", "2028-02-28 23:00", "25h", "2028-03-01T00:00:00+08:00"),
    ],
)
def test_round_the_clock_in_any_zone(zone, start, amount, due):
    result = ask("due", start, amount, "--hours", "24x7", "--zone", zone, "--json")
    assert json.loads(result.stdout) == {"due": due}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["due", "tomorrow", "8h", *OFFICE], "'tomorrow' is no moment"),
        (["due", "2026-02-30 17:00", "8h", *OFFICE], "'2026-02-30 17:00' is no moment"),
        (["due", "2026-02-13 24:01", "8h", *OFFICE], "'2026-02-13 24:01' is no moment"),
        (["due", "2026-02-13 17:00", "-8h", *OFFICE], "is not negative: '-8h'"),
        (["due", "2026-02-13 17:00", "soon", *OFFICE], "'soon' is no amount of time"),
        (["due", "2026-02-13 17:00", "8h", "--calendar", "x"], "there is no calendar 'x'"),
        (["due", "2026-02-13 17:00", "8h"], "say either --calendar NAME or --hours TEXT"),
        (["due", "2026-02-13 17:00", "8h", *OFFICE, "--zone", "UTC"], "a named calendar has its own"),
        (["due", "2026-02-13 17:00", "8h", "--hours", "9 to 5"], "neither a day nor hours"),
        (["due", "2026-02-13 17:00", "8h", "--hours", "9-17", "--zone", "Moon"], "no time zone 'Moon'"),
        (["due", "2026-02-13 17:00", "8h", "--hours", "9-17", "--holidays", "XX"], "no public holidays"),
        (["due", "2026-02-13 17:00", "8h", "--hours", "mon off"], "has no working time"),
        (["due", "9999-02-13 17:00", "8h", *OFFICE], "from 1950 to 2200"),
        (["between", "2026-02-13 09:00", "later", *OFFICE], "'later' is no moment"),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_line_and_exit_code_2(words, sentence):
    result = ask(*words)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
