"""Finds passwords that people write into a message, so that they can be masked (R-112)."""

import re
from dataclasses import dataclass
from typing import Final

_WORD: Final = (
    r"(?:密\s*码|密碼|口令|pass\s?words?|passwd|passcode|pwd|pw|pin(?: ?code)?|mima)(?![a-z])"
)
_TYPED: Final = r"[\"'“”「『]?(?![:=])(?P<secret>[!-~]{3,64})"

_TOLD = re.compile(rf"(?<![a-z]){_WORD}\s*[:：=＝]\s*{_TYPED}", re.IGNORECASE)
_SAID = re.compile(
    rf"(?<![a-z]){_WORD}\s*(?:(?:应该|现在|目前|还)?[是为係系]|改成|改为|设成|设为|设置为"
    rf"|\b(?:is|was|to|now|set to|changed to)\b)?\s*{_TYPED}",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"(?<![a-z])(?:user(?:name)?|login|账号|帐号|用户名|工号)\s*[:：=/ ]\s*"
    r"[\w.@\\-]{2,40}\s*[/|,，]\s*(?P<secret>[!-~]{4,64})",
    re.IGNORECASE,
)
_PLAIN = re.compile(
    r"expired|reset|forgot(?:ten)?|wrong|(?:in)?correct|invalid|required|needed|box|prompt|locked"
    r"|again|please|none|unknown|changed?|missing|same|error|failed|policy",
    re.IGNORECASE,
)
_TRAILING: Final = ".,;!?)\"'"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    start: int
    end: int


def mentions_password(text: str) -> tuple[Span, ...]:
    """Where in the text a password seems to stand; empty where only the word is used.

    After a colon anything but a plain word is taken for one; in running text it must hold a
    digit or a sign beside its letters, for "password is expired" tells no secret.
    """
    told = [_span(found) for found in _TOLD.finditer(text) if _may_be_secret(found)]
    said = [
        _span(found)
        for pattern in (_SAID, _PAIR)
        for found in pattern.finditer(text)
        if _looks_secret(found["secret"].rstrip(_TRAILING))
    ]
    spans: list[Span] = []
    for span in sorted({*told, *said}):
        if not spans or span.start >= spans[-1].end:
            spans.append(span)
    return tuple(spans)


def mask_passwords(text: str) -> str:
    """The text with every password in it replaced; the length tells nothing."""
    for span in reversed(mentions_password(text)):
        text = f"{text[: span.start]}••••••{text[span.end :]}"
    return text


def _span(found: re.Match[str]) -> Span:
    secret = found["secret"].rstrip(_TRAILING) or found["secret"]
    return Span(found.start("secret"), found.start("secret") + len(secret))


def _may_be_secret(found: re.Match[str]) -> bool:
    return not _PLAIN.fullmatch(found["secret"].rstrip(_TRAILING))


def _looks_secret(word: str) -> bool:
    letters = any(char.isalpha() for char in word)
    digits = sum(char.isdigit() for char in word)
    signs = any(not char.isalnum() and char not in "-/.:_" for char in word)
    return (letters and (digits > 0 or signs) and len(word) >= 4) or digits >= 6
