"""The tables. Each is made from the frozen value whose fields are its columns."""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from core import people, rows, ticket

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """An instant. Kept in UTC; a time without a zone is refused at the border."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = DateTime(timezone=True) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(kind)

    # Processors rather than process_*_param: those are called by way of another function, for
    # every value of every row.

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        return _instant if dialect.name == "postgresql" else _instant_as_text

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None]:
        return _instant if dialect.name == "postgresql" else _instant_of_text


def _instant(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"a moment without a zone: {value!r}")
    return value.astimezone(UTC)


def _instant_as_text(value: datetime | None) -> str | None:
    moment = _instant(value)
    if moment is None:
        return None
    # Fixed width, so that text sorts like time.
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _instant_of_text(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value is not None else None


class Json(TypeDecorator[Any]):
    """A tuple or a mapping as JSON text: the desk never searches inside."""

    impl = Text
    cache_ok = True

    def __init__(self, as_tuple: bool = False) -> None:
        super().__init__()
        self.as_tuple = as_tuple

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        return _as_json

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return _tuple_of_json if self.as_tuple else _of_json


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be kept as JSON")


_EMPTY: dict[type[Any], str] = {dict: "{}", tuple: "[]", list: "[]"}


def _as_json(value: Any) -> str | None:
    if value is None:
        return None
    # Most of them are empty.
    if not value and type(value) in _EMPTY:
        return _EMPTY[type(value)]
    return orjson.dumps(value, default=_plain).decode()


def _of_json(value: str | None) -> Any:
    if value is None:
        return None
    return {} if value == "{}" else orjson.loads(value)


def _tuple_of_json(value: str | None) -> tuple[Any, ...] | None:
    if value is None:
        return None
    return () if value == "[]" else tuple(orjson.loads(value))


_TYPES: dict[Any, type[TypeEngine[Any]]] = {
    int: BigInteger,
    str: Text,
    float: Float,
    bool: Boolean,
    bytes: LargeBinary,
    datetime: Moment,
}

TABLES: dict[type[Any], Table] = {}
KEYS: dict[type[Any], str] = {}


def _column(field: "dataclasses.Field[Any]", annotation: Any, key: str) -> Column[Any]:
    arms = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    kinds = [arm for arm in arms if arm is not type(None)]
    origin = typing.get_origin(kinds[0]) or kinds[0]
    column_type: TypeEngine[Any]
    if origin is tuple or origin is Mapping:
        column_type = Json(as_tuple=origin is tuple)
    elif isinstance(origin, type) and issubclass(origin, StrEnum):
        column_type = Text()
    else:
        column_type = _TYPES[origin]()
    if field.name == key and origin is int:
        # SQLite counts up by itself only in a column that is exactly INTEGER.
        column_type = BigInteger().with_variant(Integer, "sqlite")
    return Column(
        field.name,
        column_type,
        primary_key=field.name == key,
        nullable=len(kinds) < len(arms),
    )


def _table(name: str, row: type[Any], *extra: Any, key: str = "id") -> Table:
    hints = typing.get_type_hints(row)
    columns = [_column(field, hints[field.name], key) for field in dataclasses.fields(row)]
    made = Table(name, metadata, *columns, *extra)
    TABLES[row], KEYS[row] = made, key
    return made


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """What is still to be done is indexed, so the cost is that of the work, not of the past."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where))


def speak_postgresql() -> None:
    """Say to PostgreSQL, too, which rows an index is over.

    Naming an argument of its own loads its dialect with all drivers: a twentieth of a start, and
    a desk on SQLite has no use for them.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            if (over := index.dialect_kwargs.get("sqlite_where")) is not None:
                index.dialect_kwargs["postgresql_where"] = over


inbox = _table(
    "inbox",
    rows.InboxRow,
    UniqueConstraint("channel", "account", "external_id"),
    _partial("ix_inbox_open", "order_key", "id", where="state = 'new'"),
    _partial("ix_inbox_new", "id", where="state = 'new'"),
    Index("ix_inbox_received", "channel", "account", "received_at"),
    Index("ix_inbox_content", "content_hash"),
    _partial("ix_inbox_dead", "id", where="state = 'dead'"),
)
UNFINISHED = "state IN ('pending', 'claimed', 'sending')"
outbox = _table(
    "outbox",
    rows.OutboxRow,
    UniqueConstraint("reference", "channel", "address"),
    _partial("ix_outbox_open", "channel", "address", "id", where=UNFINISHED),
    Index("ix_outbox_ticket", "ticket_id"),
    _partial("ix_outbox_queue", "channel", "id", where="state = 'pending'"),
    _partial("ix_outbox_leased", "lease_until", where="lease_until IS NOT NULL"),
    Index("ix_outbox_receipt", "receipt"),
    _partial("ix_outbox_trouble", "state", "id", where="state IN ('failed', 'unknown')"),
    Index("ix_outbox_address", "address", "settled_at"),
)
_OPEN = "state = 'open'"
prompts = _table(
    "prompts",
    rows.Prompt,
    UniqueConstraint("letter_id"),
    Index("ix_prompts_shown", "channel", "address", "opened_at"),
    Index("ix_prompts_state", "state"),
    # One question at a time, whatever else goes wrong.
    _partial("ix_prompts_open", "channel", "address", unique=True, where=_OPEN),
)
opt_outs = _table("opt_outs", rows.OptOut, key="place")
pin_tries = _table("pin_tries", rows.PinTries, key="place")
awaited = _table("awaited", rows.Awaited, Index("ix_awaited_due", "due_at"), key="letter_id")
_PENDING = "state = 'pending'"
timers = _table(
    "timers",
    rows.TimerRow,
    _partial("ix_timers_due", "due_at", "id", where=_PENDING),
    _partial("ix_timers_kind", "kind", "due_at", where=_PENDING),
    # One pending deadline of a kind for each subject: a new one takes the old one's place.
    _partial("ix_timers_subject", "subject", "kind", unique=True, where=_PENDING),
)
journal = _table("journal", ticket.Step, UniqueConstraint("ticket_id", "seq"))
UNCLOSED = "status NOT IN ('closed', 'cancelled')"
HELD = "assignee_id IS NOT NULL AND status NOT IN ('resolved', 'confirmed', 'closed', 'cancelled')"
OUT = "status IN ('en_route', 'arrived', 'working')"
tickets = _table(
    "tickets",
    ticket.Ticket,
    UniqueConstraint("number"),
    Index("ix_tickets_requester", "requester_id", "id"),
    Index("ix_tickets_assignee", "assignee_id", "status"),
    _partial("ix_tickets_open", "due_at", "id", where=UNCLOSED),
    _partial("ix_tickets_held", "assignee_id", where=HELD),
    _partial("ix_tickets_out", "assignee_id", "site", "changed_at", where=OUT),
    Index("ix_tickets_site", "site", "opened_at"),
    _partial("ix_tickets_duplicate", "duplicate_of", where="duplicate_of IS NOT NULL"),
    Index("ix_tickets_asset", "asset"),
)
messages = _table(
    "messages",
    ticket.Message,
    Index("ix_messages_ticket", "ticket_id", "id"),
    Index("ix_messages_external", "channel", "account", "person_id", "external_id"),
    _partial("ix_messages_album", "album", where="album <> ''"),
)
files = _table(
    "files",
    ticket.StoredFile,
    _partial("ix_files_wanted", "id", where="state = 'wanted'"),
    Index("ix_files_ticket", "ticket_id"),
    Index("ix_files_message", "message_id"),
)
files_shown = _table("files_shown", ticket.FileShown, UniqueConstraint("file_id", "person_id"))
offers = _table(
    "offers",
    ticket.Offer,
    Index("ix_offers_ticket", "ticket_id", "id"),
    _partial("ix_offers_open", "person_id", where="state = 'open'"),
    _partial("ix_offers_accepted", "answered_at", where="state = 'accepted'"),
)
cards = _table(
    "cards",
    ticket.Card,
    UniqueConstraint("ticket_id", "audience", "person_id", "channel"),
    _partial("ix_cards_stale", "id", where="wanted_version > drawn_version"),
)
surveys = _table("surveys", ticket.Survey, UniqueConstraint("ticket_id", "cycle"))
drafts = _table("drafts", ticket.Draft, UniqueConstraint("person_id"))
sent = _table(
    "sent",
    rows.Sent,
    UniqueConstraint("channel", "account", "address", "message_id"),
    Index("ix_sent_ticket", "ticket_id"),
)
persons = _table("people", people.Person, UniqueConstraint("code"))
addresses = _table(
    "addresses",
    people.Address,
    # The value first: it alone tells an address from others, whatever else a question names.
    UniqueConstraint("value", "channel", "account"),
    Index("ix_addresses_person", "person_id"),
)
bindings = _table("bindings", people.Binding, UniqueConstraint("code_hash"))
sites = _table("sites", people.Site, key="code")
rota = _table("rota", people.RotaRow, Index("ix_rota_person", "person_code"))
assets = _table("assets", people.Asset, Index("ix_assets_person", "person_code"), key="code")
ticket_clocks = _table("ticket_clocks", rows.TicketClocks, key="ticket_id")
grievances = _table(
    "grievances",
    rows.Grievance,
    Index("ix_grievances_ticket", "ticket_id", "kind"),
    Index("ix_grievances_owner", "owner_id", "state"),
    Index("ix_grievances_person", "person_id", "state"),
    _partial("ix_grievances_open", "id", where=_OPEN),
)
verdicts = _table(
    "verdicts", rows.VerdictRow, Index("ix_verdicts_ticket", "ticket_id", "milestone", "cycle")
)
mail_cursors = _table("mail_cursors", rows.MailCursor, key="place")
mail_traffic = _table(
    "mail_traffic",
    rows.MailTraffic,
    Index("ix_mail_traffic_sender", "sender", "way", "at"),
    Index("ix_mail_traffic_way", "way", "at"),
)
leases = _table("leases", rows.LeaseRow, key="name")
counters = _table("counters", rows.Counter, key="name")
settings = _table("settings", rows.Setting, key="name")
