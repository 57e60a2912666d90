"""Waiting that ends early when a host is told to stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from wirewatch.times import Clock

T = TypeVar("T")


async def unless_stopped(work: Coroutine[object, object, T], stopping: asyncio.Event) -> T | None:
    """What ``work`` gives, or None where ``stopping`` was set first; it is cancelled then."""
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        stop.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def pause(seconds: float, clock: Clock, stopping: asyncio.Event) -> None:
    """Sleep by the clock, unless stopped."""
    await unless_stopped(clock.sleep(seconds), stopping)
