"""The fates of invariant 6, decided in one place for every host. Pure."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from wirewatch.brokers.dead_letters import make_dead_letter
from wirewatch.errors import BadInput, BrokenStorage, PassingFault

if TYPE_CHECKING:
    from wirewatch.brokers.interface import NewRecord, Record

BUG_TRIES: Final = 3
"""A record that meets a bug is tried so many times in all: once, and twice more."""
_FIRST_BACKOFF: Final = 0.1
_LONGEST_BACKOFF: Final = 30.0


class Failure(Struct, frozen=True):
    """What went wrong with a record. ``reason`` is the one word for metrics and lists."""

    kind: Literal["bad-input", "passing", "bug"]
    reason: str
    error: str
    traceback: str | None = None
    retry_after: float | None = None


def decide_failure(error: Exception) -> Failure:
    """Which kind of error this is. Raises it again where it is `BrokenStorage`: that has no fate but the end."""
    if isinstance(error, BrokenStorage):
        raise error
    if isinstance(error, BadInput):
        return Failure("bad-input", error.reason, str(error))
    if isinstance(error, PassingFault):
        return Failure("passing", "passing-fault", str(error), retry_after=error.retry_after)
    return Failure("bug", "bug", f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)))


def is_rejected(failure: Failure, tries: int) -> bool:
    """Whether the record goes to the dead letters after that many tries, or is tried again."""
    return failure.kind == "bad-input" or (failure.kind == "bug" and tries >= BUG_TRIES)


def decide_backoff(failures_in_a_row: int, retry_after: float | None = None) -> float:
    """Seconds to wait before the next try: doubling up to half a minute, or what the fault itself asks for."""
    if retry_after is not None:
        return min(max(retry_after, 0.01), _LONGEST_BACKOFF)
    return float(min(_FIRST_BACKOFF * 2 ** min(failures_in_a_row - 1, 16), _LONGEST_BACKOFF))


def letter_for(record: Record, stage: str, failure: Failure, now_ms: int) -> NewRecord:
    """The dead letter for a rejected record."""
    return make_dead_letter(
        record,
        stage=stage,
        fate="bug" if failure.kind == "bug" else "bad-input",
        reason=failure.reason,
        error=failure.error,
        traceback=failure.traceback,
        now_ms=now_ms,
    )
