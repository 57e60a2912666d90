"""A poller at work for the length of a test, and a feed for it to ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from producers.poller import Poller
from tests.producers.kit import Origin
from wirewatch.brokers.embedded.broker import EmbeddedBroker
from wirewatch.events import Feed
from wirewatch.settings.declared import Settings


@asynccontextmanager
async def polling(broker: EmbeddedBroker, settings: Settings, **kwargs: object) -> AsyncIterator[Poller]:
    """A poller that runs until the block ends."""
    poller = Poller(broker, settings, **kwargs)  # type: ignore[arg-type]  # passed on as the test wrote it
    task = asyncio.create_task(poller.run())
    try:
        yield poller
    finally:
        poller.stop()
        await asyncio.wait_for(task, 15)


def feed_at(origin: Origin, path: str = "/feed", **kwargs: object) -> Feed:
    """The feed ``f`` at that origin."""
    return Feed(**{"id": "f", "url": origin.url + path, "every": "20ms", **kwargs})  # type: ignore[arg-type]  # as given
