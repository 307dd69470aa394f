"""Reads as much of a desk file as a simulation needs, and says by key what it cannot use.

A file without a [simulation] still runs: what is missing has defaults, which stand here.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Never, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.dispatch.choose import BACKUP, FIELD, RESIDENT
from core.dispatch.rota import BadRota, Pattern, read_pattern
from core.dispatch.travel import Pair, Place, Travel, both_ways, default_matrix
from core.kinds import MODES, SITE_KINDS
from core.sla.calendar import Calendar
from core.sla.calendars import build
from core.sla.errors import SlaRefusal

T = TypeVar("T")

WHO_GOES = (RESIDENT, FIELD, BACKUP)
DAY_HOURS, NIGHT_HOURS = ("Mon-Sun 08:00-22:00",), ("Mon-Sun 22:00-08:00",)
OFFICE_HOURS = ("Mon-Fri 09:00-18:00",)
USUAL_ZONE = "Asia/Shanghai"
SATURDAY = 5


class BadDesk(ValueError):
    """A desk file or history that cannot be used; the text begins with the key."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key, self.reason = key, reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    code: str
    city: str
    resident: bool
    zone: str
    openings: tuple[Pattern, ...]  # the customer's own hours, asked of resident sites only
    calendar: Calendar | None = None  # the same with holidays and make-up days, where it is given
    closed: frozenset[date] = frozenset()
    lat: float | None = None
    lon: float | None = None
    needs_pass: bool = False
    preferred: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Somebody who goes to sites."""

    id: str
    role: str
    cities: frozenset[str]
    sites: frozenset[str]
    skills: frozenset[str]
    resident_at: str | None
    base: str | None
    capacity: int
    hours: tuple[Pattern, ...]
    on_call: tuple[Pattern, ...]
    nda_until: date | None = None
    pass_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    name: str
    share: float = 1.0
    skill: str | None = None
    minutes: float = 55.0


OFFICE_DAY = (
    *(0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.4, 1.2, 3.4, 4.2, 3.6, 2.6),
    *(1.5, 2.0, 2.6, 2.6, 2.2, 1.8, 1.2, 0.9, 0.8, 0.5, 0.3, 0.2),
)


def _dict(**values: float) -> Callable[[], dict[str, float]]:
    return lambda: dict(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What faults are drawn from, and how people answer."""

    tickets_per_day: float
    start: date = date(2026, 3, 2)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo(USUAL_ZONE))
    weekend: float = 0.55
    storms_per_month: float = 1.5
    storm_tickets: float = 12.0
    profile: tuple[float, ...] = OFFICE_DAY
    modes: Mapping[str, float] = field(default_factory=_dict(phone=0.45, remote=0.25, onsite=0.3))
    priorities: Mapping[str, float] = field(
        default_factory=_dict(P1=0.06, P2=0.22, P3=0.52, P4=0.2)
    )
    vip: float = 0.03
    sites: Mapping[str, float] = field(default_factory=dict)
    categories: tuple[Category, ...] = (Category(name="pc"),)
    decline: float = 0.08
    silent: float = 0.06
    answer_minutes: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    sites: Mapping[str, Site]
    workers: tuple[Worker, ...]
    matrix: Mapping[Pair, float]
    rates: Rates
    nda_tracked: bool = False
    working_days: Calendar | None = None  # None: a week is Monday to Friday

    def is_quiet(self, day: date) -> bool:
        """Whether fewer people work, so that less breaks: a weekend, a public holiday."""
        if self.working_days is None:
            return day.weekday() >= SATURDAY
        midnight = datetime.combine(day, time(), self.rates.zone)
        return not any(self.working_days.spans(midnight, midnight + timedelta(days=1)))

    def travel(self) -> Travel:
        places = [Place(site.code, site.city, site.lat, site.lon) for site in self.sites.values()]
        return Travel(places, {**default_matrix(), **both_ways(self.matrix)})

    def without(self, people: Sequence[str]) -> "Desk":
        """The same desk with some engineers fewer."""
        known = {worker.id for worker in self.workers}
        for person in people:
            if person not in known:
                raise BadDesk("--without", f"no engineer is called {person!r}")
        left = tuple(worker for worker in self.workers if worker.id not in people)
        return _replaced(self, left)


def _replaced(desk: Desk, workers: tuple[Worker, ...]) -> Desk:
    return replace(desk, workers=workers)


def load(path: Path) -> Desk:
    try:
        return read_text(path.read_text("utf-8"))
    except OSError as error:
        raise BadDesk(str(path), error.strerror or "cannot be read") from error
    except UnicodeDecodeError as error:
        raise BadDesk(str(path), "is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise BadDesk(str(path), f"is not TOML: {error}") from error


def read_text(text: str) -> Desk:
    return read(tomllib.loads(text))


def read(data: Mapping[str, Any]) -> Desk:
    file = Part("", data)
    parts = {part.text("code"): part for part in file.parts("calendars")}
    calendars = _calendars(file, parts)
    sites = _keyed(
        [(part, _site(part, parts, calendars)) for part in file.parts("sites")], "code", _code
    )
    if not sites:
        file.refuse("sites", "the desk has no site")
    cities = frozenset(site.city for site in sites.values())
    people = [part for part in file.parts("people") if _role(part) and part.flag("active", True)]
    on_call = any(part.given("on_call") for part in people)
    workers = [(part, _worker(part, sites, cities, on_call)) for part in people]
    found = tuple(_keyed(workers, "id", _id).values())
    if not found:
        file.refuse("people", "nobody who goes to sites: no resident, field or backup engineer")
    return Desk(
        sites=sites,
        workers=found,
        matrix=_matrix(file),
        rates=_rates(file.part("simulation"), sites, found),
        nda_tracked=any(worker.nda_until for worker in found),
        working_days=calendars.get("working_days"),
    )


def _calendars(file: "Part", parts: Mapping[str, "Part"]) -> Mapping[str, Calendar]:
    """The desk's own calendars, with their public holidays and make-up days."""
    tables = [{"timezone": USUAL_ZONE, **part.raw()} for part in parts.values()]
    try:
        return build(table for table in tables if table.get("hours") or table.get("extends"))
    except SlaRefusal as error:
        file.refuse("calendars", str(error))


class Part:
    """A table of the file that remembers where it stands, so that a complaint can say so."""

    def __init__(self, key: str, data: Mapping[str, Any]) -> None:
        self.key, self._data = key, data

    def at(self, key: str) -> str:
        return f"{self.key}.{key}" if self.key else key

    def refuse(self, key: str, reason: str) -> Never:
        raise BadDesk(self.at(key), reason)

    def given(self, key: str) -> bool:
        return self._data.get(key) is not None

    def raw(self) -> Mapping[str, Any]:
        return self._data

    def part(self, key: str) -> "Part":
        value = self._data.get(key, {})
        if not isinstance(value, Mapping):
            self.refuse(key, "must be a table")
        return Part(self.at(key), value)

    def parts(self, key: str) -> "list[Part]":
        value = self._data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
            self.refuse(key, f"must be tables, written [[{self.at(key)}]]")
        return [Part(f"{self.at(key)}[{number}]", one) for number, one in enumerate(value, 1)]

    def text(self, key: str, otherwise: str | None = None) -> str:
        value = self._data.get(key, otherwise)
        if not isinstance(value, str) or not value:
            self.refuse(key, "is missing" if value is None else "must be text")
        return value

    def flag(self, key: str, otherwise: bool) -> bool:
        value = self._data.get(key, otherwise)
        if not isinstance(value, bool):
            self.refuse(key, "must be true or false")
        return value

    def number(self, key: str, otherwise: float, low: float = 0.0) -> float:
        value = self._data.get(key, otherwise)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= low:
            self.refuse(key, f"must be a number, {low:g} or more")
        return float(value)

    def coordinate(self, key: str) -> float | None:
        return self.number(key, 0.0, low=-180.0) if self.given(key) else None

    def day(self, key: str) -> date | None:
        value = self._data.get(key)
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                self.refuse(key, f"{value!r} is no date")
        if value is not None and not isinstance(value, date):
            self.refuse(key, "must be a date")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._data.get(key, [])
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            self.refuse(key, "must be a list of texts")
        return tuple(words)

    def days(self, key: str) -> frozenset[date]:
        value = self._data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(day, date) for day in value):
            self.refuse(key, "must be a list of dates")
        return frozenset(value)

    def patterns(self, key: str, otherwise: Sequence[str]) -> tuple[Pattern, ...]:
        texts = self.texts(key) if self.given(key) else otherwise
        try:
            return tuple(read_pattern(text) for text in texts)
        except BadRota as error:
            self.refuse(key, str(error))

    def shares(self, key: str, otherwise: Mapping[str, float]) -> Mapping[str, float]:
        part = self.part(key)
        found = {name: part.number(name, 0.0) for name in part.raw()} or dict(otherwise)
        if found and sum(found.values()) <= 0:
            self.refuse(key, "all shares are nought")
        return found


def _keyed(found: Sequence[tuple[Part, T]], key: str, name: Callable[[T], str]) -> dict[str, T]:
    by_name: dict[str, T] = {}
    for part, value in found:
        if name(value) in by_name:
            part.refuse(key, f"{name(value)!r} is there twice")
        by_name[name(value)] = value
    return by_name


def _code(site: Site) -> str:
    return site.code


def _id(worker: Worker) -> str:
    return worker.id


def _site(part: Part, parts: Mapping[str, Part], calendars: Mapping[str, Calendar]) -> Site:
    kind = part.text("kind", "field")
    if kind not in SITE_KINDS:
        part.refuse("kind", f"must be one of {', '.join(SITE_KINDS)}")
    zone = part.text("zone", "A" if kind == "resident" else "B").upper()
    if zone not in TARGETS:
        part.refuse("zone", f"must be one of {', '.join(TARGETS)}")
    name = part.text("calendar", "resident")
    calendar = parts.get(name, Part("", {}))
    hours = calendar if calendar.given("hours") else part
    return Site(
        code=part.text("code"),
        city=part.text("city"),
        resident=kind == "resident",
        zone=zone,
        openings=hours.patterns("hours", OFFICE_HOURS) if kind == "resident" else (),
        calendar=calendars.get(name) if kind == "resident" else None,
        closed=calendar.days("closed"),
        lat=part.coordinate("lat"),
        lon=part.coordinate("lon"),
        needs_pass=part.flag("needs_pass", False),
        preferred=frozenset(part.texts("preferred")),
        excluded=frozenset(part.texts("excluded")),
    )


# Minutes to arrive by zone: normal, and for P1 or VIP (section 2 of the requirements).
TARGETS: Mapping[str, tuple[float, float]] = {"A": (30, 15), "B": (120, 90), "C": (240, 180)}


def _role(part: Part) -> str | None:
    roles = (*part.texts("roles"), *part.texts("role"))
    return next((role for role in WHO_GOES if role in roles), None)


def _worker(
    part: Part, sites: Mapping[str, Site], cities: frozenset[str], nights_planned: bool
) -> Worker:
    role = _role(part) or FIELD
    home = part.text("resident_at") if part.given("resident_at") else None
    if role == RESIDENT and home is None:
        home = next((site.code for site in sites.values() if site.resident), None)
    for key, site in (("resident_at", home), ("base", part.raw().get("base"))):
        if site is not None and site not in sites:
            part.refuse(key, f"there is no site {site!r}")
    nights = () if nights_planned or role == RESIDENT else NIGHT_HOURS
    served = frozenset(part.texts("cities")) or cities
    first = next((site.code for site in sites.values() if site.city in served), None)
    return Worker(
        id=part.text("id", part.raw().get("name")),
        role=role,
        cities=served,
        sites=frozenset(part.texts("sites")),
        skills=frozenset(part.texts("skills")),
        resident_at=home,
        base=part.raw().get("base") or home or first,
        capacity=max(1, int(part.number("capacity", 3, low=1))),
        hours=part.patterns("hours", OFFICE_HOURS if role == RESIDENT else DAY_HOURS),
        on_call=part.patterns("on_call", nights),
        nda_until=part.day("nda_until"),
        pass_until=part.day("pass_until"),
    )


def _matrix(file: Part) -> dict[Pair, float]:
    return {
        (part.text("from"), part.text("to")): part.number("minutes", -1.0)
        for part in file.parts("travel")
    }


# Without rates: about two thirds of a working day's capacity, of which a third is on the road.
TICKETS_PER_ENGINEER = 8.0


def _rates(part: Part, sites: Mapping[str, Site], workers: Sequence[Worker]) -> Rates:
    usual = Rates(tickets_per_day=TICKETS_PER_ENGINEER * len(workers))
    answers = part.part("answers")
    profile = part.raw().get("profile", list(OFFICE_DAY))
    if not isinstance(profile, list) or len(profile) != 24 or sum(map(_number, profile)) <= 0:
        part.refuse("profile", "must be 24 numbers, one for each hour")
    for code in part.shares("sites", {}):
        if code not in sites:
            part.refuse(f"sites.{code}", "there is no such site")
    modes = part.shares("modes", usual.modes)
    if unknown := sorted(set(modes) - set(MODES)):
        part.refuse(f"modes.{unknown[0]}", f"must be one of {', '.join(MODES)}")
    return Rates(
        tickets_per_day=part.number("tickets_per_day", usual.tickets_per_day),
        start=part.day("start") or usual.start,
        zone=_zone(part),
        weekend=part.number("weekend", usual.weekend),
        storms_per_month=part.number("storms_per_month", usual.storms_per_month),
        storm_tickets=part.number("storm_tickets", usual.storm_tickets),
        profile=tuple(map(_number, profile)),
        modes=modes,
        priorities=part.shares("priorities", usual.priorities),
        vip=part.number("vip", usual.vip),
        sites=part.shares("sites", {}),
        categories=tuple(_category(one, workers) for one in part.parts("categories"))
        or usual.categories,
        decline=answers.number("decline", usual.decline),
        silent=answers.number("silent", usual.silent),
        answer_minutes=answers.number("minutes", usual.answer_minutes),
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and value >= 0 else float("-inf")


def _zone(part: Part) -> ZoneInfo:
    name = part.text("timezone", "Asia/Shanghai")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        part.refuse("timezone", f"there is no zone {name!r}")


def _category(part: Part, workers: Sequence[Worker]) -> Category:
    skill = part.text("skill") if part.given("skill") else None
    if not any(worker.skills for worker in workers):
        skill = None  # a desk that keeps no skills sends anybody
    if skill is not None and not any(skill in worker.skills for worker in workers):
        part.refuse("skill", f"nobody has the skill {skill!r}")
    return Category(
        name=part.text("category", part.raw().get("name")),
        share=part.number("share", 1.0),
        skill=skill,
        minutes=part.number("minutes", 55.0, low=1.0),
    )
