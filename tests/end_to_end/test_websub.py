"""The whole program and a real hub (WebSub) on loopback: it subscribes, and what is pushed is seen at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.end_to_end.bad_sources import rss
from tests.end_to_end.program import Program
from tests.producers.hub import Hub, push
from tests.producers.kit import Origin
from tests.servers.processes import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
FIRST = ("Dam breaks above Velmora", "Bridge at Tarn closed", "Schools in Velmora stay shut")


class Source:
    """A feed whose hub is announced in its Link headers, and what it shows."""

    def __init__(self, origin: Origin, hub: Hub) -> None:
        self.headlines = list(FIRST)
        self.asked = 0
        self.url = f"{origin.url}/feed"
        self._links = f'<{hub.url}>; rel="hub", <{self.url}>; rel="self"'
        origin.routes["/feed"] = self._answer

    async def _answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(
            body=rss(*self.headlines), content_type="application/rss+xml", headers={"Link": self._links}
        )


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    one = Origin()
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


async def _until(holds: Callable[[], object], program: Program, *, seconds: float = 40) -> float:
    """Wait for what the program or the hub brings about; the seconds that took."""
    began = time.monotonic()
    while not holds():
        assert program.alive(), program.log()[-3000:]
        assert time.monotonic() < began + seconds, program.log()[-3000:]
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def _write(program: Program, feeds: str, port: int, *, public: bool = True) -> str:
    """Settings under which nothing is polled again by itself within the test."""
    url = f"http://127.0.0.1:{port}"
    (program.folder / "wirewatch.toml").write_text(
        f"""data_dir = "data"
allow_networks = ["127.0.0.0/8"]
[web]
listen = "127.0.0.1:{port}"
token = "0123456789abcdef-secret"
{f'public_url = "{url}/"' if public else ""}
[poll]
min_interval = "100ms"
per_host_interval = "0s"
feed_interval = "20m"
robots = false
[ops]
canary_every = "0s"
{feeds}"""
    )
    return url


async def _found(url: str, words: str) -> int:
    """How many entries a search finds."""
    headers = {"Authorization": "Bearer 0123456789abcdef-secret"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/api/v1/search", params={"q": words}, headers=headers) as answer,
    ):
        return len((await answer.json())["entries"]) if answer.status == 200 else 0


async def test_a_push_makes_a_new_entry_appear_at_once_and_a_removed_feed_leaves_its_hub(
    program: Program, origin: Origin
) -> None:
    hub = Hub(origin)
    source = Source(origin, hub)
    feeds = f'[[feeds]]\nid = "velmora"\nurl = "{source.url}"\n'
    port = free_port()
    _write(program, feeds, port)
    program.start()
    try:
        await _until(lambda: hub.held, program)
        [held] = hub.held.values()
        assert held.callback.startswith(f"http://127.0.0.1:{port}/websub/velmora/")
        polls_before = source.asked
        told = await asyncio.to_thread(program.call, "feeds", "show", "velmora")
        assert "tells of changes until" in told

        # a push that is not signed by the hub, or is not for us, changes nothing
        assert await push(held.callback, b"x", "guessed") == 202
        assert await push(held.callback[:-4] + "0000", b"x", held.secret) == 404
        source.headlines.append("Dam at Velmora holds again")
        assert source.asked == polls_before

        began = time.monotonic()
        assert await hub.distribute(source.url, rss("this text is not used")) == [202]
        await _until(lambda: source.asked > polls_before, program)

        def shown() -> bool:
            events = program.values("wirewatch.entries.v1")
            return any(event["op"] == "created" and "holds again" in event["headline"] for event in events)

        while not await asyncio.to_thread(shown):
            assert time.monotonic() < began + 30, program.log()[-3000:]
        [poll] = program.values("wirewatch.polls.v1")[-1:]
        assert poll["hub"]["pushed_at"] is not None
        assert held.secret not in program.log()
        assert not any(held.secret in str(value) or held.callback in str(value) for value in [poll])

        await asyncio.to_thread(program.stop)
        _write(program, "", port)
        program.start()
        await _until(program.polls, program)
        assert await push(held.callback, b"x", held.secret) == 410
    finally:
        program.end()


async def test_a_restart_keeps_the_lease_and_a_feed_removed_while_it_runs_is_taken_from_the_hub(
    program: Program, origin: Origin
) -> None:
    hub = Hub(origin)
    source = Source(origin, hub)
    port = free_port()
    _write(program, "", port)
    program.start()
    try:
        await _until(program.polls, program)
        await asyncio.to_thread(program.call, "feeds", "add", source.url, "--id", "velmora")
        await _until(lambda: hub.held, program)
        [held] = hub.held.values()
        program.kill()
        program.start()
        await _until(program.polls, program)
        polls_before = source.asked
        assert await _pushed(hub, source.url) == [202]
        await _until(lambda: source.asked > polls_before, program)
        assert [form["hub.mode"] for form in hub.forms] == ["subscribe"], "what it agreed to goes on"

        await asyncio.to_thread(program.call, "feeds", "remove", "velmora")
        await _until(lambda: not hub.held, program)
        assert hub.verified[-1] == ("unsubscribe", 200)
        assert held.callback == hub.forms[-1]["hub.callback"]
    finally:
        program.end()


async def _pushed(hub: Hub, topic: str) -> list[int]:
    """Push until the page is up."""
    for _ in range(200):
        try:
            return await hub.distribute(topic, b"<rss/>")
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.05)
    return []


async def test_a_hub_that_verifies_another_topic_or_denies_leaves_the_feed_to_polling(
    program: Program, origin: Origin
) -> None:
    hub = Hub(origin)
    hub.topic = "https://elsewhere.example/"
    source = Source(origin, hub)
    other = Origin()
    await other.start()
    denying = Hub(other)
    denying.deny = "not you"
    denied = Source(other, denying)
    feeds = f'[[feeds]]\nid = "lied"\nurl = "{source.url}"\n[[feeds]]\nid = "denied"\nurl = "{denied.url}"\n'
    _write(program, feeds, free_port())
    program.start()
    try:
        await _until(lambda: hub.verified and denying.verified, program)
        assert hub.verified == [("subscribe", 404)]
        assert denying.verified == [("subscribe", 200)]
        assert not hub.held
        lied = await asyncio.to_thread(program.call, "feeds", "show", "lied")
        assert "has not agreed yet" in lied

        async def words() -> str:
            return await asyncio.to_thread(program.call, "feeds", "show", "denied")

        for _ in range(20):
            if "not you" in (said := await words()):
                break
        assert "will not tell us (the hub denies it: not you)" in said
    finally:
        program.end()
        await other.stop()


async def test_without_a_public_address_no_hub_is_asked_and_the_log_says_so_once(
    program: Program, origin: Origin
) -> None:
    hub = Hub(origin)
    source = Source(origin, hub)
    _write(program, f'[[feeds]]\nid = "velmora"\nurl = "{source.url}"\n', free_port(), public=False)
    program.start()
    try:
        await _until(lambda: "web.public_url" in program.log(), program)
        await asyncio.to_thread(program.stop)
    finally:
        program.end()
    assert hub.forms == []
    assert program.log().count("web.public_url") == 1
