"""HTML mail as plain text.

It is read from the stream of tags, without a tree: 100 000 nested `<div>` took a tree builder
33 s, and 30 000 open `<b>` all memory there was. A stream costs the same whatever the nesting, and
words need no tree.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

from channels.mail.caps import CAPS
from channels.mail.charset import clean

_TAG = re.compile(r"""<(/?)([a-zA-Z][^\s/>]*+)((?:[^>"']++|"[^"]*+"|'[^']*+')*+)>""")
_ATTRIBUTE = re.compile(r"""([^\s=>"'/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?""")
_TAG_WINDOW = 2048  # a tag longer than this has a picture inside, and no `>` in it


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


# What stands in them is no text; they end at their own closing tag and nothing else.
_RAW = _words("script style title textarea xmp noembed noframes")
_SILENT = _words("head template iframe object select svg math audio video canvas")
_VOID = _words("area base br col embed hr img input link meta param source track wbr")
_LINES = _words(
    "div tr table section article header footer address form center main nav fieldset "
    "figure dt dd tbody thead caption aside li body"
)
_PARAGRAPHS = _words("p h1 h2 h3 h4 h5 h6 ul ol dl pre blockquote")
_HIDDEN = re.compile(
    r"display\s*:\s*none|mso-hide\s*:\s*all|visibility\s*:\s*hidden", re.IGNORECASE
)
_TIGHT = re.compile(
    r"""class\s*=\s*["']?Mso|style\s*=\s*["'][^"']*margin(?:-top|-bottom)?\s*:\s*0""", re.IGNORECASE
)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_TRAILING = re.compile(r"[ \t]+(?=\n)")


class _Token(NamedTuple):
    tag: str  # empty: text
    closing: bool
    content: str  # the attributes of a tag, or the text


def _tokens(html: str) -> Iterator[_Token]:
    at, size, last = 0, len(html), html.rfind(">")
    while at < size:
        start = html.find("<", at)
        start = size if start < 0 or start > last else start
        if start > at:
            yield _Token("", False, html[at:start])
        if start == size:
            return
        token, at = _tag_at(html, start)
        if token.tag in _RAW and not token.closing:
            at = _after_raw(html, at, token.tag)
        elif token.tag or token.content:
            yield token


def _tag_at(html: str, at: int) -> tuple[_Token, int]:
    if match := _TAG.match(html, at, at + _TAG_WINDOW):
        return _Token(match[2].lower(), bool(match[1]), match[3]), match.end()
    if html.startswith("<!--", at):
        end = html.find("-->", at + 2)
        return _Token("", False, ""), len(html) if end < 0 else end + 3
    following = html[at + 1 : at + 2]
    end = html.find(">", at)
    if end < 0 or not (
        following in ("!", "?", "/") or (following.isascii() and following.isalpha())
    ):
        return _Token("", False, "<"), at + 1  # `a < b`, written carelessly
    words = html[at + 1 : end].split(None, 1) or [""]
    name = words[0].lower()
    return _Token(
        name.strip("/!?"), name.startswith("/"), words[1] if len(words) > 1 else ""
    ), end + 1


def _after_raw(html: str, at: int, tag: str) -> int:
    end = re.compile(rf"</{tag}\b[^>]*>?", re.IGNORECASE).search(html, at)
    return end.end() if end else len(html)


def attributes(source: str) -> dict[str, str]:
    return {
        match[1].lower(): unescape(match[2] or match[3] or match[4] or "")
        for match in _ATTRIBUTE.finditer(source)
    }


def to_text(html: str) -> str:
    """What a reader would see: quotes behind `> `, targets of links in `<>`, pictures by name."""
    writer = _Writer()
    for token in _tokens(html[: CAPS.html]):
        writer.take(token)
    return writer.text()


class _Writer:
    def __init__(self) -> None:
        self._out: list[str] = []
        self._quotes = 0
        self._pre = 0
        self._hidden_in = ""  # the element whose end is waited for
        self._hidden_depth = 0
        self._wanted = 0  # line feeds owed before the next word
        self._space = False
        self._links: list[tuple[str, int]] = []  # target, and where its words begin

    def text(self) -> str:
        text = clean("".join(self._out)).replace("\u00a0", " ")
        return _TRAILING.sub("", text).strip("\n").rstrip()

    def take(self, token: _Token) -> None:
        if self._hidden_in:
            self._wait_for_end(token)
        elif not token.tag:
            self._say(unescape(token.content))
        elif token.closing:
            self._close(token.tag)
        else:
            self._open(token.tag, token.content)

    def _wait_for_end(self, token: _Token) -> None:
        if token.tag == "body" and self._hidden_in == "head":  # nobody closed the head
            self._hidden_in = ""
        elif token.tag == self._hidden_in and not token.content.endswith("/"):
            self._hidden_depth += -1 if token.closing else 1
            if self._hidden_depth == 0:
                self._hidden_in = ""

    def _open(self, tag: str, source: str) -> None:
        if tag in _VOID:
            self._open_void(tag, source)
        elif tag in _SILENT or _is_hidden(tag, source):
            self._hidden_in, self._hidden_depth = tag, 1
        else:
            self._open_visible(tag, source)

    def _open_void(self, tag: str, source: str) -> None:
        if tag == "br":
            self._space = False
            self._wanted = min(self._wanted + 1, 3)
        elif tag == "hr":
            self._need(1)
            self._word("________________")
            self._need(1)
        elif tag == "img" and (words := attributes(source).get("alt", "").strip()):
            self._say(f" [{words}] ")

    def _open_visible(self, tag: str, source: str) -> None:
        if tag in _LINES:
            self._need(1)
        elif tag in _PARAGRAPHS:
            self._need(1 if tag == "p" and _TIGHT.search(source) else 2)
        if tag == "blockquote":
            self._quotes = min(self._quotes + 1, 20)
        elif tag == "pre":
            self._pre += 1
        elif tag == "li":
            self._word("-")
            self._space = True
        elif tag in ("td", "th"):
            self._space = True
        elif tag == "a":
            self._links.append((attributes(source).get("href", "").strip(), len(self._out)))

    def _close(self, tag: str) -> None:
        if tag == "a" and self._links:
            self._say_target(*self._links.pop())
        elif tag == "blockquote" and self._quotes:
            self._need(2)
            self._quotes -= 1
        elif tag == "pre" and self._pre:
            self._pre -= 1
        elif tag == "p":
            self._need(1)
        if tag in _LINES:
            self._need(1)
        elif tag in _PARAGRAPHS and tag != "p":
            self._need(2)

    def _say(self, text: str) -> None:
        if self._pre:
            for number, line in enumerate(text.split("\n")):
                self._wanted += bool(number)
                if line:
                    self._word(line)
            return
        text = _SPACES.sub(" ", text)
        words = text.strip(" ")
        if not words:
            self._space = self._space or bool(text)
            return
        self._space = self._space or text[0] == " "
        self._word(words)
        self._space = text[-1] == " "

    def _word(self, text: str) -> None:
        prefix = "> " * self._quotes
        if self._wanted or not self._out:
            if self._out:
                self._out.append("\n" + (prefix.rstrip() + "\n") * (self._wanted - 1))
            self._out.append(prefix)
        elif self._space:
            self._out.append(" ")
        self._wanted, self._space = 0, False
        self._out.append(text)

    def _need(self, count: int) -> None:
        self._space = False
        if self._out:
            self._wanted = max(self._wanted, count)

    def _say_target(self, target: str, start: int) -> None:
        shown = "".join(self._out[start:])
        if (
            target.startswith(("http://", "https://"))
            and len(target) < 500
            and target.rstrip("/") not in shown
        ):
            self._space = bool(shown)
            self._word(f"<{target}>")


def _is_hidden(tag: str, source: str) -> bool:
    if not source or tag in ("body", "html"):
        return False
    found = attributes(source) if "hid" in source.lower() or "none" in source.lower() else {}
    return "hidden" in found or bool(_HIDDEN.search(found.get("style", "")))
