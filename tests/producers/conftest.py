"""Real origins on loopback, and the fetcher that asks them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import web

from producers.answers import Limits
from producers.fetch import Fetcher
from wirewatch import topics
from wirewatch.brokers.embedded import open_runner
from wirewatch.brokers.embedded.broker import EmbeddedBroker
from wirewatch.brokers.interface import NewRecord
from wirewatch.events import CeType, Feed, FetchRequest, Poll, SnapshotInfo, decode, encode, headers_for
from wirewatch.net import Guard, guarded_session
from wirewatch.settings.declared import Ops, Settings
from wirewatch.settings.declared import Poll as PollSettings
from wirewatch.times import SystemClock

LOOPBACK = [ip_network("127.0.0.0/8")]
LIMITS = Limits(connect_seconds=2, total_seconds=3, max_body=1 << 20)
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
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen()
        self.port = s.getsockname()[1]
        await web.SockSite(self._runner, s, shutdown_timeout=0.1).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def serve(self, path: str, body: bytes = b"", **kwargs: object) -> None:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(body=body, **kwargs)  # type: ignore[arg-type]  # passed on as the test wrote it

        self.routes[path] = answer


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    one = Origin()
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
async def other_origin() -> AsyncIterator[Origin]:
    one = Origin()
    await one.start()
    yield one
    await one.stop()


RawAnswer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def raw_origin() -> AsyncIterator[Callable[[RawAnswer], Awaitable[str]]]:
    """A server that writes what it likes, HTTP or not: give it a coroutine, get its URL."""
    servers: list[asyncio.Server] = []
    tasks: set[asyncio.Task[object]] = set()

    async def start(answer: RawAnswer) -> str:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await reader.readuntil(b"\r\n\r\n")
                await answer(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                writer.close()
                tasks.discard(task)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/feed"

    yield start
    for server in servers:
        server.close()
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    guard = Guard(LOOPBACK)
    async with guarded_session(guard) as session:
        yield Fetcher(session, guard, SystemClock(), user_agent="wirewatch/0 (+test)")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    one = open_runner(tmp_path / "log")
    yield one
    await one.close()


@pytest.fixture
def settings() -> Settings:
    """Fast polling on loopback, without robots.txt and canary."""
    poll = PollSettings(
        min_interval="20ms",
        per_host_interval="0s",
        feed_interval="20ms",
        live_interval="20ms",
        connect_timeout="2s",
        total_timeout="2s",
        max_interval="100ms",
        robots=False,
    )
    return Settings(allow_networks=["127.0.0.0/8"], poll=poll, ops=Ops(canary_every="0s"))


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


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 10) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - it watches a log, not an event
            await asyncio.sleep(0.01)
