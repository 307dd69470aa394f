"""What stands in a slot, in the reader's language: terms, moments, lengths, plain text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, get_args, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.notices import NOTICES, TERMS
from core.words.catalogs import find
from core.words.template import Slot, fill

if TYPE_CHECKING:
    from babel import Locale

HOME = "Asia/Shanghai"

# Slots whose value is a key, and where its words are looked up. The notices' own come first.
PREFIXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **{slot: (f"term.{slot}.",) for slot in TERMS},
        "asked": ("term.asked.", "action."),
        "role": ("term.role.",),
        "wish": ("term.wish.",),
        "device": ("term.device.",),
        "channel": ("term.channel.",),
        "state": ("term.state.",),
        "what": ("term.what.",),
        "complaint": ("term.state.",),
        "deviation": ("term.state.",),
        "action": ("action.",),
        "event": ("term.event.", "action."),
        "calendar": ("term.calendar.",),
        "kind": ("term.day.",),
        "why": ("term.why.",),
        "needs": ("term.needs.",),
        "outcome": ("term.outcome.",),
        "rule": ("term.rule.",),
        "old_rule": ("term.rule.",),
        "occasion": ("term.occasion.",),
        "site_kind": ("term.site_kind.",),
        "severity": ("term.severity.",),
    }
)
# Overrides and isolates of direction: one of them in a name turns the rest of a card round.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
NO_DEVICE = "-"  # what core/understand writes where none was named


_KIND = re.compile(r"\[(\w+)\]")


def brought(text: str, language: str) -> str:
    """What came instead of words, "[photo]" in the journal, as the reader calls it."""
    if "[" not in text:
        return text
    return _KIND.sub(lambda found: find(f"term.brought.{found[1]}", language) or found[0], text)


def upright(text: str) -> str:
    """What somebody wrote, without what would turn the rest of the letter round."""
    return _TURNING.sub("", text)


@cache
def moments_of(kind: str) -> frozenset[str]:
    """Slots that hold a moment: as the notice says; elsewhere, as some notice says of the name."""
    if kind not in NOTICES:
        return frozenset().union(*map(moments_of, NOTICES)) | {"at", "was_due"}
    hints = get_type_hints(NOTICES[kind])
    return frozenset(
        name for name, hint in hints.items() if hint is datetime or datetime in get_args(hint)
    )


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom the words are for, and where they will be read."""

    language: str
    context: str
    zone: str

    def word(self, kind: str, slot: Slot, params: Mapping[str, object]) -> tuple[str, bool]:
        """The words for a slot, and whether there is nothing to say."""
        value = params.get(slot.name)
        if value is None or value == "" or value is False:
            return "", True
        if slot.name == "device" and value == NO_DEVICE:
            return "", True
        if slot.many and isinstance(value, int):
            return f"{value} {slot.one if value == 1 else slot.many}", value == 0
        return self.value(kind, slot.name, value, params), not value  # neither 0 nor no time

    def value(self, kind: str, slot: str, value: object, params: Mapping[str, object]) -> str:
        if value is True:
            return find(f"term.{slot}.yes", self.language) or slot
        if isinstance(value, datetime):
            return self.moment(value)
        if isinstance(value, date):
            return self._formatted("day", value)
        if isinstance(value, timedelta):
            return self.length(value)
        text = str(value)
        if slot in moments_of(kind):
            return self._iso(text)
        return self.term(kind, slot, text, params) or brought(upright(text), self.language)

    def term(self, kind: str, slot: str, key: str, params: Mapping[str, object]) -> str:
        """The words for a key; none where the catalog does not know it: then it is free text."""
        if slot == "reason" and key.startswith("refused_"):
            # A refusal in words names an entry of its own as its reason.
            rest = {name: value for name, value in params.items() if name != slot}
            return fill(
                find(key, self.language, self.context) or key,
                lambda inner: self.word(key, inner, rest),
            )
        prefixes = PREFIXES.get(slot, ())
        if slot in {"arg", "was"} and kind.startswith("step."):
            prefixes = answers(kind.removeprefix("step."))
        for prefix in prefixes:
            if wording := find(prefix + key, self.language, self.context):
                return plain(wording)
        return ""

    def _iso(self, text: str) -> str:
        try:
            return self.moment(datetime.fromisoformat(text))
        except ValueError:
            return text

    def moment(self, value: datetime, *, since: datetime | None = None) -> str:
        """`since`: on the same day the time of day is enough."""
        local = self._local(value)
        same_day = since is not None and self._local(since).date() == local.date()
        return self._formatted("time" if same_day else "moment", local)

    def _local(self, value: datetime) -> datetime:
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(_zone(self.zone))

    def _formatted(self, pattern: str, value: date) -> str:
        from babel.dates import format_date, format_datetime

        wanted = find(pattern, self.language, self.context) or ""
        if isinstance(value, datetime):
            return format_datetime(value, wanted, locale=_locale(self.language))
        return format_date(value, wanted, locale=_locale(self.language))

    def length(self, value: timedelta, *, in_days: bool = True) -> str:
        """In days, hours and minutes; seconds only below a minute."""
        seconds = abs(int(value.total_seconds()))
        units = (
            ("days", seconds // 86_400 if in_days else 0),
            ("hours", seconds // 3600 % 24 if in_days else seconds // 3600),
            ("minutes", seconds // 60 % 60),
        )
        parts = [(unit, count) for unit, count in units if count] or [("seconds", seconds)]
        said = [
            fill(
                find(f"length.{unit}", self.language) or "{n}",
                lambda slot, n=count: self.word("length", slot, {"n": n}),  # type: ignore[misc]
            )
            for unit, count in parts
        ]
        return " ".join(said)


def answers(action: str) -> tuple[str, str]:
    """Where the words for an action's answer are looked up; set_category borrows the terms."""
    return f"arg.{action}.", f"term.{action.removeprefix('set_')}."


def plain(label: str) -> str:
    """A label without the signs in front of its words: for sentences, digits and carriers."""
    start = next((i for i, char in enumerate(label) if char.isalnum()), 0)
    return label[start:]


@cache
def _locale(language: str) -> "Locale":
    """Babel compares a name with those of all its locales, twenty times as long as it formats."""
    from babel import Locale

    return Locale.parse(language)


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(HOME)  # a slip in somebody's zone must not cost them the letter
