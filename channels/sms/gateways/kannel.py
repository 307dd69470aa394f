"""Kannel: a SIM or an SMSC behind our own gateway. Free text; no signature on its calls.

The body of our answer would be sent to the user as an SMS, so it is always empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote, urlencode

import httpx

from channels.sms import outcome, wire
from channels.sms.outcome import LATER, NEVER, OURS
from channels.sms.wire import Answer, HookRequest, Sms, Unreadable
from core.messages import Inbound, Receipt, Report

# What to write into kannel.conf; %t is UTC, and %C tells how %a is coded.
GET_URL = "from=%p&to=%P&text=%a&time=%t&id=%I&smsc=%i&charset=%C&coding=%c&udh=%u"
_DLR_URL = "status=%d&smscid=%F&reply=%A&time=%t"
_DLR_ALL_BUT_INTERIM = "31"
_STATES: Mapping[str, tuple[Literal["delivered", "failed", "accepted"], bool]] = {
    "1": ("delivered", False),
    "2": ("failed", False),
    "4": ("accepted", False),
    "8": ("accepted", False),
    "16": ("failed", True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kannel:
    name: str = "kannel"
    url: str = "http://127.0.0.1:13013/cgi-bin/sendsms"
    username: str = ""
    password: str = ""
    sender: str = ""
    dlr_url: str = ""  # our own hook with its token; empty: no delivery reports
    smsc: str = ""

    methods = frozenset({"GET"})  # the POST form carries no message id
    limit = 65_536
    answer = Answer()
    templates_only = False

    def authenticate(self, request: HookRequest, now: datetime) -> None:
        """Nothing to check: the token in the path and the address list are all there is."""

    def split(self, request: HookRequest) -> list[HookRequest]:
        return wire.split_form(request)

    def parse(self, request: HookRequest) -> list[Inbound | Report | Unreadable]:
        try:
            fields = wire.raw_pairs(request.query)
        except wire.Malformed as odd:
            return [Unreadable(str(odd))]
        read = self._report if "letter" in fields else self._message
        return wire.read_each([fields], lambda one: read(one, request))

    def _message(self, fields: Mapping[str, bytes], request: HookRequest) -> Inbound:
        plain = {key: wire.decode(value) for key, value in fields.items()}
        charset = _PYTHON_NAMES.get(plain.get("charset", "").upper(), plain.get("charset", ""))
        return wire.arrived(
            self.name,
            request,
            key=f"{plain.get('smsc', '')}:{wire.needed(plain, 'id')}",
            sender=wire.needed(plain, "from"),
            text=wire.decode(fields.get("text", b""), charset),
            at=wire.moment(plain.get("time", ""), request.received_at),
            to=plain.get("to", ""),
        )

    def _report(self, fields: Mapping[str, bytes], request: HookRequest) -> Report | None:
        plain = {key: wire.decode(value) for key, value in fields.items()}
        letter, status = wire.needed(plain, "letter"), wire.needed(plain, "status")
        if status not in _STATES:
            return None
        state, permanent = _STATES[status]
        return Report(
            channel="sms",
            account=self.name,
            external_id=f"report:{letter}:{status}",
            receipt=letter,
            state=state,
            at=wire.moment(plain.get("time", ""), request.received_at),
            reason="" if state == "delivered" else plain.get("reply", ""),
            permanent=permanent,
        )

    def build(self, sms: Sms, now: datetime) -> httpx.Request:
        query = {
            "username": self.username,
            "password": self.password,
            "from": self.sender,
            "to": sms.to,
            "text": sms.text,
            "charset": "utf-8",
            "coding": "0" if sms.text.isascii() else "2",
        }
        if self.smsc:
            query["smsc"] = self.smsc
        if self.dlr_url:
            query["dlr-mask"] = _DLR_ALL_BUT_INTERIM
            query["dlr-url"] = f"{self.dlr_url}?letter={quote(sms.reference, safe='')}&{_DLR_URL}"
        return httpx.Request("GET", f"{self.url}?{urlencode(query)}")

    def read_answer(self, response: httpx.Response, sms: Sms) -> Receipt:
        """202 with 0 (accepted) or 3 (queued until the SMSC is back); 4xx never, 503 later."""
        said = response.text.strip()[:120]
        if response.status_code == 202:
            return Receipt(id=sms.reference, final=not self.dlr_url)
        if response.status_code == 503:
            raise outcome.refused(said, LATER)
        if response.status_code == 403:
            raise outcome.refused(said, OURS)
        if 400 <= response.status_code < 500:
            raise outcome.refused(said, NEVER)
        outcome.check_status(response)
        raise outcome.refused(said, LATER)


_PYTHON_NAMES = {"GSM": "utf-8", "BINARY": "utf-8", "UTF-16BE": "utf-16-be"}
