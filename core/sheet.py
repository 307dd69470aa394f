"""The desk's own data as one sheet: sites, people, devices, leave; checked, compared, applied."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from core.dispatch.rota import BadRota, Kind, read_pattern
from core.people import Address, Asset, Person, Role, RotaRow, Site
from core.ports import Tx
from core.register import CHANGES, ZONE

Cells = Mapping[str, Any]


class BadSheet(ValueError):
    """What is wrong, cell by cell; nothing of the sheet is applied."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    sites: tuple[Site, ...] = ()
    people: tuple[Person, ...] = ()
    mails: Mapping[str, str]  # by person code
    assets: tuple[Asset, ...] = ()
    rota: tuple[RotaRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the difference: + new, ~ changed, - left out."""

    sign: str
    what: str
    code: str
    detail: str = ""


# -- reading


def read_toml(text: str, now: datetime) -> Sheet:
    try:
        return read(tomllib.loads(text), now)
    except tomllib.TOMLDecodeError as fault:
        raise BadSheet([f"not TOML: {fault}"]) from fault


def read(tables: Mapping[str, Any], now: datetime) -> Sheet:
    """A sheet from tables of cells. Raises BadSheet with every wrong cell at once."""
    problems: list[str] = []
    sites = [_site(row, where, problems) for where, row in _rows(tables, "sites", "code", problems)]
    codes = {site.code for site in sites}
    people, mails = [], {}
    for where, row in _rows(tables, "people", "id", problems):
        person = _person(row, where, codes, now, problems)
        people.append(person)
        if row.get("email"):
            mails[person.code or ""] = str(row["email"])
    known = {person.code for person in people}
    assets = [
        _asset(row, where, codes, known, problems)
        for where, row in _rows(tables, "assets", "code", problems)
    ]
    rota = [
        _leave(row, where, known, problems) for where, row in _rows(tables, "rota", "", problems)
    ]
    _check_overlaps([row for row in rota if row is not None], problems)
    _check_roles(people, problems)
    if problems:
        raise BadSheet(problems)
    return Sheet(
        sites=tuple(sites),
        people=tuple(people),
        mails=mails,
        assets=tuple(assets),
        rota=tuple(row for row in rota if row is not None),
    )


def _rows(
    tables: Mapping[str, Any], name: str, key: str, problems: list[str]
) -> Iterator[tuple[str, Cells]]:
    seen: dict[str, int] = {}
    for index, row in enumerate(tables.get(name, ()), start=1):
        code = str(row.get(key, "")) if key else ""
        where = f"{name}[{index}]{f' {code}' if code else ''}"
        if key and not code:
            problems.append(f"{where}.{key}: is missing")
            continue
        if key and code in seen:
            problems.append(f"{where}.{key}: {code!r} is already row {seen[code]}")
            continue
        seen[code] = index
        yield where, row


def _text(row: Cells, key: str) -> str:
    return str(row.get(key, "") or "").strip()


def _list(row: Cells, key: str) -> tuple[str, ...]:
    value = row.get(key) or ()
    if isinstance(value, str):
        value = [part for part in value.replace(";", ",").split(",") if part.strip()]
    return tuple(str(item).strip() for item in value)


def _hours(row: Cells, key: str, where: str, problems: list[str]) -> tuple[str, ...]:
    value = row.get(key) or ()
    patterns = (value,) if isinstance(value, str) else tuple(str(item) for item in value)
    for pattern in patterns:
        try:
            read_pattern(pattern)
        except BadRota as fault:
            problems.append(f"{where}.{key}: {pattern!r}: {fault}")
    return patterns


def _one_of(
    value: str, allowed: set[str], where: str, problems: list[str], *, default: str = ""
) -> str:
    value = value or default
    if value not in allowed:
        problems.append(f"{where}: {value!r} is none of {', '.join(sorted(allowed))}")
    return value


def _number(row: Cells, key: str, where: str, problems: list[str]) -> float | None:
    value = row.get(key)
    if value in (None, ""):
        return None
    try:
        return float(str(value))
    except ValueError:
        problems.append(f"{where}.{key}: {value!r} is no number")
        return None


def _end_of(row: Cells, key: str, where: str, problems: list[str]) -> datetime | None:
    """A day that is still good: until its last moment, in the desk's zone."""
    day = _day(row, key, where, problems)
    return None if day is None else datetime.combine(day, time.max, ZONE).astimezone(UTC)


def _day(row: Cells, key: str, where: str, problems: list[str]) -> date | None:
    value = row.get(key)
    if value in (None, ""):
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        problems.append(f"{where}.{key}: {value!r} is no date such as 2026-11-22")
        return None


def _site(row: Cells, where: str, problems: list[str]) -> Site:
    if not _text(row, "name"):
        problems.append(f"{where}.name: is missing")
    return Site(
        code=_text(row, "code"),
        name=_text(row, "name"),
        name_en=_text(row, "name_en"),
        city=_text(row, "city"),
        district=_text(row, "district"),
        address=_text(row, "address"),
        kind=_one_of(
            _text(row, "kind"), {"resident", "field"}, f"{where}.kind", problems, default="field"
        ),
        zone=_one_of(_text(row, "zone"), {"A", "B", "C"}, f"{where}.zone", problems, default="B"),
        contact=_text(row, "contact"),
        contact_phone=_text(row, "contact_phone"),
        aliases=_list(row, "aliases"),
        hours=_hours(row, "hours", where, problems),
        lat=_number(row, "lat", where, problems),
        lon=_number(row, "lon", where, problems),
        code_on_site=_text(row, "code_on_site"),
        spoken_code=_text(row, "spoken_code"),
        preferred=_list(row, "preferred"),
        excluded=_list(row, "excluded"),
    )


def _person(row: Cells, where: str, sites: set[str], now: datetime, problems: list[str]) -> Person:
    roles = _list(row, "roles") or (str(Role.REQUESTER),)
    known = {str(role) for role in Role}
    for role in roles:
        _one_of(role, known, f"{where}.roles", problems)
    site = _text(row, "resident_at") or _text(row, "base") or _text(row, "site") or None
    if site is not None and site not in sites:
        problems.append(f"{where}.site: there is no site {site!r}")
    if not _text(row, "name"):
        problems.append(f"{where}.name: is missing")
    return Person(
        code=_text(row, "id"),
        name=_text(row, "name"),
        name_en=_text(row, "name_en"),
        roles=roles,
        language=_one_of(
            _text(row, "language"), {"zh_CN", "en"}, f"{where}.language", problems, default="zh_CN"
        ),
        zone=_zone(_text(row, "zone") or "Asia/Shanghai", where, problems),
        vip=bool(row.get("vip", False)),
        site=site,
        cities=_list(row, "cities"),
        skills=_list(row, "skills"),
        capacity=int(_number(row, "capacity", where, problems) or 4),
        backup_for=_text(row, "backup_for") or None,
        phone=_text(row, "phone"),
        duty=_hours(row, "hours", where, problems),
        on_call=_hours(row, "on_call", where, problems),
        nda_until=_end_of(row, "nda_until", where, problems),
        pass_until=_end_of(row, "pass_until", where, problems),
        created_at=now,
    )


def _zone(name: str, where: str, problems: list[str]) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        problems.append(f"{where}.zone: there is no time zone {name!r}")
    return name


def _asset(
    row: Cells, where: str, sites: set[str], people: set[str | None], problems: list[str]
) -> Asset:
    site, user = _text(row, "site") or None, _text(row, "user") or None
    if site is not None and site not in sites:
        problems.append(f"{where}.site: there is no site {site!r}")
    if user is not None and user not in people:
        problems.append(f"{where}.user: there is no person {user!r}")
    return Asset(
        code=_text(row, "code"),
        kind=_text(row, "type"),
        name=_text(row, "name"),
        site=site,
        person_code=user,
        vendor=_text(row, "vendor"),
        warranty_end=_end_of(row, "warranty_until", where, problems),
        vip=bool(row.get("vip", False)),
        sticker=_text(row, "sticker"),
    )


def _leave(row: Cells, where: str, people: set[str | None], problems: list[str]) -> RotaRow | None:
    person = _text(row, "person")
    if person not in people:
        problems.append(f"{where}.person: there is no person {person!r}")
    kind = _one_of(
        _text(row, "kind"), {str(kind) for kind in Kind}, f"{where}.kind", problems, default="leave"
    )
    starts, ends = _moment(row, "from", where, problems), _moment(row, "until", where, problems)
    if starts is None or ends is None:
        return None
    if starts >= ends:
        problems.append(f"{where}.until: ends before it starts")
    return RotaRow(
        person_code=person,
        kind=kind,
        starts=starts,
        ends=ends,
        covers=_text(row, "covers") or None,
        note=_text(row, "note"),
    )


def _moment(row: Cells, key: str, where: str, problems: list[str]) -> datetime | None:
    value = row.get(key)
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        problems.append(f"{where}.{key}: {value!r} is no moment such as 2026-11-22 08:00")
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)


def _check_overlaps(rows: list[RotaRow], problems: list[str]) -> None:
    """Two leaves of one person over the same hours are a slip of somebody's."""
    leaves = sorted(
        (row for row in rows if row.kind == Kind.LEAVE), key=lambda r: (r.person_code, r.starts)
    )
    for one, other in pairwise(leaves):
        if one.person_code == other.person_code and other.starts < one.ends:
            problems.append(
                f"rota {one.person_code}: the leave from {other.starts:%Y-%m-%d %H:%M}"
                f" overlaps the one until {one.ends:%Y-%m-%d %H:%M}"
            )


def _check_roles(people: list[Person], problems: list[str]) -> None:
    for role in (Role.DESK_AGENT, Role.SUPERVISOR, Role.FIELD_ENGINEER):
        if not any(person.has(role) for person in people):
            problems.append(f"people: nobody has the role {role}")


# -- comparing and applying


def changes(tx: Tx, sheet: Sheet) -> list[Change]:
    """What applying the sheet would do, in the order of its rows."""
    found = [*_compare(tx, "site", Site, "code", sheet.sites)]
    found += _compare(tx, "person", Person, "code", sheet.people, skip=("id", "created_at", "site"))
    found += _compare(tx, "asset", Asset, "code", sheet.assets)
    return found


def _compare(
    tx: Tx,
    what: str,
    kind: type[Any],
    key: str,
    rows: tuple[Any, ...],
    skip: tuple[str, ...] = ("id", "code_on_site", "spoken_code"),
) -> Iterator[Change]:
    here = {getattr(row, key): row for row in tx.find(kind) if getattr(row, key)}
    for row in rows:
        code = getattr(row, key)
        before = here.pop(code, None)
        if before is None:
            yield Change("+", what, code, row.name)
            continue
        differing = [
            f"{f.name}: {getattr(before, f.name)!r} → {getattr(row, f.name)!r}"
            for f in fields(kind)
            if f.name not in skip and getattr(before, f.name) != getattr(row, f.name)
        ]
        if differing:
            yield Change("~", what, code, "; ".join(differing))
    for code, row in here.items():
        if row.active if hasattr(row, "active") else True:
            yield Change("-", what, code, row.name)


def apply(tx: Tx, sheet: Sheet) -> None:
    """Make the desk's data what the sheet says. Who is left out is switched off, never deleted."""
    _apply_sites(tx, sheet)
    _apply_people(tx, sheet)
    for asset in sheet.assets:
        tx.put(asset)
    for row in sheet.rota:
        tx.delete(RotaRow, person_code=row.person_code, starts=row.starts)
        tx.add(row)
    tx.next(CHANGES)


def _apply_sites(tx: Tx, sheet: Sheet) -> None:
    kept = {site.code for site in sheet.sites}
    for site in sheet.sites:
        before = tx.get(Site, site.code)
        if before is not None:
            site = replace(
                site,
                code_on_site=site.code_on_site or before.code_on_site,
                spoken_code=site.spoken_code or before.spoken_code,
            )
        tx.put(site)
    for site in tx.find(Site, active=True):
        if site.code not in kept:
            tx.update(site, active=False)


def _apply_people(tx: Tx, sheet: Sheet) -> None:
    kept = {person.code for person in sheet.people}
    for person in sheet.people:
        before = tx.first(Person, code=person.code)
        if before is None:
            saved = tx.insert(person)
        else:
            saved = replace(person, id=before.id, created_at=before.created_at)
            tx.put(saved)
        _apply_address(tx, saved, "mail", sheet.mails.get(person.code or "", "").lower())
        _apply_address(tx, saved, "sms", person.phone)
    for gone in tx.find(Person, active=True, provisional=False):
        if gone.code and gone.code not in kept:
            tx.update(gone, active=False)


def _apply_address(tx: Tx, person: Person, channel: str, value: str) -> None:
    """What the operator writes into the sheet counts as verified."""
    if not value:
        return
    known = tx.first(Address, channel=channel, value=value)
    if known is None:
        tx.insert(
            Address(
                person_id=person.id, channel=channel, value=value, verified_at=person.created_at
            )
        )
    elif known.person_id != person.id:
        tx.update(known, person_id=person.id)
