"""One server of each kind for a whole test session. Registered in `tests/conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.kafka import STEADY, KafkaServer
from tests.servers.maven import ServerMissing, skip_or_fail
from tests.servers.opensearch import OpenSearchServer
from tests.servers.postgresql import PostgresqlServer


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """Apache Kafka, started once and shared.

    A test has names of its own by ``KafkaBroker``'s ``prefix``; one that runs whole processes, whose topics'
    names are fixed, calls `KafkaServer.empty` first. One that stops or kills its server starts its own.
    """
    try:
        server = KafkaServer(tmp_path_factory.mktemp("kafka"), settings=STEADY)
    except ServerMissing as missing:
        skip_or_fail(missing)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """PostgreSQL, started once and shared: each test has a database of its own (`PostgresqlServer.database`)."""
    try:
        server = PostgresqlServer()
    except ServerMissing as missing:
        skip_or_fail(missing)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSearchServer]:
    """OpenSearch, started once and shared: each test has names of its own (``[opensearch] prefix``)."""
    try:
        server = OpenSearchServer(tmp_path_factory.mktemp("opensearch"))
    except ServerMissing as missing:
        skip_or_fail(missing)
    try:
        server.start()
        yield server
    finally:
        server.stop()
