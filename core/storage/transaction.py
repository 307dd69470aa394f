"""A transaction over any of the two databases: rows in, rows out, as frozen values."""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    TextClause,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from core.ports import Between
from core.rows import Counter
from core.storage.queries import MOMENT_COLUMNS, QUERIES
from core.storage.tables import KEYS, TABLES

R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])
# functools.cache that keeps the signature: for mypy a class is not Hashable.
memo = cast(Callable[[F], F], cache)


@memo
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _values(row: Any) -> dict[str, Any]:
    """The columns of a row; a key that the database shall count up is left out."""
    kind = type(row)
    values = {name: getattr(row, name) for name in _names(kind)}
    if values[KEYS[kind]] == 0:
        del values[KEYS[kind]]
    return values


@memo
def _maker(kind: type[Any]) -> Callable[[Any], Any]:
    """Rows come in the order of the fields, and a frozen value is cheapest made by keyword zip."""
    names = _names(kind)
    enums = {f.name: f.type for f in dataclasses.fields(kind) if f.name == "status"}
    make = cast(Callable[..., Any], kind)

    def of(row: Any) -> Any:
        values = dict(zip(names, row, strict=True))
        for name, enum in enums.items():
            values[name] = cast(Any, enum)(values[name])
        return make(**values)

    return of


@memo
def _question(
    kind: type[Any], shape: tuple[tuple[str, str], ...], order: str, limit: int | None = None
) -> Select[Any]:
    """The statement for a shape of question, built once so that its compiled form is reused."""
    table = TABLES[kind]
    question = select(table).where(_conditions(kind, shape))
    if order:
        column = table.c[order.lstrip("-")]
        key = table.c[KEYS[kind]]
        question = question.order_by(
            *((column.desc(), key.desc()) if order.startswith("-") else (column, key))
        )
    return question if limit is None else question.limit(limit)


def _conditions(kind: type[Any], shape: tuple[tuple[str, str], ...]) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]]
    table, conditions = TABLES[kind], []
    for name, how in shape:
        column = table.c[name]
        if how == "none":
            conditions.append(column.is_(None))
        elif how == "many":
            conditions.append(column.in_(bindparam(f"w_{name}", expanding=True, type_=column.type)))
        elif how == "between":
            conditions.append(column >= bindparam(f"a_{name}", type_=column.type))
            conditions.append(column < bindparam(f"b_{name}", type_=column.type))
        elif how == "before":
            conditions.append(column < bindparam(f"b_{name}", type_=column.type))
        elif how == "after":
            conditions.append(column >= bindparam(f"a_{name}", type_=column.type))
        else:
            conditions.append(column == bindparam(f"w_{name}", type_=column.type))
    return and_(True, *conditions)


def _shape(where: Mapping[str, Any]) -> tuple[tuple[tuple[str, str], ...], dict[str, Any]]:
    shape: list[tuple[str, str]] = []
    params: dict[str, Any] = {}
    for name, value in where.items():
        if value is None:
            shape.append((name, "none"))
        elif isinstance(value, tuple | frozenset):
            shape.append((name, "many"))
            params[f"w_{name}"] = list(value)
        elif isinstance(value, Between):
            if value.after is not None:
                params[f"a_{name}"] = value.after
            if value.before is not None:
                params[f"b_{name}"] = value.before
            both = value.after is not None and value.before is not None
            shape.append(
                (name, "between" if both else "after" if value.before is None else "before")
            )
        else:
            shape.append((name, "is"))
            params[f"w_{name}"] = value
    return tuple(shape), params


class SqlTx:
    """core.ports.Tx on a SQLAlchemy connection, which somebody else begins and commits."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._dialect = connection.dialect.name
        self.memo: dict[str, Any] = {}
        self._later: defaultdict[type[Any], list[dict[str, Any]]] = defaultdict(list)

    # -- reading

    def get(self, kind: type[R], key: int | str, /) -> R | None:
        where: dict[str, Any] = {KEYS[kind]: key}
        return self.first(kind, **where)

    def lock(self, kind: type[R], key: int | str, /) -> R | None:
        self._flush(kind)
        shape, params = _shape({KEYS[kind]: key})
        question = _question(kind, shape, "")
        if self._dialect == "postgresql":  # SQLite's one writer has the whole file
            question = question.with_for_update()
        row = self.connection.execute(question, params).first()
        return None if row is None else _maker(kind)(row)

    def first(self, kind: type[R], /, *, order: str = "", **where: Any) -> R | None:
        found = self.find(kind, order=order, limit=1 if order else None, **where)
        return found[0] if found else None

    def find(
        self, kind: type[R], /, *, order: str = "", limit: int | None = None, **where: Any
    ) -> list[R]:
        self._flush(kind)
        shape, params = _shape(where)
        question = _question(kind, shape, order, limit)
        return [_maker(kind)(row) for row in self.connection.execute(question, params)]

    def count(self, kind: type[Any], /, **where: Any) -> int:
        self._flush(kind)
        shape, params = _shape(where)
        return int(self.connection.execute(_count(kind, shape), params).scalar_one())

    def ask(self, name: str, **params: Any) -> list[Mapping[str, Any]]:
        self.flush()
        found = self.connection.execute(_named(name, self._dialect), params)
        return [_told(row) for row in found.mappings()] if found.returns_rows else []

    # -- writing

    def insert(self, row: R) -> R:
        self._flush(type(row))
        kind, values = type(row), _values(row)
        done = self.connection.execute(_insert(kind), values)
        if KEYS[kind] in values:
            return row
        (key,) = done.inserted_primary_key or (0,)
        return cast(R, dataclasses.replace(cast(Any, row), **{KEYS[kind]: key}))

    def add(self, row: object) -> None:
        self._later[type(row)].append(_values(row))

    def put(self, row: object) -> None:
        kind, values = type(row), _values(row)
        self._flush(kind)
        table, key = TABLES[kind], KEYS[kind]
        statement = _make(self._dialect)(table).values(values)
        changed = {name: statement.excluded[name] for name in values if name != key}
        self.connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=changed))

    def add_new(self, rows: list[Any], *, key: tuple[str, ...]) -> int:
        if not rows:
            return 0
        # Drivers do not agree on the row count of a batch, so the new rows are asked for.
        statement = _insert_new(type(rows[0]), key, self._dialect)
        return len(self.connection.execute(statement, [_values(row) for row in rows]).all())

    def update(self, row: R, /, **changes: Any) -> R:
        kind = type(row)
        key = KEYS[kind]
        self.update_where(kind, {key: getattr(row, key)}, **changes)
        return cast(R, dataclasses.replace(cast(Any, row), **changes))

    def update_where(self, kind: type[Any], where: Mapping[str, Any], /, **changes: Any) -> int:
        self._flush(kind)
        shape, params = _shape(where)
        statement = _update(kind, shape, tuple(changes))
        values = {f"v_{name}": value for name, value in changes.items()}
        return int(self.connection.execute(statement, {**params, **values}).rowcount)

    def delete(self, kind: type[Any], /, **where: Any) -> int:
        self._flush(kind)
        shape, params = _shape(where)
        done = self.connection.execute(delete(TABLES[kind]).where(_conditions(kind, shape)), params)
        return int(done.rowcount)

    def next(self, counter: str) -> int:
        self.memo.pop(counter, None)
        counted = self.connection.execute(_count_up(self._dialect), {"name": counter, "value": 1})
        return int(counted.scalar_one())

    # -- rows that wait to be written together

    def flush(self) -> None:
        for kind in list(self._later):
            self._flush(kind)

    def _flush(self, kind: type[Any]) -> None:
        if waiting := self._later.pop(kind, None):
            self.connection.execute(_insert(kind), waiting)


def _told(row: RowMapping) -> dict[str, Any]:
    """A row of a text query, whose moments SQLite gives as text."""
    return {
        name: datetime.fromisoformat(value)
        if name in MOMENT_COLUMNS and isinstance(value, str)
        else value
        for name, value in row.items()
    }


@memo
def _named(name: str, dialect: str) -> Any:
    return QUERIES[name](dialect)


@memo
def _count_up(dialect: str) -> Any:
    table = TABLES[Counter]
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return (
        make(table)
        .on_conflict_do_update(index_elements=["name"], set_={"value": table.c.value + 1})
        .returning(table.c.value)
    )


@memo
def _insert(kind: type[Any]) -> Any:
    return insert(TABLES[kind])


@memo
def _update(kind: type[Any], shape: tuple[tuple[str, str], ...], names: tuple[str, ...]) -> Any:
    table = TABLES[kind]
    values = {name: bindparam(f"v_{name}", type_=table.c[name].type) for name in names}
    return update(table).where(_conditions(kind, shape)).values(values)


@memo
def _count(kind: type[Any], shape: tuple[tuple[str, str], ...]) -> Select[Any]:
    return select(func.count()).select_from(TABLES[kind]).where(_conditions(kind, shape))


@memo
def _query(name: str, dialect: str) -> TextClause:
    return QUERIES[name](dialect)


def _make(dialect: str) -> Any:
    return postgresql.insert if dialect == "postgresql" else sqlite.insert


@memo
def _insert_new(kind: type[Any], key: tuple[str, ...], dialect: str) -> Any:
    table = TABLES[kind]
    statement = _make(dialect)(table).on_conflict_do_nothing(index_elements=list(key))
    return statement.returning(table.c[KEYS[kind]])


@memo
def _next(dialect: str) -> Any:
    table = TABLES[Counter]
    return (
        _make(dialect)(table)
        .on_conflict_do_update(index_elements=["name"], set_={"value": table.c.value + 1})
        .returning(table.c.value)
    )
