"""The door of the web hooks: stored before answered, once, and nothing forged."""

import asyncio
import contextlib
import gzip
import json
import logging
import os
from dataclasses import replace
from ipaddress import ip_network

import httpx
import psutil
import pytest
from uvicorn.logging import AccessFormatter

from channels.sms import hook
from channels.sms.gateways.aliyun import Aliyun
from channels.sms.hook import HideTokens, Hook, reader
from channels.sms.wire import Unreadable
from core.messages import Inbound
from tests.sms_servers import golden
from tests.sms_servers.golden import (
    ALIYUN,
    ALL,
    CAPCOM6,
    DESK,
    GENERIC,
    HUAWEI,
    KANNEL,
    PHONE,
    TENCENT,
    TEXT,
    TOKEN,
    TWILIO,
    UNSIGNED,
    message,
)
from tests.sms_servers.server import FakeInbox, app, call, client, serving, statuses

each = pytest.mark.parametrize("gateway", ALL, ids=lambda gateway: gateway.name)
ANSWERS = {
    "kannel": (200, "text/plain; charset=utf-8", b""),
    "phone": (200, "text/plain; charset=utf-8", b""),
    "twilio": (200, "text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response/>'),
    "vonage": (200, "text/plain; charset=utf-8", b""),
    "aliyun": (200, "application/json", '{"code":0,"msg":"接收成功"}'.encode()),
    "tencent": (200, "application/json", b'{"result":0,"errmsg":"OK"}'),
    "huawei": (200, "application/json", b"{}"),
    "generic": (200, "application/json", b"{}"),
}


@pytest.fixture
def inbox():
    return FakeInbox()


@pytest.fixture
def http(inbox):
    return client(app(inbox.keep))


def said(response):
    kind = response.headers["content-type"].replace("json; charset=utf-8", "json")
    return response.status_code, kind.replace("xml; charset=utf-8", "xml"), response.content


@each
async def test_the_first_call_and_its_repetition_get_the_same_yes(http, gateway):
    first, again = [await call(http, message(gateway)) for _ in range(2)]
    assert said(first) == said(again) == ANSWERS[gateway.name]


@each
async def test_a_repeated_call_is_stored_once(http, inbox, gateway):
    for _ in range(3):
        await call(http, message(gateway))
    assert len(inbox.rows) == 1


@each
async def test_what_was_stored_is_read_back_as_it_was_said(http, inbox, gateway):
    await call(http, message(gateway))
    [inbound] = inbox.read()
    [direct] = gateway.parse(message(gateway))
    assert inbound == direct


@each
async def test_nothing_is_confirmed_that_is_not_stored(http, inbox, gateway):
    inbox.busy = True
    response = await call(http, message(gateway))
    assert (response.status_code, response.content) == (503, b"")


@each
async def test_no_token_and_no_signature_is_stored(http, inbox, gateway):
    request = message(gateway)
    await call(http, request)
    [row] = inbox.rows.values()
    proofs = [TOKEN, "authorization", "signature", request.headers.get("x-signature", TOKEN)]
    assert not [proof for proof in proofs if proof.encode() in row.body.lower()]


@pytest.mark.parametrize(
    "token", ["", "x" * 22, TOKEN[:-1], TOKEN + "a", "%E6%B4%BE", "%FF", "a/b"]
)
async def test_a_wrong_token_opens_nothing(http, inbox, token):
    request = message(ALIYUN)
    forged = replace(request, url=request.url.replace(TOKEN, token))
    assert (await call(http, forged)).status_code == 404
    assert not inbox.rows


async def test_an_unknown_gateway_looks_like_a_wrong_token(http):
    wrong, unknown = [
        await http.post(f"/hooks/sms/{name}/{'x' * 22}") for name in ("aliyun", "nobody")
    ]
    assert (wrong.status_code, wrong.content) == (unknown.status_code, unknown.content)


@pytest.mark.parametrize(
    "gateway", [one for one in ALL if one not in UNSIGNED], ids=lambda gateway: gateway.name
)
async def test_a_forged_call_gets_401_and_no_word(http, inbox, gateway):
    request = message(gateway)
    forged = replace(
        request,
        body=request.body.replace(b"8000", b"8001"),
        query=request.query.replace("8000", "8001"),
        url=request.url.replace("8000", "8001"),
    )
    response = await call(http, forged)
    assert (response.status_code, response.content, inbox.rows) == (401, b"", {})


async def test_a_call_from_elsewhere_than_the_list_is_refused(inbox):
    there = client(app(inbox.keep, allow=(ip_network("203.0.113.0/24"),)))
    here = client(app(inbox.keep, allow=(ip_network("127.0.0.0/8"),)))
    codes = [(await call(http, message(ALIYUN))).status_code for http in (there, here)]
    assert codes == [404, 200]


async def test_one_token_takes_only_so_many_calls(inbox):
    http = client(app(inbox.keep, [ALIYUN, TENCENT], rate=0.001, burst=3))
    codes = [(await call(http, message(ALIYUN))).status_code for _ in range(4)]
    other = (await call(http, message(TENCENT))).status_code
    assert (codes, other) == ([200, 200, 200, 429], 200)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_another_method_is_refused(http, method):
    assert (await http.request(method, golden.path(ALIYUN))).status_code == 405


async def test_a_compressed_body_is_refused_unread(http, inbox):
    bomb = golden.request(
        ALIYUN, headers={"content-encoding": "gzip"}, body=gzip.compress(b"[" * 10**6)
    )
    assert (await call(http, bomb)).status_code == 415


@pytest.mark.parametrize(
    ("gateway", "size", "status"),
    [(ALIYUN, 65_537, 413), (GENERIC, 65_537, 401), (GENERIC, 1_048_577, 413)],
)
async def test_a_body_beyond_the_limit_is_refused(http, gateway, size, status):
    response = await call(http, golden.request(gateway, body=b"x" * size))
    assert response.status_code == status


@pytest.mark.parametrize(
    ("gateway", "body"),
    [
        (ALIYUN, b'[{"sequence_id":"1","sequence_id":"2"}]'),
        (ALIYUN, b"\x00\xff"),
        (ALIYUN, b"[" * 60_000),
        (ALIYUN, json.dumps([0] * 501).encode()),
        (TENCENT, b"text=hello"),
    ],
)
async def test_malformed_json_is_400(http, inbox, gateway, body):
    response = await call(http, golden.request(gateway, body=body))
    assert (response.status_code, inbox.rows) == (400, {})


async def test_a_malformed_form_is_refused(http, inbox):
    request = golden.request(
        HUAWEI, headers={"content-type": golden.FORM}, body=b"&&%%=%zz&a=1&a=2"
    )
    assert (await call(http, request)).status_code in (400, 401)


async def test_one_odd_element_refuses_no_batch_and_is_kept_with_its_bytes(http, inbox):
    batch = [golden.aliyun_message("1"), {"odd": "打印机"}, golden.aliyun_message("2")]
    response = await call(http, golden.json_call(ALIYUN, batch))
    odd = [row for row in inbox.rows.values() if row.external_id.startswith("unreadable:")]
    assert (response.status_code, len(inbox.rows), len(odd)) == (200, 3, 1)
    assert "打印机".encode() in odd[0].body


async def test_a_stored_oddity_is_named_by_the_reader(http, inbox):
    await call(http, golden.json_call(ALIYUN, [7]))
    with pytest.raises(Unreadable):
        inbox.read()


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b'{"gateway":"x"}', b"\xff"])
def test_bytes_that_are_no_stored_hook_are_unreadable(raw):
    with pytest.raises(Unreadable):
        reader(ALL)(raw)


async def test_a_gateway_that_fails_on_an_element_does_not_lose_it(inbox, caplog):
    class Clumsy(Aliyun):
        def parse(self, request):
            raise ZeroDivisionError

    response = await call(client(app(inbox.keep, [Clumsy()])), message(ALIYUN))
    assert (response.status_code, len(inbox.rows)) == (200, 1)


async def test_the_same_text_under_two_ids_has_one_fingerprint(http, inbox):
    for key in ("1", "2"):
        await call(http, message(ALIYUN, key))
    first, second = inbox.rows.values()
    assert first.content_hash == second.content_hash != ""


async def test_messages_of_one_phone_are_worked_on_in_order(http, inbox):
    for gateway in (KANNEL, TENCENT):
        await call(http, message(gateway))
    assert {row.order_key for row in inbox.rows.values()} == {PHONE}


async def test_a_heartbeat_is_heard_and_not_stored(inbox):
    heard = []
    from starlette.applications import Starlette

    routes = hook.routes(
        [Hook(gateway=CAPCOM6, token=TOKEN)], inbox.keep, lambda: golden.NOW, public_url=DESK,
        heard=lambda name, at: heard.append(name),
    )  # fmt: skip
    ping = golden.capcom6_event(CAPCOM6, "system:ping", "e1", {"health": {}})
    await call(client(Starlette(routes=routes)), ping)
    assert (heard, inbox.rows) == (["phone"], {})


def test_a_token_that_can_be_guessed_stops_the_start():
    with pytest.raises(ValueError, match="128 bits"):
        Hook(gateway=ALIYUN, token="secret")


def test_neither_token_nor_text_reaches_the_access_log(caplog):
    logger = logging.getLogger("uvicorn.access")
    guard = HideTokens()
    logger.addFilter(guard)
    target = message(KANNEL).url.removeprefix(DESK)
    with caplog.at_level(logging.INFO, "uvicorn.access"):
        logger.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "GET", target, "1.1", 200)
    logger.removeFilter(guard)
    shown = AccessFormatter("%(request_line)s %(status_code)s").format(caplog.records[0])
    assert shown.startswith("GET /hooks/sms/kannel/*** HTTP/1.1 200")
    assert not [secret for secret in (TOKEN, "8000") if secret in caplog.text + shown]


async def test_refusals_are_logged_without_token_or_number(http, caplog):
    await call(http, replace(message(TWILIO), headers={}))
    assert "twilio" in caplog.text
    assert not [secret for secret in (TOKEN, "8000") if secret in caplog.text]


# --- over real HTTP ---


async def test_a_thousand_equal_calls_at_once_are_one_row(inbox):
    async with serving(app(inbox.keep)) as base:
        codes = await statuses(base, message(CAPCOM6), 1000, lanes=50)
    assert (len(codes), set(codes), len(inbox.rows)) == (1000, {200}, 1)


async def raw_call(base, head, chunks, pause=0.0):
    """What the server says to bytes that arrive one chunk at a time; b"" where it hangs up."""
    reader_, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))

    async def feed():
        with contextlib.suppress(ConnectionError):
            writer.write(head)
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
                await asyncio.sleep(pause)

    feeding = asyncio.create_task(feed())
    try:
        return await reader_.readuntil(b"\r\n")
    except (ConnectionError, asyncio.IncompleteReadError):
        return b""
    finally:
        feeding.cancel()
        writer.close()


def head(gateway, length):
    lines = [
        f"POST {golden.path(gateway)} HTTP/1.1", "host: desk.example.com",
        f"content-length: {length}", "content-type: application/json", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


async def test_a_slow_body_is_cut_and_keeps_nobody_waiting(inbox, monkeypatch):
    monkeypatch.setattr(hook, "READ_DEADLINE", 2)
    async with serving(app(inbox.keep)) as base, httpx.AsyncClient() as http:
        slow = [
            asyncio.create_task(raw_call(base, head(ALIYUN, 500), [b"["] * 30, pause=0.1))
            for _ in range(20)
        ]
        await asyncio.sleep(0.1)
        health = await http.get(f"{base}/healthz")
        quick = await call(http, message(ALIYUN), base)
        still_slow = not any(each.done() for each in slow)
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*slow)
    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 408"}
    assert (health.status_code, quick.status_code, still_slow) == (200, 200, True)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
async def test_ten_megabytes_are_refused_and_not_gathered(inbox, announced):
    size = 10 * 1024 * 1024
    chunk = b"x" * 65_536
    before = psutil.Process(os.getpid()).memory_info().rss
    async with serving(app(inbox.keep)) as base:
        if announced:
            answer = await raw_call(base, head(ALIYUN, size), [chunk] * (size // len(chunk)))
        else:
            chunked = head(ALIYUN, 0).replace(b"content-length: 0", b"transfer-encoding: chunked")
            framed = b"%x\r\n%b\r\n" % (len(chunk), chunk)
            answer = await raw_call(base, chunked, [framed] * (size // len(chunk)))
    grown = psutil.Process(os.getpid()).memory_info().rss - before
    assert answer[:12] in (b"HTTP/1.1 413", b"")  # or the connection is cut first
    assert (grown < 20 * 1024 * 1024, inbox.rows) == (True, {})


async def test_a_caller_who_hangs_up_in_the_middle_leaves_nothing(inbox):
    async with serving(app(inbox.keep)) as base, httpx.AsyncClient() as http:
        port = int(base.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(ALIYUN, 500) + b"[{")
        await writer.drain()
        writer.close()
        after = await call(http, message(ALIYUN), base)
    assert (after.status_code, len(inbox.rows)) == (200, 1)


async def test_a_signed_call_is_proven_behind_a_proxy_that_knows_our_public_name(inbox):
    async with serving(app(inbox.keep, [TWILIO])) as base, httpx.AsyncClient() as http:
        response = await call(http, message(TWILIO), base)
    [inbound] = inbox.read()
    assert (response.status_code, inbound.text, type(inbound)) == (200, TEXT, Inbound)
