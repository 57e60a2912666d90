"""Publishing that outlasts a broker's absence, as long as the poller runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wirewatch.errors import PassingFault
from wirewatch.logs import get_logger

if TYPE_CHECKING:
    from wirewatch.brokers.interface import Broker, NewRecord
    from wirewatch.times import Clock

_log = get_logger("poll")
_LONGEST_PAUSE = 10.0


class Publisher:
    """Publishes, and tries again while the broker is away. After ``stopping`` is set, for ``patience`` more seconds."""

    def __init__(self, broker: Broker, clock: Clock, *, patience: float, stopping: asyncio.Event) -> None:
        self._broker = broker
        self._clock = clock
        self._patience = patience
        self._stopping = stopping

    async def publish(self, records: list[NewRecord]) -> None:
        """Durable on return. Raises `BadInput` for a record too large, `BrokenStorage`, `PassingFault` only at the end.

        A try that failed may have written some: they are written again, and are the same records by id and number.
        """
        pause = 0.2
        give_up: float | None = None
        while records:
            try:
                await self._broker.publish(records)
            except PassingFault as fault:
                if self._stopping.is_set():
                    give_up = give_up or self._clock.monotonic() + self._patience
                    if self._clock.monotonic() + pause > give_up:
                        raise
                _log.warning("the broker is away; trying again", error=fault, pause=pause)
                await self._clock.sleep(fault.retry_after or pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                return
