"""The host of a sink, on any broker: read, write, commit, with the same fates as everywhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from wirewatch.brokers.interface import UNSETTLED, Record
from wirewatch.errors import BrokenStorage, NotOurs, PassingFault
from wirewatch.hosting.effects import tell_rejected
from wirewatch.hosting.fates import Failure, decide_backoff, decide_failure, is_rejected, letter_for
from wirewatch.hosting.pauses import pause, unless_stopped
from wirewatch.logs import Sparing, get_logger
from wirewatch.metrics import STAGE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from wirewatch.brokers.interface import Bounds, Broker, Consumer
    from wirewatch.hosting.interface import Sink
    from wirewatch.times import Clock

COMMIT_SECONDS: Final = 1.0
"""Under load the group's offset follows the sink's own position at this distance; it is never ahead of it."""


class SinkHost:
    """Runs one sink until it is told to stop. The sink's own position decides what it is given."""

    def __init__(self, broker: Broker, sink: Sink, inputs: Sequence[str], clock: Clock) -> None:
        self.stage = sink.stage
        self.inputs = tuple(inputs)
        self._broker = broker
        self._sink = sink
        self._clock = clock
        self._stopping = asyncio.Event()
        self._consumer: Consumer | None = None
        self._generation = UNSETTLED
        self._sought: set[tuple[str, int]] = set()
        self._stands: dict[tuple[str, int], int] = {}
        self._uncommitted: dict[tuple[str, int], Record] = {}
        self._committed_at = 0.0
        self._log = get_logger(sink.stage)
        self._retries_said = Sparing()

    def stop(self) -> None:
        """Ask `run` to return once the records in hand are written."""
        self._stopping.set()

    def stands(self, topic: str, partition: int) -> int | None:
        """The offset to be written next, where the partition is ours; the group's own may be far beyond it.

        It never goes back, and the sink does where what it writes to was lost.
        """
        return self._stands.get((topic, partition))

    async def run(self) -> None:
        """Feed the sink until stopped, then close it. Raises `BrokenStorage`, and what `Sink.start` raises."""
        try:
            for step in (self._sink.start, self._bind, self._join):
                if not await self._retrying(step, whosever=True):
                    return
            while self._consumer is not None and not self._stopping.is_set():
                await self._turn(self._consumer)
            if self._consumer is not None:
                await self._commit(self._consumer)
        finally:
            if self._consumer is not None:
                await self._consumer.close()
            await self._sink.close()

    async def _join(self) -> None:
        """Join the group; the broker may be away for longer than a member waits for its partitions."""
        self._consumer = await unless_stopped(self._broker.consumer(self.stage, self.inputs), self._stopping)

    async def _turn(self, consumer: Consumer) -> None:
        try:
            await self._seek_new(consumer)
            records = await consumer.poll(wait=0)
            if not records:
                await self._commit(consumer)
                records = await unless_stopped(consumer.poll(wait=1.0), self._stopping) or []
        except PassingFault as fault:
            await self._wait_after(decide_failure(fault), 1)
            return
        if not records or await consumer.generation() != self._generation:
            return  # what was read since partitions were divided anew was not read from where the sink stands
        started = self._clock.monotonic()
        try:
            if not await self._write(records):
                return
        except NotOurs as refusal:
            self._sought = set()  # every partition goes on from where its position is by now
            await self._wait_after(decide_failure(refusal), 1)
            return
        STAGE_SECONDS.labels(self.stage).observe(self._clock.monotonic() - started)
        self._uncommitted.update({(record.topic, record.partition): record for record in records})
        self._stands.update({(record.topic, record.partition): record.offset + 1 for record in records})
        if self._clock.monotonic() - self._committed_at >= COMMIT_SECONDS:
            await self._commit(consumer)

    async def _bind(self) -> None:
        await self._sink.bind_log(await self._broker.log_id())

    async def _seek_new(self, consumer: Consumer) -> None:
        """Start each partition that has just become ours where the sink itself says it stands."""
        generation = await consumer.generation()
        if generation != self._generation:
            # also what we keep may have been another's in between, and is read from the group's commits by now
            self._generation, self._sought = generation, set()
        assignment = set(await consumer.assignment())
        new = sorted(assignment - self._sought)
        positions = [await self._sink.position(*place) for place in new]
        bounds = await asyncio.gather(*(self._broker.bounds(*place) for place in new))
        for (topic, partition), position, at in zip(new, positions, bounds, strict=True):
            if position is not None:
                self._check_place(topic, position, at)
            if await consumer.generation() != generation:
                return  # divided anew meanwhile: the next turn asks again
            # one that was never written, or was written anew, starts at the beginning whatever the group committed
            await consumer.seek(topic, partition, position or 0)
            self._stands[topic, partition] = position or 0
            if position:
                # killed before its last commit, it would look behind by all of that until something new comes
                self._uncommitted[topic, partition] = _last_before(topic, partition, position)
        for lost in self._uncommitted.keys() - assignment:
            del self._uncommitted[lost]  # how far it is read is its new reader's to say
        self._stands = {place: at for place, at in self._stands.items() if place in assignment}
        self._sought = assignment

    def _check_place(self, topic: str, position: int, bounds: Bounds) -> None:
        if position > bounds.end:
            # to wait until it has grown that far would lose, without a word, all that comes until then
            raise BrokenStorage(
                f"{self.stage} has read {topic} up to {position}, but this log ends at {bounds.end}: it is another "
                f"log, an older copy, or its topics were deleted. Put the log back that {self.stage} has read, or "
                "begin with nothing in what keeps that position: data_dir, control or search where they are servers"
            )
        if position < bounds.earliest:
            self._log.error("records were let go before they were read", topic=topic, lost=bounds.earliest - position)

    async def _write(self, records: Sequence[Record]) -> bool:
        """Write them all, one by one if need be; False where we were stopped before that."""
        failure = await self._attempt(lambda: self._sink.write(records))
        if failure is None:
            return True
        if failure.kind == "passing":
            return False
        for record in records:
            if not await self._write_one(record):
                return False
        return True

    async def _write_one(self, record: Record) -> bool:
        tries = 0
        while True:
            failure = await self._attempt(lambda: self._sink.write([record]))
            if failure is None:
                return True
            if failure.kind == "passing":
                return False
            tries += 1
            if is_rejected(failure, tries):
                return await self._reject(record, failure)
            await self._wait_after(failure, tries)
            if self._stopping.is_set():
                return False

    async def _reject(self, record: Record, failure: Failure) -> bool:
        letter = letter_for(record, self.stage, failure, self._clock.now_ms())
        # the letter first: a crash in between gives it again with the same id, and loses nothing
        if not await self._retrying(lambda: self._broker.publish([letter])):
            return False
        if not await self._retrying(lambda: self._sink.skip(record)):
            return False
        tell_rejected(self._log, self.stage, record, failure)
        return True

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> Failure | None:
        """Do it, again and again while faults may pass. None: done; a passing fault: we were stopped meanwhile."""
        tries = 0
        while True:
            try:
                await work()
            except NotOurs:
                raise
            except Exception as error:  # noqa: BLE001 - every error has its fate, and our bugs theirs
                failure = decide_failure(error)
            else:
                return None
            if failure.kind != "passing":
                return failure
            tries += 1
            await self._wait_after(failure, tries)
            if self._stopping.is_set():
                return failure

    async def _retrying(self, work: Callable[[], Awaitable[object]], *, whosever: bool = False) -> bool:
        """Do it however often a passing fault asks for; whether it was done before we were stopped.

        ``whosever``: also `NotOurs` is waited out, as long as there is no place yet that could be another's.
        """
        tries = 0
        while True:
            try:
                await work()
            except PassingFault as fault:
                if isinstance(fault, NotOurs) and not whosever:
                    raise
                tries += 1
                await self._wait_after(decide_failure(fault), tries)
                if self._stopping.is_set():
                    return False
            else:
                return True

    async def _commit(self, consumer: Consumer) -> None:
        self._committed_at = self._clock.monotonic()
        if not self._uncommitted:
            return
        try:
            await consumer.commit(list(self._uncommitted.values()))
        except PassingFault as fault:
            self._log.warning("offset not committed yet", error=fault)
            return
        self._uncommitted.clear()

    async def _wait_after(self, failure: Failure, tries: int) -> None:
        seconds = decide_backoff(tries, failure.retry_after)
        if self._retries_said.is_due(failure.error, self._clock.monotonic()):
            say = self._log.error if failure.kind == "bug" else self._log.warning
            say("trying again", kind=failure.kind, error=failure.error, seconds=seconds, tries=tries)
        await pause(seconds, self._clock, self._stopping)


def _last_before(topic: str, partition: int, position: int) -> Record:
    """The place that a commit names to let a group stand at that position; nothing of the record itself is known."""
    return Record(topic, partition, position - 1, "", None, {}, 0)
