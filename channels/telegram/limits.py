"""Telegram's limits, and messages brought inside them. Text is counted in UTF-16 units."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from html import escape
from html.parser import HTMLParser
from typing import Final, Literal, NamedTuple

from core.messages import Letter

TEXT: Final = 4096
CAPTION: Final = 1024
ANSWER: Final = 200
BUTTON_DATA: Final = 64  # bytes; a Chinese character takes three
BUTTON_LABEL: Final = 64  # ours: a phone shows less than half of it
BUTTONS: Final = 100
BUTTONS_IN_A_ROW: Final = 8
ALBUM: Final = 10
DOWNLOAD: Final = 20 * 1024 * 1024
UPLOAD: Final = 50 * 1024 * 1024
PHOTO: Final = 10 * 1024 * 1024  # a larger one goes as a document
COMMANDS: Final = 100
COMMAND_DESCRIPTION: Final = 256
TAGS: Final = {
    *("a", "b", "blockquote", "code", "del", "em", "i", "ins", "pre", "s", "span", "strike"),
    *("strong", "tg-emoji", "tg-spoiler", "u"),
}


class Button(NamedTuple):
    """One choice under a message. `style` is primary, success, danger or nothing."""

    label: str
    data: str
    style: str = ""


class Key(NamedTuple):
    """One key of the keyboard that replaces the phone's own."""

    label: str
    asks: Literal["", "location", "contact"] = ""


UploadKind = Literal["photo", "document", "voice", "video", "audio"]


class Upload(NamedTuple):
    """A file as the chat shows it: a document arrives as it is, a photo is made smaller."""

    name: str
    data: bytes
    kind: UploadKind = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """A letter as a chat shows it. Telegram takes either buttons or keys with one message."""

    html: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    reply_keyboard: tuple[tuple[Key, ...], ...] | None = None  # (): take the keys away
    silent: bool = False
    files: tuple[Upload, ...] = ()  # several: an album of photos or of documents

    def __post_init__(self) -> None:
        if self.buttons and self.reply_keyboard is not None:
            raise ValueError("a message carries buttons or keys, not both")
        if len(self.files) > 1 and (self.buttons or self.reply_keyboard is not None):
            raise ValueError("an album carries no buttons")


Render = Callable[[Letter], Awaitable[ChatMessage]]


def units(text: str) -> int:
    """Length as Telegram counts it: most emoji are two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clip(text: str, limit: int) -> str:
    """The beginning of `text` that fits, with an ellipsis where something is missing.

    For what people wrote, before it is escaped and tagged: cut markup is no markup.
    """
    if units(text) <= limit:
        return text
    room = max(limit - 1, 0)
    head = text.encode("utf-16-le", "surrogatepass")[: room * 2].decode("utf-16-le", "ignore")
    return head + "…" if limit > 0 else ""


def whole(text: str) -> str:
    """Without halves of characters and NULs, which neither databases nor carriers take."""
    mended = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return mended.replace("\x00", "")


def visible(html: str) -> str:
    """What a reader sees of a piece of HTML. What is no tag of Telegram's is text."""
    reader = _Visible()
    reader.feed(html)
    reader.close()
    return "".join(reader.seen)


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.seen.append(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag not in TAGS:
            self.seen.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.seen.append(data)


class Fitted(NamedTuple):
    message: ChatMessage
    cuts: tuple[str, ...]  # what a renderer got wrong


def fit(message: ChatMessage) -> Fitted:
    """The message inside all limits. Renderers cut by themselves; a cut here is a bug to report."""
    html, cuts = whole(message.html), []
    text_limit = CAPTION if message.files else TEXT
    text = visible(html)
    if units(text) > text_limit:
        cuts.append("text_too_long")
        html = escape(clip(text, text_limit), quote=False)
    rows, more = _fitting_rows(message.buttons)
    return Fitted(replace(message, html=html, buttons=rows), (*cuts, *more))


def _fitting_rows(
    rows: tuple[tuple[Button, ...], ...],
) -> tuple[tuple[tuple[Button, ...], ...], list[str]]:
    cuts, kept, room = [], [], BUTTONS
    for row in rows:
        fitting = [
            button._replace(label=clip(whole(button.label), BUTTON_LABEL))
            for button in row
            if whole(button.label).strip() and 0 < len(button.data.encode()) <= BUTTON_DATA
        ]
        if len(fitting) < len(row):
            cuts.append("button_refused")
        if len(fitting) > room:
            cuts.append("too_many_buttons")
            fitting = fitting[:room]
        room -= len(fitting)
        for start in range(0, len(fitting), BUTTONS_IN_A_ROW):
            kept.append(tuple(fitting[start : start + BUTTONS_IN_A_ROW]))
    return tuple(kept), cuts
