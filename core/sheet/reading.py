"""Tables of cells become a sheet, or a list of everything that is wrong with them."""

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from core.dispatch.rota import (
    BadRota,
    Gap,
    Kind,
    Need,
    Pattern,
    Rota,
    Shift,
    expand,
    gaps,
    read_pattern,
)
from core.kinds import SITE_KINDS
from core.levels import below, shipped_tables
from core.people import Asset, Person, Role, RotaRow, Site
from core.register import ZONE
from core.sheet.columns import (
    ASSETS,
    CALENDARS,
    IGNORED,
    PEOPLE,
    ROTA,
    SITES,
    TABLES,
    TRAVEL,
    Column,
    Form,
    Table,
)
from core.sheet.entry import Entry
from core.sheet.values import BadSheet, Cells, Leg, Row, Sheet, Tables
from core.sla.calendars import build
from core.sla.errors import SlaRefusal
from core.words import say

AHEAD = timedelta(days=7)
NEEDED = (Role.DESK_AGENT, Role.SUPERVISOR, Role.FIELD_ENGINEER)
ALWAYS = "Mon-Sun 00:00-24:00"
USUAL_CAPACITY, USUAL_ZONE = 4, "Asia/Shanghai"
KINDS = {"驻场": "resident", "外勤": "field", "现场": "field"}
ROTA_KINDS = {"请假": "leave", "休假": "leave", "替班": "cover", "班次": "shift", "待命": "on_call"}
LANGUAGES = {"中文": "zh_CN", "zh": "zh_CN", "英文": "en", "英语": "en"}


def read_toml(text: str, now: datetime) -> Sheet:
    """Raises BadSheet with everything that is wrong at once."""
    return read(_toml(text), now)


def read_calendars(text: str, now: datetime) -> tuple[Cells, ...]:
    """The calendars alone, from a TOML that need not have anything else. Raises BadSheet."""
    reading = _Reading(_toml(text), now)
    found = reading.calendar_tables()
    if reading.problems or not found:
        raise BadSheet(reading.problems or ["calendars: the file has none"])
    return found


def _toml(text: str) -> Tables:
    """Its tables, whose rows are called by number and name: people[3] li.wei.phone."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise BadSheet([f"not TOML: {fault}"]) from fault
    problems = [
        f"{name}: there is no such table; known are {', '.join(TABLES)}"
        for name in data
        if name not in TABLES and name not in IGNORED
    ]
    tables = {}
    for name in TABLES:
        rows = data.get(name)
        if rows is None:
            continue
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            problems.append(f"{name}: must be tables, written [[{name}]]")
            continue
        tables[name] = [_row(TABLES[name], number, row) for number, row in enumerate(rows, start=1)]
    if problems:
        raise BadSheet(problems)
    return tables


def _row(table: Table, number: int, cells: Cells) -> Row:
    code = str(cells.get(table.key) or "") if table.key else ""
    name = f"{table.name}[{number}]{f' {code}' if code else ''}"
    return Row(cells, lambda key: f"{name}.{key}")


def read(tables: Tables, now: datetime) -> Sheet:
    """A sheet from tables of cells. Raises BadSheet with every wrong cell at once."""
    reading = _Reading(tables, now)
    sheet = reading.sheet()
    if reading.problems:
        raise BadSheet([*dict.fromkeys(reading.problems)])
    return sheet


@dataclass
class _Reading:
    """One pass over the tables: sites first, because people name them."""

    tables: Tables
    now: datetime
    problems: list[str] = field(default_factory=list)
    extras: dict[str, dict[str, Cells]] = field(default_factory=dict)

    def sheet(self) -> Sheet:
        for needed in ("sites", "people"):
            if not self.tables.get(needed):
                self.problems.append(f"{needed}: the sheet has none")
        sites = [_site(entry) for entry in self._entries(SITES)]
        self.codes = {site.code for site in sites}
        self.calendars = {str(row.cells.get("code")) for row in self.tables.get("calendars", ())}
        people, mails = self._people()
        self.staff = {person.code for person in people if person.code}
        for entry in self._entries(SITES, again=True):
            self._check_site(entry)
        for entry in self._entries(PEOPLE, again=True):
            self._check_person(entry)
        rota = self._rota()
        self._check_duty(people, rota or ())
        return Sheet(
            sites=tuple(sites),
            people=tuple(people),
            mails=mails,
            assets=self._assets(),
            rota=rota,
            calendars=self.calendar_tables(),
            travel=self._travel(sites),
            extras=self.extras,
        )

    def _entries(self, table: Table, *, again: bool = False) -> Iterator[Entry]:
        """The rows that have a name of their own; at the first visit each is looked over."""
        problems: list[str] = [] if again else self.problems
        seen: dict[str, str] = {}
        for row in self.tables.get(table.name, ()):
            entry = Entry(row, problems)
            if not again:
                self._check_columns(entry, table)
            if not table.key:
                yield entry
                continue
            code = entry.text(table.key, needed=True)
            if code in seen:
                entry.wrong(table.key, f"{code!r} stands at {seen[code]} already")
            elif code:
                seen[code] = row.where(table.key)
                if not again:
                    self._keep(entry, table, code)
                yield Entry(row, self.problems)

    def _check_columns(self, entry: Entry, table: Table) -> None:
        known = {column.key for column in table.columns}
        for key in entry.row.cells:
            if key not in known:
                entry.wrong(key, f"there is no such column{table.like(key)}")

    def _keep(self, entry: Entry, table: Table, code: str) -> None:
        kept = {
            column.key: _kept_value(entry, column)
            for column in table.columns
            if column.kept and entry.given(column.key)
        }
        if kept:
            self.extras.setdefault(table.name, {})[code] = kept

    # -- people

    def _people(self) -> tuple[list[Person], dict[str, str]]:
        people: list[Person] = []
        mails: dict[str, str] = {}
        taken: dict[str, str] = {}
        for entry in self._entries(PEOPLE):
            person = _person(entry, self.now)
            people.append(person)
            if mail := entry.mail("email"):
                mails[person.code or ""] = mail
            for key, value in (("phone", person.phone), ("email", mail)):
                if value and value in taken:
                    entry.wrong(key, f"{value} stands at {taken[value]} already")
                elif value:
                    taken[value] = entry.row.where(key)
        return people, mails

    def _check_person(self, entry: Entry) -> None:
        for key in ("resident_at", "base", "site"):
            entry.known(key, entry.text(key), self.codes, "site")
        for code in entry.texts("sites"):
            entry.known("sites", code, self.codes, "site")
        for code in entry.texts("backup_for"):
            entry.known("backup_for", code, self.staff, "person")

    def _check_site(self, entry: Entry) -> None:
        for key in ("preferred", "excluded"):
            for code in entry.texts(key):
                entry.known(key, code, self.staff, "person")
        if self.calendars:
            entry.known("calendar", entry.text("calendar"), self.calendars, "calendar")

    def _check_duty(self, people: Sequence[Person], rota: Sequence[RotaRow]) -> None:
        """A role that nobody has, or that nobody is on duty for in a whole week, is a slip."""
        places = {str(row.cells.get("id")): row for row in self.tables.get("people", ())}
        empty = {
            gap.need for gap in gaps_of(people, rota, self.now) if gap.ends - gap.starts >= AHEAD
        }
        for role in NEEDED:
            having = [person for person in people if person.active and person.has(role)]
            if not having:
                self.problems.append(f"people: nobody has the role {role}")
            elif role in empty:
                place = places[having[0].code or ""].where("hours")
                names = ", ".join(person.code or "" for person in having)
                until = self.now + AHEAD
                self.problems.append(
                    f"{place}: nobody with the role {role} is on duty until"
                    f" {until.astimezone(ZONE):%Y-%m-%d} ({names})"
                )

    # -- the other tables

    def _assets(self) -> tuple[Asset, ...] | None:
        if "assets" not in self.tables:
            return None
        return tuple(_asset(e, self.codes, self.staff) for e in self._entries(ASSETS))

    def _rota(self) -> tuple[RotaRow, ...] | None:
        if "rota" not in self.tables:
            return None
        found: list[tuple[Entry, RotaRow]] = []
        for entry in self._entries(ROTA):
            row = _rota_row(entry, self.staff, self.codes)
            if row is not None:
                self._check_overlap(entry, row, found)
                found.append((entry, row))
        return tuple(row for _, row in found)

    def _check_overlap(
        self, entry: Entry, row: RotaRow, before: Sequence[tuple[Entry, RotaRow]]
    ) -> None:
        """Two leaves of one person over the same hours are a slip of somebody's."""
        for other_entry, other in before:
            same = (other.person_code, other.kind) == (row.person_code, row.kind)
            doubled = same and other.starts == row.starts
            both_away = same and row.kind == Kind.LEAVE
            if doubled or (both_away and row.starts < other.ends and other.starts < row.ends):
                entry.wrong(
                    "from",
                    f"overlaps the {row.kind} of {row.person_code} at"
                    f" {other_entry.row.where('from')}",
                )
                return

    def calendar_tables(self) -> tuple[Cells, ...] | None:
        if "calendars" not in self.tables:
            return None
        found: list[tuple[Entry, dict[str, Any]]] = [
            (entry, _calendar(entry)) for entry in self._entries(CALENDARS)
        ]
        tables = {**shipped_tables(), **{table["code"]: table for _, table in found}}
        for entry, table in found:
            try:
                build(below(table["code"], tables))[table["code"]].check(self.now)
            except SlaRefusal as fault:
                entry.wrong("hours", str(fault))
        return tuple(table for _, table in found)

    def _travel(self, sites: Sequence[Site]) -> tuple[Leg, ...] | None:
        if "travel" not in self.tables:
            return None
        known = {site.city for site in sites} | {site.code for site in sites}
        seen: dict[frozenset[str], str] = {}
        legs = []
        for entry in self._entries(TRAVEL):
            ends = entry.text("from", needed=True), entry.text("to", needed=True)
            for key, end in zip(("from", "to"), ends, strict=True):
                entry.known(key, end, known, "site or city")
            minutes = entry.number("minutes", 0, 24 * 60)
            if minutes is None:
                entry.wrong("minutes", "is missing")
                continue
            if frozenset(ends) in seen:
                entry.wrong("from", f"this way stands at {seen[frozenset(ends)]} already")
            seen[frozenset(ends)] = entry.row.where("from")
            legs.append(Leg(*ends, minutes))
        return tuple(legs)


def _kept_value(entry: Entry, column: Column) -> Any:
    if column.form is Form.LIST:
        return list(entry.texts(column.key))
    return entry.flag(column.key) if column.form is Form.FLAG else entry.text(column.key)


def _site(entry: Entry) -> Site:
    kind = entry.one_of("kind", SITE_KINDS, default="field", words=KINDS)
    return Site(
        code=entry.text("code"),
        name=entry.text("name", needed=True),
        name_en=entry.text("name_en"),
        city=entry.text("city"),
        district=entry.text("district"),
        address=entry.text("address"),
        kind=kind,
        zone=entry.one_of("zone", ("A", "B", "C"), default="A" if kind == "resident" else "B"),
        contact=entry.text("contact"),
        contact_phone=entry.text("contact_phone"),
        aliases=entry.texts("aliases"),
        hours=entry.hours("hours"),
        lat=entry.number("lat", -90, 90),
        lon=entry.number("lon", -180, 180),
        code_on_site=entry.text("code_on_site"),
        spoken_code=entry.text("spoken_code"),
        preferred=entry.texts("preferred"),
        excluded=entry.texts("excluded"),
        needs_pass=entry.flag("needs_pass"),
        active=entry.flag("active", default=True),
    )


@cache
def _role_names() -> Mapping[str, str]:
    """The roles as the desk calls them in Chinese and English."""
    return {
        say(f"term.role.{role}", {}, language=language).casefold(): str(role)
        for role in Role
        for language in ("zh_CN", "en")
    }


def _person(entry: Entry, now: datetime) -> Person:
    told = entry.texts("roles") or (str(Role.REQUESTER),)
    roles = tuple(_role_names().get(role.casefold(), role) for role in told)
    for role in roles:
        entry.check("roles", role, {str(known) for known in Role})
    home = entry.text("resident_at") or entry.text("base") or entry.text("site")
    capacity = entry.number("capacity", 1, 1000)
    return Person(
        code=entry.text("id"),
        name=entry.text("name", needed=True),
        name_en=entry.text("name_en"),
        roles=roles,
        language=entry.one_of("language", ("zh_CN", "en", ""), words=LANGUAGES),
        zone=entry.zone("zone", default=USUAL_ZONE),
        vip=entry.flag("vip"),
        active=entry.flag("active", default=True),
        site=home or None,
        cities=entry.texts("cities"),
        sites=entry.texts("sites"),
        skills=entry.texts("skills"),
        capacity=USUAL_CAPACITY if capacity is None else int(capacity),
        backup_for=", ".join(entry.texts("backup_for")) or None,
        phone=entry.phone("phone"),
        duty=entry.hours("hours"),
        on_call=entry.hours("on_call"),
        nda_until=entry.end_of("nda_until"),
        pass_until=entry.end_of("pass_until"),
        created_at=now,
    )


def _asset(entry: Entry, sites: Collection[str], people: Collection[str]) -> Asset:
    site, user = entry.text("site"), entry.text("user")
    entry.known("site", site, sites, "site")
    entry.known("user", user, people, "person")
    return Asset(
        code=entry.text("code"),
        kind=entry.text("type"),
        name=entry.text("name"),
        site=site or None,
        person_code=user or None,
        vendor=entry.text("vendor"),
        warranty_end=entry.end_of("warranty_until"),
        vip=entry.flag("vip"),
        sticker=entry.text("sticker"),
    )


def _rota_row(entry: Entry, people: Collection[str], sites: Collection[str]) -> RotaRow | None:
    person, covers, site = (
        entry.text("person", needed=True),
        entry.text("covers"),
        entry.text("site"),
    )
    entry.known("person", person, people, "person")
    entry.known("covers", covers, people, "person")
    entry.known("site", site, sites, "site")
    usual = "cover" if covers else "leave"
    kind = entry.one_of("kind", {str(kind) for kind in Kind}, default=usual, words=ROTA_KINDS)
    if (kind == Kind.COVER) != bool(covers):
        entry.wrong("covers", "a cover names whom it covers, and nothing else does")
    starts, ends = entry.moment("from"), entry.moment("until")
    if starts is None or ends is None:
        return None
    if starts >= ends:
        entry.wrong("until", "ends before it starts")
        return None
    return RotaRow(
        person_code=person,
        kind=kind,
        starts=starts,
        ends=ends,
        covers=covers or None,
        site=site or None,
        city=entry.text("city") or None,
        note=entry.text("note"),
    )


def _calendar(entry: Entry) -> dict[str, Any]:
    """The table that core.sla.calendars builds from; what is empty is left out."""
    texts = ("code", "name", "name_en", "timezone", "holidays", "makeup_hours", "extends")
    table: dict[str, Any] = {key: entry.text(key) for key in texts}
    value = entry.row.cells.get("hours")
    lines = value if isinstance(value, list) else entry.text("hours").splitlines()
    table["hours"] = [told for line in lines if (told := " ".join(str(line).split()))]
    table |= {"closed": entry.days("closed"), "open": entry.days("open")}
    table["special"] = entry.special("special")
    return {key: value for key, value in table.items() if value}


# -- who is on


def gaps_of(people: Sequence[Person], rota: Sequence[RotaRow], now: datetime) -> list[Gap]:
    """Where in the next week nobody is on duty for a role that the desk cannot do without."""
    until = now + AHEAD
    rows = [
        Shift(
            person=row.person_code,
            starts=row.starts,
            ends=row.ends,
            kind=Kind(row.kind),
            covers=row.covers,
        )
        for row in rota
        if (row.kind == Kind.COVER) == bool(row.covers)
    ]
    working = [person for person in people if person.active]
    # Whoever has no hours at all is always reachable.
    weekly = {p.code or "": p.duty or (() if p.on_call else (ALWAYS,)) for p in working}
    calls = {p.code or "": p.on_call for p in working}
    for kind, hours in ((Kind.SHIFT, weekly), (Kind.ON_CALL, calls)):
        patterns = {code: list(_patterns(texts)) for code, texts in hours.items()}
        rows += expand(patterns, now, until, ZONE, kind)
    needs = [
        Need(name=str(role), people=frozenset(p.code or "" for p in working if p.has(role)))
        for role in NEEDED
    ]
    return gaps(Rota(rows), now, until, needs)


def gaps_ahead(sheet: Sheet, now: datetime) -> list[Gap]:
    return gaps_of(sheet.people, sheet.rota or (), now)


def _patterns(texts: Iterable[str]) -> Iterator[Pattern]:
    """Those that can be read: the others were refused already."""
    for text in texts:
        with suppress(BadRota):
            yield read_pattern(text)
