from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from tests.faust_host.kit import create_topics, opened
from tests.servers.kafka import KafkaServer
from wirewatch.brokers.kafka import KafkaBroker


@pytest.fixture
async def broker(kafka: KafkaServer) -> AsyncIterator[KafkaBroker]:
    """A cluster with all topics, empty, under names of its own."""
    async with opened(kafka.url, f"t{uuid.uuid4().hex[:8]}.") as broker:
        await create_topics(broker)
        yield broker
