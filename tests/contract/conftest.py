"""Brokers under test. A new implementation is added here and is held to the same suite."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from tests.servers.kafka import KafkaServer
from wirewatch.brokers.embedded import open_runner
from wirewatch.brokers.interface import Broker
from wirewatch.brokers.kafka import Address, KafkaBroker
from wirewatch.topics import Topic

OpenBroker = Callable[[str, Sequence[Topic]], Awaitable[Broker]]


def embedded(folder: Path) -> OpenBroker:
    async def open_broker(name: str, topics: Sequence[Topic]) -> Broker:
        broker = open_runner(folder / name, topics=())
        await broker.create_topics(topics)
        return broker

    return open_broker


def kafka(server: KafkaServer) -> OpenBroker:
    # the server is shared: each test has names of its own on it
    unique = uuid.uuid4().hex[:8]

    async def open_broker(name: str, topics: Sequence[Topic]) -> Broker:
        broker = KafkaBroker(Address((server.bootstrap,), session_ms=6_000), prefix=f"{unique}.{name}.")
        await broker.open()
        await broker.create_topics(topics)
        return broker

    return open_broker


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.servers)])
def open_broker(request: pytest.FixtureRequest, tmp_path: Path) -> OpenBroker:
    """Opens the store of that name with these topics: the same store for the same name."""
    if request.param == "kafka":
        return kafka(request.getfixturevalue("kafka"))
    return embedded(tmp_path)
