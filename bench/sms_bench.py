"""How many web hooks of SMS gateways the desk stores a second, and how long each waits for its yes.

Run with `python -m bench.sms_bench`. A process of its own serves the hooks on loopback and commits
every call to SQLite before it answers; this one plays one gateway and then four at once.
"""

import asyncio
import multiprocessing
import tempfile
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter

import psutil

from channels.sms.wire import Gateway
from core.desk import Desk
from core.inbox import keeper
from core.storage import schema
from core.storage.sqlite import SqliteStore
from tests.sms_servers.golden import ALIYUN, CAPCOM6, KANNEL, NOW, TWILIO, message
from tests.sms_servers.kannel import free_ports, wait_for
from tests.sms_servers.server import app, serving, wire_bytes

FOUR: Sequence[Gateway] = (ALIYUN, CAPCOM6, TWILIO, KANNEL)
STEADY, SECONDS = 200, 8  # hooks a second, and for how long
AIM = 200  # ms: Aliyun gives up after 700
AT_ONCE, LANES = 2_000, 16  # hooks as fast as they are answered, and over how many connections


def serve(port: int, path: str) -> None:
    asyncio.run(_serve(port, path))


async def _serve(port: int, path: str) -> None:
    await schema.upgrade(f"sqlite:///{path}")
    store = SqliteStore(path)
    await store.open()
    desk = Desk(store=store, now=lambda: NOW, calendars={}, channels={})
    keep = keeper(desk, lambda: None)
    async with serving(app(keep, FOUR, rate=1e6, burst=10**6), port=port):
        await asyncio.Event().wait()


class Lane:
    """One connection of a gateway, which waits for each answer before its next call."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def call(self, sent: bytes) -> None:
        self.writer.write(sent)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await self.reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.split(b"\r\n")[0].decode())


def calls(gateways: Sequence[Gateway], run: str, count: int) -> list[bytes]:
    """Different messages, signed as each provider signs."""
    return [
        wire_bytes(message(gateway, f"{run}-{number}", f"打印机坏了 {run} {number}"))
        for number, gateway in enumerate(islice(cycle(gateways), count))
    ]


async def at_once(port: int, todo: list[bytes]) -> float:
    """Hooks a second when every gateway sends as soon as it is answered."""
    left = iter(todo)

    async def lane() -> None:
        line = Lane(*await asyncio.open_connection("127.0.0.1", port))
        for sent in left:
            await line.call(sent)
        line.writer.close()

    started = perf_counter()
    await asyncio.gather(*(lane() for _ in range(LANES)))
    return len(todo) / (perf_counter() - started)


async def steadily(port: int, todo: list[bytes]) -> list[float]:
    """Seconds from the moment each hook was due to its answer, at STEADY a second."""
    free: asyncio.Queue[Lane] = asyncio.Queue()
    for _ in range(LANES * 2):
        free.put_nowait(Lane(*await asyncio.open_connection("127.0.0.1", port)))
    started = perf_counter() + 0.1

    async def one(number: int, sent: bytes) -> float:
        due = started + number / STEADY
        await asyncio.sleep(max(0.0, due - perf_counter()))
        line = await free.get()
        await line.call(sent)
        free.put_nowait(line)
        return perf_counter() - due

    return sorted(await asyncio.gather(*(one(n, sent) for n, sent in enumerate(todo))))


async def measure(port: int, server: psutil.Process) -> None:
    """CPU time is what a busy machine does not distort."""
    print(
        f"{'gateways':>8} {'hooks/s':>9} {'CPU ms':>8} {'p50 ms':>8} {'p99 ms':>8}"
        f"   (CPU of the desk for each hook; p50, p99 at {STEADY}/s)"
    )
    worst = 0.0
    for gateways in (FOUR[:1], FOUR):
        many = len(gateways)
        before = sum(server.cpu_times()[:2])
        fast = await at_once(port, calls(gateways, f"fast{many}", AT_ONCE))
        spent = 1e3 * (sum(server.cpu_times()[:2]) - before) / AT_ONCE
        waits = await steadily(port, calls(gateways, f"steady{many}", STEADY * SECONDS))
        p50, p99 = (1e3 * waits[int(len(waits) * share)] for share in (0.5, 0.99))
        worst = max(worst, p99)
        print(f"{many:>8} {fast:>9.0f} {spent:>8.2f} {p50:>8.1f} {p99:>8.1f}")
    met = "met" if worst < AIM else "MISSED"
    print(f"aim: p99 < {AIM} ms at {STEADY} hooks/s, sent whether or not answered: {met}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        [port] = free_ports(1)
        path = str(Path(folder) / "desk.db")
        server = multiprocessing.get_context("spawn").Process(target=serve, args=(port, path))
        server.start()
        try:
            wait_for(port)
            asyncio.run(measure(port, psutil.Process(server.pid)))
        finally:
            server.terminate()
            server.join()


if __name__ == "__main__":
    main()
