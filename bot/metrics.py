"""Figures for Prometheus, read from the rows when asked for."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from bot.main import Program


class DeskCollector:
    """What the loops last saw; a scrape never waits for the database."""

    def __init__(self, program: "Program") -> None:
        self._program = program

    def collect(self) -> Iterable[Metric]:
        program = self._program
        yield GaugeMetricFamily(
            "paidan_tick_age_seconds", "How late the slowest ticker is", program.ticker.age()
        )
        troubles = CounterMetricFamily(
            "paidan_troubles", "What operators were told of since the start", labels=["kind"]
        )
        for kind, many in program.troubles.items():
            troubles.add_metric([kind], many)
        yield troubles
        ages = GaugeMetricFamily(
            "paidan_mailbox_age_seconds", "Since a mailbox last answered", labels=["mailbox"]
        )
        for mailbox, age in program.ages.items():
            ages.add_metric([mailbox], age())
        yield ages
        pump = program.pump
        if pump is not None:
            yield GaugeMetricFamily(
                "paidan_updates_stored", "Raw updates stored since the start", pump.stored
            )
            yield GaugeMetricFamily(
                "paidan_update_lag_seconds",
                "How late the oldest message of the last answer came",
                pump.lag.total_seconds(),
            )
            yield GaugeMetricFamily(
                "paidan_polling", "1 in the process that polls Telegram", pump.polling
            )
            yield GaugeMetricFamily(
                "paidan_pump_failing", "1 while Telegram cannot be polled", bool(pump.failing)
            )
        commits = getattr(program.store, "commits", None)
        if commits is not None:
            yield GaugeMetricFamily("paidan_commits", "Commits since the start", commits)
