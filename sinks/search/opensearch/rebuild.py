"""A new generation of the index behind the alias, while the old one is searched and written.

The old one is copied first, for it holds what the log has forgotten; then the log from where the old one stood.
When that has caught up the old one takes no more writes, what came in between is read from the log, and the alias
moves: only the search stage waits, for seconds. Every step is remembered in the new one: what breaks off goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from sinks.search.opensearch.bulk import Item, write_items
from sinks.search.opensearch.client import Client
from sinks.search.opensearch.filling import Say, write_what_fits
from sinks.search.opensearch.generations import (
    Standing,
    create_generation,
    find_current,
    list_generations,
    put_templates,
    refresh,
)
from sinks.search.opensearch.layout import Generation, alias_of
from sinks.search.opensearch.state import (
    LOG_ID,
    REBUILD_ID,
    BoundLog,
    Kept,
    Position,
    position_id,
    read_state,
    require_log,
    state_item,
)
from sinks.search.opensearch.write import EventWriter, NewEvent
from wirewatch.brokers.interface import Broker, Record
from wirewatch.errors import BadInput, NotOurs, UserError
from wirewatch.events import EntryEvent, decode
from wirewatch.times import Clock
from wirewatch.topics import ENTRIES

_PAGE: Final = 500


class Progress(Struct, frozen=True):
    """How far a rebuild is. ``positions``: where the old generation stood in the log when copying began."""

    source: int
    positions: dict[int, int]
    feed_id: str = ""
    seq: int = 0
    copied: bool = False


class Rebuilt(Struct, frozen=True):
    """What came of it. ``refused``: events that the new generation does not take."""

    index: str
    copied: int
    read: int
    refused: int


class _Source(Struct):
    event: Raw


class _Hit(Struct):
    source: _Source = msgspec.field(name="_source")


class _Hits(Struct):
    hits: list[_Hit]


class _Found(Struct):
    hits: _Hits


class Rebuild:
    """One rebuild on one cluster. ``say`` is told of each step, for people."""

    def __init__(self, client: Client, broker: Broker, clock: Clock, say: Say) -> None:
        self._client = client
        self._broker = broker
        self._clock = clock
        self._say = say
        self._positions: dict[int, Kept[Position]] = {}
        self._copied = self._read = self._refused = 0

    async def run(self, *, keep_old: bool = False) -> Rebuilt:
        """Do it, or what is left of one that was broken off.

        Raises `UserError` where there is nothing to rebuild; `PassingFault` where OpenSearch or the log is away:
        doing it again goes on from there. ``keep_old`` leaves the old generation, which is not written any more.
        """
        current = await find_current(self._client)
        if current is None:
            raise UserError("there is no search index to rebuild yet: wirewatch run makes it")
        old = current.generation
        log_id = await self._broker.log_id()
        await require_log(self._client, old, log_id)  # before anything is made
        generations = await list_generations(self._client)
        new = await self._target(old, generations)
        writer = EventWriter(self._client, new, self._clock)
        kept = await self._progress(old, new, log_id)
        await refresh(self._client, old)
        await writer.forget()
        await self._copy(old, writer, kept)
        await self._load_positions(new)
        await self._tail(writer, kept.positions)
        await self._switch(old, writer, kept.positions)
        if not keep_old:
            for stale in [one.generation for one in generations if one.generation.number <= old.number]:
                await self._delete(stale)
        return Rebuilt(new.entries, self._copied, self._read, self._refused)

    async def _target(self, old: Generation, there: Sequence[Standing]) -> Generation:
        """The generation that is not read yet: one that was begun, else a new one."""
        await put_templates(self._client)
        begun = [one.generation for one in there if one.generation.number > old.number]
        new = begun[-1] if begun else Generation(old.prefix, old.number + 1)
        await create_generation(self._client, new)
        self._say(f"{'going on with' if begun else 'making'} {new.entries} from {old.entries}")
        return new

    async def _progress(self, old: Generation, new: Generation, log_id: str) -> Progress:
        """How far it is; where it begins, the old generation's log and places are taken over."""
        (kept,) = await read_state(self._client, new, [REBUILD_ID], Progress)
        if kept.value is not None:
            return kept.value
        begun = Progress(old.number, {at: one.value.next_offset for at, one in await self._places(old) if one.value})
        items = [state_item(new, LOG_ID, BoundLog(log_id)), state_item(new, REBUILD_ID, begun)]
        await self._write(items)
        return begun

    async def _places(self, generation: Generation) -> list[tuple[int, Kept[Position]]]:
        partitions = range(self._broker.partitions(ENTRIES.name))
        ids = [position_id(ENTRIES.name, partition) for partition in partitions]
        return list(zip(partitions, await read_state(self._client, generation, ids, Position), strict=True))

    async def _copy(self, old: Generation, writer: EventWriter, progress: Progress) -> None:
        """Feed by feed, in the order of its events, so that each finds what its feed had said before."""
        while not progress.copied:
            events = await self._page(old, progress)
            await self._take(writer, events)
            self._copied += len(events)
            if events:
                last = events[-1].event
                progress = msgspec.structs.replace(progress, feed_id=last.feed_id, seq=last.seq)
            else:
                progress = msgspec.structs.replace(progress, copied=True)
            await self._write([state_item(writer.generation, REBUILD_ID, progress)])
            if self._copied % (20 * _PAGE) == 0:
                self._say(f"{self._copied} events copied")
        self._say(f"copied: {self._copied} events")

    async def _page(self, old: Generation, progress: Progress) -> list[NewEvent]:
        body: dict[str, Any] = {
            "query": {"match_all": {}},
            "sort": [{"feed_id": "asc"}, {"seq": "asc"}],
            "size": _PAGE,
            "_source": ["event"],
            "track_total_hits": False,
        }
        if progress.seq:
            body["search_after"] = [progress.feed_id, progress.seq]
        path = f"/{old.entries}/_search?allow_partial_search_results=false"
        found = await self._client.ask("POST", path, msgspec.json.encode(body), into=_Found)
        stored = [bytes(hit.source.event) for hit in found.hits.hits]
        return [NewEvent(decode(one, EntryEvent), one) for one in stored]

    async def _tail(self, writer: EventWriter, begun: dict[int, int], upto: dict[int, int] | None = None) -> None:
        """Read the log on to where it ends now, or at least as far as asked."""
        for partition in range(self._broker.partitions(ENTRIES.name)):
            kept = self._positions.get(partition, Kept(None))
            at = max(begun.get(partition, 0), kept.value.next_offset if kept.value else 0)
            end = max((await self._broker.bounds(ENTRIES.name, partition)).end, (upto or {}).get(partition, 0))
            while at < end:
                records = await self._broker.read(ENTRIES.name, partition, at, max_records=_PAGE, wait=1.0)
                if not records:
                    bounds = await self._broker.bounds(ENTRIES.name, partition)
                    if bounds.earliest <= at:
                        break  # nothing more can be read there: offsets may be left out at a log's end
                    at = bounds.earliest  # let go while we copied; the old generation had it
                    continue
                await self._take(writer, _events_of(records))
                self._read += len(records)
                at = records[-1].offset + 1
                await self._move(writer.generation, partition, at)
            if kept.value is None and at and partition not in self._positions:
                await self._move(writer.generation, partition, at)

    async def _load_positions(self, new: Generation) -> None:
        self._positions = {partition: kept for partition, kept in await self._places(new) if kept.value}

    async def _move(self, new: Generation, partition: int, next_offset: int) -> None:
        kept = self._positions.get(partition, Kept(None))
        position = Position(next_offset)
        item = state_item(new, position_id(ENTRIES.name, partition), position, place=kept.place)
        (outcome,) = await write_items(self._client, [item], self._clock)
        if outcome.conflict or outcome.place is None:
            raise NotOurs(f"another wirewatch index rebuild is at work on {new.entries}: let it end")
        self._positions[partition] = Kept(position, outcome.place)

    async def _switch(self, old: Generation, writer: EventWriter, begun: dict[int, int]) -> None:
        """Seal the old generation, read what it took until then, and move the alias. Searches never wait."""
        for index in (old.state, old.entries):  # no place is written any more whose events are not there
            await self._client.ask("PUT", f"/{index}/_block/write", into=Any)
        ends = {at: one.value.next_offset for at, one in await self._places(old) if one.value}
        await self._tail(writer, begun, ends)
        await refresh(self._client, writer.generation)
        alias = alias_of(self._client.address)
        actions = [
            {"remove": {"index": old.entries, "alias": alias}},
            {"add": {"index": writer.generation.entries, "alias": alias}},
        ]
        await self._client.ask("POST", "/_aliases", msgspec.json.encode({"actions": actions}), into=Any)
        self._say(f"searches go to {writer.generation.entries} now")

    async def _delete(self, stale: Generation) -> None:
        for index in (stale.entries, stale.state):
            await self._client.ask("DELETE", f"/{index}", into=Any)
        self._say(f"removed {stale.entries}")

    async def _take(self, writer: EventWriter, events: Sequence[NewEvent]) -> None:
        self._refused += await write_what_fits(writer, events, self._say)

    async def _write(self, items: Sequence[Item]) -> None:
        await write_items(self._client, items, self._clock)


def _events_of(records: Sequence[Record]) -> list[NewEvent]:
    """What can be read of them: the rest is among the dead letters since the search stage met it."""
    events = []
    for record in records:
        if record.value is None:
            continue
        try:
            events.append(NewEvent(decode(record.value, EntryEvent), record.value))
        except BadInput:
            continue
    return events
