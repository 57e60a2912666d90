"""Times on live pages: which lines are nothing but a time, and which instants they mean.

A line has a date and a clock, a clock alone, a date alone (a day heading), or a distance ("3m ago"). A clock
alone takes the day heading above it, else the page's own date, rolling over at midnight.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from processors.parse.dates import ParsedTime, parse_time

_LONGEST = 60
_HEAD_OF_A_HEADING = 12
_DAY_MS = 86_400_000
_ROLLS_OVER = 60  # minutes against the order that a late entry may stand; more is another day
_ZONES = (
    r"GMT|UTC|Z|BST|IST|CES?T|MES?Z|WES?T|EES?T|MSK|МСК|[ECMP][SD]?T|AE[SD]T|JST|HKT|SGT|NZ[SD]T|WAT|CAT|EAT|SAST|"
    r"local(?: time)?"
)
_CLOCK = re.compile(
    r"(?:(?:at|um|à|a las|às|alle|ore|в|о|o|ob|v|godz\.?|saat|pukul|(?P<dotted>kl|klo|kello)\.?)\s+)?"
    r"(?P<hour>\d{1,2})(?:(?P<sep>[:.h]|\sh\s|時|시\s?)(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?"
    r"\s*(?P<half>[ap]\.?\s?m\.?)?\s*(?P<said>Uhr|Uur|hrs?|hs|hod\.?|h|น\.?|분|分)?"
    rf"\s*\(?(?P<zone>{_ZONES}|(?:GMT|UTC)?[+-]\d{{1,2}}(?::?\d{{2}})?)?\)?",
    re.IGNORECASE,
)
_DOTTED = re.compile(rf"(?<![\d.])(\d{{1,2}})\.(\d{{2}})(?=\s*(?:[ap]\.?m|Uhr|{_ZONES})(?![a-z]))", re.IGNORECASE)
_SAID = re.compile(r"\b(?:Uhr|Uur|hrs)\b\.?", re.IGNORECASE)
_PUBLISHED = re.compile(
    r"^(?:(?:posted|published|veröffentlicht|publié|publicado|опубликовано)(?:\s+(?:at|on|am|le|el|em))?|at|on)\b\s*:?\s*",
    re.IGNORECASE,
)
_UPDATED = re.compile(
    r"(?:last )?(?:updated|edited|modified)\b|aktualisiert|geändert|mis à jour|actualizado|обновлено", re.IGNORECASE
)
_UPDATED_PART = re.compile(
    r"\s*\((?:last )?(?:updated|aktualisiert|mis à jour|actualizado|обновлено)[^)]{0,60}\)", re.IGNORECASE
)
_DISTANCE = re.compile(
    r"\b(?:ago|vor|il y a|hace|há|fa|geleden|för|sedan|temu|önce|منذ|тому)\b|назад|atrás|\d\s?\w+\s?[前전]$|"
    r"^\d+ ?(?:[smhdw]|min)$|now$|jetzt|только что",
    re.IGNORECASE,
)
_INLINE = re.compile(r"(?P<time>\d[^\n]{2,40}?)\s*(?:[:–—|•]|\s-)\s+(?P<rest>\S.*)", re.DOTALL)
_INLINE_PLUS = re.compile(r"(?P<time>\d{1,2}[:.]\d{2}(?:\s*Uhr)?)\s*[:–—|•-]?\s+(?P<rest>\S.*)", re.DOTALL)
_HEADED = re.compile(
    r"(?P<time>\d{1,2}[:.h]\d{2}\s*(?:[ap]\.?\s?m\.?|Uhr|Uur|h)?(?:\s[A-Z]{3,4}(?=\s))?)\s+(?P<rest>[^\W\d_].*)",
    re.DOTALL,
)
"""A heading may name its time without a mark behind it; a sentence that begins with one may not."""
_NUMBER = re.compile(r"[\d.,:%+ -]*")
_NUMERIC_DATE = re.compile(r"\d[./-]\d{1,2}[./-]\d")


class Stamp(Struct, frozen=True):
    """What a line says about time. ``exact`` is an instant; ``clock`` a time of day (minutes, seconds, zone)."""

    kind: Literal["exact", "clock", "day", "distance"]
    raw: str
    exact: ParsedTime | None = None
    minutes: int = 0
    seconds: int | None = None
    zone: str = ""


class When(Struct, frozen=True):
    """An instant for an entry, and how it came about."""

    ms: int
    precision: Literal["second", "minute", "day"]
    source: Literal["source", "inferred"]


def read_stamp(line: str, *, fetched_at_ms: int, timezone: str = "") -> Stamp | None:
    """The line as a time, if it is one and nothing else."""
    raw = line.strip().strip("[]+|•·").strip().rstrip("-–—:").rstrip()
    if not 0 < len(raw) <= _LONGEST or _UPDATED.match(raw):
        return None
    if not any(c.isdigit() for c in raw) and not _DISTANCE.search(raw):
        return None
    text = _UPDATED_PART.sub("", raw)
    text = _PUBLISHED.sub("", text)
    clock = _read_clock(text, raw)
    if clock is not None:
        return clock
    text = _SAID.sub(" ", _DOTTED.sub(r"\1:\2", text)).strip()
    if _NUMBER.fullmatch(text) and not _NUMERIC_DATE.search(text):
        return None
    return _read_date(text, raw, fetched_at_ms, timezone)


def _read_date(text: str, raw: str, fetched_at_ms: int, timezone: str) -> Stamp | None:
    found = parse_time(text, timezone=timezone)
    if found is None:
        found = parse_time(text, timezone=timezone, now_ms=fetched_at_ms)
        if found is not None and _DISTANCE.search(text):
            return Stamp("distance", raw, exact=found)
    if found is None:
        return None
    return Stamp("day" if found.precision == "day" else "exact", raw, exact=found)


def _read_clock(text: str, raw: str) -> Stamp | None:
    matched = _CLOCK.fullmatch(text)
    if matched is None:
        return None
    half = (matched.group("half") or "").lower()
    said = matched.group("said") or matched.group("dotted") or matched.group("zone") or half
    if matched.group("minute") is None and not (half or (matched.group("said") or "").lower() in {"uhr", "uur"}):
        return None  # "5 h" is a distance, "12" a number
    if matched.group("sep") == "." and not said:
        return None  # "9.40" is as likely a price
    hour, minute = int(matched.group("hour")), int(matched.group("minute") or 0)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    if hour > 23 or minute > 59:
        return None
    second = matched.group("second")
    zone = (matched.group("zone") or "").upper()
    return Stamp(
        "clock",
        raw,
        minutes=hour * 60 + minute,
        seconds=int(second) if second else None,
        zone="" if zone.startswith("LOCAL") else zone,
    )


def split_inline(
    line: str, *, fetched_at_ms: int, timezone: str = "", heading: bool = False
) -> tuple[Stamp, str] | None:
    """``"21:40 Uhr: Bridge closed +++"`` -> its time and ``"Bridge closed"``; None where no time comes first."""
    text = line.strip().strip("+").strip()
    matched = (_INLINE_PLUS if line.strip().startswith("+") else _INLINE).match(text)
    if heading and (matched is None or len(matched.group("time")) > _HEAD_OF_A_HEADING):
        matched = _HEADED.match(text)
    if matched is None:
        return None
    stamp = read_stamp(matched.group("time"), fetched_at_ms=fetched_at_ms, timezone=timezone)
    if stamp is None or stamp.kind == "day":
        return None
    return stamp, matched.group("rest").strip()


def resolve(stamps: list[Stamp], *, page_ms: int | None, fetched_at_ms: int, timezone: str = "") -> list[When | None]:
    """The instant of every stamp, in document order; None for day headings and what cannot be resolved.

    ``page_ms`` is the page's own date, if it says one; else the snapshot's time stands in for it.
    """
    anchor = page_ms if page_ms is not None else fetched_at_ms
    order = list(enumerate(stamps))
    headed = any(s.kind == "day" for s in stamps)
    if not headed and not _newest_first([s.minutes for s in stamps if s.kind == "clock"]):
        order.reverse()
    found: list[When | None] = [None] * len(stamps)
    day, heading = _day_of(anchor, timezone), False
    previous: int | None = _minutes_of(anchor, timezone)
    for index, stamp in order:
        if stamp.kind == "clock":
            if not heading and previous is not None and stamp.minutes > previous + _ROLLS_OVER:
                day -= timedelta(days=1)
            previous = stamp.minutes
            found[index] = _at(day, stamp, timezone, "source" if heading else "inferred")
        elif stamp.exact is None:
            continue
        elif stamp.kind == "day":
            day, heading = _day_of(stamp.exact.ms, ""), True
        elif stamp.kind == "distance":
            found[index] = When(stamp.exact.ms, stamp.exact.precision, "inferred")
        else:
            found[index] = When(stamp.exact.ms, stamp.exact.precision, "source")
            day, previous = _day_of(stamp.exact.ms, timezone), _minutes_of(stamp.exact.ms, timezone)
    return found


def _newest_first(clocks: list[int]) -> bool:
    """Whether going back in time through the list is the shorter way round the clock."""
    return _way(clocks) <= _way(clocks[::-1])


def _way(clocks: list[int]) -> int:
    """Minutes gone back through the list, day after day; a late entry is a small step against the order."""
    return sum(ahead * 2 if (ahead := (b - a) % 1440) <= _ROLLS_OVER else (a - b) % 1440 for a, b in pairwise(clocks))


def _day_of(ms: int, timezone: str) -> date:
    return date(1970, 1, 1) + timedelta(days=(ms + _offset_ms(ms, timezone)) // _DAY_MS)


def _minutes_of(ms: int, timezone: str) -> int:
    return (ms + _offset_ms(ms, timezone)) % _DAY_MS // 60_000


def _offset_ms(ms: int, timezone: str) -> int:
    """How far the zone is ahead of UTC about then."""
    if not timezone:
        return 0
    day = date(1970, 1, 1) + timedelta(days=ms // _DAY_MS)
    noon = parse_time(f"{day.isoformat()}T12:00:00", timezone=timezone)
    plain = parse_time(f"{day.isoformat()}T12:00:00Z")
    return plain.ms - noon.ms if noon is not None and plain is not None else 0


def _at(day: date, stamp: Stamp, timezone: str, source: Literal["source", "inferred"]) -> When | None:
    second = "" if stamp.seconds is None else f":{stamp.seconds:02d}"
    text = f"{day.isoformat()} {stamp.minutes // 60:02d}:{stamp.minutes % 60:02d}{second} {stamp.zone}".strip()
    found = parse_time(text, timezone=timezone) or parse_time(text.rpartition(" ")[0], timezone=timezone)
    return None if found is None else When(found.ms, found.precision, source)
