"""A poll's request from end to end: robots.txt first where that is heeded, then the fetch, over one guarded session."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from producers.answers import Ask
from producers.fetch import Fetcher
from producers.robots import Robots
from wirewatch.net import GuardedResolver, guarded_session

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

    from producers.answers import Answer, Limits
    from wirewatch.net import Guard
    from wirewatch.times import Clock


class Asking:
    """Make it inside the event loop, close it at the end. Gives answers; never raises but for cancellation."""

    def __init__(
        self,
        guard: Guard,
        clock: Clock,
        *,
        limits: Limits,
        user_agent: str,
        robots: bool,
        per_host_seconds: float,
        resolver: AbstractResolver | None = None,
    ) -> None:
        resolver = resolver or GuardedResolver(guard)
        self._session = guarded_session(guard, resolver=resolver)
        self._fetcher = Fetcher(self._session, guard, clock, user_agent=user_agent, resolver=resolver)
        self._robots = Robots(self._fetcher, clock, limits) if robots else None
        self._limits = limits
        self._clock = clock
        self._pause = per_host_seconds

    async def ask(self, ask: Ask) -> Answer:
        """The answer to one request, or why it was not made."""
        if self._robots is None:
            return await self._fetcher.fetch(ask, self._limits)
        refusal = await self._refusal(self._robots, ask)
        if refusal is not None:
            return refusal
        # where a redirect leads is asked for as well, on its own site's word
        may = partial(self._may, self._robots, ask.proxy)
        return await self._fetcher.fetch(ask, self._limits, may=may)

    async def _may(self, robots: Robots, proxy: str | None, url: str) -> Answer | None:
        return await self._refusal(robots, Ask(url, proxy=proxy))

    async def _refusal(self, robots: Robots, ask: Ask) -> Answer | None:
        known = robots.known(ask)
        refusal = await robots.refusal(ask)
        if refusal is None and not known and self._pause > 0:
            await self._clock.sleep(self._pause)  # robots.txt was a request to that host as well
        return refusal

    async def close(self) -> None:
        """Close all connections. Safe to call twice."""
        await self._session.close()
