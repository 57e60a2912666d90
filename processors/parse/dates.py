"""Times as sources write them, to milliseconds since 1970. Pure: what is relative is told ``now_ms``.

Never guesses: where day and month cannot be told apart, or a word is not known, the answer is None, and the
entry's first-seen time stands in. No zone means UTC. A date far ahead is returned as it is; the diff clamps.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from processors.parse.dates_in_words import read_words
from processors.parse.zones import zone_of

Precision = Literal["second", "minute", "day"]

_LONGEST = 120  # characters; what is longer is no date
_OLDEST, _NEWEST = 1900, 2999  # 0001 and 9999 stand for "none" in many systems
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MS = timedelta(milliseconds=1)

_ISO = re.compile(
    r"(\d{4})-0?(\d{1,2})-(\d{1,2})"
    r"(?:[Tt ]\s?(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|z|[+-]\d{1,2}:?\d{2}|[+-]\d{2}|[A-Za-z]{1,5})?)?"
)
_RFC_2822 = re.compile(
    r"(?:[A-Za-z]{3,9}\.?,? ?)?(\d{1,2}) ([A-Za-z]{3})[a-z]*,? (\d{4}) (\d{1,2}):(\d{2})(?::(\d{2}))?"
    r"(?: ([+-]\d{2}:?\d{2}|[A-Za-z]{1,5}))?"
)
_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
_ENGLISH = {name: number for number, name in enumerate(_NAMES.split(), start=1)}
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,9})?")
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2})(?::?(\d{2}))?(Z|[+-]\d{2}:?\d{2})?)?")
_NAMED_ZONE = re.compile(r" ([A-Z][A-Za-z_]+/[A-Z][A-Za-z_/+-]+)$")
_IN_JSON = re.compile(r"\\?/Date\((\d{1,16})(?:[+-]\d{4})?\)\\?/")  # as .NET writes epoch milliseconds into JSON


class ParsedTime(Struct, frozen=True):
    """A time, and how exactly the source gave it."""

    ms: int
    precision: Precision


def parse_time(
    raw: str | float,
    *,
    time_format: str = "",
    timezone: str = "",
    now_ms: int | None = None,
) -> ParsedTime | None:
    """RFC 3339, RFC 2822, epoch, dates in words; None where it is none that can be believed.

    ``time_format`` (strptime) is tried first. ``timezone`` holds where the text names no zone: an IANA name, an
    abbreviation or an offset. ``now_ms`` is the snapshot's own time: with it, relative times ("3 minutes ago"),
    times without a date and dates without a year are read too.
    """
    if not isinstance(raw, str):
        return None if isinstance(raw, bool) else _from_number(float(raw))
    text = raw.strip()
    if not time_format and (usual := usual_time(text)) is not None:
        return usual
    if not text or len(text) > _LONGEST:
        return None
    zone = zone_of(timezone) if timezone else None
    if (named := _NAMED_ZONE.search(text)) is not None and (own := zone_of(named.group(1))) is not None:
        text, zone = text[: named.start()], own  # 2022-01-07 20:31:04 Europe/Berlin
    if text.endswith("]"):  # 2022-01-07T20:31:04+01:00[Europe/Berlin]: the offset says it already
        text = text.partition("[")[0].rstrip()
    try:
        if time_format:
            formatted = _by_format(text, time_format, zone or UTC)
            if formatted is not None:
                return formatted
        return _standard(text, zone) or _numeric(text, zone) or _in_words(text, zone or UTC, now_ms)
    except (ValueError, OverflowError):  # a thirteenth month, a 25th hour, a year out of range
        return None


def usual_time(text: str) -> ParsedTime | None:
    """The two standards as nearly everybody writes them, with seconds and zone, without patterns; None: look closer."""
    if text[3:4] == "," and len(text) in {29, 31}:  # Fri, 07 Jan 2022 20:31:04 GMT, or +0100
        day, clock, offset = _day_in_words(text[4:17]), text[17:25], _offset_ms(text[25:])
    elif text[10:11] == "T" and len(text) in {20, 24, 25, 29}:  # 2022-01-07T20:31:04Z, .000Z, or +01:00
        has_millis = text[19] == "." and text[20:23].isdecimal()
        day, clock = _day_in_numbers(text[:10]), text[11:19]
        offset = _fixed_offset_ms(text[23:] if has_millis else text[19:])
        if has_millis and offset is not None:
            offset -= int(text[20:23])
    else:
        return None
    if day is None or offset is None or clock[2] != ":" or clock[5] != ":":
        return None
    try:
        at = time.fromisoformat(clock)
    except ValueError:  # 24:00:00, a leap second, or nonsense
        return None
    ms = day + ((at.hour * 60 + at.minute) * 60 + at.second) * 1_000 - offset
    return ParsedTime(ms, "second") if ms else None


@lru_cache(maxsize=1024)
def _day_in_words(text: str) -> int | None:
    """`` 07 Jan 2022 ``, with the spaces around it, in milliseconds since 1970."""
    day, month, year = text[1:3], _ENGLISH.get(text[4:7].casefold()), text[8:12]
    if (
        month is None
        or text[0] + text[3] + text[7] + text[12] != "    "
        or not (text.isascii() and day.isdigit() and year.isdigit())
    ):
        return None
    return _day_ms(int(year), month, int(day))


@lru_cache(maxsize=1024)
def _day_in_numbers(text: str) -> int | None:
    """``2022-01-07`` in milliseconds since 1970."""
    year, month, day = text[:4], text[5:7], text[8:]
    if text[4:8:3] != "--" or not (text.isascii() and year.isdigit() and month.isdigit() and day.isdigit()):
        return None
    return _day_ms(int(year), int(month), int(day))


def _day_ms(year: int, month: int, day: int) -> int | None:
    try:
        return (date(year, month, day).toordinal() - _EPOCH_DAY) * 86_400_000 if _OLDEST <= year <= _NEWEST else None
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _fixed_offset_ms(name: str) -> int | None:
    """How far ahead of UTC, where that is the same all year; None where it is not, or is no zone as usually written."""
    zone = zone_of(name) if name in {"GMT", "UTC", "Z"} or name[:1] in {"+", "-"} else None
    offset = zone.utcoffset(None) if zone is not None else None
    return None if offset is None else round(offset.total_seconds() * 1000)


@lru_cache(maxsize=256)
def _offset_ms(name: str) -> int | None:
    """The same of a zone with the space before it."""
    return _fixed_offset_ms(name[1:]) if name[:1] == " " else None


def _standard(text: str, zone: tzinfo | None) -> ParsedTime | None:
    """RFC 3339 and RFC 2822: nearly all there is, so told first and fast."""
    matched = _ISO.fullmatch(text)
    if matched is not None:
        year, month, day, hour, minute, second, fraction, offset = matched.groups()
        number = int(month)
    else:
        matched = _RFC_2822.fullmatch(text)
        if matched is None:
            return None
        day, name, year, hour, minute, second, offset = matched.groups()
        number, fraction = _ENGLISH.get(name.casefold(), 0), None
        if not number:
            return None
    if offset and zone_of(offset) is None:
        return None  # 08:49 PM, 18:30 Uhr: words, which are read one by one
    precision: Precision = "second" if second else "minute" if hour else "day"
    return _assemble(
        (int(year), number, int(day)),
        (int(hour or 0), int(minute or 0), int(second or 0), _millis(fraction)),
        _zone(offset, zone) if hour else UTC,
        precision,
    )


def _millis(fraction: str | None) -> int:
    return int(fraction[:3].ljust(3, "0")) if fraction else 0


def _zone(offset: str | None, otherwise: tzinfo | None) -> tzinfo:
    if not offset:
        return otherwise or UTC
    zone = zone_of(offset)
    if zone is None:
        raise ValueError(f"{offset} is no zone that is known")
    return zone


def _assemble(
    day: tuple[int, int, int], clock: tuple[int, int, int, int], zone: tzinfo, precision: Precision
) -> ParsedTime | None:
    """The instant of a date and a time of day in a zone. ``ValueError`` where there is no such date or time."""
    hour, minute, second, milli = clock
    # 24:00 is the midnight after, and a leap second is the second after
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        raise ValueError("no such time of day")
    in_day = ((hour * 60 + minute) * 60 + second) * 1000 + milli
    if not _OLDEST <= day[0] <= _NEWEST:
        return None
    if zone is UTC:
        return _believed((date(*day).toordinal() - _EPOCH_DAY) * 86_400_000 + in_day, precision)
    offset = zone.utcoffset(None)
    if offset is not None:  # the same all year
        days = date(*day).toordinal() - _EPOCH_DAY
        return _believed(days * 86_400_000 + in_day - round(offset.total_seconds() * 1000), precision)
    at = datetime(*day, tzinfo=zone) + timedelta(milliseconds=in_day)
    return _believed((at - _EPOCH) // _MS, precision)


def _believed(ms: int, precision: Precision) -> ParsedTime | None:
    # 1970-01-01T00:00:00Z is a zero in somebody's database, not news
    return ParsedTime(ms, precision) if ms else None


def _from_number(number: float) -> ParsedTime | None:
    """Epoch seconds, or milli-, micro- or nanoseconds: told apart by size, for the years 1973 to 2999."""
    if not 1e8 <= number < 3.3e19:  # also false for nan
        return None
    if number < 3.25e10:
        return ParsedTime(round(number * 1000), "second")
    for scale in (1, 1_000, 1_000_000):
        if number < 3.25e13 * scale:
            return ParsedTime(int(number // scale), "second") if number >= 1e11 * scale else None
    return None


def _numeric(text: str, zone: tzinfo | None) -> ParsedTime | None:
    """``20240718``, ``20240718T120000Z``, epoch as text, a year alone or with its month."""
    if (in_json := _IN_JSON.fullmatch(text)) is not None:
        text = in_json.group(1)
    if not text[:1].isdigit() or not text.isascii():
        return None
    if re.fullmatch(r"(?:19|20)\d{2}(?:-\d{2})?", text):
        return _assemble((int(text[:4]), int(text[5:7] or 1), 1), (0, 0, 0, 0), UTC, "day")
    matched = _COMPACT.fullmatch(text)
    if matched is not None and len(text) not in {10, 13}:  # as many digits as epoch seconds or milliseconds have
        year, month, day, hour, minute, second, offset = matched.groups()
        return _assemble(
            (int(year), int(month), int(day)),
            (int(hour or 0), int(minute or 0), int(second or 0), 0),
            _zone(offset, zone) if hour else UTC,
            "second" if second else "minute" if hour else "day",
        )
    return _from_number(float(text)) if _NUMBER.fullmatch(text) else None


def _by_format(text: str, time_format: str, zone: tzinfo) -> ParsedTime | None:
    try:
        at = datetime.strptime(text, time_format)  # noqa: DTZ007 - the zone is given next, where the text has none
    except ValueError:
        return None
    if at.year < _OLDEST or at.year > _NEWEST:
        return None
    directives = set(re.findall(r"%([A-Za-z])", time_format))
    precision: Precision = "day"
    if directives & {"S", "T", "X", "c", "f"}:
        precision = "second"
    elif directives & {"H", "I", "M"}:
        precision = "minute"
    aware = at if at.tzinfo is not None else at.replace(tzinfo=zone if precision != "day" else UTC)
    return _believed((aware - _EPOCH) // _MS, precision)


def _in_words(text: str, zone: tzinfo, now_ms: int | None) -> ParsedTime | None:
    now = None if now_ms is None else (_EPOCH + timedelta(milliseconds=now_ms)).astimezone(zone)
    read = read_words(text, now)
    if read is None:
        return None
    if read.instant is not None:
        return ParsedTime((read.instant - _EPOCH) // _MS, read.precision)
    if read.day is None or read.clock is None:
        return None
    return _assemble(read.day, read.clock, (read.zone or zone) if read.precision != "day" else UTC, read.precision)
