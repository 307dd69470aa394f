"""Tables of rules: the first row whose condition holds among the facts decides."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
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
        for names, wanted in self.clauses:  # noqa: SIM110 (asked 60 times a report)
            if names.isdisjoint(facts) is wanted:
                return False
        return True

    def spoke(self) -> frozenset[str]:
        """The facts that made it hold, for the evidence."""
        return frozenset().union(*(names for names, wanted in self.clauses if wanted))


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


def table(rows: Sequence[Mapping[str, Any]], groups: Mapping[str, Sequence[str]]) -> list[Rule]:
    return [
        Rule(
            row["is"],
            row.get("why", row["is"]),
            row.get("certainty", 0.85),
            condition(row["when"], groups),
            row.get("device", ""),
        )
        for row in rows
    ]


def decide(rules: Sequence[Rule], facts: AbstractSet[str]) -> Rule | None:
    for rule in rules:
        if rule.holds(facts):
            return rule
    return None
