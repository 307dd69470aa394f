"""Moments as people type them: a clock time, a day word, a date."""

import re
import unicodedata
from datetime import date, datetime, time, timedelta

_DAYS = {"今天": 0, "今日": 0, "today": 0, "明天": 1, "明日": 1, "tomorrow": 1, "后天": 2}
_PAST_DAYS = {"": 0, "今天": 0, "today": 0, "昨天": 1, "昨日": 1, "yesterday": 1, "前天": 2}
_ROUNDED_UP = timedelta(minutes=5)  # who looks at the clock says "five past" a little early
_TIME = re.compile(
    r"(?P<part>上午|早上|中午|下午|晚上)?\s*(?P<hour>\d{1,2})"
    r"(?:[:时点](?P<minute>\d{1,2})?分?(?P<half>半)?|(?=\s*[ap]m))\s*(?P<half_day>am|pm)?",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?:(?P<year>\d{4})[-/年])?(?P<month>\d{1,2})[-/月](?P<day>\d{1,2})日?")
_AFTERNOON = {"下午", "晚上", "pm"}


def read_moment(text: str, now: datetime, usual: time | None = None) -> datetime | None:
    """The moment that is meant, in the zone of `now`; without a day the next such time of day.

    `usual` is the time of day where only a day is named; without it such a text names no moment.
    """
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    dated = _DATE.search(plain)
    rest = plain.replace(dated[0], " ") if dated else plain
    spoken = _TIME.search(rest)
    day = _date(dated, now) if dated else _named_day(plain, now)
    at = _time(spoken) if spoken else (usual if day else None)
    if at is None:
        return None
    if day is None and dated:
        return None
    moment = datetime.combine(day or now.date(), at, now.tzinfo)
    return moment + timedelta(days=1) if day is None and moment <= now else moment


def read_past_moment(text: str, now: datetime) -> datetime | None:
    """The moment that is meant, if the text is nothing but one: the last such time of day."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    dated = _DATE.search(plain)
    rest = plain.replace(dated[0], " ") if dated else plain
    spoken = _TIME.search(rest)
    at = _time(spoken) if spoken else None
    if spoken is None or at is None:
        return None
    word = rest.replace(spoken[0], " ").strip()
    if word and (word not in _PAST_DAYS or dated):
        return None
    day = _date(dated, now) if dated else now.date() - timedelta(days=_PAST_DAYS.get(word, 0))
    if day is None:
        return None
    moment = datetime.combine(day, at, now.tzinfo)
    is_ahead = moment > now + _ROUNDED_UP
    return moment - timedelta(days=1) if is_ahead and not word and not dated else moment


def _time(spoken: "re.Match[str]") -> time | None:
    hour = int(spoken["hour"])
    minute = 30 if spoken["half"] else int(spoken["minute"] or 0)
    if (spoken["part"] in _AFTERNOON or spoken["half_day"] == "pm") and hour < 12:
        hour += 12
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _date(dated: "re.Match[str]", now: datetime) -> date | None:
    try:
        return date(int(dated["year"] or now.year), int(dated["month"]), int(dated["day"]))
    except ValueError:
        return None


def _named_day(plain: str, now: datetime) -> date | None:
    for word, ahead in _DAYS.items():
        if word in plain:
            return now.date() + timedelta(days=ahead)
    return None
