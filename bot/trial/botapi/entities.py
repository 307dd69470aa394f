"""Texts as Telegram stores them: plain characters with entities counted in UTF-16 units."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from bot.trial.botapi.values import Json, bad

TEXT_LIMIT, CAPTION_LIMIT, ENTITY_LIMIT = 4096, 1024, 100

TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
# Telegram knows these names and numeric references; any other name stays as it was typed.
_REFERENCE = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_UNSEEN = dict.fromkeys(range(0x2028, 0x202F)) | {ord("\r"): None}
_UNSEEN |= {code: " " for code in range(32) if chr(code) not in "\n\r"}
_FOUND = re.compile(
    r"(?P<bot_command>(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?)"
    r"|(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<mention>(?<!\w)@\w{3,32})"
    r"|(?P<url>https?://[^\s<>\"，。；）]+)"
    r"|(?P<phone_number>(?<![\w+])\+\d{8,15}(?!\d))"
    r"|(?P<hashtag>(?<!\w)#\w*[^\W\d]\w*)",
)


@dataclass(frozen=True, slots=True)
class Formatted:
    text: str
    entities: list[Json] = field(default_factory=list)


def units(text: str) -> int:
    """Length in UTF-16 code units, which is how Telegram counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """Control characters and direction overrides never reach the other side."""
    return text.translate(_UNSEEN)


def plain(text: str) -> Formatted:
    text = clean(text)
    return _trimmed(Formatted(text, found_in(text)))


def read(text: str, parse_mode: str) -> Formatted:
    """What a bot sent, with its mark-up checked as strictly as Telegram does."""
    mode = parse_mode.lower()
    if not mode:
        return plain(text)
    if mode != "html":
        raise bad(f"unsupported parse_mode (this server reads HTML only, not {parse_mode})")
    marked = _HtmlReader(clean(text)).read()
    known = [(e["offset"], e["offset"] + e["length"]) for e in marked.entities if _is_code(e)]
    extra = [e for e in found_in(marked.text) if not any(a <= e["offset"] < b for a, b in known)]
    entities = sorted(marked.entities + extra, key=lambda e: (e["offset"], -e["length"]))
    return _trimmed(Formatted(marked.text, entities))


def found_in(text: str) -> list[Json]:
    """Commands, links and mentions that Telegram marks by itself."""
    if not any(sign in text for sign in "/@#+"):
        return []
    return [
        {
            "type": str(match.lastgroup),
            "offset": units(text[: match.start()]),
            "length": units(match.group()),
        }
        for match in _FOUND.finditer(text)
    ]


def _is_code(entity: Json) -> bool:
    return entity["type"] in {"code", "pre", "text_link"}


def _trimmed(marked: Formatted) -> Formatted:
    kept = marked.text.strip()
    if kept == marked.text and len(marked.entities) <= ENTITY_LIMIT:
        return marked
    lead, size = units(marked.text) - units(marked.text.lstrip()), units(kept)
    entities = []
    for entity in marked.entities[:ENTITY_LIMIT]:
        start = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] + entity["length"] - lead, size)
        if start < end:
            entities.append({**entity, "offset": start, "length": end - start})
    return Formatted(kept, entities)


@dataclass(slots=True)
class _Open:
    tag: str
    offset: int
    attributes: dict[str, str]


class _HtmlReader:
    """A reader of Telegram's HTML: the first slip refuses the whole message."""

    def __init__(self, source: str) -> None:
        self.source, self.at = source, 0
        self.parts: list[str] = []
        self.size = 0
        self.stack: list[_Open] = []
        self.entities: list[Json] = []

    def read(self) -> Formatted:
        while self.at < len(self.source):
            next_tag = self.source.find("<", self.at)
            end = len(self.source) if next_tag < 0 else next_tag
            self._characters(self.source[self.at : end])
            self.at = end
            if next_tag >= 0:
                self._end_tag() if self.source.startswith("</", end) else self._start_tag()
        if self.stack:
            tag = self.stack[-1].tag
            raise _unreadable(f'Can\'t find end tag corresponding to start tag "{tag}"')
        return Formatted("".join(self.parts), self.entities)

    def _characters(self, raw: str) -> None:
        text = _REFERENCE.sub(lambda m: html.unescape(m.group()), raw) if "&" in raw else raw
        self.parts.append(text)
        self.size += units(text)

    def _offset(self, at: int) -> int:
        return len(self.source[:at].encode("utf-8", "surrogatepass"))

    def _start_tag(self) -> None:
        begin = self.at
        name = re.compile(r"[^\s>]*").match(self.source, begin + 1)
        assert name is not None
        self.at = name.end()
        where = f"at byte offset {self._offset(begin)}"
        if self.at >= len(self.source):
            raise _unreadable(f"Unclosed start tag {where}")
        tag = name.group().lower()
        if tag not in TAGS:
            raise _unreadable(f'Unsupported start tag "{tag}" {where}')
        attributes = self._attributes(tag, where)
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise _unreadable(f'Tag "span" must have class "tg-spoiler" {where}')
        self.stack.append(_Open(tag, self.size, attributes))

    def _attributes(self, tag: str, where: str) -> dict[str, str]:
        found: dict[str, str] = {}
        while True:
            self._skip_spaces()
            if self.at >= len(self.source):
                raise _unreadable(f'Unclosed start tag "{tag}" {where}')
            if self.source[self.at] == ">":
                self.at += 1
                return found
            name, value = self._attribute(tag, where)
            found[name] = value

    def _attribute(self, tag: str, where: str) -> tuple[str, str]:
        name = re.compile(r"[^\s=>]*").match(self.source, self.at)
        assert name is not None
        if not name.group():
            raise _unreadable(f'Empty attribute name in the tag "{tag}" {where}')
        self.at = name.end()
        self._skip_spaces()
        if not self.source.startswith("=", self.at):
            if (tag, name.group()) == ("blockquote", "expandable"):
                return "expandable", ""
            raise _unreadable(
                f'Expected equal sign in declaration of an attribute of the tag "{tag}" {where}'
            )
        self.at += 1
        self._skip_spaces()
        value = re.compile(r"\"([^\"]*)\"|'([^']*)'|([\w.-]+)").match(self.source, self.at)
        if value is None:
            raise _unreadable(f'Unclosed start tag "{tag}" {where}')
        self.at = value.end()
        return name.group().lower(), html.unescape(next(g for g in value.groups() if g is not None))

    def _end_tag(self) -> None:
        begin = self.at
        where = f"at byte offset {self._offset(begin)}"
        if not self.stack:
            raise _unreadable(f"Unexpected end tag {where}")
        closing = re.compile(r"</([^\s>]*)\s*(>?)").match(self.source, begin)
        assert closing is not None
        if not closing.group(2):
            raise _unreadable(f"Unclosed end tag {where}")
        opened, tag = self.stack.pop(), closing.group(1).lower()
        if tag and tag != opened.tag:
            raise _unreadable(
                f'Unmatched end tag {where}, expected "</{opened.tag}>", found "</{tag}>"'
            )
        self.at = closing.end()
        self._close(opened)

    def _close(self, opened: _Open) -> None:
        length = self.size - opened.offset
        if not length:
            return
        entity: Json = {"type": TAGS[opened.tag], "offset": opened.offset, "length": length}
        if opened.tag == "a":
            if "href" not in opened.attributes:
                return
            entity["url"] = opened.attributes["href"]
        if opened.tag == "tg-emoji":
            entity["custom_emoji_id"] = opened.attributes.get("emoji-id", "")
        if "expandable" in opened.attributes:
            entity["type"] = "expandable_blockquote"
        self.entities.append(entity)

    def _skip_spaces(self) -> None:
        while self.at < len(self.source) and self.source[self.at].isspace():
            self.at += 1


def _unreadable(what: str) -> Exception:
    return bad(f"can't parse entities: {what}")
