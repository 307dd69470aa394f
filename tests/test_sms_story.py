"""The main job by SMS alone, in Chinese: from one text to five stars, without a chat or a mail."""

import re

import pytest

from channels.sms.segments import segments
from core.people import Site
from core.register import CHANGES
from core.ticket import Survey
from tests.scenario import a_desk
from tests.sms_servers.phones import Phones
from tests.test_story import DEAD_TILL, asked


@pytest.fixture
async def phones(tmp_path):
    async with a_desk(tmp_path) as scenario:
        yield Phones(scenario)


USER = "+8613700000001"


async def status(phones, number):
    return (await phones.scenario.ticket(number)).status


async def reported(phones, text=DEAD_TILL):
    await phones.says(USER, text)
    await phones.scenario.time_passes(minutes=1)
    return (await phones.scenario.latest()).number


async def ringing(phones, number):
    return await phones.number_of(await asked(phones.scenario, number))


async def digit_for(phones, who, word):
    """The digit that the last text offers for this."""
    found = re.search(rf"回(\d+){word}", phones.last(who))
    assert found, phones.last(who)
    return found[1]


async def press(phones, who, word):
    await phones.says(who, await digit_for(phones, who, word))


async def accepted(phones):
    number = await reported(phones)
    engineer = await ringing(phones, number)
    await press(phones, engineer, "接单")
    return number, engineer


async def arrived(phones):
    number, engineer = await accepted(phones)
    await press(phones, engineer, "出发")
    await press(phones, engineer, "到达")
    return number, engineer


async def resolved(phones):
    number, engineer = await arrived(phones)
    await press(phones, engineer, "")
    await press(phones, engineer, "")
    return number, engineer


async def test_one_text_is_a_report_and_one_text_acknowledges_it(phones):
    await phones.says(USER, "打印机卡纸")
    ticket = await phones.scenario.latest()
    assert [ticket.number in text for text in phones.shows(USER)] == [True]


async def test_the_answer_to_the_question_is_confirmed(phones):
    await phones.says(USER, "打印机卡纸")
    await phones.says(USER, "天河")
    ticket = await phones.scenario.latest()
    assert ticket.site == "GZ-TH"
    assert ticket.number in phones.last(USER)
    assert len(phones.shows(USER)) == 2


async def test_the_offer_rings_with_its_digits(phones):
    number = await reported(phones)
    engineer = await ringing(phones, number)
    text = phones.last(engineer)
    assert number in text
    assert re.search(r"回1接单.*回2拒", text)


async def test_one_digit_takes_the_job_and_the_user_hears_who_comes(phones):
    number, engineer = await accepted(phones)
    name = (await phones.owner(engineer)).name
    assert await status(phones, number) == "accepted"
    assert name in phones.last(USER)


async def test_two_digits_decline_with_a_reason_and_the_next_is_asked(phones):
    number = await reported(phones)
    first = await ringing(phones, number)
    await press(phones, first, "拒")
    await phones.says(first, "2")
    assert await ringing(phones, number) != first


async def test_a_reason_in_ones_own_words_declines_too(phones):
    number = await reported(phones)
    first = await ringing(phones, number)
    await phones.says(first, f"拒单 {number} 车坏在路上了")
    assert await ringing(phones, number) != first


def give_code(tx, site, code):
    tx.update_where(Site, {"code": site}, spoken_code=code)
    tx.next(CHANGES)


async def test_the_code_spoken_on_site_proves_the_arrival(phones):
    number, engineer = await accepted(phones)
    ticket = await phones.scenario.ticket(number)
    await phones.desk.store.write(lambda tx: give_code(tx, ticket.site, "4711"))
    await phones.says(engineer, f"ARR {number} 4711")
    steps = await phones.scenario.journal(number)
    assert [step.detail.get("code") for step in steps if step.action == "arrive"] == ["site"]


async def test_a_wrong_code_is_said_and_moves_nothing(phones):
    number, engineer = await accepted(phones)
    await phones.says(engineer, f"到达 {number} 0000")
    assert await status(phones, number) == "accepted"
    assert "口令不对" in phones.last(engineer)


async def test_missing_parts_are_reported_by_digit(phones):
    number, engineer = await arrived(phones)
    await phones.says(engineer, f"未解决 {number}")
    await press(phones, engineer, "[^，]*(?:备件|配件)")
    await phones.says(engineer, "缺硒鼓，订单8817，明天14:00到货")
    assert await status(phones, number) == "waiting_parts"


async def test_what_was_done_may_be_said_in_words(phones):
    number, engineer = await arrived(phones)
    await phones.says(engineer, f"完成 {number}")
    await phones.says(engineer, "换了电源线，开机正常")
    assert await status(phones, number) == "resolved"


async def test_yes_closes_and_five_stars_end_the_story(phones):
    number, _ = await resolved(phones)
    await phones.says(USER, "1")
    closed = await status(phones, number)
    await phones.scenario.time_passes(days=1)
    await phones.says(USER, "５")
    survey = await phones.desk.store.read(lambda tx: tx.first(Survey))
    assert (closed, survey.score) == ("closed", 5)


async def test_no_brings_it_back(phones):
    number, _ = await resolved(phones)
    await phones.says(USER, "2")
    assert await status(phones, number) == "escalated"


async def test_the_user_asks_cancels_and_gets_help_in_one_word(phones):
    number = await reported(phones, "天河 三楼财务 打印机卡纸")
    await phones.says(USER, number)
    told = phones.last(USER)
    await phones.says(USER, "？")
    helped = phones.last(USER)
    await phones.says(USER, f"取消 {number}")
    passed_on = phones.last(USER)
    await phones.scenario.does("wen.ting", "cancel", number)
    assert number in told
    assert "报修" in helped
    assert "服务台" in passed_on
    assert await status(phones, number) == "cancelled"


async def test_every_text_of_the_story_is_plain_and_short(phones):
    await resolved(phones)
    texts = [one["text"] for one in phones.sent]
    assert [text for text in texts if segments(text).parts > 2 or "{" in text] == []
