"""Telephones behind the generic hook: each says texts and digits, and shows what it was sent."""

import httpx
from pydantic import SecretStr

from bot.settings import Sms
from bot.sms import Arrivals, channel
from channels.sms.gateways.generic import Generic
from core import inbox
from core.people import Person
from tests.sms_servers import golden
from tests.sms_servers.golden import TOKEN
from tests.sms_servers.server import app, call, client

GATEWAY = Generic(secrets=golden.GENERIC.secrets, url="http://127.0.0.1:9/send")
SECTION = Sms(name="generic", kind="generic", token=SecretStr(TOKEN), hotline="4001234567")


class Phones:
    """The whole way: hook, inbox, desk, outbox, gateway. Nothing but the carrier is made up."""

    def __init__(self, scenario, sections=(SECTION,), gateways=(GATEWAY,)):
        self.scenario, self.desk = scenario, scenario.desk
        self.sent = []
        self.refused = {}  # number → HTTP status of the gateway
        self.keys = 0
        self.http = client(app(inbox.keeper(self.desk, lambda: None), gateways, now=self.desk.now))
        carrier = httpx.AsyncClient(transport=httpx.MockTransport(self._carry))
        scenario.channels["sms"] = channel(self.desk, sections, gateways, carrier)
        self.desk.channels = {
            name: one.can for name, one in scenario.channels.items() if name == "sms"
        }
        scenario.channels = {"sms": scenario.channels["sms"]}
        self.arrivals = Arrivals(self.desk, gateways)

    def _carry(self, request):
        data = httpx.Response(200, content=request.content).json()["data"]
        if status := self.refused.get(data["to"]):
            return httpx.Response(status)
        self.sent.append(data)
        return httpx.Response(200)

    async def event(self, event, key=None):
        self.keys += 1
        return await self.hook(
            golden.generic_event(GATEWAY, key or f"k{self.keys}", event, self.desk.now())
        )

    async def hook(self, request):
        response = await call(self.http, request)
        await self.work()
        return response.status_code

    async def work(self):
        for _ in range(20):
            rows = await inbox.claim(self.desk)
            for row in rows:
                await inbox.work_on(self.desk, row, {"sms": self.arrivals.handle})
            await self.scenario.settle()
            if not rows:
                return

    async def says(self, number, text, *, key=None, seconds=15):
        """A person thinks for a quarter of a minute; carriers tell when a text was sent."""
        await self.scenario.time_passes(seconds=seconds)
        at = self.desk.now().replace(microsecond=0).isoformat()
        await self.scenario.time_passes(seconds=1)
        data = {"from": number, "text": text, "sent_at": at}
        return await self.event({"type": "sms.received", "data": data}, key)

    def shows(self, number):
        return [one["text"] for one in self.sent if one["to"] == number]

    def last(self, number):
        return self.shows(number)[-1]

    async def number_of(self, code):
        return (await self.scenario.person(code)).phone

    async def owner(self, number):
        return await self.desk.store.read(lambda tx: tx.first(Person, phone=number))
