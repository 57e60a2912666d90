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

    @property
    def values(self) -> Mapping[str, T]:
        """The newest value of each key, as of the last refresh. A live view: copy it before awaiting."""
        return self._values

    def get(self, key: str) -> T | None:
        """The newest value of that key; None where it has none."""
        return self._values.get(key)

    async def refresh(self) -> set[str]:
        """Take in what is new without waiting for more; the keys that changed (all of them at first, or after hours).

        Raises what `Broker.read` raises; what was taken in before that stays.
        """
        before, self._fresh_at = self._fresh_at, asyncio.get_running_loop().time()
        if not self._offsets or self._fresh_at - before > _ANEW_SECONDS:
            self._offsets = {}  # until it is done: what fails half-way is begun again
            return await self._load()
        changed: set[str] = set()
        for partition in self._offsets:
            while records := await self._broker.read(self._topic, partition, self._offsets[partition]):
                changed |= self._apply(partition, records)
        return changed

    async def wait_changed(self, timeout: float) -> set[str]:  # noqa: ASYNC109 - a wait that ends is no failure
        """The keys that changed, as soon as some do; empty after ``timeout`` seconds without."""
        if changed := await self.refresh():
            return changed
        reads = {
            asyncio.ensure_future(self._broker.read(self._topic, partition, offset, wait=timeout))
            for partition, offset in self._offsets.items()
        }
        try:
            while reads:
                done, reads = await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED)
                if any(task.result() for task in done):
                    break
        finally:
            for task in reads:
                task.cancel()
            await asyncio.gather(*reads, return_exceptions=True)
        return await self.refresh()

    async def _load(self) -> set[str]:
        # the ends first: what is appended in between is read twice, never missed
        ends = {
            partition: (await self._broker.bounds(self._topic, partition)).end
            for partition in range(self._broker.partitions(self._topic))
        }
        latest = await self._broker.latest(self._topic)
        gone = self._values.keys() - latest.keys()
        for key in gone:
            del self._values[key]
        for key, record in latest.items():
            self._take(key, record)
        self._offsets = ends
        return gone | self._values.keys()

    def _apply(self, partition: int, records: list[Record]) -> set[str]:
        for record in records:
            if record.value is None:
                self._values.pop(record.key, None)
            else:
                self._take(record.key, record)
        self._offsets[partition] = records[-1].offset + 1
        return {record.key for record in records}

    def _take(self, key: str, record: Record) -> None:
        try:
            self._values[key] = self._decode(record)
        except BadInput as error:
            _log.warning(
                "record left out", topic=self._topic, key=key, offset=record.offset, reason=error.reason, error=error
            )
