"""Reads mails in processes that can be killed, so that a poison mail costs five seconds at most.

Frames go through the worker's standard streams: eight bytes of length and the mail one way; one
byte of verdict, eight of length and a pickle back. Workers live for thousands of mails, because
starting one costs as much as a hundred mails.
"""

import asyncio
import contextlib
import fcntl
import os
import pickle
import resource
import sys
from asyncio.subprocess import PIPE, Process
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from channels.mail.caps import CAPS

if TYPE_CHECKING:
    from channels.mail.parse import Mail

_READY, _READ, _FAILED = b"!", b"+", b"-"
_LENGTH = 8
_START_SECONDS = 30.0
_BUFFER = 1024 * 1024
_RETIRES_AFTER = 5_000  # mails; and after any mail over
_LARGE = 8 * 1024 * 1024  # bytes, because memory once used is hardly given back


class Unreadable(Exception):
    """This mail was tried once and not understood; keep its bytes and go on with the next."""

    def __init__(self, reason: str, *, fatal: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fatal = fatal  # to the worker


class Reader:
    """A few worker processes; `read` may be called from any number of tasks at once.

    async with Reader(workers=2) as reader:
        mail = await reader.read(raw)
    """

    def __init__(
        self, workers: int = 2, *, seconds: float = 5.0, memory: int = 512 * 1024 * 1024
    ) -> None:
        self._seconds, self._memory = seconds, memory
        self._seats: asyncio.LifoQueue[_Worker | None] = asyncio.LifoQueue()
        for _ in range(workers):
            self._seats.put_nowait(None)  # a worker is started when there is something to read
        self._hired: set[_Worker] = set()

    async def read(self, raw: bytes) -> "Mail":
        """Raises Unreadable when the mail takes too long, too much memory, or breaks the parser."""
        seat: _Worker | None = await self._seats.get()
        try:
            worker = seat or await self._hire()
            seat = None  # until this mail is done, nobody may be sure of the worker
            try:
                mail = await self._within_time(worker, raw)
            except BaseException as error:
                if not isinstance(error, Unreadable) or error.fatal:
                    worker.kill()
                else:
                    seat = worker
                raise
            seat = self._kept(worker, raw)
            return mail
        finally:
            self._seats.put_nowait(seat)

    async def _within_time(self, worker: "_Worker", raw: bytes) -> "Mail":
        try:
            async with asyncio.timeout(self._seconds):
                return await worker.read(raw)
        except TimeoutError:
            raise Unreadable(f"took longer than {self._seconds:g} s", fatal=True) from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Unreadable("the worker died over it", fatal=True) from None

    def _kept(self, worker: "_Worker", raw: bytes) -> "_Worker | None":
        if worker.served < _RETIRES_AFTER and len(raw) <= _LARGE:
            return worker
        worker.kill()
        return None

    async def close(self) -> None:
        for worker in self._hired:
            worker.kill()
        for worker in self._hired:
            await worker.gone()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _hire(self) -> "_Worker":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # never a module that happens to lie in the working directory
            "-m",
            "channels.mail.isolate",
            str(self._memory),
            stdin=PIPE,
            stdout=PIPE,
            limit=_BUFFER,
            start_new_session=True,  # Ctrl-C is for the desk, which then closes its workers
            env={**os.environ, "PYTHONPATH": os.pathsep.join(at or os.getcwd() for at in sys.path)},
        )
        worker = _Worker(process)
        self._hired = {other for other in self._hired if other.lives} | {worker}
        try:
            async with asyncio.timeout(_START_SECONDS):
                await worker.ready()
        except BaseException:
            worker.kill()
            raise
        return worker


class _Worker:
    """The desk's end of one worker process."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._to, self._from = process, process.stdin, process.stdout
        self.served = 0

    async def ready(self) -> None:
        await self._from.readexactly(len(_READY))

    async def read(self, raw: bytes) -> "Mail":
        self.served += 1
        raw = raw[: CAPS.raw + 1]  # of a larger one only the beginning is read
        self._to.writelines((len(raw).to_bytes(_LENGTH, "big"), raw))
        await self._to.drain()
        head = await self._from.readexactly(1 + _LENGTH)
        answer = await self._from.readexactly(int.from_bytes(head[1:], "big"))
        if head[:1] == _FAILED:
            raise Unreadable(answer.decode(errors="replace"))
        mail: Mail = pickle.loads(answer)  # noqa: S301  (our own child wrote it)
        return mail

    @property
    def lives(self) -> bool:
        return self._process.returncode is None

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def gone(self) -> None:
        await self._process.wait()


# --- inside the worker ----------------------------------------------------------------------


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Answers mail after mail until the desk hangs up."""
    from channels.mail.parse import parse

    target.write(_READY)
    target.flush()
    while len(head := source.read(_LENGTH)) == _LENGTH:
        raw = source.read(int.from_bytes(head, "big"))
        try:
            verdict, answer = _READ, pickle.dumps(parse(raw), pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # noqa: BLE001  (whatever it was, the mail is set aside)
            verdict, answer = _FAILED, f"{type(error).__name__}: {error}"[:500].encode()
        target.write(b"".join((verdict, len(answer).to_bytes(_LENGTH, "big"), answer)))
        target.flush()


def main() -> None:
    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for pipe in (0, 1):
        with contextlib.suppress(
            OSError
        ):  # larger pipes, fewer switches; not every system has them
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _BUFFER)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not get between the frames
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
