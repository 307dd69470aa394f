"""Android SMS Gateway (capcom6): a telephone with our SIM. Free text, signed calls.

Set the app to first in, first out: by default the newest of equal priority goes first, and a
later prompt would overtake an earlier one.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import httpx

from channels.sms import outcome, wire
from channels.sms.outcome import LATER
from channels.sms.wire import Answer, Forged, HookRequest, Sms, Unreadable
from core.messages import Inbound, Receipt, Report

_STATES: Mapping[str, tuple[Literal["delivered", "failed", "accepted"], str]] = {
    "sms:sent": ("accepted", "sentAt"),
    "sms:delivered": ("delivered", "deliveredAt"),
    "sms:failed": ("failed", "failedAt"),
    "sms:cancelled": ("failed", "cancelledAt"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Capcom6:
    name: str = "phone"
    url: str = ""  # http://DEVICE:8080/message, or …/3rdparty/v1/messages of a server
    username: str = ""
    password: str = ""
    signing_key: str = ""
    sim: int | None = None
    ttl: int = 86_400  # seconds; without one a dead phone sends last week's prompts

    methods = frozenset({"POST"})
    limit = 65_536
    answer = Answer()
    templates_only = False

    def authenticate(self, request: HookRequest, now: datetime) -> None:
        stamp = request.headers.get("x-timestamp", "")
        signed = request.body + stamp.encode("latin-1", "replace")
        proof = hmac.new(self.signing_key.encode(), signed, hashlib.sha256).hexdigest()
        if not self.signing_key or not wire.same(proof, request.headers.get("x-signature", "")):
            raise Forged("signature")
        wire.fresh(stamp, now)

    def split(self, request: HookRequest) -> list[HookRequest]:
        return wire.split_json(request)

    def parse(self, request: HookRequest) -> list[Inbound | Report | Unreadable]:
        return wire.read_json(request, lambda event: self._read(event, request))

    def _read(self, event: Mapping[str, str], request: HookRequest) -> Inbound | Report | None:
        kind = wire.needed(event, "event")
        if kind == "system:ping":
            return None
        payload = wire.fields_of(_object(wire.needed(event, "payload")))
        key = f"{event.get('deviceId', '')}:{wire.needed(event, 'id')}"
        if kind in _STATES:
            return self._report(kind, key, payload, request)
        if kind != "sms:received":
            raise Unreadable(f"event {kind}")
        return wire.arrived(
            self.name,
            request,
            key=key,  # payload.messageId comes from the content: not unique
            sender=wire.needed(payload, "sender", "phoneNumber"),
            text=payload.get("message", ""),
            at=wire.moment(payload.get("receivedAt", ""), request.received_at),
            to=payload.get("recipient", ""),
            sim=payload.get("simNumber", ""),
        )

    def _report(
        self, kind: str, key: str, payload: Mapping[str, str], request: HookRequest
    ) -> Report:
        state, stamp = _STATES[kind]
        return Report(
            channel="sms",
            account=self.name,
            external_id=key,
            receipt=wire.needed(payload, "messageId"),
            state=state,
            at=wire.moment(payload.get(stamp, ""), request.received_at),
            reason=payload.get("reason", ""),
        )

    def build(self, sms: Sms, now: datetime) -> httpx.Request:
        message: dict[str, object] = {
            "id": wire.short_reference(sms.reference),
            "textMessage": {"text": sms.text},
            "phoneNumbers": [sms.to],
            "ttl": self.ttl,
            "withDeliveryReport": True,
        }
        if self.sim is not None:
            message["simNumber"] = self.sim
        headers = {
            "authorization": wire.basic(self.username, self.password),
            "content-type": "application/json",
        }
        return httpx.Request("POST", self.url, headers=headers, content=json.dumps(message))

    def read_answer(self, response: httpx.Response, sms: Sms) -> Receipt:
        reference = wire.short_reference(sms.reference)
        if response.status_code == 409:  # an earlier try of the same letter arrived
            return Receipt(id=reference, final=False)
        if response.status_code == 503:
            raise outcome.refused("queue limit or no device", LATER)
        outcome.check_status(response)
        return Receipt(id=reference, final=False)


def _object(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as broken:
        raise Unreadable("the payload is no object") from broken
