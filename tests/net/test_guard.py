"""The guard at the URL, the resolver and the socket (H1-18), with real sessions."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from wirewatch.errors import BadInput
from wirewatch.net import Guard, GuardedResolver, blocked_cause, guarded_session

LOOPBACK = [ip_network("127.0.0.0/8")]


class Names(GuardedResolver):
    """A guarded resolver with a name server of the test's own."""

    def __init__(self, guard: Guard, answers: dict[str, list[str]]) -> None:
        super().__init__(guard)
        self.answers = answers

    async def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[Any]:
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port))
            for a in self.answers[host]
        ]


class Careless(AbstractResolver):
    """A resolver that guards nothing: what is left is the socket."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=a,
                port=port,
                family=socket.AF_INET6 if ":" in a else socket.AF_INET,
                proto=6,
                flags=socket.AI_NUMERICHOST,
            )
            for a in self.addresses
        ]

    async def close(self) -> None:
        return None


@pytest.fixture
async def origin() -> AsyncIterator[tuple[int, list[str]]]:
    """A server on loopback, and what it was asked."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(text="private")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        await web.SockSite(runner, s).start()
        yield s.getsockname()[1], asked
        await runner.cleanup()


async def _blocked(session: aiohttp.ClientSession, url: str, **kwargs: Any) -> BadInput:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever is raised, the guard must be behind it
        async with session.get(url, **kwargs):
            pass
    cause = blocked_cause(raised.value)
    assert cause is not None, raised.value
    assert cause.reason == "blocked"
    return cause


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]"])
async def test_h1_6_a_literal_private_host_gets_no_connection_even_without_a_url_check(
    origin: tuple[int, list[str]], host: str
) -> None:
    port, asked = origin
    async with guarded_session(Guard()) as session:
        await _blocked(session, f"http://{host}:{port}/")
    assert asked == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fec0::1]",
        "2130706433",
        "0x7f000001",
        "①②⑦.⓪.⓪.①",
    ],
)
def test_h1_12_a_url_that_spells_a_private_address_is_blocked_by_its_text(host: str) -> None:
    with pytest.raises(BadInput) as raised:
        Guard().check_url(f"http://{host}/feed")
    assert raised.value.reason == "blocked"
    assert "allow_networks" in str(raised.value) or "in full" in str(raised.value)


async def test_h13_a_name_that_resolves_to_a_private_address_on_connect_is_blocked_at_the_socket(
    origin: tuple[int, list[str]],
) -> None:
    port, asked = origin
    async with guarded_session(Guard(), resolver=Careless("127.0.0.1")) as session:
        await _blocked(session, f"http://rebinding.example:{port}/")
    # the connector tries several at once, and mixes their errors
    async with guarded_session(Guard(), resolver=Careless("127.0.0.1", "::1", "10.0.0.1")) as session:
        await _blocked(session, f"http://rebinding.example:{port}/")
    assert asked == []


async def test_h13_a_name_that_is_public_first_and_private_later_is_blocked_when_it_turns() -> None:
    guard = Guard()
    names = Names(guard, {"turns.example": ["93.184.216.34"]})
    assert [a["host"] for a in await names.resolve("turns.example", 80)] == ["93.184.216.34"]
    names.answers["turns.example"] = ["127.0.0.1"]
    async with guarded_session(guard, resolver=names) as session:
        await _blocked(session, "http://turns.example/")


async def test_h14_one_private_answer_rejects_all() -> None:
    names = Names(Guard(), {"mixed.example": ["93.184.216.34", "10.0.0.7"]})
    with pytest.raises(BadInput, match=r"mixed\.example.*10\.0\.0\.7"):
        await names.resolve("mixed.example", 80)


async def test_localhost_is_blocked_like_its_address() -> None:
    async with guarded_session(Guard()) as session:
        await _blocked(session, "http://localhost:9/")


async def test_h15_a_redirect_that_a_caller_lets_the_library_follow_is_blocked_at_the_socket(
    origin: tuple[int, list[str]],
) -> None:
    port, asked = origin
    app = web.Application()

    async def away(_: web.Request) -> web.Response:
        raise web.HTTPFound(f"http://10.0.0.1:{port}/secret")

    app.router.add_get("/", away)
    runner = web.AppRunner(app)
    await runner.setup()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        await web.SockSite(runner, s).start()
        async with guarded_session(Guard(LOOPBACK)) as session:
            await _blocked(session, f"http://127.0.0.1:{s.getsockname()[1]}/")
        await runner.cleanup()
    assert asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://host\\@127.0.0.1/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "jar:http://example.org!/x",
        "source:http://example.org/",
        "http:///nohost",
        "http://exa mple.org/",
        "http://example.org/\r\nX: y",
        "http://example.org:99999/",
    ],
)
def test_h16_17_what_is_no_plain_http_url_is_refused_in_words(url: str) -> None:
    with pytest.raises(BadInput) as raised:
        Guard(LOOPBACK).check_url(url)
    assert raised.value.reason == "bad-url"


async def test_h18_a_host_for_another_protocol_is_checked_before_it_is_called() -> None:
    guard = Guard()
    names = Names(guard, {"mail.example": ["192.168.0.9"], "good.example": ["93.184.216.34"]})
    for host in ("127.0.0.1", "0x7f000001", "mail.example"):
        with pytest.raises(BadInput) as raised:
            await guard.check_host(host, 25, resolver=names)
        assert raised.value.reason == "blocked"
    await guard.check_host("good.example", 25, resolver=names)
    with pytest.raises(OSError, match="no such name"):
        await guard.check_host("missing.example", 25, resolver=names)


async def test_h18_a_private_host_is_reached_only_where_its_network_is_allowed(origin: tuple[int, list[str]]) -> None:
    port, asked = origin
    async with guarded_session(Guard([ip_network("10.0.0.0/8")])) as session:
        await _blocked(session, f"http://127.0.0.1:{port}/no", headers={})
    async with guarded_session(Guard(LOOPBACK)) as session:
        async with session.get(f"http://127.0.0.1:{port}/yes") as response:
            assert await response.text() == "private"
        async with session.post(f"http://127.0.0.1:{port}/hook", json={}) as response:
            assert response.status == 200
    assert asked == ["/yes", "/hook"]


async def test_a_proxy_passes_the_guard_as_well(origin: tuple[int, list[str]]) -> None:
    port, asked = origin
    async with guarded_session(Guard()) as session:
        await _blocked(session, "http://93.184.216.34/", proxy=f"http://127.0.0.1:{port}")
    assert asked == []


async def test_nothing_is_taken_from_the_environment(
    origin: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, asked = origin
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with guarded_session(Guard(LOOPBACK)) as session, session.get(f"http://127.0.0.1:{port}/direct") as response:
        assert response.status == 200
    assert asked == ["/direct"]


async def test_f15_a_name_server_that_never_answers_holds_up_no_other_lookup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        if host.startswith("slow"):
            release.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    resolver = GuardedResolver(Guard())
    stuck = [asyncio.create_task(resolver.resolve(f"slow{n}.example", 80)) for n in range(100)]
    try:
        assert await asyncio.wait_for(resolver.resolve("fast.example", 80), 5)
        assert not any(task.done() for task in stuck)
    finally:
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        release.set()


async def test_lookups_given_up_still_count_until_their_threads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    release, running = threading.Event(), []

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        running.append(host)
        release.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    resolver = GuardedResolver(Guard(), threads=2)
    given_up = [asyncio.create_task(resolver.resolve(f"{n}.example", 80)) for n in range(2)]
    while len(running) < 2:  # noqa: ASYNC110 - a thread sets it
        await asyncio.sleep(0.001)
    for task in given_up:
        task.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    third = asyncio.create_task(resolver.resolve("third.example", 80))
    await asyncio.sleep(0.01)
    assert running == ["0.example", "1.example"]
    release.set()
    assert (await asyncio.wait_for(third, 5))[0]["host"] == "93.184.216.34"


async def test_lookups_in_threads_give_the_machine_s_own_names() -> None:
    found = await GuardedResolver(Guard([*LOOPBACK, ip_network("::1/128")])).resolve("localhost", 80)
    assert {a["host"] for a in found} & {"127.0.0.1", "::1"}


def test_a_refusal_says_no_secret() -> None:
    with pytest.raises(BadInput) as raised:
        Guard().check_url("ftp://user:hunter2@example.org/?token=abc")
    assert "hunter2" not in str(raised.value)
    assert "abc" not in str(raised.value)
