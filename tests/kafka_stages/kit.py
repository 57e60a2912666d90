"""What the tests of stages on Kafka ask of an origin, and how they wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web
from msgspec import Struct

PARTITIONS = 6
SESSION_MS = 6_000
"""The shortest session that a broker allows as it comes."""


class Asked(Struct, frozen=True):
    """A request: for which feed, by which poller, when."""

    feed: str
    poller: str
    at: float


class CountingOrigin:
    """Serves ``/<feed>``; notes who asks. ``held``: feeds whose answers wait until they are let go."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.bodies: dict[str, bytes] = {}
        self.held: dict[str, asyncio.Event] = {}
        self.waiting: list[Asked] = []
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/{feed}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = site.name

    async def stop(self) -> None:
        for event in self.held.values():
            event.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        feed = request.match_info["feed"]
        # pollers are told apart by the contact in what they call themselves
        poller = request.headers["User-Agent"].rpartition("poller-")[2][:1]
        asked = Asked(feed, poller, time.monotonic())
        self.asked.append(asked)
        body = self.bodies.get(feed, f"<rss>{feed}</rss>".encode())
        if feed in self.held:
            self.waiting.append(asked)
            await self.held[feed].wait()
        tag = f'"{hash(body)}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=body, content_type="text/xml", headers={"ETag": tag})

    def since(self, moment: float) -> list[Asked]:
        """What was asked after that moment."""
        return [asked for asked in self.asked if asked.at > moment]

    def sharers(self, feeds: Iterable[str], seconds: float) -> dict[str, set[str]]:
        """Who asked each feed in the last so many seconds."""
        found: dict[str, set[str]] = {feed: set() for feed in feeds}
        for asked in self.since(time.monotonic() - seconds):
            if asked.feed in found:
                found[asked.feed].add(asked.poller)
        return found


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> float:
    """Wait for what other processes bring about; how long it took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - another process's doing is no event of ours
            await asyncio.sleep(0.05)
    return time.monotonic() - began
