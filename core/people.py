"""People, the addresses they can be reached at, and the places where things break."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """Requirements §9."""

    REQUESTER = "requester"
    DESK_AGENT = "desk_agent"
    REMOTE_AGENT = "remote_agent"
    RESIDENT_ENGINEER = "resident_engineer"
    FIELD_ENGINEER = "field_engineer"
    BACKUP_ENGINEER = "backup_engineer"
    SYSTEM_ENGINEER = "system_engineer"
    ESCALATION_CENTRE = "escalation_centre"
    SUPERVISOR = "service_supervisor"
    PROJECT_MANAGER = "project_manager"
    QUALITY = "quality"
    CUSTOMER_IT = "customer_it_contact"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"


ENGINEERS = frozenset({Role.RESIDENT_ENGINEER, Role.FIELD_ENGINEER, Role.BACKUP_ENGINEER})
STAFF = frozenset(Role) - {Role.REQUESTER, Role.CUSTOMER_IT, Role.APPROVER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody the desk knows, perhaps only by an address (then provisional, R-013)."""

    id: int = 0
    code: str | None = None  # the key in the desk's sheet; None for people who just wrote
    name: str = ""
    name_en: str = ""
    roles: tuple[str, ...] = (Role.REQUESTER,)
    language: str = ""  # zh_CN or en once chosen; empty: by the client's guess
    zone: str = "Asia/Shanghai"
    vip: bool = False
    provisional: bool = False
    active: bool = True
    site: str | None = None  # where a requester sits, where a resident engineer works
    cities: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()  # covered besides the cities
    skills: tuple[str, ...] = ()
    capacity: int = 4  # open jobs at a time
    backup_for: str | None = None
    phone: str = ""  # E.164
    duty: tuple[str, ...] = ()  # weekly hours, such as "mon-fri 08:00-22:00"
    on_call: tuple[str, ...] = ()
    nda_until: datetime | None = None
    pass_until: datetime | None = None
    unsurveyed_until: datetime | None = None  # after a bad score nobody asks again for a while
    pin_hash: str = ""
    created_at: datetime

    def has(self, *roles: Role) -> bool:
        return not set(roles).isdisjoint(self.roles)

    def called(self, language: str) -> str:
        """The name as a reader of that language writes it."""
        return self.name_en if language == "en" and self.name_en else self.name

    @property
    def is_staff(self) -> bool:
        return not STAFF.isdisjoint(self.roles)


def name_of(person: Person | None) -> str:
    """Nobody's name is empty."""
    return person.name if person else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One way to reach a person. `state` is what the last tries told."""

    id: int = 0
    person_id: int
    channel: str
    account: str = ""
    value: str
    state: str = "ok"  # ok, blocked (the person refuses), dead, doubtful, unlinked
    failures: int = 0
    verified_at: datetime | None = None  # staff actions need it where the channel proves nothing
    heard_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A one-time code by which a member of staff links a chat to the person (stored hashed)."""

    id: int = 0
    person_id: int
    code_hash: str
    made_by: int | None = None
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    code: str
    name: str
    name_en: str = ""
    city: str = ""
    district: str = ""
    address: str = ""
    kind: str = "field"  # resident or field
    zone: str = "B"  # travel zone of the contract
    contact: str = ""
    contact_phone: str = ""
    aliases: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()
    lat: float | None = None
    lon: float | None = None
    code_on_site: str = ""  # the random code of its QR sticker
    spoken_code: str = ""  # four digits that the user tells the engineer
    preferred: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    needs_pass: bool = False  # nobody gets in without a valid one
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    code: str
    kind: str = ""
    name: str = ""
    site: str | None = None
    person_code: str | None = None
    vendor: str = ""
    warranty_end: datetime | None = None
    vip: bool = False
    sticker: str = ""  # the random code of its QR label


@dataclass(frozen=True, slots=True, kw_only=True)
class RotaRow:
    """Leave, cover or an extra shift, besides the weekly hours."""

    id: int = 0
    person_code: str
    kind: str = "shift"
    starts: datetime
    ends: datetime
    covers: str | None = None
    site: str | None = None
    city: str | None = None
    note: str = ""
