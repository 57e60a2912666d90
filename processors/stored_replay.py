"""Stored snapshots through today's parser and diff, held against what was published from them.

For judging a new version before it runs: which events would come, stay away, or say something else. All snapshots that
the log still holds are gone through, so that the state is as full as it can be; only what lies after the moment asked
for is compared. State that was learned before the oldest kept snapshot is not known here, and the first snapshot gone
through is compared only where it is the feed's first.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from processors.diff_handler import RETRIED_HEADER, Page, decide_snapshot, read_info, seen_of
from wirewatch import topics
from wirewatch.brokers.partitioning import partition_for
from wirewatch.errors import BadInput
from wirewatch.events import EntryEvent, decode
from wirewatch.times import parse_ms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Hashable, Sequence

    from processors.diff import Diffed, FeedState
    from wirewatch.brokers.interface import Broker, Record

Difference = Literal["new", "missing", "different"]


class Sample(Struct, frozen=True):
    """One difference: the snapshot it stands in, and the headline as published and as it would be now."""

    snapshot: str
    time: str
    entry_id: str | None
    published: str | None
    now: str | None


class Group(Struct, frozen=True):
    """Differences of one kind: ``op`` as published (as it would be, where new), ``now`` and ``fields`` what differs."""

    difference: Difference
    op: str
    now: str | None
    fields: tuple[str, ...]
    count: int
    samples: list[Sample]


class Comparison(Struct, frozen=True):
    """What `compare_events` found. ``same`` counts the events that say the same."""

    same: int
    groups: list[Group]
    snapshots: int = 0
    notes: tuple[str, ...] = ()


class StoredStep(Struct, frozen=True):
    """One stored snapshot and what today's parser and diff make of it."""

    snapshot_id: str
    fetched_at_ms: int
    number: int
    diffed: Diffed


def compare_events(published: Sequence[EntryEvent], now: Sequence[EntryEvent], *, samples: int = 3) -> Comparison:
    """Hold the events that were published against those that would be now. Pure.

    Two events are of one thing where snapshot and entry are the same: by entry id, else by native id, else by headline
    (ids, revisions and numbers depend on what lies before and are not compared). Groups are the largest first, each
    with its first few ``samples``.
    """
    pairs: list[tuple[EntryEvent, EntryEvent]] = []
    rest, left = list(published), list(now)
    for key in (_by_entry, _by_native_id, _by_headline):
        rest, left = _pair(rest, left, key, pairs)
    found: dict[tuple[Difference, str, str | None, tuple[str, ...]], list[Sample]] = defaultdict(list)
    same = 0
    for was, would in pairs:
        fields = _differing(was, would)
        if fields:
            found["different", was.op, would.op, fields].append(_sample(was, would))
        else:
            same += 1
    for was in rest:
        found["missing", was.op, None, ()].append(_sample(was, None))
    for would in left:
        found["new", would.op, would.op, ()].append(_sample(None, would))
    groups = [Group(*key, len(told), told[:samples]) for key, told in found.items()]
    return Comparison(same, sorted(groups, key=lambda group: (-group.count, group.difference, group.op)))


def _by_entry(event: EntryEvent) -> Hashable:
    return event.snapshot_id, event.entry_id or event.op


def _by_native_id(event: EntryEvent) -> Hashable:
    return (event.snapshot_id, event.native_id) if event.native_id else None


def _by_headline(event: EntryEvent) -> Hashable:
    return (event.snapshot_id, event.headline) if event.entry is not None else None


def _pair(
    published: list[EntryEvent],
    now: list[EntryEvent],
    key: Callable[[EntryEvent], Hashable],
    pairs: list[tuple[EntryEvent, EntryEvent]],
) -> tuple[list[EntryEvent], list[EntryEvent]]:
    """Put those with the same key together, in order; what is left of both."""
    waiting: dict[Hashable, list[EntryEvent]] = defaultdict(list)
    for event in published:
        waiting[key(event)].append(event)
    left, taken = [], set()
    for event in now:
        told = waiting.get(key(event)) if key(event) is not None else None
        if told:
            was = told.pop(0)
            taken.add(id(was))
            pairs.append((was, event))
        else:
            left.append(event)
    return [event for event in published if id(event) not in taken], left


def _differing(was: EntryEvent, would: EntryEvent) -> tuple[str, ...]:
    before, after = _said(was), _said(would)
    return tuple(name for name, value in before.items() if value != after[name])


def _said(event: EntryEvent) -> dict[str, object]:
    """What an event says that others act on."""
    entry = event.entry
    return {
        "op": event.op,
        "subject": event.subject,
        "headline": entry.headline if entry else event.headline,
        "body": entry.body if entry else "",
        "url": event.url,
        "published": event.published,
        "grade": event.grade,
        "classes": [(change.field, *change.classes) for change in event.changes],
        "detail": [change.detail for change in event.changes],
    }


def _sample(was: EntryEvent | None, would: EntryEvent | None) -> Sample:
    event = was or would
    assert event is not None
    return Sample(
        event.snapshot,
        event.time,
        event.entry_id,
        was.headline if was is not None else None,
        would.headline if would is not None else None,
    )


async def replay_stored(broker: Broker, feed_id: str) -> AsyncIterator[StoredStep]:
    """Each kept snapshot of a feed, in order, with what today's parser and diff make of it; writes nothing.

    Reads the feed's partition up to where it ends now and raises what `Broker.read` raises. A record that is no
    snapshot, or was applied before, is passed over as the stage does.
    """
    state: FeedState | None = None
    async for record in _records(broker, topics.SNAPSHOTS.name, feed_id):
        if RETRIED_HEADER in record.headers and record.value is None:
            continue
        try:
            info = read_info(record)
            seen = seen_of(info, record)
        except BadInput:
            continue  # the stage put it aside as a dead letter
        page = Page(info.url or info.definition.url, info.content_type)
        diffed = decide_snapshot(state, seen, page)
        if diffed.skipped is None:
            state = diffed.state
            yield StoredStep(info.snapshot_id, seen.fetched_at_ms, info.number, diffed)


async def compare_stored(broker: Broker, feed_id: str, since_ms: int, *, samples: int = 3) -> Comparison:
    """What today's parser and diff would have said otherwise of a feed's snapshots fetched since then.

    Reads, and writes nothing; raises what `Broker.read` raises. Events of snapshots that are not kept any more cannot
    be compared and are counted in ``notes``.
    """
    published = await _published(broker, feed_id)
    by_snapshot: dict[str, list[EntryEvent]] = defaultdict(list)
    for event in published:
        by_snapshot[event.snapshot_id].append(event)
    was: list[EntryEvent] = []
    now: list[EntryEvent] = []
    gone_through = compared = 0
    async for step in replay_stored(broker, feed_id):
        gone_through += 1
        told = by_snapshot.pop(step.snapshot_id, [])
        begins = gone_through > 1 or any(event.op == "baseline" for event in told)
        if step.fetched_at_ms >= since_ms and begins:
            compared += 1
            was += told
            now += step.diffed.events
    beyond = sum(parse_ms(event.time) >= since_ms for told in by_snapshot.values() for event in told)
    found = compare_events(was, now, samples=samples)
    return Comparison(found.same, found.groups, compared, _notes(gone_through, compared, beyond))


def _notes(gone_through: int, compared: int, beyond: int) -> tuple[str, ...]:
    notes = []
    if not gone_through:
        notes.append("no snapshot of this feed is kept")
    elif not compared:
        notes.append("no snapshot was compared: none is kept from that time on but the first, which begins the state")
    if beyond:
        notes.append(f"{beyond} events of that time were published from snapshots that are not kept any more")
    return tuple(notes)


async def _published(broker: Broker, feed_id: str) -> list[EntryEvent]:
    """The feed's events on the log, each once: a kill may have published one twice."""
    events: dict[str, EntryEvent] = {}
    async for record in _records(broker, topics.ENTRY_EVENTS.name, feed_id):
        if record.value is not None:
            event = decode(record.value, EntryEvent)
            events.setdefault(event.id, event)
    return list(events.values())


async def _records(broker: Broker, topic: str, key: str) -> AsyncIterator[Record]:
    partition = partition_for(key, broker.partitions(topic))
    bounds = await broker.bounds(topic, partition)
    offset = bounds.earliest
    while offset < bounds.end:
        records = await broker.read(topic, partition, offset)
        if not records:
            return
        for record in records:
            if record.key == key and record.offset < bounds.end:
                yield record
        offset = records[-1].offset + 1


__all__ = ["Comparison", "Group", "Sample", "StoredStep", "compare_events", "compare_stored", "replay_stored"]
