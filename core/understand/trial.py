"""A reader without a desk: the fifteen example sites and the usual categories."""

from functools import cache

from core.understand.fold import data
from core.understand.places import Gazetteer, SiteName
from core.understand.reading import Reader


def default_sites() -> tuple[SiteName, ...]:
    return tuple(
        SiteName(row["code"], tuple(row["names"]), row["city"])
        for row in data("sites.toml")["site"]
    )


@cache
def default_reader() -> Reader:
    return Reader(Gazetteer.of(default_sites()))
