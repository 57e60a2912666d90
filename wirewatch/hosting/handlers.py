"""The embedded host of a pure handler: outputs, state and input offset in one transaction."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from wirewatch.brokers.embedded.threads import WorkerThread
from wirewatch.errors import PassingFault
from wirewatch.hosting.batches import Batch, BatchWorker
from wirewatch.hosting.effects import count_ops, tell_rejected
from wirewatch.hosting.fates import Failure, decide_backoff, decide_failure
from wirewatch.hosting.interface import Warming
from wirewatch.hosting.pauses import pause
from wirewatch.logs import get_logger
from wirewatch.metrics import STAGE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wirewatch.brokers.embedded.broker import EmbeddedBroker
    from wirewatch.brokers.embedded.reading import TopicRow
    from wirewatch.brokers.embedded.transaction import Transaction
    from wirewatch.hosting.interface import Handler

_IDLE_SECONDS: Final = 5.0


class HandlerHost:
    """Runs one handler on the embedded broker until it is told to stop.

    The handler's CPU work is done in a thread of the stage's own, one batch at a time.
    """

    def __init__(self, broker: EmbeddedBroker, handler: Handler, inputs: Sequence[str]) -> None:
        self.stage = handler.stage
        self.inputs = tuple(inputs)
        self._broker = broker
        self._handler = handler
        self._stopping = asyncio.Event()
        self._thread = WorkerThread(f"stage-{handler.stage}")
        self._rows: dict[str, TopicRow] = {}
        self._positions: dict[str, int | None] = {}
        self._failures = 0
        self._log = get_logger(handler.stage)

    def stop(self) -> None:
        """Ask `run` to return once the batch in hand is committed."""
        self._stopping.set()

    async def run(self) -> None:
        """Handle records until stopped. Raises `BrokenStorage` where the store no longer holds.

        When cancelled it returns at once: a batch whose commit was under way is committed, any other is not.
        """
        try:
            worker = await self._start()
            while not self._stopping.is_set():
                seen = self._broker.signals.seen(self.inputs)
                batch = await self._work(worker)
                if batch is None:
                    continue
                if batch.failed is not None:
                    await self._retry_later(batch.failed.failure, batch.failed.record.key)
                elif not batch.moves:
                    await self._broker.signals.wait(self.inputs, seen, _IDLE_SECONDS, stop=self._stopping)
        finally:
            self._thread.close()

    async def _start(self) -> BatchWorker:
        for name in self.inputs:
            self._rows[name] = await self._broker.topic_row(name)
            stands = self._positions[name] = await self._broker.committed(self.stage, name, 0)
            earliest = (await self._broker.bounds(name, 0)).earliest
            if stands is not None and stands < earliest:
                self._log.error("records were let go before they were read", topic=name, lost=earliest - stands)
        if isinstance(self._handler, Warming):
            await self._thread.run(self._handler.warm)
        return BatchWorker(
            self._handler,
            self._broker.open_reading(),
            self._broker.topic_rows,
            tuple(self._rows.values()),
            self._broker.clock,
            str(self._broker.folder),
        )

    async def _work(self, worker: BatchWorker) -> Batch | None:
        """One batch, worked out and committed; None where that met a passing fault and is to be done again."""
        try:
            batch = await self._thread.run(lambda: worker.work(self._positions, self._stopping.is_set))
            if batch.moves:
                await self._broker.write(lambda transaction: self._commit(transaction, batch), size=batch.size)
        except PassingFault as fault:
            await self._retry_later(decide_failure(fault), "")
            return None
        if batch.moves:
            self._took_effect(batch)
        return batch

    def _commit(self, transaction: Transaction, batch: Batch) -> None:
        for name, offset in batch.moves.items():
            transaction.move_offset(self.stage, self._rows[name], self._positions[name], offset)
        transaction.append(batch.outputs)
        transaction.put_states(self.stage, batch.states)

    def _took_effect(self, batch: Batch) -> None:
        self._positions.update(batch.moves)
        self._failures = 0
        STAGE_SECONDS.labels(self.stage).observe(batch.seconds)
        count_ops(batch.ops)
        for letter in batch.letters:
            tell_rejected(self._log, self.stage, letter.record, letter.failure)

    async def _retry_later(self, failure: Failure, key: str) -> None:
        self._failures += 1
        seconds = decide_backoff(self._failures, failure.retry_after)
        say = self._log.error if failure.kind == "bug" else self._log.warning
        say("trying again", kind=failure.kind, key=key, error=failure.error, seconds=seconds, tries=self._failures)
        await pause(seconds, self._broker.clock, self._stopping)
