"""What the desk knows by heart: sites, staff, words. Read once, and again when it changed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from core.dispatch.choose import Engineer
from core.dispatch.ladder import Entry, default_ladders
from core.dispatch.rota import (
    Kind,
    Pattern,
    Rota,
    Shift,
    expand,
    read_pattern,
    resident_shifts,
    within,
)
from core.dispatch.travel import Pair, Place, Travel, both_ways, default_matrix
from core.keypad import normalise
from core.people import ENGINEERS, Person, Role, RotaRow, Site
from core.ports import Tx
from core.rows import Counter, Setting
from core.sla.calendar import Calendar
from core.understand.places import Gazetteer, SiteName
from core.understand.reading import Reader

ZONE = ZoneInfo("Asia/Shanghai")
AHEAD, DAY = timedelta(days=8), timedelta(days=1)
TRAVEL = "travel"  # the setting that holds the sheet's travel times
CHANGES = "register"  # the counter that every change of people, sites or rota moves

Openings = Callable[[], Calendar | None]


@dataclass(frozen=True, slots=True)
class Book:
    """One reading of the register."""

    version: int
    sites: Mapping[str, Site]
    staff: Mapping[int, Person]
    by_code: Mapping[str, Person]
    by_name: Mapping[str, Person]  # of two with one name the first
    reader: Reader
    travel: Travel
    rows: tuple[RotaRow, ...]
    ladders: tuple[Entry, ...]
    patterns: Mapping[str, Mapping[str, tuple[Pattern, ...]]]
    openings: Openings
    rotas: dict[date, tuple[Calendar | None, Rota]] = field(default_factory=dict)
    rested: dict[tuple[Rota, int, tzinfo], Mapping[int, Engineer]] = field(default_factory=dict)
    by_roles: dict[tuple[Role, ...], list[Person]] = field(default_factory=dict)

    def site_name(self, code: str | None, language: str) -> str:
        site = self.sites.get(code or "")
        if site is None:
            return ""
        return site.name_en if language == "en" and site.name_en else site.name

    def site_named(self, said: str) -> Site | None:
        """By its code or any of its names, however it was typed."""
        wanted = normalise(said)
        for site in self.sites.values():
            names = (site.code, site.name, site.name_en, *site.aliases)
            if wanted and wanted in map(normalise, names):
                return site
        return None

    def named(self, word: str) -> Person | None:
        """A member of staff by code or name; two people of one name are nobody."""
        wanted = word.strip().lower()
        found = [
            person
            for person in self.staff.values()
            if wanted and wanted in {person.code, person.name.lower(), person.name_en.lower()}
        ]
        return found[0] if len(found) == 1 else None

    def with_role(self, *roles: Role) -> list[Person]:
        """Looked up once for each set of roles: every report asks for several."""
        if roles not in self.by_roles:
            self.by_roles[roles] = [p for p in self.staff.values() if p.has(*roles)]
        return list(self.by_roles[roles])

    def engineers(self, now: datetime, zone: tzinfo) -> Mapping[int, Engineer]:
        """Each as if without a job, by person; made anew when anybody's time changes."""
        rota = self.rota(now)
        kept = rota, rota.period(now), zone
        if kept not in self.rested:
            self.rested.clear()
            self.rested[kept] = {
                person.id: _rested(person, rota, now, zone) for person in self.with_role(*ENGINEERS)
            }
        return self.rested[kept]

    def rota(self, now: datetime) -> Rota:
        """Who is on in the days around now; worked out once a day."""
        day, calendar = now.astimezone(ZONE).date(), self.openings()
        kept = self.rotas.get(day)
        if kept is None or kept[0] is not calendar:
            self.rotas.clear()
            kept = calendar, self.rota_between(now - timedelta(days=2), now + AHEAD)
            self.rotas[day] = kept
        return kept[1]

    def rota_between(self, since: datetime, until: datetime) -> Rota:
        """Everybody's hours and whatever was entered besides, over a stretch of time."""
        calendar = self.openings()
        residents = self.residents if calendar is not None else {}
        rows = [
            row
            for kind, patterns in self.patterns.items()
            for row in expand(patterns, since, until, ZONE, Kind(kind))
            if kind != Kind.SHIFT or row.person not in residents
        ]
        if calendar is not None:
            hours = tuple(calendar.spans(since - DAY, until + DAY))
            for person, site in residents.items():
                days = resident_shifts(person, site, hours, ZONE)
                rows += within(days, self.patterns[Kind.SHIFT].get(person, ()), ZONE)
        return Rota([*rows, *_rows(self.rows, since, until)])

    @property
    def residents(self) -> Mapping[str, str]:
        """Who works at which customer's site, in the customer's own hours (R-029)."""
        theirs = {site.code for site in self.sites.values() if site.kind == "resident"}
        return {
            person.code: person.site
            for person in self.with_role(Role.RESIDENT_ENGINEER)
            if person.code and person.site and person.site in theirs
        }

    def on_duty(self, people: Iterable[Person], now: datetime) -> list[Person]:
        """Those of them who are on now; whoever has no hours at all is always reachable."""
        rota = self.rota(now)
        return [
            person
            for person in people
            if not (person.duty or person.on_call) or rota.duty(person.code or "", now)
        ]

    def on_duty_or_all(self, people: Sequence[Person], now: datetime) -> Sequence[Person]:
        """With nobody on, all of them hear of it rather than none."""
        return self.on_duty(people, now) or people


def _rested(person: Person, rota: Rota, now: datetime, zone: tzinfo) -> Engineer:
    code = person.code or ""
    stretch = rota.stretch(code, now)
    return Engineer(
        id=code,
        role=next((role for role in person.roles if role in ENGINEERS), ""),
        resident_at=person.site,
        cities=frozenset(person.cities),
        sites=frozenset(person.sites),
        skills=frozenset(person.skills),
        on_duty=rota.duty(code, now) is not None,
        on_leave=stretch is not None and stretch.row.kind is Kind.LEAVE,
        duty_ends=rota.duty_ends(code, now),
        nda_until=person.nda_until.astimezone(zone).date() if person.nda_until else None,
        pass_until=person.pass_until.astimezone(zone).date() if person.pass_until else None,
        capacity=person.capacity,
        place=person.site,
    )


def _rows(rows: Iterable[RotaRow], since: datetime, until: datetime) -> Iterable[Shift]:
    for row in rows:
        if row.ends > since and row.starts < until:
            yield Shift(
                person=row.person_code,
                starts=row.starts,
                ends=row.ends,
                kind=Kind(row.kind),
                covers=row.covers,
                site=row.site,
                city=row.city,
            )


def amend(tx: Tx, person: Person, **changes: Any) -> Person:
    """The way to change one person: whoever has the book by heart reads it again."""
    if person.is_staff:
        tx.next(CHANGES)
    return tx.update(person, **changes)


class Register:
    """The book, read again when its counter moved: by this process or by another.

    `openings` gives the calendar of the customer's own hours, as it is now.
    """

    def __init__(self, openings: Openings = lambda: None) -> None:
        self._openings = openings
        self._book: Book | None = None

    def open(self, tx: Tx) -> Book:
        if CHANGES not in tx.memo:
            counter = tx.get(Counter, CHANGES)
            version = counter.value if counter else 0
            if self._book is None or self._book.version != version:
                self._book = _read(tx, version, self._openings)
            tx.memo[CHANGES] = self._book
        book: Book = tx.memo[CHANGES]
        return book


def _read(tx: Tx, version: int, openings: Openings) -> Book:
    sites = {site.code: site for site in tx.find(Site, order="code", active=True)}
    staff = [p for p in tx.find(Person, order="id", active=True, provisional=False) if p.is_staff]
    names = [
        SiteName(
            code=site.code,
            names=(site.name, site.name_en, *site.aliases),
            city=site.city,
        )
        for site in sites.values()
    ]
    places = [Place(s.code, s.city, s.lat, s.lon) for s in sites.values()]
    return Book(
        version=version,
        sites=sites,
        staff={person.id: person for person in staff},
        by_code={person.code: person for person in staff if person.code},
        by_name={person.name: person for person in reversed(staff)},
        reader=_reader(tuple(names)),
        travel=Travel(places, {**default_matrix(), **both_ways(_legs(tx))}),
        rows=tuple(tx.find(RotaRow, order="starts")),
        ladders=default_ladders(),
        openings=openings,
        patterns={
            "shift": _patterns(staff, lambda person: person.duty),
            "on_call": _patterns(staff, lambda person: person.on_call),
        },
    )


def _legs(tx: Tx) -> Mapping[Pair, float]:
    """The desk's own travel times go before those that ship with the program."""
    kept = tx.get(Setting, TRAVEL)
    legs: Any = kept.value["legs"] if kept else []
    return {(origin, target): float(minutes) for origin, target, minutes in legs}


@lru_cache(maxsize=2)  # ten megabytes each: the present one, and the one before while it is changed
def _reader(names: tuple[SiteName, ...]) -> Reader:
    """Compiling the words takes a quarter of a second, and people change more often than sites."""
    return Reader(Gazetteer.of(names))


def _patterns(staff: Iterable[Person], hours: "object") -> Mapping[str, tuple[Pattern, ...]]:
    assert callable(hours)
    return {
        person.code: tuple(read_pattern(text) for text in hours(person))
        for person in staff
        if person.code
    }
