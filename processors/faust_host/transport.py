"""The guarded transport: what Faust reads, acknowledges and commits, with the guards that its own driver lacks.

Installed as ``wirewatch`` among the entry points ``faust.transports``: a broker URL ``wirewatch://host:port``
picks it. Its guards:

- While the app is rebalancing only changelogs are read. Faust's own driver reads the sources too, and what it
  read then is acknowledged unread when the streams' queues are cleared: a clean restart loses records.
- Offsets come from `Progress` alone: what an agent has finished, never past what it has not. The stream's own
  acknowledgements (an agent that raised, a skipped event, a gap at the start) count for nothing.
- Going back to what is committed goes back to a partition's beginning where nothing is.
- What was read before such a seek is never handed out after it; and where a record was read that never came to an
  agent, by whatever way of Faust's, its partition is read again from what is committed (`Progress`).
- What is read ahead is bounded in bytes, not only in records.
- A member that is stopped leaves its group, also where it has a kept name.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from processors.faust_host.progress import Progress
from processors.faust_host.reading_thread import AWAY_SECONDS, ConsumerThread, unless_stopping, within
from processors.faust_host.readings import Batch
from wirewatch.brokers.kafka.connecting import give_up_connecting_soon
from wirewatch.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import aiokafka
    from faust.transport.consumer import RecordMap
    from faust.types import EventT

QUEUE_BYTES: Final = 16 << 20
"""So much may wait in the streams' queues before nothing more is put there."""
FLIGHT_SECONDS: Final = 10.0
"""What is on its way out when partitions go is waited for so long; then whoever has them next does it again."""
_IDLE_SECONDS: Final = 0.02
_AGAIN_SECONDS: Final = 1.0
_log = get_logger("faust")


class _NothingRead(dict[Any, Any]):
    """Remembers of no partition how far it was read: Faust would drop what is read again after a seek."""

    def __getitem__(self, tp: Any) -> None:
        return None


class Consumer(driver.Consumer):
    """The driver's consumer with the guards that the module describes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.progress = Progress()
        self.in_flight: set[asyncio.Task[None]] = set()
        self._unread: set[TP] = set()
        self._again_at = 0.0
        self._asked_at = monotonic()
        super().__init__(*args, **kwargs)
        self._read_offset = _NothingRead()

    def _new_consumer_thread(self) -> ConsumerThread:
        self._reader = ConsumerThread(self, loop=self.loop, beacon=self.beacon)
        return self._reader

    def held_up(self, now: float) -> float:
        """Seconds for which partitions change hands and nothing is read, not even a changelog; 0 otherwise."""
        return now - self._asked_at if self.app.rebalancing or not self.flow_active else 0.0

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> RecordMap:  # noqa: ASYNC109 - as above
        self._asked_at = monotonic()
        active = active_partitions or set()
        if self.app.rebalancing:
            active = {tp for tp in active if self._is_changelog_tp(tp)}
        if not active or self._waiting_bytes() >= QUEUE_BYTES:
            # an empty set would mean every partition to the client
            await asyncio.sleep(_IDLE_SECONDS)
            return {}
        await self._read_again()
        if self._buffered_partitions:
            # what was fetched of them lies there already, and wakes nobody who waits for the others
            timeout = min(timeout, _IDLE_SECONDS)
        return self._handed_out(await super()._getmany(active, timeout))

    def _handed_out(self, records: RecordMap) -> RecordMap:
        """What of a batch may be handed out: none from before the last seek, and none while partitions change hands.

        What is kept back here is noted as read all the same: what comes behind it is then not the next.
        """
        out: dict[Any, list[Any]] = {}
        for tp, found in records.items():
            place = TP(tp.topic, tp.partition)
            reading = records.readings.get(place) if isinstance(records, Batch) else None
            if reading != self._reader.readings.of(place):
                continue
            if self._is_changelog_tp(place):
                out[tp] = found
            elif reading is None:
                self._unread.add(place)
            else:
                self.progress.begin((place.topic, place.partition), reading)
                self.progress.fetch((place.topic, place.partition), [record.offset for record in found])
                if not self.app.rebalancing:  # it began while we waited
                    out[tp] = found
        return out

    async def _read_again(self) -> None:
        """Read what broke off again from what is committed, once nothing of it waits in a queue any more."""
        now, queued = monotonic(), {event.message.tp for event in self._queued()}
        self.progress.break_off_lost({(tp.topic, tp.partition) for tp in queued}, now)
        again = self._unread | {TP(*place) for place in self.progress.broken()}
        if not again or self.app.rebalancing or self.app.in_recovery or now < self._again_at:
            return
        again &= self.assignment()
        if not again or not again.isdisjoint(queued):
            return
        self._again_at = now + _AGAIN_SECONDS
        _log.warning("reading again from what is committed: a record was read that never came", partitions=len(again))
        try:
            await unless_stopping(self.app, AWAY_SECONDS, self._reader.seek_to_committed(*again), otherwise=None)
        except Exception as error:  # noqa: BLE001 - whatever the client raises: it is tried again in a moment
            _log.warning("reading again failed for now", error=repr(error))
        else:
            self._begun(again)
            self._unread -= again

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """See the driver."""
        committed = await self._reader.seek_to_committed()
        self._begun(committed)
        self._unread -= set(committed)
        return committed

    def _begun(self, tps: Iterable[TP]) -> None:
        for tp in tps:
            reading = self._reader.readings.of(tp)
            if reading is not None and not self._is_changelog_tp(tp):
                self.progress.begin((tp.topic, tp.partition), reading)

    async def _wait_next_records(self, timeout: float) -> tuple[RecordMap | None, set[TP] | None]:  # noqa: ASYNC109 - as above
        if self.flow_active and self._buffered_partitions and not self._get_active_partitions():
            await asyncio.sleep(_IDLE_SECONDS)  # every queue is full for a moment; the driver would sleep for a second
            return {}, set()
        return await super()._wait_next_records(timeout)

    def _waiting_bytes(self) -> int:
        """What waits in the streams' queues; they are short, and counting them anew cannot go wrong."""
        if self.app.in_recovery:
            return 0
        return sum(len(event.message.value or b"") for event in self._queued())

    def _queued(self) -> Iterator[EventT[Any]]:
        queues = [topic.queue._queue for topic in self.app.topics if topic._queue is not None]  # type: ignore[attr-defined]  # noqa: SLF001
        return (event for queue in queues for event in queue)

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
        return await unless_stopping(self.app, AWAY_SECONDS, super()._commit(offsets), otherwise=False)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """See the driver: what is in work is waited for and committed. After that it is no longer ours."""
        await super().on_partitions_revoked(revoked)
        self.progress.drop((tp.topic, tp.partition) for tp in revoked)
        self._reader.readings.drop(revoked)
        self._unread -= revoked

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
        await unless_stopping(self.app, AWAY_SECONDS, super().flush(), otherwise=None)

    async def on_stop(self) -> None:
        """See the driver. What cannot be sent in time is not sent later either: the next worker does it again."""
        producer = self._producer
        if not await within(AWAY_SECONDS, super().on_stop()) and producer is not None:
            await within(AWAY_SECONDS, producer._sender.close())  # noqa: SLF001 - its own stop waits for the cluster
            await within(AWAY_SECONDS, producer.client.close())


class Transport(driver.Transport):
    """What `faust.transport` finds under the name ``wirewatch``."""

    Consumer = Consumer
    Producer = Producer
