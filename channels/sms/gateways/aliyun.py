"""Aliyun: reviewed templates out, replies and reports in as unsigned JSON arrays."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx

from channels.sms import numbers, outcome, signing, wire
from channels.sms.outcome import DEAD, LATER, LIMITED, NEVER, OURS, Verdict
from channels.sms.wire import Answer, HookRequest, Sms, Unreadable
from core.errors import Undeliverable
from core.messages import Inbound, Receipt, Report

_CODES: Mapping[str, Verdict] = {
    "isv.BUSINESS_LIMIT_CONTROL": LIMITED,
    "isv.DAY_LIMIT_CONTROL": LIMITED,
    "isv.MONTH_LIMIT_CONTROL": LIMITED,
    "isv.MOBILE_NUMBER_ILLEGAL": DEAD,
    "isv.AMOUNT_NOT_ENOUGH": OURS,
    "isv.OUT_OF_SERVICE": OURS,
    "isv.ACCOUNT_": OURS,
    "isp.": LATER,
    "Throttling": LATER,
    "ServiceUnavailable": LATER,
    "InvalidAccessKeyId": OURS,
    "SignatureDoesNotMatch": OURS,
    "SignatureNonceUsed": LATER,
    "Forbidden": OURS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aliyun:
    name: str = "aliyun"
    url: str = "https://dysmsapi.aliyuncs.com/"
    access_key_id: str = ""
    access_key_secret: str = ""

    methods = frozenset({"POST"})
    limit = 65_536
    answer = Answer('{"code":0,"msg":"接收成功"}'.encode(), "application/json; charset=utf-8")
    templates_only = True

    def authenticate(self, request: HookRequest, now: datetime) -> None:
        """Nothing to check: the token in the path and the address list are all there is."""

    def split(self, request: HookRequest) -> list[HookRequest]:
        return wire.split_json(request)

    def parse(self, request: HookRequest) -> list[Inbound | Report | Unreadable]:
        return wire.read_json(request, lambda fields: self._read(fields, request))

    def _read(self, fields: Mapping[str, str], request: HookRequest) -> Inbound | Report:
        phone = wire.needed(fields, "phone_number")
        if "success" in fields or "biz_id" in fields:
            return self._report(phone, fields, request)
        return wire.arrived(
            self.name,
            request,
            key=wire.needed(fields, "sequence_id"),
            sender=phone,
            text=fields.get("content", ""),
            at=wire.moment(fields.get("send_time", ""), request.received_at, wire.CHINA),
            to=fields.get("dest_code", ""),
        )

    def _report(self, phone: str, fields: Mapping[str, str], request: HookRequest) -> Report:
        """One biz_id may stand for a batch, and out_id is our own reference."""
        biz_id = wire.needed(fields, "biz_id", "out_id")
        delivered = fields.get("success", "").lower() == "true"
        return Report(
            channel="sms",
            account=self.name,
            external_id=f"report:{biz_id}:{phone}:{delivered}",
            receipt=fields.get("out_id") or biz_id,
            state="delivered" if delivered else "failed",
            at=wire.moment(fields.get("report_time", ""), request.received_at, wire.CHINA),
            reason="" if delivered else fields.get("err_code", ""),
        )

    def build(self, sms: Sms, now: datetime) -> httpx.Request:
        """There is no idempotency key: out_id comes back in the report, so a lost answer heals."""
        if sms.filled is None:
            raise Undeliverable("no template", permanent=True)
        query = {
            "PhoneNumbers": numbers.national(sms.to),
            "SignName": sms.filled.signature,
            "TemplateCode": sms.filled.template,
            "TemplateParam": json.dumps(dict(sms.filled.values), ensure_ascii=False),
            "OutId": sms.reference,
        }
        nonce = wire.digest(sms.reference, str(sms.attempts), str(now))
        return self.signed("SendSms", query, now, nonce=nonce)

    def signed(
        self, action: str, query: Mapping[str, str], now: datetime, *, nonce: str
    ) -> httpx.Request:
        """A call of the API. A nonce is good for once."""
        stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = {
            "host": urlsplit(self.url).netloc,
            "x-acs-action": action,
            "x-acs-version": "2017-05-25",
            "x-acs-date": stamp,
            "x-acs-signature-nonce": nonce,
            "x-acs-content-sha256": signing.sha256_hex(b""),
        }
        proof = signing.acs3(
            "POST",
            "/",
            query,
            headers,
            b"",
            key_id=self.access_key_id,
            secret=self.access_key_secret,
        )
        return httpx.Request(
            "POST",
            f"{self.url}?{signing.canonical_query(query)}",
            headers={**headers, "authorization": proof},
        )

    def read_answer(self, response: httpx.Response, sms: Sms) -> Receipt:
        if response.status_code in (429, 503):
            outcome.check_status(response)
        answer = outcome.fields(response)
        code = wire.text_of(answer.get("Code"))
        if code == "OK":
            return Receipt(id=wire.text_of(answer.get("BizId")) or sms.reference, final=False)
        if response.status_code >= 500 and code not in _CODES:
            outcome.check_status(response)
        raise outcome.refused(f"Aliyun {code}", outcome.by_prefix(code, _CODES, NEVER))
