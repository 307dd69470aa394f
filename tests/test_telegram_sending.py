"""Letters on their way to Telegram: edits, new messages, and every row of the error table."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import httpx
import pytest
from telegram.error import InvalidToken, NetworkError, TelegramError, TimedOut
from telegram.ext import ExtBot

from bot.trial.botapi import BotApi, Person
from bot.trial.botapi.values import Refused
from bot.trial.botapi.wire import InProcess
from channels.telegram.limiter import Limiter, Rate
from channels.telegram.limits import Button, ChatMessage, Key, Upload
from channels.telegram.sending import Menu, TelegramChannel
from channels.telegram.verdicts import NeverSent, verdict
from core.errors import FileTooLarge, FileVanished, Unclear, Undeliverable
from core.messages import File, Letter
from core.ports import Channel

Silence = Literal["drop", "timeout"]
NO_HURRY = Rate(10_000, 0.001)
A_PICTURE = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (8).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
)
TOKEN = "700001:test-token-of-a-bot-that-is-not"


class WatchedLimiter(Limiter):
    def __init__(self) -> None:
        time = asyncio.get_running_loop().time
        super().__init__(time, overall=NO_HURRY, per_chat=NO_HURRY, per_group=NO_HURRY)
        self.held: list[tuple[int, float]] = []

    def hold(self, chat_id: int, seconds: float) -> None:
        self.held.append((chat_id, seconds))


class Desk:
    """A channel to a strict server; what the next letter says is set beforehand."""

    def __init__(self) -> None:
        self.api = BotApi(TOKEN, "desk_bot", lambda: 1_770_000_000.0)
        self.api.rates.enforced = False
        self.li: Person = self.api.person(42, "李娜")
        self.li.opens()
        self.says = ChatMessage(html="工单 <b>100427</b>")
        self.troubles: list[tuple[str, Mapping[str, str]]] = []
        self.moves: list[tuple[str, str]] = []
        self.limiter = WatchedLimiter()
        self.channel = TelegramChannel(
            ExtBot(TOKEN, request=InProcess(self.api), get_updates_request=InProcess(self.api)),
            "desk_bot",
            self.render,
            self.limiter,
            trouble=lambda kind, detail: self.troubles.append((kind, detail)),
            moved=self.moved,
        )

    async def render(self, letter: Letter) -> ChatMessage:
        return self.says

    async def moved(self, old: str, new: str) -> None:
        self.moves.append((old, new))

    async def refusal(self, letter: Letter) -> Undeliverable:
        with pytest.raises(Undeliverable) as caught:
            await self.channel.send(letter)
        return caught.value

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.troubles]


@pytest.fixture
async def desk() -> Desk:
    return Desk()


LETTER = Letter(
    id=7,
    person_id=1,
    channel="telegram",
    address="42",
    language="zh_CN",
    zone="Asia/Shanghai",
    kind="ticket_opened",
    params={},
    reference="7",
)


async def test_a_letter_arrives_and_brings_its_receipt(desk: Desk) -> None:
    desk.says = ChatMessage(html="<b>卡</b>", buttons=((Button("接单", "a1", "primary"),),))
    channel: Channel = desk.channel  # mypy sees that the port is kept
    receipt = await channel.send(LETTER)
    seen = await desk.li.hears("卡")
    assert (receipt.id, seen.labels) == (str(seen.id), ["接单"])


async def test_a_letter_that_replaces_another_edits_it(desk: Desk) -> None:
    first = await desk.channel.send(LETTER)
    desk.says = ChatMessage(html="新")
    second = await desk.channel.send(replace(LETTER, replaces=first.id))
    assert second.id == first.id
    assert [seen.text for seen in desk.li.sees()] == ["新"]


async def test_an_edit_that_changes_nothing_is_a_success(desk: Desk) -> None:
    first = await desk.channel.send(LETTER)
    assert await desk.channel.send(replace(LETTER, replaces=first.id)) == first


async def test_a_card_that_is_gone_is_sent_anew(desk: Desk) -> None:
    receipt = await desk.channel.send(replace(LETTER, replaces="999"))
    assert receipt.id == str(desk.li.sees()[-1].id)


async def test_a_card_that_cannot_be_edited_is_sent_anew(desk: Desk) -> None:
    theirs = desk.li.says("mine")
    receipt = await desk.channel.send(replace(LETTER, replaces=str(theirs.id)))
    assert receipt.id != str(theirs.id)


async def test_a_letter_hangs_under_what_it_answers(desk: Desk) -> None:
    asked = desk.li.says("在吗")
    await desk.channel.send(replace(LETTER, reply_to=str(asked.id)))
    assert (await desk.li.hears("100427")).answers == asked.id


async def test_an_answer_to_a_deleted_message_still_arrives(desk: Desk) -> None:
    await desk.channel.send(replace(LETTER, reply_to="998"))
    assert (await desk.li.hears("100427")).answers is None


async def test_an_id_of_another_channel_does_not_keep_a_letter_back(desk: Desk) -> None:
    await desk.channel.send(replace(LETTER, reply_to="<a@mail>", replaces="SM12ab"))
    assert await desk.li.hears("100427")


async def test_a_thread_that_is_gone_is_left_out(desk: Desk) -> None:
    desk.api.fail("sendMessage", 400, description="Bad Request: message thread not found")
    await desk.channel.send(replace(LETTER, reply_to="998"))
    assert await desk.li.hears("100427")


async def test_bad_markup_goes_out_as_plain_text_and_is_reported(desk: Desk) -> None:
    desk.says = ChatMessage(html="打印机 &lt;3 <b>卡纸")
    await desk.channel.send(LETTER)
    assert (await desk.li.hears("打印机")).text == "打印机 <3 卡纸"
    assert desk.kinds == ["letter_malformed"]


async def test_bad_markup_in_an_edit_goes_out_as_plain_text(desk: Desk) -> None:
    first = await desk.channel.send(LETTER)
    desk.says = ChatMessage(html="<b>坏")
    await desk.channel.send(replace(LETTER, replaces=first.id))
    assert desk.li.sees()[-1].text == "坏"


async def test_a_picture_carries_its_caption(desk: Desk) -> None:
    desk.says = ChatMessage(html="本月 <b>98%</b>", files=(Upload("", A_PICTURE, "photo"),))
    await desk.channel.send(LETTER)
    seen = await desk.li.hears("98%")
    assert "photo" in seen.raw


async def test_an_oversized_letter_arrives_cut_and_is_reported(desk: Desk) -> None:
    desk.says = ChatMessage(html="<b>" + "长" * 5000 + "</b>", buttons=((Button("x", "y" * 65),),))
    await desk.channel.send(LETTER)
    assert (await desk.li.hears("长")).text.endswith("长…")
    assert desk.kinds == ["letter_malformed", "letter_malformed"]


async def test_an_empty_letter_is_refused_before_telegram_does(desk: Desk) -> None:
    desk.says = ChatMessage(html="<b> </b>")
    assert (await desk.refusal(LETTER)).permanent
    assert desk.api.calls("sendMessage") == []


async def test_keys_can_ask_for_the_own_contact(desk: Desk) -> None:
    desk.says = ChatMessage(html="您是谁?", reply_keyboard=((Key("我的号码", "contact"),),))
    await desk.channel.send(LETTER)
    assert desk.li.picks("我的号码").raw["contact"]["user_id"] == 42


async def test_a_silent_letter_makes_no_sound(desk: Desk) -> None:
    desk.says = ChatMessage(html="夜里", silent=True)
    await desk.channel.send(LETTER)
    assert (await desk.li.hears("夜里")).silent


# The error table


async def test_a_person_who_blocked_the_bot_is_a_dead_address(desk: Desk) -> None:
    desk.li.blocks()
    refusal = await desk.refusal(LETTER)
    assert (refusal.permanent, refusal.address_dead) == (True, True)


async def test_a_chat_that_nobody_has_is_a_dead_address(desk: Desk) -> None:
    refusal = await desk.refusal(replace(LETTER, address="4711"))
    assert (refusal.permanent, refusal.address_dead) == (True, True)
    assert desk.kinds == []


async def test_an_address_that_is_no_number_is_dead(desk: Desk) -> None:
    assert (await desk.refusal(replace(LETTER, address="li.na"))).address_dead


async def test_any_other_400_is_final_and_reported(desk: Desk) -> None:
    desk.api.fail("sendMessage", 400, description="Bad Request: not enough rights")
    refusal = await desk.refusal(LETTER)
    assert (refusal.permanent, refusal.address_dead) == (True, False)
    assert desk.kinds == ["telegram_refused"]


async def test_a_429_names_its_pause(desk: Desk) -> None:
    desk.api.fail("sendMessage", 429, retry_after=9)
    refusal = await desk.refusal(LETTER)
    assert (refusal.permanent, refusal.retry_after) == (False, 9)


@pytest.mark.parametrize("code", [500, 502, 409])
async def test_a_fault_at_telegram_is_tried_again(desk: Desk, code: int) -> None:
    desk.api.fail("sendMessage", code)
    assert not (await desk.refusal(LETTER)).permanent


@pytest.mark.parametrize("code", [401, 404])
async def test_a_refused_token_stops_the_channel_and_keeps_the_letters(
    desk: Desk, code: int
) -> None:
    desk.api.fail("sendMessage", code)
    assert not (await desk.refusal(LETTER)).permanent
    assert not (await desk.refusal(LETTER)).permanent
    assert desk.channel.stopped
    assert len(desk.api.calls("sendMessage")) == 1
    assert desk.kinds == ["telegram_token_refused"]


async def test_a_refused_connection_sent_nothing(desk: Desk) -> None:
    desk.api.fail("sendMessage", "drop")
    assert not (await desk.refusal(LETTER)).permanent


@pytest.mark.parametrize("trouble", ["drop", "timeout"])
async def test_a_lost_answer_leaves_the_letter_unclear(desk: Desk, trouble: Silence) -> None:
    desk.api.fail("sendMessage", trouble, before=False)
    with pytest.raises(Unclear):
        await desk.channel.send(LETTER)
    assert len(desk.li.sees()) == 1


@pytest.mark.parametrize("trouble", ["drop", "timeout"])
async def test_a_lost_answer_to_an_edit_is_simply_tried_again(desk: Desk, trouble: Silence) -> None:
    first = await desk.channel.send(LETTER)
    desk.says = ChatMessage(html="neu")
    desk.api.fail("editMessageText", trouble, before=False)
    again = replace(LETTER, replaces=first.id)
    assert not (await desk.refusal(again)).permanent
    assert await desk.channel.send(again) == first


async def test_a_group_that_moved_is_written_to_where_it_is_now(desk: Desk) -> None:
    group = desk.api.group(-55, "广州", [desk.li], kind="group")
    moved = group.migrates(desk.li)
    await desk.channel.send(replace(LETTER, address="-55"))
    assert moved.sees()[-1].text == "工单 100427"
    assert desk.moves == [("-55", str(moved.id))]


def _caused(error: TelegramError, cause: Exception | None) -> TelegramError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "unclear"),
    [
        (_caused(TimedOut(), httpx.PoolTimeout("")), False),
        (_caused(TimedOut(), httpx.ConnectTimeout("")), False),
        (_caused(NetworkError(""), httpx.ConnectError("")), False),
        (_caused(NetworkError(""), httpx.ProxyError("")), False),
        (_caused(NetworkError(""), NeverSent("")), False),
        (_caused(NetworkError(""), ConnectionResetError("")), True),
        (_caused(NetworkError("Bad Gateway"), None), False),
        (_caused(NetworkError("Bad Gateway"), TelegramError("Invalid server response")), False),
        (_caused(TimedOut(), httpx.ReadTimeout("")), True),
        (_caused(TimedOut(), httpx.WriteTimeout("")), True),
        (_caused(NetworkError(""), httpx.ReadError("")), True),
        (_caused(NetworkError(""), httpx.RemoteProtocolError("")), True),
        (TimedOut(), True),
        (TelegramError("Invalid server response"), True),
    ],
    ids=lambda value: repr(getattr(value, "__cause__", value)),
)
def test_only_a_request_that_may_have_arrived_is_unclear(
    error: TelegramError, unclear: bool
) -> None:
    assert isinstance(verdict(error, editing=False), Unclear) is unclear
    told = verdict(error, editing=True)
    assert isinstance(told, Undeliverable)
    assert not told.permanent


def test_no_verdict_shows_the_token() -> None:
    told = verdict(InvalidToken(f"The token `{TOKEN}` was rejected"), editing=False)
    assert TOKEN not in str(told)


async def test_a_429_holds_the_next_letter_to_that_chat(desk: Desk) -> None:
    desk.api.fail("sendMessage", 429, retry_after=3)
    await desk.refusal(LETTER)
    assert desk.limiter.held == [(42, 3.0)]


# Presses, files, menus


async def test_a_press_is_answered_within_two_hundred_units(desk: Desk) -> None:
    desk.says = ChatMessage(html="卡", buttons=((Button("接单", "a1"),),))
    await desk.channel.send(LETTER)
    tap = desk.li.taps("接单")
    await desk.channel.answer(tap.query, "好" * 300, alert=True)
    answer = await tap.answered()
    assert len(answer.text) == 200
    assert answer.alert


async def test_an_answer_that_comes_too_late_is_no_error(desk: Desk) -> None:
    await desk.channel.answer("12345")
    assert desk.kinds == []


async def test_a_file_comes_with_its_bytes(desk: Desk) -> None:
    photo = desk.li.photo(b"picture of a jam").raw["photo"][-1]
    file = File(kind="photo", source=photo["file_id"], size=photo["file_size"])
    assert await desk.channel.download(file) == b"picture of a jam"


@pytest.mark.parametrize("told", [True, False], ids=["told beforehand", "told by getFile"])
async def test_a_file_over_the_limit_is_named_so(desk: Desk, told: bool) -> None:
    size = 21 * 2**20
    sent = desk.li.document(b"x", "dump.bin", size=size).raw["document"]
    with pytest.raises(FileTooLarge):
        await desk.channel.download(
            File(kind="document", source=sent["file_id"], size=size if told else None)
        )


async def test_a_file_that_vanished_is_named_so(desk: Desk) -> None:
    with pytest.raises(FileVanished):
        await desk.channel.download(File(kind="photo", source="nothing-like-it"))


async def test_a_file_that_vanished_between_two_calls_is_named_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: str) -> None:
        raise Refused(404, "Not Found")

    sent = desk.li.document(b"x", "a.txt").raw["document"]
    monkeypatch.setattr(desk.api.files, "download", gone)
    with pytest.raises(FileVanished):
        await desk.channel.download(File(kind="document", source=sent["file_id"]))
    assert not desk.channel.stopped


async def test_a_broken_line_while_fetching_is_temporary(desk: Desk) -> None:
    sent = desk.li.document(b"x", "a.txt").raw["document"]
    desk.api.fail("getFile", "drop")
    with pytest.raises(Undeliverable) as caught:
        await desk.channel.download(File(kind="document", source=sent["file_id"]))
    assert not caught.value.permanent


async def test_menus_differ_by_language_and_chat(desk: Desk) -> None:
    await desk.channel.set_menus(
        [
            Menu((("new", "Report a fault"),)),
            Menu((("new", "报修"),), language="zh"),
            Menu((("queue", "队列"),), scope="42"),
        ]
    )
    assert [command["command"] for command in desk.li.menu()] == ["queue"]
    other = desk.api.person(43, "Ann", "en")
    assert [command["description"] for command in other.menu()] == ["Report a fault"]


async def test_a_menu_that_is_refused_does_not_keep_the_others_away(desk: Desk) -> None:
    await desk.channel.set_menus(
        [Menu((("Bad Name", "x"),)), Menu((("new", "报修"),), language="zh")]
    )
    assert [command["description"] for command in desk.li.menu()] == ["报修"]
    assert desk.kinds == ["telegram_menu_refused"]


async def test_a_document_keeps_its_name_and_takes_the_text_as_caption(desk: Desk) -> None:
    desk.says = ChatMessage(html="<b>all</b> of it", files=(Upload("sites.pdf", b"%PDF-1.7"),))
    await desk.channel.send(LETTER)
    seen = await desk.li.hears("all of it")
    assert seen.raw["document"]["file_name"] == "sites.pdf"


async def test_several_pictures_are_an_album_under_one_text(desk: Desk) -> None:
    pictures = tuple(Upload(f"{n}.png", A_PICTURE, "photo") for n in range(3))
    desk.says = ChatMessage(html="<b>three</b>", files=pictures)
    receipt = await desk.channel.send(LETTER)
    first, *others = desk.li.sees()
    assert (receipt.id, receipt.also) == (str(first.id), tuple(str(seen.id) for seen in others))
    assert [seen.text for seen in desk.li.sees()] == ["three", "", ""]
    assert all("photo" in seen.raw for seen in desk.li.sees())


@pytest.mark.parametrize("many", [1, 3])
async def test_a_picture_that_telegram_cannot_read_arrives_as_a_document(
    desk: Desk, many: int
) -> None:
    desk.says = ChatMessage(html="scan", files=(Upload("scan.png", b"no picture", "photo"),) * many)
    await desk.channel.send(LETTER)
    assert [seen.raw["document"]["file_name"] for seen in desk.li.sees()] == ["scan.png"] * many
    assert desk.kinds == []


async def test_a_voice_stays_a_voice(desk: Desk) -> None:
    desk.says = ChatMessage(html="listen", files=(Upload("", b"OggS", "voice"),))
    await desk.channel.send(LETTER)
    assert "voice" in (await desk.li.hears("listen")).raw


def test_an_album_takes_no_buttons() -> None:
    picture = Upload("", A_PICTURE, "photo")
    with pytest.raises(ValueError, match="album"):
        ChatMessage(html="", files=(picture, picture), buttons=((Button("x", "y"),),))
