"""Remembers labelled reports: which words stand in reports of which kind more often than elsewhere."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import log
from typing import Final

from core.understand.fold import BREAK, tokens
from core.understand.places import Gazetteer, default_sites

# With every word so many more reports are imagined, of all kinds alike: a word that stood in
# one report about printers is a hint at printers, and no proof.
_IMAGINED: Final = 3.0
_TOLD: Final = 3  # so many words are named as the reason


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled reports, boiled down to what each word and pair of words speaks for."""

    kinds: tuple[str, ...]
    speaks: Mapping[str, tuple[float, ...]]  # how much more often than elsewhere, per kind, as log

    @classmethod
    def of(cls, reports: Iterable[tuple[Sequence[str], str]]) -> "Examples":
        """From the words of reports, without names of places, and their categories."""
        kinds: Counter[str] = Counter()
        together: Counter[tuple[str, str]] = Counter()
        for words, kind in reports:
            kinds[kind] += 1
            together.update((feature, kind) for feature in _features(words))
        alone: Counter[str] = Counter()
        for (feature, _), seen in together.items():
            alone[feature] += seen
        shares = {kind: seen / kinds.total() for kind, seen in kinds.items()}
        speaks = {
            feature: tuple(
                log((together[feature, kind] / share + _IMAGINED) / (seen + _IMAGINED))
                for kind, share in shares.items()
            )
            for feature, seen in alone.items()
        }
        return cls(tuple(kinds), speaks)

    def lean(self, words: Sequence[str]) -> dict[str, float]:
        """How much these words speak for each kind; 0 for each where none is known."""
        heard = [self.speaks[feature] for feature in _features(words) if feature in self.speaks]
        return dict(zip(self.kinds, map(sum, zip(*heard, strict=True)), strict=False))

    def strongest(self, words: Sequence[str], kind: str) -> tuple[str, ...]:
        """The words that speak loudest for a kind."""
        at = self.kinds.index(kind)
        known = (feature for feature in _features(words) if feature in self.speaks)
        return tuple(sorted(known, key=lambda feature: -self.speaks[feature][at])[:_TOLD])


def _features(words: Sequence[str]) -> set[str]:
    """Words and pairs of neighbours, over no break."""
    pairs = {f"{one} {next_}" for one, next_ in pairwise(words) if BREAK not in (one, next_)}
    return {*words, *pairs} - {BREAK}


@cache
def labelled_reports() -> tuple[Mapping[str, str], ...]:
    """The reports the reader was taught with, each with the labels a dispatcher gave it."""
    text = (files(__package__) / "data" / "examples.tsv").read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def default_examples() -> Examples:
    """Without names of places: where it is says nothing about what it is."""
    gazetteer = Gazetteer.of(default_sites())
    return Examples.of(
        (gazetteer.locate(tokens(report["text"]))[1], report["category"])
        for report in labelled_reports()
    )
