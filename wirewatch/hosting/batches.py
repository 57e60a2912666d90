"""Working out a batch: what a pure handler makes of the next records, before anything is written.

Runs in the stage's own thread, on a connection of its own. Records are taken until one fails, or the
batch is large or old enough; each either counts in full (outputs, state, offset) or not at all.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from wirewatch.brokers.embedded.failures import failures_in_words
from wirewatch.brokers.embedded.reading import TopicRow, read_records, read_stored_state
from wirewatch.brokers.embedded.transaction import PackedState, Prepared, prepare
from wirewatch.brokers.packing import pack
from wirewatch.hosting.effects import ops_of
from wirewatch.hosting.fates import Failure, decide_failure, is_rejected, letter_for
from wirewatch.hosting.states import bring_forward, state_version_of
from wirewatch.topics import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import apsw

    from wirewatch.brokers.interface import Record
    from wirewatch.hosting.interface import Handler
    from wirewatch.times import Clock

BATCH_RECORDS: Final = 256
BATCH_BYTES: Final = 16 << 20
OUTPUT_BYTES: Final = 32 << 20
BATCH_SECONDS: Final = 0.05
"""After so long a batch is committed as far as it got: what is done is not kept waiting for what is not."""


class Failed(Struct, frozen=True):
    """The record that ended the batch, still to be dealt with."""

    record: Record
    failure: Failure


class Batch(Struct):
    """What is to be committed in one transaction."""

    moves: dict[str, int] = field(default_factory=dict)
    outputs: list[Prepared] = field(default_factory=list)
    states: dict[str, PackedState] = field(default_factory=dict)
    raw_states: dict[str, bytes] = field(default_factory=dict)
    ops: list[str] = field(default_factory=list)
    letters: list[Failed] = field(default_factory=list)
    size: int = 0
    count: int = 0
    seconds: float = 0.0
    failed: Failed | None = None


class Tries(Struct):
    """How often the record at one place was tried; only one place can be failing at a time."""

    place: tuple[str, int] = ("", -1)
    count: int = 0

    def failed_again(self, record: Record) -> int:
        """Count one more failure of this record; how many it has now."""
        place = (record.topic, record.offset)
        self.count = self.count + 1 if self.place == place else 1
        self.place = place
        return self.count


class BatchWorker:
    """A handler at work. One thread at a time."""

    def __init__(
        self,
        handler: Handler,
        conn: apsw.Connection,
        topics: Callable[[], Mapping[str, TopicRow]],
        inputs: tuple[TopicRow, ...],
        clock: Clock,
        folder: str,
    ) -> None:
        self._handler = handler
        self._conn = conn
        self._topics = topics
        self._inputs = inputs
        self._clock = clock
        self._folder = folder
        self._tries = Tries()
        self._ahead: dict[str, list[Record]] = {}
        self._turn = 0
        self._version = state_version_of(handler)

    def work(self, positions: Mapping[str, int | None], stopping: Callable[[], bool]) -> Batch:
        """The next batch from those positions; empty where there is nothing to read.

        Raises `BrokenStorage`, or `PassingFault` where the store is locked; nothing has happened then.
        """
        started = monotonic()
        batch = Batch()
        self._turn += 1
        start = self._turn % len(self._inputs)
        for topic in self._inputs[start:] + self._inputs[:start]:
            for record in self._next_records(topic, positions[topic.name] or 0):
                late = monotonic() - started > BATCH_SECONDS or stopping()
                if batch.count >= BATCH_RECORDS or (batch.count and (late or batch.size > OUTPUT_BYTES)):
                    break
                self._take(batch, record)
                if batch.failed is not None:
                    break
            if batch.failed is not None or batch.count >= BATCH_RECORDS:
                break
        batch.seconds = monotonic() - started
        return batch

    def _next_records(self, topic: TopicRow, position: int) -> list[Record]:
        """What is to be handled next: what a batch before had read but left, else what the store has."""
        records = [record for record in self._ahead.get(topic.name, ()) if record.offset >= position]
        if not records:
            with failures_in_words(f"the log in {self._folder}"):
                records = read_records(self._conn, topic, position, max_records=BATCH_RECORDS, max_bytes=BATCH_BYTES)
        self._ahead[topic.name] = records
        return records

    def _take(self, batch: Batch, record: Record) -> None:
        try:
            self._handle(batch, record)
        except Exception as error:  # noqa: BLE001 - every error has its fate, and our bugs theirs
            failed = Failed(record, decide_failure(error))
            tries = self._tries.failed_again(record) if failed.failure.kind == "bug" else 1
            if not is_rejected(failed.failure, tries):
                batch.failed = failed
                return
            self._reject(batch, failed)
        batch.moves[record.topic] = record.offset + 1
        batch.count += 1

    def _handle(self, batch: Batch, record: Record) -> None:
        state = self._state(batch, record.key) if self._handler.stateful else None
        step = self._handler.handle(record, state)
        outputs = [prepare(output, self._row(output.topic)) for output in step.outputs]
        packed = None
        if step.state is not None:
            value, raw_size = pack(step.state)
            packed = PackedState(self._version, raw_size, value)
        # from here on nothing can fail: the record counts in full
        if packed is not None and step.state is not None:
            batch.states[record.key] = packed
            batch.raw_states[record.key] = step.state
            batch.size += len(packed.value) + len(step.state)
        batch.outputs += outputs
        batch.size += sum(output.size for output in outputs)
        batch.ops += ops_of(step.outputs)

    def _reject(self, batch: Batch, failed: Failed) -> None:
        letter = letter_for(failed.record, self._handler.stage, failed.failure, self._clock.now_ms())
        prepared = prepare(letter, self._row(DEAD_LETTERS.name))
        batch.outputs.append(prepared)
        batch.size += prepared.size
        batch.letters.append(failed)

    def _state(self, batch: Batch, key: str) -> bytes | None:
        if key in batch.raw_states:
            return batch.raw_states[key]
        with failures_in_words(f"the log in {self._folder}"):
            stored = read_stored_state(self._conn, self._handler.stage, key)
        return None if stored is None else bring_forward(self._handler, stored.version, stored.data, key=key)

    def _row(self, topic: str) -> TopicRow:
        row = self._topics().get(topic)
        if row is None:
            raise LookupError(f"{self._handler.stage} writes to {topic}, which does not exist")
        return row
