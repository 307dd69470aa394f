"""What a cloud refuses in a text: looked for in templates at the start, and in what goes out."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from channels.sms.segments import utf16_units
from channels.sms.templates import ONE_PART, SLOT, VARIABLES, Catalog, Rules, Template

BANNED = (
    "POS机", "问卷", "评价", "好评", "确认收货", "移动", "联通", "电信", "培训讲座", "职业培训",
    "回复R", "回T", "退订",
)  # fmt: skip
MOBILE = re.compile(r"1[3-9]\d{9}")  # also inside longer digits: clouds look no closer
_URL = re.compile(r"://|www\.|[a-z0-9]\.[a-z]{2,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    kind: str
    problem: str
    severe: bool = True  # False: it will be sent, and costs two parts


def lint(catalog: Catalog) -> list[Finding]:
    """Why the cloud would refuse these templates, before it does."""
    findings = [
        Finding(kind, problem)
        for kind, template in catalog.templates.items()
        for problem in _problems_of(template, catalog.rules)
    ]
    if not 2 <= len(catalog.signature) <= 12:
        findings.append(Finding("", "the signature has not 2 to 12 characters"))
    for kind, template in catalog.templates.items():
        if set(template.slots) <= VARIABLES.keys() and _longest(template, catalog) > ONE_PART:
            findings.append(Finding(kind, "longer than one part when full", severe=False))
    return findings


def _problems_of(template: Template, rules: Rules) -> Iterator[str]:
    fixed = SLOT.sub("\x00", template.text)
    slots = template.slots
    if not template.id:
        yield "no id"
    for name in slots:
        if name not in VARIABLES:
            yield f"${{{name}}} is unknown"
        elif VARIABLES[name].sort == "time" and not rules.joint_time:
            yield "date and time of day are two variables here"
    if len(slots) > len(set(slots)):
        yield "a variable comes twice"
    if "\x00\x00" in fixed:
        yield "adjacent variables"
    if not fixed.replace("\x00", "").strip():
        yield "nothing but variables"
    yield from _problems_in(fixed)


def _problems_in(text: str) -> Iterator[str]:
    """What is refused anywhere in a text."""
    if "【" in text or "】" in text:
        yield "【】 belong to the platform"
    if MOBILE.search(text):
        yield "a mobile number"
    if _URL.search(text):
        yield "an address on the web"
    for word in BANNED:
        if word in text:
            yield f"the word {word}"


def _longest(template: Template, catalog: Catalog) -> int:
    fixed = utf16_units(SLOT.sub("", template.text)) + len(catalog.signature) + 2
    return fixed + sum(min(VARIABLES[n].limit, catalog.rules.longest) for n in template.slots)


def violations(text: str, values: Mapping[str, str], rules: Rules) -> list[str]:
    """Every rule of the cloud that this text with these variables would break."""
    found = list(_problems_in(text))
    for name, value in values.items():
        if not 1 <= len(value) <= min(rules.longest, VARIABLES[name].limit):
            found.append(f"{name} has {len(value)} characters")
        if any(character in rules.forbidden for character in value):
            found.append(f"{name} has a forbidden character")
        found += [f"{name}: {problem}" for problem in _problems_in(value)]
    return found
