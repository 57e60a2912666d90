"""The Faust host of a pure handler: one stage, one agent, one consumer group, on Kafka."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from faust.types import TP

from processors.faust_host.building import Plan, build_app, input_topic, state_table
from processors.faust_host.names import WorkerName
from processors.faust_host.transport import Consumer
from processors.faust_host.work import RecordWork
from wirewatch.brokers.embedded.threads import WorkerThread
from wirewatch.brokers.kafka.address import read_address
from wirewatch.brokers.kafka.failures import explain
from wirewatch.brokers.partitioning import partition_for
from wirewatch.errors import PassingFault, UserError
from wirewatch.hosting.fates import decide_backoff
from wirewatch.hosting.interface import Warming
from wirewatch.hosting.pauses import pause
from wirewatch.logs import get_logger
from wirewatch.stages import STAGES
from wirewatch.times import SystemClock
from wirewatch.topics import DEAD_LETTERS, STATE_TOPICS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from pathlib import Path

    import faust
    from faust.types.tuples import Message, RecordMetadata

    from processors.faust_host.work import Outgoing
    from wirewatch.brokers.kafka.records import Encoded
    from wirewatch.hosting.interface import Handler
    from wirewatch.settings import Settings
    from wirewatch.times import Clock
    from wirewatch.topics import Topic

_STOP_SECONDS: Final = 15.0
_LOOK_SECONDS: Final = 0.1


class Topics(Protocol):
    """What a host asks of a `wirewatch.brokers.interface.Broker`."""

    async def check_topics(self, topics: Sequence[Topic]) -> list[str]:
        """Each difference between what exists and the table, in words."""
        ...

    def partitions(self, topic: str) -> int:
        """How many partitions the topic has."""
        ...


async def checked_partitions(broker: Topics, stage: str) -> dict[str, int]:
    """How many partitions each topic has that the stage touches. `UserError` names what is not as it must be.

    A send to a topic that does not exist would wait for ever: nothing starts before this was asked.
    """
    state = [STATE_TOPICS[stage]] if stage in STATE_TOPICS else []
    needed = [*STAGES[stage].inputs, *STAGES[stage].outputs, DEAD_LETTERS, *state]
    wrong = await broker.check_topics(needed)
    if wrong:
        raise UserError(f"stage {stage} cannot start; run wirewatch topics create, or mend:\n  " + "\n  ".join(wrong))
    return {topic.name: broker.partitions(topic.name) for topic in needed}


class Worker:
    """One life of a stage's app: from start to stop or crash. `ended` is set where it cannot go on."""

    def __init__(self, plan: Plan, handler: Handler, thread: WorkerThread, clock: Clock) -> None:
        self.app: faust.App = build_app(plan)
        self.ended: BaseException | None = None
        self.stopping = False
        self._plan = plan
        self._table = state_table(self.app, plan) if handler.stateful else None
        self._work = RecordWork(handler, thread, self, clock)
        self.app.agent(input_topic(self.app, plan), name=f"wirewatch.{plan.stage}", concurrency=1)(self._agent)

    async def _agent(self, stream: Any) -> None:
        """Take records one at a time, in order. Nothing may be raised from here: Faust would acknowledge it."""
        try:
            async for event in stream.events():
                if self.ended is None:
                    await self._take(event.message)
        except Exception as error:  # noqa: BLE001 - what is left is a broken invariant of ours: the process ends with it
            self.ended = error

    async def _take(self, message: Message) -> None:
        progress = cast(Consumer, self.app.consumer).progress
        place = (message.topic, message.partition)
        progress.take(place, message.offset)
        if await self._work.do(message):
            progress.finish(place, message.offset)

    def leaving(self) -> bool:
        """See `processors.faust_host.work.Outside`."""
        return self.stopping or self.app.rebalancing or self.app.should_stop or self.ended is not None

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """See `processors.faust_host.work.Outside`."""
        sent = []
        try:
            for record in records:
                place = partition_for(record.key, self._plan.partitions[record.topic])
                sent.append(await self._send(record.topic, place, record.encoded))
            if sent:
                await asyncio.gather(*sent)
        except Exception as error:
            raise explain(error, f"publishing {len(records)} records of stage {self._plan.stage}") from error

    async def _send(self, topic: str, partition: int, encoded: Encoded) -> Awaitable[RecordMetadata]:
        return await self.app.producer.send(topic, encoded.key, encoded.value, partition, None, encoded.headers)

    async def keep(self, message: Message, value: bytes) -> None:
        """See `processors.faust_host.work.Outside`."""
        assert self._table is not None
        name = STATE_TOPICS[self._plan.stage].name
        try:
            sent = await self.app.producer.send(name, message.key, value, message.partition, None, None)
            placed = await sent
        except Exception as error:
            raise explain(error, f"keeping the state of stage {self._plan.stage}") from error
        store = self._table.data
        store[message.key] = value
        store.set_persisted_offset(TP(name, message.partition), placed.offset)
        if hasattr(store, "_key_partition"):  # so that it is let go with its partition
            store._key_partition[message.key] = message.partition  # noqa: SLF001

    def kept(self, message: Message) -> bytes | None:
        """See `processors.faust_host.work.Outside`."""
        assert self._table is not None
        found: bytes | None = self._table.data.get(message.key)
        return found


class FaustHost:
    """Runs one handler on Kafka until it is told to stop. Any number of them may share a process and its event loop.

    ``broker`` is the same cluster's, open: it is asked only for how the topics are, before a worker starts.
    """

    def __init__(
        self,
        settings: Settings,
        data_dir: Path,
        handler: Handler,
        inputs: Sequence[str],
        broker: Topics,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.stage = handler.stage
        self.inputs = tuple(inputs)
        self._address = read_address(settings.broker, settings.kafka)
        self._folder = data_dir / "faust" / handler.stage
        self._handler = handler
        self._broker = broker
        self._clock = clock or SystemClock()
        self._stopping = asyncio.Event()
        self._thread = WorkerThread(f"stage-{handler.stage}")
        self._log = get_logger(handler.stage)

    def stop(self) -> None:
        """Ask `run` to return once the record in hand is done and its offset committed. Safe to call twice."""
        self._stopping.set()

    async def run(self) -> None:
        """Handle records until stopped; a worker that Kafka's absence ended is started again.

        Raises `UserError` where a topic is not as it must be or the folder is in use, `BrokenStorage` where the
        state cannot be relied on.
        """
        partitions = await checked_partitions(self._broker, self.stage)
        name = WorkerName(self._folder)
        plan = Plan(self.stage, self._address, self._folder, self.inputs, partitions, name.take())
        try:
            if isinstance(self._handler, Warming):
                await self._thread.run(self._handler.warm)
            failures = 0
            while not self._stopping.is_set():
                try:
                    await self._live(plan)
                except PassingFault as fault:
                    failures += 1
                    seconds = decide_backoff(failures)
                    self._log.warning("worker starts again", error=str(fault), seconds=seconds)
                    await pause(seconds, self._clock, self._stopping)
        finally:
            self._thread.close()
            name.give_back()

    async def _live(self, plan: Plan) -> None:
        """One worker from start to end. Raises what ended it."""
        worker = Worker(plan, self._handler, self._thread, self._clock)
        app = worker.app
        starting = asyncio.ensure_future(app.start())
        try:
            while not (self._stopping.is_set() or app.crashed or worker.ended):
                if starting.done() and (error := starting.exception()) is not None:
                    raise PassingFault(f"the worker did not start: {error}") from error
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _LOOK_SECONDS)
            if worker.ended is not None:
                raise worker.ended
            if app.crashed:
                raise PassingFault(f"the worker ended: {app.crash_reason!r}")
        finally:
            worker.stopping = True
            if not starting.done():
                starting.cancel()
                with suppress(BaseException):
                    await starting
            try:
                await asyncio.wait_for(app.stop(), _STOP_SECONDS)
            except TimeoutError:
                self._log.error("the worker did not stop in time; what was in hand will be done again")
