"""Vonage SMS: free text abroad. Its calls are signed on request; long texts come in parts."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlencode

import httpx

from channels.sms import numbers, outcome, wire
from channels.sms.outcome import DEAD, LATER, LIMITED, NEVER, OURS, Verdict
from channels.sms.segments import segments
from channels.sms.wire import Answer, Forged, HookRequest, Malformed, Sms, Unreadable
from core.errors import Unclear
from core.messages import Inbound, Receipt, Report

Method = Literal["md5hash", "md5", "sha1", "sha256", "sha512"]

_STATES: Mapping[str, Literal["delivered", "failed", "accepted"]] = {
    "accepted": "accepted",
    "buffered": "accepted",
    "delivered": "delivered",
    "expired": "failed",
    "failed": "failed",
    "rejected": "failed",
    "undeliverable": "failed",
}
_PERMANENT_ERRORS = frozenset({"2", "3", "4", "5", "8", "12"})
_CODES: Mapping[str, Verdict] = {
    "1": Verdict(permanent=False, after=1),  # throttled
    "3": DEAD,
    "4": OURS,
    "5": LATER,
    "7": DEAD,  # barred
    "8": OURS,
    "9": LIMITED,
    "11": OURS,
    "14": OURS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vonage:
    name: str = "vonage"
    url: str = "https://rest.nexmo.com/sms/json"
    api_key: str = ""
    api_secret: str = ""
    sender: str = ""
    signature_secret: str = ""  # empty: calls come unsigned
    signature_method: Method = "md5hash"

    methods = frozenset({"GET", "POST"})
    limit = 65_536
    answer = Answer()
    templates_only = False

    def authenticate(self, request: HookRequest, now: datetime) -> None:
        if not self.signature_secret:
            return
        try:
            fields = _fields(request)
        except (Malformed, Unreadable) as odd:
            raise Forged("fields") from odd
        said = fields.pop("sig", "").lower()
        if not wire.same(self.signature(fields), said):
            raise Forged("signature")
        wire.fresh(fields.get("timestamp", ""), now)

    def signature(self, fields: Mapping[str, str]) -> str:
        """Over &key=value in the order of keys, with & and = in values made harmless."""
        safe = str.maketrans("&=", "__")
        signed = "".join(f"&{key}={fields[key].translate(safe)}" for key in sorted(fields))
        secret = self.signature_secret
        if self.signature_method == "md5hash":
            return hashlib.md5((signed + secret).encode()).hexdigest()  # noqa: S324  theirs
        return hmac.new(secret.encode(), signed.encode(), self.signature_method).hexdigest()

    def split(self, request: HookRequest) -> list[HookRequest]:
        if wire.is_json(request):
            return wire.split_json(request)
        return wire.split_form(request)

    def parse(self, request: HookRequest) -> list[Inbound | Report | Unreadable]:
        try:
            return wire.read_each([_fields(request)], lambda fields: self._read(fields, request))
        except (Malformed, Unreadable) as odd:
            return [Unreadable(str(odd))]

    def _read(self, fields: Mapping[str, str], request: HookRequest) -> Inbound | Report | None:
        key = wire.needed(fields, "messageId", "message-id")
        number = wire.needed(fields, "msisdn")
        at = wire.moment(fields.get("message-timestamp", ""), request.received_at)
        if "status" in fields:
            return self._report(key, fields, at)
        if fields.get("type") == "binary":
            raise Unreadable("a binary message")
        part = fields if fields.get("concat") == "true" else {}
        return wire.arrived(
            self.name,
            request,
            key=key,
            sender=_sender(number),
            text=fields.get("text", ""),
            at=at,
            to=fields.get("to", ""),
            concat_ref=part.get("concat-ref", ""),
            concat_total=part.get("concat-total", ""),
            concat_part=part.get("concat-part", ""),
        )

    def _report(self, key: str, fields: Mapping[str, str], at: datetime) -> Report | None:
        status = fields["status"]
        if status not in _STATES:
            return None
        code = fields.get("err-code", "")
        return Report(
            channel="sms",
            account=self.name,
            external_id=f"{key}:{status}",
            receipt=fields.get("client-ref") or key,
            state=_STATES[status],
            at=at,
            reason="" if code == "0" else code,
            permanent=_STATES[status] == "failed" and code in _PERMANENT_ERRORS,
        )

    def build(self, sms: Sms, now: datetime) -> httpx.Request:
        fields = {
            "api_key": self.api_key,
            "api_secret": self.api_secret,
            "from": self.sender,
            "to": sms.to.removeprefix("+"),
            "text": sms.text,
            "type": "text" if segments(sms.text).encoding == "gsm7" else "unicode",
            "client-ref": wire.short_reference(sms.reference, 40),
            "status-report-req": "1",
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return httpx.Request("POST", self.url, headers=headers, content=urlencode(fields))

    def read_answer(self, response: httpx.Response, sms: Sms) -> Receipt:
        """A long text has one entry per part; reports of all of them carry our client-ref."""
        outcome.check_status(response)
        parts = outcome.fields(response).get("messages")
        if not isinstance(parts, list) or not parts or not isinstance(parts[0], dict):
            raise Unclear("no messages in the answer")
        status = wire.text_of(parts[0].get("status"))
        if status != "0":
            reason = f"Vonage {status} {wire.text_of(parts[0].get('error-text'))}".strip()
            raise outcome.refused(reason, _CODES.get(status, NEVER))
        return Receipt(id=wire.short_reference(sms.reference, 40), final=False)


def _sender(number: str) -> str:
    """Vonage leaves the plus out; short codes and names have none."""
    whole = number.isascii() and number.isdigit() and not numbers.is_service(number)
    return f"+{number}" if whole else number


def _fields(request: HookRequest) -> dict[str, str]:
    if wire.is_json(request):
        value = wire.load_json(request)
        alone = isinstance(value, list) and len(value) == 1
        return wire.fields_of(value[0] if alone and isinstance(value, list) else value)
    return wire.form(request)
