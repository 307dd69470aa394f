"""Statements for every shape of question and change, each built once in the life of the program."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    Delete,
    Insert,
    Select,
    TextClause,
    Update,
    bindparam,
    delete,
    false,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import sqlite

from core.ports import Between
from core.rows import Counter
from core.storage.queries import QUERIES
from core.storage.tables import KEYS, TABLES

F = TypeVar("F", bound=Callable[..., Any])
# functools.cache that keeps the signature: for mypy a class is not Hashable.
memo = cast(Callable[[F], F], cache)

Shape = tuple[tuple[str, str], ...]
"""The columns of a condition and how each is compared: all of it but the values."""

# An index over the open rows only serves a statement that says in so many words which rows it
# wants, and states are few: so they stand in the text, never as a parameter.
SPELLED_OUT = frozenset({"state", "status"})
_WORD = re.compile(r"\w+")
_PLAIN_WORD = re.compile(r"[a-z_]+")


def shape_of(where: Mapping[str, Any]) -> tuple[Shape, dict[str, Any]]:
    """A condition taken apart into its shape and its values, by the names of their parameters."""
    shape: list[tuple[str, str]] = []
    params: dict[str, Any] = {}
    for name, value in where.items():
        if value is None:
            how = "none"
        elif name in SPELLED_OUT and (words := _plain_words(value)):
            how = f"said {words}"
        elif isinstance(value, tuple | frozenset):
            several = _padded(value)
            how = str(len(several))
            params.update((f"w_{name}_{n}", one) for n, one in enumerate(several))
        elif isinstance(value, Between):
            how = ("after" if value.after is not None else "") + (
                "before" if value.before is not None else ""
            )
            if value.after is not None:
                params[f"a_{name}"] = value.after
            if value.before is not None:
                params[f"b_{name}"] = value.before
        else:
            how = "is"
            params[f"w_{name}"] = value
        shape.append((name, how))
    return tuple(shape), params


@memo
def _plain_words(value: Any) -> str:
    words = value if isinstance(value, tuple | frozenset) else (value,)
    return " ".join(sorted(words)) if all(_PLAIN_WORD.fullmatch(word) for word in words) else ""


def _padded(values: Iterable[Any]) -> list[Any]:
    """Repeated up to a power of two, so that lists of any length need a dozen statements only."""
    several = list(values)
    if several:
        several += several[-1:] * ((1 << (len(several) - 1).bit_length()) - len(several))
    return several


def _conditions(kind: type[Any], shape: Shape) -> list[ColumnElement[bool]]:
    table = TABLES[kind]
    conditions: list[ColumnElement[bool]] = []
    for name, how in shape:
        column = table.c[name]
        if how == "none":
            conditions.append(column.is_(None))
        elif how == "is":
            conditions.append(column == bindparam(f"w_{name}", type_=column.type))
        elif how.startswith("said "):
            words: list[ColumnElement[str]] = [
                literal_column(f"'{word}'") for word in how.split()[1:]
            ]
            conditions.append(column == words[0] if len(words) == 1 else column.in_(words))
        elif how == "0":
            conditions.append(false())
        elif how.isdigit():
            several = [bindparam(f"w_{name}_{n}", type_=column.type) for n in range(int(how))]
            conditions.append(column.in_(several))
        else:
            if "after" in how:
                conditions.append(column >= bindparam(f"a_{name}", type_=column.type))
            if "before" in how:
                conditions.append(column < bindparam(f"b_{name}", type_=column.type))
    return conditions


@memo
def question(kind: type[Any], shape: Shape, order: str = "", limited: bool = False) -> Select[Any]:
    """Rows that match, in order of a column (`-` before it: descending), `many` at the most."""
    table = TABLES[kind]
    asked = select(table).where(*_conditions(kind, shape))
    if order:
        column, key = table.c[order.lstrip("-")], table.c[KEYS[kind]]
        down = order.startswith("-")
        asked = asked.order_by(*((column.desc(), key.desc()) if down else (column, key)))
    return asked.limit(bindparam("many")) if limited else asked


@memo
def locked(kind: type[Any]) -> Select[Any]:
    """The row of a key, held; SQLite, whose one writer has the whole file, leaves that out."""
    return question(kind, ((KEYS[kind], "is"),)).with_for_update()


@memo
def counted(kind: type[Any], shape: Shape) -> Select[Any]:
    return select(func.count()).select_from(TABLES[kind]).where(*_conditions(kind, shape))


@memo
def named(name: str, dialect: str) -> TextClause:
    return QUERIES[name](dialect)


@memo
def asked_of(name: str, dialect: str) -> tuple[type[Any], ...]:
    """The kinds of rows whose tables a query names."""
    words = set(_WORD.findall(named(name, dialect).text))
    return tuple(kind for kind, table in TABLES.items() if table.name in words)


@memo
def names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _given(kind: type[Any], columns: Iterable[str]) -> dict[str, Any]:
    table = TABLES[kind]
    return {name: bindparam(f"v_{name}", type_=table.c[name].type) for name in columns}


def _columns(kind: type[Any], keyed: bool) -> list[str]:
    return [name for name in names(kind) if keyed or name != KEYS[kind]]


@memo
def inserted(kind: type[Any], keyed: bool) -> Insert:
    """A single row; without its key the database counts up and tells which it took."""
    new = added(kind, keyed)
    return new if keyed else new.returning(TABLES[kind].c[KEYS[kind]])


@memo
def added(kind: type[Any], keyed: bool) -> Insert:
    """A row among many, whose key nobody asks for."""
    return insert(TABLES[kind]).values(_given(kind, _columns(kind, keyed)))


def _insert_of(dialect: str) -> Any:
    if dialect != "postgresql":
        return sqlite.insert
    from sqlalchemy.dialects import postgresql  # brings six drivers along

    return postgresql.insert


@memo
def kept(kind: type[Any], keyed: bool, dialect: str) -> Any:
    """Inserted, or put in the place of the row with the same key."""
    table, key = TABLES[kind], KEYS[kind]
    columns = _columns(kind, keyed)
    new = _insert_of(dialect)(table).values(_given(kind, columns))
    changed = {name: new.excluded[name] for name in columns if name != key}
    return new.on_conflict_do_update(index_elements=[key], set_=changed)


@memo
def only_new(kind: type[Any], keyed: bool, key: tuple[str, ...], dialect: str) -> Any:
    new = _insert_of(dialect)(TABLES[kind]).values(_given(kind, _columns(kind, keyed)))
    return new.on_conflict_do_nothing(index_elements=list(key))


@memo
def changed(kind: type[Any], shape: Shape, columns: tuple[str, ...]) -> Update:
    return update(TABLES[kind]).where(*_conditions(kind, shape)).values(_given(kind, columns))


@memo
def removed(kind: type[Any], shape: Shape) -> Delete:
    return delete(TABLES[kind]).where(*_conditions(kind, shape))


@memo
def counted_up(dialect: str) -> Any:
    table = TABLES[Counter]
    new = _insert_of(dialect)(table).values(_given(Counter, ("name", "value")))
    return new.on_conflict_do_update(
        index_elements=["name"], set_={"value": table.c.value + 1}
    ).returning(table.c.value)
