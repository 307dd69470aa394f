"""What people are told about their data, and what is forgotten in time (R-120)."""

from datetime import timedelta

import pytest

from core import inbox, privacy
from core.ports import Raw, Tx
from core.rows import InboxRow, OutboxRow
from core.ticket import Message, Step, Ticket
from tests.scenario import Scenario
from tests.test_story import accepted


async def test_privacy_says_what_is_kept_and_how_long(desk: Scenario) -> None:
    await desk.asks("xu.lan", "privacy")
    assert desk.last("xu.lan").kind == "privacy"
    assert desk.last("xu.lan").params["months"] == privacy.RAW_MONTHS


@pytest.mark.parametrize(
    ("word", "wish"), [("erase", "erase"), ("删除", "erase"), ("Copy", "copy"), ("更正", "correct")]
)
async def test_a_wish_reaches_whoever_answers_for_the_data(
    desk: Scenario, word: str, wish: str
) -> None:
    await desk.asks("xu.lan", "privacy", word)
    person = await desk.person("xu.lan")
    assert desk.last("xu.lan").params == {"wish": wish}
    assert desk.last("zhao.hong").params == {"requester": person.name, "wish": wish}


async def test_at_night_raw_messages_of_half_a_year_ago_lose_their_words(desk: Scenario) -> None:
    raw = {"channel": "telegram", "account": "", "order_key": "x", "body": b"{}"}
    keep = inbox.keeper(desk.desk, lambda: None)
    await keep([Raw(external_id="1", received_at=desk.moment, **raw)])  # type: ignore[arg-type]
    await desk.desk.store.write(lambda tx: tx.update_where(InboxRow, {}, state="done"))
    await desk.desk.store.write(lambda tx: privacy.plan(tx, desk.desk, desk.moment))
    await desk.time_passes(days=182)
    assert await bodies(desk) == [b"{}"]
    await desk.time_passes(days=3)
    assert await bodies(desk) == [b""]


async def bodies(desk: Scenario) -> list[bytes]:
    rows = await desk.desk.store.read(lambda tx: tx.find(InboxRow))
    return [row.body for row in rows]


async def test_what_belongs_to_no_ticket_is_forgotten_and_the_tickets_stay(desk: Scenario) -> None:
    await desk.hears("xu.lan", "你好")
    await desk.hears("xu.lan", "打印机卡纸 珠海香洲店")
    until = desk.moment + timedelta(seconds=1)
    await desk.desk.store.write(lambda tx: privacy.forget(tx, None, until))
    kept = await desk.desk.store.read(lambda tx: tx.find(Message))
    assert [message.text for message in kept] == ["打印机卡纸 珠海香洲店"]
    assert len(await desk.tickets()) == 1


async def test_what_is_still_to_be_done_is_not_forgotten(desk: Scenario) -> None:
    raw = {"channel": "telegram", "account": "", "order_key": "x", "body": b"{}"}
    keep = inbox.keeper(desk.desk, lambda: None)
    await keep([Raw(external_id="1", received_at=desk.moment, **raw)])  # type: ignore[arg-type]
    await desk.desk.store.write(
        lambda tx: privacy.forget(tx, None, desk.moment + timedelta(days=1))
    )
    assert await bodies(desk) == [b"{}"]


# -- passwords


SECRET = "Abc123xyz"
TELLS = f"打印机要登录，密码是{SECRET}"


async def everything_kept(desk: Scenario) -> str:
    """All that the desk wrote down and sent, in one text."""

    def read(tx: Tx) -> list[object]:
        return [*tx.find(Ticket), *tx.find(Step), *tx.find(Message), *tx.find(OutboxRow)]

    return repr(await desk.desk.store.read(read))


async def test_a_password_in_a_report_is_masked_and_warned_of(desk: Scenario) -> None:
    await desk.hears("xu.lan", TELLS)
    assert SECRET not in await everything_kept(desk)
    assert "password_seen" in desk.heard("xu.lan")


async def test_a_password_in_further_words_is_masked_and_warned_of(desk: Scenario) -> None:
    await accepted(desk)
    await desk.hears("tang.wei", TELLS)
    assert SECRET not in await everything_kept(desk)
    assert desk.heard("tang.wei").count("password_seen") == 1


async def test_a_password_in_an_edited_message_is_masked_and_warned_of(desk: Scenario) -> None:
    await desk.hears("xu.lan", "打印机要登录", message_id="m77")
    await desk.hears("xu.lan", TELLS, message_id="m77", edited_of="m77")
    assert SECRET not in await everything_kept(desk)
    assert "password_seen" in desk.heard("xu.lan")


async def test_a_password_in_an_answer_is_masked_and_warned_of(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.does(engineer, "arrive", number)
    await desk.does(engineer, "resolve", number)
    await desk.hears(engineer, TELLS)
    assert (await desk.ticket(number)).status == "resolved"
    assert SECRET not in await everything_kept(desk)
    assert desk.heard(engineer).count("password_seen") == 1


async def test_a_password_behind_a_typed_word_is_masked_and_warned_of(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.hears(engineer, f"转告 {number} {TELLS}")
    assert "engineer_says" in desk.heard("tang.wei")
    assert SECRET not in await everything_kept(desk)
    assert desk.heard(engineer).count("password_seen") == 1


async def test_talk_of_a_password_is_passed_on_as_it_is(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.hears(engineer, f"转告 {number} 密码请您自己输入")
    assert desk.last("tang.wei", "engineer_says").params["text"] == "密码请您自己输入"
    assert "password_seen" not in desk.heard(engineer)
