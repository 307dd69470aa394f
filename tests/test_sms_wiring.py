"""The gateways of the settings file, switched on in the real program."""

import asyncio
from pathlib import Path

import pytest

from bot.settings import WrongSettings, load
from bot.sms import WrongGateway, catalog, gateway
from bot.trial.desk import TrialProgram
from channels.sms.gateways.kannel import Kannel

TOKEN = "kC0v7N2mQ4xR8sT1wY5zB3"


def settings(folder: Path, lines: str):
    file = folder / "paidan.toml"
    file.write_text(f"[[sms]]\nname = 'one'\nkind = 'kannel'\ntoken = '{TOKEN}'\n{lines}")
    return load(file, {})


def test_a_section_is_a_gateway_that_reports_to_its_own_hook(tmp_path):
    [section] = settings(tmp_path, "username = 'desk'").sms
    made = gateway(section, "https://desk.example.com")
    assert isinstance(made, Kannel)
    assert made.dlr_url == f"https://desk.example.com/hooks/sms/one/{TOKEN}"


@pytest.mark.parametrize("line", ["allow = ['10.0.0.300']", "rate = 0", "kind2 = 'x'"])
def test_a_wrong_line_is_named(tmp_path, line):
    with pytest.raises(WrongSettings, match="line 5"):
        settings(tmp_path, line)


def test_a_template_that_the_cloud_would_refuse_stops_the_start(tmp_path):
    [section] = settings(tmp_path, "hotline = '13800138000'\nsignature = '某某科技'").sms
    cloud = section.model_copy(update={"kind": "aliyun", "templates": {"ticket_opened": "SMS_1"}})
    with pytest.raises(WrongGateway, match="mobile number"):
        catalog(cloud)


async def test_the_trial_telephone_texts_over_http_and_shows_the_answer(tmp_path):
    async with TrialProgram(tmp_path) as trial:
        await trial.sms.write("13700000001", "", "天河 三楼财务 打印机卡纸")
        async with asyncio.timeout(20):
            while len(await trial.sms.letters()) < 2:  # noqa: ASYNC110  sent by other tasks
                await asyncio.sleep(0.1)
        mine, answer = await trial.sms.letters()
    assert (mine.incoming, answer.recipient) == (True, "+8613700000001")
    assert "100014" in answer.text
