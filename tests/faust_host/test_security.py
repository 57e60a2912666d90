"""A Faust worker speaks TLS and SASL as the settings say."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.brokers.kafka.conftest import PASSWORD, SCRAM, make_certificate
from tests.faust_host.kit import PARTITIONS, Numbered, committed_all, create_topics, numbered, opened, running, until
from tests.servers.kafka import KafkaServer, Listener
from tests.servers.maven import ServerMissing, skip_or_fail
from wirewatch.brokers.kafka import KafkaBroker, Layout, read_address
from wirewatch.settings.declared import Kafka
from wirewatch.topics import SNAPSHOTS


@pytest.mark.servers
async def test_a_worker_works_over_tls_with_a_password(tmp_path: Path) -> None:
    try:
        both, certificate = make_certificate(tmp_path)
        tls = {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(both)}
        listener = Listener("SASL_SSL", {**SCRAM, **tls})
        server = KafkaServer(tmp_path / "kafka", listeners=[listener], scram={"app": PASSWORD})
    except ServerMissing as missing:
        skip_or_fail(missing)
    await asyncio.to_thread(server.start)
    url = f"kafka://{server.addresses['SASL_SSL']}"
    settings = Kafka(
        partitions=PARTITIONS,
        tls=True,
        ca_file=str(certificate),
        username="app",
        password=PASSWORD,
        session_timeout="6s",
    )
    broker = KafkaBroker(read_address(url, settings), layout=Layout(partitions=PARTITIONS))
    try:
        async with opened(server.url, "") as plain:
            await create_topics(plain)
        await broker.open()
        await broker.publish(numbered(10, keys=2))
        async with running(broker, Numbered(), tmp_path):
            await until(lambda: committed_all(broker, "diff", SNAPSHOTS.name))
    finally:
        await broker.close()
        await asyncio.to_thread(server.stop)
