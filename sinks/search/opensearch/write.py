"""Events into a generation: what has to be read for them, what is written for them, in what order.

First the events, then what they end, both by external version; then, once all that is acknowledged, each feed's
highest figures. Doing any part again, or by two processes at once, changes nothing.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from sinks.search.opensearch.bulk import Item, write_items
from sinks.search.opensearch.chains import Chain, ended_by, successor_of, with_revision
from sinks.search.opensearch.client import Client
from sinks.search.opensearch.documents import (
    Successor,
    document_id,
    document_version,
    ended_document,
    make_document,
)
from sinks.search.opensearch.generations import refresh
from sinks.search.opensearch.layout import Generation
from sinks.search.opensearch.state import maxima_id, read_maxima, state_item
from wirewatch.errors import BadInput
from wirewatch.events import EntryEvent
from wirewatch.query.document import Document
from wirewatch.query.maxima import FeedMaxima
from wirewatch.times import Clock, parse_ms

_REMEMBERED: Final = 100_000
_CHAIN_PAGE: Final = 10_000


class NewEvent(Struct, frozen=True):
    """An event to write, and its JSON as it came."""

    event: EntryEvent
    stored: bytes

    @property
    def revision(self) -> Successor:
        """Its place among the revisions of its entry."""
        return Successor(self.event.seq, parse_ms(self.event.time))


class _Row(Struct):
    entry_id: str
    seq: int
    time_ms: int


class _RowHit(Struct):
    source: _Row = msgspec.field(name="_source")


class _RowHits(Struct):
    hits: list[_RowHit]


class _Rows(Struct):
    hits: _RowHits


class _SourceHit(Struct):
    found: bool = False
    source: Raw = msgspec.field(name="_source", default=Raw(b"{}"))


class _Sources(Struct):
    docs: list[_SourceHit]


class EventWriter:
    """Writes to one generation. What it remembers is dropped by `forget`, when others may have written besides."""

    def __init__(self, client: Client, generation: Generation, clock: Clock) -> None:
        self._client = client
        self.generation = generation
        self._clock = clock
        self._newest: OrderedDict[str, Successor] = OrderedDict()
        self._maxima: dict[str, FeedMaxima] = {}

    async def forget(self) -> None:
        """Look at the index anew, at all that anyone has written to it until now."""
        self._newest.clear()
        self._maxima.clear()
        await refresh(self._client, self.generation)

    async def write(self, events: Sequence[NewEvent]) -> None:
        """Make these durable; in order within each feed.

        Raises `BadInput` for the first that the index can never hold, the others being written by then; otherwise
        as `write_items`, with any part of it done.
        """
        if not events:
            return
        first: dict[tuple[str, int], NewEvent] = {}
        for new in events:  # of two with one number the first counts, as everywhere
            first.setdefault((new.event.feed_id, new.event.seq), new)
        events = list(first.values())
        documents = await asyncio.to_thread(lambda: [Document(new.event) for new in events])
        chains = await self._chains(events)
        before = await self._maxima_of({one.event.feed_id for one in documents if one.figures})
        made, after = await asyncio.to_thread(self._make, events, documents, chains, before)
        made += await self._endings(events, chains)
        await self._put(made)
        risen = [(feed_id, seq, maxima) for feed_id, (seq, maxima) in after.items()]
        if risen:
            await write_items(
                self._client,
                [state_item(self.generation, maxima_id(feed), maxima, version=seq) for feed, seq, maxima in risen],
                self._clock,
            )
        self._maxima.update({**before, **{feed_id: maxima for feed_id, _, maxima in risen}})
        self._remember({entry_id: chain[-1] for entry_id, chain in chains.items()})

    async def _put(self, items: list[Item]) -> None:
        outcomes = await write_items(self._client, items, self._clock)
        for item, outcome in zip(items, outcomes, strict=True):
            if outcome.refused is not None:
                raise BadInput(
                    f"the search index does not take the event {item.id}: {outcome.refused}", reason="not-indexable"
                )

    def _make(
        self,
        events: Sequence[NewEvent],
        documents: Sequence[Document],
        chains: Mapping[str, Chain],
        before: Mapping[str, FeedMaxima],
    ) -> tuple[list[Item], dict[str, tuple[int, FeedMaxima]]]:
        """The events' own documents, and the figures that rose by them, each with the number of the last event."""
        said = dict(before)
        risen: dict[str, tuple[int, FeedMaxima]] = {}
        items = []
        for new, document in zip(events, documents, strict=True):
            event = new.event
            successor = successor_of(chains[event.entry_id], event.seq) if event.entry_id is not None else None
            earlier = said.get(event.feed_id, FeedMaxima())
            body = make_document(document, new.stored, earlier, successor)
            items.append(self._item(event.feed_id, event.seq, body, successor))
            later = earlier.after(event)
            if later is not earlier:
                said[event.feed_id] = later
                risen[event.feed_id] = (event.seq, later)
        return items, risen

    def _item(self, feed_id: str, seq: int, body: bytes, successor: Successor | None) -> Item:
        return Item(
            self.generation.entries_write,
            document_id(feed_id, seq),
            body,
            routing=feed_id,
            version=document_version(seq, successor),
        )

    async def _endings(self, events: Sequence[NewEvent], chains: Mapping[str, Chain]) -> list[Item]:
        """The documents that were there before and are ended by one of these."""
        come: dict[tuple[str, str], set[int]] = {}
        for new in events:
            if new.event.entry_id is not None:
                come.setdefault((new.event.feed_id, new.event.entry_id), set()).add(new.event.seq)
        ends = {
            (feed_id, seq): successor
            for (feed_id, entry_id), seqs in come.items()
            for seq, successor in ended_by(chains[entry_id], seqs).items()
            if seq not in seqs
        }
        if not ends:
            return []
        wanted = [{"_id": document_id(feed_id, seq), "routing": feed_id} for feed_id, seq in ends]
        path = f"/{self.generation.entries}/_mget"
        got = await self._client.ask("POST", path, msgspec.json.encode({"docs": wanted}), into=_Sources)
        return [
            self._item(feed_id, seq, ended_document(one.source, successor), successor)
            for ((feed_id, seq), successor), one in zip(ends.items(), got.docs, strict=True)
            if one.found
        ]

    async def _chains(self, events: Iterable[NewEvent]) -> dict[str, Chain]:
        """What is known of each event's entry, the events themselves included."""
        come: dict[str, list[Successor]] = {}
        for new in events:
            if new.event.entry_id is not None:
                come.setdefault(new.event.entry_id, []).append(new.revision)
        newest = await self._newest_of(come)
        late = [
            entry
            for entry, seen in come.items()
            if entry in newest and min(one.seq for one in seen) <= newest[entry].seq
        ]
        known: dict[str, Chain] = {entry: (one,) for entry, one in newest.items()}
        if late:
            await refresh(self._client, self.generation)
            known |= await self._whole_chains(late)
        out = {}
        for entry_id, seen in come.items():
            chain = known.get(entry_id, ())
            for revision in seen:
                chain = with_revision(chain, revision)
            out[entry_id] = chain
        return out

    async def _newest_of(self, entry_ids: Iterable[str]) -> dict[str, Successor]:
        wanted = list(entry_ids)
        found = {entry_id: self._newest[entry_id] for entry_id in wanted if entry_id in self._newest}
        unknown = [entry_id for entry_id in wanted if entry_id not in found]
        if unknown:
            rows = await self._rows(
                {
                    "query": {"terms": {"entry_id": unknown}},
                    "collapse": {"field": "entry_id"},
                    "sort": [{"seq": "desc"}],
                    "size": len(unknown),
                }
            )
            found |= {row.entry_id: Successor(row.seq, row.time_ms) for row in rows}
        return found

    async def _whole_chains(self, entry_ids: Iterable[str]) -> dict[str, Chain]:
        """Every revision of these entries: for events that come again, or late."""
        out: dict[str, Chain] = {}
        for entry_id in entry_ids:
            rows: list[_Row] = []
            while True:
                after = {"search_after": [rows[-1].seq]} if rows else {}
                query = {"query": {"term": {"entry_id": entry_id}}, "sort": [{"seq": "asc"}], "size": _CHAIN_PAGE}
                page = await self._rows({**query, **after})
                rows += page
                if len(page) < _CHAIN_PAGE:
                    break
            out[entry_id] = tuple(Successor(row.seq, row.time_ms) for row in rows)
        return out

    async def _rows(self, search: dict[str, Any]) -> list[_Row]:
        body = {**search, "_source": ["entry_id", "seq", "time_ms"], "track_total_hits": False}
        path = f"/{self.generation.entries}/_search?allow_partial_search_results=false"
        found = await self._client.ask("POST", path, msgspec.json.encode(body), into=_Rows)
        return [hit.source for hit in found.hits.hits]

    async def _maxima_of(self, feed_ids: Iterable[str]) -> dict[str, FeedMaxima]:
        wanted = set(feed_ids)
        found = {feed_id: self._maxima[feed_id] for feed_id in wanted if feed_id in self._maxima}
        return found | await read_maxima(self._client, self.generation, wanted - found.keys())

    def _remember(self, newest: Mapping[str, Successor]) -> None:
        for entry_id, one in newest.items():
            self._newest[entry_id] = one
            self._newest.move_to_end(entry_id)
        while len(self._newest) > _REMEMBERED:
            # so long ago that it can be found: what is written is findable within a second
            self._newest.popitem(last=False)
