"""The texts that the desk has reviewed by every cloud, by kind of notice."""

from collections.abc import Mapping
from dataclasses import replace

from channels.sms.templates import PLAIN, Catalog, Rules, Template

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
    "engineer_sends": "单号${code}的${name}工程师发来了图片或文件，咨询请拨打{hotline}",
    "file_not_passed_on": "单号${code}中对方发来的文件没有收到，已请对方重发",
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
    "requester_sends": "任务单号${code}的用户发来了图片或文件，请联系用户",
    "colleague_sends": "任务单号${code}有同事发来的图片或文件，请向服务台了解",
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


def texts(rules: Rules, hotline: str) -> dict[str, Template]:
    """The standard texts as a cloud of these rules can have them, under no id yet."""
    return {
        kind: replace(template, text=_for(rules, template.text.replace("{hotline}", hotline)))
        for kind, template in STANDARD.items()
    }


def standard(rules: Rules, signature: str, hotline: str, ids: Mapping[str, str]) -> Catalog:
    """The standard texts under the ids that the cloud gave them; a kind without one is out."""
    templates = {
        kind: replace(template, id=ids[kind])
        for kind, template in texts(rules, hotline).items()
        if kind in ids
    }
    return Catalog(rules=rules, signature=signature, templates=templates)


def _for(rules: Rules, text: str) -> str:
    if rules.joint_time:
        return text
    apart = text.replace("${time}", "${date}，${clock}")
    return apart.replace("${until}", "${until_date}，${until_clock}")


def missing(catalog: Catalog) -> list[str]:
    """Kinds that could be said, but have no id yet: they take another channel."""
    return [kind for kind in STANDARD if not kind.endswith(PLAIN) and not catalog.of(kind)]
