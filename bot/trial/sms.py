"""The trial's telephones without a chat: they text through the generic hook, like any gateway."""

import base64
import json
import secrets
from collections.abc import Sequence
from itertools import count

import httpx
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.settings import Sms
from bot.trial.world import TrialLetter
from channels.sms.gateways.generic import Generic, signed
from channels.sms.hook import PATH
from channels.sms.numbers import e164
from channels.sms.wire import Forged, HookRequest
from core.ports import Now

NAME = "trial"
NUMBER = "95588"  # what the telephones show for the desk
OUTGOING = "/sms/send"


class TrialSms:
    """bot.trial.world.TrialPost over real HTTP: a carrier with every telephone on it."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        self._token = secrets.token_urlsafe(24)
        self._proof = Generic(name=NAME, secrets=(self._secret,))
        self._desk = ""
        self._letters: list[TrialLetter] = []
        self._ids = count(1)
        self._http = httpx.AsyncClient()

    def section(self, carrier: str) -> Sms:
        """The settings of the gateway that we are, given the address we listen at."""
        return Sms(
            name=NAME,
            kind="generic",
            token=SecretStr(self._token),
            url=carrier + OUTGOING,
            signing_secret=SecretStr(self._secret),
        )

    def routes(self) -> list[BaseRoute]:
        return [Route(OUTGOING, self._deliver, methods=["POST"])]

    def reach(self, desk: str) -> None:
        """Where the desk listens, once it does."""
        self._desk = f"{desk}{PATH}/{NAME}/{self._token}"

    async def letters(self) -> Sequence[TrialLetter]:
        return tuple(self._letters)

    async def write(self, sender: str, subject: str, text: str) -> None:
        now = self._now()
        data = {"from": sender, "to": NUMBER, "text": text, "sent_at": now.isoformat()}
        await self._tell("sms.received", data)
        self._show(e164(sender), NUMBER, text, incoming=True)

    async def close(self) -> None:
        await self._http.aclose()

    async def _deliver(self, request: Request) -> Response:
        """What the desk sends is on the display at once, and reported as delivered."""
        call = HookRequest(
            method="POST",
            headers=dict(request.headers.items()),
            body=await request.body(),
            received_at=self._now(),
        )
        try:
            self._proof.authenticate(call, call.received_at)
        except Forged:
            return Response(status_code=401)
        data = json.loads(call.body)["data"]
        self._show(NUMBER, data["to"], data["text"], incoming=False)
        await self._tell("sms.delivered", {"reference": data["reference"]})
        return Response()

    def _show(self, sender: str, recipient: str, text: str, *, incoming: bool) -> None:
        letter = TrialLetter(
            id=str(next(self._ids)),
            sender=sender,
            recipient=recipient,
            text=text,
            at=self._now(),
            incoming=incoming,
        )
        self._letters.append(letter)

    async def _tell(self, kind: str, data: dict[str, str]) -> None:
        event = {"type": kind, "data": data}
        headers, body = signed((self._secret,), secrets.token_hex(8), event, self._now())
        answer = await self._http.post(self._desk, headers=headers, content=body)
        answer.raise_for_status()
