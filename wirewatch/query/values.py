"""The values behind fields: kinds, numbers, places on the map, times. Each refuses in words what it cannot be."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import cast, get_args, get_type_hints

from wirewatch.errors import UserError
from wirewatch.events.entries import ChangeClass, Enrichment, Figure, Media, Op
from wirewatch.query.lexer import Piece
from wirewatch.query.syntax import Around, Comparator, FigureIs, Keyword, KeywordName, QueryError, TimeName, When
from wirewatch.query.tokenizer import words
from wirewatch.times import EPOCH, parse_duration_ms

FIGURE_KINDS: tuple[str, ...] = get_args(get_type_hints(Figure)["kind"])
MEDIA_KINDS: tuple[str, ...] = get_args(get_type_hints(Media)["kind"])
KEYWORDS: dict[str, tuple[str, ...]] = {
    "feed": (),
    "lang": (),
    "op": get_args(Op),
    "hedge": get_args(get_type_hints(Enrichment)["hedge"]),
    "changed": get_args(ChangeClass),
    "has": (*MEDIA_KINDS, "media", "link", "body", "figure", "place", "dateline"),
    "is": ("headline-only", "lead", "withdrawn", "current", "pinned", "key-event", "late"),
}
"""The fields with fixed values, and what may stand there; nothing listed: any slug."""

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FIGURE = re.compile(r"(?i)figure\.([a-z]+)(:new)?(>=|<=|!=|==|>|<|=)(.+)")
_AROUND = re.compile(r"(-?\d{1,3}(?:\.\d{1,12})?),(-?\d{1,3}(?:\.\d{1,12})?),(\d{1,9}(?:\.\d{1,6})?)(km|mi|m)")
_UNITS = {"m": 1.0, "km": 1_000.0, "mi": 1_609.344}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MAX_METRES = 20_040_000.0  # half way round


def read_keyword(name: str, value: Piece) -> Keyword:
    """``op:created``, ``feed:kz-*``: one of the allowed values, or any slug where the field is open."""
    allowed = KEYWORDS[name]
    text = value.value.lower()
    if allowed:
        if value.star or text not in allowed:
            raise QueryError(value.position, value.text, f"one of {', '.join(allowed)}")
    elif not _SLUG.fullmatch(text):
        raise QueryError(value.position, value.text, f"a {'feed id' if name == 'feed' else 'language such as en'}")
    if name == "lang":
        text = text.replace("_", "-")
    return Keyword(cast(KeywordName, name), text, prefix=value.star)


def read_figure(piece: Piece) -> FigureIs:
    """``figure.killed>=10``, ``figure.killed:new>=10``."""
    match = _FIGURE.fullmatch(piece.text)
    if match is None:
        raise QueryError(piece.position, piece.text, "figure.KIND, perhaps :new, then >= > <= < = or != and a number")
    kind = match[1].lower()
    if kind not in FIGURE_KINDS:
        at = piece.position + match.start(1)
        raise QueryError(at, match[1], f"one of {', '.join(FIGURE_KINDS)}")
    numbers = words(match[4])
    # the tokenizer knows digit groups; a sign or a second token is no number of ours
    if len(numbers) != 1 or not re.fullmatch(r"\d{1,15}(\.\d{1,9})?", numbers[0]) or not match[4][-1].isdecimal():
        raise QueryError(piece.position + match.start(4), match[4], "a number such as 10 or 4,000")
    comparator = cast(Comparator, "=" if match[3] == "==" else match[3])
    return FigureIs(kind, comparator, float(numbers[0]), new=bool(match[2]))


def read_around(value: Piece) -> Around:
    """``near:43.25,76.95,50km``."""
    match = _AROUND.fullmatch(value.text)
    if match is None:
        raise QueryError(value.position, value.text, "latitude,longitude,radius such as 43.25,76.95,50km (km, m or mi)")
    lat, lon, metres = float(match[1]), float(match[2]), float(match[3]) * _UNITS[match[4]]
    if abs(lat) > 90 or abs(lon) > 180 or metres > _MAX_METRES:
        raise QueryError(
            value.position, value.text, "a latitude up to 90, a longitude up to 180, a radius up to 20,040 km"
        )
    return Around(lat, lon, metres, value.text)


def read_when(name: str, value: Piece) -> When:
    """``since:2h``, ``until:2022-01-07``, ``seen-since:2022-01-07T20:30Z``; without a zone it is UTC.

    A day as ``until:`` holds to its end.
    """
    bound = cast(TimeName, name)
    text = value.text
    if value.kind == "quoted":
        text = value.value.replace(" ", "T")
    expected = "a duration such as 2h or 1d12h, or a date such as 2022-01-07 or 2022-01-07T20:30Z"
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            ago = parse_duration_ms(text) if len(text) <= 20 else -1
        except (UserError, OverflowError):
            ago = -1
        if not 0 <= ago <= 366_000 * 86_400_000:
            raise QueryError(value.position, value.text, expected) from None
        return When(bound, None, ago, text)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    ms = (at - EPOCH) // timedelta(milliseconds=1)
    if name == "until" and _DAY.fullmatch(text):
        ms += 86_400_000 - 1
    return When(bound, ms, None, text)


def metres_between(lat: float, lon: float, lat_there: float, lon_there: float) -> float:
    """The distance on a sphere of the earth's mean radius (haversine)."""
    phi, phi_there = math.radians(lat), math.radians(lat_there)
    half_lat = math.sin((phi_there - phi) / 2)
    half_lon = math.sin(math.radians(lon_there - lon) / 2)
    part = math.hypot(half_lat, math.sqrt(max(0.0, math.cos(phi) * math.cos(phi_there))) * half_lon)
    return 2 * 6_371_008.8 * math.asin(min(1.0, part))
