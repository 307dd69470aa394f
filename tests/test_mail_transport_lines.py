"""Lines and literals reach the library's commands as if it had read them itself."""

import asyncio
from itertools import pairwise

import pytest
from aioimaplib.aioimaplib import (
    SELECTED,
    Command,
    FetchCommand,
    IdleCommand,
    IMAP4ClientProtocol,
    Response,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail.lines import Client

MAILS = [b"Subject: a\r\n\r\n(one\r\n", b"", b"Subject: {3}\r\n\r\n* 2 FETCH (\r\n)" * 40]
ONE = b'* %d FETCH (UID 9 FLAGS (\\Seen) BODY[] {%d}\r\n%b INTERNALDATE "x")\r\n'
FETCHED = b"".join(ONE % (n, len(mail), mail) for n, mail in enumerate(MAILS))
NEWS = b"* 7 EXISTS\r\n* 9 EXPUNGE\r\n"
END = b"A1 OK done\r\n"


def ours() -> IMAP4ClientProtocol:
    client = Client.__new__(Client)
    client.create_client("127.0.0.1", 1, asyncio.get_running_loop())
    client._client_task.cancel()
    return client.protocol


def answered(protocol: IMAP4ClientProtocol, command: Command, pieces: list[bytes]) -> Response:
    protocol.state = SELECTED
    protocol.pending_async_commands[command.untagged_resp_name] = command
    for piece in pieces:
        protocol.data_received(piece)
    return command.response


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(whole), *(place % len(whole) for place in places)})
    return [whole[a:b] for a, b in pairwise(ends)]


@settings(max_examples=60, deadline=None)
@given(places=st.lists(st.integers(min_value=0), max_size=30))
def test_wherever_the_network_cuts_it_an_answer_is_the_same(places):
    async def both() -> None:
        whole = NEWS + FETCHED + NEWS + END
        theirs = IMAP4ClientProtocol(asyncio.get_running_loop())
        expected = answered(theirs, FetchCommand("A1"), [whole])
        read = answered(ours(), FetchCommand("A1"), cut(whole, places))
        assert read == expected
        assert [bytes(line) for line in read.lines if isinstance(line, bytearray)] == MAILS

    asyncio.run(both())


async def test_a_literal_in_the_answer_to_another_command_is_read():
    whole = b'* LIST () "/" {5}\r\na)(b(\r\n* LIST () "/" c\r\n' + END
    read = answered(ours(), Command("LIST", "A1"), [whole])
    assert (read.result, len(read.lines)) == ("OK", 4)


@pytest.mark.parametrize("places", [[], [5], [13], [20]])
async def test_news_while_we_wait_is_told_once_it_is_whole(places):
    protocol = ours()
    idle = protocol.pending_sync_command = IdleCommand("A1", protocol.idle_queue)
    answered(protocol, idle, cut(NEWS, places))
    told = []
    while not protocol.idle_queue.empty():
        told += protocol.idle_queue.get_nowait()
    assert told == [b"7 EXISTS", b"9 EXPUNGE"]
