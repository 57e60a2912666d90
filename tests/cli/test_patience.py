from __future__ import annotations

import asyncio

import pytest

from wirewatch.cli.patience import PATIENCE_SECONDS, open_patiently
from wirewatch.errors import PassingFault, UserError


class SleepingClock:
    """Sleeping passes the time at once."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_ms(self) -> int:
        return round(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Server:
    """Is away so many times, then answers."""

    def __init__(self, away: int, error: Exception | None = None) -> None:
        self.away = away
        self.error = error or PassingFault("cannot be reached")
        self.tries = 0

    async def open(self) -> None:
        self.tries += 1
        if self.tries <= self.away:
            raise self.error


async def test_a_start_waits_for_a_server_that_is_starting_too() -> None:
    server, clock = Server(away=4), SleepingClock()
    await open_patiently(server.open, what="the store", clock=clock, stopping=asyncio.Event())
    assert server.tries == 5
    assert 0 < clock.seconds < PATIENCE_SECONDS


async def test_a_start_does_not_wait_for_ever() -> None:
    server, clock = Server(away=1_000), SleepingClock()
    with pytest.raises(PassingFault, match="cannot be reached"):
        await open_patiently(server.open, what="the store", clock=clock, stopping=asyncio.Event())
    assert PATIENCE_SECONDS <= clock.seconds < 3 * PATIENCE_SECONDS


async def test_a_mistake_is_said_at_once() -> None:
    server, clock = Server(away=9, error=UserError("wrong password")), SleepingClock()
    with pytest.raises(UserError, match="wrong password"):
        await open_patiently(server.open, what="the store", clock=clock, stopping=asyncio.Event())
    assert (server.tries, clock.seconds) == (1, 0.0)


async def test_a_start_that_is_told_to_stop_waits_no_longer() -> None:
    server, clock, stopping = Server(away=9), SleepingClock(), asyncio.Event()
    stopping.set()
    with pytest.raises(PassingFault):
        await open_patiently(server.open, what="the store", clock=clock, stopping=stopping)
    assert server.tries == 1
