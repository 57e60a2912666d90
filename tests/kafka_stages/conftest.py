"""A bare cluster with our topics, and roles of the program as children of the test."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.end_to_end.program import Program
from tests.kafka_stages.kit import PARTITIONS, SESSION_MS, CountingOrigin
from tests.servers.kafka import KafkaServer
from wirewatch.brokers.kafka import Address, KafkaBroker
from wirewatch.brokers.kafka.opening import ALL_TOPICS
from wirewatch.brokers.kafka.topics import Layout


@pytest.fixture
async def broker(kafka: KafkaServer) -> AsyncIterator[KafkaBroker]:
    """The test's own way into a cluster that holds nothing but our topics, all empty."""
    await kafka.empty()
    opened = KafkaBroker(Address((kafka.bootstrap,), session_ms=SESSION_MS), layout=Layout(PARTITIONS, 1))
    await opened.open()
    await opened.create_topics(list(ALL_TOPICS))
    yield opened
    await opened.close()


@pytest.fixture
async def origin() -> AsyncIterator[CountingOrigin]:
    serving = CountingOrigin()
    await serving.start()
    yield serving
    await serving.stop()


@pytest.fixture
async def role(tmp_path: Path, kafka: KafkaServer) -> AsyncIterator[Callable[..., Program]]:
    """A process with one role, on a folder of its own, like another machine; ended with the test."""
    started: list[Program] = []

    def made(role_name: str, name: str, settings: str = "") -> Program:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "wirewatch.toml").write_text(
            f"""broker = "{kafka.url}"
data_dir = "{folder}/data"
allow_networks = ["127.0.0.0/8"]
{settings}
[kafka]
partitions = {PARTITIONS}
session_timeout = "{SESSION_MS}ms"
"""
        )
        program = Program(folder, "--role", role_name)
        started.append(program)
        return program

    yield made
    for program in (alive := [one for one in started if one.alive()]):
        program.thaw()
        program.ask_to_end()
    for program in alive:
        # one that is killed would have partitions of the next test's until its session ends
        await asyncio.to_thread(program.wait_for_end)
    for program in started:
        sys.stdout.write(f"--- {program.folder.name}\n{program.log()[-4_000:]}\n")  # shown where the test failed
