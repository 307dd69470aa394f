"""The only file that knows APScheduler: it ticks, the rows say what is due (storage notes §7)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger()
Work = Callable[[], Awaitable[object]]
SILENT = 3  # intervals after which a ticker counts as stuck


class Ticker:
    """Calls each piece of work at its interval, and notices when the ticking itself stops.

    A wall clock that is put back an hour stops APScheduler for that hour (measured), so a watchdog
    on the loop's own clock wakes silent jobs.
    """

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._scheduler.add_listener(
            self._trouble, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES
        )
        self._last: dict[str, float] = {}
        self._intervals: dict[str, float] = {}
        self._watchdog: asyncio.Task[None] | None = None
        self.woken = 0

    def every(self, seconds: float, name: str, work: Work) -> None:
        async def tick() -> None:
            self._last[name] = asyncio.get_running_loop().time()
            await work()

        self._intervals[name] = seconds
        self._scheduler.add_job(
            tick,
            "interval",
            seconds=seconds,
            id=name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    def start(self) -> None:
        started = asyncio.get_running_loop().time()
        self._last |= dict.fromkeys(self._intervals, started)
        self._scheduler.start()
        self._watchdog = asyncio.create_task(self._watch(), name="tick-watchdog")

    def stop(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def age(self) -> float:
        """Seconds by which the slowest ticker is behind its interval."""
        now = asyncio.get_running_loop().time()
        return max((now - self._last[n] - s for n, s in self._intervals.items()), default=0.0)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(min(self._intervals.values(), default=1.0))
            now = asyncio.get_running_loop().time()
            for name, seconds in self._intervals.items():
                if now - self._last[name] > SILENT * seconds:
                    log.warning("tick_silent", job=name)
                    self.woken += 1
                    self._last[name] = now
                    self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def _trouble(self, event: object) -> None:
        log.warning(
            "tick_trouble",
            job=getattr(event, "job_id", ""),
            error=repr(getattr(event, "exception", "")),
        )
