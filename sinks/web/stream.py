"""The live stream: records of `entries` and `alerts` to many readers, each at its own place.

One task reads the log and keeps its newest part in memory; a reader takes from there, or from the log itself
where it is behind. Nothing is queued for a reader, so a slow one costs no memory (F17): its own connection
fills, and it is disconnected and may resume.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from functools import partial
from typing import Final

from sinks.web.cursor import Offsets, decode_cursor, encode_cursor
from sinks.web.following import follow_for_ever
from wirewatch.brokers.interface import Bounds, Broker, Record
from wirewatch.errors import BadInput
from wirewatch.logs import get_logger
from wirewatch.topics import ALERTS, ENTRIES, Topic

STREAMED: Final[tuple[Topic, ...]] = (ENTRIES, ALERTS)
_KEPT: Final = 2_000
_KEPT_BYTES: Final = 32 << 20  # of all partitions together
_log = get_logger("web")


class TooOld(Exception):  # noqa: N818 - what the place is, not an error of ours
    """A cursor before the earliest record that is still kept; ``earliest`` is the oldest one that works."""

    def __init__(self, earliest: str) -> None:
        super().__init__("what followed this cursor is no longer kept")
        self.earliest = earliest


class Tail:
    """The newest records of one partition, in memory, bounded in number and bytes."""

    def __init__(self, topic: str, partition: int, end: int, *, most_bytes: int) -> None:
        self.topic = topic
        self.partition = partition
        self.begin = end
        self.end = end
        self._records: deque[Record] = deque()
        self._bytes = 0
        self._most_bytes = most_bytes

    def add(self, records: Sequence[Record]) -> None:
        """Take records that follow what is here."""
        for record in records:
            self._records.append(record)
            self._bytes += len(record.value or b"")
            self.end = record.offset + 1
        while self._records and (len(self._records) > _KEPT or self._bytes > self._most_bytes):
            gone = self._records.popleft()
            self._bytes -= len(gone.value or b"")
            self.begin = gone.offset + 1

    def after(self, offset: int, limit: int) -> list[Record] | None:
        """What is here from that offset on; None where the log itself must be asked."""
        if offset < self.begin:
            return None
        out = []
        for record in reversed(self._records):
            if record.offset < offset:
                break
            out.append(record)
        out.reverse()
        return out[:limit]


class StreamHub:
    """Follows the streamed topics on a broker. `start` before anything else; one instance a process."""

    def __init__(self, broker: Broker, log_id: str) -> None:
        self._broker = broker
        self._log_id = log_id
        self._tails: dict[tuple[str, int], Tail] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._arrived = asyncio.Condition()
        self._version = 0
        self._closed = False

    async def start(self) -> None:
        """Begin to follow at the log's present end."""
        places = [(topic.name, n) for topic in STREAMED for n in range(self._broker.partitions(topic.name))]
        share = _KEPT_BYTES // len(places)
        for (topic, partition), bounds in (await self._bounds(places)).items():
            tail = Tail(topic, partition, bounds.end, most_bytes=share)
            self._tails[topic, partition] = tail
            self._tasks.append(asyncio.create_task(follow_for_ever(partial(self._follow, tail), what=topic)))

    async def close(self) -> None:
        """Stop following; readers end. Safe to call twice."""
        async with self._arrived:
            self._closed = True
            self._version += 1
            self._arrived.notify_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _follow(self, tail: Tail) -> None:
        records = await self._broker.read(tail.topic, tail.partition, tail.end, wait=30.0)
        if records:
            async with self._arrived:
                tail.add(records)
                self._version += 1
                self._arrived.notify_all()

    async def _bounds(self, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], Bounds]:
        """All asked at once: one after the other, a reader would wait for a hundred answers in turn."""
        found = await asyncio.gather(*(self._broker.bounds(*place) for place in places))
        return dict(zip(places, found, strict=True))

    def end(self) -> Offsets:
        """The place behind the newest record."""
        return {key: tail.end for key, tail in self._tails.items()}

    async def recent(self, since_ms: int, *, most: int) -> Offsets:
        """The place before the entries appended since then, at most so many records back in each partition."""
        places = self.end()
        entries = [place for place in self._tails if place[0] == ENTRIES.name]
        bounds = await self._bounds(entries)
        since = await asyncio.gather(*(self._broker.offset_at(*place, since_ms) for place in entries))
        for place, offset in zip(entries, since, strict=True):
            end = self._tails[place].end
            places[place] = min(end, max(offset, end - most, bounds[place].earliest))
        return places

    async def earliest(self) -> Offsets:
        """The place before the oldest record that is kept."""
        return {key: bounds.earliest for key, bounds in (await self._bounds(self._tails)).items()}

    def cursor(self, offsets: Offsets) -> str:
        """A place as text."""
        return encode_cursor(self._log_id, offsets)

    async def place(self, text: str) -> Offsets:
        """The place that a reader asks for: a cursor, ``earliest``, or nothing for the end.

        Raises `BadInput` for what is no cursor of this log, `TooOld` where records after it have gone.
        """
        if text in {"", "now"}:
            return self.end()
        if text == "earliest":
            return await self.earliest()
        offsets = decode_cursor(text, self._log_id, self.end())
        bounds = await self._bounds(self._tails)
        # the log's own ends: another process may have shown its readers more than this one has seen yet
        if any(offsets[key] > at.end for key, at in bounds.items()):
            raise BadInput("the cursor lies in the future of this log: start without it", reason="bad-cursor")
        if any(offsets[key] < at.earliest for key, at in bounds.items()):
            raise TooOld(self.cursor({key: at.earliest for key, at in bounds.items()}))
        return offsets

    async def read(
        self, offsets: Offsets, wanted: Callable[[Record], bool], *, heartbeat: float = 15.0
    ) -> AsyncIterator[tuple[Record | None, str]]:
        """Records after a place as they come, each with the cursor behind it; ``(None, cursor)`` as a heartbeat.

        Ends when its reader stops or the hub is closed. The cursor moves past what is not ``wanted`` too.
        """
        at = dict(offsets)
        loop = asyncio.get_running_loop()
        told = loop.time()
        while not self._closed:
            seen = self._version
            found = False
            for key, tail in self._tails.items():
                records = tail.after(at[key], 256)
                if records is None:
                    records = await self._broker.read(*key, at[key])
                for record in records:
                    found = True
                    at[key] = record.offset + 1
                    if wanted(record):
                        yield record, self.cursor(at)
                        told = loop.time()
            if loop.time() - told >= heartbeat:  # also while only what is not wanted comes
                yield None, self.cursor(at)
                told = loop.time()
            if found:
                await asyncio.sleep(0)  # others have their turn between batches
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(told + heartbeat - loop.time()), self._arrived:
                    while self._version == seen:
                        await self._arrived.wait()
