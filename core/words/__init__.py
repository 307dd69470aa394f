"""The only room with sentences: what the desk says, from keys and slots, in the reader's language.

Catalogs are gettext's: `msgid` is the key, `msgctxt` where it will be read ("chat", "sms", "mail",
"mail_subject", "toast"); a context without its own wording borrows the chat's. Keys:

    ticket_opened, …            kinds of core/notices
    refused_*, done_*, opened   what became of a press: kinds of core/errors.py and of outcomes
    action.A, arg.A.X           labels of buttons: verbs of core/actions.py and their answers
    term.SLOT.X                 words for the keys that a slot may hold
    card.*, queue.*, duty.*     lines that others put together
    step.A, why.*, story_*      lines of /why; span and list.* join parts of them
    command.C                   descriptions of the commands

How a wording is written stands in core/words/template.py.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from core.words.catalogs import LANGUAGES, find, normal
from core.words.template import fill
from core.words.values import HOME, Reader, answers, brought, plain

__all__ = [
    "brought",
    "fixed_lines",
    "hours",
    "label",
    "languages",
    "moment",
    "normal",
    "numbered",
    "plain",
    "say",
    "span",
]

TOAST = 200  # characters; Telegram shows no more
SUBJECT = 78  # RFC 5322, 2.1.1
_SENTENCE = re.compile(r"(?<=[。！？?!])|(?<=\.)\s+(?=[A-Z])")

# Actions whose answer is the name of something, so that the name is the label.
NAMED = frozenset({"set_site", "set_device", "reassign", "hand_over", "add_engineer", "dispatch"})


def languages() -> tuple[str, ...]:
    return LANGUAGES


def say(
    kind: str,
    params: Mapping[str, object],
    *,
    language: str = "zh_CN",
    context: str = "chat",
    zone: str = HOME,
) -> str:
    """The words for a key. An unknown key stands for itself: a bug of ours costs no letter."""
    wording = find(kind, language, context)
    if wording is None:
        return kind
    reader = Reader(normal(language), context, zone)
    said = fill(wording, lambda slot: reader.word(kind, slot, params))
    return _SHAPES[context](said) if context in _SHAPES else said


def _headline(text: str) -> str:
    """The first sentence on one line, whatever people wrote into it."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    sentence = plain(" ".join(_SENTENCE.split(first)[0].split()))
    return _cut(sentence.rstrip("。.：:"), SUBJECT)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


_SHAPES: Mapping[str, Callable[[str], str]] = {
    "mail_subject": _headline,
    "toast": lambda text: _cut(text, TOAST),
}


def moment(
    value: datetime,
    *,
    since: datetime | None = None,
    language: str = "zh_CN",
    context: str = "chat",
    zone: str = HOME,
) -> str:
    """A moment as people say it; `since`: on the same day as that, the hour is enough."""
    return Reader(normal(language), context, zone).moment(value, since=since)


def span(
    start: datetime,
    end: datetime,
    *,
    language: str = "zh_CN",
    context: str = "chat",
    zone: str = HOME,
) -> str:
    """From one moment to another; the day is said once where it is the same."""
    reader = Reader(normal(language), context, zone)
    parts = {"start": reader.moment(start), "end": reader.moment(end, since=start)}
    return say("span", parts, language=language, context=context)


def hours(length: timedelta, language: str = "zh_CN") -> str:
    """Working time: its days are no days of the calendar, so it is told in hours."""
    return Reader(normal(language), "chat", HOME).length(length, in_days=False)


def fixed_lines(kinds: Iterable[str], context: str = "chat") -> Iterator[str]:
    """The lines of wordings, in every language, that are the same whatever the slots hold."""
    for kind in kinds:
        for language in LANGUAGES:
            wording = re.sub(r"\[\[.*?\]\]", "{}", find(kind, language, context) or "", flags=re.S)
            yield from (line.strip() for line in wording.splitlines() if "{" not in line)


def label(action: str, arg: str = "", language: str = "zh_CN", *, context: str = "chat") -> str:
    """What stands on a button. An answer that is the name of something stands for itself."""
    for prefix in answers(action) if arg else ():
        if found := find(prefix + arg, language, context):
            return found
    if arg and action in NAMED:
        return arg
    return find(f"action.{action}", language, context) or action


def numbered(
    labels: Sequence[str],
    language: str = "zh_CN",
    context: str = "chat",
    *,
    digits: Sequence[str] = (),
) -> str:
    """The choices as digits, where a channel has no buttons; a survey's digits are its scores."""
    chosen = digits or [str(n) for n in range(1, len(labels) + 1)]
    one = find("choice", language, context) or "{digit} {label}"
    told = [_choice(one, digit, words) for digit, words in zip(chosen, labels, strict=True)]
    choices = (find("choice.between", language, context) or ", ").join(told)
    return say("choices", {"choices": choices}, language=language, context=context)


def _choice(wording: str, digit: str, words: str) -> str:
    parts = {"digit": digit, "label": plain(words)}
    return fill(wording, lambda slot: (parts.get(slot.name, ""), False))
