"""What a mail server says, or fails to say, decides what the outbox does next."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.mail.layout import Content
from channels.mail.sender import SmtpChannel
from channels.mail.sessions import LETTERS
from channels.mail.settings import SmtpSettings
from channels.mail.tokens import Signer
from core.errors import Unclear, Undeliverable
from core.messages import Letter
from tests.mail_servers.certificate import certificate, server_tls
from tests.mail_servers.smtp import ScriptedSmtp, scripted_smtp, smtp_sink
from tests.mail_servers.store import eventually

SIGNER = Signer(instance="desk.test", keys=(b"0123456789abcdef",))
LETTER = Letter(
    id=1,
    person_id=1,
    channel="mail",
    address="wang@example.com",
    language="zh_CN",
    zone="Asia/Shanghai",
    kind="ticket_opened",
    params={},
    ticket="100427",
    reference="letter-1",
)
PLAIN = Content(subject="打印机", paragraphs=("已受理",))
ACKNOWLEDGEMENT = replace(PLAIN, acknowledgement=True)


class Desk:
    """The channel under test, and what it told the rest of the desk."""

    def __init__(self, port: int, content: Content = PLAIN, **given: Any) -> None:
        usual = SmtpSettings(address="desk@desk.test", host="127.0.0.1", port=port, tls="none")
        self.content = content
        self.alerts: list[str] = []
        self.time = 0.0
        self.channel = SmtpChannel(
            replace(usual, **given),
            SIGNER,
            self.compose,
            lambda: datetime(2026, 11, 22, tzinfo=UTC),
            alert=self.alert,
            monotonic=lambda: self.time,
        )

    async def compose(self, letter: Letter) -> Content:
        return self.content

    async def alert(self, kind: str, params: object) -> None:
        self.alerts.append(kind)

    async def refused(self, letter: Letter = LETTER) -> Undeliverable:
        with pytest.raises(Undeliverable) as refusal:
            await self.channel.send(letter)
        return refusal.value


@pytest.fixture
async def server() -> AsyncIterator[ScriptedSmtp]:
    async with scripted_smtp() as server:
        yield server


@pytest.fixture
def desk(server) -> Desk:
    return Desk(server.port)


async def test_a_letter_arrives_under_the_id_that_its_receipt_names():
    async with smtp_sink() as sink:
        receipt = await Desk(sink.port).channel.send(LETTER)
    (mail,) = sink.mails()
    assert mail["Message-ID"] == f"<{receipt.id}>"
    assert SIGNER.ours(receipt.id) == "100427"
    assert SIGNER.ticket_of(mail["Reply-To"].addresses[0].addr_spec) == "100427"


async def test_a_second_try_carries_the_same_id():
    async with smtp_sink() as sink:
        desk = Desk(sink.port)
        await desk.channel.send(LETTER)
        await desk.channel.send(replace(LETTER, attempts=1, repeated=True))
    first, second = sink.mails()
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # aiosmtpd does not see its own socket's TLS
@pytest.mark.parametrize(("tls", "implicit"), [("starttls", False), ("implicit", True)])
async def test_mail_leaves_encrypted_and_logged_in(tls, implicit):
    async with smtp_sink(server_tls(), implicit=implicit, login=True) as sink:
        desk = Desk(sink.port, tls=tls, cafile=certificate()[0], user="desk", password="secret")
        await desk.channel.send(LETTER)
    assert len(sink.got) == 1


async def test_a_certificate_nobody_vouches_for_stops_the_channel():
    async with smtp_sink(server_tls()) as sink:
        desk = Desk(sink.port, tls="starttls", password="secret")
        refusal = await desk.refused()
    assert not refusal.permanent
    assert (desk.alerts, sink.got) == (["smtp_tls_failed"], [])


async def test_a_server_stripped_of_starttls_gets_no_mail_in_clear_text(server):
    desk = Desk(server.port, tls="starttls", password="secret")
    assert not (await desk.refused()).permanent
    assert desk.alerts == ["smtp_tls_failed"]
    assert not [line for line in server.log if not line.startswith("EHLO")]


async def test_a_wrong_password_stops_the_channel_and_is_told_once(server):
    server.replies["AUTH"] = ["535 5.7.8 bad credentials"] * 9
    desk = Desk(server.port, password="wrong")
    assert (await desk.refused()).retry_after == 900
    dialled = len(server.log)
    desk.time = 899
    assert (await desk.refused()).retry_after == 1
    assert len(server.log) == dialled
    desk.time = 901
    await desk.refused()
    assert desk.alerts == ["smtp_login_refused"]


async def test_a_login_that_fails_for_now_stops_nothing(server):
    server.replies["AUTH"] = ["454 4.3.0 try again"]
    desk = Desk(server.port, password="secret")
    assert not (await desk.refused()).permanent
    await desk.channel.send(LETTER)
    assert desk.alerts == []


@pytest.mark.parametrize("step", ["EHLO", "MAIL", "RCPT"])
async def test_a_connection_cut_before_the_text_leaves_no_doubt(server, desk, step):
    server.replies[step] = ["cut", "cut"]
    assert not (await desk.refused()).permanent
    assert server.accepted == []


@pytest.mark.parametrize(
    ("reply", "permanent", "dead"),
    [
        ("450 4.2.1 busy", False, False),
        ("550 5.1.1 no such user", True, True),
        ("550 no such user", True, True),
        ("552 5.2.2 mailbox full", True, False),
        ("550 5.7.1 policy", True, False),
    ],
)
async def test_a_refused_recipient_is_judged_by_the_reply(server, desk, reply, permanent, dead):
    server.replies["RCPT"] = [reply]
    refusal = await desk.refused()
    assert (refusal.permanent, refusal.address_dead) == (permanent, dead)
    assert server.accepted == []


@pytest.mark.parametrize(
    ("reply", "permanent"), [("451 4.3.0 later", False), ("554 5.6.0 no", True)]
)
async def test_a_refused_text_was_not_accepted(server, desk, reply, permanent):
    server.replies["END"] = [reply]
    assert (await desk.refused()).permanent is permanent


async def test_a_server_gone_after_the_final_dot_has_the_mail_perhaps(server, desk):
    server.replies["END"] = ["cut"]
    with pytest.raises(Unclear):
        await desk.channel.send(LETTER)
    assert len(server.accepted) == 1


async def test_no_answer_to_the_final_dot_within_its_time_is_unclear(server):
    server.delay = 0.3
    desk = Desk(server.port, final_answer=0.1)
    with pytest.raises(Unclear):
        await desk.channel.send(LETTER)


async def test_a_slow_answer_within_its_time_is_an_acceptance(server):
    server.delay = 0.3
    desk = Desk(server.port, step=0.1, final_answer=5)
    assert (await desk.channel.send(LETTER)).id


async def test_nonsense_after_the_final_dot_is_unclear(server, desk):
    server.replies["END"] = ["what?"]
    with pytest.raises(Unclear):
        await desk.channel.send(LETTER)


@pytest.mark.parametrize(
    ("step", "reply"),
    [("CONNECT", "421 too many"), ("RCPT", "421 slow down"), ("END", "451 4.7.0 rate limited")],
)
async def test_a_server_that_asks_for_a_rest_gets_it(server, desk, step, reply):
    server.replies[step] = [reply]
    assert (await desk.refused()).retry_after == 300
    dialled = len(server.log)
    assert (await desk.refused()).retry_after == 300
    assert len(server.log) == dialled
    desk.time = 301
    await desk.channel.send(LETTER)


async def test_one_domain_gets_so_many_letters_a_minute_and_the_others_go_on(server):
    desk = Desk(server.port, per_domain=2)
    await desk.channel.send(LETTER)
    desk.time = 20
    await desk.channel.send(LETTER)
    assert (await desk.refused()).retry_after == 40
    await desk.channel.send(replace(LETTER, address="li@other.example"))
    desk.time = 60
    await desk.channel.send(LETTER)


async def test_an_acknowledgement_bounces_to_nobody(server):
    await Desk(server.port, ACKNOWLEDGEMENT).channel.send(LETTER)
    assert [line for line in server.log if line.startswith("MAIL FROM:<>")]


async def test_a_server_that_refuses_the_null_sender_gets_the_account(server):
    server.replies["MAIL"] = ["553 5.7.1 sender must be the account"]
    desk = Desk(server.port, ACKNOWLEDGEMENT)
    await desk.channel.send(LETTER)
    await desk.channel.send(replace(LETTER, reference="letter-2"))
    senders = [line.split()[1] for line in server.log if line.startswith("MAIL")]
    assert senders == ["FROM:<>", "FROM:<desk@desk.test>", "FROM:<desk@desk.test>"]
    assert desk.alerts == []


async def test_what_comes_back_has_an_address_of_its_own_for_each_letter(server, desk):
    receipt = await desk.channel.send(LETTER)
    (sender,) = [line.split()[1] for line in server.log if line.startswith("MAIL")]
    assert SIGNER.returned(sender.removeprefix("FROM:")) == receipt.id


async def test_a_server_that_refuses_such_addresses_gets_the_account(server, desk):
    server.replies["MAIL"] = ["553 5.7.1 sender must be the account"]
    await desk.channel.send(LETTER)
    await desk.channel.send(replace(LETTER, reference="letter-2"))
    senders = [line.split()[1] for line in server.log if line.startswith("MAIL")]
    assert senders[1:] == ["FROM:<desk@desk.test>"] * 2
    assert desk.alerts == []


async def test_a_provider_without_plus_addresses_gets_the_account(server):
    await Desk(server.port, plus=False).channel.send(LETTER)
    assert [line for line in server.log if line.startswith("MAIL FROM:<desk@desk.test>")]


async def test_a_sender_refused_for_good_is_told_to_the_supervisor(server, desk):
    server.replies["MAIL"] = ["553 5.7.1 not yours"] * 2
    refusal = await desk.refused()
    assert (refusal.permanent, refusal.address_dead) == (True, False)
    assert desk.alerts == ["smtp_sender_refused"]


async def test_an_address_beyond_ascii_needs_a_server_that_takes_it(server, desk):
    refusal = await desk.refused(replace(LETTER, address="小王@example.com"))
    assert refusal.permanent
    assert not [line for line in server.log if line.startswith("MAIL")]


async def test_an_address_beyond_ascii_goes_out_where_it_can():
    async with smtp_sink() as sink:
        await Desk(sink.port).channel.send(replace(LETTER, address="小王@例子.公司"))
    assert sink.got[0].rcpt_tos == ["小王@xn--fsqu00a.xn--55qx5d"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "wang",
        "wang@",
        "a b@example.com",
        "w@example.com>\r\nRCPT TO:<x@y.z",
        "w@x@y,z@w",
        "\ue1bc@example.com",
    ],
)
async def test_what_is_no_address_never_reaches_the_line(server, desk, address):
    refusal = await desk.refused(replace(LETTER, address=address))
    assert (refusal.permanent, refusal.address_dead) == (True, True)
    assert server.log == []


@asynccontextmanager
async def tending(desk: Desk) -> AsyncIterator[None]:
    task = asyncio.create_task(desk.channel.sessions.tend())
    await asyncio.sleep(0)
    yield
    task.cancel()
    await asyncio.wait({task})


@pytest.fixture
async def tended(desk) -> AsyncIterator[Desk]:
    async with tending(desk):
        yield desk


async def test_letters_that_follow_soon_share_a_session_and_not_for_ever(server, tended):
    for _ in range(LETTERS + 1):
        await tended.channel.send(LETTER)
    assert len(server.accepted) == LETTERS + 1
    verbs = [line.split()[0] for line in server.log]
    assert (verbs.count("EHLO"), verbs.count("QUIT")) == (2, 1)


@pytest.mark.parametrize("silence", ["cut", "421 4.4.2 you were silent too long"])
async def test_a_session_that_its_server_left_meanwhile_costs_nothing(server, tended, silence):
    await tended.channel.send(LETTER)
    server.replies["RSET"] = [silence]
    await tended.channel.send(replace(LETTER, reference="letter-2"))
    assert len(server.accepted) == 2
    assert tended.channel.rests_for == 0


async def test_a_session_in_which_a_letter_was_refused_is_not_used_again(server, tended):
    server.replies["RCPT"] = ["550 5.1.1 nobody"]
    await tended.refused()
    await tended.channel.send(LETTER)
    assert [line for line in server.log if line.startswith(("EHLO", "RSET"))] == [
        "EHLO desk.test"
    ] * 2


async def test_a_session_that_no_letter_needs_is_left(server, monkeypatch):
    monkeypatch.setattr("channels.mail.sessions.REST", 0.01)
    desk = Desk(server.port)
    async with tending(desk):
        await desk.channel.send(LETTER)
        await eventually(lambda: server.log[-1] == "QUIT")


@pytest.mark.parametrize(
    "given",
    [{"host": "smtp.163.com"}, {"address": "desk"}, {"address": "d@x\r\nBcc: y@z"}],
)
def test_settings_that_would_leak_are_refused(given):
    with pytest.raises(ValueError, match=r"."):
        Desk(25, **given)
