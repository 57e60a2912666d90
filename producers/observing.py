"""The poller's metrics: a series a feed only up to a setting, states for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from wirewatch import metrics
from wirewatch.events import Feed, Poll
from wirewatch.health import STATES, feed_state
from wirewatch.times import parse_ms

_SERIES = (metrics.FEED_LAST_GOOD_POLL, metrics.FEED_LAST_CHANGE, metrics.FEED_EXPECTED_CHANGE)


class Observed:
    """Moves the metrics of polls. ``limit``: feeds up to which each has series of its own."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._named: set[str] = set()

    def poll(self, poll: Poll) -> None:
        """One poll was recorded."""
        metrics.POLLS.labels(poll.outcome).inc()
        if poll.feed_id not in self._named:
            if len(self._named) >= self._limit:
                return
            self._named.add(poll.feed_id)
        if poll.last_good is not None:
            metrics.FEED_LAST_GOOD_POLL.labels(poll.feed_id).set(parse_ms(poll.last_good) / 1000)
        if poll.last_change is not None:
            metrics.FEED_LAST_CHANGE.labels(poll.feed_id).set(parse_ms(poll.last_change) / 1000)
        if poll.change_every_s is not None:
            metrics.FEED_EXPECTED_CHANGE.labels(poll.feed_id).set(poll.change_every_s)

    def forget(self, feed_id: str) -> None:
        """A feed was removed: its series end."""
        if feed_id in self._named:
            self._named.discard(feed_id)
            for gauge in _SERIES:
                gauge.remove(feed_id)

    @staticmethod
    def states(feeds: Iterable[tuple[Feed, Poll | None]], now_ms: int) -> None:
        """Count feeds by state, as far as the poller itself can tell."""
        counted = Counter(feed_state(feed, poll, None, now_ms).state for feed, poll in feeds)
        for state in STATES:
            metrics.FEEDS.labels(state).set(counted[state])
