"""Real origins on loopback, and what tests of producers write and read."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_network

from aiohttp import web

from producers.answers import Limits
from wirewatch import topics
from wirewatch.brokers.embedded.broker import EmbeddedBroker
from wirewatch.brokers.interface import NewRecord
from wirewatch.events import CeType, Feed, FetchRequest, Poll, SnapshotInfo, decode, encode, headers_for

LOOPBACK = [ip_network("127.0.0.0/8")]
LIMITS = Limits(connect_seconds=2, total_seconds=3, max_body=1 << 20)
RawAnswer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Origin:
    """A server of the test's own on a free port; ``asked`` are the requests, in order."""

    def __init__(self) -> None:
        self.routes: dict[str, Answering] = {}
        self.asked: list[web.Request] = []
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [request.path for request in self.asked]

    async def start(self) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            self.asked.append(request)
            handler = self.routes.get(request.path)
            return await handler(request) if handler else web.Response(status=404)

        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen()
        self.port = s.getsockname()[1]
        await web.SockSite(self._runner, s).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def serve(self, path: str, body: bytes = b"", **kwargs: object) -> None:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(body=body, **kwargs)  # type: ignore[arg-type]  # passed on as the test wrote it

        self.routes[path] = answer


async def put_feed(broker: EmbeddedBroker, feed: Feed) -> None:
    headers = headers_for(CeType.FEED, id=feed.id, source="test", time="2022-01-01T00:00:00.000Z")
    await broker.publish([NewRecord(topics.FEEDS.name, feed.id, encode(feed), headers)])


async def drop_feed(broker: EmbeddedBroker, feed_id: str) -> None:
    await broker.publish([NewRecord(topics.FEEDS.name, feed_id, None, {})])


async def put_request(broker: EmbeddedBroker, request: FetchRequest) -> None:
    headers = headers_for(CeType.FETCH_REQUEST, id=request.id, source="test", time=request.time)
    await broker.publish([NewRecord(topics.FETCH_REQUESTS.name, request.feed_id, encode(request), headers)])


async def snapshots(broker: EmbeddedBroker) -> list[tuple[SnapshotInfo, bytes | None]]:
    records = await broker.read(topics.SNAPSHOTS.name, 0, 0, max_records=10_000)
    return [(decode(r.headers["ww_info"].encode(), SnapshotInfo), r.value) for r in records]


async def last_polls(broker: EmbeddedBroker) -> dict[str, Poll]:
    return {key: decode(r.value or b"", Poll) for key, r in (await broker.latest(topics.POLLS.name)).items()}


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - it watches a log, not an event
            await asyncio.sleep(0.01)


async def until_quiet(origin: Origin, *, seconds: float = 10) -> None:
    """Wait until nothing was asked for a while: many times as long as between two requests of a feed before."""
    async with asyncio.timeout(seconds):
        count = -1
        while len(origin.asked) > count:
            count = len(origin.asked)
            await asyncio.sleep(0.3)  # nothing says that no more will be asked
