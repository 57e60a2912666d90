"""Where feeds and requests stand in the schedule: which are asked here, and when next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from producers.heeding import due_after
from producers.plan import definition_hash, host_of, wait_left_ms
from producers.wishes import WISH_CAP_MS
from wirewatch.times import parse_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from producers.cadence import Cadence
    from producers.inbox import Inbox, Waiting
    from producers.observing import Observed
    from producers.ownership import Ownership
    from producers.schedule import Schedule
    from producers.turns import Turns
    from wirewatch.brokers.view import LatestView
    from wirewatch.events import Feed
    from wirewatch.times import Clock


class Placing:
    """Keeps the schedule in step with feeds' definitions, with what is ours, and with what is asked of us."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        feeds: LatestView[Feed],
        turns: Turns,
        ownership: Ownership,
        inbox: Inbox,
        observed: Observed,
        cadence: Cadence,
        clock: Clock,
        check_pages: bool,
        wake: Callable[[], None],
    ) -> None:
        """``wake`` is called whenever something may be due sooner than before."""
        self._schedule = schedule
        self._feeds = feeds
        self._turns = turns
        self._ownership = ownership
        self._inbox = inbox
        self._observed = observed
        self._cadence = cadence
        self._clock = clock
        self._check_pages = check_pages
        self._wake = wake

    def place_all(self) -> None:
        """`place` every feed there is."""
        for feed_id in list(self._feeds.values):
            self.place(feed_id)

    def place(self, feed_id: str) -> None:
        """Put a feed where it belongs in the schedule, after its definition or our share of feeds changed."""
        feed = self._feeds.get(feed_id)
        if feed is None or not feed.enabled or not self._ownership.has(feed_id):
            self._turns.feeds.pop(feed_id, None)
            self._schedule.remove(feed_id)
            self._turns.resume(feed_id)  # what is removed or switched off is asked again once it is back
            if feed is None or not self._ownership.has(feed_id):
                self._observed.forget(feed_id)  # else its series here would say for ever how it was when it left
            if feed is None:
                self._inbox.drop(feed_id)
            return
        known = self._turns.feeds.get(feed_id)
        self._turns.feeds[feed_id] = feed
        if feed.every != "auto":
            self._turns.resume(feed_id)
        poll = self._turns.polls.get(feed_id)
        same = poll is not None and poll.definition_hash == definition_hash(feed)
        if poll is not None and same:
            if poll.stopped:
                self._schedule.remove(feed_id)
                return
            if known is not None and feed_id in self._schedule and known.every == feed.every:
                return
        now = self._clock.monotonic()
        # a changed definition or rhythm is asked at once; else when it was due, however odd the clock was then
        fresh = poll is None or not same or (known is not None and known.every != feed.every)
        wait_ms = 0 if poll is None or fresh else wait_left_ms(poll, now_ms=self._clock.now_ms())
        due = now + min(wait_ms, max(WISH_CAP_MS, self._cadence.max_ms)) / 1000
        self.put(feed_id, feed.url, due)

    def put(self, key: str, url: str, due: float) -> None:
        """Ask a feed or a page at that time."""
        poll = self._turns.polls.get(key)
        doubtful = poll is None or poll.failures > 0
        self._schedule.put(key, host=host_of(url), due=due, doubtful=doubtful)
        self._wake()

    def place_request(self, waiting: Waiting) -> None:
        """Serve a request soon: a fetch no sooner than the feed may be asked, a page when its site is free."""
        request = waiting.request
        feed, poll = self._turns.feeds.get(request.feed_id), self._turns.polls.get(request.feed_id)
        if feed is None or poll is None or poll.stopped:
            self._inbox.done([waiting])
        elif request.kind == "page-check":
            if not self._check_pages or not request.url:
                self._inbox.done([waiting])
                return
            self.put(self._turns.page_key(waiting), request.url, self._clock.monotonic())
        elif poll.failures == 0 and self._turns.wanted(request.feed_id):
            ahead = parse_ms(poll.at) + self._cadence.min_ms - self._clock.now_ms()
            due = self._clock.monotonic() + min(max(ahead, 0), self._cadence.min_ms) / 1000
            self.put(request.feed_id, feed.url, due)

    async def heed(self, waiting: Waiting) -> None:
        """What the diff saw of a feed's rhythm, or a hub told: ask it sooner, or see that it is over."""
        feed_id = waiting.request.feed_id
        poll = await self._turns.heed(waiting)
        feed = self._turns.feeds.get(feed_id)
        if poll is None or feed is None:
            return
        if poll.stopped:
            self._schedule.remove(feed_id)
        else:
            due_ms = due_after(self._cadence, poll, waiting.request)
            wait_ms = min(max(due_ms - self._clock.now_ms(), 0), self._cadence.max_ms)
            self.put(feed_id, feed.url, self._clock.monotonic() + wait_ms / 1000)
