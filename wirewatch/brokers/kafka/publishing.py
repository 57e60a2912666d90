"""Appending: one idempotent producer, acknowledged by all copies in step, its buffer bounded in bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka
from msgspec import Struct

from wirewatch.brokers.kafka.connecting import give_up_connecting_soon
from wirewatch.brokers.kafka.failures import explain
from wirewatch.errors import PassingFault, WirewatchError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wirewatch.brokers.kafka.address import Address
    from wirewatch.brokers.kafka.records import Encoded

BUFFER_BYTES: Final = 64 << 20
"""What may be on its way at once; whoever wants more waits."""
_SLICE_BYTES: Final = 8 << 20
_BATCH_BYTES: Final = 64 << 10
_REQUEST_BYTES: Final = 25 << 20
"""A dead letter of 24 MiB and its envelope."""
_ACKNOWLEDGED_SECONDS: Final = 30.0
_FLUSH_SECONDS: Final = 5.0


class ToSend(Struct, frozen=True):
    """A record and where it goes, by the cluster's names."""

    topic: str
    partition: int
    record: Encoded


class Budget:
    """So many bytes for all; who asks for more than is left waits, first come first served."""

    def __init__(self, size: int) -> None:
        self._size = self._left = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def taken(self, size: int) -> AsyncIterator[None]:
        """Hold so many bytes, all there are at most."""
        size = min(size, self._size)
        if self._waiting or size > self._left:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((size, future))
            try:
                await future
            except asyncio.CancelledError:
                if future.done() and not future.cancelled():
                    self._give_back(size)
                else:
                    self._waiting = deque(item for item in self._waiting if item[1] is not future)
                    self._hand_on()
                raise
        else:
            self._left -= size
        try:
            yield
        finally:
            self._give_back(size)

    def _give_back(self, size: int) -> None:
        self._left += size
        self._hand_on()

    def _hand_on(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._left:
            size, future = self._waiting.popleft()
            if not future.done():
                self._left -= size
                future.set_result(None)


class Publishing:
    """The producer of a process, made when first needed and made anew after a fault that it cannot recover from."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._budget = Budget(BUFFER_BYTES)
        self._producer: Any = None
        self._making = asyncio.Lock()
        self._handing_over = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def publish(self, records: Sequence[ToSend]) -> list[tuple[int, int]]:
        """Append in order for each key; offset and time of each. Raises what `explain` says."""
        places: list[tuple[int, int]] = []
        for part in _slices(records):
            async with self._budget.taken(sum(item.record.size for item in part)):
                places += await self._append(part)
        return places

    async def close(self) -> None:
        """End the producer; what was not acknowledged may or may not be there. Safe to call twice."""
        self._closed = True
        if self._producer is not None:
            with suppress(kafka.KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(_FLUSH_SECONDS):
                    await self._producer.flush()
        self._drop(self._producer)
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _append(self, part: Sequence[ToSend]) -> list[tuple[int, int]]:
        doing = f"Kafka at {self._address.shown}: appending to {', '.join(sorted({item.topic for item in part}))}"
        producer = await self._started(doing)
        sent: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(_ACKNOWLEDGED_SECONDS):
                # one caller after the other, in the order they came: who waits for room is not overtaken
                async with self._handing_over:
                    for item in part:
                        record = item.record
                        await _require_known(producer, item)
                        future = await producer.send(
                            item.topic, record.value, record.key, item.partition, headers=record.headers
                        )
                        sent.append(future)
                done = await asyncio.gather(*sent, return_exceptions=True)
        except (kafka.KafkaError, OSError, TimeoutError) as error:
            for future in sent:
                future.cancel()
            # its retries would go on behind our back, and hold up who comes next
            self._drop(producer)
            raise explain(error, doing) from error
        failed = [result for result in done if isinstance(result, BaseException)]
        if failed:
            explained = explain(failed[0], doing)
            if isinstance(explained, PassingFault):
                self._drop(producer)
            raise explained from failed[0]
        return [(int(place.offset), int(place.timestamp)) for place in done if not isinstance(place, BaseException)]

    async def _started(self, doing: str) -> Any:
        async with self._making:
            if self._closed:
                raise PassingFault(f"{doing}: the connection is closed")
            if self._producer is not None:
                return self._producer
            producer = AIOKafkaProducer(
                **self._address.options(),
                client_id="wirewatch",
                enable_idempotence=True,
                acks="all",
                compression_type="zstd",
                linger_ms=0,
                max_batch_size=_BATCH_BYTES,
                max_request_size=_REQUEST_BYTES,
            )
            give_up_connecting_soon(producer.client)
            try:
                async with asyncio.timeout(_ACKNOWLEDGED_SECONDS):
                    await producer.start()
            except (kafka.KafkaError, OSError, TimeoutError, WirewatchError) as error:
                self._end(producer)
                raise explain(error, doing) from error
            self._producer = producer
            return producer

    def _drop(self, producer: Any) -> None:
        if producer is None:
            return
        if self._producer is producer:
            self._producer = None
        self._end(producer)

    def _end(self, producer: Any) -> None:
        task = asyncio.get_running_loop().create_task(_end_now(producer))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _require_known(producer: Any, item: ToSend) -> None:
    """The producer may not have heard yet of partitions that the topic was given since."""
    known = await producer.partitions_for(item.topic)
    if item.partition not in known:
        await producer.client.force_metadata_update()
        if item.partition not in await producer.partitions_for(item.topic):
            raise kafka.LeaderNotAvailableError(f"{item.topic}/{item.partition} is not known yet")


async def _end_now(producer: Any) -> None:
    # stop() alone would wait for what cannot be delivered, for ever
    sender = getattr(producer, "_sender", None)
    if sender is not None and sender.sender_task is not None:
        sender.sender_task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await sender.sender_task
        _fail_all(producer._message_accumulator)  # noqa: SLF001 - the client has no way to give up what it retries for ever
    with suppress(kafka.KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(5.0):
            await producer.stop()


def _fail_all(accumulator: Any) -> None:
    """Tell at once whoever still waits on a producer that was given up."""
    waiting = [batch for batches in accumulator._batches.values() for batch in batches]  # noqa: SLF001 - as above
    # what was to be tried again must count as under way, or the client stumbles over it, and says so in the log
    accumulator._pending_batches.update(waiting)  # noqa: SLF001 - as above
    accumulator.fail_all(kafka.KafkaConnectionError("the producer was given up"))
    for batch in accumulator._pending_batches:  # noqa: SLF001 - as above
        if batch._drain_waiter.done():  # noqa: SLF001 - as above
            batch._drain_waiter.exception()  # noqa: SLF001 - heard here, or it would be told as never heard


def _slices(records: Sequence[ToSend]) -> Iterator[list[ToSend]]:
    """The records in order, in parts that are not larger than need be."""
    part: list[ToSend] = []
    size = 0
    for item in records:
        if part and size + item.record.size > _SLICE_BYTES:
            yield part
            part, size = [], 0
        part.append(item)
        size += item.record.size
    if part:
        yield part
