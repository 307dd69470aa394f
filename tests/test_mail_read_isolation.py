"""The reader's worker processes: one mail that kills its worker costs nobody else anything."""

import asyncio
import os
import signal

import pytest

from channels.mail.isolate import Reader, Unreadable
from channels.mail.parse import parse

RAW = "Subject: 报修\r\nMessage-ID: <1@x>\r\n\r\n打印机坏了".encode()
# Decoding it takes some 0.1 s: long for a reader that is given a hundredth.
SLOW = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=3D=\r\n" * 3_000_000


async def test_a_worker_reads_what_the_parser_reads():
    async with Reader(workers=1) as reader:
        assert await reader.read(RAW) == parse(RAW)


async def test_many_mails_are_read_in_any_order():
    raws = [b"Subject: %d\r\n\r\nx" % number for number in range(50)]
    async with Reader(workers=2) as reader:
        mails = await asyncio.gather(*map(reader.read, raws))
    assert [mail.subject for mail in mails] == [str(number) for number in range(50)]


async def test_a_mail_that_takes_too_long_is_given_up_and_the_next_is_read():
    async with Reader(workers=1, seconds=0.05) as reader:
        with pytest.raises(Unreadable, match="took longer"):
            await reader.read(SLOW)
        assert (await reader.read(RAW)).subject == "报修"


async def test_a_mail_that_takes_too_much_memory_is_given_up_and_the_next_is_read():
    async with Reader(workers=1, seconds=30, memory=96 * 1024 * 1024) as reader:
        with pytest.raises(Unreadable):
            await reader.read(SLOW * 2)
        assert (await reader.read(RAW)).subject == "报修"


async def test_a_worker_that_dies_is_replaced():
    async with Reader(workers=1) as reader:
        await reader.read(RAW)
        (worker,) = reader._hired
        os.kill(worker._process.pid, signal.SIGSTOP)
        reading = asyncio.create_task(reader.read(RAW))
        await asyncio.sleep(0)
        os.kill(worker._process.pid, signal.SIGKILL)
        with pytest.raises(Unreadable, match="died"):
            await reading
        assert (await reader.read(RAW)).subject == "报修"


async def test_whoever_stops_waiting_frees_the_seat():
    async with Reader(workers=1) as reader:
        await reader.read(RAW)
        reading = asyncio.create_task(reader.read(SLOW))
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert (await reader.read(RAW)).subject == "报修"


async def test_no_worker_outlives_its_reader():
    async with Reader(workers=2) as reader:
        await asyncio.gather(*map(reader.read, [RAW] * 4))
        workers = list(reader._hired)
    assert [worker.lives for worker in workers] == [False] * len(workers)
