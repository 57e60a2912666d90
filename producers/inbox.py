"""Fetch requests waiting to be served, and how far the group has come: nothing unserved is passed over."""

from __future__ import annotations

import contextlib
from collections import OrderedDict, deque
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from wirewatch import topics
from wirewatch.brokers.interface import UNSETTLED
from wirewatch.errors import BadInput, PassingFault
from wirewatch.events import FetchRequest, decode
from wirewatch.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Collection

    from wirewatch.brokers.interface import Broker, Consumer, Record

_log = get_logger("poll")
_REMEMBERED = 10_000  # ids of requests served, so that one that comes twice is served once
_MAX_WAITING = 1_000  # requests a feed may have waiting; the diff asks again where it still wants to know
_MOST_HELD = 20_000  # requests behind one that cannot be served, of all partitions: then the oldest are given up


class Waiting(Struct):
    """A request not served yet."""

    request: FetchRequest
    record: Record
    served: bool = False


class Inbox:
    """What the diff asks of this poller. For use from one event loop."""

    def __init__(self, broker: Broker, group: str) -> None:
        self._broker = broker
        self._group = group
        self._consumer: Consumer | None = None
        self._order: dict[int, deque[Waiting]] = {}
        self._by_feed: dict[str, list[Waiting]] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._reached: dict[int, Record] = {}

    async def open(self) -> None:
        """Join the group. Raises what `Broker.consumer` raises."""
        self._consumer = await self._broker.consumer(self._group, [topics.FETCH_REQUESTS.name])

    async def close(self) -> None:
        """Leave the group, after noting what was served. Safe to call twice."""
        if self._consumer is not None:
            with contextlib.suppress(PassingFault):  # then the same is served again, which does no harm
                await self._commit()
            await self._consumer.close()
            self._consumer = None

    async def assigned(self) -> frozenset[int]:
        """The partitions that are ours: the feeds of the same partitions are ours too."""
        if self._consumer is None:
            return frozenset()
        return frozenset(partition for _, partition in await self._consumer.assignment())

    async def generation(self) -> int:
        """Which division of the group's partitions `assigned` speaks of (see `Consumer.generation`)."""
        return UNSETTLED if self._consumer is None else await self._consumer.generation()

    def forget(self, partitions: Collection[int]) -> None:
        """These are another's now, who is given their unserved requests; should they come back, so are we."""
        for partition in partitions:
            self._reached.pop(partition, None)
            for waiting in self._order.pop(partition, ()):
                if not waiting.served:
                    self._seen.pop(waiting.request.id, None)
                    self.done([waiting])

    async def receive(self, *, wait: float) -> list[Waiting]:
        """What came newly within ``wait`` seconds. A record that is no request is logged and passed over."""
        assert self._consumer is not None, "open() comes first"
        await self._commit()
        new: list[Waiting] = []
        for record in await self._consumer.poll(max_records=256, wait=wait):
            try:
                request = decode(record.value or b"", FetchRequest)
            except BadInput as error:
                _log.warning("fetch request left out", offset=record.offset, error=error)
                self._reached[record.partition] = record
                continue
            waiting = Waiting(request, record)
            self._order.setdefault(record.partition, deque()).append(waiting)
            queue = self._by_feed.setdefault(request.feed_id, [])
            if request.id in self._seen or len(queue) >= _MAX_WAITING:
                waiting.served = True
                continue
            self._remember(request.id)
            queue.append(waiting)
            new.append(waiting)
        return new

    def waiting(self, feed_id: str, kind: str) -> list[Waiting]:
        """Requests of that kind which wait for that feed."""
        return [one for one in self._by_feed.get(feed_id, []) if one.request.kind == kind and not one.served]

    def done(self, served: list[Waiting]) -> None:
        """These were served, or never will be."""
        for one in served:
            one.served = True
            queue = self._by_feed.get(one.request.feed_id, [])
            if one in queue:
                queue.remove(one)
            if not queue:
                self._by_feed.pop(one.request.feed_id, None)

    def drop(self, feed_id: str) -> None:
        """Nothing will be served for that feed any more."""
        self.done(list(self._by_feed.get(feed_id, [])))

    def _remember(self, request_id: str) -> None:
        self._seen[request_id] = None
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    async def _commit(self) -> None:
        """Move the group on over everything served that nothing unserved comes before."""
        self._give_up_oldest()
        for partition, order in self._order.items():
            while order and order[0].served:
                self._reached[partition] = order.popleft().record
        ready = [
            record
            for partition, record in self._reached.items()
            if not self._order.get(partition) or self._order[partition][0].record.offset > record.offset
        ]
        if ready and self._consumer is not None:
            await self._consumer.commit(ready)
            for record in ready:
                self._reached.pop(record.partition, None)

    def _give_up_oldest(self) -> None:
        """A feed that fails for days must not hold in memory all that comes behind what is asked of it."""
        excess = sum(map(len, self._order.values())) - _MOST_HELD
        if excess <= 0:
            return
        longest = max(self._order.values(), key=len)
        unserved = [waiting for waiting in islice(longest, excess) if not waiting.served]
        if not unserved:
            return  # they only have to be counted off
        _log.warning(
            "fetch requests that could not be served were given up: too many came behind them",
            count=len(unserved),
            feeds=sorted({waiting.request.feed_id for waiting in unserved})[:5],
        )
        self.done(unserved)
