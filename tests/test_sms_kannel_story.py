"""The story by SMS through a real Kannel with its fake operator, which goes away in the middle."""

import asyncio
import contextlib
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest

from bot.settings import Sms
from bot.sms import Arrivals, channel
from core import inbox, keypad, outbox, timers
from core.people import Person
from core.rows import OutboxRow
from core.ticket import Offer, Ticket
from tests.scenario import a_desk
from tests.sms_servers import kannel
from tests.sms_servers.golden import TOKEN
from tests.sms_servers.kannel import KannelServer, Phone
from tests.sms_servers.server import app, serving
from tests.test_story import DEAD_TILL

pytestmark = pytest.mark.kannel
USER = "+8613700000001"
LONG = DEAD_TILL + "，" + "从今天早上九点开始就这样，重启过两次都没有用，" * 4
SECTION = Sms(name="kannel", kind="kannel", token=TOKEN)


class Story:
    """The desk on a wall clock that can be put forward, its loops, and one telephone at a time."""

    def __init__(self, scenario, server):
        self.scenario, self.desk, self.server = scenario, scenario.desk, server
        self.offset = scenario.moment - datetime.now(UTC)
        self.desk.now = self.now
        self.http = httpx.AsyncClient()
        self.sms = channel(self.desk, [SECTION], [server.gateway], self.http)
        self.desk.channels = {"sms": self.sms.can}
        self.arrivals = Arrivals(self.desk, [server.gateway])

    def now(self):
        return datetime.now(UTC) + self.offset

    async def loops(self):
        while True:
            await timers.sweep(self.desk)
            for row in await inbox.claim(self.desk):
                await inbox.work_on(self.desk, row, {"sms": self.arrivals.handle})
            for row in await outbox.claim(self.desk, "sms"):
                await outbox.send(self.desk, self.sms, row)
            await asyncio.sleep(0.05)

    async def texts(self, number, text):
        """Somebody texts, and the telephone is put away."""
        telephone = Phone(self.server, text, number=number)
        await asyncio.sleep(0.9)
        telephone.hang_up()

    async def rows(self, kind, /, **where):
        return await self.desk.store.read(lambda tx: tx.find(kind, order="id", **where))

    async def until(self, what, seconds=25):
        async with asyncio.timeout(seconds):
            while not (found := await what()):  # noqa: ASYNC110  other processes set no event
                await asyncio.sleep(0.1)
        return found

    async def asked(self, number, kind):
        """Until the last question to this number is of that kind, and may be answered."""

        async def is_asked():
            rows = await self.rows(OutboxRow, address=number, kind=kind)
            return rows and rows[-1].state in {"sent", "delivered"}

        await self.until(is_asked)
        await asyncio.sleep(keypad.READING.total_seconds() + 1)  # Kannel's times are whole seconds

    async def status(self, wanted):
        async def is_so():
            found = await self.rows(Ticket)
            return found and found[-1].status == wanted

        await self.until(is_so)


@pytest.fixture
async def story(tmp_path, monkeypatch):
    kannel.needed()
    monkeypatch.setattr(keypad, "READING", keypad.READING / 10)
    [port] = kannel.free_ports(1)
    hook = f"http://127.0.0.1:{port}/hooks/sms/kannel/{TOKEN}"
    (tmp_path / "kannel").mkdir()
    server = KannelServer(tmp_path / "kannel", hook)
    server.start()
    async with contextlib.AsyncExitStack() as open_:
        scenario = await open_.enter_async_context(a_desk(tmp_path))
        told = Story(scenario, server)
        keep = inbox.keeper(told.desk, lambda: None)
        application = app(keep, [server.gateway], now=told.now)
        await open_.enter_async_context(serving(application, port=urlsplit(hook).port))
        running = asyncio.create_task(told.loops())
        yield told
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await told.http.aclose()
    server.stop()


async def test_from_one_text_to_a_closed_ticket_with_the_gateway_away_in_between(story):
    await story.texts(USER, LONG)
    await story.status("dispatched")
    [offer] = await story.rows(Offer)
    engineer = (await story.desk.store.read(lambda tx: tx.get(Person, offer.person_id))).phone
    await story.asked(engineer, "job_offered")
    await story.texts(engineer, "1")
    await story.status("accepted")

    await asyncio.to_thread(story.server.stop)
    await asyncio.sleep(1)
    await asyncio.to_thread(story.server.start)

    await story.asked(engineer, "job_taken")
    number = (await story.rows(Ticket))[-1].number
    await story.texts(engineer, f"到达 {number}")
    await story.status("arrived")
    await story.texts(engineer, f"完成 {number}")
    await story.asked(engineer, "ask_result")
    await story.texts(engineer, "换了电源线，开机正常")
    await story.status("resolved")
    await story.asked(USER, "resolved_check")
    await story.texts(USER, "１。")
    await story.status("closed")

    [ticket] = await story.rows(Ticket)
    letters = await story.rows(OutboxRow, channel="sms")
    steps = await story.scenario.journal(ticket.number)
    did = [step.action for step in steps]
    assert ticket.symptom == LONG
    assert [did.count(action) for action in ("accept", "arrive", "resolve", "confirm")] == [1] * 4
    assert {letter.state for letter in letters} <= {"sent", "delivered"}
    assert len({(letter.kind, letter.reference) for letter in letters}) == len(letters)
