"""Reading outside any group: from any offset, to a topic's end, and where partitions begin and end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiokafka import errors as kafka
from aiokafka.protocol.offset import OffsetRequest

from wirewatch.brokers.interface import Bounds, Record
from wirewatch.brokers.kafka.fetching import Fetched, Fetches, Place
from wirewatch.brokers.kafka.following import Following, Kept
from wirewatch.brokers.kafka.records import Unread
from wirewatch.brokers.partitioning import partition_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wirewatch.brokers.kafka.link import Link

_EARLIEST: Final = -2
_LATEST: Final = -1
_AT_ONCE: Final = 6
"""Partitions read side by side where a whole topic is wanted."""


class Reading:
    """Reads by place and offset. Raises `PassingFault` and `BrokenStorage` as `explain` says."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._fetches = Fetches(link)
        self._kept = Kept()
        self._following = Following(link, self._kept)

    async def close(self) -> None:
        """Wake who waits. Safe to call twice."""
        await self._following.close()
        await self._fetches.close()

    async def read(self, place: Place, offset: int, *, max_records: int, max_bytes: int, wait: float) -> list[Record]:
        """See `Broker.read`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        while True:
            self._link.require_open()
            wait_at = offset
            unread = self._kept.take(place, offset)
            if unread is None and not (wait > 0 and self._following.covers(place, offset)):
                fetched = await self._fetch(place, offset)
                if fetched.out_of_range:
                    bounds = await self.bounds(place)
                    if offset < bounds.earliest:
                        offset = bounds.earliest
                        continue
                    wait_at = bounds.end
                elif fetched.data:
                    unread = Unread(*place, fetched.data, offset)
            if unread is not None:
                records = unread.take(max_records, max_bytes)
                offset = unread.next_offset
                if not unread.exhausted:
                    self._kept.keep(place, unread)
                if records:
                    return records
                continue  # all of it was compacted away: what comes behind
            if (left := until - loop.time()) <= 0:
                return []
            await self._following.wait(place, wait_at, left)

    async def bounds(self, place: Place) -> Bounds:
        """See `Broker.bounds`."""
        earliest, end = await asyncio.gather(self._offset(place, _EARLIEST), self._offset(place, _LATEST))
        return Bounds(earliest, end)

    async def offset_at(self, place: Place, timestamp_ms: int) -> int:
        """See `Broker.offset_at`."""
        found = await self._offset(place, max(timestamp_ms, 0))
        return found if found >= 0 else await self._offset(place, _LATEST)

    async def latest(self, topic: str, partitions: Iterable[int], count: int) -> dict[str, Record]:
        """See `Broker.latest`; the topic has ``count`` partitions in all.

        Where a topic has grown, a key's old partition still tells of it, to its being forgotten there: partitions are
        read side by side, and that must not hide the value where the key belongs now.
        """
        found: dict[str, Record] = {}
        astray: dict[str, Record] = {}
        turns = asyncio.Semaphore(_AT_ONCE)

        async def read_one(partition: int) -> None:
            async with turns:
                await self._read_latest((topic, partition), count, found, astray)

        await asyncio.gather(*(read_one(partition) for partition in partitions))
        return astray | found

    async def _read_latest(self, place: Place, count: int, found: dict[str, Record], astray: dict[str, Record]) -> None:
        bounds = await self.bounds(place)
        offset = bounds.earliest
        while offset < bounds.end:
            records = await self.read(place, offset, max_records=4096, max_bytes=4 << 20, wait=0.0)
            if not records:
                return
            for record in records:
                kept = found if partition_for(record.key, count) == record.partition else astray
                if record.value is None:
                    kept.pop(record.key, None)
                else:
                    kept[record.key] = record
            offset = records[-1].offset + 1

    async def _fetch(self, place: Place, offset: int) -> Fetched:
        topic, partition = place

        async def work() -> Fetched:
            fetched = await self._fetches.fetch(place, offset)
            while not fetched.data and fetched.high > offset and not fetched.out_of_range:
                # a request for many partitions came to its limit before it came to this one
                fetched = await self._fetches.fetch(place, offset)
            return fetched

        return await self._link.patiently(work, f"reading {topic}/{partition} from {offset}")

    async def _offset(self, place: Place, moment: int) -> int:
        topic, partition = place
        request = OffsetRequest(-1, 0, [(self._link.wire_name(topic), [(partition, moment)])])

        async def work() -> int:
            answer = await self._link.to_node(self._link.leader(topic, partition), request)
            _, code, _, offset, *_ = answer.topics[0][1][0]
            error = kafka.for_code(code)
            if error is not kafka.NoError:
                raise error
            return int(offset)

        return await self._link.patiently(work, f"the bounds of {topic}/{partition}")
