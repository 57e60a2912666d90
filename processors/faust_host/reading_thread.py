"""The thread of a Faust worker that talks to the cluster: what it reads, where it goes back to, and how it ends."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aiokafka import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.threads import WorkerThread

from processors.faust_host.readings import Batch, Readings
from wirewatch.brokers.kafka.connecting import give_up_connecting_soon

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Mapping

    import aiokafka
    from faust.transport.consumer import RecordMap
    from faust.types import AppT
    from mode.threads import ServiceThread

BATCH_BYTES: Final = 8 << 20
FETCH_BYTES: Final = 16 << 20
"""What one answer of a broker may hold (a single record that is larger comes alone)."""
AWAY_SECONDS: Final = 3.0
"""So long each part of a stop waits for a cluster that does not answer."""
_LOOK_SECONDS: Final = 0.1
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
    shutdown_timeout = 2 * AWAY_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.readings = Readings()
        super().__init__(*args, **kwargs)

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
        if not await within(AWAY_SECONDS, super().on_thread_stop()) and consumer is not None:
            await within(AWAY_SECONDS, consumer._client.close())  # noqa: SLF001 - its own stop waits for the cluster

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # the driver passes no limit for a whole answer, and the client reads its own when it starts
        consumer._fetch_max_bytes = FETCH_BYTES  # noqa: SLF001
        give_up_connecting_soon(consumer._client)  # noqa: SLF001 - it is handed out nowhere
        return consumer

    async def seek_to_committed(self, *only: TP) -> Mapping[TP, int]:
        """Go to what the group has committed, else to the beginning; all that is ours, or only these.

        The driver leaves a partition where it is while the group has committed none of it: what was read of it and
        thrown away, because the partitions changed hands meanwhile, would never be read.
        """
        committed: Mapping[TP, int] = await self.call_thread(self._seek_to_committed, only)
        return committed

    async def _seek_to_committed(self, only: Collection[TP]) -> Mapping[TP, int | None]:
        consumer = self._ensure_consumer()
        wanted = [TopicPartition(*tp) for tp in only] or list(consumer.assignment())
        committed = {tp: await consumer.committed(tp) for tp in wanted}
        ours, changelogs = consumer.assignment(), self.app.tables.changelog_topics
        sources = [tp for tp in committed if tp in ours and tp.topic not in changelogs]
        # from here to each seek nothing may be awaited: its number must begin with it
        for tp in sources:
            if committed[tp]:
                self.readings.begin(tp)
                consumer.seek(tp, committed[tp])
        if nothing := [tp for tp in sources if not committed[tp]]:
            for tp in nothing:
                self.readings.begin(tp)
            await consumer.seek_to_beginning(*nothing)
        return {TP(*tp): offset for tp, offset in committed.items()}

    async def _seek_wait(self, consumer: aiokafka.AIOKafkaConsumer, partitions: Mapping[TP, int]) -> None:
        for tp in partitions:
            self.readings.begin(tp)
        await super()._seek_wait(consumer, partitions)

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the driver's
        max_records: int | None = None,
    ) -> RecordMap:
        found = Batch()
        size = count = 0
        wait = timeout
        while size < BATCH_BYTES and (max_records is None or count < max_records):
            part = await super()._fetch_records(consumer, active_partitions, timeout=wait, max_records=1)
            if not part:
                break
            found.add(part, self.readings)
            for records in part.values():
                count += len(records)
                size += sum(len(record.value or b"") for record in records)
            wait = 0
        return found
