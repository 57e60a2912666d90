"""What is due next: a heap of times, one queue a host. Pure: it is told the time, and neither sleeps nor fetches."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Feed:
    host: str
    due: float
    doubtful: bool
    ticket: int
    queued: bool = False
    running: bool = False
    again: float | None = None  # a new due time given while it runs


@dataclass(slots=True)
class _Host:
    queue: deque[tuple[str, int]] = field(default_factory=deque)
    running: str | None = None
    free_at: float = 0.0
    listed: bool = False


class Schedule:
    """Feeds and when they are due, with a pause and one request at a time per host, and a bound over all.

    Feeds that are ``doubtful`` (failing, or never answered well yet) get at most half of the places, so that
    a thousand hanging hosts cannot keep a sound one waiting (F15, F20). All costs are logarithmic.
    """

    def __init__(self, *, concurrency: int, per_host: float) -> None:
        self._places = max(concurrency, 1)
        self._doubtful_places = max(concurrency // 2, 1)
        self._per_host = per_host
        self._feeds: dict[str, _Feed] = {}
        self._hosts: dict[str, _Host] = {}
        self._timers: list[tuple[float, int, str, bool]] = []  # time, ticket, feed or host, whether it is a host
        self._ready: tuple[deque[str], deque[str]] = (deque(), deque())  # hosts: sound, doubtful
        self._ticket = 0
        self._running = 0
        self._doubtful_running = 0

    def __len__(self) -> int:
        return len(self._feeds)

    def __contains__(self, feed_id: str) -> bool:
        return feed_id in self._feeds

    @property
    def running(self) -> int:
        """How many feeds were taken and are not done."""
        return self._running

    def put(self, feed_id: str, *, host: str, due: float, doubtful: bool) -> None:
        """Add a feed or change when it is due; one that runs now is due then again after it is done."""
        feed = self._feeds.get(feed_id)
        if feed is not None and feed.running:
            feed.again = due
            return
        self._ticket += 1
        self._feeds[feed_id] = _Feed(host, due, doubtful, self._ticket)
        heapq.heappush(self._timers, (due, self._ticket, feed_id, False))

    def remove(self, feed_id: str) -> None:
        """Forget a feed. One that runs now goes on and is forgotten when `done`."""
        feed = self._feeds.get(feed_id)
        if feed is None:
            return
        if feed.running:
            feed.again = None
        else:
            del self._feeds[feed_id]  # its timer and its place in a queue are passed over by their ticket

    def take(self, now: float) -> list[str]:
        """The feeds to fetch now. Each counts as running until `done`."""
        while self._timers and self._timers[0][0] <= now:
            _, ticket, key, is_host = heapq.heappop(self._timers)
            if is_host:
                if key in self._hosts:
                    self._hosts[key].listed = False
                    self._consider(key, now)
                continue
            feed = self._feeds.get(key)
            if feed is not None and feed.ticket == ticket and not feed.queued:
                feed.queued = True
                self._hosts.setdefault(feed.host, _Host()).queue.append((key, ticket))
                self._consider(feed.host, now)
        taken: list[str] = []
        for doubtful in (False, True):
            ready = self._ready[doubtful]
            while ready and self._has_place(doubtful=doubtful):
                started = self._start(ready.popleft(), now, doubtful=doubtful)
                if started is not None:
                    taken.append(started)
        return taken

    def done(self, feed_id: str, now: float) -> float | None:
        """A fetch has ended; the due time that was put meanwhile, if any. The feed waits for the next `put`."""
        feed = self._feeds.pop(feed_id, None)
        if feed is None or not feed.running:
            return None
        self._running -= 1
        self._doubtful_running -= feed.doubtful
        host = self._hosts[feed.host]
        host.running = None
        host.free_at = now + self._per_host
        self._consider(feed.host, now)
        return feed.again

    def wait(self, now: float) -> float | None:
        """Seconds until `take` may give something; None where only a `put` or `done` can bring anything."""
        if any(self._ready[doubtful] and self._has_place(doubtful=doubtful) for doubtful in (False, True)):
            return 0.0
        return max(self._timers[0][0] - now, 0.0) if self._timers else None

    def _has_place(self, *, doubtful: bool) -> bool:
        if self._running >= self._places:
            return False
        return not doubtful or self._doubtful_running < self._doubtful_places

    def _consider(self, name: str, now: float) -> None:
        """List a host as ready, or set its timer, or forget it where nothing waits for it."""
        host = self._hosts[name]
        while host.queue and not self._waits(host.queue[0]):
            host.queue.popleft()
        if host.running is not None or host.listed:
            return
        if host.free_at > now:
            host.listed = True
            self._ticket += 1
            heapq.heappush(self._timers, (host.free_at, self._ticket, name, True))
        elif host.queue:
            host.listed = True
            self._ready[self._feeds[host.queue[0][0]].doubtful].append(name)
        else:
            del self._hosts[name]

    def _waits(self, place: tuple[str, int]) -> bool:
        feed = self._feeds.get(place[0])
        return feed is not None and feed.ticket == place[1]

    def _start(self, name: str, now: float, *, doubtful: bool) -> str | None:
        host = self._hosts[name]
        host.listed = False
        while host.queue and not self._waits(host.queue[0]):
            host.queue.popleft()
        if not host.queue or self._feeds[host.queue[0][0]].doubtful != doubtful:
            self._consider(name, now)
            return None
        feed_id, _ = host.queue.popleft()
        feed = self._feeds[feed_id]
        feed.running = True
        host.running = feed_id
        self._running += 1
        self._doubtful_running += feed.doubtful
        return feed_id
