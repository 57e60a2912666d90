"""What a host runs: pure handlers with state, and sinks. The hosts hold no rule of their own.

Fates (invariant 6), the same in every host: `BadInput` dead-letters the record; `PassingFault` retries it
with backoff, nothing moves meanwhile; any other exception is a bug: commit nothing, try the record twice
more, then dead-letter it as ``bug`` with its traceback and go on; `BrokenStorage` stops the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wirewatch.brokers.interface import NewRecord, Record


class Step(Struct, frozen=True):
    """What came of one record: ``outputs`` in order, and the key's new state.

    ``state`` None leaves the state as it was; to forget, a handler writes an explicit empty state.
    """

    outputs: list[NewRecord]
    state: bytes | None = None


class Handler(Protocol):
    """A stage as a pure function: no clock, network or broker. One instance serves one worker.

    ``stage`` is its name in `wirewatch.stages`; ``stateful`` whether `handle` is given and returns state.
    """

    stage: str
    stateful: bool

    def handle(self, record: Record, state: bytes | None) -> Step:
        """Decide one record. ``state`` is what this stage last kept for ``record.key``.

        Raises `BadInput` where the record can never be processed. Deterministic: the same record and state
        give the same step, so doing it again after a crash repeats the same ids.
        """
        ...


@runtime_checkable
class Warming(Protocol):
    """What a handler may have besides: something large to load before its first record."""

    def warm(self) -> None:
        """Load it. Called once, where the handler works: nobody else waits for it."""
        ...


@runtime_checkable
class VersionedState(Protocol):
    """What a handler may have besides: the version of its state's form, and the way from an older one.

    A handler without it has version 1. State of a newer version is refused (`BrokenStorage`): an older
    program must not write over what it cannot read.
    """

    state_version: int

    def migrate_state(self, version: int, state: bytes) -> bytes:
        """State of that older version in today's form. Raises `BadInput` where it cannot be read."""
        ...


class Sink(Protocol):
    """A stage whose effect lies outside the broker. It keeps its own position beside its effect.

    ``stage`` is its name in `wirewatch.stages`.
    """

    stage: str

    async def start(self) -> None:
        """Open what it writes to. Raises `BrokenStorage` or `UserError` in words."""
        ...

    async def bind_log(self, log_id: str) -> None:
        """Say which log the positions are places in (`Broker.log_id`). Called after `start`, before all else.

        A store keeps the first one it was told. Raises `UserError` in words where it belongs to another log.
        """
        ...

    async def position(self, topic: str, partition: int) -> int | None:
        """The offset to read next, as recorded in the same transaction as the effect; None: never written.

        Called whenever a partition becomes ours (again): what was remembered of it is forgotten, for another
        process may have read on there meanwhile.
        """
        ...

    async def write(self, records: Sequence[Record]) -> None:
        """Make the effect of these records and the position after them durable together, or neither.

        Called with records in order within each partition; never twice at once. Records below the position are skipped.
        Where the store is shared with other processes, a position that is not where this member last saw it
        refuses the whole write: `NotOurs`, nothing was done, and the host asks for positions anew.
        Raises `PassingFault` (called again with the same records), `BadInput` (the host then gives them one
        by one, so that only the bad one is dead-lettered), or anything else for a bug.
        """
        ...

    async def skip(self, record: Record) -> None:
        """Move the position past a record that was dead-lettered, with no other effect; durable on return.

        Raises as `write` does.
        """
        ...

    async def close(self) -> None:
        """Give everything back; safe to call twice."""
        ...
