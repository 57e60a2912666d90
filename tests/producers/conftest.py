"""Origins, a fetcher and a broker for the producers' tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from producers.fetch import Fetcher
from tests.producers.kit import LOOPBACK, Origin, RawAnswer
from wirewatch.brokers.embedded import open_runner
from wirewatch.brokers.embedded.broker import EmbeddedBroker
from wirewatch.net import Guard, guarded_session
from wirewatch.settings.declared import Ops, Settings
from wirewatch.settings.declared import Poll as PollSettings
from wirewatch.times import SystemClock


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
