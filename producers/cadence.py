"""When a feed is asked next: pure, from its settings, what came of the poll and what is known of its rhythm.

Times are milliseconds since 1970. Nothing learned applies where ``every`` is a duration.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec import Struct

from wirewatch.times import parse_duration_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wirewatch.events import Feed
    from wirewatch.settings import Poll as PollSettings

ACTIVE_FOR_MS = 2 * 3_600_000
"""A live page counts as active for this long after its last change."""
LOOKS_A_CHANGE = 20
"""A source is looked at this often between two of its usual changes."""
LOOKS_A_SILENCE = 60
"""And no wait is longer, for being quiet, than this part of the silence so far."""
KNOWN_FROM = 5
"""Changes that must have been seen before their interval means anything."""
DAY_KNOWN_FROM = 48
"""And before the hours in which they fell mean anything; two days must have passed as well."""
TTL_STRETCH = 2
"""A feed's ttl stretches the wait to this many times the usual one at most: many that write 15 minutes change often."""
REST_WITH_HUB = 5
"""Where a hub tells of changes, and has told of those before, polls may rest this many times longer."""
PROMISED_MS = 10_000
"""After a push, looks come this close until one finds the change."""
_HOURS = 24
_HOUR_MS = 3_600_000


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


class Rhythm(Struct, frozen=True):
    """What is known of a source, besides its settings.

    ``live``: it is a live page. ``since_change_ms``: since its last change, None where none was seen yet.
    ``change_every_ms``: its usual interval between changes, which were seen ``changes`` times. ``activity``: how
    much more often than on average it changes at this time of day, 1 at least. ``ttl_ms`` and ``fresh_ms``: what it
    asks for itself. ``ceiling_ms``: the longest wait, since longer ones let entries pass unseen. ``told``: a hub tells
    of its changes; ``promised``: it just did, and none was found yet.
    """

    live: bool = False
    since_change_ms: int | None = None
    change_every_ms: int | None = None
    changes: int = 0
    activity: float = 1.0
    ttl_ms: int | None = None
    fresh_ms: int | None = None
    ceiling_ms: int | None = None
    told: bool = False
    promised: bool = False


def interval_ms(feed: Feed, cadence: Cadence, rhythm: Rhythm) -> int:
    """How often this feed is asked while all is well.

    A duration in ``every`` holds as it is, never under ``min_interval``. Else a live page that changed lately is
    asked every ``live_interval``, anything else every ``feed_interval``; more rarely the more rarely it changes, the
    longer it has been quiet and the longer it says that its answers last, up to ``max_interval``; and more often
    where entries would else pass unseen.
    """
    if feed.every != "auto":
        return max(parse_duration_ms(feed.every), cadence.min_ms)
    since = rhythm.since_change_ms
    if rhythm.live and (since is None or since < ACTIVE_FOR_MS):
        said = max(rhythm.ttl_ms or 0, rhythm.fresh_ms or 0)
        wait = max(cadence.live_ms, min(said, cadence.feed_ms))
    else:
        wait = _feed_wait(cadence, rhythm)
    if rhythm.told:
        wait = max(wait, min(wait * REST_WITH_HUB, cadence.max_ms))
    if rhythm.ceiling_ms is not None:
        wait = min(wait, rhythm.ceiling_ms)
    if rhythm.promised:
        wait = min(wait, PROMISED_MS)
    return max(wait, cadence.min_ms)


def _feed_wait(cadence: Cadence, rhythm: Rhythm) -> int:
    longest = max(cadence.max_ms, cadence.feed_ms)
    wait = round((rhythm.since_change_ms or 0) / LOOKS_A_SILENCE / rhythm.activity)
    known = rhythm.change_every_ms is not None and rhythm.changes >= KNOWN_FROM
    if known and rhythm.change_every_ms is not None:
        wait = max(wait, round(rhythm.change_every_ms / LOOKS_A_CHANGE / rhythm.activity))
    said = max(min(rhythm.ttl_ms or 0, TTL_STRETCH * cadence.feed_ms), rhythm.fresh_ms or 0)
    if known and rhythm.change_every_ms is not None:
        # what it does goes before what it says: two looks at least between changes
        said = min(said, rhythm.change_every_ms // 2)
    return min(max(wait, said, cadence.feed_ms), longest)


def activity_at(hours: Sequence[int], hour: int) -> float:
    """How much more often than on average a source changes at that hour (UTC) or the next, between 1 and 4.

    ``hours`` counts its changes by hour; too few of them say nothing. The next hour counts as well, so that a
    long wait does not reach from a quiet night into the morning. A quiet hour stretches no wait: silence does so by
    itself, and what comes in spite of the hour would come late.
    """
    total = sum(hours)
    if len(hours) != _HOURS or total < DAY_KNOWN_FROM:
        return 1.0
    busiest = max(_smoothed(hours, hour), _smoothed(hours, hour + 1))
    return min(max(_HOURS * busiest / total, 1.0), 4.0)


def _smoothed(hours: Sequence[int], hour: int) -> float:
    before, at, after = (hours[(hour + step) % _HOURS] for step in (-1, 0, 1))
    return (before + 2 * at + after) / 4


def hour_of(ms: int) -> int:
    """The hour of the day (UTC)."""
    return ms // _HOUR_MS % _HOURS


def jittered_ms(ms: int, feed_id: str, number: int) -> int:
    """Within 5 % of ``ms`` either way, the same for the same feed and number: feeds do not fall into step."""
    digest = hashlib.blake2b(f"{feed_id}\0{number}".encode(), digest_size=4).digest()
    return ms + round(ms * (int.from_bytes(digest, "big") / 0xFFFFFFFF - 0.5) / 10)


def delay_ms(
    feed: Feed, cadence: Cadence, rhythm: Rhythm, *, failures: int, retry_after_ms: int | None, number: int
) -> int:
    """How long to wait after a poll. ``failures`` in a row (0: it went well) double it, up to ``max_interval``.

    ``retry_after_ms`` is what the source asked for, already clamped by `read_retry_after`; it can only make
    the wait longer. ``number`` varies the jitter.
    """
    base = interval_ms(feed, cadence, rhythm)
    wait = base
    if failures:
        wait = min(base << min(failures - 1, 20), max(cadence.max_ms, base))
    if feed.every == "auto" or failures:
        wait = jittered_ms(wait, feed.id, number)
    return max(wait, cadence.min_ms, retry_after_ms or 0)
