"""The whole story by SMS alone: the real program behind a real Kannel with its fake operator.

Nobody has a chat or a mailbox. Every text goes through bearerbox and smsbox both ways, every letter
is reported as delivered, and the gateway goes away in the middle.
"""

import asyncio
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.routing import Route

from bot.main import Program
from bot.settings import Http, Settings, Sms
from bot.sms import add_sms
from bot.trial.desk import TrialClock
from core import pins, timers
from core.people import Person, Site
from core.register import CHANGES
from core.rows import InboxRow, OutboxRow
from core.ticket import Offer, Step, Survey, Ticket
from core.words import say
from tests.scenario import EXAMPLE, START
from tests.sms_servers import kannel
from tests.sms_servers.golden import TOKEN
from tests.sms_servers.kannel import KannelServer, Phone
from tests.test_story import DEAD_TILL

pytestmark = pytest.mark.kannel
USER = "+8613700000001"
LONG = DEAD_TILL + "，" + "从今天早上九点开始就这样，重启过两次都没有用，" * 4
MORE = "补充一下：收款机还是黑屏，" + "指示灯不亮，换个插座还是不行，旁边那台是好的，" * 4
ENGINEERS = ("+8613800000110", "+8613800000108")
PATIENCE = 40  # seconds that one thing may take on a busy machine


def on_the_desks_clock(route, clock):
    """The operator's stamps move with the desk's clock, which the test puts forward."""

    async def shifted(request):
        def moved(found):
            at = datetime.fromisoformat(found[1].replace("+", "T").replace("%3A", ":"))
            return f"time={at + clock.offset:%Y-%m-%d+%H:%M:%S}"

        query = re.sub(r"time=([^&]+)", moved, request.scope["query_string"].decode())
        scope = {**request.scope, "query_string": query.encode()}
        return await route.endpoint(Request(scope, request.receive))

    return Route(route.path, shifted, methods=list(route.methods))


class Story:
    """The program and its telephones, of which the fake operator knows one at a time."""

    def __init__(self, program, clock, server):
        self.program, self.desk, self.clock, self.server = program, program.desk, clock, server
        self.phone = None
        self.seen = []

    # -- telephones

    async def says(self, number, text, seconds=15):
        """Somebody thinks for a while and texts; then everything that follows from it happens."""
        await self.time_passes(seconds=seconds)
        self.hang_up()
        before = await self.heard()
        self.phone = Phone(self.server, text, number=number)
        await self.until(self.heard, lambda count: count > before)
        await self.rest()

    def hang_up(self):
        if self.phone is not None:
            self.seen += self.phone.shows()
            self.phone.hang_up()
            self.phone = None

    def shows(self, number):
        now = self.phone.shows() if self.phone else []
        return [text for whose, text in [*self.seen, *now] if whose == number]

    async def presses(self, number, word):
        """The digit that the last text offers for this."""
        found = re.search(rf"回(\d+)[^，]*(?:{word})", self.shows(number)[-1])
        assert found, self.shows(number)
        await self.says(number, found[1])

    # -- what the desk knows

    async def rows(self, kind, /, **where):
        return await self.desk.store.read(lambda tx: tx.find(kind, order="id", **where))

    async def heard(self):
        read = await self.rows(InboxRow, state=("done", "dead"))
        return sum(row.external_id.startswith("fake:") for row in read)

    async def ticket(self):
        return (await self.rows(Ticket))[-1]

    async def ringing(self):
        offer = (await self.rows(Offer, state="open"))[-1]
        return (await self.desk.store.read(lambda tx: tx.get(Person, offer.person_id))).phone

    def other_than(self, engineer):
        """The telephone of an engineer who was not asked."""
        return next(phone for phone in ENGINEERS if phone != engineer)

    async def until(self, look, enough):
        async with asyncio.timeout(PATIENCE):
            while not enough(await look()):  # noqa: ASYNC110  other processes set no event
                await asyncio.sleep(0.03)

    # -- time

    async def time_passes(self, **amount):
        """From deadline to deadline, as far as the clock is put forward."""
        until = self.clock.offset + timedelta(**amount)
        while True:
            due = await self.desk.store.read(lambda tx: tx.ask("next_timer")[0]["due_at"])
            if due is None or due - datetime.now(UTC) > until:
                break
            self.clock.offset = max(self.clock.offset, due - datetime.now(UTC))
            await self.rest()
        self.clock.offset = until
        await self.rest()

    async def rest(self):
        await timers.sweep(self.desk)
        self.program.wake()
        await self.until(self.unfinished, lambda letters: not letters)

    async def unfinished(self):
        """Letters that are due, or accepted by Kannel and not yet reported as delivered."""
        now = self.clock.now()
        on_their_way = await self.rows(OutboxRow, state=("pending", "claimed", "sending"))
        undelivered = await self.rows(OutboxRow, state="sent") if self.phone else []
        return [r for r in on_their_way if not r.next_at or r.next_at <= now] + undelivered


@pytest.fixture
async def story(tmp_path):
    kannel.needed()
    [port] = kannel.free_ports(1)
    server = KannelServer(tmp_path, f"http://127.0.0.1:{port}/hooks/sms/kannel/{TOKEN}")
    await asyncio.to_thread(server.start)
    section = Sms(
        name="kannel", kind="kannel", token=SecretStr(TOKEN), url=server.gateway.url,
        username="desk", password=SecretStr("secret"), sender=kannel.OURS,
    )  # fmt: skip
    settings = Settings(
        database=f"sqlite:///{tmp_path}/desk.db", files=str(tmp_path / "files"),
        http=Http(port=port, public_url=f"http://127.0.0.1:{port}"), sms=(section,),
    )  # fmt: skip
    clock = TrialClock()
    clock.offset = START - datetime.now(UTC)
    program = Program(settings, now=clock.now)
    await program.open()
    await program.load_sheet(EXAMPLE.read_text("utf-8"))
    add_sms(program, settings.sms)
    program.routes = [on_the_desks_clock(route, clock) for route in program.routes]
    await program.start()
    told = Story(program, clock, server)
    yield told
    told.hang_up()
    await program.stop()
    await asyncio.to_thread(server.stop)


async def once_each(story):
    """Every letter is on its telephone, delivered, and none is there twice."""
    story.hang_up()
    letters = await story.rows(OutboxRow, channel="sms")
    assert {letter.state for letter in letters} == {"delivered"}
    shown = Counter(story.seen)
    for letter in letters:
        words = say(
            letter.kind, letter.params, language=letter.language, context="sms", zone=letter.zone
        )
        mine = next(one for one in shown if one[0] == letter.address and one[1].startswith(words))
        shown -= Counter([mine])
    assert not shown


async def did(story):
    return Counter(step.action for step in await story.rows(Step))


async def test_from_one_long_text_to_five_stars_with_the_gateway_away_in_between(story):
    await story.says(USER, LONG)
    first = await story.ringing()
    await story.presses(first, "拒")
    await story.presses(first, "不熟")
    engineer = await story.ringing()
    assert engineer != first
    await story.presses(engineer, "接单")
    number = (await story.ticket()).number

    story.hang_up()
    await story.time_passes(minutes=15)  # no network: the gateway takes letters and keeps them
    await asyncio.to_thread(story.server.stop)
    away = len(await story.rows(OutboxRow))
    await story.time_passes(minutes=11)  # no gateway: the desk keeps them
    assert len(await story.rows(OutboxRow)) > away
    await asyncio.to_thread(story.server.start)

    await story.says(USER, MORE)
    assert any(MORE in text for text in story.shows(engineer))
    await story.says(USER, number)
    assert number in story.shows(USER)[-1]
    await story.says(engineer, f"到达 {number}")
    await story.says(engineer, f"完成 {number}")
    await story.says(engineer, "换了电源线，开机正常")
    await story.says(USER, "１。")
    await story.time_passes(days=1)
    await story.says(USER, "５")

    [ticket] = await story.rows(Ticket)
    [survey] = await story.rows(Survey)
    once = await did(story)
    assert (ticket.status, ticket.symptom, survey.score) == ("closed", LONG, 5)
    assert [once[a] for a in ("decline", "accept", "arrive", "resolve", "confirm")] == [1] * 5
    await once_each(story)


def give(tx, code, pin):
    """Every site a spoken code, every person a PIN."""
    tx.update_where(Site, {"active": True}, spoken_code=code)
    tx.update_where(Person, {"provisional": False}, pin_hash=pins.pin_hash(pin))
    tx.next(CHANGES)


async def test_wrong_pin_wrong_code_parts_not_fixed_and_two_ways_to_cancel(story):
    await story.desk.store.write(lambda tx: give(tx, "4711", "9315"))
    await story.says(USER, DEAD_TILL)
    engineer = await story.ringing()
    number = (await story.ticket()).number
    await story.presses(engineer, "接单")
    statuses = []

    async def then(who, text):
        await story.says(who, text)
        statuses.append((await story.ticket()).status)

    await then(story.other_than(engineer), f"出发 {number} PIN 0000")
    await then(engineer, f"出发 {number} PIN 9315")
    await then(engineer, f"到达 {number} 0000")
    await then(engineer, f"ARR {number} 4711")
    await story.says(engineer, f"未解决 {number}")
    await story.presses(engineer, "(?:备件|配件)")
    await then(engineer, "缺电源板，订单8817，明天14:00到货")
    await then(engineer, f"继续 {number}")
    await then(engineer, f"完成 {number} 换了电源")
    await story.presses(USER, "还没好")
    statuses.append((await story.ticket()).status)
    await then(USER, f"取消 {number}")
    await then(USER, "天河 三楼财务 打印机卡纸")
    await then(USER, f"取消 {(await story.ticket()).number}")

    assert statuses == [
        "accepted", "en_route", "en_route", "arrived", "waiting_parts", "working", "resolved",
        "escalated", "escalated", "new", "cancelled",
    ]  # fmt: skip
    await once_each(story)
