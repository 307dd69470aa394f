"""Opening hours as people write them: "mon-fri 09:00-12:00 13:30-18:00", "22:00-06:00", "7x24"."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from unicodedata import normalize

from core.sla.errors import WrongHours

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """From one time of day to another, counted from local midnight.

    It belongs to the day on which it opens. One over midnight closes after 24 hours.
    """

    opens: timedelta
    closes: timedelta

    def __post_init__(self) -> None:
        if not (timedelta() <= self.opens < DAY and self.opens < self.closes <= self.opens + DAY):
            raise WrongHours(f"no window of a day: {self.opens} to {self.closes}")


Windows = tuple[Window, ...]
ALL_DAY: Windows = (Window(timedelta(), DAY),)


@dataclass(frozen=True, slots=True)
class Week:
    """The windows of Monday to Sunday, and those of a make-up working day."""

    days: tuple[Windows, Windows, Windows, Windows, Windows, Windows, Windows]
    makeup: Windows | None = None

    @property
    def normal(self) -> Windows:
        """A normal day's hours: the commonest of the week, unless told otherwise."""
        if self.makeup is not None:
            return self.makeup
        worked = Counter(windows for windows in self.days if windows)
        return worked.most_common(1)[0][0] if worked else ()


ALWAYS = Week((ALL_DAY,) * 7)

_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS = {name: number for number, name in enumerate(_NAMES)}
_DAYS |= {
    name: number
    for number, name in enumerate(
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    )
}
_DAYS |= {
    f"{prefix}{day}": i for prefix in ("周", "星期") for i, day in enumerate("一二三四五六日")
}
_DAYS |= {f"{day}s": number for day, number in _DAYS.items() if day.endswith("day")}
_DAYS |= {name[:2]: number for number, name in enumerate(_NAMES)}
_DAYS |= {"周天": 6, "星期天": 6, "tues": 1, "thur": 3, "thurs": 3}
_SETS = {
    "daily": range(7),
    "everyday": range(7),
    "每天": range(7),
    "all": range(7),
    "weekdays": range(5),
    "workdays": range(5),
    "m-f": range(5),
    "工作日": range(5),
    "weekends": range(5, 7),
    "周末": range(5, 7),
}
_ROUND_THE_CLOCK = {"24x7", "7x24", "24/7", "7/24", "24×7", "7×24", "24*7", "7*24"}
_TIME = r"(\d{1,2})(?:[:.点时]?(\d{2})分?)?[点时]?(am|pm)?"  # 9, 09:00, 0900, 9.30, 9点30分, 9am
_WINDOW = re.compile(f"{_TIME}-{_TIME}")
_SIGNS = str.maketrans(dict.fromkeys("–—~至到", "-") | dict.fromkeys("、，", ",") | {"；": ";"})


def parse_hours(text: str) -> Week:
    """Groups of days and windows; windows before any day mean every day.

    A group begins where a day follows a window: "mon-thu 9:00-18:00, fri 9:00-16:00; sat off".
    """
    plain = _plain(text)
    if plain.replace(" ", "") in _ROUND_THE_CLOCK:
        return ALWAYS
    week: list[list[Window]] = [[] for _ in range(7)]
    named: set[int] = set()
    for days, windows in _groups(plain, text):
        for day in days:
            if day in named:
                raise WrongHours(f"{_NAMES[day]} is named twice in {text!r}")
            named.add(day)
            week[day] = _apart(windows, text)
    mon, tue, wed, thu, fri, sat, sun = (tuple(windows) for windows in week)
    return Week((mon, tue, wed, thu, fri, sat, sun))


def parse_windows(text: str) -> Windows:
    """The windows of one day: "09:00-12:00 13:30-18:00"."""
    windows = [_window(token, text) for token in re.split(r"[\s,;/]+", _plain(text)) if token]
    if not windows:
        raise WrongHours(f"no hours in {text!r}")
    return tuple(_apart(windows, text))


def _plain(text: str) -> str:
    """In one width and case, with nothing around a dash or before am and pm."""
    plain = normalize("NFKC", text).translate(_SIGNS).strip().lower()
    plain = re.sub(r"(?<=\d)\s+(?=[ap]m\b)", "", plain)
    return re.sub(r"\s*-\s*", "-", plain)


def _tokens(plain: str) -> Iterator[str]:
    """Days, windows and words; "mon/tue" and "mon+tue" are two days, "24/7" is one word."""
    plain = re.sub(r"(?<=[一二三四五六日天末])(?=[\d休全])", " ", plain)  # 周一至周五9:00-18:00
    for part in re.split(r"[\s,;]+", plain):
        for token in [part] if part in _ROUND_THE_CLOCK else re.split(r"[/+&]", part):
            if token:
                yield token.removesuffix(":")


def _groups(plain: str, text: str) -> Iterator[tuple[list[int], list[Window]]]:
    days: list[int] = []
    windows: list[Window] = []
    closed = False
    for token in _tokens(plain):
        if (named := _days(token)) is not None:
            if windows or closed:
                yield days, windows
                days, windows, closed = [], [], False
            days = days + named
        elif token in {"off", "closed", "休息", "休"}:
            closed = True
        elif token in _ROUND_THE_CLOCK | {"24h", "全天"}:
            windows = [*windows, *ALL_DAY]
        else:
            windows = [*windows, _window(token, text)]
        if windows and not days:
            days = list(range(7))
    if not windows and not closed:
        raise WrongHours(f"no hours in {text!r}" if not days else f"days without hours in {text!r}")
    yield days, windows


def _days(token: str) -> list[int] | None:
    if token in _SETS:
        return list(_SETS[token])
    if token in _DAYS:
        return [_DAYS[token]]
    first, dash, last = token.partition("-")
    if dash and first in _DAYS:
        # "周一-五" is how it is written on Chinese doors
        end = _DAYS.get(last, _DAYS.get(f"周{last}"))
        if end is not None:
            start = _DAYS[first]
            return [(start + step) % 7 for step in range((end - start) % 7 + 1)]
    return None


def _window(token: str, text: str) -> Window:
    match = _WINDOW.fullmatch(token)
    if match is None:
        raise WrongHours(f"{token!r} in {text!r} is neither a day nor hours like 09:00-18:00")
    opens = _time_of_day(match[1], match[2], match[3], token)
    closes = _time_of_day(match[4], match[5], match[6], token)
    if opens == DAY:
        raise WrongHours(f"{token!r} in {text!r} opens at 24:00: write 00:00 of the next day")
    return Window(opens, closes if closes > opens else closes + DAY)


def _time_of_day(hour: str, minute: str | None, half: str | None, token: str) -> timedelta:
    hours, minutes = int(hour), int(minute or 0)
    if half and not 1 <= hours <= 12:
        raise WrongHours(f"no such time of day in {token!r}")
    if half:
        hours = hours % 12 + (12 if half == "pm" else 0)
    moment = timedelta(hours=hours, minutes=minutes)
    if moment > DAY or minutes > 59:
        raise WrongHours(f"no such time of day in {token!r}")
    return moment


def _apart(windows: list[Window], text: str) -> list[Window]:
    windows = sorted(windows)
    for earlier, later in pairwise(windows):
        if later.opens < earlier.closes:
            raise WrongHours(f"two windows of one day overlap in {text!r}")
    return windows


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """An amount counted in days of a calendar, not in hours of opening time."""

    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise WrongHours("working days are counted from 1")


Amount = timedelta | WorkingDays

_LONGEST = timedelta(days=36_525)
_NUMBER = r"(\d+(?:\.\d{1,4})?)"
_AMOUNT = re.compile(
    rf"(?:{_NUMBER}(?:h|hrs?|hours?|个?小时))?"
    rf"(?:{_NUMBER}(?:m|mins?|minutes?|分钟?))?"
    r"(?:(\d+)(?:s|secs?|seconds?|秒钟?))?"
)
_WORKING_DAYS = re.compile(r"(\d+)(?:d|wd|days?|workingdays?|个?工作日|天)")
_ISO = re.compile(r"^(?:pt(?=\d)|p(?=\d+d$))")


def parse_amount(text: str) -> Amount:
    """ "8h", "90m", "1h30m", "45s", "PT8H" of open time; "2d" and "P2D" are two working days."""
    plain = _ISO.sub("", "".join(normalize("NFKC", text).lower().split()))
    if match := _WORKING_DAYS.fullmatch(plain):
        if int(match[1]) > _LONGEST.days:
            raise WrongHours(f"{text!r} is longer than a hundred years")
        return WorkingDays(int(match[1]))
    if plain.startswith("-"):
        raise WrongHours(f"an amount of working time is not negative: {text!r}")
    match = _AMOUNT.fullmatch(plain)
    if not plain or match is None:
        raise WrongHours(f"{text!r} is no amount of time: write 8h, 90m, 1h30m, 45s or 2d")
    hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
    seconds += 3600 * hours + 60 * minutes
    if seconds > _LONGEST.total_seconds():
        raise WrongHours(f"{text!r} is longer than a hundred years")
    return int(seconds * 1_000_000) * timedelta.resolution
