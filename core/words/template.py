"""A catalog entry as a template: slots, forms for one and many, and parts that may drop out.

{site}                      what stands in the slot, as it stands; braces in it mean nothing
{minutes:minute|minutes}    a number with the word that fits it: 1 minute, 2 minutes
[[ at {site}]]              drops out as a whole when a slot in it is empty
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

_MARKS = re.compile(r"(\[\[|\]\]|\{\w+(?::[^{}|]*\|[^{}|]*)?\})")
_SLOT = re.compile(r"\{(\w+)(?::([^{}|]*)\|([^{}|]*))?\}")


@dataclass(frozen=True, slots=True)
class Slot:
    name: str
    one: str = ""
    many: str = ""


@dataclass(frozen=True, slots=True)
class Optional:
    """A part that needs all of its slots."""

    parts: tuple["str | Slot", ...]


Piece = str | Slot | Optional
Filler = Callable[[Slot], tuple[str, bool]]  # the words for a slot, and whether it is empty


@cache
def parse(text: str) -> tuple[Piece, ...]:
    """Read the marks. One that has no partner stands as it is."""
    pieces: list[Piece] = []
    held: list[str | Slot] | None = None
    for mark in _MARKS.split(text):
        if mark == "[[" and held is None:
            held = []
        elif mark == "]]" and held is not None:
            pieces.append(Optional(tuple(held)))
            held = None
        elif mark:
            found = _SLOT.fullmatch(mark)
            part = Slot(found[1], found[2] or "", found[3] or "") if found else mark
            (pieces if held is None else held).append(part)
    return (*pieces, "[[", *held) if held is not None else tuple(pieces)


def slots(text: str) -> set[str]:
    return {slot.name for slot in _slots(parse(text))}


def _slots(pieces: tuple[Piece, ...]) -> Iterator[Slot]:
    for piece in pieces:
        if isinstance(piece, Slot):
            yield piece
        elif isinstance(piece, Optional):
            yield from _slots(piece.parts)


def fill(text: str, filler: Filler) -> str:
    return "".join(_filled(piece, filler) for piece in parse(text))


def _filled(piece: Piece, filler: Filler) -> str:
    if isinstance(piece, str):
        return piece
    if isinstance(piece, Slot):
        return filler(piece)[0]
    if any(filler(part)[1] for part in piece.parts if isinstance(part, Slot)):
        return ""
    return "".join(_filled(part, filler) for part in piece.parts)
