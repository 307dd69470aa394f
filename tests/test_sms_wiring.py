"""The gateways of the settings file, switched on in the real program."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from bot.schedule import Ticker, Work
from bot.settings import Settings, Sms, WrongSettings, load
from bot.sms import WrongGateway, add_sms, catalog, gateway
from bot.trial.desk import TrialProgram
from channels.sms.gateways.kannel import Kannel
from tests.scenario import a_desk
from tests.sms_servers import golden, server

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


class ByHand(Ticker):
    """Ticks when a test says so."""

    def __init__(self, ticks):
        super().__init__()
        self.ticks = ticks

    def every(self, seconds, name, work):
        self.ticks[name] = work


class FakeHost:
    """What add_sms asks of the program."""

    def __init__(self, scenario, sections):
        self.settings = Settings(sms=sections)
        self.scenario, self.desk, self.now = scenario, scenario.desk, scenario.desk.now
        self.ticks: dict[str, Work] = {}
        self.routes, self.troubles = [], []
        self.ticker: Ticker = ByHand(self.ticks)

    def wake(self):
        """Nobody sleeps here."""

    def trouble(self, kind, detail):
        self.troubles.append((kind, detail))

    def plug_in(self, channel, handle, close):
        self.close = close


@pytest.fixture
async def host(tmp_path):
    section = Sms(
        name="generic", kind="generic", token=SecretStr(golden.TOKEN), quiet_hours=2,
        signing_secret=SecretStr(golden.GENERIC.secrets[0]),
    )  # fmt: skip
    async with a_desk(tmp_path) as scenario:
        made = FakeHost(scenario, (section,))
        add_sms(made, made.settings.sms)
        yield made
        await made.close()


async def heartbeat(host):
    event = {"type": "system.ping", "data": {}}
    call = golden.generic_event(golden.GENERIC, "ping", event, host.now())
    return (await server.call(server.client(Starlette(routes=host.routes)), call)).status_code


async def hours_pass(host, *hours):
    for each in hours:
        host.scenario.moment += timedelta(hours=each)
        await host.ticks["sms"]()


async def test_a_gateway_that_is_silent_too_long_is_told_once(host):
    await hours_pass(host, 1.9)
    before = list(host.troubles)
    await hours_pass(host, 0.2, 5)
    assert (before, [kind for kind, _ in host.troubles]) == ([], ["sms_silent"])


async def test_a_heartbeat_is_a_sign_of_life(host):
    await hours_pass(host, 1.9)
    assert await heartbeat(host) == 200
    await hours_pass(host, 1.9)
    assert host.troubles == []


async def test_silence_after_a_sign_of_life_is_told_again(host):
    await hours_pass(host, 3)
    await heartbeat(host)
    await hours_pass(host, 3)
    assert len(host.troubles) == 2


async def test_the_access_log_of_the_running_program_knows_no_token(host, caplog):
    """The filter is on the log itself, whoever switches it on."""
    with caplog.at_level(logging.INFO, "uvicorn.access"):
        said = ("127.0.0.1:5", "POST", golden.path(golden.GENERIC), "1.1", 200)
        logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', *said)
    assert "/hooks/sms/generic/***" in caplog.text
    assert golden.TOKEN not in caplog.text


async def test_the_trial_telephone_texts_over_http_and_shows_the_answer(tmp_path):
    async with TrialProgram(tmp_path) as trial:
        await trial.sms.write("13700000001", "", "天河 三楼财务 打印机卡纸")
        async with asyncio.timeout(20):
            while len(await trial.sms.letters()) < 2:  # noqa: ASYNC110  sent by other tasks
                await asyncio.sleep(0.1)
        mine, answer = await trial.sms.letters()
    assert (mine.incoming, answer.recipient) == (True, "+8613700000001")
    assert "100014" in answer.text
