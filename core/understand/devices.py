"""Which things a report names, how many of each, and what the ticket calls them."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from typing import Final

from core.understand.fold import data
from core.understand.lexicon import Found

_ENGLISH: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS: Final = {
    **{word: count for count, word in enumerate(_ENGLISH, 1)},
    **{word: count for count, word in enumerate("一二三四五六七八九十", 1)},
    "两": 2,
    "俩": 2,
}
_MEASURES: Final = frozenset("台部个套只张块条")
# What may stand between a number and the thing it counts: "3 台新的 HP", "25 new".
_BETWEEN: Final = (
    _MEASURES
    | frozenset("新旧的")
    | {
        "hp",
        "dell",
        "lenovo",
        "new",
        "old",
        "more",
        "extra",
    }
)
_FARTHEST: Final = 4


@dataclass(frozen=True, slots=True)
class Device:
    """A kind of thing in `devices.toml`."""

    name: str
    label: str
    kind: str
    rank: int
    asset: str = ""  # the register's type; empty: it bears no asset number
    many: str = ""
    in_lists: str = ""

    def tags(self) -> frozenset[str]:
        return frozenset({self.name, f"kind:{self.kind}"})

    def counted(self, count: int, brief: bool) -> str:
        one = (brief and self.in_lists) or self.label
        if count == 1:
            return f"1 {one}"
        return f"{count} {self.many or one + ('' if one[-1] in 'sS' else 's')}"


@dataclass(frozen=True, slots=True)
class Thing:
    """A device in the text, and how many of it; 0: not said."""

    device: Device
    count: int = 0
    term: str = ""


@cache
def devices() -> dict[str, Device]:
    return {
        name: Device(
            name,
            row["label"],
            row["kind"],
            rank,
            row.get("asset", ""),
            row.get("many", ""),
            row.get("in_lists", ""),
        )
        for rank, (name, row) in enumerate(data("devices.toml").items())
    }


def of_terms() -> Iterator[tuple[str, str]]:
    for name, row in data("devices.toml").items():
        for term in row["words"]:
            yield term, name
            yield term, f"kind:{row['kind']}"


def things_in(text: Sequence[str], found: Sequence[Found]) -> list[Thing]:
    """In the order of the text. A list counts one way: "3 PCs, 1 till" or "电脑 3 台、POS 1 台"."""
    known = devices()
    spots = [spot for spot in found if not spot.tags.isdisjoint(known)]
    afterwards = bool(spots) and not _count_before(text, spots[0].start)
    floors = [0, *(spot.end for spot in spots)]  # "win11 密码": the number belongs to the name
    return [
        Thing(known[tag], _count(text, spot, floor, afterwards), spot.term)
        for spot, floor in zip(spots, floors, strict=False)
        for tag in sorted(spot.tags & known.keys(), key=lambda tag: known[tag].rank)
    ]


def number(token: str) -> int:
    """What a token counts, 0 where it counts nothing."""
    if token.isdigit():
        return int(token) if len(token) <= 3 else 0
    return _NUMBERS.get(token, 0)


def _count(text: Sequence[str], spot: Found, floor: int, afterwards: bool) -> int:
    measured = spot.end + 1 < len(text) and text[spot.end + 1] in _MEASURES
    if afterwards and measured and (counted := number(text[spot.end])):
        return counted
    return _count_before(text, spot.start, floor)


def _count_before(text: Sequence[str], start: int, floor: int = 0) -> int:
    for at in range(start - 1, max(start - _FARTHEST, floor) - 1, -1):
        if counted := number(text[at]):
            return 0 if at and text[at - 1] == "第" else counted
        if text[at] not in _BETWEEN:
            break
    return 0


def choose(things: Sequence[Thing], preferred: Sequence[str]) -> Thing | None:
    """The first thing named of the first preferred kind."""
    for wish in preferred:
        fitting = [thing for thing in things if wish in thing.device.tags()]
        if fitting:
            return fitting[0]
    return None


def listed(things: Sequence[Thing], kinds: AbstractSet[str]) -> str:
    """`12 PCs, 2 printers, 1 POS`: the things that were counted."""
    counted: dict[str, Thing] = {}
    for thing in things:
        if thing.count and not kinds.isdisjoint(thing.device.tags()):
            counted.setdefault(thing.device.name, thing)
    brief = len(counted) > 1
    return ", ".join(thing.device.counted(thing.count, brief) for thing in counted.values())
