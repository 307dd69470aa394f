"""What the desk makes of what people send, as Telegram's own JSON."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import telegram
from hypothesis import given
from hypothesis import strategies as st

from bot.trial.botapi import BotApi, Person
from channels.telegram.reading import inbound, order_key, reachability
from core.messages import Inbound, Location

SENT = 1_770_000_000
NOW = datetime.fromtimestamp(SENT, UTC) + timedelta(seconds=3)


@pytest.fixture
def api() -> BotApi:
    return BotApi("700001:test-token", "desk_bot", lambda: float(SENT))


@pytest.fixture
def li(api: BotApi) -> Person:
    return api.person(42, "李娜")


def waiting(api: BotApi) -> list[dict[str, Any]]:
    """The raw updates that the server holds, taken off it."""
    taken = []
    while (update := api.feed.head()) is not None:
        taken.append(update)
        api.feed.acknowledge(update["update_id"] + 1)
    return taken


def heard(api: BotApi, now: datetime = NOW) -> list[Inbound | None]:
    """Everything that waits at the server, read."""
    updates = [telegram.Update.de_json(raw) for raw in waiting(api)]
    return [inbound(update, "desk_bot", now) for update in updates]


def newest(api: BotApi, now: datetime = NOW) -> Inbound:
    *_, last = heard(api, now)
    assert last is not None
    return last


def read(message: dict[str, Any], kind: str = "message") -> Inbound | None:
    """A message as Telegram would write it, where the trial server has no such feature."""
    body = {
        "message_id": 5,
        "date": SENT,
        "chat": {"id": 42, "type": "private", "first_name": "李娜"},
        "from": {"id": 42, "is_bot": False, "first_name": "李娜"},
        **message,
    }
    update = telegram.Update.de_json({"update_id": 9, kind: body})
    return inbound(update, "desk_bot", NOW)


def file_kinds(message: Inbound) -> list[str]:
    return [file.kind for file in message.files]


def test_a_text_is_read_with_its_sender(api: BotApi, li: Person) -> None:
    sent = li.says("打印机卡纸 三楼财务")
    assert newest(api) == Inbound(
        channel="telegram",
        account="desk_bot",
        external_id="500000001",
        sender="42",
        sender_name="李娜",
        language="zh-hans",
        text="打印机卡纸 三楼财务",
        occurred_at=datetime.fromtimestamp(SENT, UTC),
        received_at=NOW,
        message_id=str(sent.id),
        trust="proven",
        detail={"chat": "42", "chat_type": "private"},
    )


def test_a_start_link_keeps_its_payload(api: BotApi, li: Person) -> None:
    li.starts("v_abc")
    assert newest(api).text == "/start v_abc"


def test_an_answer_names_the_message_it_answers(api: BotApi, li: Person) -> None:
    first = li.says("eins")
    li.says("zwei", reply_to=first)
    assert newest(api).reply_to == (str(first.id),)


def test_an_edit_names_the_message_it_replaces(api: BotApi, li: Person) -> None:
    sent = li.says("二楼")
    li.edits(sent, "三楼")
    edit = newest(api)
    assert (edit.text, edit.edited_of, edit.message_id) == ("三楼", str(sent.id), str(sent.id))


def test_an_edit_happened_when_it_was_edited() -> None:
    edit = read({"text": "三楼", "edit_date": SENT + 2}, "edited_message")
    assert edit is not None
    assert edit.occurred_at == datetime.fromtimestamp(SENT + 2, UTC)


def test_a_press_carries_its_data_and_the_card(api: BotApi, li: Person) -> None:
    sent = li.says("the card, for once mine")
    tap = li.presses(sent, "1abc")
    press = newest(api)
    assert (press.button, press.reply_to) == ("1abc", (str(sent.id),))
    assert press.detail["callback_query_id"] == tap.query


def test_a_press_under_a_vanished_card_is_still_a_press(api: BotApi, li: Person) -> None:
    li.presses(777, "1abc")
    assert newest(api).button == "1abc"


def test_a_photo_comes_in_its_largest_size_with_its_caption(api: BotApi, li: Person) -> None:
    sent = li.photo(b"jpeg", "屏幕碎了")
    photo = newest(api)
    assert photo.text == "屏幕碎了"
    assert [file.source for file in photo.files] == [sent.raw["photo"][-1]["file_id"]]


def test_an_album_comes_in_parts_that_know_each_other(api: BotApi, li: Person) -> None:
    li.album([b"1", b"2", b"3"], "三张")
    albums = {part.album for part in heard(api) if part}
    assert len(albums) == 1
    assert "" not in albums


def test_a_document_keeps_its_name_and_size(api: BotApi, li: Person) -> None:
    li.document(b"log", "error.log", "text/plain")
    [file] = newest(api).files
    assert (file.kind, file.name, file.type, file.size) == (
        "document",
        "error.log",
        "text/plain",
        3,
    )


def test_a_voice_message_is_a_file(api: BotApi, li: Person) -> None:
    li.voice(b"ogg")
    assert file_kinds(newest(api)) == ["voice"]


MEDIA = {"file_id": "F", "file_unique_id": "U", "file_size": 9}


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({"video": {**MEDIA, "width": 1, "height": 1, "duration": 1}}, ["video"]),
        ({"audio": {**MEDIA, "duration": 1}}, ["audio"]),
        ({"video_note": {**MEDIA, "length": 1, "duration": 1}}, ["video_note"]),
        (
            {
                "animation": {**MEDIA, "width": 1, "height": 1, "duration": 1},
                "document": MEDIA,
            },
            ["animation"],
        ),
        (
            {
                "sticker": {
                    **MEDIA,
                    "type": "regular",
                    "width": 1,
                    "height": 1,
                    "is_animated": False,
                    "is_video": False,
                    "emoji": "👍",
                }
            },
            ["sticker"],
        ),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[0],
)
def test_other_media_are_files_too(fields: dict[str, Any], kinds: list[str]) -> None:
    message = read(fields)
    assert message is not None
    assert file_kinds(message) == kinds


def test_a_location_says_where_the_sender_is(api: BotApi, li: Person) -> None:
    li.location(23.1, 113.2, 15.0)
    assert newest(api).location == Location(latitude=23.1, longitude=113.2, accuracy=15.0)


def test_a_forwarded_location_proves_nothing(api: BotApi, li: Person) -> None:
    li.forwards(li.location(23.1, 113.2))
    message = newest(api)
    assert (message.location, message.detail["location"]) == (None, "forwarded")


def test_an_old_location_proves_nothing(api: BotApi, li: Person) -> None:
    li.location(23.1, 113.2)
    message = newest(api, NOW + timedelta(hours=1))
    assert (message.location, message.detail["location"]) == (None, "old")


def test_a_place_picked_from_a_list_is_no_location() -> None:
    place = {"latitude": 23.1, "longitude": 113.2}
    message = read(
        {"location": place, "venue": {"location": place, "title": "银行", "address": "路"}}
    )
    assert message is not None
    assert (message.location, message.detail["location"]) == (None, "chosen_place")


@pytest.mark.parametrize("number", ["+86 138 0013 8000", "8613800138000"])
def test_the_own_contact_is_a_phone_number(api: BotApi, li: Person, number: str) -> None:
    li.contact(number)
    assert newest(api).phone == "+8613800138000"


def test_a_number_outside_every_plan_keeps_its_digits(api: BotApi, li: Person) -> None:
    li.contact("42-00")
    assert newest(api).phone == "4200"


def test_somebody_elses_contact_proves_nothing_and_is_not_lost(api: BotApi, li: Person) -> None:
    li.contact("+8613900139000", of=api.person(43, "王强"))
    message = newest(api)
    assert message.phone == ""
    assert message.text == "王强 +8613900139000"


def test_a_forwarded_contact_proves_nothing(api: BotApi, li: Person) -> None:
    li.forwards(li.contact("+8613800138000"))
    message = newest(api)
    assert (message.phone, message.detail["contact"]) == ("", "forwarded")


def test_halves_of_characters_and_nuls_do_not_come_in() -> None:
    message = read({"text": "a\x00b\ud83dc"})
    assert message is not None
    assert message.text == "ab\N{REPLACEMENT CHARACTER}c"


def test_what_we_cannot_show_is_named() -> None:
    message = read({"dice": {"value": 3, "emoji": "🎲"}})
    assert message is not None
    assert message.detail["unsupported"] == "dice"


@pytest.mark.parametrize(
    "fields",
    [
        {"new_chat_title": "广州"},
        {"text": "hi", "from": {"id": 1, "is_bot": True, "first_name": "b"}},
        {"text": "hi", "from": None},
        {"text": "hi", "is_automatic_forward": True},
    ],
    ids=["service message", "bot", "nobody", "channel"],
)
def test_what_no_person_said_is_not_heard(fields: dict[str, Any]) -> None:
    assert read(fields) is None


def test_an_answer_in_a_topic_does_not_answer_its_opening() -> None:
    opening = {
        "message_id": 2,
        "date": SENT,
        "chat": {"id": -1001, "type": "supergroup", "title": "g"},
        "forum_topic_created": {"name": "t", "icon_color": 1},
    }
    message = read({"text": "x", "reply_to_message": opening})
    assert message is not None
    assert message.reply_to == ()


def test_blocking_and_returning_change_who_can_be_reached(api: BotApi, li: Person) -> None:
    li.blocks()
    li.unblocks()
    changes = [telegram.Update.de_json(raw) for raw in waiting(api)]
    assert [reachability(change) for change in changes] == [("42", False), ("42", True)]
    assert [inbound(change, "desk_bot", NOW) for change in changes] == [None, None]


def test_joining_a_group_says_nothing_about_its_members(api: BotApi, li: Person) -> None:
    api.group(-1001, "广州", [li]).adds_bot(li)
    [raw] = waiting(api)
    assert reachability(telegram.Update.de_json(raw)) is None


def test_the_order_key_joins_what_one_person_does_in_one_chat(api: BotApi, li: Person) -> None:
    sent = li.says("a")
    li.edits(sent, "b")
    li.presses(sent, "1")
    assert {order_key(raw) for raw in waiting(api)} == {"42:42"}


def test_people_in_one_group_do_not_wait_for_each_other(api: BotApi, li: Person) -> None:
    group = api.group(-1001, "广州", [li], admin=True)
    li.says("a", chat=group)
    api.person(43, "王强").says("b", chat=group)
    assert [order_key(raw) for raw in waiting(api)] == ["-1001:42", "-1001:43"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["message", "callback_query", "chat", "from", "id"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(update=st.dictionaries(st.sampled_from(["message", "callback_query", "x"]), json_values))
def test_every_update_has_an_order_key(update: dict[str, Any]) -> None:
    assert order_key({"update_id": 5, **update})
