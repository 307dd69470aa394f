"""`paidan check sms`: gateways asked without sending, and one test text with its report."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from bot.cli import sms_check
from bot.settings import Http, Settings, Sms
from channels.sms.gateways.generic import signed
from channels.sms.probes import PROBES, probe
from tests.sms_servers import golden
from tests.sms_servers.golden import ALL, NOW, TOKEN
from tests.sms_servers.kannel import free_ports
from tests.sms_servers.server import serving

SECRET = golden.GENERIC.secrets[0]
YES = {
    "kannel": httpx.Response(400, text="Missing receiver number, rejected"),
    "phone": httpx.Response(404), "twilio": httpx.Response(200, json={"sid": "AC"}),
    "vonage": httpx.Response(200, json={"value": 3.1}),
    "aliyun": httpx.Response(200, json={"Code": "OK"}),
    "tencent": httpx.Response(200, json={"Response": {"DescribeTemplateStatusSet": []}}),
    "huawei": httpx.Response(404), "generic": httpx.Response(204),
}  # fmt: skip
NO = {
    "kannel": httpx.Response(403, text="Authorization failed for sendsms"),
    "phone": httpx.Response(401), "twilio": httpx.Response(401), "vonage": httpx.Response(401),
    "aliyun": httpx.Response(400, json={"Code": "SignatureDoesNotMatch"}),
    "tencent": httpx.Response(
        200, json={"Response": {"Error": {"Code": "AuthFailure.SecretIdNotFound"}}}
    ),
    "generic": httpx.Response(401),
}  # fmt: skip


async def asked(gateway, answer):
    requests = []

    def carry(request):
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(carry)) as client:
        verdict = await probe(replace(gateway, url=gateway.url or "http://phone/"), client, NOW)
    return verdict, requests


def test_every_kind_of_gateway_can_be_asked():
    assert {type(gateway) for gateway in ALL} == PROBES.keys()


@pytest.mark.parametrize("gateway", ALL, ids=lambda gateway: gateway.name)
async def test_a_gateway_that_knows_us_is_well_and_was_sent_no_text(gateway):
    verdict, [request] = await asked(gateway, YES[gateway.name])
    sent = (request.url.query + request.content).decode()
    assert verdict.ok
    assert not [word for word in ("SendSms", "sms.send", "to=", "&to") if word in sent]


@pytest.mark.parametrize("name", NO)
async def test_a_wrong_key_is_said(name):
    gateway = next(one for one in ALL if one.name == name)
    verdict, _ = await asked(gateway, NO[name])
    assert (verdict.ok, "does not know us" in verdict.told) == (False, True)


@pytest.mark.parametrize("gateway", ALL, ids=lambda gateway: gateway.name)
async def test_a_gateway_that_is_away_is_named_by_its_address(gateway):
    verdict, _ = await asked(gateway, httpx.ConnectError("x"))
    assert (verdict.ok, "cannot be reached: ConnectError" in verdict.told) == (False, True)


def settings(folder, port, carrier="http://127.0.0.1:9/", **more):
    section = Sms(
        name="one", kind="generic", token=SecretStr(TOKEN), url=carrier,
        signing_secret=SecretStr(SECRET),
    )  # fmt: skip
    return Settings(
        database=f"sqlite:///{folder}/desk.db", sms=(section.model_copy(update=more),),
        http=Http(port=port, public_url=f"http://127.0.0.1:{port}"),
    )  # fmt: skip


def now():
    return datetime.now(UTC)


async def steps(configured, **more):
    return {what: (ok, told) async for what, ok, told in sms_check.checks(configured, now, **more)}


async def test_the_address_to_set_at_the_provider_is_printed(tmp_path):
    found = await steps(settings(tmp_path, 8080))
    assert found["one hook"] == (True, f"http://127.0.0.1:8080/hooks/sms/one/{TOKEN}")


async def test_a_template_that_a_cloud_would_refuse_is_named(tmp_path):
    cloud = {
        "kind": "aliyun", "signature": "某某科技", "hotline": "13800138000",
        "templates": {"ticket_opened": "SMS_1"},
    }  # fmt: skip
    found = await steps(settings(tmp_path, 8080, **cloud))
    assert found["one template ticket_opened"] == (False, "a mobile number")
    assert "sla_breach" in found["one templates"][1]


async def test_one_text_is_sent_and_its_report_is_waited_for(tmp_path):
    [port] = free_ports(1)
    sent = []

    async def carrier(request):
        event = json.loads(await request.body())
        if event["type"] == "sms.send":
            sent.append(event["data"]["to"])
            asyncio.get_running_loop().create_task(report(event["data"]["reference"]))
        return Response()

    async def report(reference):
        event = {"type": "sms.delivered", "data": {"reference": reference}}
        headers, body = signed((SECRET,), "report-1", event, now())
        hook = f"http://127.0.0.1:{port}/hooks/sms/one/{TOKEN}"
        async with httpx.AsyncClient() as http:
            await http.post(hook, headers=headers, content=body)

    app = Starlette(routes=[Route("/", carrier, methods=["POST"])])
    async with serving(app) as base:
        found = await steps(settings(tmp_path, port, f"{base}/"), to="13800138000")
    assert found["one test to 138****8000"] == (True, "delivered")
    assert sent == ["+8613800138000"]


async def test_a_report_that_never_comes_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(sms_check, "PATIENCE", 0.3)
    [port] = free_ports(1)
    app = Starlette(routes=[Route("/", lambda request: Response(), methods=["POST"])])
    async with serving(app) as base:
        found = await steps(settings(tmp_path, port, f"{base}/"), to="13800138000")
    ok, told = found["one test to 138****8000"]
    assert (ok, "no report" in told) == (False, True)


async def test_a_number_of_nobody_is_not_texted(tmp_path):
    assert await steps(settings(tmp_path, 8080), to="10086") == {
        "number": (False, "10086 is no number of a person")
    }
