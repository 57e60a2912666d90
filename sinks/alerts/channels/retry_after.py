"""``Retry-After`` as receivers send it: seconds, or a date. Pure."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from wirewatch.times import EPOCH

LONGEST: Final = 3_600.0
"""No receiver makes us wait longer than an hour; it is asked again then."""


def parse_retry_after(text: str | None, now_ms: int) -> float | None:
    """Seconds to wait, 0 to `LONGEST`; None where it says nothing that can be read."""
    if text is None:
        return None
    text = text.strip()[:64]
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max((at - EPOCH).total_seconds() - now_ms / 1_000, 0.0), LONGEST)
