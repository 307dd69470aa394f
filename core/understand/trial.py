"""A reader without a desk: the fifteen example sites and the usual categories."""

from functools import cache

from core.understand.places import Gazetteer, default_sites
from core.understand.reading import Reader


@cache
def default_reader() -> Reader:
    return Reader(Gazetteer.of(default_sites()))
