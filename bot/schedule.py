"""The only file that knows APScheduler: it ticks, the rows say what is due (storage notes §7)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger()
Work = Callable[[], Awaitable[object]]
SILENT = 3  # intervals after which a ticker counts as stuck
LONG = 60.0  # seconds of one piece of work after which it is told


@dataclass(slots=True)
class _Round:
    """A piece of work that comes round at its interval."""

    seconds: float
    work: Work
    ticked: float = 0.0
    began: float = 0.0
    told: bool = False
    task: "asyncio.Task[None] | None" = None


class Ticker:
    """Calls each piece of work at its interval, and notices when the ticking itself stops.

    Work that is not done when its time comes round goes on, and that round is left out: drawing
    cards waits for the carrier's budget, and nothing is wrong with that. A wall clock that is put
    back an hour stops APScheduler for that hour (measured), so a watchdog on the loop's own clock
    wakes silent jobs.
    """

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._scheduler.add_listener(self._trouble, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
        self._rounds: dict[str, _Round] = {}
        self._watchdog: asyncio.Task[None] | None = None
        self.woken = 0

    def every(self, seconds: float, name: str, work: Work) -> None:
        self._rounds[name] = _Round(seconds, work)

        async def tick() -> None:
            self._tick(name)

        self._scheduler.add_job(
            tick,
            "interval",
            seconds=seconds,
            id=name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    def _tick(self, name: str) -> None:
        this, now = self._rounds[name], asyncio.get_running_loop().time()
        this.ticked = now
        if this.task is None:
            this.began, this.told = now, False
            this.task = asyncio.create_task(self._round(name), name=f"tick {name}")
        elif not this.told and now - this.began > LONG:
            this.told = True
            log.warning("tick_long", job=name, seconds=round(now - this.began))

    async def _round(self, name: str) -> None:
        """One broken round is followed by another."""
        try:
            await self._rounds[name].work()
        except Exception:
            log.exception("tick_failed", job=name)
        finally:
            self._rounds[name].task = None

    def start(self) -> None:
        started = asyncio.get_running_loop().time()
        for each in self._rounds.values():
            each.ticked = started
        self._scheduler.start()
        self._watchdog = asyncio.create_task(self._watch(), name="tick-watchdog")

    async def stop(self) -> None:
        """No more rounds; what is in hand is broken off, since rows say what is left to do."""
        if self._watchdog is not None:
            self._watchdog.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        busy = [each.task for each in self._rounds.values() if each.task is not None]
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)

    def age(self) -> float:
        """Seconds by which the slowest ticker, or the longest piece of work, is late."""
        now = asyncio.get_running_loop().time()
        late = [now - each.ticked - each.seconds for each in self._rounds.values()]
        late += [now - each.began - LONG for each in self._rounds.values() if each.task is not None]
        return max(late, default=0.0)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(min((r.seconds for r in self._rounds.values()), default=1.0))
            now = asyncio.get_running_loop().time()
            for name, each in self._rounds.items():
                if now - each.ticked > SILENT * each.seconds:
                    log.warning("tick_silent", job=name)
                    self.woken += 1
                    each.ticked = now
                    self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def _trouble(self, event: object) -> None:
        log.warning(
            "tick_trouble",
            job=getattr(event, "job_id", ""),
            error=repr(getattr(event, "exception", "")),
        )
