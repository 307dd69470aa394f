"""Any other gateway, and the trial page's telephone: JSON signed as in Standard Webhooks 1.0.

In:  {"type": "sms.received", "data": {"from", "text", "to"?, "sent_at"?}}
     {"type": "sms.accepted" | "sms.delivered" | "sms.failed", "data": {"reference", "reason"?}}
Out: {"type": "sms.send", "data": {"reference", "to", "text"}}, signed with the same secret.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import httpx

from channels.sms import outcome, wire
from channels.sms.wire import Answer, Forged, HookRequest, Sms, Unreadable
from core.messages import Inbound, Receipt, Report

_STATES: Mapping[str, Literal["delivered", "failed", "accepted"]] = {
    "sms.accepted": "accepted",
    "sms.delivered": "delivered",
    "sms.failed": "failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Generic:
    name: str = "generic"
    url: str = ""  # where our own texts go
    secrets: tuple[str, ...] = ()  # whsec_…; several while one replaces another

    methods = frozenset({"POST"})
    limit = 1_048_576
    answer = Answer(b"{}", "application/json")
    templates_only = False

    def __post_init__(self) -> None:
        """A secret that is no base64 must stop the start, not refuse every call later."""
        for secret in self.secrets:
            base64.b64decode(secret.removeprefix("whsec_"), validate=True)

    def authenticate(self, request: HookRequest, now: datetime) -> None:
        key = request.headers.get("webhook-id", "")
        stamp = request.headers.get("webhook-timestamp", "")
        said = request.headers.get("webhook-signature", "").split(" ")
        if not key or not self.secrets:
            raise Forged("no proof")
        good = [f"v1,{sign(secret, key, stamp, request.body)}" for secret in self.secrets]
        if not any(wire.same(one, proof) for one in good for proof in said):
            raise Forged("signature")
        wire.fresh(stamp, now)

    def split(self, request: HookRequest) -> list[HookRequest]:
        """A call is one event: its webhook-id is the key, so there is nothing to split."""
        if not isinstance(wire.load_json(request), dict):
            raise wire.Malformed("no object")
        return [request]

    def parse(self, request: HookRequest) -> list[Inbound | Report | Unreadable]:
        return wire.read_json(request, lambda event: self._read(event, request))

    def _read(self, event: Mapping[str, str], request: HookRequest) -> Inbound | Report | None:
        kind = wire.needed(event, "type")
        if kind == "system.ping":
            return None
        data = wire.fields_of(_object(wire.needed(event, "data")))
        key = wire.clean(request.headers.get("webhook-id", ""))
        at = data.get("sent_at") or event.get("timestamp", "")
        if kind in _STATES:
            return Report(
                channel="sms",
                account=self.name,
                external_id=key,
                receipt=wire.needed(data, "reference"),
                state=_STATES[kind],
                at=wire.moment(at, request.received_at),
                reason=data.get("reason", ""),
                permanent=data.get("permanent") == "true",
            )
        if kind != "sms.received":
            raise Unreadable(f"type {kind}")
        return wire.arrived(
            self.name,
            request,
            key=key,
            sender=wire.needed(data, "from"),
            text=data.get("text", ""),
            at=wire.moment(at, request.received_at),
            to=data.get("to", ""),
        )

    def build(self, sms: Sms, now: datetime) -> httpx.Request:
        event = {
            "type": "sms.send",
            "timestamp": now.isoformat(),
            "data": {"reference": sms.reference, "to": sms.to, "text": sms.text},
        }
        headers, body = signed(self.secrets, sms.reference, event, now)
        return httpx.Request("POST", self.url, headers=headers, content=body)

    def read_answer(self, response: httpx.Response, sms: Sms) -> Receipt:
        outcome.check_status(response)
        return Receipt(id=sms.reference, final=False)


def signed(
    secrets: Sequence[str], key: str, event: Mapping[str, object], now: datetime
) -> tuple[dict[str, str], bytes]:
    """Headers and body of a call, as this gateway sends it and believes it."""
    body = json.dumps(event, ensure_ascii=False).encode()
    stamp = str(int(now.timestamp()))
    proofs = [f"v1,{sign(secret, key, stamp, body)}" for secret in secrets]
    headers = {
        "content-type": "application/json",
        "webhook-id": key,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(proofs),
    }
    return headers, body


def sign(secret: str, key: str, stamp: str, body: bytes) -> str:
    """base64 HMAC-SHA256 over id.timestamp.body; the secret is base64 behind whsec_."""
    mac_key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{key}.{stamp}.".encode("latin-1", "replace") + body
    return base64.b64encode(hmac.new(mac_key, signed, hashlib.sha256).digest()).decode()


def _object(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as broken:
        raise Unreadable("data is no object") from broken
