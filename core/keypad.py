"""What people type on a telephone: digits, words with a number, and which prompt they answer."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from core.rows import Prompt

# --- reading ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Digit:
    """The answer to a prompt: bare, or with the number of the ticket that is meant."""

    value: int
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A typed word: the same action as a button. Without a number it means the open ticket."""

    action: str
    number: str | None = None
    arg: str = ""  # a site code, a reason, a score
    pin: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """How is my ticket? None: all of mine."""

    number: str | None = None


@dataclass(frozen=True, slots=True)
class Slip:
    """As long as a ticket number, but the check digit is wrong: say so, touch nothing."""

    number: str


@dataclass(frozen=True, slots=True)
class Help:
    pass


@dataclass(frozen=True, slots=True)
class OptOut:
    """No more messages that are not needed."""


@dataclass(frozen=True, slots=True)
class Text:
    """Anything else: a report or a follow-up."""

    text: str


Reading = Digit | Command | Status | Slip | Help | OptOut | Text

Vocabulary = Mapping[str, Sequence[tuple[str, str]]]
"""The typed words in one spelling with their actions, longest first, by their first character."""

_COMMAND_LENGTH = 80  # a word, a number and the signs between them
HELP = frozenset({"?", "帮助", "help", "h"})
OPT_OUT = frozenset({"r", "t", "td", "n", "退订", "拒收", "stop", "unsubscribe"})
STATUS = frozenset({"状态", "进度", "查询", "status", "st"})

# Only the characters that occur in words which people type to the desk.
_SIMPLER = str.maketrans(
    "單號態進達幫訂確認滿銷備評價絕開處領問題復覆沒還壞請無換現場離關閉駁掛碼兩貳參陸雙補轉審辦發",
    "单号态进达帮订确认满销备评价绝开处领问题复复没还坏请无换现场离关闭驳挂码两贰叁陆双补转审办发",
)
_NUMERALS = {
    numeral: value
    for numerals in ("零一二三四五六七八九十", "〇壹贰叁肆伍陆柒捌玖拾")
    for value, numeral in enumerate(numerals)
} | {"两": 2}
_KEYCAP = str.maketrans("", "", "\ufe0e\ufe0f\u20e3")
_EDGES = " \t\r\n。.,，、;；:：!！~…·'\"‘’“”()（）[]【】<>《》-—"
_LEAD = re.compile(r"^(?:回复?|选择?|按|答)\s*(?=.)")  # prompts say 请回1, so people write 回1
_GAP = r"[\s,，、:：;；。.#\-—]*"
_NUMBER = re.compile(rf"{_GAP}(?:单号|no\.?|t-)?{_GAP}(\d{{6,10}})(?!\d)")
_DIGIT_NUMBER = re.compile(rf"(?:回复?\s*)?(\d)[\s,，、:：;；。.#\-—]+(?:单号)?{_GAP}(\d{{6,10}})")
_WORD_LAST = re.compile(rf"{_GAP}(\d{{6,10}})(?!\d){_GAP}")
_APART = re.compile(r"$|[\s,，、:：;；。.#!]")  # "100427 接单了吗" asks, "100427 接单" accepts
_PIN = re.compile(r"(?:^|\s)(?:(?:pin|密码)[\s:：]*|#)(\d{4,8})$", re.IGNORECASE)


def normalise(text: str) -> str:
    """One spelling: half width, single blanks, simplified, lower case, no marks at the edges."""
    plain = unicodedata.normalize("NFKC", text.translate(_KEYCAP))
    plain = " ".join(plain.translate(_SIMPLER).casefold().split())
    return plain.strip(_EDGES) or plain


def vocabulary(words: Mapping[str, str]) -> Vocabulary:
    """Typed word → action, in every language of the desk. Asking for the status is no action."""
    known = {normalise(word): action for word, action in words.items()} | dict.fromkeys(STATUS, "")
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for word, action in sorted(known.items(), key=lambda entry: len(entry[0]), reverse=True):
        found[word[:1]].append((word, action))
    return dict(found)


def read(text: str, words: Vocabulary, valid_number: Callable[[str], bool]) -> Reading:
    """What a typed text means.

    A text that merely begins like a command ("取消昨天说的打印机") stays a text: a word counts
    when a ticket number, a PIN or nothing follows it.
    """
    plain = normalise(text)
    if plain in HELP:
        return Help()
    if plain in OPT_OUT:
        return OptOut()
    if (digit := _digit(plain)) is not None:
        return Digit(digit)
    if told := _DIGIT_NUMBER.fullmatch(plain):
        return _checked(Digit(int(told[1]), told[2]), valid_number)
    if plain in STATUS:
        return Status()
    if number := _NUMBER.fullmatch(plain):
        return _checked(Status(number[1]), valid_number)
    command = _command(plain, words)
    return _checked(command, valid_number) if command else Text(text)


def as_written(text: str, plain: str) -> str:
    """The end of `text`, but for a PIN, that reads as `plain`, in its writer's own spelling."""
    text = _PIN.sub("", text.rstrip())
    starts = range(min(len(text), _COMMAND_LENGTH))
    return next((text[n:].strip() for n in reversed(starts) if normalise(text[n:]) == plain), plain)


def _digit(plain: str) -> int | None:
    bare = _LEAD.sub("", plain).strip(_EDGES)
    if re.fullmatch(r"[0-9]{1,2}", bare):
        return int(bare)
    return _NUMERALS.get(bare)


def _checked(
    reading: Command | Status | Digit, valid_number: Callable[[str], bool]
) -> Command | Status | Digit | Slip:
    if reading.number is None or valid_number(reading.number):
        return reading
    return Slip(reading.number)


def _command(plain: str, words: Vocabulary) -> Command | Status | None:
    pin = _PIN.search(plain)
    body = plain[: pin.start()].strip() if pin else plain
    before = _WORD_LAST.match(body)
    first = body[before.end() if before else 0 :][:1]
    for word, action in words.get(first, ()):
        said = _after_word(body, word)
        if said is None:
            continue
        number, arg = said
        if not action:
            return Status(number)
        return Command(action, number, arg, pin[1] if pin else "")
    return None


def _after_word(body: str, word: str) -> tuple[str | None, str] | None:
    """(number, rest) of "接单 100427 …" or "100427 接单 …"; None: this is not that command."""
    if body == word:
        return None, ""
    if body.startswith(word):
        number = _NUMBER.match(body, len(word))
        said = body[number.end() :] if number else ""
    else:
        number = _WORD_LAST.match(body)
        said = body[number.end() :] if number else ""
        if not said.startswith(word):
            return None
        said = said[len(word) :]
    if number is None or not _APART.match(said):
        return None
    return number[1], said.strip(_EDGES)


# --- prompts ---------------------------------------------------------------------------------

LASTS = timedelta(hours=48)  # Tencent delivers no reply after that
READING = timedelta(seconds=5)  # until a text is on the display and read: no answer comes sooner
URGENT = frozenset({"job_offered", "offer_reminder", "job_assigned"})


@dataclass(frozen=True, slots=True)
class Answered:
    prompt: int
    ticket: str
    action: str
    arg: str


Why = Literal["no_prompt", "not_a_digit", "not_offered", "crossed", "expired", "repeat"]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Ask back with ticket numbers, or read the text as what it is."""

    why: Why


def answer(
    prompt: Prompt | None,
    reading: Reading,
    said_at: datetime,
    *,
    repeat: bool = False,
    others: bool = True,
) -> Answered | Unanswered:
    """What a digit says to the outstanding prompt.

    A digit that was sent before the question came, or that repeats the answer to the question
    before, belongs to another ticket: a person who presses 1 twice accepts one job. `others`:
    this telephone was asked something else lately, so there is something to mix up.
    """
    if not isinstance(reading, Digit):
        return Unanswered("not_a_digit")
    if repeat:
        return Unanswered("repeat")
    if prompt is None or prompt.opened_at is None:
        return Unanswered("no_prompt")
    if others and said_at < prompt.opened_at + READING:
        return Unanswered("crossed")
    if prompt.expires_at is None or said_at >= prompt.expires_at:
        return Unanswered("expired")
    for digit, action, ticket, arg in prompt.answers:
        if digit == reading.value:
            return Answered(prompt.id, ticket, action, arg)
    return Unanswered("not_offered")
