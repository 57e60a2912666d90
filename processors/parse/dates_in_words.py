"""Dates in no standard: words and numbers read one by one, each of which must have a meaning."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

from msgspec import Struct

from processors.parse.date_words import AFTER_NOON, BEFORE_NOON, FILLER, MONTHS, SECONDS_OF, WEEKDAY_OF, WEEKDAYS
from processors.parse.zones import zone_of

_TOKEN = re.compile(
    r"(?P<ymd>\d{4}[-/.]\d{1,2}[-/.]\d{1,2})\.?(?!\d)"
    r"|(?P<cjk>\d{4} ?[年년] ?\d{1,2} ?[月월] ?\d{1,2} ?[日일])"
    r"|(?P<cjkmd>\d{1,2} ?[月월] ?\d{1,2} ?[日일])"
    r"|(?P<cjktime>\d{1,2} ?[時时点點시] ?\d{1,2} ?[分분](?: ?\d{1,2} ?[秒초])?)"
    r"|(?P<time>\d{1,2}(?::\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?|h\d{2}))(?![:\d])"
    r"|(?P<dmy>\d{1,2}(?P<sep>[./-])\d{1,2}(?P=sep)\d{2,4})(?![\d./-])"
    r"|(?P<offset>(?:(?:gmt|utc) ?[+-] ?| ?\+ ?| ?-)\d{1,2}(?::?\d{2})?)(?!\d)"
    r"|(?P<number>\d{1,4})(?:st|nd|rd|th|º|ª|\.|er)?(?![^\W_])"
    r"|(?P<word>[^\W\d_]+(?:[/'’][^\W\d_]+)*)\.?"
    r"|(?P<skip>[\s,،;()|·•–—@/-]+)"
)
_AM_PM = re.compile(r"(?<![^\W_])(?<=[\d ])([ap])\.? ?m\.?(?![^\W_])|([μπ])\.? ?μ\.?(?![^\W_])")
_SPACED = (
    (re.compile(r"(?<!\d)(\d{4})\. (\d{1,2})\. (\d{1,2})\.?(?!\d)"), r"\1-\2-\3"),  # 2024. 5. 3.
    (re.compile(r"(?<!\d)(\d{1,2})\. (\d{1,2})\. (\d{4})(?!\d)"), r"\1.\2.\3"),  # 3. 5. 2024
    (re.compile(r"(?<![^\W_])(klo?\.?|ore|alle|kello) (\d{1,2})\.(\d{2})(?![\d.])"), r"\1 \2:\3"),  # klo 11.42
    (re.compile(r"(?<=\d{4})(,? )(\d{1,2})\.(\d{2})$"), r"\1\2:\3"),  # 3 May 2024 11.42
    (re.compile(r"(?<=\d) \([^()\d]{2,40}\)$"), ""),  # GMT+0200 (Central European Summer Time)
    # a month in figures where RFC 2822 has its name: Fri, 07 01 2022 20:31:04
    (re.compile(r"(?<=[^\W\d_], )(\d{1,2}) (\d{1,2}) (\d{4})(?= \d{1,2}:)"), r"\1.\2.\3"),
)
_HYPHENED = re.compile(r"(?<!\d)(\d{1,4})-([^\W\d_]+)\.?-(\d{1,4})(?!\d)")
_GLUED = re.compile(r"(?<=\d)(am|pm)(?![^\W_])")
_JUST_NOW = 3
_AFTER = r"ago|назад|atrás|fa|geleden|sedan|temu|önce|тому"
_AGO = re.compile(
    r"(?:(?:vor|il y a|hace|há|för|منذ) )?(?P<count>\d{1,4}|an?|one|einer?|un[ea]?|een|en) ?(?P<unit>[^\W\d_]+?)\.?"
    rf"(?: (?:{_AFTER})| ?[前전])?"
)
_NOW = frozenset({"now", "just now", "gerade eben", "jetzt", "à l'instant", "ahora", "только что", "moments ago"})
_DAYS_BACK = {"today": 0, "heute": 0, "aujourd'hui": 0, "hoy": 0, "сегодня": 0, "yesterday": 1, "gestern": 1}
_DAYS_BACK |= {"hier": 1, "ayer": 1, "вчера": 1}

Precision = Literal["second", "minute", "day"]


class Read(Struct):
    """What the words said: an instant of its own, or a day and a time of day in a zone (None: none named)."""

    precision: Precision
    instant: datetime | None = None
    day: tuple[int, int, int] | None = None
    clock: tuple[int, int, int, int] | None = None
    zone: tzinfo | None = None


class _Found(Struct):
    """What has been read so far."""

    day: tuple[int, int, int] | None = None
    month: int | None = None
    numbers: list[str] = []
    time: tuple[int, int, int, int] | None = None
    precision: Precision = "day"
    noon: Literal["", "am", "pm"] = ""
    zone: tzinfo | None = None
    has_offset: bool = False
    days_back: int | None = None
    weekday: int | None = None
    either: tuple[tuple[int, int, int], tuple[int, int, int]] | None = None
    """Day and month, or month and day: what the weekday has to tell."""


def read_words(text: str, now: datetime | None) -> Read | None:
    """A date in words; None where any part of it has no meaning, ``ValueError`` where a number is out of range.

    ``now`` in the feed's zone: what relative times, and dates without a year or day, are read against.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    folded = " ".join(folded.split())
    if now is not None:
        relative = _relative(folded, now)
        if relative is not None:
            return relative
    folded = re.sub(r"(?<=\d)t(?=\d)", " ", folded)
    for pattern, plain in _SPACED:
        folded = pattern.sub(plain, folded)
    folded = _HYPHENED.sub(r"\1 \2 \3", folded)
    folded = _AM_PM.sub(lambda m: " " + ("pm" if m.group(1) == "p" or m.group(2) == "μ" else "am"), folded)
    found = _take_tokens(_GLUED.sub(r" \1", folded))
    if found is None:
        return None
    day = _day_of(found, now)
    clock = _clock_of(found)
    if day is None or clock is None:
        return None
    return Read(found.precision, day=day, clock=clock, zone=found.zone)


def _relative(text: str, now: datetime) -> Read | None:
    if text in _NOW:
        return Read("minute", instant=now)
    matched = _AGO.fullmatch(text)
    if matched is None or matched.group("unit") not in SECONDS_OF:
        return None
    if not re.search(rf"(?:{_AFTER}|[前전])$|^(?:vor|il y a|hace|há|för|منذ) ", text) and not re.fullmatch(
        r"\d+ ?(?:[smhdw]|min)", text
    ):
        return None
    count = int(matched.group("count")) if matched.group("count").isdigit() else 1
    seconds = count * SECONDS_OF[matched.group("unit")]
    return Read("day" if seconds >= 86_400 else "minute", instant=now - timedelta(seconds=seconds))


def _take_tokens(text: str) -> _Found | None:
    found = _Found()
    at = 0
    while at < len(text):
        matched = _TOKEN.match(text, at)
        if matched is None or matched.end() == at:
            return None
        at = matched.end()
        kind, value = matched.lastgroup or "", matched.group()
        if kind == "sep":  # the group inside dmy closes last only in name
            kind = "dmy"
        if kind != "skip" and not _take(found, kind, matched.group(kind) if kind != "dmy" else value):
            return None
    return found


def _take(found: _Found, kind: str, value: str) -> bool:
    """Note one token; False where it has no meaning, or says again what was said."""
    if kind in {"ymd", "cjk", "dmy"}:
        return _take_day(found, kind, value)
    if kind in {"time", "cjktime"}:
        return _take_time(found, ":".join(re.findall(r"\d+", value)) if kind == "cjktime" else value)
    if kind == "offset":
        return found.time is not None and _take_zone(found, value.replace(" ", ""))
    if kind in {"number", "cjkmd"}:
        *month, number = re.findall(r"\d+", value)
        if month:
            found.month = int(month[0])
        found.numbers.append(number)
        return len(found.numbers) <= 3
    return _take_word(found, value)


def _take_day(found: _Found, kind: str, value: str) -> bool:
    if found.day is not None or found.either is not None:
        return False
    parts = [int(part) for part in re.findall(r"\d+", value)]
    if kind == "dmy" and (either := _either_order(parts, value)) is not None:
        found.either = either
        return True
    found.day = _three_numbers(parts, value) if kind == "dmy" else (parts[0], parts[1], parts[2])
    return found.day is not None


def _take_time(found: _Found, value: str) -> bool:
    if found.time is not None:
        return False
    parts = re.split(r"[:h.,]", value)
    milli = int(parts[3][:3].ljust(3, "0")) if len(parts) > 3 else 0
    found.time = (int(parts[0]), int(parts[1]), int(parts[2]) if len(parts) > 2 else 0, milli)
    found.precision = "second" if len(parts) > 2 else "minute"
    return True


def _take_zone(found: _Found, name: str) -> bool:
    zone = zone_of(name)
    if zone is None:
        return False
    is_offset = any(character.isdigit() for character in name)
    if is_offset or not found.has_offset:  # "GMT +0200", "+0200CET": the offset says it more exactly
        found.zone = zone
    found.has_offset = found.has_offset or is_offset
    return True


def _take_word(found: _Found, word: str) -> bool:
    if word in MONTHS and found.month is None and found.day is None:
        found.month = MONTHS[word]
        return True
    if word in AFTER_NOON or word in BEFORE_NOON:
        found.noon = "pm" if word in AFTER_NOON else "am"
        if found.time is None and found.numbers and found.precision == "day":  # "7 pm": the hour stood alone
            found.time, found.precision = (int(found.numbers.pop()), 0, 0, 0), "minute"
        return True
    if word in _DAYS_BACK:
        found.days_back = _DAYS_BACK[word]
        return True
    if found.time is not None and (word.isascii() or word == "мск") and _take_zone(found, word):
        return True
    found.weekday = WEEKDAY_OF.get(word, found.weekday)
    return word in WEEKDAYS or word in FILLER


def _three_numbers(parts: list[int], value: str) -> tuple[int, int, int] | None:
    """Day, month and year: with dots always in that order; else only where day and month cannot be confused."""
    first, second, year = parts
    year = _full_year(year, digits=len(re.split(r"[./-]", value)[2]))
    if "." in value or first > 12 or first == second:
        return (year, second, first)
    return (year, first, second) if second > 12 else None


def _either_order(parts: list[int], value: str) -> tuple[tuple[int, int, int], tuple[int, int, int]] | None:
    """Both readings of 03/05/2024, where both are dates."""
    first, second, year = parts
    if "." in value or first == second or not (1 <= first <= 12 and 1 <= second <= 12):
        return None
    year = _full_year(year, digits=len(re.split(r"[./-]", value)[2]))
    return (year, second, first), (year, first, second)


def _full_year(year: int, *, digits: int) -> int:
    if digits == 3:
        raise ValueError("a year of three digits")
    return year if digits == 4 else year + (2000 if year < 70 else 1900)


def _day_of(found: _Found, now: datetime | None) -> tuple[int, int, int] | None:
    if found.either is not None:
        return _told_apart(found.either, found.weekday, now) if not found.numbers else None
    if found.day is not None:
        return None if found.numbers else found.day
    if found.month is not None:
        return _with_month(found, found.month, now)
    if now is None or (found.time is None and found.days_back is None) or found.numbers:
        return None
    day = (now if found.zone is None else now.astimezone(found.zone)) - timedelta(days=found.days_back or 0)
    clock = _clock_of(found)
    if found.days_back is None and clock is not None and (clock[0], clock[1]) > (day.hour, day.minute + 10):
        day -= timedelta(days=1)  # 23:50, seen at 00:10, was yesterday
    return (day.year, day.month, day.day)


def _told_apart(
    either: tuple[tuple[int, int, int], tuple[int, int, int]], weekday: int | None, now: datetime | None
) -> tuple[int, int, int] | None:
    """The order of day and month that the weekday fits, or that lies within `_JUST_NOW` days of the snapshot."""
    if weekday is not None:
        fitting = [day for day in either if date(*day).weekday() == weekday]
    else:
        fitting = [day for day in either if now is not None and abs((date(*day) - now.date()).days) <= _JUST_NOW]
    return fitting[0] if len(fitting) == 1 else None


def _with_month(found: _Found, month: int, now: datetime | None) -> tuple[int, int, int] | None:
    years = [n for n in found.numbers if len(n) == 4]
    others = [n for n in found.numbers if len(n) < 4]
    if len(years) == 1 and len(others) == 1:
        return (int(years[0]), month, int(others[0]))
    if not years and len(others) == 2:  # "19 Sep 21"
        return (_full_year(int(others[1]), digits=len(others[1])), month, int(others[0]))
    if not years and len(others) == 1 and now is not None:
        late = (month, int(others[0])) > ((now + timedelta(days=31)).month, 31) if now.month < 12 else False
        return (now.year - late, month, int(others[0]))
    return None


def _clock_of(found: _Found) -> tuple[int, int, int, int] | None:
    """The time of day, midnight where none is given; None for 15 o'clock in the morning."""
    if found.time is None:
        return (0, 0, 0, 0)
    hour, minute, second, milli = found.time
    if found.noon and hour > 12:
        return found.time if found.noon == "pm" else None
    if found.noon:
        hour = hour % 12 + (12 if found.noon == "pm" else 0)
    return (hour, minute, second, milli)
