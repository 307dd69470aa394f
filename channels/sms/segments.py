"""How many parts a text takes, and what it costs."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Literal

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_PAIRS = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, slots=True)
class Segments:
    encoding: Literal["gsm7", "ucs2"]
    units: int  # septets or UTF-16 units, signature included
    parts: int


def utf16_units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def segments(text: str, signature: str = "") -> Segments:
    """`signature` is what the platform puts in front, brackets included: carriers bill it."""
    whole = signature + text
    if set(whole) <= _GSM7 | _GSM7_PAIRS:
        widths = [2 if character in _GSM7_PAIRS else 1 for character in whole]
        return Segments("gsm7", sum(widths), _parts(widths, 160, 153))
    widths = [2 if character > "\uffff" else 1 for character in whole]
    return Segments("ucs2", sum(widths), _parts(widths, 70, 67))


def _parts(widths: Iterable[int], alone: int, joined: int) -> int:
    """No character is cut in two, so a part may stay one unit short."""
    sizes = list(widths)
    if sum(sizes) <= alone:
        return 1

    def place(end: int, width: int) -> int:
        room = -end % joined
        return end + width if width <= room or not room else end + room + width

    return -(-list(accumulate(sizes, place, initial=0))[-1] // joined)


MOST_PARTS = 10  # what gateways are set to take (Kannel's max-messages)
_CUT = "..."


def within(text: str, parts: int = MOST_PARTS, end: str = "") -> str:
    """The text, or as much of its beginning as so many parts hold beside what must stand at the
    end. No character is cut in two."""
    if segments(text + end).parts <= parts:
        return text + end

    def takes(length: int) -> int:
        return segments(text[:length] + _CUT + end).parts

    kept = bisect_right(range(len(text)), parts, key=takes)
    return text[: kept - 1] + _CUT + end


def cost(text: str, price: Decimal, signature: str = "") -> Decimal:
    return price * segments(text, signature).parts
