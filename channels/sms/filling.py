"""A letter as a reviewed template with its variables, each made fit for the cloud."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from channels.sms.lint import BANNED, MOBILE, violations
from channels.sms.segments import segments
from channels.sms.templates import ONE_PART, SLOT, VARIABLES, Catalog, Rules, Sort, Template, Unfit
from channels.sms.wire import Filled
from core.messages import Letter

_SYNONYMS = {"POS机": "收银终端"}
_SHORT_PLACE = re.compile(r"(?:有限责任公司|股份有限公司|有限公司|分公司|营业部|广东省|中国)")
_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff"
_ALLOWED: Mapping[Sort, re.Pattern[str]] = {
    "code": re.compile(r"[0-9]"),
    "name": re.compile(rf"[{_CHINESE}A-Za-z·]"),
    "place": re.compile(rf"[{_CHINESE}A-Za-z0-9-]"),
    "time": re.compile(r"[0-9月日:]"),
    "date": re.compile(r"[0-9月日]"),
    "clock": re.compile(r"[0-9:]"),
}


def fill(letter: Letter, catalog: Catalog) -> tuple[Filled, tuple[str, ...]]:
    """The template with its variables, and the names of those that had to be changed or cut.

    Raises Unfit where a kind has no template, a slot has no value, or the result would be refused.
    """
    refusals = [Unfit(f"no template for {letter.kind}")]
    for template in catalog.of(letter.kind):
        try:
            return _filled(template, letter, catalog)
        except Unfit as why:
            refusals.append(why)
    raise refusals[-1]


def _filled(template: Template, letter: Letter, catalog: Catalog) -> tuple[Filled, tuple[str, ...]]:
    if not _keeps_its_word(template, letter):
        raise Unfit("the digits in the text do something else")
    said = {name: _said(name, letter) for name in template.slots}
    values = {name: _value(name, text, catalog.rules) for name, text in said.items()}
    values = _within_one_part(values, template, catalog)
    text = SLOT.sub(lambda found: values[found[1]], template.text)
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
        if not re.fullmatch(rf"[0-9]{{1,{limit}}}", text):
            raise Unfit(f"{name} is no number")
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
        text = MOBILE.sub("", text)
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
    text = SLOT.sub(lambda found: values[found[1]], template.text)
    over = segments(text, f"【{catalog.signature}】").units - ONE_PART
    for name, value in values.items():
        room = len(value) - 4
        if over > 0 and VARIABLES[name].sort == "place" and room > 0:
            shorter = _shortened(value, "place", len(value) - min(over, room), catalog.rules)
            over -= len(value) - len(shorter)
            fitted[name] = shorter or VARIABLES[name].fallback
    return fitted
