"""Chinese clouds send reviewed templates only: what one is, and what may stand in its variables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Sort = Literal["code", "name", "place", "time", "date", "clock"]

ONE_PART = 70
PLAIN = ".plain"
SLOT = re.compile(r"\$\{(\w+)\}")


class Unfit(Exception):
    """This notice cannot be said through this cloud: the person's next channel takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a cloud refuses in a variable."""

    name: str
    longest: int
    forbidden: str = "【】"
    joint_time: bool = True  # False: date and time of day are two variables
    slot: str = "${{{name}}}"  # how its console writes a variable


ALIYUN = Rules(name="aliyun", longest=35)
TENCENT = Rules(name="tencent", longest=12, slot="{{{place}}}")
HUAWEI = Rules(
    name="huawei",
    longest=20,
    forbidden="【】.。'<>{}",
    joint_time=False,
    slot="${{TXT_{limit}}}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    sort: Sort
    limit: int
    sources: tuple[str, ...]  # slots of the letter that may fill it, the best first
    fallback: str = ""


_DUE = ("due", "at", "starts", "starts_at", "date")
_UNTIL = ("answer_by", "until")
VARIABLES: Mapping[str, Variable] = {
    "code": Variable(sort="code", limit=10, sources=("number", "ticket", "code")),
    "parent": Variable(sort="code", limit=10, sources=("parent",)),
    "spoken": Variable(sort="code", limit=6, sources=("code",)),
    "name": Variable(sort="name", limit=8, sources=("engineer", "name"), fallback="值班"),
    "commander": Variable(sort="name", limit=8, sources=("commander",), fallback="待定"),
    "site": Variable(
        sort="place", limit=15, sources=("site_short", "site", "place"), fallback="客户网点"
    ),
    "time": Variable(sort="time", limit=11, sources=_DUE),
    "date": Variable(sort="date", limit=6, sources=_DUE),
    "clock": Variable(sort="clock", limit=5, sources=_DUE),
    "until": Variable(sort="time", limit=11, sources=_UNTIL),
    "until_date": Variable(sort="date", limit=6, sources=_UNTIL),
    "until_clock": Variable(sort="clock", limit=5, sources=_UNTIL),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text as it was sent in for review, and the id that the cloud gave it."""

    id: str = ""
    text: str
    answers: tuple[str, ...] = ()  # what the digits in the text do, from 1 on

    @property
    def slots(self) -> list[str]:
        return SLOT.findall(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """One cloud account's signature and templates, by kind of notice."""

    rules: Rules
    signature: str  # without brackets: the platform adds them
    templates: Mapping[str, Template] = field(default_factory=dict)

    def of(self, kind: str) -> list[Template]:
        """The template of a kind, and the plainer one that may say less."""
        found = (self.templates.get(name) for name in (kind, f"{kind}{PLAIN}"))
        return [template for template in found if template is not None]


def for_console(template: Template, rules: Rules) -> str:
    """The text as one pastes it into the cloud's console for review."""
    places = {name: place for place, name in enumerate(dict.fromkeys(template.slots), 1)}

    def slot(found: re.Match[str]) -> str:
        name = found[1]
        return rules.slot.format(name=name, place=places[name], limit=VARIABLES[name].limit)

    return SLOT.sub(slot, template.text)
