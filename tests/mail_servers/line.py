"""A line to a real server that can be cut off without a word, as a firewall or a tunnel does it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Line:
    """Whoever is on it while it is dead stays there: neither byte nor end ever comes through."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.calls = 0
        self._target = target
        self._alive = asyncio.Event()
        self._alive.set()
        self._tasks: set[asyncio.Task[None]] = set()

    def die(self) -> None:
        """Those who are connected; new calls hang until it is healed."""
        for task in self._tasks:
            task.cancel()
        self._alive.clear()

    def heal(self) -> None:
        self._alive.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        await self._alive.wait()
        with suppress(OSError):
            back, forth = await asyncio.open_connection("127.0.0.1", self._target)
            for source, sink in ((reader, forth), (back, writer)):
                self._tasks.add(asyncio.create_task(_copy(source, sink)))


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
        sink.close()


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    line = Line(port)
    listener = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.port = listener.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        line.die()
        line.heal()
        listener.close()
