"""The table of topics: name, key, what is kept and for how long. Everything else about topics follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_MIB = 1024 * 1024
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. ``retention_ms`` is None where the newest value of each key is kept for ever (compacted)."""

    name: str
    key: Literal["feed_id", "entry_id", "subscription_id", "as the source"]
    value: str
    retention_ms: int | None
    max_message_bytes: int = _MIB
    partitions: int = 24

    @property
    def compacted(self) -> bool:
        """Whether only the newest value of each key is kept."""
        return self.retention_ms is None


FEEDS = Topic("wirewatch.feeds.v1", "feed_id", "a feed's definition", None)
SNAPSHOTS = Topic(
    "wirewatch.snapshots.v1",
    "feed_id",
    "a body as fetched, or a confirmation of one",
    3 * _DAY_MS,
    16 * _MIB,
)
POLLS = Topic("wirewatch.polls.v1", "feed_id", "outcome of a poll", None)
FETCH_REQUESTS = Topic("wirewatch.fetch-requests.v1", "feed_id", "what the diff or a hub asks of a poller", _DAY_MS)
ENTRY_EVENTS = Topic("wirewatch.entry-events.v1", "feed_id", "entry and feed events", 14 * _DAY_MS, 16 * _MIB)
ENTRIES = Topic("wirewatch.entries.v1", "feed_id", "events with their enrichment", 30 * _DAY_MS, 16 * _MIB)
ENTRIES_LATEST = Topic("wirewatch.entries-latest.v1", "entry_id", "each entry's newest event", None, 16 * _MIB)
SUBSCRIPTIONS = Topic("wirewatch.subscriptions.v1", "subscription_id", "saved searches", None)
ALERTS = Topic("wirewatch.alerts.v1", "subscription_id", "matches and their corrections", 30 * _DAY_MS)
# a rejected record of 16 MiB is a third larger in base64
DEAD_LETTERS = Topic("wirewatch.dead-letters.v1", "as the source", "rejected records", 30 * _DAY_MS, 24 * _MIB)

TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        FEEDS,
        SNAPSHOTS,
        POLLS,
        FETCH_REQUESTS,
        ENTRY_EVENTS,
        ENTRIES,
        ENTRIES_LATEST,
        SUBSCRIPTIONS,
        ALERTS,
        DEAD_LETTERS,
    )
}

DIFF_STATE = Topic("wirewatch.diff-state.v1", "feed_id", "what the diff keeps of a feed", None, 16 * _MIB)

STATE_TOPICS: dict[str, Topic] = {"diff": DIFF_STATE}
"""Where a stage keeps its state on a cluster, by stage; each has the partitions of the stage's input. The embedded
log keeps state beside its records and has none of these."""
