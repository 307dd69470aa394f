"""A sheet as tables of plain cells, and those as TOML."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from core.people import Asset, Person, Role, RotaRow, Site
from core.register import ZONE
from core.sheet.columns import TABLES
from core.sheet.reading import USUAL_CAPACITY, USUAL_ZONE
from core.sheet.values import Cells, Leg, Sheet


def cells(sheet: Sheet) -> dict[str, list[Cells]]:
    """Each table as rows of cells in the order of its columns; empty cells are left out."""
    rows: dict[str, list[dict[str, Any]]] = {
        "sites": [_site(site) for site in sheet.sites],
        "people": [_person(person, sheet) for person in sheet.people],
    }
    if sheet.assets is not None:
        rows["assets"] = [_asset(asset) for asset in sheet.assets]
    if sheet.rota is not None:
        rows["rota"] = [_rota_row(row) for row in sheet.rota]
    if sheet.calendars is not None:
        rows["calendars"] = [dict(table) for table in sheet.calendars]
    if sheet.travel is not None:
        rows["travel"] = [_leg(leg) for leg in sheet.travel]
    return {
        name: [_in_order(name, row, sheet) for row in rows[name]] for name in TABLES if name in rows
    }


def _in_order(name: str, row: dict[str, Any], sheet: Sheet) -> Cells:
    table = TABLES[name]
    kept = sheet.extras.get(name, {}).get(str(row.get(table.key, "")), {})
    whole = {**kept, **{key: value for key, value in row.items() if not _empty(value)}}
    return {column.key: whole[column.key] for column in table.columns if column.key in whole}


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


_SITE_CELLS = (
    *("code", "name", "name_en", "city", "district", "address", "kind", "zone"),
    *("contact", "contact_phone", "lat", "lon", "code_on_site", "spoken_code"),
)


def _site(site: Site) -> dict[str, Any]:
    row = {name: getattr(site, name) for name in _SITE_CELLS}
    row |= {name: [*getattr(site, name)] for name in ("hours", "aliases", "preferred", "excluded")}
    row |= {"needs_pass": True} if site.needs_pass else {}
    return row | ({} if site.active else {"active": False})


def _person(person: Person, sheet: Sheet) -> dict[str, Any]:
    code = person.code or ""
    row: dict[str, Any] = {
        "id": code,
        "email": sheet.mails.get(code),
        "hours": [*person.duty],
        "zone": "" if person.zone == USUAL_ZONE else person.zone,
        "capacity": None if person.capacity == USUAL_CAPACITY else person.capacity,
        "backup_for": (person.backup_for or "").split(", ") if person.backup_for else [],
        "nda_until": _day(person.nda_until),
        "pass_until": _day(person.pass_until),
        _home(person, sheet): person.site,
    }
    row |= {name: getattr(person, name) for name in ("name", "name_en", "language", "phone")}
    row |= {
        name: [*getattr(person, name)] for name in ("roles", "cities", "sites", "skills", "on_call")
    }
    row |= {"vip": True} if person.vip else {}
    return row | ({} if person.active else {"active": False})


def _home(person: Person, sheet: Sheet) -> str:
    """Which column says where somebody is at home: a resident's site, a base, a requester's."""
    base = sheet.extras.get("people", {}).get(person.code or "", {}).get("base")
    if person.has(Role.RESIDENT_ENGINEER) or (base and base != person.site):
        return "resident_at"
    return "base" if base else "site"


def _asset(asset: Asset) -> dict[str, Any]:
    row: dict[str, Any] = {
        "code": asset.code,
        "type": asset.kind,
        "name": asset.name,
        "site": asset.site,
        "user": asset.person_code,
        "vendor": asset.vendor,
        "warranty_until": _day(asset.warranty_end),
        "sticker": asset.sticker,
    }
    return row | ({"vip": True} if asset.vip else {})


def _rota_row(row: RotaRow) -> dict[str, Any]:
    return {
        "person": row.person_code,
        "kind": row.kind,
        "from": _wall(row.starts),
        "until": _wall(row.ends),
        "covers": row.covers,
        "site": row.site,
        "city": row.city,
        "note": row.note,
    }


def _leg(leg: Leg) -> dict[str, Any]:
    whole = int(leg.minutes) if float(leg.minutes).is_integer() else leg.minutes
    return {"from": leg.origin, "to": leg.target, "minutes": whole}


def _day(moment: datetime | None) -> date | None:
    return moment.astimezone(ZONE).date() if moment else None


def _wall(moment: datetime) -> datetime:
    return moment.astimezone(ZONE).replace(tzinfo=None)


# -- TOML


def write_toml(sheet: Sheet) -> str:
    lines = ["# The desk's data. Times are local to Asia/Shanghai.", ""]
    tables = cells(sheet)
    # An empty table stays distinct from one that is left out.
    lines += [f"{name} = []" for name, rows in tables.items() if not rows]
    for name, rows in tables.items():
        for row in rows:
            lines += ["", f"[[{name}]]", *(f"{key} = {toml_value(row[key])}" for key in row)]
    return "\n".join(lines) + "\n"


def toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # A JSON text is a TOML text, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{" + ", ".join(_pairs(value)) + "}"
    return "[" + ", ".join(toml_value(item) for item in value) + "]"


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        yield f"{toml_value(key)} = {toml_value(value)}"
