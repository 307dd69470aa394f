"""Tables of rules: the first row whose condition holds among the facts decides."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from typing import Any

Clause = tuple[frozenset[str], bool]  # any of these; or, with False, none of them


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: what it decides, why, how sure it is, and when it holds."""

    value: str
    why: str
    certainty: float
    clauses: tuple[Clause, ...]
    device: str = ""  # the thing that is meant, where the rule knows better than the words
    words: tuple[str, ...] = ()  # what spoke for it, where that was no sign

    def holds(self, facts: AbstractSet[str]) -> bool:
        for names, wanted in self.clauses:  # noqa: SIM110 (asked 40 times a report)
            if names.isdisjoint(facts) is wanted:
                return False
        return True

    @property
    def spoke(self) -> frozenset[str]:
        """The facts that made it hold, for the evidence."""
        return _wanted(self.clauses)


@cache
def _wanted(clauses: tuple[Clause, ...]) -> frozenset[str]:
    return frozenset().union(*(names for names, wanted in clauses if wanted))


def condition(when: str, groups: Mapping[str, Sequence[str]]) -> tuple[Clause, ...]:
    """`a|b & !c`: a or b, and not c. Names of groups stand for their members."""
    clauses: list[Clause] = []
    for part in filter(None, (part.strip() for part in when.split("&"))):
        wanted = not part.startswith("!")
        names = (name.strip() for name in part.removeprefix("!").split("|"))
        clauses.append((frozenset(_members(names, groups)), wanted))
    return tuple(clauses)


def _members(names: Any, groups: Mapping[str, Sequence[str]]) -> set[str]:
    members: set[str] = set()
    for name in names:
        members |= _members(groups[name], groups) if name in groups else {name}
    return members


@dataclass(frozen=True, slots=True)
class Table:
    """Rules in their order, and which of them a fact brings into question."""

    rules: tuple[Rule, ...]
    always: tuple[int, ...]
    questioned: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "Table":
        rules = tuple(rules)
        always: list[int] = []
        questioned: dict[str, list[int]] = {}
        for at, rule in enumerate(rules):
            asked = next((names for names, wanted in rule.clauses if wanted), None)
            if asked is None:
                always.append(at)
            for name in asked or ():
                questioned.setdefault(name, []).append(at)
        return cls(rules, tuple(always), {name: tuple(at) for name, at in questioned.items()})

    def holding(self, facts: AbstractSet[str]) -> Iterator[Rule]:
        """The rules that hold, the first one first."""
        asked = self.questioned.keys() & facts
        open_ = set(self.always).union(*map(self.questioned.__getitem__, asked))
        return (rule for at in sorted(open_) if (rule := self.rules[at]).holds(facts))

    def decide(self, facts: AbstractSet[str]) -> Rule | None:
        return next(self.holding(facts), None)


def table(rows: Sequence[Mapping[str, Any]], groups: Mapping[str, Sequence[str]]) -> Table:
    return Table.of(
        Rule(
            row["is"],
            row.get("why", row["is"]),
            row.get("certainty", 0.85),
            condition(row["when"], groups),
            row.get("device", ""),
        )
        for row in rows
    )
