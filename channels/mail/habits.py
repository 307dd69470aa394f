"""Which East Asian code unlabelled bytes are in, told by what each language writes most.

All five codes read almost any text of the others without an error. But Japanese is a third
hiragana, Korean keeps to its syllables and parts its words, and common characters of Big5 have a
second byte that Chinese of the mainland hardly uses.
"""

import re
from collections.abc import Callable

_PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]|[\x80-\xff]")
_ESCAPED = re.compile(rb"\x1b\$[@B](.*?)(?:\x1b\([BJI]|$)", re.DOTALL)
_SAMPLE = 4096  # bytes
_FEWEST = 4  # characters that show a habit


def east_asian(data: bytes) -> str:
    """The codec, or "" where no habit is plain."""
    sample = data[:_SAMPLE]
    for codec in ("euc_jp", "cp932"):
        if _is_japanese(sample, codec):
            return codec
    pairs = _PAIR.findall(sample)
    if len(pairs) < _FEWEST:
        return ""
    return next((codec for codec, habit in _HABITS.items() if habit(sample, pairs)), "")


def _is_japanese(sample: bytes, codec: str) -> bool:
    text = sample.decode(codec, "ignore")
    beyond = sum(character > "\x7f" for character in text)
    hiragana = sum("\u3041" <= character <= "\u3096" for character in text)
    lost = len(sample) - len(text.encode(codec))
    return hiragana >= _FEWEST and hiragana * 5 >= beyond and lost <= 1


def _is_korean(sample: bytes, pairs: list[bytes]) -> bool:
    syllables = [pair for pair in pairs if 0xB0 <= pair[0] <= 0xC8]
    others = [pair for pair in pairs if pair[0] > 0xC8]
    lasts_in_halves = all(len(pair) == 2 and pair[1] >= 0xA1 for pair in pairs)
    # Every second Chinese character comes later in the table: eight in a row are no accident.
    return len(syllables) >= 8 and not others and lasts_in_halves and b" " in sample.strip()


def _is_big5(_: bytes, pairs: list[bytes]) -> bool:
    common = sum(len(pair) == 2 and 0xA1 <= pair[0] <= 0xC6 for pair in pairs)
    low = sum(len(pair) == 2 and pair[1] < 0x7F for pair in pairs)
    between = sum(len(pair) == 2 and 0x80 <= pair[1] <= 0xA0 for pair in pairs)
    share = low / len(pairs)
    return not between and common * 20 >= len(pairs) * 19 and 0.15 <= share <= 0.8


_HABITS: dict[str, Callable[[bytes, list[bytes]], bool]] = {
    "cp949": _is_korean,
    "big5hkscs": _is_big5,
}


def is_escaped(data: bytes) -> bool:
    """ISO-2022-JP is all ASCII to the eye, and nothing else has these escapes."""
    return b"\x1b$B" in data or b"\x1b$@" in data


def unescaped(data: bytes) -> str:
    """ISO-2022-JP as it is used: with NEC's and IBM's characters, such as circled digits."""
    return _ESCAPED.sub(_shifted, data).decode("cp932", "replace")


def _shifted(match: re.Match[bytes]) -> bytes:
    """From rows and cells to Shift-JIS, whose Windows form knows the added rows."""
    codes, out = match[1], bytearray()
    for row, cell in zip(codes[0::2], codes[1::2], strict=False):
        first = (row - 0x21) // 2 + (0x81 if row < 0x5F else 0xC1)
        second = cell + (0x1F if cell < 0x60 else 0x20) if row % 2 else cell + 0x7E
        out += bytes((first & 0xFF, second & 0xFF))
    return bytes(out)
