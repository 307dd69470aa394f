"""A transaction over any of the two databases: rows in, rows out, as frozen values."""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Protocol, TypeVar, cast

from core.people import Address
from core.storage import statements
from core.storage.queries import MOMENT_COLUMNS
from core.storage.statements import memo, shape_of
from core.storage.tables import KEYS

R = TypeVar("R")
Params = Mapping[str, Any]

LOOKED_THROUGH = 256  # waiting rows; to compare more with a question costs more than to write them
# Whoever is told of a hundred warnings in one commit has the same addresses each time.
REMEMBERED: frozenset[type[Any]] = frozenset({Address})


class Driver(Protocol):
    """How statements reach a database, whose transaction somebody else begins and commits."""

    dialect: str

    def rows(self, statement: Any, params: Params) -> Sequence[Sequence[Any]]:
        """What the statement gives back, as values of the core."""

    def named(self, statement: Any, params: Params) -> list[dict[str, Any]]:
        """What a text query gives back, by the names of its columns; moments may be text."""

    def change(self, statement: Any, params: Params) -> int:
        """How many rows the statement touched."""

    def add(self, statement: Any, params: Sequence[Params]) -> None: ...

    def add_new(self, statement: Any, params: Sequence[Params]) -> int:
        """How many of the rows were not there before."""


def _keyed(row: Any) -> bool:
    """Whether the row brings its key; where that is 0 the database shall count up."""
    return bool(getattr(row, KEYS[type(row)]) != 0)


@memo
def _reader(kind: type[Any], keyed: bool) -> Callable[[Any], dict[str, Any]]:
    names = [name for name in statements.names(kind) if keyed or name != KEYS[kind]]
    values, params = attrgetter(*names), [f"v_{name}" for name in names]
    return lambda row: dict(zip(params, values(row), strict=True))


def _params(row: Any) -> dict[str, Any]:
    return _reader(type(row), _keyed(row))(row)


@memo
def _maker(kind: type[Any]) -> Callable[[Sequence[Any]], Any]:
    """Rows come in the order of the fields, and a frozen value is cheapest made by keyword zip."""
    names = statements.names(kind)
    enums = [(f.name, cast(Any, f.type)) for f in dataclasses.fields(kind) if f.name == "status"]
    make = cast(Callable[..., Any], kind)

    def of(row: Sequence[Any]) -> Any:
        values = dict(zip(names, row, strict=True))
        for name, enum in enums:
            values[name] = enum(values[name])
        return make(**values)

    return of


class SqlTx:
    """core.ports.Tx: what is asked of rows, told to a driver in statements."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.memo: dict[str, Any] = {}
        self._later: defaultdict[type[Any], list[object]] = defaultdict(list)
        self._found: defaultdict[type[Any], dict[Any, list[Any]]] = defaultdict(dict)

    # -- reading

    def get(self, kind: type[R], key: int | str, /) -> R | None:
        where: dict[str, Any] = {KEYS[kind]: key}
        return self.first(kind, **where)

    def lock(self, kind: type[R], key: int | str, /) -> R | None:
        self._flush(kind, {KEYS[kind]: key})
        found = self.driver.rows(statements.locked(kind), {f"w_{KEYS[kind]}": key})
        return _maker(kind)(found[0]) if found else None

    def first(self, kind: type[R], /, *, order: str = "", **where: Any) -> R | None:
        found = self.find(kind, order=order, limit=1 if order else None, **where)
        return found[0] if found else None

    def find(
        self, kind: type[R], /, *, order: str = "", limit: int | None = None, **where: Any
    ) -> list[R]:
        self._flush(kind, where)
        shape, params = shape_of(where)
        if limit is not None:
            params["many"] = limit
        question = statements.question(kind, shape, order, limit is not None)
        if kind not in REMEMBERED:
            return self._rows(kind, question, params)
        found, asked = self._found[kind], (question, *params.values())
        if asked not in found:
            found[asked] = self._rows(kind, question, params)
        return list(found[asked])

    def _rows(self, kind: type[R], question: Any, params: Params) -> list[R]:
        make = _maker(kind)
        return [make(row) for row in self.driver.rows(question, params)]

    def count(self, kind: type[Any], /, **where: Any) -> int:
        self._flush(kind, where)
        shape, params = shape_of(where)
        return int(self.driver.rows(statements.counted(kind, shape), params)[0][0])

    def ask(self, name: str, **params: Any) -> list[Mapping[str, Any]]:
        for kind in statements.asked_of(name, self.driver.dialect):
            self._flush(kind)
        found = self.driver.named(statements.named(name, self.driver.dialect), params)
        return [_told(row) for row in found]

    # -- writing

    def insert(self, row: R) -> R:
        kind, keyed = type(row), _keyed(row)
        self._before_change(kind)
        statement = statements.inserted(kind, keyed)
        if keyed:
            self.driver.change(statement, _params(row))
            return row
        ((key,),) = self.driver.rows(statement, _params(row))
        return cast(R, dataclasses.replace(cast(Any, row), **{KEYS[kind]: key}))

    def add(self, row: object) -> None:
        self._found.pop(type(row), None)
        self._later[type(row)].append(row)

    def put(self, row: object) -> None:
        kind = type(row)
        self._before_change(kind)
        statement = statements.kept(kind, _keyed(row), self.driver.dialect)
        self.driver.change(statement, _params(row))

    def add_new(self, rows: list[Any], *, key: tuple[str, ...]) -> int:
        if not rows:
            return 0
        kind, keyed = type(rows[0]), _keyed(rows[0])
        self._before_change(kind)
        statement = statements.only_new(kind, keyed, key, self.driver.dialect)
        return self.driver.add_new(statement, [_params(row) for row in rows])

    def update(self, row: R, /, **changes: Any) -> R:
        kind = type(row)
        key = KEYS[kind]
        self.update_where(kind, {key: getattr(row, key)}, **changes)
        return cast(R, dataclasses.replace(cast(Any, row), **changes))

    def update_where(self, kind: type[Any], where: Mapping[str, Any], /, **changes: Any) -> int:
        self._before_change(kind, where)
        shape, params = shape_of(where)
        params.update((f"v_{name}", value) for name, value in changes.items())
        return self.driver.change(statements.changed(kind, shape, tuple(changes)), params)

    def delete(self, kind: type[Any], /, **where: Any) -> int:
        self._before_change(kind, where)
        shape, params = shape_of(where)
        return self.driver.change(statements.removed(kind, shape), params)

    def next(self, counter: str) -> int:
        self.memo.pop(counter, None)
        statement = statements.counted_up(self.driver.dialect)
        ((value,),) = self.driver.rows(statement, {"v_name": counter, "v_value": 1})
        return int(value)

    def _before_change(self, kind: type[Any], where: Params | None = None) -> None:
        self._found.pop(kind, None)
        self._flush(kind, where)

    # -- rows that wait to be written together

    def flush(self) -> None:
        for kind in list(self._later):
            self._flush(kind)

    def _flush(self, kind: type[Any], where: Params | None = None) -> None:
        """Write those that wait, unless what is asked for (`where`) is none of them."""
        waiting = self._later.get(kind)
        if not waiting or (where and not _may_be_among(waiting, where)):
            return
        del self._later[kind]
        statement = statements.added(kind, _keyed(waiting[0]))
        self.driver.add(statement, [_params(row) for row in waiting])


def _may_be_among(rows: Sequence[Any], where: Params) -> bool:
    """Bodies that share a commit ask for their own rows: none of them shall write the others'."""
    if len(rows) > LOOKED_THROUGH:
        return True
    key = KEYS[type(rows[0])]
    if key in where and not _keyed(rows[0]):
        return False  # whoever asks by key cannot mean a row that has none yet
    plain = [(name, value) for name, value in where.items() if isinstance(value, str | int)]
    return all(value in map(attrgetter(name), rows) for name, value in plain)


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a text query, whose moments SQLite gives as text."""
    for name in MOMENT_COLUMNS & row.keys():
        if isinstance(row[name], str):
            row[name] = datetime.fromisoformat(row[name])
    return row
