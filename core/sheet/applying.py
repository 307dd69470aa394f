"""What the desk holds as a sheet, what a new sheet would change, and the change itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar, cast

from core.levels import calendar_tables, reckon_soon, save_calendar
from core.people import Address, Asset, Person, RotaRow, Site
from core.ports import Tx
from core.register import CHANGES, TRAVEL
from core.rows import Setting
from core.sheet.columns import TABLES
from core.sheet.values import Cells, Change, Leg, Sheet
from core.sheet.writing import cells

T = TypeVar("T")

KEPT = "sheet/kept"  # columns for which the desk has no field


@dataclass(frozen=True, slots=True)
class Plan:
    """A sheet made complete with what only the desk knows, and what applying it would change."""

    sheet: Sheet
    changes: tuple[Change, ...]


def from_desk(tx: Tx) -> Sheet:
    """What the desk holds now. People who just wrote are not in it, nor who was switched off."""
    people = [p for p in tx.find(Person, order="code", active=True, provisional=False) if p.code]
    kept = tx.get(Setting, KEPT)
    travel = tx.get(Setting, TRAVEL)
    legs: Any = travel.value["legs"] if travel else []
    extras: Any = kept.value if kept else {}
    return Sheet(
        sites=tuple(tx.find(Site, order="code", active=True)),
        people=tuple(people),
        mails={p.code or "": mail for p in people if (mail := _mail(tx, p)) is not None},
        assets=tuple(tx.find(Asset, order="code")),
        rota=tuple(tx.find(RotaRow, order="starts")),
        calendars=tuple(calendar_tables(tx).values()),
        travel=tuple(Leg(str(a), str(b), float(minutes)) for a, b, minutes in legs),
        extras=extras,
    )


def _mail(tx: Tx, person: Person) -> str | None:
    known = tx.find(Address, order="id", person_id=person.id, channel="mail")
    return next((address.value for address in known if address.verified_at), None)


# -- comparing


def plan(tx: Tx, sheet: Sheet, now: datetime) -> Plan:
    """What applying the sheet would do, in the order of its rows."""
    here = from_desk(tx)
    whole = _completed(sheet, here, now)
    before, after = cells(here), cells(whole)
    changes = [
        change
        for name, rows in after.items()
        for change in _compared(name, before.get(name, []), rows)
    ]
    return Plan(whole, tuple(changes))


def _completed(sheet: Sheet, here: Sheet, now: datetime) -> Sheet:
    """Where the sheet is silent about what people or the desk chose themselves, that stays."""
    sites = {site.code: site for site in here.sites}
    people = {person.code: person for person in here.people}
    rota = sheet.rota
    if rota is not None:
        past = [row for row in here.rota or () if row.ends <= now]
        told = {_key(row) for row in rota}
        rota = (*rota, *(row for row in past if _key(row) not in told))
    return replace(
        sheet,
        sites=tuple(_with(site, sites.get(site.code), _CODES) for site in sheet.sites),
        people=tuple(_with(p, people.get(p.code), ("language", "site")) for p in sheet.people),
        rota=rota,
    )


_CODES = ("code_on_site", "spoken_code")


def _with(row: T, before: Any, names: Sequence[str]) -> T:
    """The row, and in its empty fields what stood there before."""
    if before is None:
        return row
    empty = [name for name in names if not getattr(row, name)]
    return cast(T, replace(cast(Any, row), **{name: getattr(before, name) for name in empty}))


def _key(row: RotaRow) -> tuple[str, str, datetime]:
    return row.person_code, row.kind, row.starts


def _compared(name: str, before: Sequence[Cells], after: Sequence[Cells]) -> Iterator[Change]:
    here = {_name(name, row): row for row in before}
    for row in after:
        key = _name(name, row)
        was = here.pop(key, None)
        differing = tuple(
            (column.key, (was or {}).get(column.key), row.get(column.key))
            for column in TABLES[name].columns
            if (was or {}).get(column.key) != row.get(column.key)
        )
        if was is None:
            yield Change("+", name, key, differing)
        elif differing:
            yield Change("~", name, key, differing)
    if name in _STAYING:
        return
    for key, row in here.items():
        yield Change("-", name, key, tuple((column, row[column], None) for column in row))


# Policies may name a calendar, and tickets a device: neither goes away with its row.
_STAYING = frozenset({"calendars", "assets"})


def _name(table: str, row: Cells) -> str:
    if table == "rota":
        return f"{row['person']} {row['kind']} {row['from']:%Y-%m-%d %H:%M}"
    if table == "travel":
        return f"{row['from']} – {row['to']}"
    return str(row[TABLES[table].key])


# -- applying


def apply(tx: Tx, sheet: Sheet, now: datetime | None = None) -> None:
    """Make the desk's data what the sheet says. Who is left out is switched off, never deleted."""
    moment = now or max(person.created_at for person in sheet.people)
    carry_out(tx, plan(tx, sheet, moment), moment)


def carry_out(tx: Tx, planned: Plan, now: datetime) -> None:
    sheet = planned.sheet
    _apply_sites(tx, sheet)
    _apply_people(tx, sheet)
    for asset in sheet.assets or ():
        tx.put(asset)
    if sheet.rota is not None:
        tx.delete(RotaRow)
        for row in sheet.rota:
            tx.add(replace(row, id=0))
    for table in sheet.calendars or ():
        save_calendar(tx, table, now)
    if sheet.travel is not None:
        legs = [[leg.origin, leg.target, leg.minutes] for leg in sheet.travel]
        tx.put(Setting(name=TRAVEL, value={"legs": legs}, changed_at=now))
    tx.put(Setting(name=KEPT, value=sheet.extras, changed_at=now))
    tx.next(CHANGES)
    if any(change.table == "sites" and change.sign == "~" for change in planned.changes):
        reckon_soon(tx, now)  # their zones decide about targets


def _apply_sites(tx: Tx, sheet: Sheet) -> None:
    told = {site.code for site in sheet.sites}
    for site in sheet.sites:
        tx.put(site)
    for site in tx.find(Site, active=True):
        if site.code not in told:
            tx.update(site, active=False)


def _apply_people(tx: Tx, sheet: Sheet) -> None:
    told = {person.code for person in sheet.people}
    for person in sheet.people:
        before = tx.first(Person, code=person.code)
        saved = _saved(tx, person, before)
        old_mail = _mail(tx, before) if before else None
        _move_address(tx, saved, "mail", old_mail, sheet.mails.get(person.code or "", ""))
        _move_address(tx, saved, "sms", before.phone if before else None, person.phone)
    for gone in tx.find(Person, active=True, provisional=False):
        if gone.code and gone.code not in told:
            tx.update(gone, active=False)


def _saved(tx: Tx, person: Person, before: Person | None) -> Person:
    language = person.language or "zh_CN"
    if before is None:
        return tx.insert(replace(person, language=language))
    saved = replace(
        person,
        id=before.id,
        created_at=before.created_at,
        language=language,
        pin_hash=before.pin_hash,
        unsurveyed_until=before.unsurveyed_until,
    )
    tx.put(saved)
    return saved


def _move_address(tx: Tx, person: Person, channel: str, old: str | None, new: str) -> None:
    """What the operator writes into the sheet counts as verified; what it said before no longer."""
    if old and old != new:
        mine = {"channel": channel, "value": old, "person_id": person.id}
        tx.update_where(Address, mine, state="unlinked", verified_at=None)
    if not new:
        return
    known = tx.first(Address, channel=channel, value=new)
    verified = person.created_at
    if known is None:
        tx.insert(Address(person_id=person.id, channel=channel, value=new, verified_at=verified))
    elif known.person_id != person.id or known.state == "unlinked":
        tx.update(known, person_id=person.id, state="ok", verified_at=known.verified_at or verified)
