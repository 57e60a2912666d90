"""How fast a channel is sent to: full width while it answers, one probe at a time while it fails, paced after. Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

DRAIN_GAP_MS: Final = 100
"""Between two deliveries to a channel that has just come back, until its backlog is sent."""
_FIRST_PAUSE_MS: Final = 1_000
MAX_REFUSALS: Final = 3
"""So often a delivery that the receiver refuses is tried before it is dead-lettered."""


class Pace(Struct, frozen=True):
    """Where a channel stands. ``failures`` in a row; nothing is sent before ``not_before_ms``."""

    width: int
    failures: int = 0
    not_before_ms: int = 0
    draining: bool = False
    started_ms: int = -DRAIN_GAP_MS


def decide_pause_ms(tries: int, *, longest_ms: int, draw: float, retry_after: float | None = None) -> int:
    """How long to wait after so many tries: doubling, with jitter (``draw`` from 0 to 1), never less than asked for."""
    whole = min(longest_ms, _FIRST_PAUSE_MS << min(tries - 1, 30))
    own = int(whole * (0.5 + draw / 2))
    return max(own, round((retry_after or 0.0) * 1_000))


def decide_room(pace: Pace, *, now_ms: int, in_flight: int) -> int:
    """How many deliveries may be started now."""
    if now_ms < pace.not_before_ms:
        return 0
    if pace.failures:
        return max(0, 1 - in_flight)
    if pace.draining:
        return 1 if in_flight < pace.width and now_ms - pace.started_ms >= DRAIN_GAP_MS else 0
    return max(0, pace.width - in_flight)


def after_start(pace: Pace, *, now_ms: int, given: int, asked: int) -> Pace:
    """After ``given`` deliveries were started where ``asked`` could have been; none left ends the draining."""
    if pace.draining and asked and not given:
        return replace(pace, draining=False)
    return replace(pace, started_ms=now_ms) if given else pace


def after_answer(pace: Pace, *, per_channel: int) -> Pace:
    """After the receiver answered (also where it refused one delivery): it is there, and gets more at once."""
    return replace(
        pace,
        width=min(per_channel, pace.width + 1),
        failures=0,
        not_before_ms=0,
        draining=pace.draining or pace.failures > 0,
    )


def after_failure(pace: Pace, *, until_ms: int) -> Pace:
    """After a fault that may pass."""
    return replace(pace, width=1, failures=pace.failures + 1, not_before_ms=max(until_ms, pace.not_before_ms))
