"""Chinese clouds send reviewed templates only: kinds of notice → texts, and what may fill them."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from channels.sms.segments import segments, utf16_units
from channels.sms.wire import Filled
from core.messages import Letter

Sort = Literal["code", "name", "place", "time", "date", "clock"]

ONE_PART = 70
BANNED = (
    "POS机", "问卷", "评价", "好评", "确认收货", "移动", "联通", "电信", "培训讲座", "职业培训",
    "回复R", "回T", "退订",
)  # fmt: skip
_SYNONYMS = {"POS机": "收银终端"}
_SHORT_PLACE = re.compile(r"(?:有限责任公司|股份有限公司|有限公司|分公司|营业部|广东省|中国)")
_SLOT = re.compile(r"\$\{(\w+)\}")
_MOBILE = re.compile(r"1[3-9]\d{9}")  # also inside longer digits: clouds look no closer
_URL = re.compile(r"://|www\.|[a-z0-9]\.[a-z]{2,}", re.IGNORECASE)
_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff"
_ALLOWED: Mapping[Sort, re.Pattern[str]] = {
    "code": re.compile(r"[0-9]"),
    "name": re.compile(rf"[{_CHINESE}A-Za-z·]"),
    "place": re.compile(rf"[{_CHINESE}A-Za-z0-9-]"),
    "time": re.compile(r"[0-9月日:]"),
    "date": re.compile(r"[0-9月日]"),
    "clock": re.compile(r"[0-9:]"),
}


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


_DUE = ("due", "at", "starts_at", "date")
VARIABLES: Mapping[str, Variable] = {
    "code": Variable(sort="code", limit=10, sources=("number", "ticket", "code")),
    "name": Variable(sort="name", limit=8, sources=("engineer", "name"), fallback="值班"),
    "site": Variable(sort="place", limit=15, sources=("site_short", "site"), fallback="客户网点"),
    "time": Variable(sort="time", limit=11, sources=_DUE),
    "date": Variable(sort="date", limit=6, sources=_DUE),
    "clock": Variable(sort="clock", limit=5, sources=_DUE),
    "until": Variable(sort="time", limit=11, sources=("answer_by",)),
    "until_date": Variable(sort="date", limit=6, sources=("answer_by",)),
    "until_clock": Variable(sort="clock", limit=5, sources=("answer_by",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text as it was sent in for review, and the id that the cloud gave it."""

    id: str = ""
    text: str
    answers: tuple[str, ...] = ()  # what the digits in the text do, from 1 on

    @property
    def slots(self) -> list[str]:
        return _SLOT.findall(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """One cloud account's signature and templates, by kind of notice."""

    rules: Rules
    signature: str  # without brackets: the platform adds them
    templates: Mapping[str, Template] = field(default_factory=dict)


_TAKE = ("accept", "decline")
_WORKS = ("confirm", "not_solved")
STANDARD: Mapping[str, Template] = {
    "ticket_opened": Template(
        text="您的服务申请已受理，单号${code}，服务台将尽快与您联系。咨询请拨打{hotline}"
    ),
    "engineer_assigned": Template(
        text="单号${code}已安排${name}工程师，预计${time}前到达，咨询请拨打{hotline}"
    ),
    "job_offered": Template(
        text="新任务单号${code}，地点${site}，请于${time}前到达。接单请回1，不能接单请回2",
        answers=_TAKE,
    ),
    "offer_reminder": Template(
        text="任务单号${code}尚未接单，请于${until}前答复，接单请回1，不能接单请回2", answers=_TAKE
    ),
    "job_assigned": Template(text="任务单号${code}已派给您，地点${site}，请于${time}前到达"),
    "sla_warning": Template(text="单号${code}地点${site}将于${time}超时，请跟进处理"),
    "sla_breach": Template(text="单号${code}地点${site}应于${time}前完成，现已超时，请立即处理"),
    "nobody_accepts": Template(text="单号${code}地点${site}尚无人接单，请立即安排"),
    "resolved_check": Template(
        text="单号${code}已处理完毕。已恢复请回1，未恢复请回2，咨询请拨打{hotline}", answers=_WORKS
    ),
    "resolved_reminder": Template(
        text="单号${code}待您确认。已恢复请回1，未恢复请回2，咨询请拨打{hotline}", answers=_WORKS
    ),
    "survey_asked": Template(
        text="服务回访：单号${code}本次服务，非常满意回5，满意4，一般3，不满意2，很不满意1",
        answers=("rate",) * 5,
    ),
    "approval_asked": Template(text="单号${code}设备维修待您审批，请登录系统或查看邮件处理"),
    "device_returning": Template(text="单号${code}送修设备已修复，将于${date}送回，请留意"),
    "event_reminder": Template(text="${date}地点${site}有保障任务，单号${code}，请提前到场"),
}
"""The texts of sms.md §7. They are data registered with carriers, hence not in the catalogs."""


def standard(rules: Rules, signature: str, hotline: str, ids: Mapping[str, str]) -> Catalog:
    """The standard texts under the ids that the cloud gave them; a kind without one is out."""
    templates = {
        kind: replace(
            template, id=ids[kind], text=_for(rules, template.text.replace("{hotline}", hotline))
        )
        for kind, template in STANDARD.items()
        if kind in ids
    }
    return Catalog(rules=rules, signature=signature, templates=templates)


def _for(rules: Rules, text: str) -> str:
    if rules.joint_time:
        return text
    apart = text.replace("${time}", "${date}，${clock}")
    return apart.replace("${until}", "${until_date}，${until_clock}")


def for_console(template: Template, rules: Rules) -> str:
    """The text as one pastes it into the cloud's console for review."""
    places = {name: place for place, name in enumerate(dict.fromkeys(template.slots), 1)}

    def slot(found: re.Match[str]) -> str:
        name = found[1]
        return rules.slot.format(name=name, place=places[name], limit=VARIABLES[name].limit)

    return _SLOT.sub(slot, template.text)


# --- lint at start-up ------------------------------------------------------------------------


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
    fixed = _SLOT.sub("\x00", template.text)
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
    if _MOBILE.search(text):
        yield "a mobile number"
    if _URL.search(text):
        yield "an address on the web"
    for word in BANNED:
        if word in text:
            yield f"the word {word}"


def _longest(template: Template, catalog: Catalog) -> int:
    fixed = utf16_units(_SLOT.sub("", template.text)) + len(catalog.signature) + 2
    return fixed + sum(min(VARIABLES[n].limit, catalog.rules.longest) for n in template.slots)


# --- filling at send -------------------------------------------------------------------------


def fill(letter: Letter, catalog: Catalog) -> tuple[Filled, tuple[str, ...]]:
    """The template with its variables, and the names of those that had to be changed or cut.

    Raises Unfit where a kind has no template, a slot has no value, or the result would be refused.
    """
    template = catalog.templates.get(letter.kind)
    if template is None:
        raise Unfit(f"no template for {letter.kind}")
    if not _keeps_its_word(template, letter):
        raise Unfit("the digits in the text do something else")
    said = {name: _said(name, letter) for name in template.slots}
    values = {name: _value(name, text, catalog.rules) for name, text in said.items()}
    values = _within_one_part(values, template, catalog)
    text = _SLOT.sub(lambda found: values[found[1]], template.text)
    if problems := violations(text, values, catalog.rules):
        raise Unfit("; ".join(problems))
    changed = tuple(name for name, value in values.items() if value != said[name])
    filled = Filled(
        template=template.id,
        signature=catalog.signature,
        values=tuple(values.items()),
        text=text,
    )
    return filled, changed


def _keeps_its_word(template: Template, letter: Letter) -> bool:
    """A reviewed text is fixed, so its digits must do what the letter offers under them."""
    scores = {choice.arg: choice.action for choice in letter.choices if choice.action == "rate"}
    offered = [scores.get(str(place), one.action) for place, one in enumerate(letter.choices, 1)]
    return tuple(offered[: len(template.answers)]) == template.answers


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


def _said(name: str, letter: Letter) -> str:
    """The letter's own value, moments written out in the reader's zone."""
    variable = VARIABLES[name]
    slots = {**letter.params, "number": letter.ticket or letter.params.get("number")}
    for source in variable.sources:
        if (value := slots.get(source)) not in (None, ""):
            if variable.sort in ("time", "date", "clock"):
                return _moment(str(value), variable.sort, letter.zone)
            return str(value)
    return variable.fallback


def _moment(text: str, sort: Sort, zone: str) -> str:
    try:
        at = datetime.fromisoformat(text)
        at = at.astimezone(ZoneInfo(zone)) if at.tzinfo else at
    except (ValueError, OverflowError, KeyError) as odd:
        raise Unfit(f"{text!r} is no moment") from odd
    date, clock = f"{at.month}月{at.day}日", f"{at:%H:%M}"
    return {"time": date + clock, "date": date, "clock": clock}[sort]


def _value(name: str, said: str, rules: Rules) -> str:
    """The value, made fit: allowed characters, no refused words, cut to length."""
    variable = VARIABLES[name]
    limit = min(variable.limit, rules.longest)
    text = unicodedata.normalize("NFKC", said)
    if variable.sort == "code":
        if not re.fullmatch(r"[0-9]{1,10}", text):
            raise Unfit("no ticket number")
        return text
    value = _shortened(_harmless(text, variable.sort, rules), variable.sort, limit, rules)
    if not (value := value or variable.fallback):
        raise Unfit(f"{name} is empty")
    return value


def _harmless(text: str, sort: Sort, rules: Rules) -> str:
    """Until nothing changes: what is taken out may bring a refused word together."""
    before = None
    while before != text:
        before = text
        text = "".join(
            character
            for character in text
            if _ALLOWED[sort].match(character) and character not in rules.forbidden
        )
        text = _MOBILE.sub("", text)
        for word in BANNED:
            text = text.replace(word, _SYNONYMS.get(word, ""))
    return text


def _shortened(value: str, sort: Sort, limit: int, rules: Rules) -> str:
    if len(value) > limit and sort == "place":
        value = _SHORT_PLACE.sub("", value) or value
    if len(value) > limit:
        value = value[:limit]
    return _harmless(value, sort, rules)


def _within_one_part(
    values: Mapping[str, str], template: Template, catalog: Catalog
) -> dict[str, str]:
    """A place gives way when one character more would cost a second part."""
    fitted = dict(values)
    text = _SLOT.sub(lambda found: values[found[1]], template.text)
    over = segments(text, f"【{catalog.signature}】").units - ONE_PART
    for name, value in values.items():
        room = len(value) - 4
        if over > 0 and VARIABLES[name].sort == "place" and room > 0:
            shorter = _shortened(value, "place", len(value) - min(over, room), catalog.rules)
            over -= len(value) - len(shorter)
            fitted[name] = shorter or VARIABLES[name].fallback
    return fitted
