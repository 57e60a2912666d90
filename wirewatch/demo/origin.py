"""The demo's origin: a real HTTP server on loopback with real ETags, replaying the story."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from wirewatch.demo.story import Moment, Story, closures_list, live_page, wire_feed
from wirewatch.identity import body_hash

if TYPE_CHECKING:
    from wirewatch.times import Clock


class Origin:
    """Serves ``/live``, ``/wire.rss`` and ``/closures.json`` on a free loopback port.

    The story begins when `begin` is called; until then it stands still at its beginning.
    """

    def __init__(self, story: Story, clock: Clock, *, length_ms: int) -> None:
        self._story = story
        self._clock = clock
        self._length_ms = length_ms
        self._began_ms: int | None = None
        self._runner: web.AppRunner | None = None
        self.base = ""
        self.requests = 0
        self.not_modified = 0

    async def start(self) -> None:
        """Begin to serve; raises `OSError` where no port is free."""
        app = web.Application()
        app.router.add_get("/live", self._live)
        app.router.add_get("/wire.rss", self._wire)
        app.router.add_get("/closures.json", self._closures)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.base = f"http://127.0.0.1:{port}"

    def begin(self) -> int:
        """Let the story run from now on; gives the wall time of its start in milliseconds."""
        self._began_ms = self._clock.now_ms()
        return self._began_ms

    async def close(self) -> None:
        """Stop serving. Safe to call twice."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def _moment(self) -> Moment:
        now = self._clock.now_ms()
        began = self._began_ms if self._began_ms is not None else now
        return Moment(100 * (now - began) / self._length_ms if self._began_ms else -1.0, began, self._length_ms)

    async def _live(self, request: web.Request) -> web.Response:
        status, body = live_page(self._story, self._moment())
        return self._answer(request, body, "text/html", status)

    async def _wire(self, request: web.Request) -> web.Response:
        return self._answer(request, wire_feed(self._story, self._moment(), self.base), "application/rss+xml")

    async def _closures(self, request: web.Request) -> web.Response:
        return self._answer(request, closures_list(self._story, self._moment(), self.base), "application/json")

    def _answer(self, request: web.Request, body: bytes, content_type: str, status: int = 200) -> web.Response:
        self.requests += 1
        etag = f'"{body_hash(body)}"'
        if request.headers.get("If-None-Match") == etag:
            self.not_modified += 1
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(
            status=status, body=body, content_type=content_type, charset="utf-8", headers={"ETag": etag}
        )
