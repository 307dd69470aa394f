"""`paidan understand` prints what the desk would make of a report."""

import json

import pytest
import typer
from typer.testing import CliRunner

from bot.cli.understand import understand


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(understand)

    def invoke(*arguments: str) -> str:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def test_json_holds_exactly_the_labels(run):
    assert json.loads(run("顺德 上不了网 全部人都上不了", "--json")) == {
        "site": "FS-SD",
        "category": "network",
        "severity": "P1",
        "mode": "onsite",
        "device": "LAN/uplink",
        "ask": "-",
    }


def test_profile_channel_and_vip_are_taken_into_account(run):
    read = json.loads(run("打印机卡纸", "--site", "GZ-TH", "--channel", "sms", "--vip", "--json"))
    assert (read["site"], read["ask"], read["severity"]) == ("GZ-TH", "contact_name", "P2")


def test_a_subject_line_tells_a_mail(run):
    text = "主题：搬迁 // 白云网点周六搬到新址，共12台电脑"
    assert json.loads(run(text, "--json"))["ask"] == "contact_phone"


def test_the_table_tells_why(run):
    shown = run("till 2 dead, gongbei. password: hunter2")
    assert "ZH-GB" in shown
    assert "trading_stopped" in shown
    assert "password" in shown
