"""The Faust host of a pure handler: one stage on Kafka, in whatever event loop it is run."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Final

from processors.faust_host.building import MEMORY, Plan
from processors.faust_host.library_logs import route_library_logs
from processors.faust_host.worker import Worker
from wirewatch.brokers.embedded.threads import WorkerThread
from wirewatch.brokers.kafka.broker import KafkaBroker
from wirewatch.brokers.kafka.failures import explain
from wirewatch.brokers.kafka.members import take_member_name
from wirewatch.errors import PassingFault, UserError
from wirewatch.hosting.fates import decide_backoff
from wirewatch.hosting.interface import Warming
from wirewatch.hosting.pauses import pause
from wirewatch.logs import get_logger
from wirewatch.stages import STAGES
from wirewatch.times import SystemClock
from wirewatch.topics import DEAD_LETTERS, STATE_TOPICS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from wirewatch.brokers.interface import Broker
    from wirewatch.brokers.kafka.members import MemberName
    from wirewatch.hosting.interface import Handler
    from wirewatch.times import Clock

STOP_SECONDS: Final = 15.0
"""How long a worker may take to stop; what it then has in hand is done again by whoever comes next."""
_LOOK_SECONDS: Final = 0.1
_STEADY_SECONDS: Final = 60.0


async def checked_partitions(broker: KafkaBroker, stage: str) -> dict[str, int]:
    """How many partitions each topic has that the stage touches. `UserError` names what is not as it must be.

    A send to a topic that does not exist would wait for ever: nothing starts before this was asked.
    """
    state = [STATE_TOPICS[stage]] if stage in STATE_TOPICS else []
    needed = [*STAGES[stage].inputs, *STAGES[stage].outputs, DEAD_LETTERS, *state]
    wrong = [difference.text for difference in await broker.differences(needed) if difference.grave]
    if wrong:
        raise UserError(
            f"stage {stage} cannot start on {broker.link.shown}; `wirewatch topics create` makes what is missing:\n  "
            + "\n  ".join(wrong)
        )
    return {topic.name: broker.partitions(topic.name) for topic in needed}


def plan_for(
    broker: KafkaBroker,
    stage: str,
    inputs: Sequence[str],
    partitions: Mapping[str, int],
    *,
    data_dir: Path,
    member: MemberName | None,
    store: str = MEMORY,
) -> Plan:
    """What an app of this stage on that cluster is built from."""
    return Plan(
        stage=stage,
        address=broker.address,
        folder=data_dir / "faust" / (stage if member is None else member.name),
        inputs=tuple(inputs),
        partitions=partitions,
        worker_name=None if member is None else member.name,
        store=store,
        prefix=broker.link.wire_name(""),
    )


class FaustHost:
    """Runs one handler on Kafka until it is told to stop. Any number of them may share a process and its event loop.

    ``broker`` is open, a `KafkaBroker`: it says where the cluster is, and how the topics are before a worker starts.
    ``store`` is where Faust keeps the table at hand; the truth is on the state's topic.
    """

    def __init__(
        self,
        broker: Broker,
        handler: Handler,
        inputs: Sequence[str],
        *,
        data_dir: Path,
        clock: Clock | None = None,
        store: str = MEMORY,
    ) -> None:
        if not isinstance(broker, KafkaBroker):
            raise UserError(f"stage {handler.stage} runs on Faust only where broker is kafka://host:port")
        self.stage = handler.stage
        self.inputs = tuple(inputs)
        self._broker = broker
        self._data_dir = data_dir
        self._handler = handler
        self._clock = clock or SystemClock()
        self._store = store
        self._stopping = asyncio.Event()
        self._thread = WorkerThread(f"stage-{handler.stage}")
        self._log = get_logger(handler.stage)

    def stop(self) -> None:
        """Ask `run` to return once the record in hand is done and its offset committed. Safe to call twice."""
        self._stopping.set()

    async def run(self) -> None:
        """Handle records until stopped; a worker that Kafka's absence ended is started again, with a longer pause.

        Returns within `STOP_SECONDS` of a stop. Raises `UserError` where a topic is not as it must be,
        `BrokenStorage` where the state cannot be relied on or the cluster forbids what it allowed.
        """
        route_library_logs()
        partitions = await checked_partitions(self._broker, self.stage)
        member = take_member_name(self._data_dir, self.stage)
        plan = plan_for(
            self._broker,
            self.stage,
            self.inputs,
            partitions,
            data_dir=self._data_dir,
            member=member,
            store=self._store,
        )
        try:
            if isinstance(self._handler, Warming):
                await self._thread.run(self._handler.warm)
            failures = 0
            while not self._stopping.is_set():
                began = monotonic()
                try:
                    await self._live(plan)
                except PassingFault as fault:
                    failures = 1 if monotonic() - began > _STEADY_SECONDS else failures + 1
                    seconds = decide_backoff(failures, fault.retry_after)
                    self._log.warning("the worker starts again", error=str(fault), seconds=seconds)
                    await pause(seconds, self._clock, self._stopping)
        finally:
            self._thread.close()
            if member is not None:
                member.release()

    async def _live(self, plan: Plan) -> None:
        """One worker from start to end. Raises what ended it, as one of our own errors."""
        worker = Worker(plan, self._handler, self._thread, self._clock)
        starting = asyncio.ensure_future(worker.app.start())
        try:
            while not (self._stopping.is_set() or worker.app.crashed or worker.ended is not None):
                if starting.done() and (error := starting.exception()) is not None:
                    raise explain(error, f"starting stage {self.stage}") from error
                await worker.end_if_held_up()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):  # not `wait_for`: Python 3.11's may lose a cancellation
                        await self._stopping.wait()
            if worker.ended is not None:
                raise worker.ended
            if worker.app.crashed:
                reason = worker.app.crash_reason or RuntimeError("it gave no reason")
                raise explain(reason, f"running stage {self.stage}") from reason
        finally:
            worker.stopping = True
            await self._end(worker, starting)

    async def _end(self, worker: Worker, starting: asyncio.Future[None]) -> None:
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting}, timeout=1)
        # not `wait_for`: what the libraries shield from cancellation would be waited for without end
        ending = asyncio.ensure_future(worker.app.stop())
        await asyncio.wait({ending}, timeout=STOP_SECONDS)
        if not ending.done():
            self._log.error("the worker did not stop in time; what was in hand will be done again")
        elif ending.cancelled():
            self._log.warning("the worker did not stop in good order", error="its stop was cancelled from within")
        elif (error := ending.exception()) is not None:
            self._log.warning("the worker did not stop in good order", error=str(error))
