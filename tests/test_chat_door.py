"""Whatever comes through the chat's door: a clear sentence, nothing lost, nothing done unasked.

One running desk for all of it; everybody here is a stranger of their own, so that no test meets
another's.
"""

import errno
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.trial.botapi import Person
from bot.trial.botapi.people import Seen, Tap
from core import files
from core.rows import InboxRow
from core.ticket import Message, Offer, Step, StoredFile, Ticket
from core.words import label, say
from tests.running import FIRST_ID, PATIENCE, Running, a_program, data_of, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
both = pytest.mark.parametrize("language", ["zh_CN", "en"])

REPORT = {"zh_CN": "珠海香洲店 打印机卡纸", "en": "Paper jam in the printer, Zhuhai Xiangzhou"}
NOWHERE = {"zh_CN": "打印机卡纸", "en": "Paper jam in the printer"}  # asked where, before a visit
NOBODYS = "999999"  # a number whose check digit is wrong
RLO, PDF = "\u202e", "\u202c"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with a_program(tmp_path_factory.mktemp("door")) as running:
        yield running


def words(key: str, language: str, **slots: object) -> str:
    return say(key, slots, language=language)


async def refused(tap: Tap, key: str, language: str, **slots: object) -> None:
    """The press is answered in words that stay until they are read, in the person's language."""
    answer = await tap.answered(PATIENCE)
    assert answer.alert
    assert answer.text == say(key, slots, language=language, context="toast")


def no(key: str, language: str, detail: str = "") -> str:
    """A refusal as a message."""
    return say("refused", {"reason": key, "detail": detail}, language=language)


async def steps(desk: Running, ticket: Ticket) -> list[str]:
    """What people did to it; the desk itself triages and dispatches meanwhile."""
    found = await desk.rows(Step, ticket_id=ticket.id)
    return [step.action for step in found if step.actor_role != "system"]


async def opened(desk: Running, who: Person, language: str) -> Ticket:
    """A report of that person, and the card that answers it."""
    ticket = await desk.reports(who, REPORT[language])
    await who.hears(ticket.number, timeout=PATIENCE)
    return ticket


async def not_yet_sent(desk: Running, who: Person, language: str) -> tuple[Ticket, Seen]:
    """A report that waits for its site, so that its requester can still cancel it, and its card."""
    ticket = await desk.reports(who, NOWHERE[language])
    card = await who.hears(button=label("cancel", "", language), timeout=PATIENCE)
    return ticket, card


# -- commands


@both
async def test_an_unknown_command_is_named_and_help_is_offered(
    desk: Running, language: str
) -> None:
    who = desk.stranger(language)
    who.says("/frobnicate now")
    heard = await who.hears("/frobnicate", timeout=PATIENCE)
    assert "/help" in heard.text
    assert heard.text == words("unknown_command", language, command="/frobnicate")


@both
async def test_cancel_with_nothing_to_cancel_opens_no_ticket(desk: Running, language: str) -> None:
    who = desk.stranger(language)
    before = len(await desk.tickets())
    who.says("/cancel")
    await who.hears(words("no_tickets", language), timeout=PATIENCE)
    assert len(await desk.tickets()) == before


async def test_an_edited_command_is_no_second_one(desk: Running) -> None:
    who = desk.stranger("zh_CN")
    said = who.says("/frobnicate")
    await who.hears("/frobnicate", timeout=PATIENCE)
    who.edits(said, "/help")
    await desk.settled()
    assert [seen.from_bot for seen in who.sees()].count(True) == 1


@both
async def test_a_number_with_a_slip_is_said_to_be_none(desk: Running, language: str) -> None:
    who = desk.stranger(language)
    for command in ("/status", "/why", "/cancel"):
        who.says(f"{command} {NOBODYS}")
        await who.hears(no("refused_no_such_ticket", language, NOBODYS), timeout=PATIENCE)


@both
async def test_a_command_that_needs_a_role_is_refused_in_words(
    desk: Running, language: str
) -> None:
    who = desk.stranger(language)
    for command in ("/queue", "/duty", "/forecast", "/assign", "/correct", "/deviation late"):
        who.says(command)
        await who.hears(no("refused_not_allowed", language), timeout=PATIENCE)


async def test_a_command_that_is_refused_is_no_message_to_the_engineer(desk: Running) -> None:
    who = desk.stranger("zh_CN")
    ticket = await opened(desk, who, "zh_CN")
    who.says("/assign")
    await who.hears(no("refused_not_allowed", "zh_CN"), timeout=PATIENCE)
    assert await steps(desk, ticket) == ["report"]


@both
async def test_why_without_a_number_or_a_ticket_names_no_wrong_number(
    desk: Running, language: str
) -> None:
    who = desk.stranger(language)
    who.says("/why")
    await who.hears(words("no_tickets", language), timeout=PATIENCE)


@both
async def test_privacy_is_told_and_stands_in_the_menu(desk: Running, language: str) -> None:
    who = desk.stranger(language)
    described = words("command.privacy", language)
    await until(lambda: is_in_menu(who, {"command": "privacy", "description": described}))
    who.says("/privacy")
    await who.hears(words("privacy", language, months=6), timeout=PATIENCE)


async def is_in_menu(who: Person, entry: dict[str, str]) -> bool:
    return entry in who.menu()


async def test_the_figures_count_what_was_stored(desk: Running) -> None:
    before = await desk.metric("paidan_updates_stored")
    who = desk.stranger("zh_CN")
    who.says("/help")
    await who.hears("/new", timeout=PATIENCE)
    assert await desk.metric("paidan_updates_stored") > before


async def test_staff_have_privacy_in_their_own_menus(desk: Running) -> None:
    for code in ("zhao.hong", "liang.zhiming"):
        member = await desk.phone(code)
        await until(lambda m=member: knows_duty(m))  # type: ignore[misc]
        assert "privacy" in {entry["command"] for entry in member.menu()}


async def test_the_menu_follows_its_reader_to_another_language(desk: Running) -> None:
    member = await desk.phone("liang.zhiming")
    for language in ("en", "zh_CN"):
        member.says(f"/lang {language}")
        entry = {"command": "duty", "description": words("command.duty", language)}
        await until(lambda e=entry: is_in_menu(member, e))  # type: ignore[misc]


async def knows_duty(who: Person) -> bool:
    return "duty" in {entry["command"] for entry in who.menu()}


# -- other people's tickets


@both
@pytest.mark.parametrize("command", ["/status {}", "/why {}", "状态 {}", "status {}"])
async def test_a_strangers_ticket_is_as_if_it_did_not_exist(
    desk: Running, language: str, command: str
) -> None:
    owner, who = desk.stranger("zh_CN"), desk.stranger(language)
    ticket = await opened(desk, owner, "zh_CN")
    who.says(command.format(ticket.number))
    heard = await who.hears(no("refused_no_such_ticket", language, ticket.number), timeout=PATIENCE)
    assert ticket.symptom not in heard.text


@both
@pytest.mark.parametrize("command", ["/cancel {}", "取消 {}", "cancel {}", "accept {}"])
async def test_a_strangers_ticket_cannot_be_acted_on(
    desk: Running, language: str, command: str
) -> None:
    owner, who = desk.stranger("zh_CN"), desk.stranger(language)
    ticket = await opened(desk, owner, "zh_CN")
    who.says(command.format(ticket.number))
    await who.hears(no("refused_not_allowed", language, ticket.number), timeout=PATIENCE)
    assert not {"cancel", "accept"} & set(await steps(desk, ticket))


# -- buttons


@both
async def test_another_persons_button_does_nothing(desk: Running, language: str) -> None:
    owner, thief = desk.stranger("zh_CN"), desk.stranger(language)
    ticket = await opened(desk, owner, "zh_CN")
    card = owner.sees()[-1]
    data = str(card.buttons[0]["callback_data"])
    await refused(thief.presses(1, data), "refused_stale_button", language)
    assert await steps(desk, ticket) == ["report"]


FORGED = {
    "nothing": " ",
    "noise": "\x07💥",
    "64 bytes": "x" * 64,
    "another format": "9cancel.1.aaaaaaaaaa",
    "no signature": "1cancel.1.",
    "not our letters": "1取消.1.签名",
    "half a card": "1cancel",
}


@both
@pytest.mark.parametrize("data", FORGED.values(), ids=FORGED)
async def test_forged_data_does_nothing(desk: Running, language: str, data: str) -> None:
    who = desk.stranger(language)
    ticket = await opened(desk, who, language)
    before = await steps(desk, ticket)
    await refused(who.presses(who.sees()[-1], data), "refused_stale_button", language)
    assert await steps(desk, ticket) == before


@both
async def test_a_button_whose_action_was_changed_does_nothing(desk: Running, language: str) -> None:
    who = desk.stranger(language)
    ticket = await opened(desk, who, language)
    card = who.sees()[-1]
    _, _, rest = str(card.buttons[0]["callback_data"]).partition(".")
    data = f"1dispatch.{rest}"
    await refused(who.presses(card, data), "refused_stale_button", language)
    assert "dispatch" not in await steps(desk, ticket)


@both
async def test_a_button_of_a_card_that_is_gone_still_works(desk: Running, language: str) -> None:
    who = desk.stranger(language)
    ticket, card = await not_yet_sent(desk, who, language)
    data = data_of(card, "cancel")
    answer = await who.presses(10_000, data).answered(PATIENCE)
    assert answer.text == say("done_cancel", {}, language=language, context="toast")
    assert "cancel" in await steps(desk, ticket)


@both
async def test_a_stale_button_answers_with_the_state_that_is(desk: Running, language: str) -> None:
    who = desk.stranger(language)
    ticket, card = await not_yet_sent(desk, who, language)
    data = data_of(card, "cancel")
    await who.presses(card, data).answered(PATIENCE)
    await refused(
        who.presses(card, data),
        "refused_illegal_move",
        language,
        status="cancelled",
        action="cancel",
    )
    assert (await steps(desk, ticket)).count("cancel") == 1


# -- words


@both
@pytest.mark.parametrize("text", ["\u200b\u200d", "\ufeff", "…", "/new"])
async def test_what_says_nothing_gets_the_home_card_and_no_ticket(
    desk: Running, language: str, text: str
) -> None:
    who = desk.stranger(language, name="Lin")
    before = len(await desk.tickets())
    who.says(text)
    await who.hears(words("home", language, name="Lin"), timeout=PATIENCE)
    assert len(await desk.tickets()) == before


@both
async def test_the_longest_text_is_kept_whole_and_shown_in_part(
    desk: Running, language: str
) -> None:
    who = desk.stranger(language)
    text = (REPORT[language] + " & < > " * 1000)[:4096]
    ticket = await desk.reports(who, text)
    card = await who.hears(ticket.number, timeout=PATIENCE)
    assert ticket.symptom == text.strip()
    assert len(card.text) < 2000


@both
async def test_a_long_answer_reaches_the_other_side_without_an_alarm(
    desk: Running, language: str
) -> None:
    who = desk.stranger(language)
    ticket = await opened(desk, who, language)
    who.says("Z" * 4096)

    async def whole() -> list[str]:
        found = await desk.rows(Message, ticket_id=ticket.id)
        return [message.text for message in found if message.text.startswith("Z")]

    (kept,) = await until(whole)
    assert kept == "Z" * 4096
    assert desk.program.troubles["letter_malformed"] == 0


@both
async def test_html_is_shown_as_it_was_written(desk: Running, language: str) -> None:
    who = desk.stranger(language)
    text = f"<b>{REPORT[language]}</b> <script>alert(1)</script> &amp; <a href='http://x'>x</a>"
    ticket = await desk.reports(who, text)
    card = await who.hears(ticket.number, timeout=PATIENCE)
    assert text in card.text
    assert "text_link" not in {entity["type"] for entity in card.raw.get("entities", [])}


@both
async def test_emoji_stay_whole(desk: Running, language: str) -> None:
    who = desk.stranger(language)
    text = f"🖨️🔥 {REPORT[language]} 👩‍💻👨‍👩‍👧‍👦 🇨🇳"
    ticket = await desk.reports(who, text)
    assert text in (await who.hears(ticket.number, timeout=PATIENCE)).text


@both
async def test_an_override_of_direction_does_not_turn_the_card_round(
    desk: Running, language: str
) -> None:
    who = desk.stranger(language, name=f"Eve{RLO}gnp.exe")
    text = f"{REPORT[language]} {RLO}gnp.exe{PDF} \u2066x\u2069"
    ticket = await desk.reports(who, text)
    card = await who.hears(ticket.number, timeout=PATIENCE)
    assert f"{REPORT[language]} gnp.exe x" in card.text
    assert not {RLO, PDF, "\u2066", "\u2069"} & set(card.text)


SERVICE: dict[str, dict[str, object]] = {
    "timer": {"message_auto_delete_timer_changed": {"message_auto_delete_time": 60}},
    "theme": {"chat_background_set": {"type": {"type": "chat_theme", "theme_name": "🏠"}}},
    "unheard of": {"something_of_next_year": {"x": 1}},
}


@pytest.mark.parametrize("content", SERVICE.values(), ids=SERVICE)
async def test_what_telegram_itself_says_in_a_chat_is_no_trouble(
    desk: Running, content: dict[str, object]
) -> None:
    who = desk.stranger("en")
    who._writes(content)
    await desk.settled()
    assert desk.program.troubles["poison"] == 0
    assert (await desk.rows(InboxRow))[-1].state == "ignored"


@both
async def test_a_sticker_a_poll_and_a_game_are_no_fault(desk: Running, language: str) -> None:
    who = desk.stranger(language, name="Lin")
    before = len(await desk.tickets())
    who._writes({"dice": {"emoji": "🎲", "value": 3}})
    await who.hears(words("home", language, name="Lin"), timeout=PATIENCE)
    assert len(await desk.tickets()) == before


# -- files


PICTURE = b"\xff\xd8\xff" + b"\0" * 100


async def file_of(desk: Running, ticket: Ticket, state: str) -> StoredFile:
    async def found() -> list[StoredFile]:
        return await desk.rows(StoredFile, ticket_id=ticket.id, state=state)

    return (await until(found))[-1]


@both
async def test_a_picture_is_kept_with_its_ticket(desk: Running, language: str) -> None:
    who = desk.stranger(language)
    ticket = await opened(desk, who, language)
    who.photo(PICTURE)
    kept = await file_of(desk, ticket, "stored")
    assert await desk.program.files.get(kept.sha256) == PICTURE


@both
async def test_a_file_that_vanished_is_asked_for_again(desk: Running, language: str) -> None:
    who = desk.stranger(language)
    ticket = await opened(desk, who, language)
    desk.api.fail("getFile", 400, description="Bad Request: wrong file_id or the file is gone")
    who.document(b"log", "router.log")
    await who.hears(
        words("file_gone", language, number=ticket.number, name="router.log"), timeout=PATIENCE
    )


@both
async def test_a_file_whose_address_leads_nowhere_is_asked_for_again(
    desk: Running, language: str
) -> None:
    who = desk.stranger(language)
    ticket = await opened(desk, who, language)
    desk.api.fail("download", 404)
    who.document(b"log", "switch.log")
    await who.hears(
        words("file_gone", language, number=ticket.number, name="switch.log"), timeout=PATIENCE
    )


@both
async def test_a_file_of_more_than_20_mb_gets_a_clear_answer_and_the_ticket_stays(
    desk: Running, language: str
) -> None:
    who = desk.stranger(language)
    before = len(await desk.tickets())
    who.document(b"film", "film.mp4", "video/mp4", REPORT[language], size=21 * 2**20)
    ticket = (await until(lambda: desk.more_tickets_than(before)))[-1]
    heard = await who.hears("film.mp4", timeout=PATIENCE)
    assert heard.text == words(
        "file_too_big", language, number=ticket.number, name="film.mp4", megabytes=20
    )
    assert (await desk.tickets())[-1].is_open


async def test_a_network_that_fails_meanwhile_costs_no_file(desk: Running) -> None:
    who = desk.stranger("zh_CN")
    ticket = await opened(desk, who, "zh_CN")
    desk.api.fail("getFile", 502)
    who.photo(PICTURE + b"1")
    await until(lambda: tried(desk, ticket))
    desk.clock.ahead += files.AGAIN * 2
    await file_of(desk, ticket, "stored")


async def tried(desk: Running, ticket: Ticket) -> bool:
    return any(row.attempts for row in await desk.rows(StoredFile, ticket_id=ticket.id))


async def test_a_disk_that_is_full_meanwhile_costs_no_file(
    desk: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(data: bytes) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    who = desk.stranger("zh_CN")
    ticket = await opened(desk, who, "zh_CN")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(desk.program.files, "put", full)
        who.photo(PICTURE + b"2")
        waiting = await until(lambda: postponed(desk, ticket))
    desk.clock.ahead += files.AGAIN
    await file_of(desk, ticket, "stored")
    assert waiting is not None
    assert waiting.attempts == 0


async def postponed(desk: Running, ticket: Ticket) -> StoredFile | None:
    rows = await desk.rows(StoredFile, ticket_id=ticket.id)
    return rows[0] if rows and rows[0].next_at else None


async def taken(desk: Running, language: str) -> tuple[Ticket, Person, Person]:
    """A ticket, its requester, and whoever has just accepted the job."""
    who = desk.stranger(language)
    ticket = await opened(desk, who, language)

    async def asked() -> list[Offer]:
        return await desk.rows(Offer, ticket_id=ticket.id, state="open")

    (offer,) = await until(asked)
    engineer = desk.api.people[FIRST_ID + offer.person_id]
    card = await engineer.hears(ticket.number, button=label("accept", "", "zh_CN"))
    await engineer.presses(card, data_of(card, "accept")).answered(PATIENCE)
    return ticket, who, engineer


@both
async def test_a_photo_and_the_voice_that_answers_it_cross_the_desk(
    desk: Running, language: str
) -> None:
    ticket, who, engineer = await taken(desk, language)
    who.photo(PICTURE + b"crossing")
    slots = {"number": ticket.number, "requester": who.name, "sent": "photo"}
    shown = await engineer.hears(words("requester_sends", "zh_CN", **slots), timeout=PATIENCE)
    picture = desk.api.files.find(shown.raw["photo"][-1]["file_id"])
    assert picture is not None
    assert picture.data == PICTURE + b"crossing"
    said = engineer.voice(b"OggS it is the fuse", reply_to=shown)
    heard = await who.hears(words("term.sent.voice", language), timeout=PATIENCE)
    voice = desk.api.files.find(heard.raw["voice"]["file_id"])
    assert voice is not None
    assert voice.data == b"OggS it is the fuse"
    assert said.raw["voice"]["file_id"] != heard.raw["voice"]["file_id"]


async def test_an_album_stays_one_and_each_of_its_pictures_can_be_answered(desk: Running) -> None:
    ticket, who, engineer = await taken(desk, "zh_CN")
    who.album([PICTURE + name for name in (b"one", b"two", b"three")])
    first = await engineer.hears(words("term.sent.photos", "zh_CN"), timeout=PATIENCE)
    album = [seen for seen in engineer.sees() if "media_group_id" in seen.raw]
    assert len({seen.raw["media_group_id"] for seen in album}) == 1
    assert [seen.id for seen in album] == [first.id, first.id + 1, first.id + 2]
    engineer.says("中间那张看不清", reply_to=album[1])
    await who.hears("中间那张看不清", timeout=PATIENCE)
    assert "relay" in await steps(desk, ticket)
