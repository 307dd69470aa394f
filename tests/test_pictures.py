"""What is drawn is what is so, in Chinese glyphs; without a typeface the desk answers in words."""

from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
import segno
from PIL import Image

from bot.pictures import NoTypeface, fonts, queue, sticker, week
from bot.pictures.canvas import SCALE, Canvas
from bot.pictures.fonts import Typeface
from bot.pictures.studio import Studio
from core import overviews
from core.files import FileStore
from core.people import Site
from tests.scenario import Scenario

FOUND = fonts.find()
DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
has_typeface = pytest.mark.skipif(FOUND is None, reason="no typeface with Chinese characters")


@pytest.fixture
def face() -> Typeface:
    assert FOUND is not None
    return FOUND


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGB")


def colours(picture: Image.Image) -> set[tuple[int, ...]]:
    found = picture.getcolors(1 << 24)
    assert found is not None
    return {colour for _, colour in found if isinstance(colour, tuple)}


def rgb(hexed: str) -> tuple[int, int, int]:
    return int(hexed[1:3], 16), int(hexed[3:5], 16), int(hexed[5:7], 16)


# -- the typeface


def test_a_folder_without_typefaces_has_none(tmp_path: Path) -> None:
    assert fonts.find("", (str(tmp_path),)) is None


@pytest.mark.skipif(not DEJAVU.exists(), reason="DejaVu is not installed")
def test_a_typeface_without_chinese_characters_is_none() -> None:
    assert fonts.find(str(DEJAVU)) is None


@has_typeface
def test_two_characters_do_not_look_alike(face: Typeface) -> None:
    font = face.at(24)
    assert bytes(font.getmask("派")) != bytes(font.getmask("单"))


# -- the week


async def drawn_week(desk: Scenario, first: date) -> overviews.DutyWeek:
    reader = await desk.person("zhao.hong")
    return await desk.desk.store.read(
        lambda tx: overviews.duty_week(tx, desk.desk, reader, first, desk.moment)
    )


async def test_the_week_has_a_row_for_everybody_with_hours_and_each_day_is_cut(
    desk: Scenario,
) -> None:
    found = await drawn_week(desk, date(2026, 11, 23))
    resident = next(row for row in found.rows if row.name == "李伟")
    assert [bar.day.day for bar in resident.bars] == [23, 24, 25, 26, 27]
    assert found.closed == {date(2026, 11, 28), date(2026, 11, 29)}


@has_typeface
async def test_leave_and_the_gap_it_leaves_are_in_the_picture(
    desk: Scenario, face: Typeface
) -> None:
    before = colours(opened(week.draw(await drawn_week(desk, date(2026, 11, 23)), face)))
    await desk.asks("li.wei", "leave", "2026-11-25")
    after = colours(opened(week.draw(await drawn_week(desk, date(2026, 11, 23)), face)))
    for kind in ("leave", "gap"):
        shade = rgb(week.SHADES[kind][0])
        assert shade not in before
        assert shade in after


@pytest.mark.parametrize(
    ("said", "first"),
    [("", (11, 23)), ("tomorrow", (11, 24)), ("下周", (11, 30)), ("12-24", (12, 24))],
)
async def test_a_week_begins_where_it_is_said(
    desk: Scenario, said: str, first: tuple[int, int]
) -> None:
    assert overviews.first_day(desk.desk, said, desk.moment) == date(2026, *first)


# -- the queue


@has_typeface
async def test_a_late_ticket_is_red_in_the_queue(desk: Scenario, face: Typeface) -> None:
    await desk.hears("tang.wei", "珠海香洲店 收款机开不了机 黑屏 客人排队 急")
    reader = await desk.person("zhao.hong")

    async def drawn() -> set[tuple[int, ...]]:
        facts = await desk.desk.store.read(
            lambda tx: overviews.queue(tx, desk.desk, reader, desk.moment)
        )
        return colours(opened(queue.draw(facts, face)))

    await desk.time_passes(minutes=1)
    assert rgb(queue.TINT) not in await drawn()
    await desk.time_passes(hours=4)
    assert rgb(queue.TINT) in await drawn()


@has_typeface
def test_words_without_room_end_in_an_ellipsis(face: Typeface) -> None:
    sheet = Canvas(100, 20, face)
    cut = sheet.fitted("珠江新城二十三楼会议室", 12, 60)
    assert cut.endswith("…")
    assert sheet.length(cut, 12) <= 60
    assert sheet.fitted("总部", 12, 60) == "总部"


# -- the sticker


@has_typeface
def test_the_code_on_a_sticker_is_the_link_to_the_arrival(face: Typeface) -> None:
    site = Site(code="GZ-TH", name="天河营业部", name_en="Tianhe branch", code_on_site="k3_x-9Qa")
    picture = opened(sticker.draw("paidan_bot", site, face))
    wanted = segno.make("https://t.me/paidan_bot?start=c_k3_x-9Qa", error="q", micro=False)
    rows = [[bool(dark) for dark in row] for row in wanted.matrix]
    side = int(sticker.SIDE * SCALE // len(rows))
    left = round(sticker.WIDTH * SCALE / 2 - side * len(rows) / 2)
    top = round((sticker.TOP + sticker.SIDE / 2) * SCALE - side * len(rows) / 2)
    seen = [
        [
            picture.getpixel((left + x * side + side // 2, top + y * side + side // 2))[0] < 128  # type: ignore[index]
            for x in range(len(rows))
        ]
        for y in range(len(rows))
    ]
    assert seen == rows


# -- without a typeface


async def test_without_a_typeface_nothing_is_drawn(
    desk: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "find", lambda given="": None)
    studio = Studio(desk.desk, FileStore(tmp_path))
    with pytest.raises(NoTypeface):
        await studio.week(await desk.person("zhao.hong"), "")


async def test_the_week_is_told_in_words_where_there_is_no_picture(desk: Scenario) -> None:
    await desk.asks("zhao.hong", "duty")
    lines = str(desk.last("zhao.hong", "lines").params["lines"])
    assert "周三 11-25：李伟 08:50–18:10" in lines
