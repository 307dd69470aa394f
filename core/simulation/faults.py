"""What breaks: drawn from rates, the same for every strategy, or read from a history."""

import csv
from bisect import bisect
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import TypeVar

from core.kinds import MODES, PRIORITIES
from core.simulation.desk import BadDesk, Category, Desk, Rates
from core.simulation.luck import dice

K = TypeVar("K")

RAISED = {"P2": "P1", "P3": "P2", "P4": "P3"}  # a VIP's fault counts one priority higher
STORM_SPREAD = timedelta(minutes=90)
WORK_SPREAD = 0.45  # of the logarithm of the time on site


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    number: str
    at: datetime
    site: str
    mode: str
    priority: str
    vip: bool
    skill: str | None
    expected_minutes: float  # what the desk can know
    minutes: float  # what it will turn out to be


def draw(desk: Desk, days: int, seed: int, load: float = 1.0) -> list[Fault]:
    """Faults of so many days: Poisson by site and hour, and a storm now and then.

    Every site and day has a dice of its own, so that a desk with one site more has the same
    faults at all others.
    """
    rates = desk.rates
    raw = list(_ordinary(desk, days, seed, load))
    for storm in range(_poisson(dice(seed, "storms"), rates.storms_per_month * days / 30)):
        raw.extend(_storm(desk, days, dice(seed, "storm", storm), load))
    raw.sort(key=lambda one: (one[0], one[1]))
    return [
        _fault(desk, number, at, site, dice(seed, site, at.isoformat()), category)
        for number, (at, site, category) in enumerate(raw, 1)
    ]


Raw = tuple[datetime, str, Category | None]


def _ordinary(desk: Desk, days: int, seed: int, load: float) -> Iterator[Raw]:
    rates = desk.rates
    shares = {code: rates.sites.get(code, 1.0) for code in desk.sites}
    whole = sum(shares.values())
    # The rated load is an average over the week, so that a working day has more than it.
    week = (5 + 2 * rates.weekend) / 7
    days_ = (rates.start + timedelta(days=n) for n in range(days))
    quiet = {day for day in days_ if desk.is_quiet(day)}
    for code, share in shares.items():
        for day in range(days):
            luck = dice(seed, code, day)
            date_ = rates.start + timedelta(days=day)
            busy = rates.weekend if date_ in quiet else 1.0
            mean = rates.tickets_per_day * load * share / whole * busy / week
            for _ in range(_poisson(luck, mean)):
                yield _at(rates, date_, luck), code, None


def _storm(desk: Desk, days: int, luck: Random, load: float) -> Iterator[Raw]:
    """A cut cable, a bad update: one city, one category, many reports at once."""
    rates = desk.rates
    day = rates.start + timedelta(days=luck.randrange(days))
    starts = datetime.combine(day, time(9), rates.zone) + timedelta(hours=luck.uniform(0, 8))
    city = desk.sites[luck.choice(sorted(desk.sites))].city
    sites = sorted(code for code, site in desk.sites.items() if site.city == city)
    category = _pick(luck, {one: one.share for one in rates.categories})
    for _ in range(_poisson(luck, rates.storm_tickets * load)):
        yield starts + STORM_SPREAD * luck.random(), luck.choice(sites), category


def _at(rates: Rates, day: date, luck: Random) -> datetime:
    hour = bisect(list(accumulate(rates.profile)), luck.random() * sum(rates.profile))
    midnight = datetime.combine(day, time(), rates.zone)
    return midnight + timedelta(hours=min(hour, 23), minutes=luck.random() * 60)


def _fault(
    desk: Desk, number: int, at: datetime, site: str, luck: Random, storm: Category | None
) -> Fault:
    rates = desk.rates
    category = storm or _pick(luck, {one: one.share for one in rates.categories})
    priority, vip = _pick(luck, rates.priorities), luck.random() < rates.vip
    usual = category.minutes
    return Fault(
        number=f"{number:06}",
        at=at,
        site=site,
        mode=_pick(luck, rates.modes),
        priority=RAISED.get(priority, priority) if vip else priority,
        vip=vip,
        skill=category.skill,
        expected_minutes=usual,
        minutes=usual * luck.lognormvariate(-(WORK_SPREAD**2) / 2, WORK_SPREAD),
    )


def _pick(luck: Random, shares: Mapping[K, float]) -> K:
    return luck.choices(list(shares), list(shares.values()))[0]


def _poisson(luck: Random, mean: float) -> int:
    """How many gaps of an exponential clock fit into `mean`."""
    number, clock = 0, luck.expovariate(1.0)
    while clock < mean:
        number += 1
        clock += luck.expovariate(1.0)
    return number


# ── History ──────────────────────────────────────────────────────────────────────────────────────

COLUMNS = ("at", "site", "category", "priority", "mode", "duration_minutes")


def read_history(desk: Desk, path: Path) -> list[Fault]:
    """Faults from a CSV with a heading: at, site, category, priority, mode, duration_minutes.

    `at` is ISO 8601, in the desk's zone where it names none. `vip` (1 or empty) may follow;
    category, priority, mode and duration may be empty and then take what is usual.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadDesk(str(path), f"cannot be read: {error}") from error
    rows = csv.DictReader(text.splitlines())
    for column in ("at", "site"):
        if column not in (rows.fieldnames or ()):
            raise BadDesk(f"{path.name}, row 1", f"the column {column!r} is missing")
    faults = [_past(desk, row, number, f"{path.name}, row {number}") for number, row in _rows(rows)]
    if not faults:
        raise BadDesk(path.name, "has no rows")
    return sorted(faults, key=lambda fault: (fault.at, fault.number))


def _rows(rows: "csv.DictReader[str]") -> Iterator[tuple[int, dict[str, str]]]:
    for number, row in enumerate(rows, 2):
        if any(row.values()):
            yield number, {key: (value or "").strip() for key, value in row.items() if key}


def _past(desk: Desk, row: Mapping[str, str], number: int, where: str) -> Fault:
    def one_of(column: str, allowed: Collection[str], otherwise: str) -> str:
        value = row.get(column) or otherwise
        if value not in allowed:
            raise BadDesk(
                f"{where}, {column}", f"{value!r} is none of {', '.join(sorted(allowed))}"
            )
        return value

    if row["site"] not in desk.sites:
        raise BadDesk(f"{where}, site", f"there is no site {row['site']!r}")
    by_name = {category.name: category for category in desk.rates.categories}
    category = by_name.get(row.get("category", ""), Category(name="other"))
    return Fault(
        number=f"{number:06}",
        at=_when(desk, row["at"], where),
        site=row["site"],
        mode=one_of("mode", MODES, "onsite"),
        priority=one_of("priority", PRIORITIES, "P3"),
        vip=row.get("vip", "").lower() in {"1", "true", "yes"},
        skill=category.skill,
        expected_minutes=category.minutes,
        minutes=_minutes(row.get("duration_minutes", ""), where) or category.minutes,
    )


def _when(desk: Desk, text: str, where: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadDesk(f"{where}, at", f"{text!r} is no moment") from error
    return at if at.tzinfo else at.replace(tzinfo=desk.rates.zone)


def _minutes(text: str, where: str) -> float | None:
    if not text:
        return None
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < 100_000:
        raise BadDesk(f"{where}, duration_minutes", f"{text!r} is no number of minutes")
    return minutes
