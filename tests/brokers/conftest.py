"""A clock that stands where it is put, shared by the embedded broker's tests."""

from __future__ import annotations

import pytest


class FakeClock:
    """Time as the test says; sleeping passes it at once."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
