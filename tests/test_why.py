"""/why as a contract manager reads it: which rule, which day, what moved the deadline."""

# ruff: noqa: E501  the lines are those that people read

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core import levels, story
from core.in_hand import InHand
from core.people import Role
from core.ports import Tx
from core.ticket import Ticket
from core.words import say
from tests.scenario import Scenario
from tests.test_story import accepted, dispatched, resolved

# A Wednesday morning at ten in Guangzhou; tomorrow is the National Day.
EVE = datetime(2026, 9, 30, 2, 0, tzinfo=UTC)
SCANNER = "天河 门店扫描枪扫不到码 请到现场看看"
Scene = Callable[[Scenario], Awaitable[str]]


async def told(desk: Scenario, number: str, language: str, *, inside: bool = True) -> list[str]:
    def lines(tx: Tx) -> list[str]:
        ticket = tx.first(Ticket, number=number)
        assert ticket is not None
        hand = InHand(tx, desk.desk, ticket, now=desk.moment)
        return story.lines(hand, language, zone="Asia/Shanghai", inside=inside)

    return await desk.desk.store.read(lines)


def about(lines: list[str], milestone: str, language: str) -> str:
    """What is told of one clock, without its heading."""
    heading = say("why.clock", {"milestone": milestone}, language=language)
    rest = lines[lines.index(heading) + 1 :]
    return "\n".join(rest[: rest.index("")] if "" in rest else rest)


# -- scenes, each with the clock that it is about


async def on_the_way(desk: Scenario) -> str:
    """A scanner in zone B, known to the engineer since ten."""
    await desk.hears("xu.lan", SCANNER)
    await desk.time_passes(minutes=1)
    return (await desk.latest()).number


async def a_pause_over_a_holiday(desk: Scenario) -> str:
    desk.moment = EVE
    number, engineer = await accepted(desk)
    await desk.does("wen.ting", "set_priority", number, "P3")
    await desk.does(engineer, "arrive", number)
    await desk.time_passes(hours=3)
    await desk.does(engineer, "wait", number, "parts", "主板，10-09 10:00 到货")
    await desk.time_passes(days=9, hours=1)
    return number


async def a_higher_priority(desk: Scenario) -> str:
    number = await on_the_way(desk)
    await desk.time_passes(minutes=30)
    await desk.does("wen.ting", "set_priority", number, "P1")
    return number


async def another_site(desk: Scenario) -> str:
    number = await on_the_way(desk)
    await desk.time_passes(minutes=30)
    await desk.does("wen.ting", "set_site", number, "SZ-FT")
    return number


async def a_priority_that_comes_too_late(desk: Scenario) -> str:
    number = await on_the_way(desk)
    await desk.time_passes(minutes=100)
    await desk.does("wen.ting", "set_priority", number, "P1")
    return number


async def a_reopening(desk: Scenario) -> str:
    number, _ = await resolved(desk)
    await desk.does("tang.wei", "confirm", number)
    await desk.time_passes(days=1)
    await desk.does("tang.wei", "reopen", number, text="又黑屏了")
    await desk.time_passes(minutes=20)
    return number


async def an_appointment(desk: Scenario) -> str:
    number, engineer = await accepted(desk)
    await desk.does(engineer, "set_appointment", number, "16:00")
    await desk.time_passes(hours=4)
    await desk.does(engineer, "arrive", number)
    return number


async def a_late_entry(desk: Scenario) -> str:
    number, engineer = await accepted(desk)
    await desk.time_passes(hours=5)
    await desk.does(engineer, "arrive", number, "11:30")
    return number


async def a_claim_that_waits(desk: Scenario) -> str:
    desk.desk.rules = replace(desk.desk.rules, claims_need_approval=True)
    return await a_late_entry(desk)


async def a_claim_that_was_accepted(desk: Scenario) -> str:
    number = await a_claim_that_waits(desk)
    await desk.does("zhao.hong", "accept_claim", number)
    return number


async def a_correction(desk: Scenario) -> str:
    number, engineer = await accepted(desk)
    await desk.time_passes(hours=4)
    await desk.does(engineer, "arrive", number)
    await desk.does("zhao.hong", "correct_verdict", number, "onsite_arrival", "门口保安没放行")
    return number


async def a_typhoon(desk: Scenario) -> str:
    """The whole desk is closed from eleven to three."""
    number, _ = await accepted(desk)
    await desk.time_passes(minutes=59)
    until = desk.moment + timedelta(hours=4)
    await desk.desk.store.write(lambda tx: levels.close_now(tx, until, desk.moment, reason="台风"))
    await desk.time_passes(hours=1)
    return number


SCENES: list[tuple[Scene, str, str, str]] = [
    (
        a_pause_over_a_holiday,
        "resolution",
        """
规则：P3 处理时间（P3 普通），服务等级第 1 版
目标：3 个工作日，按工作日计，起算当天不算
9月30日 周三 10:00 – 13:01 计时 3 小时 1 分钟（自“报修”起）
9月30日 周三 13:01 – 10月9日 周五 10:00 暂停（等备件），其间 14 小时 59 分钟工作时间不计
10月1日 周四 – 10月7日 周三：放假，国庆节（官方公布）
10月9日 周五 10:00 – 14:01 计时 4 小时 1 分钟（自“继续”起）
10月10日 周六：调休补班，国庆节（官方公布）
10月11日 周日：休息日
9月30日 周三 10:01 “改优先级”使期限由 9月30日 周三 14:00 顺延到 10月10日 周六 18:00；适用规则改为“P3 处理时间”（原为“P1 处理时间”）
10月9日 周五 10:00 “继续”使期限由 10月10日 周六 18:00 顺延到 10月13日 周二 14:59
→ 10月13日 周二 14:59 到期，还有 27 小时 58 分钟
""",
        """
Rule: solution of a P3 (P3 normal), policy version 1
Target: 3 working days, counted in working days; the day it began is day 0
Wed 30 Sep, 10:00 – 13:01: ran for 3 hours 1 minute, from “Report” on
Wed 30 Sep, 13:01 – Fri 9 Oct, 10:00: rested, waiting for parts; 14 hours 59 minutes of working time not counted
Thu 1 Oct – Wed 7 Oct: day off, National Day (official)
Fri 9 Oct, 10:00 – 14:01: ran for 4 hours 1 minute, from “Resume” on
Sat 10 Oct: make-up working day, National Day (official)
Sun 11 Oct: no working day
Wed 30 Sep, 10:01: “Change priority” put the deadline off from Wed 30 Sep, 14:00 to Sat 10 Oct, 18:00; the rule “solution of a P3” took the place of “solution of a P1”
Fri 9 Oct, 10:00: “Resume” put the deadline off from Sat 10 Oct, 18:00 to Tue 13 Oct, 14:59
→ Due Tue 13 Oct, 14:59, 27 hours 58 minutes left
""",
    ),
    (
        a_higher_priority,
        "onsite_arrival",
        """
规则：B 区紧急（B 区、P1 紧急），服务等级第 1 版
目标：1 小时 30 分钟，按现场服务时间计
11月23日 周一 10:00 – 10:31 计时 30 分钟（自“已送达”起）
11月23日 周一 10:31 “改优先级”使期限由 11月23日 周一 12:00 提前到 11月23日 周一 11:30；适用规则改为“B 区紧急”（原为“B 区”）
→ 11月23日 周一 11:30 到期，还有 59 分钟
""",
        """
Rule: zone B, urgent (zone B, P1 urgent), policy version 1
Target: 1 hour 30 minutes, counted in the field's hours
Mon 23 Nov, 10:00 – 10:31: ran for 30 minutes, from “Delivered” on
Mon 23 Nov, 10:31: “Change priority” brought the deadline forward from Mon 23 Nov, 12:00 to Mon 23 Nov, 11:30; the rule “zone B, urgent” took the place of “zone B”
→ Due Mon 23 Nov, 11:30, 59 minutes left
""",
    ),
    (
        another_site,
        "onsite_arrival",
        """
规则：C 区及其他，服务等级第 1 版
目标：4 小时，按现场服务时间计
11月23日 周一 10:00 – 10:31 计时 30 分钟（自“已送达”起）
11月23日 周一 10:31 “改地点”使期限由 11月23日 周一 12:00 顺延到 11月23日 周一 14:00；适用规则改为“C 区及其他”（原为“B 区”）
→ 11月23日 周一 14:00 到期，还有 3 小时 29 分钟
""",
        """
Rule: zone C and wherever else, policy version 1
Target: 4 hours, counted in the field's hours
Mon 23 Nov, 10:00 – 10:31: ran for 30 minutes, from “Delivered” on
Mon 23 Nov, 10:31: “Change site” put the deadline off from Mon 23 Nov, 12:00 to Mon 23 Nov, 14:00; the rule “zone C and wherever else” took the place of “zone B”
→ Due Mon 23 Nov, 14:00, 3 hours 29 minutes left
""",
    ),
    (
        a_priority_that_comes_too_late,
        "onsite_arrival",
        """
规则：B 区紧急（B 区、P1 紧急），服务等级第 1 版
目标：1 小时 30 分钟，按现场服务时间计
11月23日 周一 10:00 – 11:41 计时 1 小时 40 分钟（自“已送达”起）
11月23日 周一 11:41 “改优先级”使期限由 11月23日 周一 12:00 提前到 11月23日 周一 11:30；适用规则改为“B 区紧急”（原为“B 区”）
→ 应在 11月23日 周一 11:30 前完成，已晚 10 分钟（换上这个目标时就已经晚了）
判定：超时，到 11月23日 周一 11:30 期限时尚未完成
""",
        """
Rule: zone B, urgent (zone B, P1 urgent), policy version 1
Target: 1 hour 30 minutes, counted in the field's hours
Mon 23 Nov, 10:00 – 11:41: ran for 1 hour 40 minutes, from “Delivered” on
Mon 23 Nov, 11:41: “Change priority” brought the deadline forward from Mon 23 Nov, 12:00 to Mon 23 Nov, 11:30; the rule “zone B, urgent” took the place of “zone B”
→ Was due Mon 23 Nov, 11:30; now 10 minutes late (it was late when this target came)
Verdict: broken, since nothing had come by Mon 23 Nov, 11:30
""",
    ),
    (
        a_reopening,
        "resolution",
        """
规则：P1 处理时间（P1 紧急），服务等级第 1 版
目标：4 小时，按全天候计
11月23日 周一 10:00 – 10:01 计时 1 分钟（自“报修”起）
11月23日 周一 10:01 – 11月24日 周二 10:01 停表（自“完成”起），不计
11月24日 周二 10:01 – 10:21 计时 20 分钟（自“重新打开”起）
11月24日 周二 10:01 “重新打开”使期限由 11月23日 周一 14:00 顺延到 11月24日 周二 14:00
→ 11月24日 周二 14:00 到期，还有 3 小时 39 分钟
判定 11月23日 周一 10:01：按时，最终
""",
        """
Rule: solution of a P1 (P1 urgent), policy version 1
Target: 4 hours, counted around the clock
Mon 23 Nov, 10:00 – 10:01: ran for 1 minute, from “Report” on
Mon 23 Nov, 10:01 – Tue 24 Nov, 10:01: stood still after “Done”, not counted
Tue 24 Nov, 10:01 – 10:21: ran for 20 minutes, from “Reopen” on
Tue 24 Nov, 10:01: “Reopen” put the deadline off from Mon 23 Nov, 14:00 to Tue 24 Nov, 14:00
→ Due Tue 24 Nov, 14:00, 3 hours 39 minutes left
Verdict, Mon 23 Nov, 10:01: kept, final
""",
    ),
    (
        an_appointment,
        "onsite_arrival",
        """
规则：C 区紧急（C 区、P1 紧急），服务等级第 1 版
目标：与用户约定的 11月23日 周一 16:00，代替服务等级的时限
11月23日 周一 10:00 – 14:01 计时 4 小时 1 分钟（自“已送达”起）
11月23日 周一 10:01 “约时间”使期限由 11月23日 周一 13:00 顺延到 11月23日 周一 16:00
→ 11月23日 周一 14:01 按时完成，还余 1 小时 59 分钟
判定 11月23日 周一 14:01：按时，最终
""",
        """
Rule: zone C, urgent (zone C, P1 urgent), policy version 1
Target: the time agreed with the user, Mon 23 Nov, 16:00, in place of the policy's
Mon 23 Nov, 10:00 – 14:01: ran for 4 hours 1 minute, from “Delivered” on
Mon 23 Nov, 10:01: “Set a time” put the deadline off from Mon 23 Nov, 13:00 to Mon 23 Nov, 16:00
→ Mon 23 Nov, 14:01: kept, with 1 hour 59 minutes to spare
Verdict, Mon 23 Nov, 14:01: kept, final
""",
    ),
    (
        a_late_entry,
        "onsite_arrival",
        """
规则：C 区紧急（C 区、P1 紧急），服务等级第 1 版
目标：3 小时，按现场服务时间计
11月23日 周一 10:00 – 11:30 计时 1 小时 30 分钟（自“已送达”起）
停表的这一步晚了 3 小时 31 分钟才登记
→ 11月23日 周一 11:30 按时完成，还余 1 小时 30 分钟
判定：超时，到 11月23日 周一 13:00 期限时尚未完成
判定 11月23日 周一 15:01：按时，最终
""",
        """
Rule: zone C, urgent (zone C, P1 urgent), policy version 1
Target: 3 hours, counted in the field's hours
Mon 23 Nov, 10:00 – 11:30: ran for 1 hour 30 minutes, from “Delivered” on
The step that stopped it was entered 3 hours 31 minutes after the event
→ Mon 23 Nov, 11:30: kept, with 1 hour 30 minutes to spare
Verdict: broken, since nothing had come by Mon 23 Nov, 13:00
Verdict, Mon 23 Nov, 15:01: kept, final
""",
    ),
    (
        a_claim_that_waits,
        "onsite_arrival",
        """
规则：C 区紧急（C 区、P1 紧急），服务等级第 1 版
目标：3 小时，按现场服务时间计
11月23日 周一 10:00 – 15:01 计时 5 小时 1 分钟（自“已送达”起）
→ 11月23日 周一 15:01 超时完成，晚了 2 小时 1 分钟
判定：超时，到 11月23日 周一 13:00 期限时尚未完成
判定 11月23日 周一 15:01：超时，最终
""",
        """
Rule: zone C, urgent (zone C, P1 urgent), policy version 1
Target: 3 hours, counted in the field's hours
Mon 23 Nov, 10:00 – 15:01: ran for 5 hours 1 minute, from “Delivered” on
→ Mon 23 Nov, 15:01: broken, 2 hours 1 minute late
Verdict: broken, since nothing had come by Mon 23 Nov, 13:00
Verdict, Mon 23 Nov, 15:01: broken, final
""",
    ),
    (
        a_claim_that_was_accepted,
        "onsite_arrival",
        """
规则：C 区紧急（C 区、P1 紧急），服务等级第 1 版
目标：3 小时，按现场服务时间计
11月23日 周一 10:00 – 11:30 计时 1 小时 30 分钟（自“已送达”起）
停表的这一步晚了 3 小时 31 分钟才登记
→ 11月23日 周一 11:30 按时完成，还余 1 小时 30 分钟
判定：超时，到 11月23日 周一 13:00 期限时尚未完成
判定 11月23日 周一 15:01：超时，最终
判定 11月23日 周一 15:01：按时，赵红认可了补报；原判定保留备查
""",
        """
Rule: zone C, urgent (zone C, P1 urgent), policy version 1
Target: 3 hours, counted in the field's hours
Mon 23 Nov, 10:00 – 11:30: ran for 1 hour 30 minutes, from “Delivered” on
The step that stopped it was entered 3 hours 31 minutes after the event
→ Mon 23 Nov, 11:30: kept, with 1 hour 30 minutes to spare
Verdict: broken, since nothing had come by Mon 23 Nov, 13:00
Verdict, Mon 23 Nov, 15:01: broken, final
Verdict, Mon 23 Nov, 15:01: kept, since Zhao Hong accepted the late entry; the earlier verdict stays on record
""",
    ),
    (
        a_correction,
        "onsite_arrival",
        """
规则：C 区紧急（C 区、P1 紧急），服务等级第 1 版
目标：3 小时，按现场服务时间计
11月23日 周一 10:00 – 14:01 计时 4 小时 1 分钟（自“已送达”起）
→ 11月23日 周一 14:01 超时完成，晚了 1 小时 1 分钟
判定：超时，到 11月23日 周一 13:00 期限时尚未完成
判定 11月23日 周一 14:01：超时，最终
判定 11月23日 周一 14:01：按时，由赵红更正：“门口保安没放行”；原判定保留备查
""",
        """
Rule: zone C, urgent (zone C, P1 urgent), policy version 1
Target: 3 hours, counted in the field's hours
Mon 23 Nov, 10:00 – 14:01: ran for 4 hours 1 minute, from “Delivered” on
→ Mon 23 Nov, 14:01: broken, 1 hour 1 minute late
Verdict: broken, since nothing had come by Mon 23 Nov, 13:00
Verdict, Mon 23 Nov, 14:01: broken, final
Verdict, Mon 23 Nov, 14:01: kept, corrected by Zhao Hong: “门口保安没放行”; the earlier verdict stays on record
""",
    ),
    (
        a_typhoon,
        "onsite_arrival",
        """
规则：C 区紧急（C 区、P1 紧急），服务等级第 1 版
目标：3 小时，按现场服务时间计
11月23日 周一 10:00 – 12:00 计时 1 小时（自“已送达”起）
11月23日 周一 11:00 至 11月23日 周一 15:00 临时停业（台风），不计
11月23日 周一 11:00 “日历变更”使期限由 11月23日 周一 13:00 顺延到 11月23日 周一 17:00
→ 11月23日 周一 17:00 到期，还有 2 小时
""",
        """
Rule: zone C, urgent (zone C, P1 urgent), policy version 1
Target: 3 hours, counted in the field's hours
Mon 23 Nov, 10:00 – 12:00: ran for 1 hour, from “Delivered” on
Mon 23 Nov, 11:00 to Mon 23 Nov, 15:00: emergency closure, 台风, not counted
Mon 23 Nov, 11:00: “Calendar change” put the deadline off from Mon 23 Nov, 13:00 to Mon 23 Nov, 17:00
→ Due Mon 23 Nov, 17:00, 2 hours left
""",
    ),
]


@pytest.mark.parametrize(
    ("scene", "milestone", "chinese", "english"),
    SCENES,
    ids=[scene[0].__name__ for scene in SCENES],
)
async def test_a_deadline_explains_itself(
    desk: Scenario, scene: Scene, milestone: str, chinese: str, english: str
) -> None:
    number = await scene(desk)
    for language, expected in (("zh_CN", chinese), ("en", english)):
        assert about(await told(desk, number, language), milestone, language) == expected.strip()


# -- the journal


async def test_a_late_entry_keeps_both_times_in_the_journal(desk: Scenario) -> None:
    lines = await told(desk, await a_late_entry(desk), "zh_CN")
    arrived = next(n for n, line in enumerate(lines) if "到达（" in line)
    assert lines[arrived].startswith("11月23日 周一 11:30 到达")
    assert "11月23日 周一 15:01 补报，比发生晚 3 小时 31 分钟；按发生时间计" in lines[arrived + 1]


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (a_claim_that_waits, "until a supervisor accepts it, the time of entry counts"),
        (a_claim_that_was_accepted, "a supervisor accepted it, so its own time counts"),
    ],
)
async def test_a_claim_says_which_of_its_times_counts(
    desk: Scenario, scene: Scene, words: str
) -> None:
    lines = await told(desk, await scene(desk), "en")
    assert [line for line in lines if words in line]


async def test_a_pause_says_its_reason_its_planned_end_and_its_evidence(desk: Scenario) -> None:
    lines = await told(desk, await a_pause_over_a_holiday(desk), "zh_CN")
    (pause,) = [line for line in lines if "挂起" in line]
    assert "等备件；计划 10月9日 周五 10:00 恢复；凭证：主板，10-09 10:00 到货" in pause


async def test_who_was_asked_stands_where_it_happened(desk: Scenario) -> None:
    number, _ = await accepted(desk)
    lines = await told(desk, number, "en")
    asked = next(n for n, line in enumerate(lines) if ": asked" in line)
    assert "dispatched" in "".join(lines[:asked])
    assert "accepted (" in "".join(lines[asked + 1 :])


async def test_who_was_not_asked_is_told_by_objection(desk: Scenario) -> None:
    lines = await told(desk, await dispatched(desk), "zh_CN")
    (passed_over,) = [line for line in lines if line.startswith("没有问")]
    assert passed_over.count("不负责这里") == 1


async def test_people_are_named_as_the_reader_writes_them(desk: Scenario) -> None:
    lines = await told(desk, await a_correction(desk), "en")
    assert "corrected by Zhao Hong" in "\n".join(lines)


async def test_a_requester_reads_neither_notes_nor_scores(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.does(engineer, "note", number, text="用户态度不好")
    desk_reads = "\n".join(await told(desk, number, "zh_CN"))
    user_reads = "\n".join(await told(desk, number, "zh_CN", inside=False))
    for words in ("用户态度不好", "越低越先", "没有问"):
        assert words in desk_reads
        assert words not in user_reads


async def test_why_is_answered_in_the_chat_to_whoever_takes_part(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.does(engineer, "note", number, text="用户态度不好")
    for who, inside in (("tang.wei", False), ("zhao.hong", True)):
        await desk.asks(who, "why", number)
        lines = str(desk.last(who, "story").params["lines"])
        assert ("用户态度不好" in lines) is inside
    assert Role.REQUESTER in (await desk.person("tang.wei")).roles


async def test_a_complaint_is_told_with_its_owner_and_what_became_of_it(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    await desk.does("tang.wei", "complain", number, text="迟到")
    await desk.does("jiang.xue", "answer_complaint", number, text="抱歉")
    await desk.does("jiang.xue", "close_complaint", number, text="堵车")
    lines = await told(desk, number, "zh_CN")
    assert "📣 投诉（一般）：唐薇提出，涉及周敏，由江雪负责，已结案。“堵车”" in lines
    assert [line for line in lines if "答复投诉：“抱歉”（江雪）" in line]
