"""Brokers under test. A new implementation is added to BROKERS and is held to the same suite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from wirewatch.brokers.embedded import open_runner
from wirewatch.brokers.interface import Broker
from wirewatch.topics import Topic

OpenBroker = Callable[[str, Sequence[Topic]], Awaitable[Broker]]


def embedded(folder: Path) -> OpenBroker:
    async def open_broker(name: str, topics: Sequence[Topic]) -> Broker:
        broker = open_runner(folder / name, topics=())
        await broker.create_topics(topics)
        return broker

    return open_broker


BROKERS: dict[str, Callable[[Path], OpenBroker]] = {"embedded": embedded}


@pytest.fixture(params=sorted(BROKERS))
def open_broker(request: pytest.FixtureRequest, tmp_path: Path) -> OpenBroker:
    """Opens the store of that name with these topics: the same store for the same name."""
    return BROKERS[request.param](tmp_path)
