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
PLAIN = ".plain"
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
        return _SLOT.findall(self.text)


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


_TAKE = ("accept", "decline")
_WORKS = ("confirm", "not_solved")
_SCORES = ("rate",) * 5
_NO_MATTER = "您不用处理了"

_TO_REQUESTERS: dict[str, str | Template] = {
    "ticket_opened": "您的服务申请已受理，单号${code}，服务台将尽快与您联系。咨询请拨打{hotline}",
    "ask_site": "您的服务申请已受理，单号${code}。请直接回复您所在的网点名称",
    "linked_to": "单号${code}与正在处理的单号${parent}为同一事件，有结果会通知您",
    "message_added": "您的补充已加到单号${code}",
    "engineer_assigned": "单号${code}已安排${name}工程师，预计${time}前到达，咨询请拨打{hotline}",
    "engineer_assigned.plain": "单号${code}已安排${name}工程师，咨询请拨打{hotline}",
    "remote_assigned": "单号${code}由${name}工程师处理，将尽快与您联系，请先不要关机",
    "engineer_en_route": "单号${code}的${name}工程师已出发，到场口令${spoken}，请核对",
    "engineer_en_route.plain": "单号${code}的${name}工程师已出发，咨询请拨打{hotline}",
    "engineer_arrived": "单号${code}的${name}工程师已到达现场",
    "visit_changed": "单号${code}改由另一位工程师上门，确定后通知您",
    "remote_offered": Template(
        text="单号${code}可远程处理，您同意后才开始。同意请回1，取消申请请回2",
        answers=("start_remote", "cancel"),
    ),
    "remote_started": Template(
        text="单号${code}的远程处理已开始，密码请您自己输入。停止请回1", answers=("end_remote",)
    ),
    "appointment_set": "单号${code}已约定${time}上门，由${name}工程师处理",
    "emergency_news": "单号${code}已按突发事件处理，恢复后立即通知您",
    "resolved_check": Template(
        text="单号${code}已处理完毕。已恢复请回1，未恢复请回2，咨询请拨打{hotline}", answers=_WORKS
    ),
    "resolved_reminder": Template(
        text="单号${code}待您确认。已恢复请回1，未恢复请回2，咨询请拨打{hotline}", answers=_WORKS
    ),
    "ticket_closed": "单号${code}已关闭，谢谢您。再有问题请拨打{hotline}",
    "closed_unconfirmed": "单号${code}未收到您的回复，已先关闭。仍未恢复请拨打{hotline}",
    "ticket_cancelled": "单号${code}已取消，需要时请拨打{hotline}",
    "not_solved_received": "单号${code}未恢复的情况已收到，已转给专家，将尽快与您联系",
    "cancel_passed_on": "单号${code}已派单，取消的要求已转服务台，稍后答复您",
    "urge_received": "单号${code}已为您催办",
    "ticket_reopened": "单号${code}已重新打开，将尽快安排",
    "waiting_for_you": Template(
        text="单号${code}在等您配合，其实不用等您请回1，咨询请拨打{hotline}",
        answers=("resume",),
    ),
    "survey_asked": Template(
        text="服务回访：单号${code}本次服务，非常满意回5，满意4，一般3，不满意2，很不满意1",
        answers=_SCORES,
    ),
    "survey_reminder": Template(
        text="服务回访：单号${code}待您打分，非常满意回5，满意4，一般3，不满意2，很不满意1",
        answers=_SCORES,
    ),
    "survey_thanks": "单号${code}的回访已收到，谢谢您",
    "complaint_received": "单号${code}的投诉已收到，将于${time}前答复您",
    "deviation_received": "单号${code}的偏离通知已登记，将于${time}前给出调整方案",
    "password_seen": "单号${code}的消息中疑似有密码，已遮住，请尽快修改",
    "held": "您的消息已收到，将由人工查看，急事请拨打{hotline}",
    "opted_out": "好的，以后只发您工单必要的通知",
    "which_ticket": "请连同单号再回复一次，咨询请拨打{hotline}",
    "no_tickets": "没有您的未完成申请，咨询请拨打{hotline}",
    "help": "查询请回状态加单号，催办请回催单加单号，咨询请拨打{hotline}",
}
_TO_ENGINEERS: dict[str, str | Template] = {
    # Until an offer is delivered nobody can say by when to be there: the clock starts with it.
    "job_offered": Template(
        text="新任务单号${code}，地点${site}，请于${until}前答复。接单请回1，不能接单请回2",
        answers=_TAKE,
    ),
    "offer_reminder": Template(
        text="任务单号${code}尚未接单，请于${until}前答复，接单请回1，不能接单请回2", answers=_TAKE
    ),
    "offer_taken": f"任务单号${{code}}已由${{name}}接单，{_NO_MATTER}",
    "offer_expired": f"任务单号${{code}}未等到您的答复，已转给他人，{_NO_MATTER}",
    "offer_withdrawn": f"任务单号${{code}}已收回，{_NO_MATTER}",
    "job_taken": Template(
        text="任务单号${code}已由您接单。出发请回1，到达请回2", answers=("depart", "arrive")
    ),
    "job_taken.plain": "任务单号${code}已由您接单，完成后请回完成加单号",
    "job_assigned": "任务单号${code}已派给您，地点${site}，请于${time}前到达",
    "job_assigned.plain": "任务单号${code}已派给您，地点${site}",
    "job_moved": "任务单号${code}已记下。下一步请回到达、完成或未解决，后加单号",
    "job_cancelled": "任务单号${code}已取消，不用前往",
    "job_confirmed": "任务单号${code}用户已确认恢复，工单已关闭",
    "job_not_solved": "任务单号${code}用户反映未恢复，已升级，请留意",
    "job_handed_over": "任务单号${code}已转给其他工程师，不用前往",
    "leave_now": "任务单号${code}该出发了，请于${time}前到达",
    "leave_kept": "您自${date}起的休假已登记",
    "remote_agreed": "任务单号${code}用户已同意远程，可以连接，密码请用户自己输入",
    "whose_words": Template(
        text="您有任务单号${code}在手。转告用户请回转告加单号和内容，新报修请回1",
        answers=("report",),
    ),
    "cancel_asked": "任务单号${code}的用户要求取消，请等服务台确认",
    "requester_urges": "任务单号${code}的用户在催办，请先回一句进展",
    "second_engineer": "请支援任务单号${code}，地点${site}，现场指挥${commander}",
    "ask_result": "任务单号${code}是怎么处理好的，请直接回复一句话",
    "relayed": "单号${code}的消息已转给对方",
    "note_kept": "单号${code}已记下，仅内部可见",
    "acknowledged": "单号${code}在${until}前不再提醒",
    "bound": "已认出您，以后任务和提醒会发到这个号码",
    "help_desk": "请回接单、拒单、出发、到达、完成或未解决，后加单号",
    "help_staff": "请回接单、拒单、出发、到达、完成或未解决，后加单号",
    "pin_wrong": "口令不对，请核对后再发",
    "pin_locked": "口令错误太多，${until}前停用",
    "refused": "这一步没有办成，请核对单号和口令，咨询请拨打{hotline}",
}
_TO_THE_DESK: dict[str, str | Template] = {
    "desk_proposal": "单号${code}地点${site}待受理，请登录系统处理",
    "desk_cancel_asked": "单号${code}用户要求取消，请登录系统确认",
    "desk_not_solved": "单号${code}用户反映未恢复，已升级，请安排下一步",
    "desk_unresolved": "单号${code}工程师${name}报告未解决，请跟进",
    "nobody_accepts": "单号${code}地点${site}尚无人接单，请立即安排",
    "nobody_to_ask": "单号${code}地点${site}没有人能去，请尽快指派",
    "not_left": "单号${code}地点${site}的${name}尚未出发，应于${time}前到达",
    "not_waiting_for_me": "单号${code}用户表示并非在等用户，请查看",
    "claim_to_accept": "单号${code}的${name}补报了时间${time}，请登录系统查看",
    "low_score": "单号${code}回访分数较低，请联系用户了解情况",
    "unreachable": "单号${code}的消息送不到${name}，请打电话通知",
    "complaint_to_answer": "单号${code}有投诉待答复，应于${time}前答复",
    "deviation_to_plan": "单号${code}收到偏离通知，应于${time}前提交调整方案",
    "sla_warning": "单号${code}地点${site}将于${time}超时，请跟进处理",
    "sla_breach": "单号${code}地点${site}应于${time}前完成，现已超时，请立即处理",
    "sla_late_on_attach": "单号${code}地点${site}按新时限应于${time}完成，已超时",
    "sla_promise_failed": "单号${code}地点${site}答应的${time}已到，仍未完成，请跟进",
    "duplicate_proposed": "单号${code}可能与单号${parent}为同一事件，请确认",
    "duplicate_linked": "单号${code}已并入单号${parent}",
    "emergency_proposed": "疑似突发事件，单号${code}地点${site}，请确认",
    "emergency_declared": "突发事件单号${code}地点${site}，现场指挥${commander}",
    "emergency_round": "突发事件单号${code}地点${site}仍在处理，请登录系统查看",
    "emergency_over": "突发事件单号${code}已解除",
    "emergency_report": "突发事件单号${code}已结束，两个工作日内请提交报告",
    "plan_used": "单号${code}等待派任务已按统一安排派出",
    "plan_proposed": "单号${code}等待派任务可统一安排，请登录系统查看建议",
    "leave_told": "${name}自${date}起请假，任务已转出，请留意值班",
    "cover_kept": "${name}自${date}起顶替值班，已登记",
    "duty_gap": "${site}自${time}起缺人值班，请安排",
    "pin_guessed": "${name}的号码连续输错口令，已停用，请电话核实",
    "trouble": "服务台系统有故障，请尽快查看",
}
STANDARD: Mapping[str, Template] = {
    kind: Template(text=said) if isinstance(said, str) else said
    for kind, said in (_TO_REQUESTERS | _TO_ENGINEERS | _TO_THE_DESK).items()
}
"""The texts of sms.md §7 and their like. They are data registered with carriers, hence not in the
catalogs. A kind with ".plain" behind it is said where a slot or a digit of the other is missing."""

WITHOUT: Mapping[str, str] = {
    **dict.fromkeys(
        ("engineer_says", "requester_says", "complaint_answered", "deviation_planned",
         "verdict_corrected", "hand_over_note"),
        "people's own words",
    ),
    **dict.fromkeys(
        ("story", "lines", "forecast", "shown", "ticket_status", "matter_state", "what_comes_next",
         "desk_step"),
        "what it tells is a list or a state",
    ),
    **dict.fromkeys(("ask_choice",), "other choices every time"),
    **dict.fromkeys(("file_too_big", "file_gone"), "a text carries no files"),
    "engineer_number": "clouds refuse personal numbers",
    **dict.fromkeys(
        ("home", "thanks", "language_set", "choose_language", "year_ahead", "unknown_command",
         "privacy", "privacy_received", "privacy_asked", "call_logged"),
        "not worth a review and a fee",
    ),
}  # fmt: skip
"""Kinds that no reviewed template can say, and why: they go to the person's next address."""


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


def missing(catalog: Catalog) -> list[str]:
    """Kinds that could be said, but have no id yet: they take another channel."""
    return [kind for kind in STANDARD if not kind.endswith(PLAIN) and not catalog.of(kind)]


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
