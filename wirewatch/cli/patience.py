"""Starting beside servers that are starting too: wait a little for one that is away, then say so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from wirewatch.errors import PassingFault
from wirewatch.hosting.fates import decide_backoff
from wirewatch.hosting.pauses import pause
from wirewatch.logs import get_logger
from wirewatch.times import Clock

PATIENCE_SECONDS: Final = 30.0
"""As long as a start waits for a Kafka cluster."""
_log = get_logger("run")


async def open_patiently(
    opening: Callable[[], Awaitable[None]], *, what: str, clock: Clock, stopping: asyncio.Event
) -> None:
    """Open it, trying again while it is away; ``what`` names it in the log.

    Raises the `PassingFault` of the last try after `PATIENCE_SECONDS` or once told to stop, and anything else at once.
    """
    until, tries = clock.monotonic() + PATIENCE_SECONDS, 0
    while True:
        try:
            await opening()
        except PassingFault as fault:
            tries += 1
            if stopping.is_set() or clock.monotonic() >= until:
                raise
            _log.warning(f"waiting for {what}", error=str(fault))
            await pause(decide_backoff(tries, fault.retry_after), clock, stopping)
        else:
            return
