"""The probes of any process: what they say while it starts, works, waits for a server, and stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.web.kit import FakeClock
from wirewatch.errors import PassingFault, UserError
from wirewatch.metrics import DEPENDENCY_UP
from wirewatch.probes import ProbeListener, Readiness
from wirewatch.probes.asking import ask, probe_address
from wirewatch.settings import Settings
from wirewatch.settings.declared import Ops, Web
from wirewatch.settings.load import load


class Process:
    """A process whose phase and dependency a test moves."""

    def __init__(self) -> None:
        self.phase: str | None = None
        self.broker: str | None = None
        self.asked = 0
        self.clock = FakeClock()
        self.readiness = Readiness(lambda: self.phase, self.clock, patience=0.05)
        self.readiness.add("broker", self.check)

    async def check(self) -> str | None:
        self.asked += 1
        return self.broker


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
async def listener(process: Process) -> AsyncIterator[ProbeListener]:
    opened = ProbeListener("127.0.0.1:0", process.readiness)
    await opened.start()
    yield opened
    await opened.close()


async def get(url: str, host: str | None = None) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers={"Host": host} if host else {}) as answer,
    ):
        return answer.status, await answer.text()


def up() -> float:
    value = next(iter(DEPENDENCY_UP.collect())).samples
    return next(sample.value for sample in value if sample.labels["dependency"] == "broker")


async def test_a_process_that_starts_or_stops_is_alive_and_not_ready(process: Process, listener: ProbeListener) -> None:
    process.phase = "starting"
    assert (await get(f"{listener.url}healthz"))[0] == 200
    assert await get(f"{listener.url}readyz") == (503, "starting\n")


async def test_a_dependency_that_is_away_makes_it_unready_not_dead_and_is_named(
    process: Process, listener: ProbeListener
) -> None:
    process.broker = "kafka://somebody:secret@h:9092 does not answer"
    status, words = await get(f"{listener.url}readyz")
    assert status == 503
    assert words.startswith("broker: ")
    assert "secret" not in words
    assert (await get(f"{listener.url}healthz"))[0] == 200
    assert up() == 0
    process.broker = None
    process.clock.ms += 2_001
    assert await get(f"{listener.url}readyz") == (200, "ready\n")
    assert up() == 1


async def test_a_scrape_alone_finds_out_what_is_away(process: Process, listener: ProbeListener) -> None:
    process.broker = "away"
    status, text = await get(f"{listener.url}metrics")
    assert status == 200
    assert 'wirewatch_dependency_up{dependency="broker"} 0.0' in text


async def test_many_callers_do_not_make_many_questions(process: Process) -> None:
    await asyncio.gather(*(process.readiness.why_not() for _ in range(20)))
    assert process.asked == 1


async def test_a_dependency_that_hangs_or_raises_counts_as_away(process: Process) -> None:
    async def hangs() -> str | None:
        await asyncio.Event().wait()
        raise AssertionError

    async def faulty() -> str | None:
        raise PassingFault("no route")

    async def mistaken() -> str | None:
        raise KeyError("x")

    process.readiness.add("index", hangs)
    process.readiness.add("control", faulty)
    process.readiness.add("broker", mistaken)
    why = await process.readiness.why_not()
    assert why is not None
    assert why.splitlines() == [
        "broker: the check itself failed; the log says more",
        "index: no answer within 0.05 s",
        "control: no route",
    ]


async def test_on_loopback_only_loopback_names_are_answered(listener: ProbeListener) -> None:
    port = listener.url.rpartition(":")[2].strip("/")
    assert (await get(f"{listener.url}metrics", f"localhost:{port}"))[0] == 200
    assert (await get(f"{listener.url}metrics", "evil.example"))[0] == 403


async def test_on_another_address_any_name_is_answered_for_a_probe_calls_by_address(process: Process) -> None:
    opened = ProbeListener("0.0.0.0:0", process.readiness)
    await opened.start()
    try:
        port = opened.url.rpartition(":")[2]
        assert (await get(f"http://127.0.0.1:{port}readyz", "10.2.3.4"))[0] == 200
    finally:
        await opened.close()


async def test_a_port_that_is_taken_is_said(process: Process, listener: ProbeListener) -> None:
    address = listener.url.removeprefix("http://").strip("/")
    with pytest.raises(UserError, match="each process on one machine needs a port of its own"):
        await ProbeListener(address, process.readiness).start()


async def test_it_is_asked_as_a_health_check_asks(process: Process, listener: ProbeListener) -> None:
    address = listener.url.removeprefix("http://").strip("/")
    settings = Settings(ops=Ops(listen=address))
    assert await asyncio.to_thread(ask, settings, "/readyz", timeout=5) == (True, "ready")
    process.phase = "stopping"
    assert await asyncio.to_thread(ask, settings, "/readyz", timeout=5) == (False, "stopping")
    await listener.close()
    well, words = await asyncio.to_thread(ask, settings, "/readyz", timeout=5)
    assert not well
    assert words.startswith(f"{address} does not answer")


@pytest.mark.parametrize(
    ("ops", "web", "asked"),
    [
        ("0.0.0.0:9765", "127.0.0.1:8765", ("127.0.0.1", 9765)),
        ("[::]:9765", "127.0.0.1:8765", ("::1", 9765)),
        ("", "127.0.0.1:8765", ("127.0.0.1", 8765)),
        ("inside.example:9765", "127.0.0.1:8765", ("inside.example", 9765)),
    ],
)
def test_the_own_listener_is_asked_else_the_page(ops: str, web: str, asked: tuple[str, int]) -> None:
    assert probe_address(Settings(ops=Ops(listen=ops), web=Web(listen=web))) == asked


def test_the_listener_is_off_unless_an_address_is_set_and_a_bad_one_is_refused() -> None:
    assert load(environ={"WIREWATCH_OPS_LISTEN": ""}).settings.ops.listen == ""
    with pytest.raises(UserError, match="WIREWATCH_OPS_LISTEN: '9765' is no address to listen on"):
        load(environ={"WIREWATCH_OPS_LISTEN": "9765"})
