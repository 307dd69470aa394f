"""Makes the many ways of writing one word the same, and cuts a text into words and characters."""

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Any, Final

BREAK: Final = "|"  # the end of a sentence or of a part of one: no term reaches over it

_TOKEN = re.compile(r"[a-z]+|\d+|[\u3400-\u9fff]|[,;!?|。，、；！？\n]|\.(?=\s|$)")
_LETTERS_OR_DIGITS = re.compile(r"[a-z0-9]")
_AMOUNT = re.compile(r"\d+\s?(?:[kmgt]b?\b|%)")  # counts nothing that can be carried
_DRIVE = re.compile(r"\b([e-z]):[\\/]")
_SHARE = re.compile(r"\\\\[a-z0-9_.$\\-]+")  # \\fs01\audit: a server's name is no place
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff'’‘`´]")


def data(name: str) -> dict[str, Any]:
    """One of the TOML files beside this module."""
    return tomllib.loads((files(__package__) / "data" / name).read_text("utf-8"))


@cache
def _traditional() -> dict[int, str]:
    text = (files(__package__) / "data" / "traditional.txt").read_text("utf-8")
    rows = (line for line in text.splitlines() if not line.startswith("#"))
    return {ord(pair[0]): pair[1] for row in rows for pair in row.split()}


@cache
def _spelling() -> tuple[dict[str, str], dict[str, str], re.Pattern[str], frozenset[str]]:
    spelling = data("spelling.toml")
    phrases: dict[str, str] = spelling["phrases"]
    longest_first = sorted(phrases, key=len, reverse=True)
    return (
        spelling["shorthand"],
        phrases,
        re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b"),
        frozenset(spelling["words"]["silent"]),
    )


def fold(text: str) -> str:
    """Half-width, simplified, lower case, without apostrophes and invisible characters."""
    plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    return plain.casefold().translate(_traditional())


def tokens(text: str) -> list[str]:
    return split(fold(text))


def split(folded: str) -> list[str]:
    """The folded text as Latin words, numbers, single Chinese characters and breaks."""
    shorthand, phrases, phrase, silent = _spelling()
    if _LETTERS_OR_DIGITS.search(folded):
        folded = _AMOUNT.sub(" ", folded)
        folded = _DRIVE.sub(r"\1 drive ", folded)
        folded = _SHARE.sub(" shared folder ", folded)
        folded = phrase.sub(lambda found: phrases[found.group()], folded)
    found = (shorthand.get(token, token) for token in _TOKEN.findall(folded))
    return [token if token.isalnum() else BREAK for token in found if token not in silent]
