"""Each provider's door against what the world may send: nothing forged or doubled, no harm."""

import asyncio
import os
from dataclasses import replace
from datetime import timedelta

import httpx
import psutil
import pytest

from channels.sms import hook
from core import inbox
from core.rows import InboxRow
from tests.scenario import a_desk
from tests.sms_servers import golden
from tests.sms_servers.golden import ALL, NOW, TWILIO, UNSIGNED, message
from tests.sms_servers.server import FakeInbox, app, at_once, call, client, serving
from tests.test_sms_hook import raw_call

each = pytest.mark.parametrize("gateway", ALL, ids=lambda gateway: gateway.name)
MEGABYTE = 1024 * 1024
LARGE = ALL if os.environ.get("PAIDAN_SOAK") else ALL[:1]


@pytest.fixture
def kept():
    return FakeInbox()


def wrong_proof(request, gateway):
    """The call of somebody who knows the format, but neither the key nor the address."""
    if gateway in UNSIGNED:
        return replace(request, url=request.url.replace(golden.TOKEN, "x" * 22))
    headers = {
        name: value[:-1] + ("0" if value[-1] != "0" else "1") if "signature" in name else value
        for name, value in request.headers.items()
    }
    if "authorization" in headers:
        headers["authorization"] = headers["authorization"][:-4] + "0000"
    query = request.query[:-4] + "0000" if "sig=" in request.query else request.query
    url = request.url.replace(request.query, query) if query else request.url
    return replace(request, headers=headers, query=query, url=url)


@each
async def test_a_forged_call_is_not_stored(kept, gateway):
    forged = wrong_proof(message(gateway), gateway)
    assert forged != message(gateway)
    response = await call(client(app(kept.keep)), forged)
    assert (response.status_code in (401, 404), kept.rows) == (True, {})


@each
async def test_a_call_that_is_sent_again_later_changes_nothing(kept, gateway):
    """Within the age that its proof allows it is a repetition; beyond, it is refused."""
    moment = NOW
    http = client(app(kept.keep, now=lambda: moment))
    codes = []
    for later in (timedelta(), timedelta(minutes=4), timedelta(hours=2)):
        moment = NOW + later
        codes.append((await call(http, message(gateway))).status_code)
    ages = 200 if gateway in (*UNSIGNED, TWILIO) else 401  # Twilio's proof has no time in it
    assert (codes, len(kept.rows)) == ([200, 200, ages], 1)


def malformed(gateway):
    yield b"\x00\xff\xfe{{{", golden.FORM
    yield b'{"id":"1","id":"2"}', "application/json"
    yield b"a=1&a=2&%zz=%", golden.FORM
    yield b"[" * 50_000, "application/json"
    yield b"", "application/json"


@each
async def test_what_has_no_form_is_refused_and_not_stored_as_a_message(kept, gateway):
    [method, *_] = sorted(gateway.methods)
    http = client(app(kept.keep))
    for body, kind in malformed(gateway):
        request = golden.request(
            gateway, method=method, headers={"content-type": kind}, body=body, query="a=1&a=2"
        )
        assert (await call(http, request)).status_code in (400, 401)
    assert kept.rows == {}


def head(gateway, length):
    [method, *_] = sorted(gateway.methods)
    return (
        f"{method} {golden.path(gateway)} HTTP/1.1\r\nhost: desk.example.com\r\n"
        f"content-length: {length}\r\ncontent-type: application/json\r\n\r\n"
    ).encode()


async def test_ten_megabytes_for_every_provider_cost_no_memory(kept):
    chunks = [b"x" * 65_536] * (10 * MEGABYTE // 65_536)
    process = psutil.Process(os.getpid())
    async with serving(app(kept.keep)) as base:
        before = process.memory_info().rss
        sent = [raw_call(base, head(gateway, 10 * MEGABYTE), chunks) for gateway in ALL]
        answers = await asyncio.gather(*sent)
        grown = process.memory_info().rss - before
    assert {answer[:12] for answer in answers} <= {b"HTTP/1.1 413", b""}
    assert (grown < 20 * MEGABYTE, kept.rows) == (True, {})


async def test_slow_callers_at_every_door_keep_nobody_waiting(kept, monkeypatch):
    """One byte at a time, three of them at each door; other routes answer meanwhile."""
    monkeypatch.setattr(hook, "READ_DEADLINE", 0.5)
    async with serving(app(kept.keep)) as base, httpx.AsyncClient() as http:
        slow = [
            asyncio.create_task(raw_call(base, head(gateway, 500), [b"["] * 8, pause=0.1))
            for gateway in ALL * 3
        ]
        others = [await http.get(f"{base}/healthz") for _ in range(5)]
        still = sum(not task.done() for task in slow)
        answers = await asyncio.gather(*slow)
    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 408"}
    assert ([other.status_code for other in others], still) == ([200] * 5, len(slow))


async def test_a_thousand_repetitions_at_once_are_one_row_and_cost_no_memory(tmp_path):
    """In the same moment, and not one after the other: all of them are in the desk together."""
    process = psutil.Process(os.getpid())
    grown = []
    async with a_desk(tmp_path) as scenario:
        door = app(inbox.keeper(scenario.desk, lambda: None))
        for gateway in ALL:
            before = process.memory_info().rss
            codes = await at_once(door, message(gateway), 1000 if gateway in LARGE else 50)
            grown.append(process.memory_info().rss - before)
            assert set(codes) == {200}
        rows = await scenario.desk.store.read(lambda tx: tx.find(InboxRow))
    assert sorted(row.account for row in rows) == sorted(gateway.name for gateway in ALL)
    assert max(grown) < 20 * MEGABYTE
