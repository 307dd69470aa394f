"""A report by SMS, from the gateway's hook to the telephone's display and back."""

import httpx
import pytest

from channels.sms.gateways.generic import Generic
from channels.sms.hook import reader
from channels.sms.sender import Account, SmsChannel
from channels.sms.wire import Unreadable
from core import inbox, intake, outbox
from core.messages import Report
from core.rows import InboxRow, OutboxRow
from core.work import settle
from tests.scenario import a_desk
from tests.sms_servers import golden
from tests.sms_servers.golden import PHONE
from tests.sms_servers.server import app, call, client

GATEWAY = Generic(secrets=golden.GENERIC.secrets, url="http://127.0.0.1:9/send")


class Keypad:
    """A telephone behind the generic hook: it says a text, and shows what it was sent."""

    def __init__(self, scenario):
        self.scenario, self.desk = scenario, scenario.desk
        self.shown = []
        self.http = client(app(inbox.keeper(self.desk, lambda: None), [GATEWAY], now=self.desk.now))
        scenario.channels["sms"] = SmsChannel(
            accounts=[Account(gateway=GATEWAY)],
            client=httpx.AsyncClient(transport=httpx.MockTransport(self._carry)),
            render=self._render, counts=self._counts, now=self.desk.now,
        )  # fmt: skip

    def _carry(self, request):
        self.shown.append(httpx.Response(200, content=request.content).json()["data"])
        return httpx.Response(200)

    async def _render(self, letter):
        return f"{letter.kind} {letter.ticket}"

    async def _counts(self, number, template, since):
        return 0

    async def event(self, key, event):
        request = golden.generic_event(GATEWAY, key, event, self.desk.now())
        response = await call(self.http, request)
        for row in await inbox.claim(self.desk):
            await inbox.work_on(self.desk, row, {"sms": self._handle})
        await self.scenario.settle()
        return response.status_code

    async def says(self, text, key):
        data = {"from": PHONE, "text": text}
        return await self.event(key, {"type": "sms.received", "data": data})

    async def _handle(self, row):
        try:
            news = reader([GATEWAY])(row.body)
        except Unreadable as odd:
            raise inbox.Poison(str(odd)) from odd
        if not isinstance(news, Report):
            await intake.receive(self.desk, news, row.id)
            return

        def body(tx):
            if settle(tx, row.id, self.desk.now()):
                outbox.hear_report(tx, self.desk, news)

        await self.desk.store.write(body)


@pytest.fixture
async def keypad(tmp_path):
    async with a_desk(tmp_path) as scenario:
        yield Keypad(scenario)


async def test_a_report_by_sms_is_a_ticket_and_the_telephone_hears_its_number(keypad):
    await keypad.says("打印机卡纸", "m1")
    ticket = await keypad.scenario.latest()
    first = keypad.shown[0]
    assert (first["to"], first["text"]) == (PHONE, f"ticket_opened {ticket.number}")


async def test_a_redelivered_report_opens_no_second_ticket(keypad):
    await keypad.says("打印机卡纸", "m1")
    once = len(keypad.shown)
    codes = [await keypad.says("打印机卡纸", "m1") for _ in range(3)]
    tickets = await keypad.scenario.tickets()
    assert (codes, len(tickets), len(keypad.shown)) == ([200] * 3, 1, once)


async def test_the_number_alone_asks_how_it_goes(keypad):
    await keypad.says("打印机卡纸", "m1")
    ticket = await keypad.scenario.latest()
    await keypad.says(ticket.number, "m2")
    assert (len(await keypad.scenario.tickets()), keypad.shown[-1]["text"]) == (
        1, f"ticket_status {ticket.number}",
    )  # fmt: skip


async def test_a_delivery_report_moves_its_letter(keypad):
    await keypad.says("打印机卡纸", "m1")
    data = {"reference": keypad.shown[0]["reference"]}
    await keypad.event("r1", {"type": "sms.delivered", "data": data})
    letter = await keypad.desk.store.read(lambda tx: tx.first(OutboxRow, **data))
    assert letter.state == "delivered"


async def test_what_cannot_be_read_is_set_aside_and_the_next_text_goes_on(keypad):
    await keypad.event("x1", {"type": "sms.received", "data": {"text": "no sender"}})
    await keypad.says("打印机卡纸", "m1")
    rows = await keypad.desk.store.read(lambda tx: tx.find(InboxRow, order="id"))
    assert len(await keypad.scenario.tickets()) == 1
    assert [row.state for row in rows] == ["dead", "done"]
