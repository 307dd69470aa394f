"""Who is on: shifts, on-call, leave and cover as rows, read at a moment or over a week."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]


class Kind(StrEnum):
    SHIFT = "shift"
    ON_CALL = "on_call"
    LEAVE = "leave"
    COVER = "cover"


# What a row means when several hold at one moment: leave beats all, a cover is a promise to
# somebody else and beats the person's own shift, and a shift beats being on call.
PRECEDENCE = (Kind.LEAVE, Kind.COVER, Kind.SHIFT, Kind.ON_CALL)


class BadRota(ValueError):
    """A rota that cannot be meant; `cell` says which row or pattern."""

    def __init__(self, cell: str, reason: str) -> None:
        super().__init__(f"{cell}: {reason}")
        self.cell, self.reason = cell, reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A stretch of one person's time; with a site or city it holds for that place only."""

    person: str
    starts: datetime
    ends: datetime
    kind: Kind = Kind.SHIFT
    covers: str | None = None  # whose place the person takes; that one is off meanwhile
    site: str | None = None
    city: str | None = None

    def __post_init__(self) -> None:
        if self.starts.tzinfo is None or self.ends.tzinfo is None:
            raise BadRota(self.person, "a moment without a zone")
        if self.starts >= self.ends:
            raise BadRota(self.person, f"ends before it starts: {self.starts:%Y-%m-%d %H:%M}")
        if (self.kind is Kind.COVER) != (self.covers is not None):
            raise BadRota(self.person, "a cover names whom it covers, and nothing else does")

    def holds(self, at: datetime) -> bool:
        return self.starts <= at < self.ends

    def serves(self, site: str | None, city: str | None) -> bool:
        return self.site in {None, site} and self.city in {None, city}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a person's time in which one row decides; `row.kind` says what they are."""

    starts: datetime
    ends: datetime
    row: Shift


class Rota:
    """Rows made ready for questions: each person's time as stretches that do not overlap."""

    __slots__ = ("_changes", "_ends", "_starts", "_stretches", "rows")

    def __init__(self, rows: Iterable[Shift]) -> None:
        self.rows = tuple(rows)
        of_person: dict[str, list[Shift]] = {}
        relief: dict[str, list[Shift]] = {}
        for row in self.rows:
            of_person.setdefault(row.person, []).append(row)
            if row.covers is not None:
                relief.setdefault(row.covers, []).append(row)
        self._stretches = {
            person: _stretches(own, relief.get(person, ())) for person, own in of_person.items()
        }
        self._starts = {
            person: [stretch.starts for stretch in stretches]
            for person, stretches in self._stretches.items()
        }
        self._ends = {
            person: _duties_end(stretches) for person, stretches in self._stretches.items()
        }
        everybodys = (one for stretches in self._stretches.values() for one in stretches)
        self._changes = sorted({moment for one in everybodys for moment in (one.starts, one.ends)})

    @property
    def people(self) -> Collection[str]:
        return self._stretches.keys()

    def period(self, at: datetime) -> int:
        """How often anybody's time has changed by then: the same number, the same answers."""
        return bisect_right(self._changes, at)

    def stretch(self, person: str, at: datetime) -> Stretch | None:
        """What decides about the person at that moment; None: nothing is planned."""
        position = bisect_right(self._starts.get(person, ()), at) - 1
        if position < 0:
            return None
        found = self._stretches[person][position]
        return found if at < found.ends else None

    def stretches(self, person: str, since: datetime, until: datetime) -> Iterator[Stretch]:
        """The person's time between two moments, cut to them."""
        for found in self._stretches.get(person, ()):
            if found.starts < until and found.ends > since:
                yield Stretch(max(found.starts, since), min(found.ends, until), found.row)

    def duty(self, person: str, at: datetime) -> Stretch | None:
        """The stretch of duty that holds now."""
        found = self.stretch(person, at)
        return found if found and found.row.kind is not Kind.LEAVE else None

    def next_duty(self, person: str, after: datetime) -> Stretch | None:
        """The first stretch of duty that starts later than `after`."""
        for found in self._stretches.get(person, ())[
            bisect_right(self._starts.get(person, ()), after) :
        ]:
            if found.row.kind is not Kind.LEAVE:
                return found
        return None

    def duty_ends(self, person: str, at: datetime) -> datetime | None:
        """When the duty that holds now ends, over rows that touch each other."""
        if self.duty(person, at) is None:
            return None
        return self._ends[person][bisect_right(self._starts[person], at) - 1]


def _duties_end(stretches: Sequence[Stretch]) -> list[datetime]:
    """For each stretch the end of the last one that follows it without a pause or a leave."""
    ends = [stretch.ends for stretch in stretches]
    for i in range(len(stretches) - 2, -1, -1):
        following = stretches[i + 1]
        if following.starts == stretches[i].ends and following.row.kind is not Kind.LEAVE:
            ends[i] = ends[i + 1]
    return ends


def _stretches(own: Sequence[Shift], relief: Iterable[Shift]) -> list[Stretch]:
    relieved = [row for row in relief if row.site is None and row.city is None]
    moments = sorted({m for row in (*own, *relieved) for m in (row.starts, row.ends)})
    rows = sorted(own, key=lambda row: (row.starts, PRECEDENCE.index(row.kind)))
    found: list[Stretch] = []
    current: list[Shift] = []
    upcoming = iter(rows)
    waiting = next(upcoming, None)
    for starts, ends in pairwise(moments):
        current = [row for row in current if row.ends > starts]
        while waiting is not None and waiting.starts <= starts:
            current.append(waiting)
            waiting = next(upcoming, None)
        row = min(current, key=lambda row: PRECEDENCE.index(row.kind), default=None)
        if row is None or (row.kind is not Kind.LEAVE and _relieved(relieved, row, starts)):
            continue
        if found and found[-1].row is row and found[-1].ends == starts:
            found[-1] = Stretch(found[-1].starts, ends, row)
        else:
            found.append(Stretch(starts, ends, row))
    return found


def _relieved(relief: Iterable[Shift], row: Shift, at: datetime) -> bool:
    # Two colleagues who swap cover each other: a cover of one's own is still to be kept.
    return row.kind is not Kind.COVER and any(other.holds(at) for other in relief)


# ── Patterns ─────────────────────────────────────────────────────────────────────────────────────

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PATTERN = re.compile(r"^(?P<days>\S+)\s+(?P<opens>\d{1,2}:\d\d)\s*-\s*(?P<closes>\d{1,2}:\d\d)$")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Hours that come back every week; `closes` may lie past midnight."""

    days: frozenset[int]  # Monday is 0
    opens: timedelta
    closes: timedelta

    def spans(self, first: date, last: date, zone: ZoneInfo) -> Iterator[Span]:
        """The pattern on each of the days, as moments: wall-clock hours survive a DST night."""
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
            if day.weekday() in self.days:
                yield _moment(day, self.opens, zone), _moment(day, self.closes, zone)


def _moment(day: date, wall: timedelta, zone: ZoneInfo) -> datetime:
    whole, rest = divmod(wall, timedelta(days=1))
    clock = time(rest.seconds // 3600, rest.seconds // 60 % 60)
    return datetime.combine(day + timedelta(days=whole), clock, zone).astimezone(ZoneInfo("UTC"))


def read_pattern(text: str) -> Pattern:
    """`Mon-Fri 08:00-17:00`, `Sat,Sun 22:00-08:00` (over midnight), `Mon-Sun 00:00-24:00`."""
    match = _PATTERN.match(text.strip())
    if match is None:
        raise BadRota(text, "not of the form 'Mon-Fri 08:00-17:00'")
    opens, closes = _wall(match["opens"], text), _wall(match["closes"], text)
    if opens >= timedelta(days=1):
        raise BadRota(text, "a day starts before 24:00")
    if closes <= opens:
        closes += timedelta(days=1)
    return Pattern(_days(match["days"], text), opens, closes)


def _wall(text: str, whole: str) -> timedelta:
    hours, minutes = (int(part) for part in text.split(":"))
    if minutes > 59 or hours * 60 + minutes > 24 * 60:
        raise BadRota(whole, f"there is no {text} on a clock")
    return timedelta(hours=hours, minutes=minutes)


def _days(text: str, whole: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last and last not in DAYS):
            raise BadRota(whole, f"'{part}' is no day of the week")
        start, end = DAYS.index(first), DAYS.index(last or first)
        days.update((start + n) % 7 for n in range((end - start) % 7 + 1))
    return frozenset(days)


def expand(
    patterns: Mapping[str, Iterable[Pattern]],
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
    kind: Kind = Kind.SHIFT,
) -> list[Shift]:
    """Weekly patterns by person as rows that touch the time between two moments."""
    first = since.astimezone(zone).date() - timedelta(days=1)  # the night before reaches over
    last = until.astimezone(zone).date()
    return [
        Shift(person=person, starts=starts, ends=ends, kind=kind)
        for person, weekly in patterns.items()
        for pattern in weekly
        for starts, ends in pattern.spans(first, last, zone)
        if ends > since and starts < until
    ]


SATURDAY = 5
BEFORE_OPENING = AFTER_CLOSING = timedelta(minutes=10)


def resident_shifts(
    person: str,
    site: str,
    openings: Iterable[Span],
    zone: ZoneInfo,
    *,
    before: timedelta = BEFORE_OPENING,
    after: timedelta = AFTER_CLOSING,
) -> list[Shift]:
    """A resident's days (R-029) from the customer's own opening hours, holidays taken out.

    A lunch break of the customer does not send the resident home: one row a day, from before
    the first opening to after the last closing.
    """
    in_order = sorted(openings)
    return [
        Shift(
            person=person,
            starts=spans[0][0] - before,
            ends=max(ends for _, ends in spans) + after,
            site=site,
        )
        for _, group in groupby(in_order, key=lambda span: span[0].astimezone(zone).date())
        for spans in [list(group)]
    ]


def within(days: Iterable[Shift], own: Sequence[Pattern], zone: ZoneInfo) -> Iterator[Shift]:
    """A resident's days, limited to the person's own hours where several share the customer's.

    A make-up Saturday stands in nobody's weekly hours, and is worked whole.
    """
    for row in days:
        day = row.starts.astimezone(zone).date()
        todays = [pattern for pattern in own if day.weekday() in pattern.days]
        if not own or (not todays and day.weekday() >= SATURDAY):
            yield row
        for pattern in todays:
            for starts, ends in pattern.spans(day, day, zone):
                if max(starts, row.starts) < min(ends, row.ends):
                    yield replace(row, starts=max(starts, row.starts), ends=min(ends, row.ends))


# ── Gaps ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """How many of these people must be on; `within` limits it to spans, such as opening hours."""

    name: str
    people: frozenset[str]
    at_least: int = 1
    within: tuple[Span, ...] | None = None
    site: str | None = None
    city: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    need: str
    starts: datetime
    ends: datetime
    missing: int


def gaps(rota: Rota, since: datetime, until: datetime, needs: Iterable[Need]) -> list[Gap]:
    """Where the plan has too few people, earliest first (R-030)."""
    found = [
        gap
        for need in needs
        for start, end in need.within or ((since, until),)
        if start < until and end > since
        for gap in _gaps(rota, max(start, since), min(end, until), need)
    ]
    return sorted(found, key=lambda gap: (gap.starts, gap.need))


def _gaps(rota: Rota, since: datetime, until: datetime, need: Need) -> Iterator[Gap]:
    present = [
        (stretch.starts, stretch.ends)
        for person in need.people
        for stretch in rota.stretches(person, since, until)
        if stretch.row.kind is not Kind.LEAVE and stretch.row.serves(need.site, need.city)
    ]
    moments = sorted({since, until, *(moment for span in present for moment in span)})
    open_gap: Gap | None = None
    for starts, ends in pairwise(moments):
        missing = need.at_least - sum(a <= starts < b for a, b in present)
        if open_gap and open_gap.missing == missing:
            open_gap = Gap(need.name, open_gap.starts, ends, missing)
            continue
        if open_gap:
            yield open_gap
        open_gap = Gap(need.name, starts, ends, missing) if missing > 0 else None
    if open_gap:
        yield open_gap


# ── The picture of the week ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Bar:
    """One coloured piece of the week's picture: `kind` is a row's kind, or `busy`."""

    person: str
    day: date
    starts: datetime
    ends: datetime
    kind: str


def week(
    rota: Rota,
    monday: date,
    zone: ZoneInfo,
    busy: Mapping[str, Iterable[Span]] | None = None,
) -> dict[str, list[Bar]]:
    """Seven local days by person: what they are, and on top of it when they hold a job."""
    midnights = [
        datetime.combine(monday + timedelta(days=n), time(), zone).astimezone(ZoneInfo("UTC"))
        for n in range(8)
    ]
    taken = busy or {}
    picture: dict[str, list[Bar]] = {}
    for person in sorted({*rota.people, *taken}):
        bars = picture[person] = []
        for number, (opens, closes) in enumerate(pairwise(midnights)):
            day = monday + timedelta(days=number)
            for piece in rota.stretches(person, opens, closes):
                bars.append(Bar(person, day, piece.starts, piece.ends, piece.row.kind))
            for starts, ends in taken.get(person, ()):
                if starts < closes and ends > opens:
                    bars.append(Bar(person, day, max(starts, opens), min(ends, closes), "busy"))
    return picture
