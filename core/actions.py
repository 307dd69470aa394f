"""Who may do what to whose ticket, and by which word: one table for every channel (promise 5).

`available` feeds the buttons and guards the door, so that a channel can never offer what the desk
refuses. A relation is what the person has to do with the ticket: it is their own report, they
hold the job, they were asked to take it, or none of these.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.kinds import MODES, PRIORITIES
from core.lifecycle import BEFORE_DISPATCH, Status, possible
from core.lifecycle import Action as A  # noqa: N817 - the table reads better
from core.people import Role

S = Status


class Relation(StrEnum):
    OWN = "own"  # the ticket's requester
    JOB = "job"  # holds the job
    OFFERED = "offered"  # was asked to take it and has not answered
    ANY = "any"


Grant = tuple[Role, Relation]

_CREW = (
    Role.RESIDENT_ENGINEER,
    Role.FIELD_ENGINEER,
    Role.BACKUP_ENGINEER,
    Role.SYSTEM_ENGINEER,
    Role.REMOTE_AGENT,
    Role.ESCALATION_CENTRE,
    Role.DESK_AGENT,
    Role.SUPERVISOR,
)


def _with(relation: Relation, *roles: Role) -> frozenset[Grant]:
    return frozenset((role, relation) for role in roles)


OWN = frozenset((role, Relation.OWN) for role in Role)
JOB = _with(Relation.JOB, *_CREW)
OFFERED = _with(Relation.OFFERED, *_CREW)
DESK = _with(Relation.ANY, Role.DESK_AGENT, Role.SUPERVISOR)
SUPERVISOR = _with(Relation.ANY, Role.SUPERVISOR)
EXPERT = _with(Relation.ANY, Role.ESCALATION_CENTRE)
APPROVER = _with(Relation.ANY, Role.APPROVER)
QUALITY = _with(Relation.ANY, Role.QUALITY)
MANAGER = _with(Relation.ANY, Role.PROJECT_MANAGER)
CUSTOMER = _with(Relation.ANY, Role.CUSTOMER_IT)
HEARERS = DESK | MANAGER | QUALITY | EXPERT  # whom the ladders of warnings name
NOBODY: frozenset[Grant] = frozenset()  # the desk itself: timers and rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One row: who may, from which states beyond the life cycle's, and what people type for it."""

    who: frozenset[Grant]
    own_in: frozenset[Status] = frozenset(Status)  # elsewhere a ticket of one's own gives no right
    or_ask: A | None = None  # what is done there instead: somebody else is asked to do it
    args: tuple[str, ...] = ()  # the answers that a button menu offers; empty: none needed
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # typed, per language
    sms: str = ""  # code on a keypad
    asks: str = ""  # the draft that it opens where nothing was said with it


def _words(zh: str = "", en: str = "") -> Mapping[str, tuple[str, ...]]:
    return {"zh_CN": tuple(zh.split()), "en": tuple(en.split(", ") if en else ())}


DECLINE_REASONS = ("schedule", "skill", "location", "duplicate", "parts", "unavailable", "other")
RESULTS = ("fixed", "replaced", "configured", "explained")
NOT_ME = "not_me"  # "you are not waiting for me", says the requester's button
UNRESOLVED_CODES = ("needs_onsite", "needs_expert", "needs_parts", "needs_vendor")
SCORES = ("5", "4", "3", "2", "1")
SEVERITIES = ("normal", "serious")
CATEGORIES = (
    "printer",
    "hardware",
    "network",
    "os",
    "office",
    "business-app",
    "POS",
    "account",
    "virus",
    "new-install",
    "move",
    "consultation",
)

ACTIONS: Mapping[A, Spec] = {
    A.TRIAGE: Spec(who=DESK, words=_words("受理 分诊", "triage")),
    A.LINK_DUPLICATE: Spec(who=DESK),
    A.CANCEL: Spec(
        who=OWN | DESK,
        own_in=BEFORE_DISPATCH,
        or_ask=A.ASK_CANCEL,
        words=_words("取消 撤销 不用了", "cancel"),
        sms="CAN",
    ),
    A.ASK_CANCEL: Spec(who=OWN),
    A.NOT_A_FAULT: Spec(who=OWN | DESK, words=_words("不是故障", "not a fault")),
    A.START_PHONE: Spec(
        who=DESK,
        words=_words("电话处理 我来处理 我来 自己处理", "by phone, take it myself"),
    ),
    A.OFFER_REMOTE: Spec(who=DESK | JOB, words=_words("远程", "offer remote")),
    A.START_REMOTE: Spec(who=OWN, words=_words("同意远程 同意", "agree"), sms="AGR"),
    A.END_REMOTE: Spec(who=OWN | JOB | DESK, words=_words("结束远程", "end remote")),
    A.DISPATCH: Spec(who=DESK | JOB | EXPERT, words=_words("派单", "dispatch")),
    A.ACCEPT: Spec(who=OFFERED, words=_words("接单 接", "accept, take"), sms="ACC"),
    A.DECLINE: Spec(
        who=OFFERED, args=DECLINE_REASONS, words=_words("拒单 拒绝", "decline"), sms="DEC"
    ),
    A.EXPIRE_OFFER: Spec(who=NOBODY),
    A.SET_APPOINTMENT: Spec(
        who=JOB | DESK, asks="appointment", words=_words("约定", "appointment")
    ),
    A.DEPART: Spec(who=JOB, words=_words("出发 在路上", "depart, on my way"), sms="DEP"),
    A.ARRIVE: Spec(who=JOB, words=_words("到达 到了 已到", "arrive, arrived, here"), sms="ARR"),
    A.START_WORK: Spec(who=JOB, words=_words("开工 开始", "start")),
    A.REASSIGN: Spec(who=DESK, words=_words("改派", "reassign")),
    A.HAND_OVER: Spec(who=JOB | SUPERVISOR, asks="hand_over", words=_words("转交", "hand over")),
    A.RESOLVE: Spec(
        who=JOB | DESK | EXPERT,
        args=RESULTS,
        asks="result",
        words=_words("完成 修好了 搞定", "done, finished, resolve"),
        sms="DONE",
    ),
    A.REPORT_UNRESOLVED: Spec(
        who=JOB | DESK,
        args=UNRESOLVED_CODES,
        asks="report_unresolved",
        words=_words("未解决", "unresolved"),
        sms="UNR",
    ),
    A.WAIT: Spec(
        who=JOB | DESK,
        args=("user", "parts", "vendor"),
        asks="wait",
        words=_words("挂起", "wait"),
    ),
    A.ASK_APPROVAL: Spec(who=JOB | DESK, words=_words("申请审批 送审", "ask approval")),
    A.APPROVE: Spec(who=APPROVER, words=_words("批准", "approve")),
    A.REFUSE: Spec(who=APPROVER, words=_words("不批准", "refuse")),
    A.RESUME: Spec(who=OWN | JOB | DESK, words=_words("继续 恢复", "resume")),
    A.TAKE_AWAY: Spec(who=JOB, words=_words("带走设备 送修", "take away")),
    A.RETURN_DEVICE: Spec(who=JOB, words=_words("送回设备", "return device")),
    A.ESCALATE: Spec(who=JOB | DESK, words=_words("升级", "escalate")),
    A.ADVISE: Spec(who=EXPERT, words=_words("指导", "advise")),
    A.TAKE_OVER: Spec(who=EXPERT, words=_words("接手", "take over")),
    A.SEND_PERSON: Spec(who=EXPERT | DESK, words=_words("派人", "send somebody")),
    A.DE_ESCALATE: Spec(who=EXPERT | DESK, words=_words("降级", "de-escalate")),
    A.CONFIRM: Spec(
        who=OWN | DESK,
        words=_words("已解决 好了 可以了 确认", "confirm, works, fixed, yes"),
        sms="OK",
    ),
    A.NOT_SOLVED: Spec(
        who=OWN | DESK, words=_words("未恢复 没好 还是不行", "not fixed, not solved"), sms="NO"
    ),
    A.CLOSE_UNCONFIRMED: Spec(who=NOBODY),
    A.CLOSE: Spec(who=NOBODY),
    A.REOPEN: Spec(who=OWN | QUALITY, words=_words("重开 重新打开", "reopen")),
    A.ADD: Spec(who=OWN | DESK, words=_words("补充", "add")),
    A.RELAY: Spec(who=JOB | DESK, words=_words("转告", "tell")),
    A.NOTE: Spec(who=JOB | DESK | EXPERT, words=_words("备注", "note")),
    A.URGE: Spec(who=OWN, words=_words("催单 催", "urge"), sms="URG"),
    A.SET_SITE: Spec(who=OWN | DESK | JOB, words=_words("网点", "site")),
    A.SET_CATEGORY: Spec(who=OWN | DESK | JOB, args=CATEGORIES, words=_words("类别", "category")),
    A.SET_PRIORITY: Spec(who=OWN | DESK, args=PRIORITIES, words=_words("优先级", "priority")),
    A.SET_DEVICE: Spec(who=OWN | DESK | JOB, words=_words("设备", "device")),
    A.SET_MODE: Spec(who=DESK, args=MODES),
    A.DETACH: Spec(who=OWN, words=_words("不是这单 另开", "not this one")),
    A.ACKNOWLEDGE: Spec(who=HEARERS | JOB, words=_words("知悉 收到", "ack, acknowledge")),
    A.CALL: Spec(who=DESK | JOB, words=_words("已通话", "called")),
    A.CALL_ENGINEER: Spec(
        who=HEARERS, words=_words("呼叫工程师 打给工程师", "call engineer, ring engineer")
    ),
    A.ACCEPT_CLAIM: Spec(who=SUPERVISOR, words=_words("认可补报", "accept claim")),
    A.CALLBACK_DONE: Spec(who=DESK | QUALITY, words=_words("已回访 回访", "called back")),
    A.RATE: Spec(who=OWN, args=SCORES, words=_words("评分", "rate"), sms="RATE"),
    A.ADD_ENGINEER: Spec(who=DESK, words=_words("加派 增援", "add engineer, second engineer")),
    A.OFFER_DELIVERED: Spec(who=NOBODY),
    A.HUMAN_REPLY: Spec(who=NOBODY),
    A.WARN: Spec(who=NOBODY),
    A.CHASE: Spec(who=NOBODY),
    A.DECLARE_EMERGENCY: Spec(who=DESK, words=_words("启动应急", "declare emergency")),
    A.STAND_DOWN: Spec(who=DESK, words=_words("解除应急", "stand down")),
    A.APPLY_PLAN: Spec(who=DESK),
    A.COMPLAIN: Spec(
        who=OWN | DESK | QUALITY | CUSTOMER, words=_words("投诉", "complaint"), asks="complain"
    ),
    A.TAKE_COMPLAINT: Spec(
        who=QUALITY | SUPERVISOR, args=SEVERITIES, words=_words("接手投诉", "take complaint")
    ),
    A.ANSWER_COMPLAINT: Spec(
        who=QUALITY | SUPERVISOR,
        words=_words("答复投诉", "answer complaint"),
        asks="answer_complaint",
    ),
    A.CLOSE_COMPLAINT: Spec(
        who=QUALITY | SUPERVISOR,
        words=_words("投诉结案", "close complaint"),
        asks="close_complaint",
    ),
    A.WITHDRAW_COMPLAINT: Spec(
        who=OWN | QUALITY | CUSTOMER, words=_words("撤回投诉 撤诉", "withdraw complaint")
    ),
    A.NOTE_DEVIATION: Spec(
        who=DESK | MANAGER | CUSTOMER,
        words=_words("偏离通知", "deviation notice"),
        asks="note_deviation",
    ),
    A.FILE_PLAN: Spec(
        who=SUPERVISOR | MANAGER, words=_words("调整方案", "file plan"), asks="file_plan"
    ),
    A.CLOSE_DEVIATION: Spec(who=SUPERVISOR | CUSTOMER, words=_words("接受方案", "accept plan")),
    A.WITHDRAW_DEVIATION: Spec(
        who=CUSTOMER | SUPERVISOR, words=_words("撤回偏离通知", "withdraw notice")
    ),
    A.RECKON: Spec(who=NOBODY),
    A.CORRECT_VERDICT: Spec(
        who=SUPERVISOR, words=_words("更正判定", "correct verdict"), asks="correct_verdict"
    ),
}

TOLD = frozenset({
    A.ACCEPT, A.ADD, A.ADVISE, A.ASK_CANCEL, A.CANCEL, A.CONFIRM, A.ESCALATE, A.NOTE, A.NOT_A_FAULT,
    A.NOT_SOLVED, A.RELAY, A.REOPEN, A.RESUME, A.URGE,
})  # fmt: skip
"""What is typed behind their word is something to tell, as it stands."""

AFTER_CLOSING = {
    A.REOPEN, A.RATE, A.ADD, A.NOTE, A.CALL, A.ACKNOWLEDGE, A.ACCEPT_CLAIM, A.CALLBACK_DONE,
    A.COMPLAIN, A.TAKE_COMPLAINT, A.ANSWER_COMPLAINT, A.CLOSE_COMPLAINT, A.WITHDRAW_COMPLAINT,
    A.NOTE_DEVIATION, A.FILE_PLAN, A.CLOSE_DEVIATION, A.WITHDRAW_DEVIATION, A.CORRECT_VERDICT,
}  # fmt: skip


def may(
    action: A,
    roles: Collection[str],
    relations: Collection[Relation],
    status: Status | None = None,
) -> bool:
    """Whether somebody with these roles and ties to the ticket may do that (R-120): in this
    state, or without one at all."""
    known = ACTIONS.get(action)
    if known is None:
        return False
    # Where nobody could do it, the state is what refuses.
    own_counts = status is None or status in known.own_in or not possible(status, action)
    return any(
        role in roles
        and (relation in relations or relation is Relation.ANY)
        and (own_counts or relation is not Relation.OWN)
        for role, relation in known.who
    )


def meant(action: A, roles: Collection[str], relations: Collection[Relation], status: Status) -> A:
    """What is done about it now: who may no longer cancel asks the desk to."""
    instead = ACTIONS[action].or_ask if action in ACTIONS else None
    if instead is None or may(action, roles, relations, status):
        return action
    return instead if may(instead, roles, relations) and possible(status, instead) else action


def available(status: Status, roles: Collection[str], relations: Collection[Relation]) -> list[A]:
    """What a card may show to this person: never a button that the desk would refuse."""
    return [a for a in ACTIONS if possible(status, a) and may(a, roles, relations, status)]


def word_for(action: A, language: str) -> str:
    """The first typed word that means the action."""
    words = ACTIONS[action].words
    return next(iter(words.get(language) or words["en"]), str(action))


def typed_words() -> Mapping[str, A]:
    """Every word that means an action, in every language, lower case; keypad codes too."""
    words: dict[str, A] = {}
    for action, spec in ACTIONS.items():
        for language in spec.words.values():
            words |= dict.fromkeys((word.lower() for word in language), action)
        if spec.sms:
            words[spec.sms.lower()] = action
    return words
