"""A Faust worker on a cluster of its own: TLS and SASL as the settings say, and a cluster that goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from tests.brokers.kafka.conftest import PASSWORD, SCRAM, make_certificate
from tests.faust_host.kit import (
    PARTITIONS,
    Numbered,
    committed_all,
    create_topics,
    length,
    numbered,
    opened,
    running,
    until,
)
from tests.servers.kafka import KafkaServer, Listener
from tests.servers.maven import ServerMissing, skip_or_fail
from wirewatch.brokers.kafka import KafkaBroker, Layout, read_address
from wirewatch.settings.declared import Kafka
from wirewatch.topics import ENTRY_EVENTS, SNAPSHOTS

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]


class Own(Struct):
    """A cluster that no other test uses, and that may be killed."""

    server: KafkaServer
    certificate: Path
    up: bool = False


@pytest.fixture(scope="module")
def one_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    folder = tmp_path_factory.mktemp("own")
    try:
        both, certificate = make_certificate(folder)
        tls = {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(both)}
        listener = Listener("SASL_SSL", {**SCRAM, **tls})
        server = KafkaServer(folder / "kafka", listeners=[listener], scram={"app": PASSWORD})
    except ServerMissing as missing:
        skip_or_fail(missing)
    own = Own(server, certificate)
    try:
        yield own
    finally:
        server.stop()


@pytest.fixture
def own(one_for_all: Own) -> Own:
    """It answers, also after a test that killed it."""
    if not one_for_all.up:
        one_for_all.server.start()
        one_for_all.up = True
    return one_for_all


async def test_a_worker_works_over_tls_with_a_password(own: Own, tmp_path: Path) -> None:
    settings = Kafka(
        partitions=PARTITIONS,
        tls=True,
        ca_file=str(own.certificate),
        username="app",
        password=PASSWORD,
        session_timeout="6s",
    )
    url = f"kafka://{own.server.addresses['SASL_SSL']}"
    broker = KafkaBroker(read_address(url, settings), layout=Layout(partitions=PARTITIONS), prefix="tls.")
    try:
        async with opened(own.server.url, "tls.") as plain:
            await create_topics(plain)
        await broker.open()
        await broker.publish(numbered(10, keys=2))
        async with running(broker, Numbered(), tmp_path):
            await until(lambda: committed_all(broker, "diff", SNAPSHOTS.name))
    finally:
        await broker.close()


async def test_a_worker_stops_in_time_also_while_its_cluster_is_away(own: Own, tmp_path: Path) -> None:
    async with opened(own.server.url, "away.") as broker:
        await create_topics(broker)
        async with running(broker, Numbered(), tmp_path):  # which says how long it may take
            await broker.publish(numbered(20, keys=1))
            await until(lambda: length(broker, ENTRY_EVENTS.name))
            own.up = False
            await asyncio.to_thread(own.server.kill)
