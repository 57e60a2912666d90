"""The guarded transport: what Faust reads, acknowledges and commits, with the guards that its own driver lacks.

Installed as ``wirewatch`` among the entry points ``faust.transports``: a broker URL ``wirewatch://host:port``
picks it. Three guards:

- While the app is rebalancing only changelogs are read. Faust's own driver reads the sources too, and what it
  read then is acknowledged unread when the streams' queues are cleared: a clean restart loses records.
- Offsets come from `Progress` alone: what an agent has finished, never past what it has not. The stream's own
  acknowledgements (an agent that raised, a skipped event, a gap at the start) count for nothing.
- What is read ahead is bounded in bytes, not only in records.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from processors.faust_host.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import aiokafka
    from faust.transport.consumer import RecordMap

QUEUE_BYTES: Final = 16 << 20
"""So much may wait in the streams' queues before nothing more is put there."""
BATCH_BYTES: Final = 8 << 20
FETCH_BYTES: Final = 16 << 20
"""What one answer of a broker may hold (a single record that is larger comes alone)."""
FLIGHT_SECONDS: Final = 10.0
"""What is on its way out when partitions go is waited for so long; then whoever has them next does it again."""
_IDLE_SECONDS: Final = 0.02


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Reads in a thread of its own, so that its heartbeats wait for nobody."""

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # the driver passes no limit for a whole answer, and the client reads its own when it starts
        consumer._fetch_max_bytes = FETCH_BYTES  # noqa: SLF001
        return consumer

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
        records = await super()._getmany(active, timeout)
        if self.app.rebalancing:  # it began while we waited; recovery ends with a seek to what is committed
            records = {tp: found for tp, found in records.items() if self._is_changelog_tp(TP(tp.topic, tp.partition))}
        return records

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


class Transport(driver.Transport):
    """What `faust.transport` finds under the name ``wirewatch``."""

    Consumer = Consumer
    Producer = Producer
