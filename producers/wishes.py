"""What a source asks of those who poll it: Retry-After, how long an answer is fresh, a feed's ttl. Pure.

Nothing here may take long or make a wait of more than a day, whatever the source writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from wirewatch.times import EPOCH

WISH_CAP_MS = 86_400_000
"""The longest that a source may put us off."""
_LOOK = 64 << 10  # of a body: what a channel says of itself stands before its entries
_DIGITS = 12
_PERIODS_MS = {
    b"hourly": 3_600_000,
    b"daily": 86_400_000,
    b"weekly": 7 * 86_400_000,
    b"monthly": 30 * 86_400_000,
    b"yearly": 365 * 86_400_000,
}
_FEED = re.compile(rb"<(?:rss|feed|rdf:rdf|channel)[\s>]", re.IGNORECASE)
_ENTRY = re.compile(rb"<(?:item|entry)[\s>]", re.IGNORECASE)
_TTL = re.compile(rb"<ttl>\s{0,40}(\d{1,12})\s{0,40}</ttl>", re.IGNORECASE)
_PERIOD = re.compile(rb"<sy:updatePeriod>\s{0,40}([a-zA-Z]{5,7})\s{0,40}</sy:updatePeriod>", re.IGNORECASE)
_FREQUENCY = re.compile(rb"<sy:updateFrequency>\s{0,40}(\d{1,6})\s{0,40}</sy:updateFrequency>", re.IGNORECASE)
_MAX_AGE = re.compile(r"(?:^|,)\s{0,40}max-age\s{0,40}=\s{0,40}\"?(\d{1,12})", re.IGNORECASE)
_NEVER_FRESH = re.compile(r"(?:^|,)\s{0,40}no-(?:cache|store)\s{0,40}(?:,|=|$)", re.IGNORECASE)


def read_retry_after(text: str | None, *, now_ms: int) -> int | None:
    """Retry-After, seconds or a date, as milliseconds from now: at least 0, at most a day (H60); None: no sense."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        # more digits than any wait needs: a day, without making a huge number of them
        return min(int(text[:_DIGITS]) * 1000, WISH_CAP_MS) if len(text) <= _DIGITS else WISH_CAP_MS
    at = _date_ms(text)
    return None if at is None else min(max(at - now_ms, 0), WISH_CAP_MS)


def read_freshness(headers: Mapping[str, str], *, now_ms: int) -> int | None:
    """How long this answer stays what it is, in milliseconds; None where its source does not say.

    ``max-age`` goes before ``Expires``, and the time that a copy has spent in caches (``Age``) is taken off.
    ``Expires`` counts from the source's own ``Date``: its clock may be wrong, its span is meant.
    """
    control = headers.get("Cache-Control", "")[:1000]
    if _NEVER_FRESH.search(control):
        return None
    spoken = _MAX_AGE.search(control)
    if spoken is not None:
        fresh = int(spoken[1]) * 1000
    else:
        expires = _date_ms(headers.get("Expires", ""))
        if expires is None:
            return None
        from_ms = _date_ms(headers.get("Date", ""))
        fresh = expires - (now_ms if from_ms is None else from_ms)
    age = headers.get("Age", "").strip()
    if age.isascii() and age.isdigit() and len(age) <= _DIGITS:
        fresh -= int(age) * 1000
    return min(fresh, WISH_CAP_MS) if fresh > 0 else None


def read_ttl(body: bytes) -> int | None:
    """How long a feed says that it may be kept (``ttl`` or ``sy:updatePeriod``), in milliseconds, or None.

    A light look at what stands before the first entry, never a parse: linear, and at most 64 KiB of it.
    """
    head = body[:_LOOK]
    if _FEED.search(head) is None:
        return None
    entry = _ENTRY.search(head)
    if entry is not None:
        head = head[: entry.start()]
    wishes = []
    ttl = _TTL.search(head)
    if ttl is not None:
        wishes.append(int(ttl[1]) * 60_000)
    period = _PERIOD.search(head)
    if period is not None and period[1].lower() in _PERIODS_MS:
        often = _FREQUENCY.search(head)
        wishes.append(_PERIODS_MS[period[1].lower()] // max(int(often[1]) if often is not None else 1, 1))
    longest = max(wishes, default=0)
    return min(longest, WISH_CAP_MS) if longest > 0 else None


def _date_ms(text: str) -> int | None:
    try:
        at = parsedate_to_datetime(text[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    try:
        return int((at - EPOCH).total_seconds() * 1000)
    except OverflowError:
        return None  # a zone that pushes the first or last day of all out of the calendar
