"""Policies and calendars as the desk's own data: dated documents, added to and never rewritten.

A policy is kept by its version, a calendar with every table that ever held and the day from which
it did. So a ticket reads its clocks under what held at the time (R-058, promise 8).
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from core import clocks, looks
from core.desk import SHANGHAI, Desk
from core.in_hand import InHand
from core.ports import Between, Tx
from core.rows import Setting, TicketClocks
from core.sla.calendar import Calendar, Version
from core.sla.calendars import build, national_days
from core.sla.days import Closure, DayFact, DayKind, Layer
from core.sla.errors import SlaRefusal, WrongPolicy
from core.sla.national import National, YearImport
from core.sla.policy import Policy, load, shipped_policy, unknown_calendars
from core.sla.rehearse import Case, Differs, Moved, Rehearsal, Terms, rehearse
from core.ticket import Ticket

Table = Mapping[str, Any]
CHANGES = "levels"  # the counter that every change of a policy or calendar moves
TIMER = "levels"  # after a change of a calendar: whose deadline has moved?
POLICY, CALENDAR, CLOSURE, YEAR = "policy/", "calendar/", "closure/", "year/"


def _documents(tx: Tx, prefix: str) -> list[Setting]:
    return [row for row in tx.find(Setting, order="name") if row.name.startswith(prefix)]


def refresh(tx: Tx, desk: Desk) -> None:
    """The desk goes by what was saved last. A body that runs twice reads the same twice."""
    desk.calendars, desk.policies = load_calendars(tx), load_policies(tx)


# -- policies


def load_policies(tx: Tx) -> tuple[Policy, ...]:
    """The desk's own, newest first, and the one that comes with the program."""
    kept = sorted(_documents(tx, POLICY), key=lambda row: row.changed_at, reverse=True)
    own = [load(str(row.value["toml"])) for row in kept]
    return (*own, shipped_policy())


def policy_text(tx: Tx, version: str) -> str | None:
    """A policy as its author wrote it."""
    if version == shipped_policy().version:
        return files("core.sla").joinpath("data/policy.toml").read_text("utf-8")
    row = tx.get(Setting, f"{POLICY}{version}")
    return str(row.value["toml"]) if row else None


def read_policy(text: str, calendars: Mapping[str, Calendar]) -> Policy:
    """Raises WrongPolicy, also for calendars that the desk does not have."""
    policy = load(text, calendars)
    if missing := unknown_calendars(policy, calendars):
        raise WrongPolicy([f"there is no calendar {name!r}" for name in sorted(missing)])
    return policy


def save_policy(tx: Tx, text: str, now: datetime) -> Policy:
    """Keep a policy under its version; a version that tickets may carry is never rewritten."""
    policy = read_policy(text, load_calendars(tx))
    known = policy_text(tx, policy.version)
    if known is not None and known != text:
        raise WrongPolicy([f"version: {policy.version!r} exists; give this policy a new one"])
    if known is None:
        name = f"{POLICY}{policy.version}"
        tx.put(Setting(name=name, value={"toml": text}, changed_at=now))
        tx.next(CHANGES)
    return policy


# -- calendars


def calendar_tables(tx: Tx) -> dict[str, Table]:
    """The desk's own calendars by code, as they were last written."""
    return {
        row.name.removeprefix(CALENDAR): _versions(row)[-1]["table"]
        for row in _documents(tx, CALENDAR)
    }


def load_calendars(
    tx: Tx, *, tables: Iterable[Table] = (), now: datetime | None = None
) -> dict[str, Calendar]:
    """All calendars, with imported years and closures; `tables` as if they were saved now."""
    held = {code: [_first(table)] for code, table in shipped_tables().items()}
    held |= {row.name.removeprefix(CALENDAR): _versions(row) for row in _documents(tx, CALENDAR)}
    for table in tables:
        assert now is not None
        code = str(table["code"])
        held[code] = _added(held.get(code, []), table, now)
    days = _days(tx)
    built = {code: _calendar(code, held, days) for code in held}
    for row in _documents(tx, CLOSURE):
        named: Any = row.value["calendars"]
        for code in named or list(built):
            if code in built:
                built[code] = built[code].closed(_closure(row))
    return built


def save_calendar(tx: Tx, table: Table, now: datetime) -> bool:
    """Let a calendar hold from today on; the days before keep what held then. False: no change."""
    name = f"{CALENDAR}{table['code']}"
    row = tx.get(Setting, name)
    before = _versions(row) if row else []
    if before and before[-1]["table"] == table:
        return False
    versions = _added(before, table, now)
    tx.put(Setting(name=name, value={"versions": versions}, changed_at=now))
    reckon_soon(tx, now)
    return True


def _versions(row: Setting) -> list[Table]:
    kept: Any = row.value["versions"]
    return list(kept)


def _first(table: Table) -> Table:
    return {"since": None, "table": dict(table)}


def _added(before: list[Table], table: Table, now: datetime) -> list[Table]:
    if not before:
        return [_first(table)]
    today = now.astimezone(SHANGHAI).date().isoformat()
    if before[-1]["since"] == today:
        # Written twice on one day: what held before that day is what counts.
        before = before[:-1]
    return [*before, {"since": today if before else None, "table": dict(table)}]


def _calendar(code: str, held: Mapping[str, list[Table]], days: "_Days") -> Calendar:
    """One calendar of all its versions, each built on what the others were at its time."""
    dates = sorted(
        {version["since"] for all_of_one in held.values() for version in all_of_one} - {None}
    )
    versions: list[Version] = []
    for since in (None, *dates):
        tables = {name: _on(since, all_of_one) for name, all_of_one in held.items()}
        needed = list(below(code, tables))
        built = build(needed, days)[code]
        version = built.version(date.max)
        if versions and replace(versions[-1], valid_from=date.min, label="") == version:
            continue
        first = date.min if since is None else date.fromisoformat(since)
        versions.append(replace(version, valid_from=first, label=since or ""))
    return Calendar(code, built.zone.key, versions)


def _on(since: str | None, versions: list[Table]) -> Table:
    known = [v for v in versions if v["since"] is None or (since and v["since"] <= since)]
    table: Table = (known or versions)[-1 if known else 0]["table"]
    return table


def below(code: str, tables: Mapping[str, Table], depth: int = 0) -> Iterator[Table]:
    """A calendar's table, and those of the calendars that it is built on."""
    if code in tables and depth <= len(tables):
        yield tables[code]
        yield from below(str(tables[code].get("extends", "")), tables, depth + 1)


@cache
def shipped_tables() -> Mapping[str, Table]:
    text = files("core.sla").joinpath("data/calendars.toml").read_text("utf-8")
    return {str(table["code"]): table for table in tomllib.loads(text)["calendars"]}


# -- years that an administrator imported


class _Days:
    """The national layer of each country, read once for all calendars."""

    def __init__(self, imports: Mapping[str, list[YearImport]]) -> None:
        self._imports = imports
        self._layers: dict[str, Layer] = {}

    def __call__(self, country: str) -> Layer:
        brought = self._imports.get(country.upper())
        if not brought:
            return national_days(country)
        if country not in self._layers:
            self._layers[country] = National(country, brought).layer()
        return self._layers[country]


def _days(tx: Tx) -> _Days:
    imports: dict[str, list[YearImport]] = {}
    for row in _documents(tx, YEAR):
        _, country, year = row.name.split("/")
        rows: Any = row.value["days"]
        facts = tuple(
            DayFact(
                date=date.fromisoformat(day), kind=DayKind(kind), source="import", name=str(name)
            )
            for day, kind, name in rows
        )
        imports.setdefault(country, []).append(YearImport(int(year), facts))
    return _Days(imports)


def import_year(tx: Tx, brought: YearImport, now: datetime, country: str = "CN") -> None:
    """Keep a year of holidays and make-up days; the same year again takes the old one's place."""
    days = [[fact.date.isoformat(), str(fact.kind), fact.name] for fact in brought.facts]
    name = f"{YEAR}{country.upper()}/{brought.year}"
    tx.put(Setting(name=name, value={"days": days}, changed_at=now))
    reckon_soon(tx, now)


# -- emergency closures


def closed_until(
    tx: Tx, closure: Closure, calendars: Iterable[str] = ()
) -> tuple[list[str], dict[str, Calendar]]:
    """The codes of the calendars that would be closed (none named: all), and all calendars then.

    Raises SlaRefusal for a calendar that is not there, or that would not open in 400 days.
    """
    known = load_calendars(tx)
    codes = sorted(set(calendars) or known)
    if unknown := [code for code in codes if code not in known]:
        raise SlaRefusal(f"there is no calendar {unknown[0]!r}; known are {', '.join(known)}")
    changed = {code: known[code].closed(closure) for code in codes}
    for calendar in changed.values():
        calendar.check(closure.start)
    return codes, {**known, **changed}


def close_now(
    tx: Tx, until: datetime, now: datetime, *, reason: str = "", calendars: Iterable[str] = ()
) -> list[str]:
    """Closed from now on, for a typhoon; the codes of the calendars that are. None named: all."""
    codes, _ = closed_until(tx, Closure(now, until, reason), calendars)
    value = {"until": until.isoformat(), "reason": reason, "calendars": codes}
    tx.put(Setting(name=f"{CLOSURE}{now.isoformat()}", value=value, changed_at=now))
    reckon_soon(tx, now)
    return codes


def reckon_soon(tx: Tx, now: datetime) -> None:
    """What clocks go by has changed: every process loads it again, and one of them reads the
    running clocks by it."""
    tx.next(CHANGES)
    looks.instead(tx, TIMER, "desk", now)


def _closure(row: Setting) -> Closure:
    start = datetime.fromisoformat(row.name.removeprefix(CLOSURE))
    return Closure(start, datetime.fromisoformat(str(row.value["until"])), str(row.value["reason"]))


# -- what a change would change


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The outcome over all tickets that were looked at."""

    tickets: int
    rehearsal: Rehearsal


def rehearse_change(
    tx: Tx,
    desk: Desk,
    now: datetime,
    *,
    since: datetime,
    policy: Policy | None = None,
    calendars: Mapping[str, Calendar] | None = None,
) -> Rehearsed:
    """Which open deadlines would move, and which verdicts since then would have differed."""
    moved: list[Moved] = []
    differs: list[Differs] = []
    seen = 0
    old = {known.version: known for known in reversed(desk.policies)}
    for version, cases in _cases(tx, desk, since, now).items():
        was = old.get(version) or desk.policies[0]
        before = Terms(was, desk.calendars)
        after = Terms(policy or was, calendars or desk.calendars)
        found = rehearse(cases, before, after, now)
        moved += found.moved
        differs += found.differs
        seen += len(cases)
    return Rehearsed(seen, Rehearsal(tuple(moved), tuple(differs)))


def _cases(tx: Tx, desk: Desk, since: datetime, now: datetime) -> dict[str, list[Case]]:
    """Open tickets and those closed since then, by the version of the policy that they carry."""
    tickets = tx.find(Ticket, order="id", closed_at=None)
    tickets += tx.find(Ticket, order="id", closed_at=Between(after=since))
    found: dict[str, list[Case]] = {}
    for ticket in tickets:
        kept = tx.get(TicketClocks, ticket.id)
        if kept is None:
            continue
        hand = InHand(tx, desk, ticket, now=now)
        case = Case(ticket.number, clocks.facts(hand), clocks.marks(hand.history))
        found.setdefault(kept.policy, []).append(case)
    return found
