"""Files that come with a ticket reach the other side: once, in order, and nobody else."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import pytest

from bot.cards import Renderer
from channels.telegram import limits
from channels.telegram.limits import ChatMessage
from core import files
from core.errors import FileTooLarge, FileVanished, Undeliverable
from core.messages import File, Letter
from core.people import Address
from core.ports import Capabilities, Tx
from core.rows import Sent
from core.telling import parcels
from core.ticket import FileShown, StoredFile
from core.words import say
from tests.scenario import PHOTO, Scenario
from tests.test_story import accepted, asked, dispatched

VOICE = File(kind="voice", type="audio/ogg", size=900, source="voice-1")
Fetch = Callable[[File], Awaitable[bytes]]


class MemoryFiles:
    """core.ports.Files for what is never read again."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, data: bytes) -> str:
        self.kept[data.hex()] = data
        return data.hex()

    async def get(self, sha256: str) -> bytes | None:
        return self.kept.get(sha256)


async def at_once(file: File) -> bytes:
    return file.source.encode()


def failing(fault: Exception, *sources: str) -> Fetch:
    async def fetch(file: File) -> bytes:
        if not sources or file.source in sources:
            raise fault
        return await at_once(file)

    return fetch


def photo(name: str) -> File:
    return replace(PHOTO, name="", source=name)


async def fetched(desk: Scenario, fetch: Fetch = at_once) -> None:
    """The worker that brings in files has had its turn."""
    fetchers: Mapping[str, Fetch] = dict.fromkeys(desk.channels, fetch)
    await files.fetch_wanted(desk.desk, MemoryFiles(), fetchers)
    await desk.settle()


def got(desk: Scenario, who: str, channel: str = "") -> list[list[str]]:
    """What came with each letter that carried files, by where the desk had them from."""
    return [
        [bytes.fromhex(file.sha256).decode() for file in letter.files]
        for letter in desk.letters(who, channel)
        if letter.files
    ]


def of_kind(desk: Scenario, who: str, kind: str, channel: str = "telegram") -> list[Letter]:
    return [letter for letter in desk.letters(who, channel) if letter.kind == kind]


async def at_work(desk: Scenario) -> tuple[str, str]:
    number, engineer = await accepted(desk)
    for action in ("depart", "arrive"):
        await desk.does(engineer, action, number)
    return number, engineer


async def replies(desk: Scenario, who: str, text: str = "", *brought: File) -> None:
    """To the newest message of the desk about the ticket."""
    sent = await desk.desk.store.read(lambda tx: tx.find(Sent, order="-id", address=who))
    await desk.hears(who, text, files=brought, reply_to=(sent[0].message_id,))


async def only_by(desk: Scenario, who: str, channel: str) -> None:
    person = await desk.person(who)

    def body(tx: Tx) -> None:
        tx.delete(Address, person_id=person.id)
        tx.insert(Address(person_id=person.id, channel=channel, value=who, verified_at=desk.moment))

    await desk.desk.store.write(body)


# -- to the engineer


async def test_a_photo_of_the_requester_reaches_the_engineer_once_it_is_here(
    desk: Scenario,
) -> None:
    number, engineer = await accepted(desk)
    await desk.hears("tang.wei", "", files=(photo("screen"),))
    assert desk.heard(engineer)[-1] != "requester_says"
    await fetched(desk)
    (letter,) = of_kind(desk, engineer, "requester_sends")
    assert (letter.params, letter.ticket) == (
        {"number": number, "requester": "唐薇", "sent": "photo"},
        number,
    )
    assert got(desk, engineer) == [["screen"]]


async def test_words_go_at_once_and_their_photo_follows(desk: Scenario) -> None:
    _, engineer = await accepted(desk)
    await desk.hears("tang.wei", "后门进来", files=(photo("door"),))
    assert desk.last(engineer).params["text"] == "后门进来"
    await fetched(desk)
    assert desk.heard(engineer)[-2:] == ["requester_says", "requester_sends"]


async def test_an_album_is_one_letter_in_its_order(desk: Scenario) -> None:
    _, engineer = await accepted(desk)
    for name in ("first", "second", "third"):
        await desk.hears("tang.wei", "", files=(photo(name),), album="7")
    await fetched(desk)
    assert got(desk, engineer) == [["first", "second", "third"]]
    assert desk.last(engineer).params["sent"] == "photos"


async def test_who_takes_the_job_later_sees_what_came_before(desk: Scenario) -> None:
    number = await dispatched(desk)
    engineer = await asked(desk, number)
    await desk.hears("tang.wei", "", files=(photo("early"),))
    await fetched(desk)
    assert got(desk, engineer) == []
    await desk.does(engineer, "accept", number)
    assert got(desk, engineer) == [["early"]]
    assert desk.heard(engineer)[-1] == "requester_sends"


async def test_of_many_earlier_photos_the_last_ten_go_along(desk: Scenario) -> None:
    number = await dispatched(desk)
    engineer = await asked(desk, number)
    for n in range(12):
        await desk.hears("tang.wei", "", files=(photo(f"{n}"),))
        await fetched(desk)
    await desk.does(engineer, "accept", number)
    await desk.hears("tang.wei", "", files=(photo("12"),))
    await fetched(desk)
    assert got(desk, engineer) == [[f"{n}" for n in range(2, 12)], ["12"]]


async def test_a_job_that_is_handed_on_takes_its_files_along(desk: Scenario) -> None:
    number, engineer = await at_work(desk)
    await desk.hears("tang.wei", "", files=(photo("before"),))
    await replies(desk, engineer, "配件照片", photo("part"))
    await fetched(desk)
    await desk.does("wen.ting", "reassign", number, "li.wei")
    await desk.does("li.wei", "accept", number)
    assert got(desk, "li.wei") == [["before"], ["part"]]
    assert [x.kind for x in desk.letters("li.wei") if x.files] == [
        "requester_sends",
        "colleague_sends",
    ]
    await desk.hears("tang.wei", "", files=(photo("after"),))
    await fetched(desk)
    assert got(desk, "li.wei")[2:] == [["after"]]
    assert got(desk, engineer) == [["before"]]


async def test_the_desk_sees_the_picture_that_it_has_to_judge(desk: Scenario) -> None:
    await desk.hears("xu.lan", "", files=(photo("riddle"),))
    await fetched(desk)
    await desk.time_passes(minutes=10)
    assert desk.heard("wen.ting")[-2:] == ["desk_proposal", "requester_sends"]
    assert got(desk, "wen.ting") == [["riddle"]]


async def test_the_desk_is_not_troubled_while_somebody_is_asked(desk: Scenario) -> None:
    await dispatched(desk)
    await desk.hears("tang.wei", "", files=(photo("till"),))
    await fetched(desk)
    assert [got(desk, who) for who in ("wen.ting", "liang.zhiming")] == [[], []]


async def test_a_picture_with_a_hand_over_is_for_the_next_engineer_alone(desk: Scenario) -> None:
    number, engineer = await at_work(desk)
    await desk.does(engineer, "hand_over", number)
    await desk.hears(engineer, "li.wei 缺这个配件", files=(photo("part"),))
    await fetched(desk)
    await desk.does("li.wei", "accept", number)
    assert (got(desk, "li.wei"), got(desk, "tang.wei")) == ([["part"]], [])


# -- to the requester


async def test_the_photo_of_a_result_reaches_the_requester(desk: Scenario) -> None:
    number, engineer = await at_work(desk)
    await desk.does(engineer, "resolve", number)
    await desk.hears(engineer, "", files=(photo("repaired"),))
    await fetched(desk)
    assert (await desk.ticket(number)).status == "resolved"
    assert desk.heard("tang.wei")[-2:] == ["resolved_check", "engineer_sends"]
    assert got(desk, "tang.wei") == [["repaired"]]


async def test_an_album_of_results_reaches_the_requester_and_is_answered_once(
    desk: Scenario,
) -> None:
    number, engineer = await at_work(desk)
    await desk.does(engineer, "resolve", number)
    heard = len(desk.heard(engineer))
    for name in ("before", "after", "invoice"):
        await desk.hears(engineer, "", files=(photo(name),), album="9")
    await fetched(desk)
    assert got(desk, "tang.wei") == [["before", "after", "invoice"]]
    assert desk.heard(engineer)[heard:] == ["job_moved"]


async def test_a_voice_that_answers_the_card_reaches_the_requester_as_an_answer(
    desk: Scenario,
) -> None:
    number, engineer = await accepted(desk)
    await replies(desk, engineer, "", VOICE)
    await fetched(desk)
    (letter,) = of_kind(desk, "tang.wei", "engineer_sends")
    assert (letter.params["sent"], letter.files[0].kind) == ("voice", "voice")
    assert [s.action for s in await desk.journal(number)][-2:] == ["relay", "human_reply"]


async def test_a_photo_goes_on_when_it_is_said_for_whom_it_is(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.hears(engineer, "", files=(photo("asked"),))
    await fetched(desk)
    assert got(desk, "tang.wei") == []
    await desk.does(engineer, "relay", number, desk.last(engineer, "whose_words").choices[0].arg)
    assert got(desk, "tang.wei") == [["asked"]]


@pytest.mark.parametrize("what", ["note", "complain"])
async def test_what_stays_inside_keeps_its_files(desk: Scenario, what: str) -> None:
    number, engineer = await accepted(desk)
    if what == "note":
        said = f"备注 {number} 机房照片"
        await desk.hears("wen.ting", said, files=(photo("inside"),), detail={"typed": said})
    else:
        await desk.does("tang.wei", "complain", number)
        await desk.hears("tang.wei", "工程师态度不好", files=(photo("inside"),))
    await fetched(desk)
    kept = await desk.desk.store.read(lambda tx: tx.find(StoredFile))
    assert [file.state for file in kept] == ["stored"]
    assert [got(desk, who) for who in ("tang.wei", engineer)] == [[], []]


# -- what cannot go


@pytest.mark.parametrize(
    ("fault", "to_sender"), [(FileTooLarge(), "file_too_big"), (FileVanished(), "file_gone")]
)
async def test_both_sides_hear_of_a_photo_that_cannot_be_had(
    desk: Scenario, fault: Exception, to_sender: str
) -> None:
    _, engineer = await accepted(desk)
    await desk.hears("tang.wei", "", files=(photo("lost"),))
    await fetched(desk, failing(fault))
    assert desk.heard("tang.wei")[-1] == to_sender
    assert desk.last(engineer, "file_not_passed_on").params["name"] == "唐薇"


@pytest.mark.parametrize("order", [("slow", "quick"), ("quick", "slow")])
async def test_a_photo_that_is_waited_for_holds_up_no_other(
    desk: Scenario, order: tuple[str, str]
) -> None:
    _, engineer = await accepted(desk)
    for name in order:
        await desk.hears("tang.wei", "", files=(photo(name),))
    await fetched(desk, failing(OSError("away"), "slow"))
    assert got(desk, engineer) == [["quick"]]
    desk.moment += files.AGAIN * 2
    await fetched(desk)
    assert got(desk, engineer) == [["quick"], ["slow"]]


# -- by whatever way


async def test_who_has_only_a_telephone_is_told_that_there_is_a_photo(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await only_by(desk, "tang.wei", "sms")
    await replies(desk, engineer, "", photo("shelf"))
    await fetched(desk)
    (letter,) = of_kind(desk, "tang.wei", "engineer_sends", "sms")
    said = say(letter.kind, letter.params, language="zh_CN", context="sms")
    assert said.startswith(f"单号{number}")
    assert "照片，短信里看不到" in said


async def test_by_mail_all_of_them_are_attached_to_one(desk: Scenario) -> None:
    number = await dispatched(desk)
    engineer = await asked(desk, number)
    for brought in (photo("one"), VOICE, photo("two")):
        await desk.hears("tang.wei", "", files=(brought,))
    await fetched(desk)
    await desk.does(engineer, "accept", number)
    await only_by(desk, engineer, "mail")
    await desk.does("wen.ting", "reassign", number, "li.wei")
    await only_by(desk, "li.wei", "mail")
    await desk.does("li.wei", "accept", number)
    assert got(desk, "li.wei", "mail") == [["one", "voice-1", "two"]]
    assert got(desk, engineer, "telegram") == [["one"], ["voice-1"], ["two"]]


async def test_files_go_where_files_can_go(desk: Scenario) -> None:
    _, engineer = await accepted(desk)
    person = await desk.person(engineer)
    await only_by(desk, engineer, "sms")
    await desk.desk.store.write(
        lambda tx: tx.insert(
            Address(person_id=person.id, channel="mail", value=engineer, state="doubtful")
        )
    )
    await desk.hears("tang.wei", "", files=(photo("shelf"),))
    await fetched(desk)
    assert got(desk, engineer) == got(desk, engineer, "mail") == [["shelf"]]


async def test_a_letter_that_is_refused_takes_its_files_to_the_next_address(
    desk: Scenario,
) -> None:
    _, engineer = await accepted(desk)
    await only_by(desk, engineer, "telegram")
    person = await desk.person(engineer)
    await desk.desk.store.write(
        lambda tx: tx.insert(Address(person_id=person.id, channel="mail", value=engineer))
    )
    desk.channels["telegram"].refuses[engineer] = Undeliverable("blocked", permanent=True)
    for name in ("one", "two"):
        await desk.hears("tang.wei", "", files=(photo(name),))
    await fetched(desk)
    assert got(desk, engineer, "mail") == [["one", "two"]]


def test_a_way_takes_as_many_files_as_it_can() -> None:
    a, b, voice = photo("a"), photo("b"), VOICE
    chat, mail, text = (
        Capabilities(files=1, album=2),
        Capabilities(files=20),
        Capabilities(),
    )
    brought = [a, b, a, voice, voice, b]
    assert parcels(brought, chat) == [(a, b), (a,), (voice,), (voice,), (b,)]
    assert parcels(brought, mail) == parcels(brought, text) == [tuple(brought)]
    assert parcels([], chat) == []


# -- as the chat shows it


async def shown(desk: Scenario, *brought: tuple[File, bytes | None]) -> ChatMessage:
    """A letter with these files; None: their bytes are lost."""
    kept = MemoryFiles()
    stored = [
        replace(file, sha256=await kept.put(data) if data is not None else "lost")
        for file, data in brought
    ]
    letter = Letter(
        id=1,
        person_id=None,
        channel="telegram",
        address="1",
        language="en",
        zone="Asia/Shanghai",
        kind="requester_sends",
        params={"number": "100014", "requester": "Tang Wei", "sent": "photo"},
        files=tuple(stored),
        reference="1",
    )
    return await Renderer(desk.desk, b"key", kept)(letter)


async def test_a_picture_whose_bytes_are_lost_is_said_to_be_missing(desk: Scenario) -> None:
    message = await shown(desk, (PHOTO, None))
    assert message.files == ()
    assert say("file_missing", {}, language="en") in message.html


async def test_what_telegram_makes_no_photo_of_arrives_as_it_is(desk: Scenario) -> None:
    large = (PHOTO, b"x" * (limits.PHOTO + 1))
    scan = (replace(PHOTO, type="image/tiff"), b"scan")
    for brought in (large, scan):
        (upload,) = (await shown(desk, brought)).files
        assert (upload.kind, upload.name) == ("document", "p.jpg")
    album = await shown(desk, (PHOTO, b"small"), scan)
    assert [upload.kind for upload in album.files] == ["document", "document"]


@pytest.mark.parametrize("kind", ["voice", "video", "audio"])
async def test_what_can_be_played_stays_so(desk: Scenario, kind: str) -> None:
    message = await shown(desk, (File(kind=kind), b"bytes"))
    assert [upload.kind for upload in message.files] == [kind]


# -- once


async def test_nothing_is_passed_on_twice(desk: Scenario) -> None:
    number = await dispatched(desk)
    engineer = await asked(desk, number)
    await desk.hears("tang.wei", "", files=(photo("early"),))
    await fetched(desk)
    await desk.does(engineer, "accept", number)
    await desk.does(engineer, "accept", number)
    await replies(desk, engineer, "马上到")
    await fetched(desk)
    assert got(desk, engineer) == [["early"]]


async def test_what_two_workers_fetched_is_passed_on_once(desk: Scenario) -> None:
    _, engineer = await accepted(desk)
    await desk.hears("tang.wei", "", files=(photo("twice"),))

    async def meanwhile(file: File) -> bytes:
        await fetched(desk)  # another process was faster
        return await at_once(file)

    await fetched(desk, meanwhile)
    assert got(desk, engineer) == [["twice"]]
    assert await desk.desk.store.read(lambda tx: tx.count(FileShown)) == 1
