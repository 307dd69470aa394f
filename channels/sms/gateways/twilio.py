"""Twilio: free text outside mainland China; signed calls without a time stamp."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from channels.sms import outcome, wire
from channels.sms.outcome import DEAD, LATER, LIMITED, NEVER, OURS, Verdict
from channels.sms.wire import Answer, Forged, HookRequest, Malformed, Sms, Unreadable
from core.messages import File, Inbound, Receipt, Report

_STATES: Mapping[str, Literal["delivered", "failed", "accepted"]] = {
    "sent": "accepted",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
_CODES: Mapping[str, Verdict] = {
    "20003": OURS,
    "20429": LATER,
    "21211": DEAD,
    "21214": DEAD,
    "21408": NEVER,
    "21610": DEAD,  # the receiver wrote STOP
    "21611": LIMITED,
    "21614": DEAD,
    "30003": LATER,
    "30005": DEAD,
    "30006": DEAD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Twilio:
    name: str = "twilio"
    url: str = "https://api.twilio.com"
    account_sid: str = ""
    auth_token: str = ""
    sender: str = ""  # a number, or MG… for a messaging service
    status_callback: str = ""

    methods = frozenset({"POST"})
    limit = 65_536
    answer = Answer(b'<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml")
    templates_only = False

    def authenticate(self, request: HookRequest, now: datetime) -> None:
        """base64 HMAC-SHA1 over the full URL and the sorted fields; JSON bodies by their hash."""
        said = request.headers.get("x-twilio-signature", "")
        if not self.auth_token or not wire.same(self.signature(request), said):
            raise Forged("signature")
        claimed = parse_qs(urlsplit(request.url).query).get("bodySHA256")
        body_hash = hashlib.sha256(request.body).hexdigest()
        if wire.is_json(request) and not (claimed and wire.same(claimed[0].lower(), body_hash)):
            raise Forged("body")

    def signature(self, request: HookRequest) -> str:
        try:
            fields = {} if wire.is_json(request) else wire.raw_pairs(request.body)
        except Malformed as twice:
            raise Forged("fields") from twice
        signed = request.url.encode() + b"".join(
            name.encode() + fields[name] for name in sorted(fields)
        )
        mac = hmac.new(self.auth_token.encode(), signed, hashlib.sha1)
        return base64.b64encode(mac.digest()).decode()

    def split(self, request: HookRequest) -> list[HookRequest]:
        return wire.split_form(request)

    def parse(self, request: HookRequest) -> list[Inbound | Report | Unreadable]:
        return wire.read_form(request, lambda fields: self._read(fields, request))

    def _read(self, fields: Mapping[str, str], request: HookRequest) -> Inbound | Report | None:
        sid = wire.needed(fields, "MessageSid", "SmsSid")
        status = fields.get("MessageStatus") or fields.get("SmsStatus", "received")
        if status in ("received", "receiving"):
            return self._message(sid, fields, request)
        if status not in _STATES:
            return None
        code = fields.get("ErrorCode", "")
        verdict = _CODES.get(code, LATER)
        return Report(
            channel="sms",
            account=self.name,
            external_id=f"{sid}:{status}",
            receipt=sid,
            state=_STATES[status],
            at=request.received_at,
            reason=code,
            permanent=_STATES[status] == "failed" and verdict.permanent,
        )

    def _message(self, sid: str, fields: Mapping[str, str], request: HookRequest) -> Inbound:
        return wire.arrived(
            self.name,
            request,
            key=sid,
            sender=wire.needed(fields, "From"),
            text=fields.get("Body", ""),
            files=tuple(_media(fields)),
            to=fields.get("To", ""),
        )

    def build(self, sms: Sms, now: datetime) -> httpx.Request:
        by_service = self.sender.startswith("MG")
        fields = {
            "To": sms.to,
            "MessagingServiceSid" if by_service else "From": self.sender,
            "Body": sms.text,
        }
        if self.status_callback:
            fields["StatusCallback"] = self.status_callback
        headers = {
            "authorization": wire.basic(self.account_sid, self.auth_token),
            "content-type": "application/x-www-form-urlencoded",
        }
        url = f"{self.url}/2010-04-01/Accounts/{self.account_sid}/Messages.json"
        return httpx.Request("POST", url, headers=headers, content=urlencode(fields))

    def read_answer(self, response: httpx.Response, sms: Sms) -> Receipt:
        if response.status_code >= 500 or response.status_code == 429:
            outcome.check_status(response)
        answer = outcome.fields(response)
        if response.is_success and (sid := wire.text_of(answer.get("sid"))):
            return Receipt(id=sid, final=not self.status_callback)
        code = wire.text_of(answer.get("code"))
        otherwise = OURS if response.status_code in (401, 403) else NEVER
        raise outcome.refused(f"Twilio {code}", _CODES.get(code, otherwise))


def _media(fields: Mapping[str, str]) -> list[File]:
    count = fields.get("NumMedia", "")
    total = int(count) if count.isascii() and count.isdigit() and len(count) < 3 else 0
    return [
        File(
            kind="document",
            type=fields.get(f"MediaContentType{index}", ""),
            source=fields.get(f"MediaUrl{index}", ""),
        )
        for index in range(total)
    ]
