"""What a cluster that was treated badly left behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.end_to_end import ledger
from tests.end_to_end.cluster import Cluster, once
from tests.end_to_end.program import feed_id, replayed
from tests.end_to_end.recorded_origin import RecordedOrigin
from tests.end_to_end.webhook_receiver import WebhookReceiver
from wirewatch.events import Alert, decode

STREAMED = ["wirewatch.snapshots.v1", "wirewatch.entry-events.v1", "wirewatch.entries.v1", "wirewatch.alerts.v1"]


@dataclass
class Scenario:
    """What a run with its kills left behind."""

    cluster: Cluster
    wanted: dict[str, list[dict[str, Any]]]
    received: list[tuple[str, Alert]]
    done: dict[str, int]
    slowest_stop: float
    published: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        return once(self.published)


def wait_until_served(cluster: Cluster, origin: RecordedOrigin, progress: float = 1.0, *, seconds: float = 120) -> None:
    """Wait until the origin has come so far; fails where a member ended of itself or nothing moves for so long."""
    reached, until = -1.0, 0.0
    while not (origin.finished() if progress >= 1 else origin.progress() >= progress):
        cluster.check_alive()
        if origin.progress() > reached:
            reached, until = origin.progress(), time.monotonic() + seconds
        assert time.monotonic() < until, f"stuck at {reached:.0%}\n{cluster.logs()}"
        time.sleep(0.05)


def finish(cluster: Cluster, origin: RecordedOrigin, receiver: WebhookReceiver, done: Mapping[str, int]) -> Scenario:
    """Let everything be done, stop in good order, and collect what is there. ``done``: what was done to it."""
    origin.ceiling = 1.0
    try:
        wait_until_served(cluster, origin)
        cluster.wait_until_done(120)
        slowest_stop = cluster.stop()
    finally:
        cluster.end()
    wanted = {feed_id(name): replayed(cluster.folder, origin, name) for name in origin.recordings}
    made = Scenario(cluster, wanted, receiver.alerts(), dict(done), slowest_stop)
    made.published = cluster.values("wirewatch.entries.v1")
    records = asyncio.run(ledger.read_topic(cluster.settings, "wirewatch.alerts.v1"))
    made.alerts = [decode(record.value, Alert) for record in records if record.value]
    return made
