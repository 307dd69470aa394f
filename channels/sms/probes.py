"""Questions to gateways that send no text and cost nothing: is it there, does it know us?"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from channels.sms import wire
from channels.sms.gateways.aliyun import Aliyun
from channels.sms.gateways.capcom6 import Capcom6
from channels.sms.gateways.generic import Generic, signed
from channels.sms.gateways.huawei import Huawei
from channels.sms.gateways.kannel import Kannel
from channels.sms.gateways.tencent import Tencent
from channels.sms.gateways.twilio import Twilio
from channels.sms.gateways.vonage import Vonage
from channels.sms.wire import Gateway

KNOWN, UNKNOWN = "it knows us", "it does not know us: user, password or key"
BY_SENDING = "it answers; whether it knows us shows only when something is sent (--to)"


@dataclass(frozen=True, slots=True)
class Verdict:
    ok: bool
    told: str


@dataclass(frozen=True, slots=True)
class Probe:
    """How to ask one kind of gateway, and what its answer means."""

    ask: Callable[[Any, datetime], httpx.Request]
    judge: Callable[[httpx.Response], Verdict]


def _by_status(response: httpx.Response, *known: int) -> Verdict:
    if response.status_code in (401, 403):
        return Verdict(False, UNKNOWN)
    if response.is_success or response.status_code in known:
        return Verdict(True, KNOWN)
    return Verdict(False, f"it answers HTTP {response.status_code}")


def _ask_kannel(gateway: Kannel, now: datetime) -> httpx.Request:
    """Without a receiver it refuses the text, after it has looked at the password."""
    query = urlencode({"username": gateway.username, "password": gateway.password, "text": "x"})
    return httpx.Request("GET", f"{gateway.url}?{query}")


def _ask_phone(gateway: Capcom6, now: datetime) -> httpx.Request:
    """The state of a message that there never was."""
    headers = {"authorization": wire.basic(gateway.username, gateway.password)}
    return httpx.Request("GET", f"{gateway.url.rstrip('/')}/paidan-check", headers=headers)


def _ask_twilio(gateway: Twilio, now: datetime) -> httpx.Request:
    headers = {"authorization": wire.basic(gateway.account_sid, gateway.auth_token)}
    account = f"{gateway.url}/2010-04-01/Accounts/{gateway.account_sid}.json"
    return httpx.Request("GET", account, headers=headers)


def _ask_vonage(gateway: Vonage, now: datetime) -> httpx.Request:
    where = urlsplit(gateway.url)
    query = urlencode({"api_key": gateway.api_key, "api_secret": gateway.api_secret})
    return httpx.Request("GET", f"{where.scheme}://{where.netloc}/account/get-balance?{query}")


def _ask_aliyun(gateway: Aliyun, now: datetime) -> httpx.Request:
    query = {"PageIndex": "1", "PageSize": "1"}
    return gateway.signed("QuerySmsTemplateList", query, now, nonce=f"probe-{now}")


def _judge_aliyun(response: httpx.Response) -> Verdict:
    code = _field(response, "Code")
    if code.startswith(("InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden")):
        return Verdict(False, f"{UNKNOWN} ({code})")
    return Verdict(bool(code), KNOWN if code else "it answers no JSON")


def _ask_tencent(gateway: Tencent, now: datetime) -> httpx.Request:
    return gateway.signed("DescribeSmsTemplateList", {"International": 0, "Limit": 1}, now)


def _judge_tencent(response: httpx.Response) -> Verdict:
    answer = _load(response).get("Response")
    if not isinstance(answer, dict):
        return Verdict(False, "it answers no Response")
    error = answer.get("Error")
    code = wire.text_of(error.get("Code")) if isinstance(error, dict) else ""
    if code.startswith(("AuthFailure", "UnauthorizedOperation")):
        return Verdict(False, f"{UNKNOWN} ({code})")
    return Verdict(True, KNOWN)


def _ask_huawei(gateway: Huawei, now: datetime) -> httpx.Request:
    return httpx.Request("GET", gateway.url)


def _ask_generic(gateway: Generic, now: datetime) -> httpx.Request:
    event = {"type": "system.ping", "timestamp": now.isoformat(), "data": {}}
    headers, body = signed(gateway.secrets, f"ping-{now.timestamp():.0f}", event, now)
    return httpx.Request("POST", gateway.url, headers=headers, content=body)


def _load(response: httpx.Response) -> dict[str, object]:
    try:
        answer = json.loads(response.content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _field(response: httpx.Response, name: str) -> str:
    return wire.text_of(_load(response).get(name))


PROBES: Mapping[type[Gateway], Probe] = {
    Kannel: Probe(_ask_kannel, lambda response: _by_status(response, 400)),
    Capcom6: Probe(_ask_phone, lambda response: _by_status(response, 404)),
    Twilio: Probe(_ask_twilio, _by_status),
    Vonage: Probe(_ask_vonage, _by_status),
    Aliyun: Probe(_ask_aliyun, _judge_aliyun),
    Tencent: Probe(_ask_tencent, _judge_tencent),
    Huawei: Probe(_ask_huawei, lambda response: Verdict(True, BY_SENDING)),
    Generic: Probe(_ask_generic, _by_status),
}


async def probe(gateway: Gateway, client: httpx.AsyncClient, now: datetime) -> Verdict:
    """Ask it. An address without an answer is a verdict, too."""
    how = PROBES[type(gateway)]
    try:
        return how.judge(await client.send(how.ask(gateway, now)))
    except (httpx.HTTPError, httpx.InvalidURL) as fault:
        where = urlsplit(str(getattr(gateway, "url", ""))).netloc
        return Verdict(False, f"{where or 'no url'} cannot be reached: {type(fault).__name__}")
