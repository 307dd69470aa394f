"""Reads one report: words become facts, and the tables of rules decide from the facts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from core.understand.devices import (
    Device,
    Thing,
    choose,
    devices,
    listed,
    number,
    of_terms,
    things_in,
)
from core.understand.examples import Examples, default_examples
from core.understand.fold import BREAK, data, fold, split, tokens
from core.understand.lexicon import Cut, Found, Lexicon, Term
from core.understand.places import UNKNOWN, Gazetteer
from core.understand.rules import Rule, Table, table
from core.understand.values import (
    Category,
    EarlierTicket,
    Evidence,
    Facts,
    KnownDevice,
    Understanding,
)

__all__ = [
    "Category",
    "EarlierTicket",
    "Evidence",
    "Facts",
    "KnownDevice",
    "Reader",
    "Understanding",
    "default_categories",
]

_TERSE: Final = 4  # tokens: "8楼", "2 pm", a name
_BRIEF: Final = 8

_PHONE = re.compile(
    r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d{9}(?!\d)|(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)"
    r"|(?:\bext\.?|分机|内线)\s*:?\s*\d{3,5}|(?:联系人|\bcontact)\D{0,12}\d{3,5}",
    re.IGNORECASE,
)
_ASSET = re.compile(
    r"(?:资产(?:编号|号)?|编号|序列号|\basset(?: (?:no|number|tag|id))?\.?|\bs/?n)\s*[:：#]?\s*"
    r"[a-z]*-?\d[\w-]{2,}|\b[A-Z]{2,4}-\d{3,6}\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?:联系人|负责人)\s*[:：]?\s*(?!不)[\u4e00-\u9fff]{2,4}|我叫[\u4e00-\u9fff]{2,3}"
    r"|(?:联系|找|我是)[\u4e00-\u9fff]{1,3}(?:小姐|先生|女士|经理|店长|主管|主任|姐|哥|生|工)"
    r"|\b(?:[Cc]ontact|[Aa]sk for|[Tt]his is|[Mm]y name is|[Rr]egards,?|I'?m)[: ]+[A-Z][a-z]+\b"
)
_INSTALLED = re.compile(
    r"(?:安装|装个|装一下|装|[Ii]nstall(?:ing)?)\s*([A-Z][\w.+-]*(?: [A-Z0-9]\w*)?)"
)
_GOES_ON = re.compile(
    r"\W*(?:(?:再|我)*补充(?:一下|下|一点|点|一句|几句|说明|信息)?|更正(?:一下|下)?|更新(?:一下|下)?"
    r"|(?:刚才|刚刚)?忘(?:了|记)说(?:了|一下)?"
    r"|(?:a )?(?:small |quick )?(?:update|correction|addition)|to add|p\.?\s?s\.?"
    r"|(?:i )?forgot to (?:say|mention|add))\s*(?:[:,;!.|\n。、—–-]|$)"
)


@dataclass(frozen=True, slots=True)
class _Tables:
    """The rules of `rules.toml`, compiled."""

    rules: Mapping[str, Table]
    matrix: Mapping[str, list[str]]
    prefer: Mapping[str, list[str]]
    otherwise: Mapping[str, str]
    assumed: frozenset[str]  # categories whose words tell of no thing
    vague: frozenset[str]
    groups: Mapping[str, list[str]]
    talk: frozenset[str]  # signs that colour a report but do not make one


@cache
def _tables() -> _Tables:
    raw = data("rules.toml")
    groups = raw["groups"]
    names = ("intent", "category", "impact", "urgency", "mode", "ask", "emergency")
    return _Tables(
        {name: table(raw[name], groups) for name in names},
        raw["severity"]["matrix"],
        raw["device"]["prefer"],
        raw["device"]["otherwise"],
        frozenset(raw["device"]["assumed"]),
        frozenset(raw["device"]["vague"]),
        groups,
        frozenset(groups["talk"]),
    )


def default_categories() -> tuple[Category, ...]:
    return tuple(Category(**row) for row in data("categories.toml")["category"])


_NOTHING: Final = Facts()
_UNSURE: Final = 0.75
_GUESS: Final = 0.2
_TRUST: Final = 15.0  # a rule that is wholly certain weighs as much as so many nats of likeness
_PLAIN: Final = 0.96  # a rule so certain is not compared
_LIKENESS: Final = 0.55  # a proposal to the dispatcher; the desk does not act on it alone
_UNKNOWN_KIND: Final = Rule("consultation", "not understood", 0.1, ())
_URGENCIES: Final = ("high", "medium", "low")
_PERSONS: Final = frozenset({"人", "位", "名", "people", "persons", "colleagues", "users", "staff"})

_UNITS: Final = frozenset({"台", "部", "套", "units", "sets", "pcs", "seats", "workstations"})


class Reader:
    """Understands reports of one desk. Made once per change of the desk's data, then pure."""

    def __init__(
        self,
        gazetteer: Gazetteer,
        categories: Iterable[Category] | None = None,
        examples: Examples | None = None,
    ) -> None:
        self.gazetteer = gazetteer
        self._examples = examples
        known = default_categories() if categories is None else tuple(categories)
        self._categories = {category.code: category for category in known}
        signs = [(term, sign) for sign, row in data("signs.toml").items() for term in row["words"]]
        own = [(word, f"said:{c.code}") for c in known for word in (c.zh, c.en, *c.words) if word]
        misspelt = data("spelling.toml")["words"]["misspelt"]
        things = tuple(of_terms())
        cut = cache(tokens)  # each term comes twice; forgotten when the words are compiled
        terms = [*signs, *_named_inside(signs, things, cut), *things, *own]
        self._lexicon = Lexicon(terms, misspelt, cut)
        self._own = Table.of(
            Rule(c.code, "the desk's own word", 0.5, ((frozenset({f"said:{c.code}"}), True),))
            for c in known
        )

    def read(self, text: str, facts: Facts = _NOTHING) -> Understanding:
        """Every field with its reason. No text is too odd: what is not understood says so."""
        folded = fold(text)
        words = split(folded)
        where, rest = self.gazetteer.locate(words, facts.site)
        found = self._lexicon.find(rest)
        things = _own_things(things_in(rest, found), facts)
        said = _said(text, words, found, facts) | _thing_facts(words, things)
        if where.site == UNKNOWN:
            said.add("site:unknown")
        category = self._category(said, facts, rest)
        said |= {f"category:{category.value}", *_doubt(category)}
        chosen, device = _device(category, things, facts, text)
        mode = self._mode(category.value, said)
        said |= {f"mode:{mode.value}", *_asset_facts(chosen, facts)}
        vip = facts.vip or "vip_title" in said
        impact, urgency, ask, intent = (
            _decide(name, said) for name in ("impact", "urgency", "ask", "intent")
        )
        rules = {"intent": intent, "category": category, "mode": mode, "ask": ask}
        return Understanding(
            intent=intent.value,
            site=where.site,
            category=category.value,
            severity=_severity(impact.value, urgency.value, vip),
            mode=mode.value,
            device=device,
            ask="-" if ask.value in facts.asked else ask.value,
            emergency=_emergency(said),
            sites=where.candidates,
            goes_on=bool(_GOES_ON.match(folded)),
            evidence={name: _evidence(rule, found) for name, rule in rules.items()}
            | {
                "site": Evidence(where.why, where.words, where.certainty),
                "severity": _severity_evidence(impact, urgency, found, vip),
                "device": _device_evidence(category.value, chosen, things),
            },
        )

    def _category(self, said: set[str], facts: Facts, words: list[str]) -> Rule:
        """By rules and examples; if both hardly know and it is "the same again", as last time."""
        rule = _tables().rules["category"].decide(said) or _UNKNOWN_KIND
        own = self._own.decide(said)
        if own and own.certainty > rule.certainty:
            return own
        if "substance" in said:  # talk is like no report
            rule = self._compared(rule, words)
        if rule.certainty < _UNSURE and "again" in said and facts.recent:
            last = facts.recent[0]
            return Rule(last.category, f"as {last.number}", 0.7, ((frozenset({"again"}), True),))
        return rule if rule.value in self._categories else own or _UNKNOWN_KIND

    def _compared(self, rule: Rule, words: list[str]) -> Rule:
        """The rule's word, unless labelled reports with the same words speak loudly against it."""
        if rule.certainty >= _PLAIN:
            return rule
        examples = self._examples or default_examples()  # learnt at the first report, not at start
        lean = examples.lean(words)
        for_rule = lean.get(rule.value, 0.0) + _TRUST * rule.certainty
        best = max(lean, key=lambda kind: lean[kind], default=rule.value)
        if best == rule.value or lean[best] <= for_rule:
            return rule
        return Rule(
            best, "like earlier reports", _LIKENESS, (), words=examples.strongest(words, best)
        )

    def _mode(self, category: str, said: set[str]) -> Rule:
        kind = self._categories.get(category)
        usual = kind.mode if kind else "remote"
        return _tables().rules["mode"].decide(said) or _usual_mode(usual)


def _named_inside(signs: Iterable[Term], things: Iterable[Term], cut: Cut) -> Iterator[Term]:
    """The things inside the words for something else: "add printer" names a printer, too."""
    known, naming = Lexicon(things, cut=cut), frozenset(_tables().groups["naming"])
    for term, sign in signs:
        if sign in naming:
            for spot in known.find(cut(term)):
                yield from ((term, tag) for tag in spot.tags)


@cache
def _usual_mode(mode: str) -> Rule:
    return Rule(mode, "usual for the category", 0.75, ())


def _decide(name: str, said: set[str]) -> Rule:
    rule = _tables().rules[name].decide(said)
    if rule is None:
        raise LookupError(f"rules.toml: the last rule of {name} must always hold")
    return rule


def _said(text: str, words: list[str], found: list[Found], facts: Facts) -> set[str]:
    """Everything the rules may ask about the message itself."""
    signs: set[str] = set().union(*(spot.tags for spot in found))
    said = signs | {f"channel:{facts.channel}"}
    if signs - _tables().talk:
        said.add("substance")
    spoken = [word for word in words if word != BREAK]
    sizes = (("blank", 0), ("terse", _TERSE), ("brief", _BRIEF))
    said |= {name for name, most in sizes if len(spoken) <= most}
    if facts.pictures:
        said.add("pictures")
    if _counted(words, _PERSONS) > 1:
        said.add("group")
    patterns = (("contact_name", _NAME), ("contact_phone", _PHONE), ("asset_no", _ASSET))
    said |= {f"knows:{slot}" for slot in facts.known}
    return said | {f"knows:{slot}" for slot, pattern in patterns if pattern.search(text)}


def _thing_facts(words: list[str], things: list[Thing]) -> set[str]:
    """What was named first is what the report is about, where two things are named."""
    first = {f"first:{thing.device.kind}" for thing in things[:1]}
    counted = [thing.count for thing in things if thing.count]
    many = len(counted) > 1 or max(counted, default=0) > 1 or _counted(words, _UNITS) > 1
    return first | {"several"} if many else first


def _counted(words: list[str], units: frozenset[str]) -> int:
    """The number before one of the units: "五个人", "25 units"."""
    for at, word in enumerate(words):
        if word in units:
            before = words[at - 1] if at else ""
            before = words[at - 2] if before == "个" and at > 1 else before
            if counted := number(before):
                return counted
    return 0


def _own_things(things: list[Thing], facts: Facts) -> list[Thing]:
    """Whose only computer is a notebook means it when they say "computer"."""
    computers = {device.kind for device in facts.devices} & {"pc", "notebook"}
    if computers != {"notebook"}:
        return things
    known = devices()
    return [
        Thing(known["laptop"], thing.count, thing.term)
        if thing.device is known["desktop"]
        else thing
        for thing in things
    ]


def _device(
    category: Rule, things: list[Thing], facts: Facts, text: str
) -> tuple[Device | None, str]:
    """The thing that bears the trouble, and its label on the ticket."""
    rules = _tables()
    if category.device:
        thing = devices()[category.device]
        return thing, thing.label
    if category.value in {"new-install", "move"}:
        together = listed(things, frozenset(_members("equipment")))
        if together:
            return None, together
    wishes = [name for wish in rules.prefer.get(category.value, ()) for name in _members(wish)]
    chosen = choose(things, wishes)
    if chosen:
        return chosen.device, _label(chosen, things)
    if category.value == "new-install" and (package := _INSTALLED.search(text)):
        return None, package.group(1)
    if category.why.startswith("as ") and facts.recent and facts.recent[0].device:
        return None, facts.recent[0].device
    usual = devices().get(rules.otherwise.get(category.value, ""))
    return usual, usual.label if usual else "-"


def _device_evidence(category: str, chosen: Device | None, things: list[Thing]) -> Evidence:
    """Whether somebody named the thing, or the desk takes the likeliest."""
    tables = _tables()
    said = {thing.device for thing in things if thing.term not in tables.vague}
    is_named = chosen is not None and (chosen in said or category not in tables.assumed)
    return Evidence("named" if is_named else "goes with the category", (), 0.8)


def _members(name: str) -> list[str]:
    return _tables().groups.get(name, [name])


def _label(chosen: Thing, things: list[Thing]) -> str:
    """With its number; a program goes with the computers it fails on: "5 PCs antivirus"."""
    if chosen.count > 1:
        return chosen.device.counted(chosen.count, brief=False)
    machines = [thing for thing in things if thing.count > 1 and thing.device.kind == "pc"]
    if machines and not chosen.device.asset:
        return f"{machines[0].device.counted(machines[0].count, brief=True)} {chosen.device.label}"
    return chosen.device.label


def _doubt(category: Rule) -> set[str]:
    """What nobody understood is no planned work: it may be urgent."""
    return {"unclear"} if category.certainty < _GUESS else set()


def _asset_facts(device: Device | None, facts: Facts) -> set[str]:
    if device is None or not device.asset:
        return set()
    owned = [known for known in facts.devices if known.kind == device.asset and known.code]
    return {"device:asset", "knows:asset_no"} if len(owned) == 1 else {"device:asset"}


def _severity(impact: str, urgency: str, vip: bool) -> str:
    level = _tables().matrix[impact][_URGENCIES.index(urgency)]
    return f"P{max(int(level[1:]) - vip, 1)}"


def _emergency(said: set[str]) -> frozenset[str]:
    return frozenset(rule.value for rule in _tables().rules["emergency"].holding(said))


def _severity_evidence(impact: Rule, urgency: Rule, found: list[Found], vip: bool) -> Evidence:
    why = f"{impact.why} × {urgency.why}" + (", VIP" if vip else "")
    words = (*_evidence(impact, found).words, *_evidence(urgency, found).words)
    return Evidence(why, tuple(dict.fromkeys(words)), min(impact.certainty, urgency.certainty))


def _evidence(rule: Rule, found: list[Found]) -> Evidence:
    spoke = rule.spoke
    words = [spot.term for spot in found if not spoke.isdisjoint(spot.tags)]
    return Evidence(rule.why, rule.words or tuple(dict.fromkeys(words)), rule.certainty)
