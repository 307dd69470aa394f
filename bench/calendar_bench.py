"""How fast working time is added and subtracted, beside three libraries and a bare table.

Run with `python -m bench.calendar_bench`. The libraries are installed for the benchmark only, and
those that are missing are left out. `bizdays` counts whole days, so its rows are easier questions.
"""

import gc
import random
import tracemalloc
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from time import process_time
from typing import Any

from core.sla.calendar import EPOCH, Calendar
from core.sla.calendars import calendar_of

HOURS = "mon-fri 09:00-12:00 13:30-18:00"
SPANS = {
    "an hour": timedelta(hours=1),
    "a day": timedelta(days=1),
    "a month": timedelta(days=30),
    "a year": timedelta(days=365),
    "ten years": timedelta(days=3652),
}
ROUND, ENOUGH = 0.05, 0.4  # seconds per round, and per figure

Question = tuple[datetime, datetime, timedelta]  # start, end and the open time between
Contender = tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]  # after, between


def questions(calendar: Calendar, span: timedelta, count: int = 20_000) -> list[Question]:
    """Starts spread over two years; every end lies in open time, so that each sum is an inverse."""
    chance = random.Random(7)
    first = datetime(2024, 1, 1, tzinfo=UTC)
    asked = []
    for _ in range(count):
        start = first + timedelta(seconds=chance.randrange(2 * 365 * 86_400))
        end = calendar.next_open(start + span) + timedelta(minutes=5)
        asked.append((start, end, calendar.between(start, end)))
    return asked


def rate(ask: Callable[[Any, Any], Any], pairs: Sequence[tuple[Any, Any]]) -> float:
    """Answers per second of one core's time: the best round, since others share the machine."""
    started = process_time()
    ask(*pairs[0])
    once = process_time() - started
    some = pairs[: max(1, min(len(pairs), int(ROUND / max(once, 1e-9))))]
    best = spent = 0.0
    gc.disable()
    while spent < ENOUGH:
        started = process_time()
        for first, second in some:
            ask(first, second)
        took = process_time() - started
        best, spent = max(best, len(some) / max(took, 1e-9)), spent + took
    gc.enable()
    return best


class BareTable:
    """Whole seconds, prefix sums and bisect: no zones, no checks, no growing, no datetimes."""

    def __init__(self, calendar: Calendar) -> None:
        spans = list(calendar.spans(_day(2023), _day(2042)))
        self.starts = [int((a - EPOCH).total_seconds()) for a, _ in spans]
        lengths = (int((b - a).total_seconds()) for a, b in spans)
        self.totals = [0, *accumulate(lengths)]

    def done(self, t: int) -> int:
        i = bisect_right(self.starts, t) - 1
        return min(self.totals[i] + t - self.starts[i], self.totals[i + 1])

    def after(self, start: int, amount: int) -> int:
        goal = self.done(start) + amount
        i = bisect_left(self.totals, goal) - 1
        return self.starts[i] + goal - self.totals[i]

    def between(self, start: int, end: int) -> int:
        return self.done(end) - self.done(start)


def contenders(calendar: Calendar) -> Iterator[tuple[str, Contender, str]]:
    """Name, functions and the form of moment and amount that they take."""
    yield "paidan", (calendar.after, calendar.between), "datetime"
    bare = BareTable(calendar)
    yield "bare table", (bare.after, bare.between), "seconds"
    for make in (_bizdays, _businesstimedelta, _pandas):
        try:
            yield make(calendar)
        except ImportError:
            continue


def _bizdays(calendar: Calendar) -> tuple[str, Contender, str]:
    import bizdays

    days = bizdays.Calendar(
        _holidays(calendar), ["Saturday", "Sunday"], startdate="2015-01-01", enddate="2045-01-01"
    )
    return "bizdays (days)", (days.offset, days.bizdays), "days"


def _businesstimedelta(calendar: Calendar) -> tuple[str, Contender, str]:
    import businesstimedelta as btd
    import pytz

    zone = pytz.timezone("Asia/Shanghai")
    mornings = btd.WorkDayRule(time(9), time(12), working_days=range(5), tz=zone)
    afternoons = btd.WorkDayRule(time(13, 30), time(18), working_days=range(5), tz=zone)
    closed = dict.fromkeys(_holidays(calendar), "off")
    rules = btd.Rules([mornings, afternoons, btd.HolidayRule(closed, tz=zone)])

    def after(start: datetime, amount: timedelta) -> Any:
        return start + btd.BusinessTimeDelta(rules, timedelta=amount)

    return "businesstimedelta", (after, rules.difference), "datetime"


def _pandas(calendar: Calendar) -> tuple[str, Contender, str]:
    import pandas as pd

    hour = pd.offsets.CustomBusinessHour(
        start=["09:00", "13:30"], end=["12:00", "18:00"], holidays=_holidays(calendar)
    )

    def after(start: Any, amount: int) -> Any:
        return start + hour * amount

    def between(start: Any, end: Any) -> int:
        return len(pd.date_range(start, end, freq=hour))

    return "pandas (hours)", (after, between), "timestamp"


def _holidays(calendar: Calendar) -> list[date]:
    days = (date(2015, 1, 1) + timedelta(days=n) for n in range(30 * 365))
    return [day for day in days if calendar.fact(day).kind == "off"]


def _form(asked: list[Question], form: str) -> tuple[list[Any], list[Any]]:
    """The pairs for `after` and for `between` as a contender likes them."""
    if form == "datetime":
        return [(a, amount) for a, _, amount in asked], [(a, b) for a, b, _ in asked]
    if form == "seconds":
        seconds = [(_seconds(a), _seconds(b), int(m.total_seconds())) for a, b, m in asked]
        return [(a, m) for a, _, m in seconds], [(a, b) for a, b, _ in seconds]
    if form == "days":
        days = [(a.date(), b.date(), max(1, (b - a).days * 5 // 7)) for a, b, _ in asked]
        return [(a, m) for a, _, m in days], [(a, b) for a, b, _ in days]
    import pandas as pd

    stamps = [
        (pd.Timestamp(a).tz_localize(None), pd.Timestamp(b).tz_localize(None), m)
        for a, b, m in asked[:2_000]
    ]
    hours = [(a, max(1, int(m.total_seconds()) // 3600)) for a, _, m in stamps]
    return hours, [(a, b) for a, b, _ in stamps]


def _seconds(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds())


def _day(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC)


def compiled_size(years: int) -> tuple[int, int, float]:
    """Spans, bytes and seconds of a calendar compiled over so many years."""
    fresh = calendar_of(HOURS, "Asia/Shanghai", "CN")
    for year in range(2014, 2014 + years + 8):
        fresh.fact(date(year, 1, 1))  # the libraries fill their years outside the measurement
    started = process_time()
    fresh.between(_day(2016), _day(2016 + years))
    took = process_time() - started
    again = calendar_of(HOURS, "Asia/Shanghai", "CN")
    tracemalloc.start()
    again.between(_day(2016), _day(2016 + years))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return again.compiled_spans, size, took


def main() -> None:
    """Print the table."""
    calendar = calendar_of(HOURS, "Asia/Shanghai", "CN")
    asked = {name: questions(calendar, span) for name, span in SPANS.items()}
    print(f"{'answers per second':<26}" + "".join(f"{name:>12}" for name in SPANS))
    own: dict[str, list[float]] = {}
    ratios: list[str] = []
    for name, (after, between), form in contenders(calendar):
        for label, ask, which in (("after", after, 0), ("between", between, 1)):
            rates = [rate(ask, _form(asked[span], form)[which]) for span in SPANS]
            print(f"{name + ' ' + label:<26}" + "".join(f"{r:>12,.0f}" for r in rates))
            times = [
                one / other for one, other in zip(own.setdefault(label, rates), rates, strict=True)
            ]
            ratios.append(f"{name + ' ' + label:<26}" + "".join(f"{t:>12,.1f}" for t in times))
    print("times as fast as")
    print("\n".join(ratios[len(own) :]))
    spans, size, took = compiled_size(10)
    print(f"compiled, ten years: {spans:,} spans, {size / 1024:,.0f} KB, {took * 1000:,.0f} ms")


if __name__ == "__main__":
    main()
