"""Remembers labelled reports: which words stand in which kind more often than elsewhere."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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

Feature = str | tuple[str, str]  # a word, or two that stand together


class Examples:
    """Labelled reports, boiled down to what each word and pair of words speaks for."""

    def __init__(self, reports: Iterable[tuple[Sequence[str], str]]) -> None:
        """From the words of reports, without names of places, and their categories."""
        reports = tuple(reports)
        kinds = Counter(kind for _, kind in reports)
        self.kinds = tuple(kinds)
        self._shares = [seen / kinds.total() for seen in kinds.values()]
        self._seen: dict[Feature, list[int]] = {}  # in how many reports of each kind
        for words, kind in reports:
            at = self.kinds.index(kind)
            for feature in _features(words):
                if BREAK not in feature:
                    self._seen.setdefault(feature, [0] * len(kinds))[at] += 1
        self._weighed: dict[Feature, tuple[float, ...]] = {}  # as far as it was asked for

    def lean(self, words: Sequence[str]) -> dict[str, float]:
        """How much these words speak for each kind; nothing where none is known."""
        heard = [self._speaks(feature) for feature in _features(words) if feature in self._seen]
        return dict(zip(self.kinds, map(sum, zip(*heard, strict=True)), strict=False))

    def strongest(self, words: Sequence[str], kind: str) -> tuple[str, ...]:
        """The words that speak loudest for a kind."""
        at = self.kinds.index(kind)
        known = (feature for feature in _features(words) if feature in self._seen)
        loudest = sorted((-self._speaks(feature)[at], _spelt(feature)) for feature in known)
        return tuple(word for _, word in loudest[:_TOLD])

    def _speaks(self, feature: Feature) -> tuple[float, ...]:
        """Per kind, how much more often it stands there than elsewhere, as a logarithm."""
        known = self._weighed.get(feature)
        if known is None:
            seen = self._seen[feature]
            everywhere = sum(seen) + _IMAGINED
            known = self._weighed[feature] = tuple(
                log((there / share + _IMAGINED) / everywhere)
                for there, share in zip(seen, self._shares, strict=True)
            )
        return known


def _spelt(feature: Feature) -> str:
    return feature if isinstance(feature, str) else " ".join(feature)


def _features(words: Sequence[str]) -> set[Feature]:
    return {*words, *pairwise(words)}


@cache
def labelled_reports() -> tuple[Mapping[str, str], ...]:
    """The reports the reader was taught with, each with the labels a dispatcher gave it."""
    return reports_in((files(__package__) / "data" / "examples.tsv").read_text("utf-8"))


def reports_in(sheet: str) -> tuple[Mapping[str, str], ...]:
    """One report a line, fields between tabs, quotation marks as they are."""
    return tuple(csv.DictReader(sheet.split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE))


def examples_from(reports: Iterable[Mapping[str, str]], gazetteer: Gazetteer) -> Examples:
    """Names of places are left out: where it is says nothing about what it is."""
    return Examples(
        (gazetteer.locate(tokens(report["text"]))[1], report["category"]) for report in reports
    )


@cache
def default_examples() -> Examples:
    return examples_from(labelled_reports(), Gazetteer.of(default_sites()))
