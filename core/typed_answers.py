"""What people write behind a typed word: one of the answers that its buttons would offer."""

import unicodedata
from collections.abc import Iterable

from core.actions import ACTIONS
from core.keypad import normalise
from core.lifecycle import Action
from core.register import Book
from core.words import label, languages, plain


def meant(action: Action, said: str, book: Book) -> str:
    """The answer by its code, its name in any language, or its place; empty: own words."""
    if action is Action.SET_SITE:
        site = book.site_named(said)
        return site.code if site else ""
    wanted = normalise(said)
    offered = ACTIONS[action].args
    by_name = {normalise(name): answer for answer in offered for name in _names(action, answer)}
    if wanted in by_name:
        return by_name[wanted]
    by_place = wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= len(offered)
    return offered[int(wanted) - 1] if by_place else ""


def leading(action: Action, answers: Iterable[str], said: str) -> tuple[str, str]:
    """The answer that a typed line begins with, by its code or any of its names, and the rest."""
    for answer in answers:
        for name in sorted(_names(action, answer), key=len, reverse=True):
            if said.lower().startswith(name.lower()):
                return answer, said[len(name) :].strip(" :：,，")
    return "", said


def _names(action: Action, answer: str) -> set[str]:
    contexts = ("chat", "sms")
    labels = {label(action, answer, one, context=c) for one in languages() for c in contexts}
    return {answer, *(plain(one) for one in labels)}


def half_width(said: str) -> str:
    return unicodedata.normalize("NFKC", said)
