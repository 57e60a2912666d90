"""Fixtures for the alerts: a clock that only tests move, a store, a log, and a receiver of webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.alerts.kit import FakeClock, Receiver
from wirewatch.brokers.embedded import EmbeddedBroker, open_runner
from wirewatch.control import SqliteControlStore


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteControlStore]:
    opened = SqliteControlStore(tmp_path / "control.db")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    opened = open_runner(tmp_path / "log")
    yield opened
    await opened.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    running = Receiver()
    await running.start()
    yield running
    await running.stop()
