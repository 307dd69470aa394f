"""The real desk in a process that may be killed at a named point, and started again at once.

Loading the program takes longer than a life of it, so it is loaded once and every life is a fork.
On standard input one JSON order for each life; on standard output the process id of each when it
begins, and `PROCESS ENDING` when it is over: several live side by side.
`python -m tests.crash_desk TEMPLATE` needs a database with the example desk.
"""

import asyncio
import gc
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic

from pydantic import SecretStr

from bot import main, telegram
from bot.settings import DeskSection, Http, Settings, Telegram
from channels.telegram.limiter import Limiter, Rate
from core import crashpoints
from core.desk import Rules
from core.storage.sqlite import SqliteStore
from core.words import languages, moment
from tests.scenario import Scenario
from tests.test_story import asked

QUICK = Rate(10_000, 1.0)
TICK = 0.2
REPORT = "珠海香洲店 打印机卡纸 打不出来"


@dataclass(frozen=True)
class Life:
    """What one process is told."""

    database: str
    url: str  # of the Bot API server
    token: str
    ahead: str  # a file with the seconds that the desk's clock is ahead of the wall's
    crash_at: str = ""

    def settings(self) -> Settings:
        return Settings(
            database=self.database,
            files=str(Path(self.ahead).parent / "files"),
            telegram=Telegram(token=SecretStr(self.token), base_url=self.url),
            http=Http(port=0),
            desk=DeskSection(settle_seconds=0),
        )


def clock(ahead: str) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=float(Path(ahead).read_text() or 0))


async def live(life: Life) -> None:
    settings = life.settings()
    program = main.Program(settings, now=partial(clock, life.ahead))
    await program.open()
    assert settings.telegram is not None
    # The peer does not limit how fast it is spoken to.
    limiter = Limiter(monotonic, overall=QUICK, per_chat=QUICK)
    telegram.add_telegram(program, settings.telegram, limiter=limiter)
    await program.start()
    await main.until_told_to_stop()
    await program.stop()


async def warm(template: str) -> None:
    """Whatever is read, compiled or loaded once in a life: here, and every fork has it."""
    telegram.trust()
    for name in ("aiohttp", "uvicorn.lifespan.off", "uvicorn.protocols.http.auto"):
        importlib.import_module(name)
    for language in languages():
        moment(datetime.now(UTC), language=language)
    with tempfile.TemporaryDirectory() as folder:  # several are born of one template
        store = SqliteStore(shutil.copy(template, folder))
        await store.open()
        rehearsal = Scenario(store, Rules())
        await rehearsal.hears("a stranger", REPORT)
        await rehearsal.time_passes(minutes=1)
        number = (await rehearsal.latest()).number
        engineer = await asked(rehearsal, number)
        for action in ("accept", "depart", "arrive"):
            await rehearsal.does(engineer, action)
        await rehearsal.does(engineer, "resolve", arg="replaced")
        await rehearsal.time_passes(days=4)
        await store.close()
    gc.collect()
    gc.freeze()  # a collection in a life would write to, and so copy, all that is shared


def be_born(life: Life) -> None:
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the log is no answer
    os.environ["PAIDAN_CRASH_AT"] = life.crash_at
    importlib.reload(crashpoints)
    main.SWEEP = main.FETCH = telegram.REDRAW = TICK  # nobody waits for it
    asyncio.run(live(life))


def say(line: str) -> None:
    """At once and whole: who dies while another death is told is told in the middle of that."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def tell_of_the_dead(*_: object) -> None:
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            say(f"{found[0]} {os.waitstatus_to_exitcode(found[1])}")


def serve(template: str) -> None:
    asyncio.run(warm(template))
    signal.signal(signal.SIGCHLD, tell_of_the_dead)
    for line in sys.stdin:
        life = Life(**json.loads(line))
        # Nobody's end is told before his beginning.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        process = os.fork()
        if process == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            be_born(life)
            os._exit(0)
        say(str(process))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def order(life: Life) -> bytes:
    return json.dumps(asdict(life)).encode() + b"\n"


if __name__ == "__main__":
    serve(sys.argv[1])
