"""The stage ``match``: each event held against the saved searches; what it means to them becomes alerts.

Alerts are published before their states and the position are recorded. A crash in between does the same
records again from the same states, which gives the same ``(alert_id, seq)``: receivers see each once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from sinks.alerts.lifecycle import decide_alert, state_after, subject_of
from sinks.alerts.searches import Enrich, SavedSearches, read_search
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.brokers.view import LatestView
from wirewatch.control import AlertState, Move
from wirewatch.errors import BadInput, NotOurs
from wirewatch.events import Alert, AlertFeed, CeType, EntryEvent, Feed, Subscription, decode, encode, headers_for
from wirewatch.logs import get_logger, redact
from wirewatch.metrics import SUBSCRIPTIONS
from wirewatch.query import FeedMaxima, QueryError
from wirewatch.stages import MATCH
from wirewatch.times import format_ms
from wirewatch.topics import ALERTS, ENTRIES, FEEDS
from wirewatch.topics import SUBSCRIPTIONS as SUBSCRIPTIONS_TOPIC

if TYPE_CHECKING:
    from wirewatch.brokers.interface import Broker
    from wirewatch.control import ControlStore
    from wirewatch.times import Clock

_log = get_logger(MATCH.name)
REPLAY_HEADER: Final = "ww_replay"
"""A record with this header was made again from stored snapshots: its alerts are recorded and never delivered."""
_MAXIMA_KEPT: Final = 10_000
_TOLD_BYTES: Final = 8 << 20
"""So much of alerts is told and recorded at once; what one event means to all searches is never parted."""

States = dict[str, dict[str, AlertState]]
"""Entry -> subscription -> where the alert stands."""


class _Told:
    """Alerts to be told and recorded together, and the records they came of."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.alerts: list[NewRecord] = []
        self.changed: dict[str, AlertState] = {}
        self.size = 0

    def add(self, alert: Alert, state: AlertState) -> None:
        record = alert_record(alert)
        self.alerts.append(record)
        self.changed[state.alert_id] = state
        self.size += len(record.value or b"")


class MatchSink:
    """See `wirewatch.hosting.Sink`. ``enrich``, where given, reads the text before an edit (see `SavedSearches`)."""

    stage = MATCH.name

    def __init__(self, broker: Broker, store: ControlStore, clock: Clock, *, enrich: Enrich | None = None) -> None:
        self._broker = broker
        self._store = store
        self._clock = clock
        self._enrich = enrich
        self._searches = SavedSearches()
        self._subscriptions = LatestView(broker, SUBSCRIPTIONS_TOPIC.name, _subscription)
        self._feeds = LatestView(broker, FEEDS.name, _feed)
        self._positions: dict[tuple[str, int], int | None] = {}
        self._maxima: dict[str, FeedMaxima] = {}

    async def start(self) -> None:
        """See `Sink`."""
        await self._store.open()
        await self._follow_searches()
        await self._feeds.refresh()

    async def bind_log(self, log_id: str) -> None:
        """See `Sink`."""
        await self._store.bind_log(log_id)

    async def position(self, topic: str, partition: int) -> int | None:
        """See `Sink`."""
        self._maxima.clear()  # another process may have raised them while the partition was its own
        found = await self._store.position(self.stage, topic, partition)
        self._positions[topic, partition] = found
        return found

    async def write(self, records: Sequence[Record]) -> None:
        """See `Sink`."""
        fresh = [record for record in records if record.offset >= (self._positions.get(_place(record)) or 0)]
        # asked each time: a search applies to everything seen after it was made, so it must be known by then
        await asyncio.gather(self._follow_searches(), self._feeds.refresh())
        # all read before anything is told: a record that cannot be read is refused with nothing done
        read = [(record, _event_of(record)) for record in fresh]
        events = [event for _, event in read if event is not None]
        states = await self._known_states(events)
        maxima = await self._known_maxima([event.feed_id for event in events])
        await self._require_ours(fresh)
        told = _Told()
        for record, event in read:
            told.records.append(record)
            if event is None:
                continue
            for alert, state in self._alerts_of(record, event, states, maxima[event.feed_id]):
                told.add(alert, state)
            maxima[event.feed_id] = maxima[event.feed_id].after(event)
            if told.size >= _TOLD_BYTES:
                await self._tell(told, maxima)
                told = _Told()
        await self._tell(told, maxima)

    async def skip(self, record: Record) -> None:
        """See `Sink`."""
        await self._commit([record], {}, {})

    async def close(self) -> None:
        """See `Sink`. The store is its owner's to close."""

    def _alerts_of(
        self, record: Record, event: EntryEvent, states: States, said: FeedMaxima
    ) -> list[tuple[Alert, AlertState]]:
        """What the event means to the searches; ``states`` is brought up to date."""
        known = states[subject_of(event)]
        now_ms = self._clock.now_ms()
        found = []
        for subscription, match in self._searches.matches_of(event, said, known.keys(), enrich=self._enrich):
            alert = decide_alert(
                subscription,
                event,
                match,
                known.get(subscription.id),
                feed=self._feed_of(event),
                matched_at=format_ms(now_ms),
                replay=REPLAY_HEADER in record.headers,
            )
            if alert is not None:
                state = state_after(alert, event, now_ms=now_ms)
                found.append((alert, state))
        # without the alert's text: a batch of many events and searches would hold them all
        known.update({state.subscription_id: replace(state, alert=None) for _, state in found})
        return found

    def _feed_of(self, event: EntryEvent) -> AlertFeed:
        feed = self._feeds.get(event.feed_id)
        if feed is None:
            return AlertFeed(event.feed_id, event.feed_id, "")
        return AlertFeed(feed.id, feed.name or feed.id, redact(feed.url))

    async def _known_states(self, events: Sequence[EntryEvent]) -> States:
        states: States = {subject_of(event): {} for event in events}
        for state in await self._store.states_of(list(states)) if states else []:
            states[state.entry_id][state.subscription_id] = state
        return states

    async def _known_maxima(self, feed_ids: Sequence[str]) -> dict[str, FeedMaxima]:
        wanted = list(dict.fromkeys(feed_ids))
        missing = [feed_id for feed_id in wanted if feed_id not in self._maxima]
        stored = await self._store.figure_maxima(missing) if missing else {}
        if len(self._maxima) + len(missing) > _MAXIMA_KEPT:
            self._maxima = {feed_id: self._maxima[feed_id] for feed_id in wanted if feed_id in self._maxima}
        self._maxima.update({feed_id: FeedMaxima(stored.get(feed_id, {})) for feed_id in missing})
        return {feed_id: self._maxima[feed_id] for feed_id in wanted}

    async def _require_ours(self, records: Sequence[Record]) -> None:
        """Nobody has read on since we last knew: else what was just read already holds what these records mean.

        Alerts are told before they are recorded: what is decided from such states would be told under a
        ``seq`` that belongs to something else.
        """
        places = list(dict.fromkeys(map(_place, records)))
        stand = await asyncio.gather(*(self._store.position(self.stage, *place) for place in places))
        for place, stored in zip(places, stand, strict=True):
            seen = self._positions.get(place)
            if stored != seen:
                raise NotOurs(Move(seen, 0).refusal(self.stage, *place, stored))

    async def _tell(self, told: _Told, maxima: dict[str, FeedMaxima]) -> None:
        if told.alerts:
            await self._broker.publish(told.alerts)
        await self._commit(told.records, told.changed, maxima)

    async def _commit(
        self, records: Sequence[Record], changed: dict[str, AlertState], maxima: dict[str, FeedMaxima]
    ) -> None:
        if not records:
            return
        positions = {_place(record): record.offset + 1 for record in records}
        moves = {place: Move(self._positions.get(place), to) for place, to in positions.items()}
        risen = {feed_id: said.highest for feed_id, said in maxima.items() if said is not self._maxima.get(feed_id)}
        await self._store.commit_match(self.stage, list(changed.values()), risen, moves)
        self._maxima.update(maxima)
        self._positions.update(positions)

    async def _follow_searches(self) -> None:
        for subscription_id in await self._subscriptions.refresh():
            subscription = self._subscriptions.get(subscription_id)
            self._searches.remove(subscription_id)
            if subscription is None or not subscription.enabled:
                continue
            try:
                self._searches.put(read_search(subscription))
            except QueryError as error:
                _log.error("saved search left out", search=subscription.name, error=error)
        SUBSCRIPTIONS.set(len(self._searches))


def alert_record(alert: Alert) -> NewRecord:
    """The record that tells an alert."""
    return NewRecord(
        ALERTS.name,
        alert.subscription.id,
        encode(alert),
        headers_for(
            CeType.ALERT,
            id=f"{alert.alert_id}:{alert.seq}",
            source=f"wirewatch/match/{alert.feed.id}",
            time=alert.times.seen,
        ),
    )


def _event_of(record: Record) -> EntryEvent | None:
    return decode(record.value, EntryEvent) if record.value is not None and record.topic == ENTRIES.name else None


def _place(record: Record) -> tuple[str, int]:
    return record.topic, record.partition


def _subscription(record: Record) -> Subscription:
    if record.value is None:
        raise BadInput("a saved search without a value", reason="bad-record")
    return decode(record.value, Subscription)


def _feed(record: Record) -> Feed:
    if record.value is None:
        raise BadInput("a feed without a value", reason="bad-record")
    return decode(record.value, Feed)
