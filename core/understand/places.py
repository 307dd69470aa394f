"""Knows a site by whatever people call it: characters, Pinyin, romanisations, streets, slips."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from core.understand.fold import data, tokens
from core.understand.lexicon import Found, Lexicon

UNKNOWN: Final = "?"

_TOWARDS: Final = frozenset("去到往至回") | {"to", "into"}
_NEAR: Final = 3  # tokens: "Zhujiang New Town, Tianhe" names one site, two sentences name two


@dataclass(frozen=True, slots=True)
class SiteName:
    """A site as the desk's own data names it."""

    code: str
    names: tuple[str, ...]
    city: str = ""
    area_code: str = ""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The site a report means, or those it may mean."""

    site: str = UNKNOWN
    certainty: float = 0.0
    why: str = "no site named"
    words: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()


def default_sites() -> tuple[SiteName, ...]:
    """The fifteen sites of the example desk."""
    return tuple(
        SiteName(row["code"], tuple(row["names"]), row["city"])
        for row in data("sites.toml")["site"]
    )


@cache
def _places() -> tuple[dict[str, Any], ...]:
    known = data("places.toml")
    return (*known["place"], *known["city"])


@cache
def _signs() -> tuple[tuple[str, ...], frozenset[str]]:
    """What stands behind a name on a sign over a door, longest first; and how each begins."""
    signs = tuple(sorted(data("places.toml")["signs"], key=len, reverse=True))
    return signs, frozenset(tokens(sign)[0] for sign in signs)


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """The desk's sites, findable."""

    lexicon: Lexicon
    sites: dict[str, tuple[str, ...]]  # by city
    seats: dict[str, str]  # city -> the site meant by the city's bare name
    within: dict[str, str]  # site -> the site in whose district it lies

    @classmethod
    def of(cls, sites: Iterable[SiteName]) -> "Gazetteer":
        """Reads the desk's sites; names of known places bring their other spellings along."""
        sites = tuple(sites)
        by_name = {tuple(tokens(name)): place for place in _places() for name in _spellings(place)}
        terms: list[tuple[str, str]] = []
        home: dict[str, str] = {}  # the name of a place -> the first site there
        cities: dict[str, tuple[str, ...]] = {}
        for site in sites:
            cities[site.city] = (*cities.get(site.city, ()), site.code)
            joined = "".join(tokens(site.code))
            terms += [(code, f"site:{site.code}") for code in (site.code, joined)]
            if site.area_code:
                terms += [(site.area_code, f"area:{site.city}")]
            for name in site.names:
                terms += _terms_of(name, site.code, by_name, home)
        seats: dict[str, str] = {}
        for city in cities:
            place = by_name.get(tuple(tokens(city)), {"name": city})
            terms += [(name, f"city:{city}") for name in _spellings(place)]
            terms += [(place["area_code"], f"area:{city}")] if "area_code" in place else []
            if place.get("seat") in home:
                seats[city] = home[place["seat"]]
        within = {
            home[place["name"]]: home[place["within"]]
            for place in _places()
            if place["name"] in home and place.get("within") in home
        }
        return cls(Lexicon(terms), cities, seats, within)

    def city_of(self, site: str) -> str:
        return next((city for city, sites in self.sites.items() if site in sites), "")

    def locate(self, text: list[str], profile: str = "") -> tuple[Whereabouts, list[str]]:
        """The site named; else the one that city and profile leave; else the profile's.

        With it comes the text without names of places: "whole Sanshui shop down" says "whole shop".
        """
        found = self.lexicon.find(text)
        return self._locate(text, found, profile), _without_places(text, found)

    def _locate(self, text: list[str], found: list[Found], profile: str) -> Whereabouts:
        named = {kind: _tagged(found, f"{kind}:") for kind in ("site", "weak", "city", "area")}
        cities = [*named["city"], *named["area"]]
        near = {*cities, self.city_of(profile)}
        sites = dict(named["site"])
        for site, spot in named["weak"].items():
            if site not in sites and (self.city_of(site) in near or _signed(text, spot)):
                sites[site] = spot
        if sites:
            return self._choose(_without_goals(text, sites), set(cities))
        if cities:
            return self._in_city(named["city"] or named["area"], profile)
        if self.city_of(profile):
            return Whereabouts(profile, 0.85, "the person's own site")
        return Whereabouts()

    def _choose(self, sites: dict[str, Found], cities: set[str]) -> Whereabouts:
        agreeing = [site for site in sites if self.city_of(site) in cities] or list(sites)
        outer = {
            self.within[site]
            for site in agreeing
            if self.within.get(site) in sites
            and _apart(sites[site], sites[self.within[site]]) <= _NEAR
        }
        left = [site for site in agreeing if site not in outer] or agreeing
        weak = f"weak:{left[0]}" in sites[left[0]].tags
        certainty = 0.97 if len(left) == 1 and not weak else 0.65
        words = tuple(dict.fromkeys(sites[site].term for site in left))
        why = "named" if len(left) == 1 else "named first"
        return Whereabouts(left[0], certainty, why, words, tuple(left))

    def _in_city(self, cities: dict[str, Found], profile: str) -> Whereabouts:
        city, found = next(iter(cities.items()))
        sites, words = self.sites[city], (found.term,)
        if profile in sites:
            return Whereabouts(profile, 0.9, "the person's own site, in the city named", words)
        if len(sites) == 1:
            return Whereabouts(sites[0], 0.9, "the only site in the city named", words)
        if city in self.seats and f"city:{city}" in found.tags:
            seat = self.seats[city]
            return Whereabouts(seat, 0.6, "the city's name is said of its seat", words, sites)
        return Whereabouts(UNKNOWN, 0.0, "a city with several sites", words, sites)


def _spellings(place: dict[str, Any]) -> Iterator[str]:
    for name in (place["name"], *place.get("also", ())):
        yield name
        if " " in name:
            yield name.replace(" ", "")


def _terms_of(
    name: str, code: str, by_name: dict[tuple[str, ...], dict[str, Any]], home: dict[str, str]
) -> Iterator[tuple[str, str]]:
    bare = _bare(name)
    letters = "".join(tokens(name))
    strength = "weak" if letters.isascii() and len(letters) < 3 else "site"
    yield name, f"{strength}:{code}"
    if bare and bare != tuple(tokens(name)):
        yield " ".join(bare), f"{strength}:{code}"
    place = by_name.get(bare)
    if place is None or "area_code" in place:
        return
    home.setdefault(place["name"], code)
    for spelling in _spellings(place):
        yield spelling, f"site:{code}"
    for spelling in place.get("weak", ()):
        yield spelling, f"weak:{code}"


def _bare(name: str) -> tuple[str, ...]:
    """The name without what every sign over a door says."""
    text = " ".join(tokens(name)) if name.isascii() else "".join(tokens(name))
    for sign in _signs()[0]:
        if text.endswith(sign) and text != sign:
            text = text.removesuffix(sign).strip()
    return tuple(tokens(text))


def _tagged(found: list[Found], kind: str) -> dict[str, Found]:
    """What of this kind was named, in the order of the text."""
    tagged: dict[str, Found] = {}
    for spot in found:
        for tag in sorted(spot.tags):
            if tag.startswith(kind):
                tagged.setdefault(tag.removeprefix(kind), spot)
    return tagged


def _without_places(text: list[str], found: list[Found]) -> list[str]:
    rest, at = list[str](), 0
    for spot in found:
        if any(tag.startswith(("site:", "city:")) for tag in spot.tags):
            rest += text[at : spot.start]
            at = max(at, spot.end)
    return rest + text[at:] if at else text


def _without_goals(text: list[str], sites: dict[str, Found]) -> dict[str, Found]:
    """Where something is to go is not where it is: "from Tianhe to Panyu"."""
    here = {
        site: spot
        for site, spot in sites.items()
        if spot.start == 0 or text[spot.start - 1] not in _TOWARDS
    }
    return here or sites


def _apart(one: Found, other: Found) -> int:
    return max(one.start, other.start) - min(one.end, other.end)


def _signed(text: list[str], spot: Found) -> bool:
    return spot.end < len(text) and text[spot.end] in _signs()[1]
