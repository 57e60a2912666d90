"""A compacted topic held in memory: the newest value of each key, kept up to date."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from wirewatch.errors import BadInput
from wirewatch.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wirewatch.brokers.interface import Broker, Record

T = TypeVar("T")
_log = get_logger("view")
_ANEW_SECONDS: Final = 6 * 3_600.0
"""A view left alone for so long is read anew: brokers keep a tombstone for a day, and then a removal cannot be seen."""


class LatestView(Generic[T]):
    """Follows a compacted topic on any broker. ``decode`` turns a record into what is held.

    A record that ``decode`` refuses (`BadInput`) is logged and leaves what was held before. For one task
    at a time; `values` may be read by anyone on the same event loop.
    """

    def __init__(self, broker: Broker, topic: str, decode: Callable[[Record], T]) -> None:
        self._broker = broker
        self._topic = topic
        self._decode = decode
        self._values: dict[str, T] = {}
        self._offsets: dict[int, int] = {}
        self._fresh_at = 0.0
        self._reads: dict[int, asyncio.Future[list[Record]]] = {}
        self._untold: set[str] = set()

    @property
    def values(self) -> Mapping[str, T]:
        """The newest value of each key, as of the last refresh. A live view: copy it before awaiting."""
        return self._values

    def get(self, key: str) -> T | None:
        """The newest value of that key; None where it has none."""
        return self._values.get(key)

    async def refresh(self) -> set[str]:
        """Take in what is new without waiting for more; the keys that changed (all of them at first, or after hours).

        Raises what `Broker.read` raises; what was taken in before that stays, and is told of the next time.
        """
        before, self._fresh_at = self._fresh_at, asyncio.get_running_loop().time()
        if not self._offsets or self._fresh_at - before > _ANEW_SECONDS:
            self._offsets = {}  # until it is done: what fails half-way is begun again
            return await self._load()
        # side by side: on a cluster what is asked in one moment is one request
        taken = await asyncio.gather(
            *(self._take_new(partition) for partition in self._offsets), return_exceptions=True
        )
        for result in taken:
            if result is not None:
                raise result
        return self._tell()

    async def wait_changed(self, timeout: float) -> set[str]:  # noqa: ASYNC109 - a wait that ends is no failure
        """The keys that changed, as soon as some do; empty after ``timeout`` seconds without."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        if (not self._offsets or loop.time() - self._fresh_at > _ANEW_SECONDS) and (changed := await self.refresh()):
            return changed
        try:
            while True:
                left = max(until - loop.time(), 0.0)
                self._begin_reads(left)
                await asyncio.wait(self._reads.values(), timeout=left, return_when=asyncio.FIRST_COMPLETED)
                self._end_reads()
                if (changed := self._tell()) or loop.time() >= until:
                    return changed
        except BaseException:
            reads, self._reads = list(self._reads.values()), {}
            for task in reads:
                task.cancel()
            await asyncio.gather(*reads, return_exceptions=True)
            raise

    def _begin_reads(self, wait: float) -> None:
        """Wait on every partition. The waits outlast a call: one partition's news would end and begin all others'."""
        for partition, offset in self._offsets.items():
            if partition not in self._reads:
                read = self._broker.read(self._topic, partition, offset, wait=wait)
                task = self._reads[partition] = asyncio.ensure_future(read)
                # one that outlasts the last call fails when the broker is closed: nobody need hear of that
                task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _end_reads(self) -> None:
        for partition, task in [item for item in self._reads.items() if item[1].done()]:
            del self._reads[partition]
            self._apply(partition, task.result())

    def _tell(self) -> set[str]:
        """What changed and nobody was told of, also where an earlier look ended in a fault."""
        untold, self._untold = self._untold, set()
        return untold

    async def _take_new(self, partition: int) -> None:
        while records := await self._broker.read(self._topic, partition, self._offsets[partition]):
            self._apply(partition, records)

    async def _load(self) -> set[str]:
        # the ends first: what is appended in between is read twice, never missed
        places = range(self._broker.partitions(self._topic))
        bounds = await asyncio.gather(*(self._broker.bounds(self._topic, partition) for partition in places))
        ends = {partition: found.end for partition, found in zip(places, bounds, strict=True)}
        latest = await self._broker.latest(self._topic)
        gone = self._values.keys() - latest.keys()
        for key in gone:
            del self._values[key]
        for key, record in latest.items():
            self._take(key, record)
        self._offsets = ends
        return gone | self._values.keys() | self._tell()

    def _apply(self, partition: int, records: list[Record]) -> None:
        # what was taken in by another way meanwhile is not taken in again
        new = [record for record in records if record.offset >= self._offsets[partition]]
        for record in new:
            if record.value is None:
                self._values.pop(record.key, None)
            else:
                self._take(record.key, record)
            self._offsets[partition] = record.offset + 1
            self._untold.add(record.key)

    def _take(self, key: str, record: Record) -> None:
        try:
            self._values[key] = self._decode(record)
        except BadInput as error:
            _log.warning(
                "record left out", topic=self._topic, key=key, offset=record.offset, reason=error.reason, error=error
            )
