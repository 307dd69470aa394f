"""Working time: a calendar compiled into spans of open time; a question is a binary search.

Conventions, held by every function here:

* Moments may come in any zone; answers are UTC. A moment without a zone is refused.
* The calendar is open from a span's start up to, and not including, its end.
* Work is done *by* a moment: an amount that fills a span is due at its end, so a full working day
  is due at closing time, not at the next opening. `before` mirrors this: it begins at an opening.
* Hence `after(start, between(start, t)) == t` for every t with open time right before it (a
  working instant, or closing time), and `before(t, between(s, t)) == s` for every s that is open.
* A window belongs to the day on which it opens: Friday's night shift ends on Saturday morning.
* Where the clocks change, a time of day that does not exist is the first instant after the gap,
  and one that comes twice is the first of the two. Lengths are real time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from core.sla.days import Closure, DayFact, DayKind, Layer
from core.sla.errors import NaiveMoment, NoWorkingTime, OutOfReach, WrongHours
from core.sla.hours import ALWAYS, DAY, Week, Windows

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOOK_AHEAD_DAYS = 400
NOTHING = timedelta()

_WALL_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  wall-clock arithmetic, the zone is applied after it
_LOOK_AHEAD = LOOK_AHEAD_DAYS * DAY
# A slip of the finger in a year must not compile a thousand of them.
_FIRST_DAY, _LAST_DAY = date(1950, 1, 1), date(2201, 1, 1)
_MINIMUM_DAYS = 150  # few, so that a question about this year needs no estimate of the next

# Instants in the table are distances from EPOCH: timedeltas compare and add in C without being
# taken apart, which is three times as fast as whole microseconds and just as exact.
Span = tuple[timedelta, timedelta]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """How the calendar is worked from a local date on, until a later version takes over."""

    week: Week
    valid_from: date = date.min
    layers: tuple[Layer, ...] = ()  # lowest first: nation, company, site
    closures: tuple[Closure, ...] = ()
    label: str = ""

    def fact(self, day: date) -> DayFact:
        """What the highest layer that knows the day says of it."""
        if (fact := self._known(day)) is not None:
            return fact
        known = not any(layer.complete for layer in self.layers)
        return DayFact(date=day, kind=DayKind.ORDINARY, source="week", official=known)

    def windows(self, day: date) -> Windows:
        """The hours of a day, before closures."""
        fact = self._known(day)
        if fact is None or fact.kind is DayKind.ORDINARY:
            return self.week.days[day.weekday()]
        if fact.kind is DayKind.MAKEUP:
            return self.week.normal
        return fact.windows

    def _known(self, day: date) -> DayFact | None:
        for layer in reversed(self.layers):
            if (fact := layer.facts.get(day)) is not None:
                return fact
        return None


@dataclass(frozen=True, slots=True)
class _Table:
    """The compiled calendar: right for every instant from `low` up to `high`."""

    first: date
    last: date  # not included
    low: timedelta
    high: timedelta
    starts: list[timedelta]  # of the spans, between two empty ones at `low` and at `high`
    totals: list[timedelta]  # open time before each span
    origins: list[timedelta]  # starts[i] - totals[i]: an instant less this is open time so far
    size: int  # of these lists
    workdays: list[int]  # ordinals of the local dates with open time
    closings: list[timedelta]  # and when each of them closes


class Calendar:
    """Asked in moments, answered from a table that grows as far as the questions reach."""

    __slots__ = ("_table", "_versions", "name", "zone")

    def __init__(self, name: str, zone: str, versions: Sequence[Version]) -> None:
        self.name = name
        self.zone = _zone(zone)
        self._versions = sorted(versions, key=lambda version: version.valid_from)
        if not versions:
            raise WrongHours(f"calendar {name!r} has no version")
        if any(a.valid_from == b.valid_from for a, b in pairwise(self._versions)):
            raise WrongHours(f"calendar {name!r} has two versions from one day")
        self._table = _Table(date.max, date.min, NOTHING, NOTHING, [], [], [], 0, [], [])

    @classmethod
    def always(cls, name: str = "24x7", zone: str = "UTC") -> "Calendar":
        """Seven days, round the clock."""
        return cls(name, zone, [Version(week=ALWAYS)])

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The open time from start to end; negative when end is the earlier one."""
        try:
            a, b = start - EPOCH, end - EPOCH
        except TypeError:
            raise NaiveMoment from None
        table = self._table
        starts, totals, origins = table.starts, table.totals, table.origins
        i, j = bisect_right(starts, a), bisect_right(starts, b)
        if not (0 < i < table.size and 0 < j < table.size):
            self._reach(min(a, b), max(a, b))
            return self.between(start, end)
        done, goal = a - origins[i - 1], b - origins[j - 1]
        if done > totals[i]:
            done = totals[i]
        if goal > totals[j]:
            goal = totals[j]
        return goal - done

    def after(self, start: datetime, amount: timedelta) -> datetime:
        """The first moment by which the amount of open time has passed since start."""
        try:
            a = start - EPOCH
        except TypeError:
            raise NaiveMoment from None
        table = self._table
        totals, origins = table.totals, table.origins
        i = bisect_right(table.starts, a)
        if not 0 < i < table.size:
            self._reach(a, a)
            return self.after(start, amount)
        goal = a - origins[i - 1]
        if goal > totals[i]:
            goal = totals[i]
        goal += amount
        j = bisect_left(totals, goal, i)
        if j == i and amount <= NOTHING:
            _refuse_negative(amount)
            return start.astimezone(UTC)
        if j == table.size:
            self._gain(a, amount)
            return self.after(start, amount)
        return EPOCH + (origins[j - 1] + goal)

    def before(self, end: datetime, amount: timedelta) -> datetime:
        """The last moment from which the amount of open time passes until end."""
        b = _instant(end)
        if amount <= NOTHING:
            _refuse_negative(amount)
            return end.astimezone(UTC)
        table = self._covering(b, b)
        goal = self._open_until(table, b) - amount
        if goal < NOTHING:
            table = self._gain(b, amount, backwards=True)
            goal = self._open_until(table, b) - amount
        return EPOCH + (table.origins[bisect_right(table.totals, goal) - 1] + goal)

    def after_days(self, start: datetime, count: int) -> datetime:
        """The end of the count-th working day; the local day of start is day 0, worked or not."""
        if count < 1:
            raise WrongHours("working days are counted from 1")
        day = self.local(start).date().toordinal()
        a = _instant(start)
        table = self._covering(a, a)
        while (i := bisect_right(table.workdays, day) + count - 1) >= len(table.workdays):
            table = self._further(table)
        return EPOCH + table.closings[i]

    def is_open(self, moment: datetime) -> bool:
        """Whether work goes on in this instant."""
        t = _instant(moment)
        table = self._covering(t, t)
        i = bisect_right(table.starts, t)
        return t - table.origins[i - 1] < table.totals[i]

    def next_open(self, moment: datetime) -> datetime:
        """The moment itself when it is open, else the next opening."""
        if self.is_open(moment):
            return moment.astimezone(UTC)
        t = _instant(moment)
        table = self._covering(t, t)
        while (i := bisect_right(table.starts, t)) >= table.size - 1:
            table = self._further(table)
        return EPOCH + table.starts[i]

    def spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The stretches of open time from start to end, in order."""
        a, b = _instant(start), _instant(end)
        if b <= a:
            return
        table = self._covering(a, b)
        for i in range(bisect_right(table.starts, a) - 1, bisect_left(table.starts, b)):
            opens = table.starts[i]
            closes = opens + (table.totals[i + 1] - table.totals[i])
            if opens < b and closes > a and opens < closes:
                yield EPOCH + max(opens, a), EPOCH + min(closes, b)

    def local(self, moment: datetime) -> datetime:
        """The moment on the calendar's own clock."""
        if moment.tzinfo is None:
            raise NaiveMoment
        return moment.astimezone(self.zone)

    def at(self, wall: datetime) -> datetime:
        """A moment read off the calendar's own clock, by the rule for nights when clocks change."""
        midnight = datetime.combine(wall.date(), time())
        return EPOCH + self._utc(wall.date(), wall.replace(tzinfo=None, fold=0) - midnight)

    def version(self, day: date) -> Version:
        """The version in force on a local date."""
        i = bisect_right(self._versions, day, key=lambda version: version.valid_from)
        return self._versions[max(0, i - 1)]

    def fact(self, day: date) -> DayFact:
        """What is known about a local date."""
        return self.version(day).fact(day)

    def provisional(self, start: datetime, end: datetime) -> bool:
        """Whether the time from start to end rests on days that are estimates so far."""
        first, last = (self.local(moment).date().toordinal() for moment in (start, end))
        return any(
            not self.fact(date.fromordinal(day)).official
            for day in range(min(first, last), max(first, last) + 1)
        )

    def closed(self, closure: Closure) -> "Calendar":
        """This calendar with an emergency closure, which reaches into every version."""
        versions = [
            replace(version, closures=(*version.closures, closure)) for version in self._versions
        ]
        return Calendar(self.name, self.zone.key, versions)

    def check(self, now: datetime) -> None:
        """Refuse a calendar that has no working time in the next 400 days."""
        try:
            waits = self.next_open(now) - now
        except NoWorkingTime:
            waits = timedelta.max
        if waits > _LOOK_AHEAD:
            raise NoWorkingTime(self.name, f"{self.local(now).date()}", LOOK_AHEAD_DAYS)

    @property
    def round_the_clock(self) -> bool:
        """Whether it never closes, by its definition; an emergency does not change what it is."""
        return all(version.week == ALWAYS and not version.layers for version in self._versions)

    @property
    def compiled_spans(self) -> int:
        """How many spans the table holds so far."""
        return max(0, self._table.size - 2)

    @staticmethod
    def _open_until(table: _Table, t: timedelta) -> timedelta:
        i = bisect_right(table.starts, t)
        return min(t - table.origins[i - 1], table.totals[i])

    def _covering(self, low: timedelta, high: timedelta) -> _Table:
        table = self._table
        if table.low <= low and high < table.high:
            return table
        return self._reach(low, high)

    def _reach(self, low: timedelta, high: timedelta) -> _Table:
        self._table = self._grown(low, high)
        return self._table

    def _grown(self, low: timedelta, high: timedelta) -> _Table:
        """Compiled so far that both instants lie inside; what grows, grows to at least double."""
        known = self._table
        try:
            first, last = (EPOCH + low).date(), (EPOCH + high).date()
        except OverflowError:
            raise OutOfReach from None
        if first <= _FIRST_DAY or _shifted(last, 1) >= _LAST_DAY:
            raise OutOfReach
        first, last = _shifted(first, -2), _shifted(last, 3)
        if known.first < known.last:
            days = (known.last - known.first).days
            first = min(first, _shifted(known.first, -days)) if low < known.low else known.first
            last = max(last, _shifted(known.last, days)) if high >= known.high else known.last
        else:
            first, last = _shifted(first, -31), max(last, _shifted(first, _MINIMUM_DAYS))
        return self._compile(first, last)

    def _further(self, table: _Table, backwards: bool = False) -> _Table:
        """A longer table; refused when 400 days beyond its edge bring no working time."""
        edge = table.low if backwards else table.high
        beyond = edge - _LOOK_AHEAD if backwards else edge + _LOOK_AHEAD
        longer = self._grown(min(edge, beyond), max(edge, beyond))
        if longer.totals[-1] == table.totals[-1]:
            raise NoWorkingTime(self.name, f"{(EPOCH + edge).date()}", LOOK_AHEAD_DAYS)
        self._table = longer
        return longer

    def _gain(self, since: timedelta, amount: timedelta, backwards: bool = False) -> _Table:
        """A table with so much open time after (or before) an instant."""
        table = self._covering(since, since)
        while True:
            passed = self._open_until(table, since)
            if amount <= (passed if backwards else table.totals[-1] - passed):
                return table
            table = self._further(table, backwards)

    def _compile(self, first: date, last: date) -> _Table:
        low, high = self._utc(first, NOTHING), self._utc(last, NOTHING)
        starts, totals, origins = [low], [NOTHING], [low]
        workdays: list[int] = []
        closings: list[timedelta] = []
        total, open_until = NOTHING, low
        for day, spans in self._days(_shifted(first, -1), last):
            if day >= first.toordinal() and spans:
                workdays.append(day)
                closings.append(max(spans[-1][1], closings[-1] if closings else low))
            for opens, closes in spans:
                opens, closes = max(opens, open_until), min(closes, high)
                if opens >= closes:
                    continue
                if opens > open_until or opens == low:
                    starts.append(opens)
                    totals.append(total)
                    origins.append(opens - total)
                total += closes - opens
                open_until = closes
        starts.append(high)
        totals.append(total)
        origins.append(high - total)
        return _Table(
            first, last, low, high, starts, totals, origins, len(starts), workdays, closings
        )

    def _days(self, first: date, last: date) -> Iterator[tuple[int, list[Span]]]:
        """Each local date with its spans, closures taken out."""
        for ordinal in range(first.toordinal(), last.toordinal()):
            day = date.fromordinal(ordinal)
            version = self.version(day)
            windows = version.windows(day)
            if not windows:
                yield ordinal, []
                continue
            spans = list(self._spans_of(day, windows))
            yield ordinal, _without(spans, version.closures) if version.closures else spans

    def _spans_of(self, day: date, windows: Windows) -> Iterator[Span]:
        midnight = datetime.combine(day, time())
        offset = _offset(midnight, self.zone)
        if offset == _offset(midnight + 2 * DAY, self.zone):
            base = midnight - _WALL_EPOCH - offset
            for window in windows:
                yield base + window.opens, base + window.closes
            return
        for window in windows:
            opens, closes = self._utc(day, window.opens), self._utc(day, window.closes)
            if opens < closes:
                yield opens, closes

    def _utc(self, day: date, time_of_day: timedelta) -> timedelta:
        wall = datetime.combine(day, time()) + time_of_day
        before = _offset(wall, self.zone)
        after = _offset(wall.replace(fold=1), self.zone)
        if after <= before:
            return wall - _WALL_EPOCH - before
        return self._end_of_gap(wall - _WALL_EPOCH - after, wall - _WALL_EPOCH - before)

    def _end_of_gap(self, low: timedelta, high: timedelta) -> timedelta:
        """The instant at which the clocks jump, somewhere after low and not after high."""
        old = (EPOCH + low).astimezone(self.zone).utcoffset()
        while high - low > timedelta(seconds=1):
            middle = low + (high - low) // timedelta(seconds=2) * timedelta(seconds=1)
            if (EPOCH + middle).astimezone(self.zone).utcoffset() == old:
                low = middle
            else:
                high = middle
        return high


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = (zone for zone in available_timezones() if zone.lower() == name.lower())
        if found := next(known, None):
            return ZoneInfo(found)
        raise WrongHours(f"there is no time zone {name!r}") from None


def _instant(moment: datetime) -> timedelta:
    try:
        return moment - EPOCH
    except TypeError:
        raise NaiveMoment from None


def _offset(wall: datetime, zone: tzinfo) -> timedelta:
    return wall.replace(tzinfo=zone).utcoffset() or NOTHING


def _refuse_negative(amount: timedelta) -> None:
    if amount < NOTHING:
        raise WrongHours(f"an amount of working time is not negative: {amount}")


def _shifted(day: date, days: int) -> date:
    ordinal = day.toordinal() + days
    return date.fromordinal(min(max(ordinal, _FIRST_DAY.toordinal()), _LAST_DAY.toordinal()))


def _without(spans: list[Span], closures: Iterable[Closure]) -> list[Span]:
    for closure in closures:
        start, end = closure.start - EPOCH, closure.end - EPOCH
        spans = [
            piece
            for opens, closes in spans
            for piece in ((opens, min(closes, start)), (max(opens, end), closes))
            if piece[0] < piece[1]
        ]
    return spans
