"""Promises of `paidan simulate`: the shape of its answer, and clear complaints."""

import json
import os
import subprocess
import sys
from importlib.resources import files

import pytest
import typer
from typer.testing import CliRunner

from bot.cli.simulate import simulate

EXAMPLE = files("core").joinpath("desk_data/example.toml")
FIGURES = {"tickets", "late", "late_minutes", "attainment", "utilisation", "offers_per_job"}


@pytest.fixture(scope="module")
def run():
    app = typer.Typer()
    app.command()(simulate)
    return lambda *words: CliRunner().invoke(app, [*words])


def test_all_strategies_as_json_have_exactly_the_promised_shape(run):
    answer = json.loads(run("--days", "1", "--desk", str(EXAMPLE), "--json").stdout)
    assert set(answer) == {"strategies"}
    assert list(answer["strategies"]) == ["planner", "least_loaded", "round_robin"]
    assert all(set(one) == FIGURES for one in answer["strategies"].values())


def test_the_same_seed_prints_the_same(run):
    words = ("--days", "1", "--strategy", "planner", "--seed", "7", "--json")
    assert run(*words).stdout == run(*words).stdout


def test_for_people_it_is_a_table(run):
    printed = run("--days", "1", "--strategy", "round_robin").stdout
    assert "round_robin" in printed
    assert "seed 1" in printed


def test_a_history_may_be_cut_to_its_first_days(run, tmp_path):
    past = tmp_path / "past.csv"
    past.write_text("at,site\n2026-03-02 10:00,GZ-TH\n2026-03-09 10:00,GZ-PY\n", "utf-8")
    words = ("--history", str(past), "--strategy", "planner", "--json")
    counts = [
        json.loads(run(*words, *more).stdout)["strategies"]["planner"]["tickets"]
        for more in ((), ("--days", "7"))
    ]
    assert counts == [2, 1]


def test_a_desk_that_does_not_exist_is_a_sentence_and_exit_code_two(run, tmp_path):
    result = run("--desk", str(tmp_path / "none.toml"))
    assert result.exit_code == 2
    assert "No such file" in result.stderr


def test_a_wrong_desk_is_told_by_its_key(run, tmp_path):
    wrong = tmp_path / "desk.toml"
    text = EXAMPLE.read_text("utf-8")
    wrong.write_text(text.replace('["Mon-Fri 08:50-18:10"]', '["always"]', 1), "utf-8")
    result = run("--desk", str(wrong), "--days", "1")
    assert result.exit_code == 2
    assert "people[1].hours" in result.stderr


def test_leaving_out_a_stranger_is_told(run):
    result = run("--days", "1", "--without", "nobody")
    assert result.exit_code == 2
    assert "nobody" in result.stderr


def test_an_engineer_may_be_left_out(run):
    words = ("--days", "1", "--strategy", "planner", "--json")
    assert run(*words).stdout != run(*words, "--without", "li.wei,luo.wenbo").stdout


def test_a_seed_repeats_a_run_in_another_process():
    def printed(hash_seed: str) -> str:
        words = ("simulate", "--days", "1", "--strategy", "planner", "--json", "--seed", "7")
        done = subprocess.run(
            [sys.executable, "-m", "bot.cli", *words],
            env={"PYTHONHASHSEED": hash_seed, "PATH": "", "PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    assert printed("1") == printed("2")
