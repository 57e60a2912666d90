"""One life of a stage's Faust app: its agent, what it sends, and what it keeps."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, cast

from faust.types import TP

from processors.faust_host.building import build_app, input_topic, state_table
from processors.faust_host.transport import Consumer
from processors.faust_host.work import Left, RecordWork
from wirewatch.brokers.kafka.failures import explain
from wirewatch.brokers.partitioning import partition_for
from wirewatch.errors import PassingFault
from wirewatch.topics import STATE_TOPICS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    import faust
    from faust.types.tuples import Message, RecordMetadata

    from processors.faust_host.building import Plan
    from processors.faust_host.progress import Place
    from processors.faust_host.work import Outgoing
    from wirewatch.brokers.embedded.threads import WorkerThread
    from wirewatch.hosting.interface import Handler
    from wirewatch.times import Clock

IN_FLIGHT: Final = 256
"""So many records of a stage without state may be on their way out at once."""
IN_FLIGHT_BYTES: Final = 16 << 20


HELD_UP_SESSIONS: Final = 3
"""After so many sessions without reading, a change of hands that Faust did not end is begun anew."""
_TICK_SECONDS: Final = 0.1
_FROZEN_SHARE: Final = 0.8
"""Part of a session after which a process that stood still takes its partitions for lost."""


class Vigil:
    """Knows whether the time between two ticks was ever too long. Pure: it is told the time."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._last: float | None = None
        self._broken = False

    def tick(self, now: float) -> None:
        """A sign of life."""
        self._broken = self.broken(now)
        self._last = now

    def broken(self, now: float) -> bool:
        """Whether there was too long a time without a sign, now or before."""
        return self._broken or (self._last is not None and now - self._last > self._longest)


class Worker:
    """From start to stop or crash. ``ended`` is set where it cannot go on: `PassingFault` means begin again."""

    def __init__(self, plan: Plan, handler: Handler, thread: WorkerThread, clock: Clock) -> None:
        self.app: faust.App = build_app(plan)
        self.ended: BaseException | None = None
        self.stopping = False
        self._plan = plan
        self._table = state_table(self.app, plan) if handler.stateful else None
        self._work = RecordWork(handler, thread, self, clock)
        self._in_flight_bytes = 0
        self._vigil = Vigil(plan.address.session_ms / 1000 * _FROZEN_SHARE)
        self.app.agent(input_topic(self.app, plan), name=f"wirewatch.{plan.stage}", concurrency=1)(self._agent)
        self.app.task(self._keep_vigil)

    @property
    def _consumer(self) -> Consumer:
        return cast(Consumer, self.app.consumer)

    async def _agent(self, stream: Any) -> None:
        """Take records one at a time, in order. Nothing may be raised from here: Faust would acknowledge it."""
        try:
            async for event in stream.events():
                if self.ended is None:
                    await self._take(event.message)
        except Exception as error:  # noqa: BLE001 - broken storage, or a broken invariant of ours
            await self._end(error)

    async def _take(self, message: Message) -> None:
        place, progress = (message.topic, message.partition), self._consumer.progress
        if not progress.take(place, message.offset):
            return
        durable = await self._work.do(message)
        if durable is None:
            progress.leave(place)
        elif self._table is not None:
            await durable
            progress.finish(place, message.offset)
        else:
            await self._fly(place, message, durable)

    async def _fly(self, place: Place, message: Message, durable: Awaitable[None]) -> None:
        """Let a record be on its way out while the next is worked out; wait while too much is."""
        flights, size = self._consumer.in_flight, len(message.value or b"")
        task = asyncio.ensure_future(self._land(place, message.offset, durable, size))
        self._in_flight_bytes += size
        flights.add(task)
        task.add_done_callback(flights.discard)
        while len(flights) >= IN_FLIGHT or self._in_flight_bytes > IN_FLIGHT_BYTES:
            await asyncio.wait(set(flights), return_when=asyncio.FIRST_COMPLETED)

    async def _land(self, place: Place, offset: int, durable: Awaitable[None], size: int) -> None:
        try:
            await durable
        except Left:
            self._consumer.progress.leave(place)
        except Exception as error:  # noqa: BLE001 - those behind it are out already: reading begins again before it
            self._consumer.progress.leave(place)
            await self._end(error)
        else:
            self._consumer.progress.finish(place, offset)
        finally:
            self._in_flight_bytes -= size

    async def _end(self, error: Exception) -> None:
        if self.ended is None:
            self.ended = error
            await self.app.crash(error)

    async def end_if_held_up(self) -> None:
        """End it where partitions changed hands and Faust did not go on: changes that overtake each other do that."""
        longest = HELD_UP_SESSIONS * self._plan.address.session_ms / 1000
        made = self.app._consumer  # noqa: SLF001 - asking for it by its own name would make it
        if made is not None and self._consumer.held_up(monotonic()) > longest:
            await self._end(PassingFault(f"partitions changed hands, and for {longest:.0f} s nothing was read"))

    def our_name(self, topic: str) -> str:
        """See `processors.faust_host.work.Outside`."""
        return self._plan.our_name(topic)

    async def _keep_vigil(self) -> None:
        """Know that the process did not stand still; end the worker where it did."""
        while self.ended is None and not self.app.should_stop:
            self._vigil.tick(monotonic())
            if self._vigil.broken(monotonic()):
                await self._end(PassingFault("the process stood still, and its partitions may be another's by now"))
            await self.end_if_held_up()
            await asyncio.sleep(_TICK_SECONDS)

    def fenced(self) -> bool:
        """See `processors.faust_host.work.Outside`."""
        return self._vigil.broken(monotonic())

    def leaving(self) -> bool:
        """See `processors.faust_host.work.Outside`."""
        return self.stopping or self.app.rebalancing or self.app.should_stop or self.ended is not None or self.fenced()

    async def send(self, records: Sequence[Outgoing]) -> Awaitable[None]:
        """See `processors.faust_host.work.Outside`."""
        doing = f"publishing what stage {self._plan.stage} made of a record"
        acknowledged = []
        for record in records:
            partition = partition_for(record.key, self._plan.partitions[record.topic])
            encoded = record.encoded
            acknowledged.append(
                await self._sent(doing, record.topic, encoded.key, encoded.value, partition, encoded.headers)
            )
        return _all_of(acknowledged, doing)

    async def _sent(
        self,
        doing: str,
        topic: str,
        key: bytes,
        value: bytes | None,
        partition: int,
        headers: list[tuple[str, bytes]] | None,
    ) -> Awaitable[RecordMetadata]:
        try:
            return await self.app.producer.send(self._plan.wire_name(topic), key, value, partition, None, headers)
        except Exception as error:
            raise explain(error.__cause__ or error, doing) from error

    async def keep(self, message: Message, value: bytes) -> None:
        """See `processors.faust_host.work.Outside`."""
        assert self._table is not None
        assert message.key is not None
        name, doing = STATE_TOPICS[self._plan.stage].name, f"keeping the state of stage {self._plan.stage}"
        sent = await self._sent(doing, name, message.key, value, message.partition, None)
        try:
            placed = await sent
        except Exception as error:
            raise explain(error, doing) from error
        store = self._table.data
        store[message.key] = value
        store.set_persisted_offset(TP(self._plan.wire_name(name), message.partition), placed.offset)
        if hasattr(store, "_key_partition"):  # the store in memory lets a key go with its partition
            store._key_partition[message.key] = message.partition  # noqa: SLF001

    def kept(self, message: Message) -> bytes | None:
        """See `processors.faust_host.work.Outside`."""
        assert self._table is not None
        found: bytes | None = self._table.data.get(message.key)
        return found


async def _all_of(acknowledged: Sequence[Awaitable[RecordMetadata]], doing: str) -> None:
    try:
        await asyncio.gather(*acknowledged)
    except Exception as error:
        raise explain(error, doing) from error
