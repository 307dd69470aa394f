"""The trial's Bot API server, seen by a real python-telegram-bot client over both transports."""

from __future__ import annotations

import asyncio
import contextlib
import io
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import (
    Bot,
    BotCommandScopeChat,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyParameters,
    Update,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    filters,
)
from telegram.request import HTTPXRequest

from bot.trial.botapi import BotApi, NotOnScreen, Person
from bot.trial.botapi.wire import InProcess, routes
from tests.trial_world import served, until

TOKEN = "4711:token"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6300010000000500010d0a2db40000000049454e44ae426082"
)


class FakeClock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api(clock: FakeClock) -> BotApi:
    return BotApi(TOKEN, "desk_bot", clock, rates=False)


@pytest.fixture
def wang(api: BotApi) -> Person:
    person = api.person(42, "小王")
    person.opens()
    return person


def in_process(api: BotApi, token: str = TOKEN) -> Bot:
    return Bot(token, request=InProcess(api), get_updates_request=InProcess(api))


@pytest.fixture(params=["http", "in-process"])
async def bot(request: pytest.FixtureRequest, api: BotApi) -> AsyncIterator[Bot]:
    async with contextlib.AsyncExitStack() as stack:
        if request.param == "http":
            url = await stack.enter_async_context(served(routes(api)))
            plain = {"verify": False}  # who is believed need not be read where nobody asks
            made = Bot(
                TOKEN,
                f"{url}/bot",
                f"{url}/file/bot",
                request=HTTPXRequest(read_timeout=20, httpx_kwargs=plain),
                get_updates_request=HTTPXRequest(read_timeout=20, httpx_kwargs=plain),
            )
        else:
            made = in_process(api)
        yield await stack.enter_async_context(made)
        api.close()


@pytest.fixture
async def local(api: BotApi) -> AsyncIterator[Bot]:
    async with in_process(api) as made:
        yield made


def keyboard(*data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton("接单", callback_data=d)] for d in data])


def echo(app: Application) -> Application:
    async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        await update.message.reply_html(f"<b>hello</b> {context.args}", reply_markup=keyboard("1"))

    async def press(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query is not None
        await update.callback_query.answer("好的")
        await update.callback_query.edit_message_text("已接单")

    async def file(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        sent = update.message.document or update.message.photo[-1]
        got = await (await sent.get_file()).download_as_bytearray()
        await update.message.reply_text(f"{len(got)} bytes")

    async def text(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        await update.message.reply_text(f"echo: {update.message.text}")

    app.add_handler(CommandHandler("start", start))
    app.add_handler(CallbackQueryHandler(press))
    app.add_handler(MessageHandler(filters.Document.ALL | filters.PHOTO, file))
    app.add_handler(MessageHandler(filters.TEXT & ~filters.COMMAND, text))
    return app


@pytest.fixture(params=["http", "in-process"])
async def running(request: pytest.FixtureRequest, api: BotApi) -> AsyncIterator[Application]:
    """A real Application that polls."""
    async with contextlib.AsyncExitStack() as stack:
        builder = ApplicationBuilder().token(TOKEN)
        if request.param == "http":
            url = await stack.enter_async_context(served(routes(api)))
            builder = builder.base_url(f"{url}/bot").base_file_url(f"{url}/file/bot")
        else:
            builder = builder.request(InProcess(api)).get_updates_request(InProcess(api))
        app = echo(builder.build())
        await stack.enter_async_context(app)
        await app.start()
        assert app.updater is not None
        await app.updater.start_polling(timeout=20)
        yield app
        await app.updater.stop()
        await app.stop()


# A conversation


async def test_a_bot_that_polls_answers_a_person(running, api, wang):
    wang.starts("v_abc")
    hello = await wang.hears("hello")
    assert hello.text == "hello ['v_abc']"
    assert hello.raw["entities"][0] == {"type": "bold", "offset": 0, "length": 5}


async def test_a_press_is_answered_and_the_card_changes_in_place(running, api, wang):
    wang.starts()
    card = await wang.hears("hello")
    tap = wang.taps("接单")
    assert (await tap.answered()).text == "好的"
    edited = await wang.hears("已接单")
    assert (edited.id, edited.labels) == (card.id, [])


async def test_files_travel_both_ways(running, api, wang):
    wang.document(b"x" * 1000, "a.log")
    await wang.hears("1000 bytes")
    wang.photo(PNG)
    await wang.hears(f"{len(PNG)} bytes")


async def test_what_is_not_shown_cannot_be_tapped(api, wang):
    with pytest.raises(NotOnScreen):
        wang.taps("接单")


# Who may be written to


async def test_a_stranger_is_an_unknown_chat(local):
    with pytest.raises(BadRequest, match="Chat not found"):
        await local.send_message(999, "x")


async def test_a_bot_cannot_write_first(local, api):
    api.person(7, "新人")
    with pytest.raises(Forbidden, match="can't initiate conversation"):
        await local.send_message(7, "x")


async def test_somebody_who_blocked_the_bot_hears_nothing_and_the_bot_is_told(bot, api, wang):
    wang.blocks()
    with pytest.raises(Forbidden, match="blocked by the user"):
        await bot.send_message(42, "x")
    (update,) = await bot.get_updates()
    assert update.my_chat_member.new_chat_member.status == "kicked"


async def test_writing_again_unblocks(local, wang):
    wang.blocks()
    wang.says("回来了")
    await local.send_message(42, "欢迎")
    assert [s.text for s in wang.sees()] == ["回来了", "欢迎"]


async def test_a_group_that_became_a_supergroup_names_its_new_id(local, api, wang):
    group = api.group(-5, "运维", [wang], kind="group")
    new = group.migrates(by=wang)
    with pytest.raises(ChatMigrated) as caught:
        await local.send_message(-5, "x")
    assert caught.value.new_chat_id == new.id
    assert await local.send_message(new.id, "x")


async def test_a_kicked_bot_is_told_so(local, api, wang):
    api.group(-100, "运维", [wang]).removes_bot(by=wang)
    with pytest.raises(Forbidden, match="kicked from the supergroup"):
        await local.send_message(-100, "x")


async def test_privacy_mode_lets_only_meant_messages_through(local, api, wang):
    group = api.group(-100, "运维", [wang])
    asked = await local.send_message(-100, "哪台？")
    wang.says("午饭吃什么", chat=group)
    wang.says("/new@other_bot 打印机", chat=group)
    wang.says("/new@desk_bot 打印机", chat=group)
    wang.says("三楼那台", asked.message_id, chat=group)
    heard = [update.message.text for update in await local.get_updates()]
    assert heard == ["/new@desk_bot 打印机", "三楼那台"]


# Limits


@pytest.mark.parametrize(("text", "fits"), [("字" * 4096, True), ("😀" * 2049, False)])
async def test_a_text_is_counted_in_utf16_units(local, wang, text, fits):
    if fits:
        assert (await local.send_message(42, text)).text == text
    else:
        with pytest.raises(BadRequest, match="Message is too long"):
            await local.send_message(42, text)


async def test_tags_do_not_count_towards_the_length(local, wang):
    assert await local.send_message(42, f"<b>{'x' * 4096}</b>", parse_mode="HTML")


async def test_a_caption_is_shorter(local, wang):
    with pytest.raises(BadRequest, match="caption is too long"):
        await local.send_photo(42, PNG, caption="x" * 1025)


async def test_button_data_is_counted_in_bytes(local, wang):
    await local.send_message(42, "x", reply_markup=keyboard("工" * 21))
    with pytest.raises(BadRequest, match="Button_data_invalid"):
        await local.send_message(42, "x", reply_markup=keyboard("工" * 22))


@pytest.mark.parametrize(("rows", "columns"), [(13, 8), (1, 9)])
async def test_a_keyboard_has_at_most_a_hundred_buttons_eight_in_a_row(local, wang, rows, columns):
    button = InlineKeyboardButton("x", callback_data="x")
    with pytest.raises(BadRequest, match="too long"):
        await local.send_message(
            42, "x", reply_markup=InlineKeyboardMarkup([[button] * columns] * rows)
        )


async def test_a_copied_text_is_at_most_256_characters(local, wang):
    button = InlineKeyboardButton("x", copy_text=CopyTextButton("x" * 257))
    with pytest.raises(BadRequest, match=r"(?i)copy_text"):
        await local.send_message(42, "x", reply_markup=InlineKeyboardMarkup([[button]]))


async def test_a_callback_answer_has_at_most_200_characters(local, wang):
    await local.send_message(42, "x", reply_markup=keyboard("1"))
    tap = wang.taps("接单")
    with pytest.raises(BadRequest, match=r"(?i)message_too_long"):
        await local.answer_callback_query(tap.query, "字" * 201)


async def test_an_empty_text_is_refused(local, wang):
    with pytest.raises(BadRequest, match="text is empty"):
        await local.send_message(42, "<b> </b>", parse_mode="HTML")


async def test_a_file_over_20_megabytes_cannot_be_fetched(local, wang):
    sent = wang.document(b"start", "dump.zip", size=20 * 2**20 + 1)
    with pytest.raises(BadRequest, match="too big"):
        await local.get_file(sent.raw["document"]["file_id"])


async def test_a_file_link_lasts_an_hour(local, clock, wang):
    file = await local.get_file(wang.document(b"abc", "a.txt").raw["document"]["file_id"])
    clock.now += 3601
    with pytest.raises(InvalidToken):
        await file.download_as_bytearray()


async def test_a_download_may_break_off_and_be_tried_again(bot, api, wang):
    file = await bot.get_file(wang.document(b"abc", "a.txt").raw["document"]["file_id"])
    api.fail("download", "drop")
    with pytest.raises(NetworkError):
        await file.download_as_bytearray()
    assert await file.download_as_bytearray() == b"abc"


async def test_what_is_no_picture_is_no_photo(local, wang):
    with pytest.raises(BadRequest, match=r"(?i)image_process_failed"):
        await local.send_photo(42, b"not a picture")


async def test_a_document_cannot_be_resent_as_a_photo(local, wang):
    document = wang.document(b"abc", "a.txt").raw["document"]["file_id"]
    with pytest.raises(BadRequest, match=r"(?i)can't use file of type document"):
        await local.send_photo(42, document)


# Edits, replies, deletions


async def test_an_edit_that_changes_nothing_is_refused(bot, wang):
    sent = await bot.send_message(42, "<b>x</b>", parse_mode="HTML", reply_markup=keyboard("1"))
    with pytest.raises(BadRequest, match="not modified"):
        await bot.edit_message_text(
            "<b>x</b>", 42, sent.message_id, parse_mode="HTML", reply_markup=keyboard("1")
        )
    assert await bot.edit_message_text("x", 42, sent.message_id, reply_markup=keyboard("1"))


async def test_a_deleted_card_cannot_be_edited(local, wang):
    sent = await local.send_message(42, "x")
    await local.delete_message(42, sent.message_id)
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await local.edit_message_text("y", 42, sent.message_id)


async def test_a_photo_has_no_text_to_edit_but_a_caption(local, wang):
    sent = await local.send_photo(42, PNG, caption="前")
    with pytest.raises(BadRequest, match="no text in the message"):
        await local.edit_message_text("后", 42, sent.message_id)
    await local.edit_message_caption(42, sent.message_id, caption="后")
    assert wang.sees()[0].text == "后"


async def test_somebody_elses_message_cannot_be_edited(local, wang):
    with pytest.raises(BadRequest, match="can't be edited"):
        await local.edit_message_text("y", 42, wang.says("x").id)


async def test_a_message_that_brought_a_reply_keyboard_cannot_be_edited(local, wang):
    keys = ReplyKeyboardMarkup([[KeyboardButton("电话", request_contact=True)]])
    sent = await local.send_message(42, "x", reply_markup=keys)
    with pytest.raises(BadRequest, match="can't be edited"):
        await local.edit_message_text("y", 42, sent.message_id)


async def test_a_message_older_than_two_days_stays(local, clock, wang):
    sent = await local.send_message(42, "x")
    clock.now += 48 * 3600 + 1
    with pytest.raises(BadRequest, match="can't be deleted for everyone"):
        await local.delete_message(42, sent.message_id)


async def test_a_reply_needs_its_message_unless_told_otherwise(local, wang):
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        await local.send_message(42, "x", reply_parameters=ReplyParameters(77))
    lenient = ReplyParameters(77, allow_sending_without_reply=True)
    assert (await local.send_message(42, "x", reply_parameters=lenient)).reply_to_message is None


async def test_topics_must_exist(local, api, wang):
    group = api.group(-100, "运维", [wang], forum=True, admin=True)
    topic = await local.create_forum_topic(-100, "100427")
    sent = await local.send_message(-100, "x", message_thread_id=topic.message_thread_id)
    assert sent.is_topic_message
    group.deletes_topic(topic.message_thread_id)
    with pytest.raises(BadRequest, match="thread not found"):
        await local.send_message(-100, "x", message_thread_id=topic.message_thread_id)


# Presses


async def test_a_press_is_answered_once(local, wang):
    await local.send_message(42, "x", reply_markup=keyboard("1"))
    tap = wang.taps("接单")
    await local.answer_callback_query(tap.query, "好")
    with pytest.raises(BadRequest, match="Query is too old"):
        await local.answer_callback_query(tap.query, "好")
    assert [answer.text for answer in wang.answers] == ["好"]


async def test_a_press_lives_150_seconds(local, clock, wang):
    await local.send_message(42, "x", reply_markup=keyboard("1"))
    late, lost = wang.taps("接单"), wang.taps("接单")
    clock.now += 149
    await local.answer_callback_query(late.query)
    clock.now += 1
    with pytest.raises(BadRequest, match="Query is too old"):
        await local.answer_callback_query(lost.query)
    assert await local.get_updates() == ()


async def test_a_forged_press_reaches_the_bot_as_it_is(local, wang):
    sent = await local.send_message(42, "x")
    wang.presses(sent.message_id, "forged")
    (update,) = await local.get_updates()
    assert update.callback_query.data == "forged"


async def test_a_press_under_a_deleted_card_has_an_inaccessible_message(local, wang):
    sent = await local.send_message(42, "x", reply_markup=keyboard("1"))
    await local.delete_message(42, sent.message_id)
    wang.presses(sent.message_id, "1")
    (update,) = await local.get_updates()
    assert not update.callback_query.message.is_accessible


# Rates


async def test_a_chat_takes_a_small_burst_and_then_one_a_second(local, api, clock, wang):
    api.rates.enforced = True
    for _ in range(3):
        await local.send_message(42, "x")
    with pytest.raises(RetryAfter) as caught:
        await local.send_message(42, "x")
    assert caught.value.retry_after == 1
    clock.now += 1
    assert await local.send_message(42, "x")


async def test_a_group_takes_twenty_a_minute(local, api, clock, wang):
    api.rates.enforced = True
    api.group(-100, "运维", [wang])
    for _ in range(20):
        await local.send_message(-100, "x")
        clock.now += 0.001
    with pytest.raises(RetryAfter) as caught:
        await local.send_message(-100, "x")
    assert caught.value.retry_after == 3


async def test_all_chats_together_take_thirty_a_second(local, api):
    api.rates.enforced = True
    for number in range(1, 32):
        api.person(number, "x").opens()
    for number in range(1, 31):
        await local.send_message(number, "x")
    with pytest.raises(RetryAfter):
        await local.send_message(31, "x")


async def test_callback_answers_are_free(local, api, wang):
    await local.send_message(42, "x", reply_markup=keyboard("1"))
    api.rates.enforced = True
    for _ in range(50):
        assert await local.answer_callback_query(wang.taps("接单").query)


# Trouble


async def test_a_planned_429_says_how_long_to_wait(bot, api, wang):
    api.fail("sendMessage", 429, retry_after=7)
    with pytest.raises(RetryAfter) as caught:
        await bot.send_message(42, "x")
    assert caught.value.retry_after == 7
    assert await bot.send_message(42, "x")


@pytest.mark.parametrize(("before", "arrived"), [(True, []), (False, ["x"])])
async def test_a_connection_drops_before_or_after_delivery(bot, api, wang, before, arrived):
    api.fail("sendMessage", "drop", before=before)
    with pytest.raises(NetworkError) as caught:
        await bot.send_message(42, "x")
    assert isinstance(caught.value.__cause__, httpx.HTTPError)
    assert [seen.text for seen in wang.sees()] == arrived


@pytest.mark.parametrize(("before", "arrived"), [(True, []), (False, ["x"])])
async def test_silence_is_a_read_time_out_that_tells_nothing(bot, api, wang, before, arrived):
    api.fail("sendMessage", "timeout", before=before)
    with pytest.raises(TimedOut) as caught:
        await bot.send_message(42, "x", read_timeout=0.4)
    assert isinstance(caught.value.__cause__, httpx.ReadTimeout)
    assert [seen.text for seen in wang.sees()] == arrived


async def test_a_late_answer_is_lost_although_the_message_arrived(bot, api, wang):
    api.slow("sendMessage", 0.2)
    with pytest.raises(TimedOut):
        await bot.send_message(42, "x", read_timeout=0.05)
    assert [seen.text for seen in wang.sees()] == ["x"]


async def test_a_server_error_may_come_after_the_deed(local, api, wang):
    api.fail("sendMessage", 502, before=False, times=2)
    for _ in range(2):
        with pytest.raises(NetworkError, match="Bad Gateway"):
            await local.send_message(42, "x")
    assert len(wang.sees()) == 2


async def test_another_token_opens_nothing(api):
    with pytest.raises(InvalidToken):
        await in_process(api, "4711:guessed").initialize()


# Updates


async def test_unacknowledged_updates_come_again(bot, wang):
    wang.says("一")
    wang.says("二")
    first = await bot.get_updates(limit=1)
    assert [u.message.text for u in await bot.get_updates()] == ["一", "二"]
    assert [u.message.text for u in await bot.get_updates(first[0].update_id + 1)] == ["二"]
    assert [u.message.text for u in await bot.get_updates()] == ["二"]


async def test_a_negative_offset_keeps_only_the_newest(local, wang):
    for text in "一二三":
        wang.says(text)
    assert [u.message.text for u in await local.get_updates(-2)] == ["二", "三"]
    assert len(await local.get_updates()) == 2


async def test_a_far_too_high_offset_loses_nothing(local, wang):
    wang.says("一")
    assert len(await local.get_updates(2_000_000_000)) == 1


async def test_kinds_of_updates_are_remembered_between_calls(local, wang):
    await local.get_updates(allowed_updates=["callback_query"])
    wang.says("不要")
    assert await local.get_updates() == ()
    await local.get_updates(allowed_updates=[])
    wang.says("要")
    assert len(await local.get_updates()) == 1


async def test_a_long_poll_returns_when_somebody_writes(bot, wang):
    polling = asyncio.create_task(bot.get_updates(timeout=10))
    await asyncio.sleep(0.05)
    wang.says("在吗")
    assert len(await polling) == 1  # it ends by itself, too, but with nothing


async def test_the_older_of_two_pollers_gets_the_conflict(api, wang):
    async with in_process(api) as older, in_process(api) as newer:
        first = asyncio.create_task(older.get_updates(timeout=10))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        second = asyncio.create_task(newer.get_updates(timeout=10))
        with pytest.raises(Conflict, match=r"(?i)terminated by other getupdates"):
            await first
        wang.says("在吗")
        assert len(await second) == 1


async def test_a_message_waits_a_day_for_its_bot(local, clock, wang):
    wang.says("昨天")
    clock.now += 24 * 3600 - 1
    assert len(await local.get_updates()) == 1
    clock.now += 1
    assert await local.get_updates() == ()


async def test_an_album_is_as_many_updates_with_one_group(local, wang):
    wang.album([PNG, PNG, PNG], "三楼")
    messages = [update.message for update in await local.get_updates()]
    assert len({message.media_group_id for message in messages}) == 1
    assert [message.caption for message in messages] == ["三楼", None, None]


async def test_an_edited_message_comes_as_such(local, wang):
    wang.edits(wang.says("打印机"), "打印机卡纸")
    _, edited = await local.get_updates()
    assert edited.edited_message.text == "打印机卡纸"


async def test_contacts_places_and_forwards_arrive_whole(local, api, wang):
    li = api.person(43, "小李")
    wang.contact("8613800138000", of=li)
    wang.location(22.8, 113.2, 30.0)
    li.forwards(wang.says("转发"))
    contact, place, _, forward = [update.message for update in await local.get_updates()]
    assert contact.contact.user_id == 43
    assert place.location.horizontal_accuracy == 30
    assert forward.forward_origin.sender_user.id == 42


async def test_keys_of_a_reply_keyboard_share_the_own_card(local, wang):
    keys = ReplyKeyboardMarkup([[KeyboardButton("发送手机号", request_contact=True)]])
    await local.send_message(42, "x", reply_markup=keys)
    wang.picks("发送手机号")
    (update,) = await local.get_updates()
    assert update.message.contact.user_id == update.message.from_user.id == 42


async def test_a_reply_keyboard_cannot_ask_a_group_for_telephones(local, api, wang):
    api.group(-100, "运维", [wang])
    keys = ReplyKeyboardMarkup([[KeyboardButton("x", request_contact=True)]])
    with pytest.raises(BadRequest, match="private chats only"):
        await local.send_message(-100, "x", reply_markup=keys)


# Web hooks


@contextlib.asynccontextmanager
async def hook(*statuses: int) -> AsyncIterator[tuple[str, list[tuple[str, dict]]]]:
    got: list[tuple[str, dict]] = []
    answers = list(statuses)

    async def receive(request: Request) -> Response:
        secret = request.headers.get("x-telegram-bot-api-secret-token", "")
        got.append((secret, await request.json()))
        return Response(status_code=answers.pop(0) if answers else 200)

    async with served([Route("/hook", receive, methods=["POST"])]) as url:
        yield f"{url}/hook", got


async def test_a_web_hook_gets_the_secret_and_a_second_try(bot, api, wang):
    api.hook.first_pause = 0.01
    async with hook(503) as (url, got):
        await bot.set_webhook(url, secret_token="s3cret")
        wang.says("在吗")
        await until(lambda: len(got) == 2 and not len(api.feed))
        assert [secret for secret, _ in got] == ["s3cret", "s3cret"]
        assert got[0][1] == got[1][1]
        assert (await bot.get_webhook_info()).pending_update_count == 0
        await bot.delete_webhook()


async def test_who_has_a_web_hook_cannot_poll(local):
    await local.set_webhook("https://127.0.0.1:1/hook")
    with pytest.raises(Conflict, match="webhook is active"):
        await local.get_updates()
    await local.delete_webhook()
    assert await local.get_updates() == ()


@pytest.mark.parametrize("wrong", [{"url": "http://example.com/x"}, {"secret_token": "no spaces"}])
async def test_a_careless_web_hook_is_refused(local, wrong):
    with pytest.raises(BadRequest):
        await local.set_webhook(**{"url": "https://example.com/x", **wrong})


# The rest of what the desk uses


async def test_command_menus_go_by_scope_and_language(local, wang):
    await local.set_my_commands([("new", "报修")], language_code="zh")
    await local.set_my_commands([("new", "Report")])
    assert [c["description"] for c in wang.menu()] == ["报修"]
    await local.set_my_commands([("queue", "待派")], BotCommandScopeChat(42), "zh")
    assert [c["command"] for c in wang.menu()] == ["queue"]
    wang.language = "en"
    assert [c["description"] for c in wang.menu()] == ["Report"]


async def test_a_bad_command_name_is_refused(local):
    with pytest.raises(BadRequest, match=r"(?i)bot_command_invalid"):
        await local.set_my_commands([("报修", "x")])


async def test_an_album_of_the_bot_arrives_as_one_group(bot, wang):
    await bot.send_media_group(42, [InputMediaPhoto(PNG, caption="一"), InputMediaPhoto(PNG)])
    first, second = wang.sees()
    assert first.raw["media_group_id"] == second.raw["media_group_id"]
    assert (first.text, second.text) == ("一", "")


async def test_every_kind_of_file_can_be_sent(bot, wang):
    await bot.send_document(42, b"abc", filename="报告.txt")
    await bot.send_voice(42, io.BytesIO(b"OggS"))
    await bot.send_video(42, b"mp4")
    await bot.send_audio(42, b"mp3")
    assert wang.sees()[0].raw["document"]["file_name"] == "报告.txt"
    assert [k for s in wang.sees() for k in s.raw if k in {"voice", "video", "audio"}] == [
        "voice",
        "video",
        "audio",
    ]


async def test_small_signs_are_kept(local, api, wang):
    said = wang.says("坏了")
    await local.set_message_reaction(42, said.id, "👀")
    await local.pin_chat_message(42, said.id)
    await local.send_chat_action(42, "typing")
    await local.send_location(42, 23.1, 113.2)
    assert api.chats[42].kept[said.id].reactions == ("👀",)
    assert (await local.get_chat(42)).pinned_message.message_id == said.id


async def test_profile_and_membership_can_be_asked(local, api, wang):
    api.group(-100, "运维", [wang], admin=True)
    await local.set_my_name("派单", language_code="zh")
    await local.set_my_description("d")
    await local.set_my_short_description("s")
    assert (await local.get_my_name("zh")).name == "派单"
    assert (await local.get_chat_member(-100, local.id)).status == "administrator"
    assert (await local.get_chat_member(-100, 42)).status == "member"


async def test_sending_is_within_a_magnitude_of_the_simplest_call(local, wang):
    async def seconds(call) -> float:
        await call(0)
        started = time.perf_counter()
        for number in range(1, 201):
            await call(number)
        return time.perf_counter() - started

    async def send(number: int) -> None:
        await local.send_message(
            42, f"<b>{number}</b>", parse_mode="HTML", reply_markup=keyboard("1")
        )

    # Seven or eight times, with its entities and buttons: this catches a slip of magnitude.
    assert await seconds(send) < 30 * await seconds(lambda _: local.get_me())
