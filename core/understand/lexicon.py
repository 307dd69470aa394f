"""Finds known words in a text: longest first, inflected and slightly misspelt ones included."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from core.understand.fold import data, tokens

Term = tuple[str, str]  # a word or several, and what they are a sign of
Cut = Callable[[str], list[str]]

_END: Final = ""  # where a term may end: no token is empty
_ENDINGS: Final = ("s", "es", "ed", "d", "ing")
_SHORTEST_SLIP: Final = 5  # shorter words have too many neighbours to be guessed at
_REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True)
class Found:
    """A term of the lexicon in a text, by its place among the tokens, and what it means."""

    term: str
    start: int
    end: int
    tags: frozenset[str]


@cache
def _ordinary() -> frozenset[str]:
    return frozenset(data("spelling.toml")["words"]["ordinary"])


class Lexicon:
    """Terms and their tags, compiled once; a reading costs one walk over the tokens."""

    def __init__(
        self,
        terms: Iterable[Term],
        misspelt: Iterable[str] | None = None,
        cut: Cut = tokens,
    ) -> None:
        """`misspelt`: the words to recognise one slip away; by default all of them."""
        tags: dict[tuple[str, ...], frozenset[str]] = {}
        alike: dict[frozenset[str], frozenset[str]] = {}  # many terms, few meanings
        for term, tag in terms:
            key = tuple(cut(term))
            meaning = tags.get(key, frozenset()) | {tag}
            tags[key] = alike.setdefault(meaning, meaning)
        tags.pop((), None)
        self._root: dict[str, Any] = {}
        for term_tokens, meaning in tags.items():
            node = self._root
            for token in term_tokens:
                node = node.setdefault(token, {})
            node[_END] = (_spelt(term_tokens), meaning)
        self._words = {token for term in tags for token in term if token.isascii()}
        self._slips: dict[str, str] = {}
        for word in sorted(self._words if misspelt is None else self._words.intersection(misspelt)):
            for slip in _neighbours(word):
                self._slips.setdefault(slip, word)
        self._known: dict[str, tuple[str, str]] = {}

    def find(self, text: list[str]) -> list[Found]:
        """The longest term at each place. One inside another is not heard, one astride is."""
        words = [self._canonical(token) for token in text]
        found: list[Found] = []
        heard = 0
        for at, (word, stem) in enumerate(words):
            if word not in self._root and stem not in self._root:
                continue
            best = self._longest(words, at)
            if best is not None and best[0] > heard:
                heard, (term, tags) = best
                found.append(Found(term, at, heard, tags))
        return found

    def _longest(
        self, words: list[tuple[str, str]], at: int
    ) -> tuple[int, tuple[str, frozenset[str]]] | None:
        best, size = None, len(words)
        turnings: list[tuple[dict[str, Any], int]] = []  # where a word and its stem both lead on
        node: dict[str, Any] | None = self._root
        while node is not None:
            if _END in node and (best is None or at > best[0]):
                best = (at, node[_END])
            word, stem = words[at] if at < size else ("-", "")
            if stem and stem in node:
                turnings.append((node[stem], at + 1))
            node, at = node.get(word), at + 1
            if node is None and turnings:
                node, at = turnings.pop()
        return best

    def _canonical(self, token: str) -> tuple[str, str]:
        """The word of the lexicon that is meant, and the stem to try where that leads nowhere."""
        if not token.isascii():
            return token, ""
        known = self._known.get(token)
        if known is None:
            known = self._guess(token)
            if len(self._known) < _REMEMBERED:
                self._known[token] = known
        return known

    def _guess(self, token: str) -> tuple[str, str]:
        stem = next((stem for stem in _stems(token) if stem in self._words), "")
        if token in self._words or stem:
            return token, stem
        if token.isalpha() and token not in _ordinary():
            for form in (token, *_stems(token)):
                slips = (self._slips[slip] for slip in _neighbours(form) if slip in self._slips)
                if word := next(slips, ""):
                    return word, ""
        return token, ""


def _spelt(term: tuple[str, ...]) -> str:
    return (" " if term[0].isascii() else "").join(term)


def _stems(word: str) -> Iterator[str]:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= (2 if ending == "s" else 3):
            stem = word.removesuffix(ending)
            yield stem
            if ending in {"ed", "ing"}:
                yield stem + "e"
                if stem[-1] == stem[-2]:
                    yield stem[:-1]


def _neighbours(word: str) -> Iterator[str]:
    """The word and itself without one letter: words that share one are a slip apart.

    The first letter is kept, because slips there are rare and false friends many.
    """
    if len(word) >= _SHORTEST_SLIP:
        yield word
        for at in range(1, len(word)):
            yield word[:at] + word[at + 1 :]
