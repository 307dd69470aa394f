"""The desk in a process of its own, as in production.

`python -m bench.desk_alone DATABASE URL TOKEN`

It prints the seconds from its first line to a desk that serves, and stops when it is told to.
Telegram and the people live in the process that measures.
"""

import time

BEGAN = time.perf_counter()  # before the program is loaded, which is most of a start

from bot import loading  # noqa: E402

loading.begins()

import asyncio  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import structlog  # noqa: E402
from pydantic import SecretStr  # noqa: E402

from bot.main import Program, until_told_to_stop  # noqa: E402
from bot.settings import Http, Settings, Telegram  # noqa: E402
from bot.telegram import add_telegram  # noqa: E402


async def live(database: str, url: str, token: str) -> None:
    section = Telegram(token=SecretStr(token), base_url=url)
    settings = Settings(
        database=f"sqlite:///{database}",
        files=str(Path(database).parent / "files"),
        http=Http(port=0),
        telegram=section,
    )
    program = Program(settings)
    await program.open()
    add_telegram(program, section)
    await program.start()
    loading.is_done()
    print(time.perf_counter() - BEGAN, flush=True)
    await until_told_to_stop()
    await program.stop()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(live(*sys.argv[1:4]))
