"""Steps that outlast a broker that is away: said each time, tried again after a pause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wirewatch.errors import PassingFault
from wirewatch.hosting.pauses import pause, unless_stopped
from wirewatch.logs import get_logger

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine

    from wirewatch.times import Clock

_log = get_logger("poll")
_PAUSE: Final = 1.0


async def outlast(step: Callable[[], Coroutine[object, object, object]], clock: Clock, stopping: asyncio.Event) -> None:
    """Do the step once, however long the broker is away; not at all where we are told to stop meanwhile."""
    while not stopping.is_set():
        try:
            await unless_stopped(step(), stopping)
        except PassingFault as fault:
            _log.warning("the broker is away; trying again", error=fault)
            await pause(fault.retry_after or _PAUSE, clock, stopping)
        else:
            return


async def again(step: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """The same step until cancelled; while the broker is away, now and then."""
    while True:
        try:
            await step()
        except PassingFault as fault:
            _log.warning("the broker is away; trying again", error=fault)
            await clock.sleep(fault.retry_after or _PAUSE)
