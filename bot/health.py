"""The light at /healthz: what is wrong with the desk, one sentence for each."""

import asyncio
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from bot.schedule import Ticker
from core.desk import Desk
from core.errors import StorageBusy

PATIENCE = 2.0  # seconds that a write may take; a probe gives up soon after
LAGGING = timedelta(minutes=1)
STRANDED = timedelta(minutes=15)  # letters wait for carriers that are away
SILENT = 15.0  # seconds without a tick
FREE_BYTES = 64 * 1024 * 1024

Look = Callable[[], Sequence[str]]
"""What a part of the desk says of itself; nothing: it is well."""


class Health:
    """Looks at everything when asked. Green: no sentence."""

    def __init__(self, desk: Desk, ticker: Ticker, folders: Iterable[Path]) -> None:
        self.looks: list[Look] = []  # of the channels
        self._desk, self._ticker, self._folders = desk, ticker, tuple(folders)

    async def __call__(self) -> Sequence[str]:
        wrong = [sentence for look in self.looks for sentence in look()]
        if self._ticker.age() > SILENT:
            wrong.append(f"the ticker is silent for {self._ticker.age():.0f} s")
        wrong += self._full()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._desk.store.write(lambda tx: tx.next("health"))
                wrong += await self._lags()
        except StorageBusy as fault:
            wrong.append(f"the database takes no writes: {str(fault).splitlines()[0]}")
        except TimeoutError:
            wrong.append(f"the database takes no writes: no answer within {PATIENCE:.0f} s")
        return wrong

    def _full(self) -> list[str]:
        return [
            f"the disk under {folder} is almost full"
            for folder in self._folders
            if folder.exists() and shutil.disk_usage(folder).free < FREE_BYTES
        ]

    async def _lags(self) -> list[str]:
        now = self._desk.now()
        inbox, outbox, timers = await self._desk.store.read(
            lambda tx: (
                tx.ask("inbox_lag")[0],
                tx.ask("outbox_lag")[0],
                tx.ask("timer_lag", now=now - LAGGING)[0],
            )
        )
        wrong = []
        if _older(inbox["oldest"], now, LAGGING):
            wrong.append(f"inbox: {inbox['many']} rows wait, the oldest since {inbox['oldest']}")
        if _older(outbox["oldest"], now, STRANDED):
            wrong.append(f"outbox: {outbox['many']} letters, the oldest since {outbox['oldest']}")
        if timers["many"]:
            wrong.append(f"timers: {timers['many']} are overdue")
        return wrong


def _older(oldest: datetime | None, now: datetime, limit: timedelta) -> bool:
    return oldest is not None and now - oldest > limit
