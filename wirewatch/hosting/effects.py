"""What a host counts and says once a record has taken effect, the same in every host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirewatch.metrics import DEAD_LETTERS, ENTRY_EVENTS
from wirewatch.topics import ENTRY_EVENTS as ENTRY_EVENTS_TOPIC

if TYPE_CHECKING:
    from collections.abc import Iterable

    from structlog.typing import FilteringBoundLogger

    from wirewatch.brokers.interface import NewRecord, Record
    from wirewatch.hosting.fates import Failure


def ops_of(outputs: Iterable[NewRecord]) -> list[str]:
    """The ops of the entry events among these records, from their types (``wirewatch.entry.created.v1``)."""
    types = [
        output.headers.get("ce_type", "").split(".") for output in outputs if output.topic == ENTRY_EVENTS_TOPIC.name
    ]
    return [parts[2] for parts in types if len(parts) == 4]


def count_ops(ops: Iterable[str]) -> None:
    """Count entry events that are durable now."""
    for op in ops:
        ENTRY_EVENTS.labels(op).inc()


def tell_rejected(log: FilteringBoundLogger, stage: str, record: Record, failure: Failure) -> None:
    """Count and log a record whose dead letter is durable now; our own bugs loudly."""
    DEAD_LETTERS.labels(stage, failure.reason).inc()
    say = log.error if failure.kind == "bug" else log.warning
    say(
        "record rejected",
        topic=record.topic,
        offset=record.offset,
        key=record.key,
        reason=failure.reason,
        error=failure.error,
        traceback=failure.traceback,
    )
