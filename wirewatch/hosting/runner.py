"""The runner: hosts handlers and sinks side by side, keeps the log in shape, and ends in good order."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from wirewatch.brokers.embedded import EmbeddedBroker
from wirewatch.errors import BrokenStorage, PassingFault, UserError
from wirewatch.hosting.handlers import HandlerHost
from wirewatch.hosting.sinks import SinkHost
from wirewatch.logs import get_logger
from wirewatch.metrics import STAGE_LAG, STAGE_OLDEST
from wirewatch.stages import STAGES
from wirewatch.times import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wirewatch.brokers.interface import Broker
    from wirewatch.hosting.interface import Handler, Sink
    from wirewatch.times import Clock

DRAIN_SECONDS: Final = 20.0
"""How long what is in hand may take after a stop; then it is let go uncommitted, to be done again."""
_LAG_SECONDS: Final = 5.0
_MAINTAIN_SECONDS: Final = 30.0
_MAINTAIN_STEP_SECONDS: Final = 0.05
_log = get_logger("runner")


class Host(Protocol):
    """What the runner runs."""

    stage: str
    inputs: tuple[str, ...]

    async def run(self) -> None:
        """Work until stopped."""
        ...

    def stop(self) -> None:
        """Finish what is in hand and return from `run`."""
        ...


def streamed_inputs(stage: str) -> tuple[str, ...]:
    """The topics a stage is fed record by record. Compacted inputs are tables: it follows them by `LatestView`."""
    return tuple(topic.name for topic in STAGES[stage].inputs if not topic.compacted)


class Runner:
    """Hosts stages on a broker. ``inputs`` overrides, by stage, which topics it is fed from.

    ``hosts`` are hosts made elsewhere, which it runs, drains and measures beside its own.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        handlers: Sequence[Handler] = (),
        sinks: Sequence[Sink] = (),
        hosts: Sequence[Host] = (),
        clock: Clock | None = None,
        inputs: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._broker = broker
        self._clock = clock or SystemClock()
        self._stopping = asyncio.Event()
        given = inputs or {}
        self.hosts: list[Host] = list(hosts)
        for handler in handlers:
            if not isinstance(broker, EmbeddedBroker):
                raise UserError(f"stage {handler.stage} runs inside wirewatch only on the embedded broker")
            self.hosts.append(HandlerHost(broker, handler, given.get(handler.stage) or streamed_inputs(handler.stage)))
        self.hosts += [
            SinkHost(broker, sink, given.get(sink.stage) or streamed_inputs(sink.stage), self._clock) for sink in sinks
        ]

    def stop(self) -> None:
        """Ask `run` to return once every stage has committed what it has in hand. Safe to call twice."""
        self._stopping.set()

    async def run(self) -> None:
        """Run every stage until `stop`, cancellation or broken storage; returns well within half a minute.

        Raises what ended a stage (`BrokenStorage`, or what a sink's start raised) after the others have
        finished what they had in hand. The broker stays open.
        """
        stages = [asyncio.create_task(host.run(), name=f"stage-{host.stage}") for host in self.hosts]
        helpers = [
            asyncio.create_task(self._stopping.wait(), name="stop"),
            asyncio.create_task(self._measure_for_ever(), name="lag"),
        ]
        if isinstance(self._broker, EmbeddedBroker) and self._broker.mode == "runner":
            helpers.append(asyncio.create_task(self._maintain_for_ever(self._broker), name="maintenance"))
        try:
            ended, _ = await asyncio.wait({*stages, *helpers}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in helpers:
                task.cancel()
            await self._drain(stages)
        _raise_first([*ended, *stages])

    async def _drain(self, stages: Sequence[asyncio.Task[None]]) -> None:
        for host in self.hosts:
            host.stop()
        if not stages:
            return
        try:
            _, late = await asyncio.wait(stages, timeout=DRAIN_SECONDS)
            for task in late:
                _log.error("stage did not finish in time; its batch will be done again", stage=task.get_name())
        finally:
            for task in stages:
                task.cancel()
            await asyncio.gather(*stages, return_exceptions=True)

    async def _maintain_for_ever(self, broker: EmbeddedBroker) -> None:
        while True:
            more = False
            with _housekeeping("retention put off"):
                more = await broker.maintain()
            await self._clock.sleep(_MAINTAIN_STEP_SECONDS if more else _MAINTAIN_SECONDS)

    async def _measure_for_ever(self) -> None:
        while True:
            with _housekeeping("lag not measured"):
                await self.measure()
            await self._clock.sleep(_LAG_SECONDS)

    async def measure(self) -> None:
        """Set each stage's lag and the age of the oldest record that waits for it."""
        for host in self.hosts:
            lags: dict[int, int] = {}
            oldest = 0.0
            for topic in host.inputs:
                for partition in range(self._broker.partitions(topic)):
                    bounds = await self._broker.bounds(topic, partition)
                    start = max(bounds.earliest, await self._stands(host, topic, partition))
                    lags[partition] = lags.get(partition, 0) + bounds.end - start
                    if start < bounds.end:
                        waiting = await self._broker.read(topic, partition, start, max_records=1)
                        ages = [(self._clock.now_ms() - record.timestamp_ms) / 1000 for record in waiting]
                        oldest = max([oldest, *ages])
            for partition, lag in lags.items():
                STAGE_LAG.labels(host.stage, str(partition)).set(lag)
            STAGE_OLDEST.labels(host.stage).set(oldest)

    async def _stands(self, host: Host, topic: str, partition: int) -> int:
        """How far a stage is: as the group says, or less far where a sink that it feeds here begins anew."""
        committed = await self._broker.committed(host.stage, topic, partition) or 0
        own = host.stands(topic, partition) if isinstance(host, SinkHost) else None
        return committed if own is None else min(own, committed)


@contextmanager
def _housekeeping(said: str) -> Iterator[None]:
    """What goes wrong here is said and tried again later; only broken storage stops the stages."""
    try:
        yield
    except BrokenStorage:
        raise
    except PassingFault as fault:
        _log.warning(said, error=fault)
    except Exception:  # noqa: BLE001 - a mistake here must not stop the stages
        _log.exception(said)


def _raise_first(tasks: Sequence[asyncio.Task[object]]) -> None:
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error
