"""The guarded transport: what Faust reads, acknowledges and commits, with the guards that its own driver lacks.

Installed as ``wirewatch`` among the entry points ``faust.transports``: a broker URL ``wirewatch://host:port``
picks it. Its guards:

- While the app is rebalancing only changelogs are read. Faust's own driver reads the sources too, and what it
  read then is acknowledged unread when the streams' queues are cleared: a clean restart loses records.
- Offsets come from `Progress` alone: what an agent has finished, never past what it has not. The stream's own
  acknowledgements (an agent that raised, a skipped event, a gap at the start) count for nothing.
- Going back to what is committed goes back to a partition's beginning where nothing is.
- What is read ahead is bounded in bytes, not only in records.
- A member that is stopped leaves its group, also where it has a kept name.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar

from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.threads import WorkerThread

from processors.faust_host.progress import Progress
from wirewatch.brokers.kafka.connecting import give_up_connecting_soon

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping

    import aiokafka
    from faust.transport.consumer import RecordMap
    from faust.types import AppT
    from mode.threads import ServiceThread

QUEUE_BYTES: Final = 16 << 20
"""So much may wait in the streams' queues before nothing more is put there."""
BATCH_BYTES: Final = 8 << 20
FETCH_BYTES: Final = 16 << 20
"""What one answer of a broker may hold (a single record that is larger comes alone)."""
FLIGHT_SECONDS: Final = 10.0
"""What is on its way out when partitions go is waited for so long; then whoever has them next does it again."""
_IDLE_SECONDS: Final = 0.02
_LOOK_SECONDS: Final = 0.1
_AWAY_SECONDS: Final = 3.0
"""So long each part of a stop waits for a cluster that does not answer."""
_JOIN_SECONDS: Final = 1.0
T = TypeVar("T")


class EndingThread(WorkerThread):
    """A thread that can keep neither the process from ending nor the event loop from running."""

    def __init__(self, service: ServiceThread, **kwargs: Any) -> None:
        super().__init__(service, **kwargs)
        self.daemon = True

    def stop(self) -> None:
        """Wait for its end for a moment: it was told to end, and what hangs in it is the cluster's absence."""
        self.is_stopped.wait(_JOIN_SECONDS)


async def within(seconds: float, work: Coroutine[Any, Any, Any]) -> bool:
    """Whether that work was done, in time and in good order; else it is cancelled, and not waited for."""
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        task.cancel()
        return False
    return not task.cancelled() and task.exception() is None


async def unless_stopping(app: AppT, seconds: float, work: Coroutine[Any, Any, T], otherwise: T) -> T:
    """What that work gives, however long it takes; once the app is to stop, only so many seconds more.

    Work that was cancelled where it is done, because its thread ended, gives ``otherwise``: whoever waits is not.
    """
    task = asyncio.ensure_future(work)
    deadline: float | None = None
    while True:
        done, _ = await asyncio.wait({task}, timeout=_LOOK_SECONDS)
        if done:
            return otherwise if task.cancelled() else task.result()
        if app.should_stop:
            deadline = deadline or monotonic() + seconds
            if monotonic() > deadline:
                task.cancel()
                return otherwise


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Reads in a thread of its own, so that its heartbeats wait for nobody."""

    Worker = EndingThread
    shutdown_timeout = 2 * _AWAY_SECONDS

    async def on_thread_stop(self) -> None:
        """See the driver, which would wait for a cluster that is away for as long as it is.

        A member that ends in good order leaves its group, so that its partitions are another's at once. One that
        crashed keeps its place, for it starts again.
        """
        consumer = self._consumer
        coordinator = getattr(consumer, "_coordinator", None)
        if coordinator is not None and not (self.crashed or self.app.crashed):
            # with a name the client would stay in the group until its session has run out
            coordinator._group_instance_id = None  # noqa: SLF001 - the client has no other way to leave
        if not await within(_AWAY_SECONDS, super().on_thread_stop()) and consumer is not None:
            await within(_AWAY_SECONDS, consumer._client.close())  # noqa: SLF001 - its own stop waits for the cluster

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # the driver passes no limit for a whole answer, and the client reads its own when it starts
        consumer._fetch_max_bytes = FETCH_BYTES  # noqa: SLF001
        give_up_connecting_soon(consumer._client)  # noqa: SLF001 - it is handed out nowhere
        return consumer

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """See the driver, which leaves a partition where it is while the group has committed none of it.

        What was read of it and thrown away, because the partitions changed hands meanwhile, would never be read.
        """
        committed: Mapping[TP, int] = await super().seek_to_committed()
        nothing = [tp for tp, offset in committed.items() if not offset and not self.consumer._is_changelog_tp(tp)]  # noqa: SLF001
        if nothing:
            await self.call_thread(self._ensure_consumer().seek_to_beginning, *nothing)
        return committed

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the driver's
        max_records: int | None = None,
    ) -> RecordMap:
        found: dict[Any, list[Any]] = {}
        size = count = 0
        wait = timeout
        while size < BATCH_BYTES and (max_records is None or count < max_records):
            part = await super()._fetch_records(consumer, active_partitions, timeout=wait, max_records=1)
            if not part:
                break
            for tp, records in part.items():
                found.setdefault(tp, []).extend(records)
                count += len(records)
                size += sum(len(record.value or b"") for record in records)
            wait = 0
        return found


class Consumer(driver.Consumer):
    """The driver's consumer with the guards that the module describes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.progress = Progress()
        self.in_flight: set[asyncio.Task[None]] = set()
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> RecordMap:  # noqa: ASYNC109 - as above
        active = active_partitions or set()
        if self.app.rebalancing:
            active = {tp for tp in active if self._is_changelog_tp(tp)}
        if not active or self._waiting_bytes() >= QUEUE_BYTES:
            # an empty set would mean every partition to the client
            await asyncio.sleep(_IDLE_SECONDS)
            return {}
        if self._buffered_partitions:
            # what was fetched of them lies there already, and wakes nobody who waits for the others
            timeout = min(timeout, _IDLE_SECONDS)
        records = await super()._getmany(active, timeout)
        if self.app.rebalancing:  # it began while we waited; recovery ends with a seek to what is committed
            records = {tp: found for tp, found in records.items() if self._is_changelog_tp(TP(tp.topic, tp.partition))}
        return records

    async def _wait_next_records(self, timeout: float) -> tuple[RecordMap | None, set[TP] | None]:  # noqa: ASYNC109 - as above
        if self.flow_active and self._buffered_partitions and not self._get_active_partitions():
            await asyncio.sleep(_IDLE_SECONDS)  # every queue is full for a moment; the driver would sleep for a second
            return {}, set()
        return await super()._wait_next_records(timeout)

    def _waiting_bytes(self) -> int:
        """What waits in the streams' queues; they are short, and counting them anew cannot go wrong."""
        if self.app.in_recovery:
            return 0
        queues = [topic.queue._queue for topic in self.app.topics if topic._queue is not None]  # type: ignore[attr-defined]  # noqa: SLF001
        return sum(len(event.message.value or b"") for queue in queues for event in queue)

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        for tp in tps:  # what the streams acknowledged; kept it would only grow
            self._acked[tp].clear()
            self._acked_index[tp].clear()
            self._gap.pop(tp, None)
        reached = {TP(*place): offset for place, offset in self.progress.reached().items()}
        return {tp: offset for tp, offset in reached.items() if offset > (self._committed_offset[tp] or 0)}

    async def wait_empty(self) -> None:
        """See the driver, which waits for what is in an agent's loop; this waits for what is on its way out too."""
        if self.in_flight:
            await asyncio.wait(set(self.in_flight), timeout=FLIGHT_SECONDS)
        await super().wait_empty()

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        return await unless_stopping(self.app, _AWAY_SECONDS, super()._commit(offsets), otherwise=False)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """See the driver: what is in work is waited for and committed. After that it is no longer ours."""
        await super().on_partitions_revoked(revoked)
        self.progress.drop((tp.topic, tp.partition) for tp in revoked)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: an idle feed is no error, and our own lag says when a stage stands still."""


class Producer(driver.Producer):
    """The driver's producer, idempotent: a repeated send after a lost answer writes nothing twice."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    def _new_producer(self, transactional_id: str | None = None) -> aiokafka.AIOKafkaProducer:
        producer = super()._new_producer(transactional_id)
        give_up_connecting_soon(producer.client)
        return producer

    async def flush(self) -> None:
        """See the driver."""
        await unless_stopping(self.app, _AWAY_SECONDS, super().flush(), otherwise=None)

    async def on_stop(self) -> None:
        """See the driver. What cannot be sent in time is not sent later either: the next worker does it again."""
        producer = self._producer
        if not await within(_AWAY_SECONDS, super().on_stop()) and producer is not None:
            await within(_AWAY_SECONDS, producer._sender.close())  # noqa: SLF001 - its own stop waits for the cluster
            await within(_AWAY_SECONDS, producer.client.close())


class Transport(driver.Transport):
    """What `faust.transport` finds under the name ``wirewatch``."""

    Consumer = Consumer
    Producer = Producer
