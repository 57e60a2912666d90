"""The search stage on OpenSearch: every event of `wirewatch.entries.v1`, then the place in the log after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sinks.search.opensearch.address import Address
from sinks.search.opensearch.bulk import write_items
from sinks.search.opensearch.client import INDEX_MISSING, Client, Refusal, fate_of
from sinks.search.opensearch.generations import ensure_current
from sinks.search.opensearch.layout import Generation
from sinks.search.opensearch.state import (
    LOG_ID,
    NEVER,
    BoundLog,
    Kept,
    Position,
    position_id,
    read_state,
    state_item,
)
from sinks.search.opensearch.write import EventWriter, NewEvent
from wirewatch.brokers.binding import other_log
from wirewatch.brokers.interface import Record
from wirewatch.errors import BadInput, NotOurs, PassingFault, UserError
from wirewatch.events import EntryEvent, decode
from wirewatch.stages import SEARCH
from wirewatch.times import Clock, SystemClock


class OpenSearchSink:
    """Implements `wirewatch.hosting.Sink` on the generation that is read.

    The events are durable before the position is written, and the position only where it is still the one that
    this process read: whoever took the partition over since has read a newer one (`NotOurs`). An event that
    is there already is left as it is. Where the index was replaced by a new generation, `write` says `NotOurs`
    and goes on in the new one. Holds no event loop: it waits, and works texts out in a thread.
    """

    stage = SEARCH.name

    def __init__(self, address: Address, *, clock: Clock | None = None) -> None:
        self._client = Client(address)
        self._clock = clock or SystemClock()
        self._writer: EventWriter | None = None
        self._log_id: str | None = None
        self._positions: dict[tuple[str, int], Kept[Position]] = {}

    async def start(self) -> None:
        """See `Sink`. Makes the index where there is none; `UserError` for one that is none of ours."""
        try:
            await self._opened()
        except Refusal as refusal:
            raise fate_of(refusal) from refusal

    async def bind_log(self, log_id: str) -> None:
        """See `Sink`."""
        writer = await self._opened()
        await self._bind(writer.generation, log_id)
        self._log_id = log_id

    async def position(self, topic: str, partition: int) -> int | None:
        """See `Sink`."""
        async with self._fates():
            writer = await self._opened()
            await writer.forget()
            kept = await self._read_position(writer, topic, partition)
        return None if kept.value is None else kept.value.next_offset

    async def write(self, records: Sequence[Record]) -> None:
        """See `Sink`. `PassingFault` also where OpenSearch does not let us in any more: that is mended there."""
        async with self._fates():
            writer = await self._opened()
            new = await self._new(writer, records)
            if new:
                await writer.write(await asyncio.to_thread(_events_of, new))
                await self._move(writer, new)

    async def skip(self, record: Record) -> None:
        """See `Sink`."""
        async with self._fates():
            writer = await self._opened()
            if await self._new(writer, [record]):
                await self._move(writer, [record])

    async def close(self) -> None:
        """See `Sink`."""
        self._let_go()
        await self._client.close()

    @asynccontextmanager
    async def _fates(self) -> AsyncIterator[None]:
        try:
            yield
        except NotOurs:
            self._let_go()
            raise
        except Refusal as refusal:
            if refusal.kind == INDEX_MISSING:
                self._let_go()
                raise NotOurs(f"the search index is not there any more: {refusal.reason}", retry_after=1.0) from refusal
            raise fate_of(refusal) from refusal
        except UserError as error:
            raise PassingFault(str(error)) from error

    def _let_go(self) -> None:
        """Ask anew, before the next write, what is read and where we are in it."""
        self._writer = None
        self._positions.clear()

    async def _opened(self) -> EventWriter:
        if self._writer is None:
            standing = await ensure_current(self._client)
            if standing.sealed:
                # its log is bound and its places stay: the new one takes over from there
                raise NotOurs(
                    f"{standing.generation.entries} is being replaced by a new index; if this lasts, that was broken "
                    "off: run wirewatch index rebuild again, which goes on where it ended",
                    retry_after=1.0,
                )
            if self._log_id is not None:
                await self._bind(standing.generation, self._log_id)  # it may have been made anew just now
            self._writer = EventWriter(self._client, standing.generation, self._clock)
        return self._writer

    async def _bind(self, generation: Generation, log_id: str) -> None:
        kept: Kept[BoundLog] = Kept(None)
        async with self._fates():
            item = state_item(generation, LOG_ID, BoundLog(log_id), place=NEVER)
            (outcome,) = await write_items(self._client, [item], self._clock)
            if outcome.conflict:
                (kept,) = await read_state(self._client, generation, [LOG_ID], BoundLog)
        if kept.value is not None and kept.value.log_id != log_id:
            what = f"the search index {generation.entries} on {self._client.address.shown}"
            raise UserError(other_log(what, kept.value.log_id, log_id))

    async def _read_position(self, writer: EventWriter, topic: str, partition: int) -> Kept[Position]:
        ids = [position_id(topic, partition)]
        (kept,) = await read_state(self._client, writer.generation, ids, Position)
        self._positions[topic, partition] = kept
        return kept

    async def _new(self, writer: EventWriter, records: Sequence[Record]) -> list[Record]:
        """The records at or beyond their partition's position."""
        out = []
        for record in records:
            place = (record.topic, record.partition)
            kept = self._positions.get(place) or await self._read_position(writer, *place)
            if kept.value is None or record.offset >= kept.value.next_offset:
                out.append(record)
        return out

    async def _move(self, writer: EventWriter, records: Sequence[Record]) -> None:
        """Write the positions after these records, each only over the one that was read."""
        ends = {(record.topic, record.partition): Position(record.offset + 1) for record in records}
        items = [
            state_item(writer.generation, position_id(*place), position, place=self._positions[place].place)
            for place, position in ends.items()
        ]
        outcomes = await write_items(self._client, items, self._clock)
        for (place, position), outcome in zip(ends.items(), outcomes, strict=True):
            if outcome.conflict or outcome.place is None:
                raise NotOurs(f"another process writes {place[0]}/{place[1]} into the search index")
            self._positions[place] = Kept(position, outcome.place)


def _events_of(records: Sequence[Record]) -> list[NewEvent]:
    events = []
    for record in records:
        if record.value is None:
            raise BadInput(f"{record.topic}/{record.partition}/{record.offset} has no value", reason="no-value")
        events.append(NewEvent(decode(record.value, EntryEvent), record.value))
    return events
