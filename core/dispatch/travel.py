"""Minutes between places: from a matrix, and where it is silent from the straight line."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import asin, cos, radians, sin, sqrt
from types import MappingProxyType

Pair = tuple[str, str]

EARTH_KM = 6371.0
DETOUR = 1.35  # roads against the straight line, in the Pearl River delta with its bridges
DOOR_MINUTES = 8.0  # leaving, parking, finding the counter
TOWN_KM, TOWN_KMH, ROAD_KMH = 15.0, 28.0, 65.0  # the first kilometres are streets
UNKNOWN_MINUTES = 60.0  # neither matrix nor coordinates
SAME_SITE_MINUTES = 2.0  # another floor


@dataclass(frozen=True, slots=True)
class Place:
    code: str
    city: str
    lat: float | None = None
    lon: float | None = None


class Travel:
    """Travel times among known places.

    The matrix may name sites or cities. A pair of sites is asked first, then the line between
    coordinates within one city, then the pair of cities, then the line, then a constant.
    """

    __slots__ = ("_matrix", "_memo", "_places")

    def __init__(self, places: Iterable[Place], matrix: Mapping[Pair, float] | None = None) -> None:
        self._places = {place.code: place for place in places}
        self._matrix: dict[Pair, float] = {}
        for (origin, target), minutes in (matrix or {}).items():
            self._matrix[origin, target] = minutes
            self._matrix.setdefault((target, origin), minutes)
        self._memo: dict[tuple[str | None, str], tuple[float, str]] = {}

    def minutes(self, origin: str | None, target: str) -> float:
        """From site to site; an origin of None is a person whose whereabouts nobody knows."""
        return self._leg(origin, target)[0]

    def source(self, origin: str | None, target: str) -> str:
        """Where the figure comes from: same, matrix, line or unknown."""
        return self._leg(origin, target)[1]

    def _leg(self, origin: str | None, target: str) -> tuple[float, str]:
        known = self._memo.get((origin, target))
        if known is None:
            known = self._memo[origin, target] = self._find(origin, target)
        return known

    def _find(self, origin: str | None, target: str) -> tuple[float, str]:
        if origin == target:
            return SAME_SITE_MINUTES, "same"
        if origin is None:
            return UNKNOWN_MINUTES, "unknown"
        if (origin, target) in self._matrix:
            return self._matrix[origin, target], "matrix"
        start, end = self._places.get(origin), self._places.get(target)
        if start is None or end is None:
            return UNKNOWN_MINUTES, "unknown"
        cities = self._matrix.get((start.city, end.city))
        line = estimate(start, end)
        if line is not None and (cities is None or start.city == end.city):
            return line, "line"
        return (UNKNOWN_MINUTES, "unknown") if cities is None else (cities, "matrix")


def estimate(start: Place, end: Place) -> float | None:
    """Minutes by road over the straight line; None without both coordinates."""
    if start.lat is None or start.lon is None or end.lat is None or end.lon is None:
        return None
    road = DETOUR * haversine_km(start.lat, start.lon, end.lat, end.lon)
    town = min(road, TOWN_KM)
    return DOOR_MINUTES + 60 * (town / TOWN_KMH + (road - town) / ROAD_KMH)


def haversine_km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    north = radians(other_lat - lat) / 2
    east = radians(other_lon - lon) / 2
    half = sin(north) ** 2 + cos(radians(lat)) * cos(radians(other_lat)) * sin(east) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))


def both_ways(legs: Mapping[Pair, float]) -> Mapping[Pair, float]:
    """A desk's own times hold there and back, so that they outweigh shipped ones both ways."""
    back = {(target, origin): minutes for (origin, target), minutes in legs.items()}
    return {**back, **legs}


@cache
def default_matrix() -> Mapping[Pair, float]:
    """The shipped times between cities of Guangdong, under Chinese and English names."""
    text = files("core.dispatch").joinpath("data/travel.toml").read_text("utf-8")
    data = tomllib.loads(text)
    names = {city["name"]: (city["name"], city["name_en"]) for city in data["cities"]}
    matrix = {
        (here, there): float(leg["minutes"])
        for leg in data["legs"]
        for here, there in zip(names[leg["from"]], names[leg["to"]], strict=True)
    }
    return MappingProxyType(matrix)
