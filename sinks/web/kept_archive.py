"""The archive over what is kept: the search index, compacted topics, and the control store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from sinks.search.interface import SearchIndex, SearchPage
from sinks.web.archive import EventPage, FeedRow, Order
from sinks.web.following import follow_for_ever
from wirewatch import metrics, topics
from wirewatch.brokers.interface import Broker, Record
from wirewatch.brokers.view import LatestView
from wirewatch.canary import CANARY_ID, canary_seconds, is_canary
from wirewatch.control import ControlStore
from wirewatch.errors import PassingFault, UserError
from wirewatch.events import Alert, EntryEvent, Feed, Poll, Subscription, decode
from wirewatch.health import feed_state
from wirewatch.logs import get_logger, redact
from wirewatch.query.parser import parse_query
from wirewatch.times import Clock, parse_ms

_log = get_logger("web")
_FEED_EVENTS = f"(op:source-error OR op:source-recovered OR op:gap) -feed:{CANARY_ID}"

_AWAY_SECONDS = 5.0
"""An index that is away is asked again after so long."""


def _value_of(record: Record) -> bytes:
    return record.value or b""


class KeptArchive:
    """See `Archive`. `start` before anything else; follows feeds, polls and searches until `close`."""

    def __init__(self, broker: Broker, index: SearchIndex, store: ControlStore, clock: Clock) -> None:
        self._broker = broker
        self._index = index
        self._store = store
        self._clock = clock
        self._feeds: LatestView[Feed] = LatestView(broker, topics.FEEDS.name, lambda r: decode(_value_of(r), Feed))
        self._polls: LatestView[Poll] = LatestView(broker, topics.POLLS.name, lambda r: decode(_value_of(r), Poll))
        self._searches: LatestView[Subscription] = LatestView(
            broker, topics.SUBSCRIPTIONS.name, lambda r: decode(_value_of(r), Subscription)
        )
        self._feed_events: dict[str, EntryEvent] = {}
        self._observed: dict[int, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Read what is there and begin to follow it."""
        partitions = range(self._broker.partitions(topics.ENTRIES.name))
        bounds = await asyncio.gather(*(self._broker.bounds(topics.ENTRIES.name, one) for one in partitions))
        self._observed = {partition: at.end for partition, at in zip(partitions, bounds, strict=True)}
        try:
            await self._read_feed_events()
        except PassingFault as fault:
            _log.warning("the index cannot be read yet: what befell the feeds is read when it can", error=fault)
            self._tasks.append(asyncio.create_task(self._read_feed_events_in_time()))
        for view in (self._feeds, self._polls, self._searches):
            await view.refresh()
            self._follow(partial(view.wait_changed, 30.0), what="definitions and polls")
        for partition in self._observed:
            self._follow(partial(self._observe, partition), what="feed events")

    def _follow(self, step: Callable[[], Awaitable[object]], *, what: str) -> None:
        self._tasks.append(asyncio.create_task(follow_for_ever(step, what=what)))

    async def close(self) -> None:
        """Stop following. Safe to call twice; index and store are their owner's to close."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _read_feed_events(self) -> None:
        try:
            page = await self._index.search(_FEED_EVENTS, now_ms=self._clock.now_ms(), limit=500)
        except UserError:
            return  # there is no index yet: nothing has happened
        for event in reversed(page.events):
            known = self._feed_events.get(event.feed_id)
            if known is None or known.seq < event.seq:
                self._feed_events[event.feed_id] = event

    async def _read_feed_events_in_time(self) -> None:
        while True:
            await self._clock.sleep(_AWAY_SECONDS)
            try:
                return await self._read_feed_events()
            except PassingFault:
                continue

    async def _observe(self, partition: int) -> None:
        """Keep each feed's newest feed event, and measure the canary where its way ends."""
        records = await self._broker.read(topics.ENTRIES.name, partition, self._observed[partition], wait=30.0)
        for record in records:
            self._observed[partition] = record.offset + 1
            if record.value is None or not record.headers.get("ce_type", "").startswith("wirewatch.feed."):
                continue
            event = decode(record.value, EntryEvent)
            self._feed_events[event.feed_id] = event
            took = canary_seconds(event, self._clock.now_ms())
            if took is not None:
                metrics.CANARY_SECONDS.set(took)

    async def latest(
        self, *, feed_id: str | None = None, limit: int = 50, before: str | None = None, order: Order = "newest"
    ) -> EventPage:
        """See `Archive`."""
        return _page(await self._index.latest(feed_id=feed_id, limit=limit, before=before, order=order))

    async def lead(self, feed_id: str) -> EntryEvent | None:
        """See `Archive`."""
        return await self._index.lead(feed_id)

    async def entry(self, entry_id: str) -> list[EntryEvent]:
        """See `Archive`."""
        return await self._index.entry(entry_id)

    async def search(
        self,
        query: str,
        *,
        since: str | None = None,
        until: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        as_of: str | None = None,
    ) -> EventPage:
        """See `Archive`."""
        page = await self._index.search(
            _without_canary(query),
            now_ms=self._clock.now_ms(),
            since=parse_ms(since) if since else None,
            until=parse_ms(until) if until else None,
            limit=limit,
            cursor=cursor,
            as_of=parse_ms(as_of) if as_of else None,
        )
        return _page(page)

    def feeds(self) -> Sequence[FeedRow]:
        """See `Archive`."""
        now = self._clock.now_ms()
        rows = []
        for feed in self._feeds.values.values():
            if is_canary(feed.id):
                continue
            poll = self._polls.get(feed.id)
            health = feed_state(feed, poll, self._feed_events.get(feed.id), now)
            rows.append(FeedRow(feed, feed.name or feed.id, health.state, redact(health.words), poll))
        return sorted(rows, key=lambda row: row.title.casefold())

    def definition(self, feed_id: str) -> Feed | None:
        """A feed as it is defined now; None where there is none."""
        return self._feeds.get(feed_id)

    def last_poll(self, feed_id: str) -> Poll | None:
        """Its last poll; None where it was not asked yet."""
        return self._polls.get(feed_id)

    def titles(self) -> Mapping[str, str]:
        """See `Archive`."""
        return {feed.id: feed.name or feed.id for feed in self._feeds.values.values() if not is_canary(feed.id)}

    def subscriptions(self) -> Sequence[Subscription]:
        """See `Archive`."""
        return sorted(self._searches.values.values(), key=lambda search: search.name.casefold())

    async def alerts(self, *, limit: int = 50) -> list[Alert]:
        """See `Archive`."""
        states = await self._store.alert_states(limit=limit)
        return [decode(state.alert, Alert) for state in states if state.alert is not None]

    async def ready(self) -> str | None:
        """See `Archive`."""
        for what in (self._broker.healthy, self._index.ready, self._store.healthy):
            why = await what()
            if why is not None:
                return why
        return None


def _page(page: SearchPage) -> EventPage:
    return EventPage(page.events, page.more, [hit.spans for hit in page.hits])


def _without_canary(query: str) -> str:
    """The query with the canary left out; as it is where it finds no feed events, the only ones the canary has."""
    return f"({query}) -feed:{CANARY_ID}" if parse_query(query).feed_ops else query
