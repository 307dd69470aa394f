"""The main job, from one message to five stars, as the whole desk plays it in memory."""

import pytest

from core import calls
from core.messages import Inbound
from core.people import Person
from core.ports import Tx
from core.register import amend
from core.requests import Outcome
from core.ticket import Draft, StoredFile, Survey, Ticket
from core.words import say
from tests.scenario import PHOTO, Scenario

PAPER = "打印机卡纸 三楼财务 天河"
DEAD_TILL = "珠海香洲店 收款机开不了机 黑屏 客人排队 急"


async def dispatched(desk: Scenario, text: str = DEAD_TILL) -> str:
    """A ticket that an engineer is being asked to take; who, is whoever the rules chose."""
    await desk.hears("tang.wei", text)
    await desk.time_passes(minutes=1)
    return (await desk.latest()).number


async def asked(desk: Scenario, number: str) -> str:
    """Code of the person whose telephone rings now."""
    from core.ticket import Offer

    ticket = await desk.ticket(number)
    offer = await desk.desk.store.read(
        lambda tx: tx.first(Offer, order="-id", ticket_id=ticket.id, state="open")
    )
    assert offer is not None, await desk.journal(number)
    person = await desk.desk.store.read(lambda tx: tx.get(Person, offer.person_id))
    assert person is not None
    assert person.code is not None
    return person.code


async def accepted(desk: Scenario) -> tuple[str, str]:
    number = await dispatched(desk)
    engineer = await asked(desk, number)
    await desk.does(engineer, "accept", number)
    return number, engineer


async def resolved(desk: Scenario) -> tuple[str, str]:
    number, engineer = await accepted(desk)
    for action in ("depart", "arrive"):
        await desk.does(engineer, action, number)
    await desk.does(engineer, "resolve", number, "replaced")
    return number, engineer


async def test_one_message_is_a_report(desk: Scenario) -> None:
    await desk.hears("xu.lan", PAPER)
    ticket = await desk.latest()
    assert (ticket.status, ticket.site, ticket.category) == ("new", "GZ-TH", "printer")
    assert desk.heard("xu.lan") == ["ticket_opened"]


async def test_what_the_desk_does_with_an_urgent_report_is_not_its_requesters_doing(
    desk: Scenario,
) -> None:
    number = await dispatched(desk)
    requester = await desk.person("tang.wei")
    steps = await desk.journal(number)
    told = [(step.action, step.actor_id, step.actor_role) for step in steps[:3]]
    assert told == [
        ("report", requester.id, "requester"),
        ("triage", None, "system"),
        ("dispatch", None, "system"),
    ]


async def test_until_it_is_dispatched_the_requester_cancels(desk: Scenario) -> None:
    await desk.hears("xu.lan", PAPER)
    await desk.hears("xu.lan", "取消")
    assert (await desk.latest()).status == "cancelled"


async def test_whoever_was_sent_is_called_back_by_the_desk_alone(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.hears("tang.wei", "取消")
    assert (await desk.ticket(number)).status == "accepted"
    assert desk.heard("tang.wei")[-1] == "cancel_passed_on"
    assert desk.heard(engineer)[-1] == "cancel_asked"
    assert [choice.action for choice in desk.last("wen.ting", "desk_cancel_asked").choices] == [
        "cancel"
    ]
    await desk.does("wen.ting", "cancel", number)
    assert (await desk.ticket(number)).status == "cancelled"
    assert desk.heard("tang.wei")[-1] == "ticket_cancelled"
    assert desk.heard(engineer)[-1] == "job_cancelled"


async def test_a_wish_to_cancel_that_is_repeated_rings_nobody_again(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    for _ in range(3):
        await desk.does("tang.wei", "cancel", number)
    assert desk.heard(engineer).count("cancel_asked") == 1
    assert desk.heard("tang.wei").count("cancel_passed_on") == 3


async def test_a_picture_without_words_is_a_report(desk: Scenario) -> None:
    await desk.hears("xu.lan", "", files=(PHOTO,))
    assert [ticket.symptom for ticket in await desk.tickets()] == ["[photo]"]


async def test_a_greeting_is_no_fault(desk: Scenario) -> None:
    await desk.hears("xu.lan", "你好")
    assert await desk.tickets() == []
    assert desk.heard("xu.lan") == ["home"]


async def test_more_words_within_the_settling_time_join_the_ticket(desk: Scenario) -> None:
    await desk.hears("xu.lan", PAPER)
    await desk.time_passes(seconds=20)
    await desk.hears("xu.lan", "", files=(PHOTO,))
    assert len(await desk.tickets()) == 1


@pytest.mark.parametrize(
    "more",
    [
        "补充一下：指示灯不亮，插座换过一个还是不行，旁边那台是好的",
        "指示灯不亮，旁边那台是好的",
        "机器的指示灯也不亮",
        "补充：打印机也卡纸了",
    ],
)
async def test_more_words_on_the_same_matter_join_a_settled_ticket(
    desk: Scenario, more: str
) -> None:
    await dispatched(desk)
    await desk.hears("tang.wei", more)
    assert len(await desk.tickets()) == 1


async def test_more_words_join_what_is_at_work_below_a_list_of_what_is_done(
    desk: Scenario,
) -> None:
    for _ in range(9):
        await desk.hears("xu.lan", PAPER, detail={"new": "yes"})
    first, *done = await desk.tickets()
    ids = {"id": tuple(ticket.id for ticket in done)}
    await desk.desk.store.write(lambda tx: tx.update_where(Ticket, ids, status="resolved"))
    joined = await desk.hears("xu.lan", "指示灯也不亮")
    assert joined.ticket is not None
    assert joined.ticket.number == first.number


@pytest.mark.parametrize("other", ["打印机卡纸", "上不了网", "忘记邮箱密码", "那台电脑键盘坏了"])
async def test_another_thing_within_the_joining_time_is_another_ticket(
    desk: Scenario, other: str
) -> None:
    await dispatched(desk)
    await desk.hears("tang.wei", other)
    assert len(await desk.tickets()) == 2


async def test_an_edited_message_changes_the_report_and_opens_no_second(desk: Scenario) -> None:
    await desk.hears("xu.lan", "打印机卡", message_id="m77")
    await desk.hears("xu.lan", "打印机卡纸", message_id="m77", edited_of="m77")
    assert [ticket.symptom for ticket in await desk.tickets()] == ["打印机卡纸"]


async def test_a_till_that_stops_rings_an_engineer_at_once(desk: Scenario) -> None:
    await desk.hears("tang.wei", DEAD_TILL)
    ticket = await desk.latest()
    assert (ticket.status, ticket.priority) == ("dispatched", "P1")
    engineer = await asked(desk, ticket.number)
    assert desk.heard(engineer) == ["job_offered"]


async def test_an_offer_goes_out_on_two_channels(desk: Scenario) -> None:
    engineer = await asked(desk, await dispatched(desk))
    carried = {
        name
        for name, channel in desk.channels.items()
        if any(x.kind == "job_offered" for x in channel.delivered)
    }
    assert carried == {"telegram", "mail"}
    assert desk.last(engineer, "job_offered").choices[0].action == "accept"


async def test_a_typed_word_that_does_not_fit_is_refused_with_how_the_ticket_stands(
    desk: Scenario,
) -> None:
    number, engineer = await accepted(desk)
    await desk.hears(engineer, f"完成 {number} 换了电源")
    told = desk.last(engineer, "refused")
    assert "已接单" in say(told.kind, told.params)
    assert "(accepted)" in say(told.kind, told.params, language="en")


@pytest.mark.parametrize("action", ["resolve", "report_unresolved", "set_appointment"])
async def test_nobody_is_asked_for_more_about_what_would_be_refused(
    desk: Scenario, action: str
) -> None:
    number, engineer = await resolved(desk)
    before = desk.heard(engineer)
    outcome = await desk.does(engineer, action, number)
    assert (outcome.refused, outcome.kind) == (True, "refused_illegal_move")
    assert desk.heard(engineer) == before
    assert await desk.desk.store.read(lambda tx: tx.find(Draft)) == []


async def test_silence_is_never_acceptance(desk: Scenario) -> None:
    number = await dispatched(desk)
    first = await asked(desk, number)
    await desk.time_passes(minutes=7)
    assert await asked(desk, number) != first
    assert desk.heard(first) == ["job_offered", "offer_reminder", "offer_expired"]


async def test_the_supervisor_hears_of_a_job_that_nobody_accepts(desk: Scenario) -> None:
    await dispatched(desk)
    before = desk.heard("zhao.hong").count("nobody_accepts")
    await desk.time_passes(minutes=11)
    assert (before, desk.heard("zhao.hong").count("nobody_accepts")) == (0, 1)


async def test_a_decliner_gives_a_reason_and_the_next_is_asked(desk: Scenario) -> None:
    number = await dispatched(desk)
    first = await asked(desk, number)
    await desk.does(first, "decline", number)
    assert await asked(desk, number) == first  # the reason is still open
    await desk.does(first, "decline", number, "schedule")
    assert await asked(desk, number) != first


async def test_the_user_is_told_who_comes(desk: Scenario) -> None:
    await accepted(desk)
    assert desk.heard("tang.wei") == ["ticket_opened", "engineer_assigned"]


async def test_the_second_to_accept_is_told_who_has_it(desk: Scenario) -> None:
    number = await dispatched(desk)
    first = await asked(desk, number)
    await desk.time_passes(minutes=7)
    second = await asked(desk, number)
    await desk.does(second, "accept", number)
    outcome = await desk.does(first, "accept", number)
    assert (outcome.kind, outcome.refused) == ("refused_taken", True)


async def test_a_second_press_of_the_winner_is_success(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    outcome = await desk.does(engineer, "accept", number)
    assert outcome.kind == "done_accept"
    assert not outcome.refused


async def test_the_winner_who_accepts_once_more_in_words_is_told_that_it_is_theirs(
    desk: Scenario,
) -> None:
    number, engineer = await accepted(desk)
    await desk.hears(engineer, f"接单 {number}")
    assert desk.heard(engineer)[-1] == "job_taken"


async def test_every_step_reaches_the_user(desk: Scenario) -> None:
    await resolved(desk)
    assert desk.heard("tang.wei") == [
        "ticket_opened",
        "engineer_assigned",
        "engineer_en_route",
        "engineer_arrived",
        "resolved_check",
    ]


async def test_yes_closes_the_ticket(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    await desk.hears("tang.wei", "好了")
    ticket = await desk.ticket(number)
    assert (ticket.status, ticket.close_code) == ("closed", "confirmed")


async def test_no_brings_it_back_with_its_history(desk: Scenario) -> None:
    number, engineer = await resolved(desk)
    await desk.does("tang.wei", "not_solved", number)
    ticket = await desk.ticket(number)
    assert (ticket.status, ticket.tier) == ("escalated", 2)
    assert "job_not_solved" in desk.heard(engineer)
    assert "desk_not_solved" in desk.heard("zhao.hong")


async def test_silence_closes_after_two_reminders_and_is_counted_apart(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    await desk.time_passes(days=5)
    ticket = await desk.ticket(number)
    assert (ticket.status, ticket.close_code) == ("closed", "closed_unconfirmed")
    assert desk.heard("tang.wei").count("resolved_reminder") == 2


async def test_the_next_working_day_asks_once_how_it_was(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    await desk.does("tang.wei", "confirm", number)
    await desk.time_passes(days=1)
    survey = desk.last("tang.wei", "survey_asked")
    assert [choice.arg for choice in survey.choices] == ["5", "4", "3", "2", "1"]
    await desk.hears("tang.wei", "5")
    assert desk.heard("tang.wei")[-1] == "survey_thanks"


async def test_opened_again_before_it_was_asked_nobody_waits_for_that_score(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    await desk.does("tang.wei", "confirm", number)
    await desk.does("tang.wei", "reopen", number)
    surveys = await desk.desk.store.read(lambda tx: tx.find(Survey))
    assert [survey.state for survey in surveys] == ["cancelled"]
    await desk.time_passes(days=1)
    assert "survey_asked" not in desk.heard("tang.wei")


async def test_a_low_score_goes_to_quality(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    await desk.does("tang.wei", "confirm", number)
    await desk.time_passes(days=1)
    await desk.does("tang.wei", "rate", number, "2")
    assert "low_score" in desk.heard("jiang.xue")


async def test_what_the_user_writes_reaches_the_engineer_and_back(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.hears("tang.wei", "后门进来")
    assert desk.last(engineer).params["text"] == "后门进来"
    await desk.does(engineer, "relay", number, text="十分钟到")
    assert desk.last("tang.wei").params["text"] == "十分钟到"


async def speaks(desk: Scenario, who: str, language: str) -> None:
    person = await desk.person(who)
    await desk.desk.store.write(lambda tx: amend(tx, person, language=language))


async def test_whoever_answers_reads_the_requesters_name_in_their_own_language(
    desk: Scenario,
) -> None:
    number, engineer = await accepted(desk)
    requester = await desk.person("tang.wei")
    for language in ("en", "zh_CN"):
        await speaks(desk, engineer, language)
        await desk.does(engineer, "relay", number, text="十分钟到")
        assert desk.last(engineer).params["name"] == requester.called(language)
    assert requester.called("en") != requester.name


async def test_the_same_report_is_not_asked_its_site_twice(desk: Scenario) -> None:
    await desk.hears("stranger", "收银机开不了机")
    await desk.hears("stranger", "还是黑屏")
    assert desk.heard("stranger").count("ask_site") == 1


async def test_another_persons_ticket_is_not_to_be_seen(desk: Scenario) -> None:
    number = await dispatched(desk)
    outcome = await desk.hears("xu.lan", f"状态 {number}")
    assert outcome.kind == "refused_no_such_ticket"


async def test_a_message_that_comes_twice_counts_once(desk: Scenario) -> None:
    from core import inbox
    from core.ports import Raw

    keep = inbox.keeper(desk.desk, lambda: None)
    raw = Raw(
        channel="telegram",
        account="1",
        external_id="5",
        order_key="a:b",
        body=b"{}",
        received_at=desk.moment,
    )
    assert [await keep([raw]), await keep([raw, raw])] == [1, 0]


async def test_not_that_one_makes_a_ticket_of_its_own(desk: Scenario) -> None:
    number = await dispatched(desk)
    await desk.hears("tang.wei", "后门进来，找小陈", row=77)
    assert len(await desk.tickets()) == 1
    await desk.does("tang.wei", "detach", number, "77")
    other = await desk.latest()
    assert (other.number != number, other.symptom) == (True, "后门进来，找小陈")


async def test_plain_words_of_an_engineer_with_a_job_ask_for_whom_they_are(
    desk: Scenario,
) -> None:
    number, engineer = await accepted(desk)
    heard = len(desk.heard("tang.wei"))
    await desk.hears(engineer, "路上堵车，大概晚二十分钟")
    assert [(c.action, c.ticket) for c in desk.last(engineer, "whose_words").choices] == [
        ("relay", number),
        ("report", ""),
    ]
    assert len(desk.heard("tang.wei")) == heard
    assert len(await desk.tickets()) == 1


async def test_the_engineers_words_reach_the_requester_once_it_is_said_so(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.hears(engineer, "路上堵车，大概晚二十分钟", files=(PHOTO,))
    choice = desk.last(engineer, "whose_words").choices[0]
    for _ in range(2):
        await desk.does(engineer, "relay", number, choice.arg)
    said = [x.params["text"] for x in desk.letters("tang.wei") if x.kind == "engineer_says"]
    assert said == ["路上堵车，大概晚二十分钟"]
    kept = await desk.desk.store.read(lambda tx: tx.find(StoredFile))
    assert [file.ticket_id for file in kept] == [(await desk.ticket(number)).id]


async def test_the_engineers_words_are_a_report_once_it_is_said_so(desk: Scenario) -> None:
    _, engineer = await accepted(desk)
    await desk.hears(engineer, "珠江新城 我的笔记本蓝屏了")
    await desk.hears(engineer, "2")
    first, mine = await desk.tickets()
    assert (mine.symptom, mine.requester_id) == ("珠江新城 我的笔记本蓝屏了", first.assignee_id)
    assert "ticket_opened" in desk.heard(engineer)


async def test_words_of_somebody_who_is_asked_to_take_a_job_offer_the_answers(
    desk: Scenario,
) -> None:
    number = await dispatched(desk)
    engineer = await asked(desk, number)
    await desk.hears(engineer, "我还在番禺，过去要一个小时")
    offered = [choice.action for choice in desk.last(engineer, "whose_words").choices]
    assert offered == ["accept", "decline", "report"]


async def test_a_language_is_chosen_by_a_button_or_a_digit(desk: Scenario) -> None:
    for text, spoken in (("2", "en"), ("1", "zh_CN")):
        await desk.asks("xu.lan", "lang", "")
        assert [choice.arg for choice in desk.last("xu.lan").choices] == ["zh_CN", "en"]
        await desk.hears("xu.lan", text)
        assert (await desk.person("xu.lan")).language == spoken
        assert desk.last("xu.lan").language == spoken
        await desk.time_passes(minutes=1)


@pytest.mark.parametrize(
    ("word", "spoken"),
    [("en", "en"), ("English", "en"), ("英文", "en"), ("中文", "zh_CN"), ("zh-CN", "zh_CN")],
)
async def test_a_language_can_be_named(desk: Scenario, word: str, spoken: str) -> None:
    await desk.asks("xu.lan", "lang", word)
    assert (await desk.person("xu.lan")).language == spoken


async def test_a_language_that_nobody_speaks_is_asked_back(desk: Scenario) -> None:
    await desk.asks("xu.lan", "lang", "klingon")
    assert desk.heard("xu.lan") == ["choose_language"]


async def test_a_dispatcher_who_names_no_ticket_chooses_one(desk: Scenario) -> None:
    for who, text in (("tang.wei", DEAD_TILL), ("xu.lan", PAPER)):
        await desk.hears(who, text)
    await desk.time_passes(minutes=2)
    await desk.hears("wen.ting", "改派")
    numbers = {ticket.number for ticket in await desk.tickets()}
    offered = desk.last("wen.ting", "which_ticket").choices
    assert {(choice.action, choice.ticket) for choice in offered} == {
        ("reassign", number) for number in numbers
    }


@pytest.mark.parametrize(
    ("who", "kind"),
    [("xu.lan", "help"), ("chen.guodong", "help_staff"), ("wen.ting", "help_desk")],
)
async def test_help_names_what_its_reader_may_do(desk: Scenario, who: str, kind: str) -> None:
    await desk.hears(who, "帮助")
    assert desk.heard(who) == [kind]


async def test_whoever_logs_a_call_is_told_the_number_for_the_caller(desk: Scenario) -> None:
    await rings_up(desk, "13800138000 天河 李先生 电脑蓝屏")
    ticket = await desk.latest()
    assert desk.last("wen.ting", "call_logged").params["number"] == ticket.number
    await rings_up(desk, f"{ticket.number} 又打来催")
    assert [t.number for t in await desk.tickets()] == [ticket.number]
    assert (await desk.journal(ticket.number))[-1].detail["text"] == "又打来催"


async def test_a_call_without_its_matter_is_asked_for_in_words(desk: Scenario) -> None:
    outcome = await rings_up(desk, "13800138000")
    said = desk.last("wen.ting", "refused").params
    assert (outcome.refused, said["reason"]) == (True, "refused_call_form")


async def rings_up(desk: Scenario, words: str) -> Outcome:
    inbound = Inbound(
        channel="telegram",
        external_id=words,
        message_id=words,
        sender="wen.ting",
        text=words,
        occurred_at=desk.moment,
        received_at=desk.moment,
        trust="proven",
    )
    outcome = await calls.log_call(desk.desk, inbound)
    await desk.settle()
    return outcome


async def test_a_greeting_is_answered_by_name_as_its_reader_writes_it(desk: Scenario) -> None:
    for language, name in (("zh_CN", "贺静"), ("en", "He Jing")):
        person = await desk.person("he.jing")

        def speak(tx: Tx, person: Person = person, language: str = language) -> None:
            tx.update(person, language=language)

        await desk.desk.store.write(speak)
        await desk.hears("he.jing", "你好")
        assert desk.last("he.jing", "home").params["name"] == name


async def test_staff_hear_of_everything_in_the_language_they_chose(desk: Scenario) -> None:
    await desk.asks("wen.ting", "lang", "en")
    await desk.hears("tang.wei", "三楼打印机卡纸")
    await desk.time_passes(minutes=31)
    told = [letter.language for letter in desk.letters("wen.ting")]
    assert len(told) > 1
    assert set(told) == {"en"}
