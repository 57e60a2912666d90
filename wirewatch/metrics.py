"""Every metric's name, in one place; `docs/contracts.md` lists them for those who build dashboards.

Modules import the metric they move; nothing else declares one.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from wirewatch import __version__

REGISTRY = CollectorRegistry()
_LATENCY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


def _counter(name: str, help_: str, *labels: str) -> Counter:
    return Counter(f"wirewatch_{name}", help_, labels, registry=REGISTRY)


def _gauge(name: str, help_: str, *labels: str) -> Gauge:
    return Gauge(f"wirewatch_{name}", help_, labels, registry=REGISTRY)


def _seconds(name: str, help_: str, *labels: str) -> Histogram:
    return Histogram(f"wirewatch_{name}", help_, labels, registry=REGISTRY, buckets=_LATENCY)


POLLS = _counter("polls_total", "polls by outcome", "outcome")
FEED_LAST_GOOD_POLL = _gauge("feed_last_good_poll_timestamp_seconds", "when a feed last answered well", "feed")
FEED_LAST_CHANGE = _gauge("feed_last_change_timestamp_seconds", "when a feed's body last changed", "feed")
FEED_EXPECTED_CHANGE = _gauge("feed_expected_change_seconds", "how often a feed usually changes", "feed")
FEEDS = _gauge("feeds", "feeds by state", "state")
ENTRY_EVENTS = _counter("entry_events_total", "events by op", "op")
STAGE_LAG = _gauge("stage_lag_records", "records waiting for a stage", "stage", "partition")
STAGE_OLDEST = _gauge("stage_oldest_unprocessed_seconds", "age of the oldest record waiting for a stage", "stage")
STAGE_SECONDS = _seconds("stage_seconds", "time a stage took for a batch", "stage")
PUBLISHED_TO_SEEN = _seconds("published_to_seen_seconds", "from the source's own time to ours", "precision")
SEEN_TO_TOLD = _seconds("seen_to_told_seconds", "from seen at the source to delivered", "channel_kind")
DELIVERIES = _counter("deliveries_total", "deliveries by outcome", "channel_kind", "outcome")
OUTBOX_PENDING = _gauge("outbox_pending", "deliveries waiting")
OUTBOX_OLDEST = _gauge("outbox_oldest_seconds", "age of the oldest delivery waiting")
DEAD_LETTERS = _counter("dead_letters_total", "records rejected", "stage", "reason")
STREAM_CLIENTS = _gauge("stream_clients", "clients of the live stream")
SUBSCRIPTIONS = _gauge("subscriptions", "saved searches")
CANARY_SECONDS = _gauge("canary_seconds", "how long the canary's last trip through the pipeline took")
HUB_CALLS = _counter("hub_calls_total", "calls of hubs (WebSub) by outcome", "outcome")
SNAPSHOTS_SKIPPED = _counter("snapshots_skipped_total", "snapshots skipped by their number", "reason")
DEPENDENCY_UP = _gauge("dependency_up", "1 where what this process stands on answers, else 0", "dependency")
BUILD_INFO = _gauge("build_info", "this program's version", "version")
BUILD_INFO.labels(__version__).set(1)
