"""A policy: dated rules from the facts of a ticket to the clocks that run on it."""

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

from core.kinds import MODES, PRIORITIES
from core.sla.calendar import Calendar
from core.sla.clock import Clock, Repeats, Rung
from core.sla.errors import WrongHours, WrongPolicy
from core.sla.hours import Amount, WorkingDays, parse_amount

PAUSES = ("user", "parts", "vendor")  # whom or what a ticket may wait for
PAUSE_NEEDS = ("evidence", "until")  # what may be asked for before the clocks rest
ROLES = ("engineer", "desk", "supervisor", "manager", "quality", "escalation_centre")

# Every value that a field can have, where that is known; elsewhere there is always another one.
_DOMAINS: Mapping[str, tuple[Any, ...]] = {
    "zone": (),
    "priority": PRIORITIES,
    "vip": (True, False),
    "category": (),
    "mode": (*MODES, ""),
    "site_kind": (),
}
_ANY_OTHER = "\0any other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a policy may ask of a ticket."""

    zone: str = ""
    priority: str = "P4"
    vip: bool = False
    category: str = ""  # "printer.jam" is a "printer" too
    mode: str = ""
    site_kind: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which clock runs with which target, for tickets that fit all conditions."""

    name: str
    clock: Clock
    when: Mapping[str, frozenset[Any]]

    def fits(self, facts: Facts) -> bool:
        return all(_fits(key, getattr(facts, key), wanted) for key, wanted in self.when.items())


@dataclass(frozen=True, slots=True)
class Attached:
    """A clock on a ticket, with the rule that brought it and why that rule fitted."""

    clock: Clock
    rule: str
    reason: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a person should look at before a policy is saved."""

    kind: str  # "unreachable" or "overlap"
    rule: str
    others: tuple[str, ...]  # the rules that come before it


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the service levels."""

    version: str
    valid_from: date
    valid_until: date | None  # the last day
    rules: tuple[Rule, ...]
    pauses: Mapping[str, frozenset[str]] = field(default_factory=dict)  # reason → what it needs
    _decided: dict[Facts, Mapping[str, Attached]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def clocks(self, facts: Facts) -> Mapping[str, Attached]:
        """For each milestone the first rule that fits."""
        if facts not in self._decided:
            self._decided[facts] = self._decide(facts)
        return self._decided[facts]

    def _decide(self, facts: Facts) -> Mapping[str, Attached]:
        found: dict[str, Attached] = {}
        for rule in self.rules:
            if rule.clock.milestone not in found and rule.fits(facts):
                reason = {key: getattr(facts, key) for key in rule.when}
                found[rule.clock.milestone] = Attached(rule.clock, rule.name, reason)
        return found

    def findings(self) -> list[Finding]:
        """Rules that can never decide, and rules that compete and neither is the special case."""
        by_clock: dict[str, list[Rule]] = {}
        for rule in self.rules:
            by_clock.setdefault(rule.clock.milestone, []).append(rule)
        return [finding for rules in by_clock.values() for finding in _findings(rules)]


def policy_on(policies: Iterable[Policy], day: date) -> Policy | None:
    """The version that is valid on a day; of two, the one that began later."""
    valid = [
        policy
        for policy in policies
        if policy.valid_from <= day and (policy.valid_until is None or day <= policy.valid_until)
    ]
    return max(valid, key=lambda policy: policy.valid_from, default=None)


def zone_now(zone: str, resident_open: bool) -> str:
    """The zone that counts: outside its resident's hours zone A is served like zone B."""
    return "B" if zone == "A" and not resident_open else zone


@cache
def shipped_policy() -> Policy:
    """The policy that comes with the program."""
    return load(files("core.sla").joinpath("data/policy.toml").read_text("utf-8"))


def load(source: str | Mapping[str, Any], calendars: Collection[str] | None = None) -> Policy:
    """A policy from TOML or from its tables; every wrong value is named in one WrongPolicy."""
    if isinstance(source, str):
        try:
            source = tomllib.loads(source)
        except tomllib.TOMLDecodeError as wrong:
            raise WrongPolicy([f"this is no TOML: {wrong}"]) from None
    reader = _Reader(calendars)
    policy = reader.policy(source)
    if reader.problems:
        raise WrongPolicy(reader.problems)
    return policy


def unknown_calendars(policy: Policy, calendars: Mapping[str, Calendar]) -> set[str]:
    """The calendars that a policy names and the desk does not have."""
    return {rule.clock.calendar for rule in policy.rules} - set(calendars)


def _fits(key: str, value: Any, wanted: frozenset[Any]) -> bool:
    if key == "category":
        return any(value == name or value.startswith(f"{name}.") for name in wanted)
    return value in wanted


def _findings(rules: Sequence[Rule]) -> Iterable[Finding]:
    """Try every combination of values that the rules tell apart."""
    keys = sorted({key for rule in rules for key in rule.when})
    cases = [
        dict(zip(keys, values, strict=True))
        for values in product(*(_atoms(key, rules) for key in keys))
    ]
    covers = [{n for n, case in enumerate(cases) if _fits_case(rule, case)} for rule in rules]
    taken: set[int] = set()
    for number, rule in enumerate(rules):
        covered = covers[number]
        before = [n for n in range(number) if covers[n] & covered]
        if covered <= taken:
            yield Finding("unreachable", rule.name, tuple(rules[n].name for n in before))
        elif rivals := [n for n in before if _compete(rules[n], rule, covers[n], covered)]:
            yield Finding("overlap", rule.name, tuple(rules[n].name for n in rivals))
        taken |= covered


def _compete(first: Rule, second: Rule, one: set[int], other: set[int]) -> bool:
    """Neither is a special case of the other, and it matters which of them decides."""
    special = one <= other or other <= one
    same = (first.clock.target, first.clock.calendar) == (
        second.clock.target,
        second.clock.calendar,
    )
    return not special and not same


def _fits_case(rule: Rule, case: Mapping[str, Any]) -> bool:
    return all(_fits(key, case[key], wanted) for key, wanted in rule.when.items())


def _atoms(key: str, rules: Sequence[Rule]) -> list[Any]:
    if _DOMAINS[key]:
        return list(_DOMAINS[key])
    return [*sorted({value for rule in rules for value in rule.when.get(key, ())}), _ANY_OTHER]


class _Reader:
    """Reads a policy's tables and collects what is wrong, with the path to it."""

    def __init__(self, calendars: Collection[str] | None) -> None:
        self.problems: list[str] = []
        self._calendars = calendars

    def policy(self, data: Mapping[str, Any]) -> Policy:
        self._keys(data, "", {"version", "valid_from", "valid_until", "pauses", "clocks", "rules"})
        valid_from = self._day(data, "valid_from") or date.min
        valid_until = self._day(data, "valid_until") if "valid_until" in data else None
        if valid_until is not None and valid_until < valid_from:
            self._wrong("valid_until", f"{valid_until} is before valid_from, {valid_from}")
        version = self._text(data, "version", "version")
        clocks = {
            name: self._clock(name, table, f"clocks.{name}")
            for name, table in self._tables(data, "clocks")
        }
        rules = self._list(data, "rules", "rules")
        if not rules:
            self._wrong("rules", "a policy needs at least one rule")
        read = [self._rule(rule, n, clocks) for n, rule in enumerate(rules, 1)]
        found = tuple(rule for rule in read if rule)
        return Policy(version, valid_from, valid_until, found, self._pauses(data))

    def _pauses(self, data: Mapping[str, Any]) -> dict[str, frozenset[str]]:
        table = data.get("pauses", {})
        if not isinstance(table, Mapping):
            self._wrong("pauses", "not a table")
            return {}
        self._keys(table, "pauses", set(PAUSES))
        for reason in table:
            for name in self._names(table, reason, f"pauses.{reason}"):
                if name not in PAUSE_NEEDS:
                    self._wrong(f"pauses.{reason}", f"{name!r} is none of {', '.join(PAUSE_NEEDS)}")
        return {reason: frozenset(self._names(table, reason, reason)) for reason in table}

    def _clock(self, name: str, table: Mapping[str, Any], path: str) -> Clock:
        sets = {"starts", "stops", "pauses", "continues", "renews", "voids"}
        flags = {"by_staff": False, "appointment": False, "after_end": False, "contract": True}
        self._keys(table, path, sets | set(flags) | {"calendar", "ladder", "repeat"})
        names: dict[str, Any] = {
            key: frozenset(self._names(table, key, f"{path}.{key}")) for key in sets
        }
        for key in ("starts", "stops"):
            if not names[key]:
                self._wrong(f"{path}.{key}", "a clock needs at least one event here")
        names |= {key: self._flag(table, key, path, usual) for key, usual in flags.items()}
        rungs = self._list(table, "ladder", f"{path}.ladder")
        ladder = [self._rung(rung, f"{path}.ladder[{n}]") for n, rung in enumerate(rungs, 1)]
        return Clock(
            milestone=name,
            calendar=self._calendar(table, path),
            target=timedelta(),  # a rule's
            ladder=tuple(rung for rung in ladder if rung),
            repeats=self._repeats(table["repeat"], f"{path}.repeat") if "repeat" in table else None,
            **names,
        )

    def _rule(self, table: Any, number: int, clocks: Mapping[str, Clock]) -> Rule | None:
        path = f"rules[{number}]"
        if not isinstance(table, Mapping):
            self._wrong(path, "not a table")
            return None
        self._keys(table, path, {"name", "clock", "when", "target", "calendar"})
        wanted = self._text(table, "clock", f"{path}.clock")
        target = self._amount(table, "target", f"{path}.target")
        conditions = table.get("when", {})
        if not isinstance(conditions, Mapping):
            self._wrong(f"{path}.when", "not a table")
            return None
        when = {key: self._values(key, conditions[key], f"{path}.when.{key}") for key in conditions}
        if wanted not in clocks:
            self._wrong(f"{path}.clock", f"{wanted!r} is none of {', '.join(clocks)}")
            return None
        clock = clocks[wanted]
        if "calendar" in table:
            clock = replace(clock, calendar=self._calendar(table, path))
        if target is None:
            return None
        name = str(table.get("name", f"{wanted} {number}"))
        return Rule(name, replace(clock, target=target), when)

    def _values(self, key: str, value: Any, path: str) -> frozenset[Any]:
        values = value if isinstance(value, list) else [value]
        if key not in _DOMAINS:
            self._wrong(path, f"a rule can ask for {', '.join(_DOMAINS)}")
            return frozenset()
        known = _DOMAINS[key]
        for one in values:
            right_type = isinstance(one, bool) if key == "vip" else isinstance(one, str)
            if not right_type or (known and one not in known):
                names = ", ".join(str(name) for name in known if name != "")
                self._wrong(path, f"{one!r} is none of {names}" if known else f"{one!r} is no text")
        if not values:
            self._wrong(path, "an empty list fits no ticket")
        return frozenset(one for one in values if isinstance(one, str | bool))

    def _rung(self, table: Any, path: str) -> Rung | None:
        if not isinstance(table, Mapping):
            self._wrong(path, "not a table")
            return None
        self._keys(table, path, {"at", "tell"})
        at = self._rung_at(self._text(table, "at", f"{path}.at"), f"{path}.at")
        return Rung(at, self._roles(table, path)) if at is not None else None

    def _rung_at(self, text: str, path: str) -> Fraction | timedelta | WorkingDays | None:
        words = text.split()
        try:
            if text.endswith("%") and 0 < (share := Fraction(text[:-1])) <= 1000:
                return share / 100
            if len(words) == 2 and words[0] == "day" and int(words[1]) > 1:
                return WorkingDays(int(words[1]))
            if len(words) == 2 and words[1] == "before":
                amount = parse_amount(words[0])
                if isinstance(amount, timedelta):
                    return amount
        except ValueError:  # WrongHours is one
            pass
        self._wrong(path, f'{text!r} is not like "80%", "30m before" or "day 3"')
        return None

    def _repeats(self, table: Any, path: str) -> Repeats | None:
        if not isinstance(table, Mapping):
            self._wrong(path, "not a table")
            return None
        self._keys(table, path, {"every", "at_most", "tell"})
        every = self._amount(table, "every", f"{path}.every")
        at_most = table.get("at_most")
        if not isinstance(at_most, int) or isinstance(at_most, bool) or not 1 <= at_most <= 100:
            self._wrong(f"{path}.at_most", f"{at_most!r} is no number from 1 to 100")
            return None
        if not isinstance(every, timedelta) or not every:
            self._wrong(f"{path}.every", "must be hours or minutes, as 1h")
            return None
        return Repeats(every, at_most, self._roles(table, path))

    def _roles(self, table: Mapping[str, Any], path: str) -> tuple[str, ...]:
        roles = self._names(table, "tell", f"{path}.tell")
        for role in roles:
            if role not in ROLES:
                self._wrong(f"{path}.tell", f"{role!r} is none of {', '.join(ROLES)}")
        if not roles:
            self._wrong(f"{path}.tell", "a warning needs somebody who hears it")
        return tuple(roles)

    def _calendar(self, table: Mapping[str, Any], path: str) -> str:
        name = self._text(table, "calendar", f"{path}.calendar")
        if name and self._calendars is not None and name not in self._calendars:
            self._wrong(f"{path}.calendar", f"there is no calendar {name!r}")
        return name

    def _amount(self, table: Mapping[str, Any], key: str, path: str) -> Amount | None:
        text = self._text(table, key, path)
        if not text:
            return None
        try:
            amount = parse_amount(text)
        except WrongHours as wrong:
            self._wrong(path, str(wrong))
            return None
        if not amount:
            self._wrong(path, "a target of no time is no target")
            return None
        return amount

    def _text(self, table: Mapping[str, Any], key: str, path: str) -> str:
        value = table.get(key)
        if isinstance(value, str) and value:
            return value
        self._wrong(path, "is missing" if value is None else f"{value!r} is no text")
        return ""

    def _flag(self, table: Mapping[str, Any], key: str, path: str, usual: bool) -> bool:
        value = table.get(key, usual)
        if not isinstance(value, bool):
            self._wrong(f"{path}.{key}", f"{value!r} is neither true nor false")
        return bool(value)

    def _names(self, table: Mapping[str, Any], key: str, path: str) -> list[str]:
        names = self._list(table, key, path)
        for name in names:
            if not isinstance(name, str):
                self._wrong(path, f"{name!r} is no text")
        return [name for name in names if isinstance(name, str)]

    def _list(self, table: Mapping[str, Any], key: str, path: str) -> list[Any]:
        value = table.get(key, [])
        if isinstance(value, list):
            return value
        self._wrong(path, f"{value!r} is no list")
        return []

    def _tables(self, data: Mapping[str, Any], key: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
        for name, table in data.get(key, {}).items():
            if isinstance(table, Mapping):
                yield name, table
            else:
                self._wrong(f"{key}.{name}", "not a table")

    def _day(self, data: Mapping[str, Any], key: str) -> date | None:
        value = data.get(key)
        if isinstance(value, date):
            return value
        self._wrong(key, "is missing" if value is None else f"{value!r} is no date")
        return None

    def _keys(self, table: Mapping[str, Any], path: str, known: set[str]) -> None:
        for key in set(table) - known:
            where = f"{path}.{key}" if path else key
            self._wrong(where, f"nobody knows this; known are {', '.join(sorted(known))}")

    def _wrong(self, path: str, sentence: str) -> None:
        self.problems.append(f"{path}: {sentence}")
