"""Waking those who wait for records: at once for what this process appends, within a moment for others.

Another process's commits are seen through SQLite's ``data_version``, asked only while somebody waits.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

FOREIGN_CHECK_SECONDS: Final = 0.25


class Signals:
    """Counts appends by topic. Everything here runs on the event loop."""

    def __init__(self, foreign_version: Callable[[], Awaitable[int]], known_version: int) -> None:
        self._foreign_version = foreign_version
        self._known_version = known_version
        self._counts: dict[str, int] = {}
        self._foreign = 0
        self._waiters: dict[asyncio.Event, frozenset[str]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._closed = False

    def seen(self, topics: Iterable[str]) -> int:
        """A mark of now: take it before reading, give it to `wait`, and no append in between is missed."""
        return self._foreign + sum(self._counts.get(topic, 0) for topic in topics)

    def notify(self, topics: Iterable[str]) -> None:
        """These topics have new records."""
        touched = set(topics)
        for topic in touched:
            self._counts[topic] = self._counts.get(topic, 0) + 1
        for event, wanted in self._waiters.items():
            if not wanted.isdisjoint(touched):
                event.set()

    async def wait(
        self, topics: Sequence[str], seen: int, seconds: float, *, stop: asyncio.Event | None = None
    ) -> None:
        """Return when one of the topics grew after ``seen``, ``stop`` is set, all is closed, or time is up."""
        if self._closed or seconds <= 0 or self.seen(topics) > seen:
            return
        event = stop_waiter = None
        event = asyncio.Event()
        self._waiters[event] = frozenset(topics)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._watch_others(), name="log-watch")
        grown = asyncio.ensure_future(event.wait())
        waiting = {grown}
        if stop is not None:
            stop_waiter = asyncio.ensure_future(stop.wait())
            waiting.add(stop_waiter)
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            del self._waiters[event]

    async def close(self) -> None:
        """Wake everybody; nobody waits from now on."""
        self._closed = True
        for event in self._waiters:
            event.set()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    async def _watch_others(self) -> None:
        while self._waiters and not self._closed:
            version = await self._foreign_version()
            if version != self._known_version:
                self._known_version = version
                self._foreign += 1
                for event in self._waiters:
                    event.set()
            await asyncio.sleep(FOREIGN_CHECK_SECONDS)
