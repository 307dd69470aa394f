"""The SMS channel: which gateway, within which budget, and what became of it."""

import logging
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from channels.sms.sender import Account, Budget, SmsChannel
from channels.sms.standard import standard
from channels.sms.templates import ALIYUN as ALIYUN_RULES
from core.errors import Unclear, Undeliverable
from core.messages import Letter
from core.ports import Channel
from tests.sms_servers.golden import ALIYUN, CAPCOM6, KANNEL, NOW, PHONE

CATALOG = standard(ALIYUN_RULES, "新科电子", "4001234567", {"job_assigned": "SMS_1"})
CLOUD = Account(gateway=ALIYUN, catalog=CATALOG)
SIM = Account(gateway=KANNEL)
LETTER = Letter(
    id=7, person_id=1, channel="sms", address="138 0013 8000", language="zh_CN",
    zone="Asia/Shanghai", kind="job_assigned",
    params={"site": "天河北", "due": "2026-11-22T06:30:00Z"}, ticket="100427", reference="letter-7",
)  # fmt: skip


class FakeCarrier:
    """Answers every request as told and remembers it."""

    def __init__(self, outcome=None):
        self.requests = []
        self.outcome = outcome

    def __call__(self, request):
        self.requests.append(request)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if self.outcome:
            return self.outcome
        body = {"Code": "OK", "BizId": "b1"}
        return httpx.Response(200, json=body) if request.method == "POST" else httpx.Response(202)


class FakeCounts:
    def __init__(self, sent=0):
        self.sent, self.asked = sent, []

    async def __call__(self, number, template, since):
        self.asked.append((number, template, since))
        return self.sent


async def rendered(letter):
    return f"工单{letter.ticket}"


def channel(*accounts, carrier, counts=None):
    return SmsChannel(
        accounts=accounts,
        client=httpx.AsyncClient(transport=httpx.MockTransport(carrier)),
        render=rendered,
        counts=counts or FakeCounts(),
        now=lambda: NOW,
    )


async def refusal(sms, letter=LETTER):
    with pytest.raises(Undeliverable) as refused:
        await sms.send(letter)
    return refused.value


def test_it_is_a_channel_that_says_what_it_can():
    sms: Channel = channel(SIM, CLOUD, carrier=FakeCarrier())
    clouds = channel(CLOUD, carrier=FakeCarrier())
    assert (sms.name, sms.can.buttons, sms.can.templates_only, clouds.can.templates_only) == (
        "sms", 0, False, True,
    )  # fmt: skip


async def test_the_desks_own_words_go_through_a_sim():
    carrier = FakeCarrier()
    receipt = await channel(SIM, carrier=carrier).send(LETTER)
    assert (receipt.id, carrier.requests[0].url.params["text"]) == ("kannel:letter-7", "工单100427")
    assert carrier.requests[0].url.params["to"] == PHONE


async def test_a_reviewed_template_goes_through_a_cloud():
    carrier = FakeCarrier()
    receipt = await channel(CLOUD, carrier=carrier).send(LETTER)
    assert (receipt.id, carrier.requests[0].url.params["TemplateCode"]) == ("aliyun:b1", "SMS_1")


async def test_a_kind_without_a_template_takes_the_next_gateway():
    carrier = FakeCarrier()
    await channel(CLOUD, SIM, carrier=carrier).send(replace(LETTER, kind="weather"))
    assert carrier.requests[0].url.host == "127.0.0.1"


async def test_a_kind_that_no_gateway_can_say_goes_to_the_next_address():
    refused = await refusal(channel(CLOUD, carrier=FakeCarrier()), replace(LETTER, kind="weather"))
    assert refused.permanent
    assert not refused.address_dead


async def test_an_answer_leaves_by_the_gateway_that_received():
    carrier = FakeCarrier(httpx.Response(202))
    phone = Account(gateway=CAPCOM6)
    await channel(SIM, phone, carrier=carrier).send(replace(LETTER, account="phone"))
    assert carrier.requests[0].url.port == 8080


@pytest.mark.parametrize("address", ["10086", "1069012345", "95588", "VM-BANK", ""])
async def test_a_machine_is_never_answered(address):
    carrier = FakeCarrier()
    refused = await refusal(channel(SIM, carrier=carrier), replace(LETTER, address=address))
    assert (refused.permanent, carrier.requests) == (True, [])


async def test_a_used_up_budget_waits_and_sends_nothing():
    carrier = FakeCarrier()
    refused = await refusal(channel(CLOUD, carrier=carrier, counts=FakeCounts(50)))
    assert (refused.permanent, refused.retry_after, carrier.requests) == (False, 1728, [])


async def test_the_last_texts_of_a_day_are_kept_for_what_must_be_acted_on():
    counts = FakeCounts(45)
    loud = channel(CLOUD, carrier=FakeCarrier(), counts=counts)
    assert (await loud.send(LETTER)).id == "aliyun:b1"
    await refusal(loud, replace(LETTER, loud=False))


async def test_a_budget_counts_by_number_and_template():
    counts = FakeCounts()
    budget = (Budget(limit=5, window=timedelta(hours=1), per_template=True),)
    account = replace(CLOUD, budgets=budget)
    await channel(account, carrier=FakeCarrier(), counts=counts).send(LETTER)
    assert counts.asked == [(PHONE, "SMS_1", NOW - timedelta(hours=1))]


ABROAD = Account(gateway=replace(KANNEL, name="abroad", url="http://abroad/"), prefixes=("+44",))
HERE = Account(gateway=KANNEL, prefixes=("+86",))


@pytest.mark.parametrize(("number", "host"), [(PHONE, "127.0.0.1"), ("+447700900001", "abroad")])
async def test_a_number_leaves_by_the_gateway_that_serves_it(number, host):
    carrier = FakeCarrier()
    await channel(ABROAD, HERE, carrier=carrier).send(replace(LETTER, address=number))
    assert [request.url.host for request in carrier.requests] == [host]


async def test_a_number_that_no_gateway_serves_goes_to_the_next_address():
    refused = await refusal(channel(ABROAD, carrier=FakeCarrier()))
    assert (refused.permanent, refused.address_dead) == (True, False)


def down(host, outcome):
    """A carrier of many gateways, one of which is out of order."""
    well = FakeCarrier()

    def carry(request):
        if request.url.host == host:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome
        return well(request)

    return carry, well.requests


@pytest.mark.parametrize(
    "outcome", [httpx.ConnectError("x"), httpx.Response(503), httpx.Response(403)], ids=str
)
async def test_what_a_gateway_surely_did_not_take_leaves_by_the_next(outcome):
    carry, carried = down("127.0.0.1", outcome)
    second = replace(SIM, gateway=replace(KANNEL, name="second", url="http://second/"))
    receipt = await channel(SIM, second, carrier=carry).send(LETTER)
    assert (receipt.id, len(carried)) == ("second:letter-7", 1)


async def test_what_a_gateway_perhaps_took_leaves_by_no_other():
    carry, carried = down("127.0.0.1", httpx.ReadTimeout("x"))
    second = replace(SIM, gateway=replace(KANNEL, name="second", url="http://second/"))
    with pytest.raises(Unclear):
        await channel(SIM, second, carrier=carry).send(LETTER)
    assert carried == []


async def test_with_every_gateway_away_the_letter_waits():
    carrier = FakeCarrier(httpx.ConnectError("x"))
    refused = await refusal(channel(CLOUD, SIM, carrier=carrier))
    assert (refused.permanent, len(carrier.requests)) == (False, 2)


async def test_a_used_up_budget_leaves_the_letter_to_the_next_gateway():
    spent = replace(SIM, budgets=(Budget(limit=1, window=timedelta(hours=1)),))
    second = Account(gateway=replace(KANNEL, name="second"))
    sms = channel(spent, second, carrier=FakeCarrier(), counts=FakeCounts(1))
    receipt = await sms.send(LETTER)
    assert receipt.id == "second:letter-7"


@pytest.mark.parametrize("trouble", [httpx.ConnectError("x"), httpx.ConnectTimeout("x")])
async def test_what_never_left_is_tried_again(trouble):
    assert not (await refusal(channel(SIM, carrier=FakeCarrier(trouble)))).permanent


@pytest.mark.parametrize(
    "trouble", [httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x"), httpx.ReadError("x")]
)
async def test_a_lost_answer_is_unclear(trouble):
    with pytest.raises(Unclear):
        await channel(SIM, carrier=FakeCarrier(trouble)).send(LETTER)


async def test_no_log_line_names_the_whole_number(caplog):
    with caplog.at_level(logging.INFO, "channels.sms"):
        await channel(SIM, carrier=FakeCarrier()).send(LETTER)
    assert "138****8000" in caplog.text
    assert "13800138000" not in caplog.text
