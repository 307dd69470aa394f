"""Tencent: reviewed templates out; unsigned JSON in, where a message has no id of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import httpx

from channels.sms import outcome, signing, wire
from channels.sms.outcome import DEAD, LATER, LIMITED, NEVER, OURS, Verdict
from channels.sms.wire import Answer, HookRequest, Sms, Unreadable
from core.errors import Unclear, Undeliverable
from core.messages import Inbound, Receipt, Report

_CODES: Mapping[str, Verdict] = {
    "LimitExceeded": LIMITED,
    "LimitExceeded.PhoneNumberThirtySecondLimit": Verdict(permanent=False, after=31),
    "RequestLimitExceeded": LATER,
    "InternalError": LATER,
    "AuthFailure": OURS,
    "UnauthorizedOperation": OURS,
    "FailedOperation.InsufficientBalanceInSmsPackage": OURS,
    "FailedOperation.PhoneNumberInBlacklist": DEAD,
    "InvalidParameterValue.IncorrectPhoneNumber": DEAD,
    "InternalError.OtherError": LATER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tencent:
    name: str = "tencent"
    url: str = "https://sms.tencentcloudapi.com/"
    region: str = "ap-guangzhou"
    secret_id: str = ""
    secret_key: str = ""
    app_id: str = ""

    methods = frozenset({"POST"})
    limit = 65_536
    answer = Answer(b'{"result":0,"errmsg":"OK"}', "application/json; charset=utf-8")
    templates_only = True

    def authenticate(self, request: HookRequest, now: datetime) -> None:
        """Nothing to check: `sign` is a label, and the address list is all there is."""

    def split(self, request: HookRequest) -> list[HookRequest]:
        return wire.split_json(request)

    def parse(self, request: HookRequest) -> list[Inbound | Report | Unreadable]:
        return wire.read_json(request, lambda fields: self._read(fields, request))

    def _read(self, fields: Mapping[str, str], request: HookRequest) -> Inbound | Report | None:
        mobile, nation = wire.needed(fields, "mobile"), fields.get("nationcode") or "86"
        if "report_status" in fields:
            return self._report(fields, request)
        if not fields.keys() & {"text", "time"}:
            raise Unreadable("neither a text nor a report")
        parts = (fields.get(name, "") for name in ("time", "text", "extend"))
        return wire.arrived(
            self.name,
            request,
            key=wire.digest(nation, mobile, *parts),
            sender=mobile if mobile.startswith("+") else f"+{nation}{mobile}",
            text=fields.get("text", ""),
            at=wire.moment(fields.get("time", ""), request.received_at, wire.CHINA),
            to=fields.get("extend", ""),
            signature=fields.get("sign", ""),
        )

    def _report(self, fields: Mapping[str, str], request: HookRequest) -> Report | None:
        sid, status = wire.needed(fields, "sid"), fields["report_status"].upper()
        if status not in ("SUCCESS", "FAIL"):
            return None
        delivered = status == "SUCCESS"
        return Report(
            channel="sms",
            account=self.name,
            external_id=f"report:{sid}:{status}",
            receipt=sid,
            state="delivered" if delivered else "failed",
            at=wire.moment(fields.get("user_receive_time", ""), request.received_at, wire.CHINA),
            reason="" if delivered else fields.get("errmsg", ""),
        )

    def build(self, sms: Sms, now: datetime) -> httpx.Request:
        if sms.filled is None:
            raise Undeliverable("no template", permanent=True)
        payload = {
            "PhoneNumberSet": [sms.to],
            "SmsSdkAppId": self.app_id,
            "SignName": sms.filled.signature,
            "TemplateId": sms.filled.template,
            "TemplateParamSet": [value for _, value in sms.filled.values],
            "SessionContext": sms.reference,
        }
        return self.signed("SendSms", payload, now)

    def signed(self, action: str, payload: Mapping[str, object], now: datetime) -> httpx.Request:
        """A call of the API."""
        body = json.dumps(payload, ensure_ascii=False).encode()
        signed = {
            "content-type": "application/json; charset=utf-8",
            "host": urlsplit(self.url).netloc,
            "x-tc-action": action,
        }
        proof = signing.tc3("sms", signed, body, now, key_id=self.secret_id, secret=self.secret_key)
        headers = {
            **signed,
            "authorization": proof,
            "x-tc-timestamp": str(int(now.timestamp())),
            "x-tc-version": "2021-01-11",
            "x-tc-region": self.region,
        }
        return httpx.Request("POST", self.url, headers=headers, content=body)

    def read_answer(self, response: httpx.Response, sms: Sms) -> Receipt:
        outcome.check_status(response)
        answer = outcome.fields(response).get("Response")
        if not isinstance(answer, dict):
            raise Unclear("no Response in the answer")
        if isinstance(error := answer.get("Error"), dict):
            raise _refused(wire.text_of(error.get("Code")))
        sent = answer.get("SendStatusSet")
        if not isinstance(sent, list) or not sent or not isinstance(sent[0], dict):
            raise Unclear("no SendStatusSet in the answer")
        code = wire.text_of(sent[0].get("Code"))
        if code.lower() != "ok":
            raise _refused(code)
        return Receipt(id=wire.text_of(sent[0].get("SerialNo")) or sms.reference, final=False)


def _refused(code: str) -> Undeliverable:
    return outcome.refused(f"Tencent {code}", outcome.by_prefix(code, _CODES, NEVER))
