"""The SMS channel against a real Kannel: Chinese both ways, long texts, reports, outages."""

import asyncio
import contextlib
from dataclasses import replace
from urllib.parse import unquote_to_bytes, urlsplit

import httpx
import pytest

from channels.sms.hook import reader
from channels.sms.probes import probe
from channels.sms.sender import Account, SmsChannel
from core.errors import Undeliverable
from core.messages import Inbound, Letter
from tests.sms_servers import kannel
from tests.sms_servers.golden import NOW, PHONE, TOKEN
from tests.sms_servers.kannel import KannelServer, Phone
from tests.sms_servers.server import FakeInbox, app, serving

pytestmark = pytest.mark.kannel
CHINESE = "打印机坏了😀，三楼财务室"


class Desk:
    """A hook on a fixed port that can be closed and opened again, and a sender."""

    def __init__(self, kannel):
        self.kannel = kannel
        self.inbox = FakeInbox()
        self.open = contextlib.AsyncExitStack()

    async def listen(self):
        application = app(self.inbox.keep, [self.kannel.gateway])
        await self.open.enter_async_context(
            serving(application, port=urlsplit(self.kannel.hook).port)
        )

    async def close(self):
        await self.open.aclose()

    async def send(self, text, reference):
        letter = Letter(
            id=1, person_id=1, channel="sms", address=PHONE, language="zh_CN",
            zone="Asia/Shanghai", kind="x", params={}, reference=reference,
        )  # fmt: skip

        async def render(letter):
            return text

        async def counts(number, template, since):
            return 0

        async with httpx.AsyncClient() as http:
            sms = SmsChannel(
                accounts=[Account(gateway=self.kannel.gateway)], client=http, render=render,
                counts=counts, now=lambda: NOW,
            )  # fmt: skip
            return await sms.send(letter)

    def heard(self, kind=Inbound):
        read = reader([self.kannel.gateway])
        return [
            news for row in self.inbox.rows.values() if isinstance(news := read(row.body), kind)
        ]

    def reports(self, reference):
        return [
            news.state for news in self.heard(object) if getattr(news, "receipt", "") == reference
        ]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    kannel.needed()
    [port] = kannel.free_ports(1)
    hook = f"http://127.0.0.1:{port}/hooks/sms/kannel/{TOKEN}"
    server = KannelServer(tmp_path_factory.mktemp("kannel"), hook)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def desk(server):
    desk = Desk(server)
    await desk.listen()
    yield desk
    await desk.close()


@pytest.fixture
def phone(desk):
    with contextlib.ExitStack() as phones:

        def take(text=""):
            one = Phone(desk.kannel, text)
            phones.callback(one.hang_up)
            return one

        yield take


async def until(condition, seconds=40):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  other processes set no event of ours
            await asyncio.sleep(0.05)


async def test_a_chinese_text_arrives_and_is_not_answered_by_the_hook(desk, phone):
    telephone = phone(CHINESE)
    await until(desk.heard)
    await asyncio.sleep(0.3)
    [inbound] = desk.heard()
    assert (inbound.text, inbound.sender, telephone.received()) == (CHINESE, PHONE, [])


async def test_a_long_text_arrives_whole(desk, phone):
    phone(CHINESE * 20)
    await until(desk.heard)
    assert desk.heard()[0].text == CHINESE * 20


async def test_a_long_text_leaves_in_parts_and_reports_come_back(desk, phone):
    telephone = phone()
    await asyncio.sleep(0.3)
    receipt = await desk.send("工单" * 100, "long")
    await until(lambda: len(telephone.received()) == 3)
    await until(lambda: {"accepted", "delivered"} <= set(desk.reports("long")))
    assert (receipt.id, receipt.final) == ("kannel:long", False)


async def test_chinese_reaches_the_telephone_as_it_was_written(desk, phone):
    telephone = phone()
    await asyncio.sleep(0.3)
    await desk.send("单号100427已受理😀", "short")
    await until(telephone.received)
    said = telephone.received()[0].rpartition("ucs-2 ")[2].strip(" >'\"")
    assert unquote_to_bytes(said.replace("+", " ")).decode("utf-16-be") == "单号100427已受理😀"


async def test_what_is_said_while_the_desk_is_down_arrives_once_when_it_is_back(desk, phone):
    await desk.close()
    for text in ("打印机坏了", "三楼"):
        telephone = phone(text)
        await until(telephone.has_spoken)
        telephone.hang_up()  # the fake operator knows one telephone at a time
    await desk.listen()
    await until(lambda: len(desk.heard()) == 2)
    await asyncio.sleep(1.2)
    assert sorted(one.text for one in desk.heard()) == ["三楼", "打印机坏了"]


async def test_a_busy_storage_loses_and_doubles_nothing(desk, phone):
    desk.inbox.busy = True
    phone("打印机坏了")
    await asyncio.sleep(1.2)
    desk.inbox.busy = False
    await until(desk.heard)
    assert [one.text for one in desk.heard()] == ["打印机坏了"]


async def test_a_gateway_that_was_away_delivers_each_letter_once(desk, phone):
    await asyncio.to_thread(desk.kannel.stop)
    with pytest.raises(Undeliverable) as refused:
        await desk.send("第一条", "away")
    await asyncio.to_thread(desk.kannel.start)
    queued = await desk.send("第一条", "away")  # no telephone network yet: Kannel queues it
    telephone = phone()
    await until(telephone.received)
    await until(lambda: "delivered" in desk.reports("away"))
    await asyncio.sleep(0.3)
    assert (refused.value.permanent, queued.id, len(telephone.received())) == (
        False, "kannel:away", 1,
    )  # fmt: skip


@pytest.mark.parametrize(("password", "known"), [("secret", True), ("wrong", False)])
async def test_it_can_be_asked_whether_it_knows_us_without_sending(desk, phone, password, known):
    telephone = phone()
    async with httpx.AsyncClient() as http:
        verdict = await probe(replace(desk.kannel.gateway, password=password), http, NOW)
    assert (verdict.ok, telephone.received()) == (known, [])
