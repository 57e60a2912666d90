"""When a feed is asked next: pure, from its settings and what came of the poll. Times are milliseconds since 1970."""

from __future__ import annotations

import hashlib
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from wirewatch.times import EPOCH, parse_duration_ms

if TYPE_CHECKING:
    from wirewatch.events import Feed
    from wirewatch.settings import Poll as PollSettings

ACTIVE_FOR_MS = 2 * 3_600_000
"""A live page counts as active for this long after its last change."""
RETRY_AFTER_CAP_MS = 86_400_000
"""The longest that a source may put us off by Retry-After."""


class Cadence(Struct, frozen=True):
    """The durations of ``[poll]`` that decide when, in milliseconds."""

    min_ms: int = 5_000
    feed_ms: int = 60_000
    live_ms: int = 15_000
    max_ms: int = 1_800_000
    full_body_ms: int = 86_400_000

    @staticmethod
    def of(poll: PollSettings) -> Cadence:
        """From the settings."""
        return Cadence(
            min_ms=parse_duration_ms(poll.min_interval),
            feed_ms=parse_duration_ms(poll.feed_interval),
            live_ms=parse_duration_ms(poll.live_interval),
            max_ms=parse_duration_ms(poll.max_interval),
            full_body_ms=parse_duration_ms(poll.full_body_every),
        )


def interval_ms(feed: Feed, cadence: Cadence, *, live: bool, since_change_ms: int | None) -> int:
    """How often this feed is asked while all is well.

    ``live``: it is a live page; ``since_change_ms``: since its last change, None where none was seen yet.
    A duration in ``every`` holds as it is, never under ``min_interval``.
    """
    if feed.every != "auto":
        return max(parse_duration_ms(feed.every), cadence.min_ms)
    active = since_change_ms is None or since_change_ms < ACTIVE_FOR_MS
    return max(cadence.live_ms if live and active else cadence.feed_ms, cadence.min_ms)


def jittered_ms(ms: int, feed_id: str, number: int) -> int:
    """Within 5 % of ``ms`` either way, the same for the same feed and number: feeds do not fall into step."""
    digest = hashlib.blake2b(f"{feed_id}\0{number}".encode(), digest_size=4).digest()
    return ms + round(ms * (int.from_bytes(digest, "big") / 0xFFFFFFFF - 0.5) / 10)


def delay_ms(
    feed: Feed,
    cadence: Cadence,
    *,
    live: bool,
    since_change_ms: int | None,
    failures: int,
    retry_after_ms: int | None,
    number: int,
) -> int:
    """How long to wait after a poll. ``failures`` in a row (0: it went well) double it, up to ``max_interval``.

    ``retry_after_ms`` is what the source asked for, already clamped by `read_retry_after`; it can only make
    the wait longer. ``number`` varies the jitter.
    """
    base = interval_ms(feed, cadence, live=live, since_change_ms=since_change_ms)
    wait = base
    if failures:
        wait = min(base << min(failures - 1, 20), max(cadence.max_ms, base))
    if feed.every == "auto" or failures:
        wait = jittered_ms(wait, feed.id, number)
    return max(wait, cadence.min_ms, retry_after_ms or 0)


def read_retry_after(text: str | None, *, now_ms: int) -> int | None:
    """Retry-After, seconds or a date, as milliseconds from now: at least 0, at most a day (H60); None: no sense."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        # more digits than any wait needs: a day, without making a huge number of them
        return min(int(text[:12]) * 1000, RETRY_AFTER_CAP_MS) if len(text) <= 12 else RETRY_AFTER_CAP_MS
    try:
        at = parsedate_to_datetime(text[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    ahead = int((at - EPOCH).total_seconds() * 1000) - now_ms
    return min(max(ahead, 0), RETRY_AFTER_CAP_MS)
