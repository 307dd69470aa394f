"""One row being read: cells become values, and what does not fit is noted with its place."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from core.dispatch.rota import BadRota, read_pattern
from core.register import ZONE
from core.sheet.values import Row

DECIMALS = 7  # a centimetre on the map; a workbook keeps no more than fifteen digits
_YES = {"true", "yes", "y", "1", "是", "√", "✓", "x", "启用", "在用", "在职"}
_NO = {"", "false", "no", "n", "0", "否", "停用", "离职", "-"}
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_PHONE_MARKS = re.compile(r"[\s()（）-]")
_MAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


def _holds(sign: str) -> bool:
    """Whether a workbook can hold it, so that whatever was imported can be exported."""
    return (unicodedata.category(sign) not in {"Cc", "Cs"} and sign not in "\ufffe\uffff") or (
        sign in "\n\t"
    )


class Entry:
    """A row's cells on their way to values. Every getter leaves a note instead of raising."""

    def __init__(self, row: Row, problems: list[str]) -> None:
        self.row, self.problems = row, problems

    def wrong(self, key: str, reason: str) -> None:
        self.problems.append(f"{self.row.where(key)}: {reason}")

    def given(self, key: str) -> bool:
        return self.row.cells.get(key) not in (None, "", [], ())

    def text(self, key: str, *, needed: bool = False) -> str:
        value = self.row.cells.get(key)
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # a sheet keeps the code 1001 as a number
        if isinstance(value, list | Mapping):
            self.wrong(key, f"{value!r} is not one text")
            return ""
        found = "" if value is None else str(value).replace("\r\n", "\n").strip()
        if any(not _holds(sign) for sign in found):
            self.wrong(key, "holds characters that are no text")
            return ""
        if needed and not found:
            self.wrong(key, "is missing")
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """Several texts: a list, one to a line, or with ; or , between."""
        value = self.row.cells.get(key)
        if value is None or value == "":
            return ()
        if not isinstance(value, list | tuple):
            whole = self.text(key)
            value = whole.split("\n") if "\n" in str(value) else re.split(r"[;；,，、]", whole)
        found = tuple(told for item in value if (told := " ".join(str(item).split())))
        if any(not _holds(sign) for told in found for sign in told):
            self.wrong(key, "holds characters that are no text")
        return found

    def hours(self, key: str) -> tuple[str, ...]:
        """Weekly patterns; a comma may stand within one, so only ; and lines part them."""
        value = self.row.cells.get(key)
        if isinstance(value, str):
            value = re.split(r"[;；\n]", value)
        elif value is not None and not isinstance(value, list | tuple):
            self.wrong(key, f"{value!r} is no weekly hours such as Mon-Fri 08:00-17:00")
            return ()
        patterns = tuple(told for item in value or () if (told := " ".join(str(item).split())))
        for pattern in patterns:
            try:
                read_pattern(pattern)
            except BadRota as fault:
                self.wrong(key, f"{pattern!r}: {fault.reason}")
        return patterns

    def one_of(
        self,
        key: str,
        allowed: Collection[str],
        *,
        default: str = "",
        words: Mapping[str, str] | None = None,
    ) -> str:
        value = self.text(key) or default
        value = (words or {}).get(value, value)
        self.check(key, value, allowed)
        return value

    def check(self, key: str, value: str, allowed: Collection[str]) -> None:
        if value not in allowed:
            self.wrong(key, f"{value!r} is none of {', '.join(sorted(allowed))}")

    def known(self, key: str, value: str, codes: Collection[str], what: str) -> None:
        if value and value not in codes:
            self.wrong(key, f"there is no {what} {value!r}")

    def number(self, key: str, low: float, high: float) -> float | None:
        value = self.row.cells.get(key)
        if value is None or value == "":
            return None
        try:
            found = round(float(str(value)), DECIMALS)
        except ValueError:
            self.wrong(key, f"{value!r} is no number")
            return None
        if isinstance(value, bool) or not low <= found <= high:
            self.wrong(key, f"{value} is not between {low:g} and {high:g}")
            return None
        return found

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self.row.cells.get(key)
        if value is None or value == "":
            return default
        word = str(value).strip().casefold().removesuffix(".0")
        if word not in _YES | _NO:
            self.wrong(key, f"{value!r} is neither yes nor no (是, 否)")
        return word in _YES

    def day(self, key: str) -> date | None:
        return self.as_day(key, self.row.cells.get(key))

    def as_day(self, key: str, value: Any) -> date | None:
        if value is None or value == "":
            return None
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value).strip().replace("/", "-"))
        except ValueError:
            self.wrong(key, f"{value!r} is no date such as 2026-11-22")
            return None

    def days(self, key: str) -> list[str]:
        value = self.row.cells.get(key)
        items = value if isinstance(value, list | tuple) else (value,)
        if isinstance(value, str):
            items = re.split(r"[;；,，、\s]+", value.strip())
        return [found.isoformat() for item in items if (found := self.as_day(key, item))]

    def special(self, key: str) -> dict[str, str]:
        """Hours of single dates: a table, or lines of a date and its hours."""
        value = self.row.cells.get(key)
        if not value:
            return {}
        if isinstance(value, Mapping):
            pairs = [(str(day), str(hours)) for day, hours in value.items()]
        else:
            lines = re.split(r"[;；\n]", str(value))
            pairs = [
                (line.split()[0], " ".join(line.split()[1:])) for line in lines if line.split()
            ]
        found = {}
        for day, hours in pairs:
            if (when := self.as_day(key, day)) is not None:
                found[when.isoformat()] = hours
        return found

    def end_of(self, key: str) -> datetime | None:
        """A day that is still good: until its last moment, in the desk's zone."""
        day = self.day(key)
        return None if day is None else datetime.combine(day, time.max, ZONE).astimezone(UTC)

    def moment(self, key: str) -> datetime | None:
        value = self.row.cells.get(key)
        if value is None or value == "":
            self.wrong(key, "is missing")
            return None
        try:
            if isinstance(value, date) and not isinstance(value, datetime):
                value = datetime.combine(value, time())
            if not isinstance(value, datetime):
                value = datetime.fromisoformat(str(value).strip().replace("/", "-"))
        except ValueError:
            self.wrong(key, f"{value!r} is no moment such as 2026-11-22 08:00")
            return None
        return (value if value.tzinfo else value.replace(tzinfo=ZONE)).astimezone(UTC)

    def phone(self, key: str) -> str:
        """In the form +8613800000101; a mainland mobile may come without its +86."""
        told = self.text(key)
        number = _PHONE_MARKS.sub("", told)
        if _MOBILE.fullmatch(number):
            return f"+86{number}"
        if number and not _PHONE.fullmatch(number):
            self.wrong(key, f"{told!r} is no telephone number such as +8613800000101")
        return number

    def mail(self, key: str) -> str:
        told = self.text(key).lower()
        if told and not _MAIL.fullmatch(told):
            self.wrong(key, f"{told!r} is no mail address")
        return told

    def zone(self, key: str, *, default: str) -> str:
        name = self.text(key) or default
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            self.wrong(key, f"there is no time zone {name!r}")
        return name
