"""Huawei MSGSMS: reviewed templates out; forms in, signed where the push key is switched on."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import httpx

from channels.sms import outcome, signing, wire
from channels.sms.outcome import DEAD, LATER, LIMITED, NEVER, OURS, Verdict
from channels.sms.wire import Answer, Forged, HookRequest, Sms, Unreadable
from core.errors import Undeliverable
from core.messages import Inbound, Receipt, Report

_PROOF = re.compile(
    r"SDK-HMAC-SHA256 Access=(?P<key>[^,]*), ?SignedHeaders=(?P<names>[^,]*), ?"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_STAMP = "%Y%m%dT%H%M%SZ"
_CODES: Mapping[str, Verdict] = {
    "E000503": LATER,
    "E000510": LATER,
    "E000519": LIMITED,
    "E000620": NEVER,
    "E200028": OURS,
    "E200030": OURS,
    "E200033": OURS,
    "E200037": NEVER,
    "E200038": LATER,
    "E200040": NEVER,
    "E200041": DEAD,
    "E0001": OURS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Huawei:
    name: str = "huawei"
    url: str = "https://smsapi.cn-north-4.myhuaweicloud.com:443"
    app_key: str = ""
    app_secret: str = ""
    sender: str = ""  # the signature's channel number
    status_callback: str = ""
    push_key: str = ""  # both empty: calls come unsigned
    push_secret: str = ""

    methods = frozenset({"POST"})
    limit = 65_536
    answer = Answer(b"{}", "application/json")
    templates_only = True

    def authenticate(self, request: HookRequest, now: datetime) -> None:
        if not self.push_secret:
            return
        proof = _PROOF.fullmatch(request.headers.get("authorization", ""))
        if proof is None or not wire.same(proof["key"], self.push_key):
            raise Forged("no proof")
        names = proof["names"].lower().split(";")
        if "x-sdk-date" not in names or any(name not in request.headers for name in names):
            raise Forged("headers")
        _fresh(request.headers["x-sdk-date"], now)
        where = urlsplit(request.url)
        expected = signing.sdk_hmac(
            request.method,
            unquote(where.path),
            dict(parse_qsl(where.query, keep_blank_values=True)),
            request.headers,
            names,
            request.body,
            self.push_secret,
        )
        if not wire.same(expected, proof["signature"]):
            raise Forged("signature")

    def split(self, request: HookRequest) -> list[HookRequest]:
        return wire.split_form(request)

    def parse(self, request: HookRequest) -> list[Inbound | Report | Unreadable]:
        return wire.read_form(request, lambda fields: self._read(fields, request))

    def _read(self, fields: Mapping[str, str], request: HookRequest) -> Inbound | Report | None:
        key = wire.needed(fields, "smsMsgId")
        if "status" in fields:
            return self._report(key, fields, request)
        if "body" not in fields:
            raise Unreadable("neither a text nor a report")
        return wire.arrived(
            self.name,
            request,
            key=key,
            sender=wire.needed(fields, "from"),
            text=fields["body"],
            at=wire.moment(fields.get("createTime", ""), request.received_at),
            to=fields.get("to", ""),
        )

    def _report(self, key: str, fields: Mapping[str, str], request: HookRequest) -> Report | None:
        """One call per part. What is no known end of the road is no news."""
        status, part = fields["status"].upper(), fields.get("sequence") or "1"
        if status in ("", "ACCEPTD", "ENROUTE", "UNKNOWN"):
            return None
        delivered = status == "DELIVRD"
        return Report(
            channel="sms",
            account=self.name,
            external_id=f"report:{key}:{part}:{status}",
            receipt=fields.get("extend") or key,
            state="delivered" if delivered else "failed",
            at=wire.moment(fields.get("updateTime", ""), request.received_at),
            reason="" if delivered else status,
        )

    def build(self, sms: Sms, now: datetime) -> httpx.Request:
        if sms.filled is None:
            raise Undeliverable("no template", permanent=True)
        fields = {
            "from": self.sender,
            "to": sms.to,
            "templateId": sms.filled.template,
            "templateParas": json.dumps([value for _, value in sms.filled.values]),
            "signature": sms.filled.signature,
            "extend": sms.reference,
        }
        if self.status_callback:
            fields["statusCallback"] = self.status_callback
        nonce = wire.digest(sms.reference, str(sms.attempts), str(now))
        headers = {
            "authorization": 'WSSE realm="SDP",profile="UsernameToken",type="Appkey"',
            "x-wsse": signing.wsse(self.app_key, self.app_secret, nonce, now),
            "content-type": "application/x-www-form-urlencoded",
        }
        return httpx.Request(
            "POST",
            f"{self.url.rstrip('/')}/sms/batchSendSms/v1",
            headers=headers,
            content=urlencode(fields),
        )

    def read_answer(self, response: httpx.Response, sms: Sms) -> Receipt:
        if response.status_code in (429, 500, 502, 503, 504):
            outcome.check_status(response)
        answer = outcome.fields(response)
        code, results = wire.text_of(answer.get("code")), answer.get("result")
        first = results[0] if isinstance(results, list) and results else {}
        if code == "000000" and isinstance(first, dict):
            if (status := wire.text_of(first.get("status"))) in ("000000", ""):
                known = wire.text_of(first.get("smsMsgId")) or sms.reference
                return Receipt(id=known, final=not self.status_callback)
            code = status
        raise outcome.refused(f"Huawei {code}", outcome.by_prefix(code, _CODES, NEVER))


def _fresh(stamp: str, now: datetime) -> None:
    try:
        at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError as odd:
        raise Forged("no time stamp") from odd
    wire.fresh(str(int(at.timestamp())), now, tolerance=900)
