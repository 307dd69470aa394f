"""Hours and amounts as people write them."""

# ruff: noqa: E501  a table is read by its rows

import pytest

from core.sla.errors import WrongHours
from core.sla.hours import ALWAYS, Week, WorkingDays, parse_amount, parse_hours

NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def written(week: Week) -> str:
    def text(minutes: int) -> str:
        return f"{minutes // 60:02}:{minutes % 60:02}"

    return "; ".join(
        f"{name} "
        + " ".join(
            f"{text(int(w.opens.total_seconds()) // 60)}-{text(int(w.closes.total_seconds()) // 60)}"
            for w in windows
        )
        for name, windows in zip(NAMES, week.days, strict=True)
        if windows
    )


@pytest.mark.parametrize(
    ("text", "week"),
    [
        ("mon 09:00-12:00 13:30-18:00", "mon 09:00-12:00 13:30-18:00"),
        ("mon 13:30-18:00 09:00-12:00", "mon 09:00-12:00 13:30-18:00"),
        ("Mon-Wed 9-17", "mon 09:00-17:00; tue 09:00-17:00; wed 09:00-17:00"),
        ("mon,wed 9:00-17:00", "mon 09:00-17:00; wed 09:00-17:00"),
        ("mon, tue 9-10 11-12, sun 8-9", "mon 09:00-10:00 11:00-12:00; tue 09:00-10:00 11:00-12:00; sun 08:00-09:00"),
        ("sat-mon 9-10", "mon 09:00-10:00; sat 09:00-10:00; sun 09:00-10:00"),
        ("fri 22:00-06:00", "fri 22:00-30:00"),
        ("fri 08:00-08:00", "fri 08:00-32:00"),
        ("fri 00:00-24:00", "fri 00:00-24:00"),
        ("weekends 10:00-16:00", "sat 10:00-16:00; sun 10:00-16:00"),
        ("周一至周二 9:00-12:00,13:30-18:00", "mon 09:00-12:00 13:30-18:00; tue 09:00-12:00 13:30-18:00"),
        ("星期六9:00-12:00；星期日休息", "sat 09:00-12:00"),
        ("周一-三 9-10", "mon 09:00-10:00; tue 09:00-10:00; wed 09:00-10:00"),
        ("mon - tue 09:00 - 10:00", "mon 09:00-10:00; tue 09:00-10:00"),
        ("mon–tue 09：00–10：00", "mon 09:00-10:00; tue 09:00-10:00"),
        ("mon 9-10; tue off", "mon 09:00-10:00"),
        ("mon: 9am-5:30pm", "mon 09:00-17:30"),
        ("mon 12am-12pm", "mon 00:00-12:00"),
        ("mo/tu 9.30-17.00", "mon 09:30-17:00; tue 09:30-17:00"),
        ("Mondays 0900-1200/1330-1800", "mon 09:00-12:00 13:30-18:00"),
        ("星期一 9点-17点30分", "mon 09:00-17:30"),
        ("ｍｏｎ　９：００～１０：００", "mon 09:00-10:00"),
    ],
)  # fmt: skip
def test_hours_are_read(text, week):
    assert written(parse_hours(text)) == week


@pytest.mark.parametrize(
    "text", ["24x7", "7x24", "7×24", "24/7", "mon-sun 00:00-24:00", "00:00-24:00", "daily 24h"]
)
def test_round_the_clock_has_many_names(text):
    assert parse_hours(text) == ALWAYS


@pytest.mark.parametrize(
    "text",
    ["", "mon-fri", "mon-foo 9-17", "mon 13pm-2pm", "mon 9-0am", "9-25", "9:60-10:00", "mon 24:00-06:00", "mon 9-12 11-13",
     "mon 9-12; mon 13-14", "nine to five", "mon 9"],
)  # fmt: skip
def test_hours_that_mean_nothing_are_refused(text):
    with pytest.raises(WrongHours):
        parse_hours(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("8h", "8:00:00"), ("90m", "1:30:00"), ("1h30m", "1:30:00"), ("1h 30min 5s", "1:30:05"),
     ("45s", "0:00:45"), ("2小时30分钟", "2:30:00"), ("0h", "0:00:00"), ("100h", "4 days, 4:00:00"),
     ("PT8H", "8:00:00"), ("pt1h30m", "1:30:00"), ("8 hours", "8:00:00"), ("1.5h", "1:30:00"),
     ("1 hr 20 mins", "1:20:00"), ("８ｈ", "8:00:00")],
)  # fmt: skip
def test_amounts_are_read(text, amount):
    assert str(parse_amount(text)) == amount


@pytest.mark.parametrize(
    "text", ["2d", "2wd", "2个工作日", " 2 d ", "P2D", "2 days", "2 working days"]
)
def test_days_are_working_days(text):
    assert parse_amount(text) == WorkingDays(2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8",
        "h",
        "-8h",
        "8x",
        "1d4h",
        "0d",
        "p",
        "pt",
        "P1DT4H",
        "13pm",
        "99999999h",
        "99999d",
        "1.5d",
    ],
)
def test_amounts_that_mean_nothing_are_refused(text):
    with pytest.raises(WrongHours):
        parse_amount(text)
