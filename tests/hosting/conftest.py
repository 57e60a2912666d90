"""A log with an input and an output topic, and a clock that passes when somebody sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wirewatch.brokers.embedded import EmbeddedBroker, open_runner
from wirewatch.topics import DEAD_LETTERS, Topic

IN = Topic("in.v1", "feed_id", "anything", 3_600_000, 2_000_000)
SECOND = Topic("second.v1", "feed_id", "anything", 3_600_000, 2_000_000)
OUT = Topic("out.v1", "feed_id", "anything", 3_600_000, 10_000)


class PassingClock:
    """Sleeping takes no time here, but the clock says that it did. ``slept`` is what was asked for."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000
        self.slept: list[float] = []

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ms += round(seconds * 1000)
        await asyncio.sleep(0.001 if seconds < 4 else 60)  # the runner's own rounds are not what is tested


@pytest.fixture
def clock() -> PassingClock:
    return PassingClock()


@pytest.fixture
async def broker(tmp_path: Path, clock: PassingClock) -> AsyncIterator[EmbeddedBroker]:
    opened = open_runner(tmp_path / "log", clock=clock, topics=(IN, SECOND, OUT, DEAD_LETTERS))
    yield opened
    await opened.close()
