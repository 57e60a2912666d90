"""The poller against origins that mean harm or are plainly broken (H19-28, H59-62), on the embedded broker."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable

import brotli
import pytest
from aiohttp import web
from msgspec.structs import replace

from tests.producers.kit import Origin, RawAnswer, last_polls, put_feed, put_request, snapshots, until
from tests.producers.polling import feed_at, polling
from wirewatch.brokers.embedded.broker import EmbeddedBroker
from wirewatch.events import Feed, FetchRequest
from wirewatch.health import feed_state
from wirewatch.settings.declared import Settings
from wirewatch.times import SystemClock, parse_ms

Raw = Callable[[RawAnswer], Awaitable[str]]


async def _asked(origin: Origin, path: str, times: int) -> bool:
    return Counter(origin.paths())[path] >= times


async def _polled(broker: EmbeddedBroker, *names: str) -> bool:
    return set(names) <= set(await last_polls(broker))


def _redirecting(origin: Origin, path: str, target: str, status: int = 301) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": target})

    origin.routes[path] = answer


async def test_h62_a_chain_of_301_is_believed_after_three_polls_and_checked_again(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    for n in range(3):
        _redirecting(origin, f"/hop{n}", f"/hop{n + 1}" if n < 2 else "/new")
    origin.serve("/new", b"news")
    await put_feed(broker, feed_at(origin, "/hop0"))
    async with polling(broker, settings) as poller:
        await until(lambda: _asked(origin, "/new", 6))
        assert Counter(origin.paths())["/hop0"] == 3, "from then on the new place alone is asked"
        origin.serve("/hop0", b"old place, back again")
        await put_request(broker, FetchRequest("r1", "f", "unconditional", "test", "2099-01-01T00:00:00.000Z"))
        await until(lambda: _asked(origin, "/hop0", 6))
        assert (poller.polls["f"].moved_to, poller.polls["f"].moved_seen) == (None, 0)
    assert b"old place, back again" in [body for _, body in await snapshots(broker)]


async def test_h62_a_hijack_that_lasts_two_polls_moves_nothing(
    broker: EmbeddedBroker, settings: Settings, origin: Origin, other_origin: Origin
) -> None:
    other_origin.serve("/evil", b"not news")
    answers = iter([True, True])

    async def answer(_: web.Request) -> web.Response:
        if next(answers, False):
            return web.Response(status=301, headers={"Location": f"{other_origin.url}/evil"})
        return web.Response(body=b"news")

    origin.routes["/feed"] = answer
    await put_feed(broker, feed_at(origin))
    async with polling(broker, settings):
        await until(lambda: _asked(origin, "/feed", 8))
    assert len(other_origin.asked) == 2
    assert (await last_polls(broker))["f"].moved_to is None


async def test_h62_a_301_to_a_private_address_is_never_followed_nor_kept(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    _redirecting(origin, "/feed", "http://169.254.169.254/latest/meta-data/")
    await put_feed(broker, feed_at(origin))
    async with polling(broker, settings):
        await until(lambda: _asked(origin, "/feed", 4))
    poll = (await last_polls(broker))["f"]
    assert (poll.outcome, poll.moved_to) == ("blocked", None)
    assert await snapshots(broker) == []


async def test_h61_a_410_stops_the_feed_and_tells_its_owner(
    broker: EmbeddedBroker, settings: Settings, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter([web.Response(body=b"news")])

    async def answer(_: web.Request) -> web.Response:
        return next(answers, None) or web.Response(status=410)

    origin.routes["/feed"] = answer
    feed = feed_at(origin)
    await put_feed(broker, feed)

    async def gone() -> bool:
        return (await last_polls(broker)).get("f") is not None and (await last_polls(broker))["f"].stopped

    async with polling(broker, settings):
        await until(gone)
        await asyncio.sleep(0.2)
    assert len(origin.asked) == 2
    assert "it is not asked any more" in capsys.readouterr().out
    health = feed_state(feed, (await last_polls(broker))["f"], None, SystemClock().now_ms())
    assert health.state == "gone"
    assert "410" in health.words


async def test_h19_a_redirect_loop_backs_off(broker: EmbeddedBroker, settings: Settings, origin: Origin) -> None:
    _redirecting(origin, "/feed", "/feed", status=302)
    await put_feed(broker, feed_at(origin))
    far = replace(settings, poll=replace(settings.poll, max_interval="1h"))
    async with polling(broker, far):
        await until(lambda: _asked(origin, "/feed", 6 * 4))
    poll = (await last_polls(broker))["f"]
    assert (poll.outcome, poll.reason) == ("error", "redirects")
    assert parse_ms(poll.next_due) - parse_ms(poll.at) >= 20 * 2 ** (poll.failures - 1) * 0.94


@pytest.mark.parametrize("retry", ["-5", "0", "1000000000000", "Mon, 20 Dec 2010 11:35:20 GMT", "soon", "9" * 5000])
async def test_h60_no_retry_after_brings_a_hot_loop_or_puts_a_feed_off_for_more_than_a_day(
    broker: EmbeddedBroker, settings: Settings, origin: Origin, retry: str
) -> None:
    origin.serve("/feed", status=429, headers={"Retry-After": retry})
    await put_feed(broker, feed_at(origin))
    calm = replace(settings, poll=replace(settings.poll, min_interval="100ms"))
    async with polling(broker, calm):
        await until(lambda: _polled(broker, "f"))
        await asyncio.sleep(0.25)
    assert len(origin.asked) <= 4
    poll = (await last_polls(broker))["f"]
    assert 100 <= parse_ms(poll.next_due) - parse_ms(poll.at) <= 86_400_000


async def test_h59_an_etag_that_would_smuggle_a_header_is_never_sent_back(
    broker: EmbeddedBroker, settings: Settings
) -> None:
    heard: list[bytes] = []
    head = b'HTTP/1.1 200 OK\r\nETag: "a"\r\n X-Evil: 1\r\nConnection: close\r\nContent-Length: 4\r\n\r\nnews'

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(head)
        await writer.drain()
        writer.close()

    async def three() -> bool:
        return len(heard) >= 3

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await put_feed(broker, Feed("f", f"http://127.0.0.1:{port}/", every="20ms"))
        async with polling(broker, settings):
            await until(three)
    for request in heard:
        names = [line.partition(b":")[0].lower() for line in request.split(b"\r\n")]
        assert b"x-evil" not in names
        assert b"\n" not in request.replace(b"\r\n", b"")


def _bomb(encoding: str) -> bytes:
    zeros = b"\0" * (64 << 20)
    if encoding == "gzip":
        return gzip.compress(zeros, 9)
    if encoding == "deflate":
        return zlib.compress(zeros, 9)
    return brotli.compress(zeros, quality=5)


@pytest.mark.parametrize(("encoding", "hazard"), [("gzip", "H21"), ("br", "H22"), ("deflate", "H23")])
async def test_h21_23_a_bomb_is_a_failed_poll_and_no_snapshot(
    broker: EmbeddedBroker, settings: Settings, origin: Origin, encoding: str, hazard: str
) -> None:
    origin.serve("/feed", _bomb(encoding), headers={"Content-Encoding": encoding})
    await put_feed(broker, feed_at(origin, every="1h"))
    async with polling(broker, settings):
        await until(lambda: _polled(broker, "f"))
    assert (await last_polls(broker))["f"].reason == "too-large", hazard
    assert await snapshots(broker) == []


async def test_h24_26_feeds_that_never_end_their_answers_leave_the_others_on_schedule(
    broker: EmbeddedBroker, settings: Settings, origin: Origin, raw_origin: Raw
) -> None:
    async def forever(writer: asyncio.StreamWriter, head: bytes, drip: bytes) -> None:
        writer.write(head)
        while True:
            writer.write(drip)
            await writer.drain()
            await asyncio.sleep(0.005)

    ok = b"HTTP/1.1 200 OK\r\n"
    kinds = {
        "drip": (ok + b"Content-Length: 99999\r\n\r\n", b"x"),
        "headers": (ok, b"X-More: y\r\n"),
        "chunks": (ok + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    }
    for name, (head, drip) in kinds.items():

        async def answer(
            _: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes = head, drip: bytes = drip
        ) -> None:
            await forever(writer, head, drip)

        await put_feed(broker, Feed(name, await raw_origin(answer), every="20ms"))
    origin.serve("/feed", b"news")
    await put_feed(broker, feed_at(origin))
    short = replace(settings, poll=replace(settings.poll, total_timeout="1s", concurrency=8))
    async with polling(broker, short, drain_seconds=0.1):
        await until(lambda: _asked(origin, "/feed", 20), seconds=5)
        await until(lambda: _polled(broker, *kinds), seconds=5)
    polls = await last_polls(broker)
    assert {polls[name].outcome for name in kinds} == {"error"}
    assert {info.feed_id for info, _ in await snapshots(broker)} == {"f"}


async def test_h27_a_cut_body_is_never_published_and_what_was_there_stays(
    broker: EmbeddedBroker, settings: Settings, raw_origin: Raw
) -> None:
    answers = iter([b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnews"])

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers, b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nnew"))
        await writer.drain()

    await put_feed(broker, Feed("f", await raw_origin(answer), every="20ms"))

    async def failing() -> bool:
        poll = (await last_polls(broker)).get("f")
        return poll is not None and poll.failures >= 2

    async with polling(broker, settings):
        await until(failing)
    assert [body for _, body in await snapshots(broker)] == [b"news"]
    poll = (await last_polls(broker))["f"]
    assert (poll.reason, poll.body_number) == ("truncated", 1)


async def test_h20_a_feed_s_headers_do_not_follow_a_believed_move_to_another_origin(
    broker: EmbeddedBroker, settings: Settings, origin: Origin, other_origin: Origin
) -> None:
    _redirecting(origin, "/feed", f"{other_origin.url}/new")
    other_origin.serve("/new", b"news")
    await put_feed(broker, feed_at(origin, headers={"Authorization": "Bearer hush"}))
    async with polling(broker, settings):
        await until(lambda: _asked(other_origin, "/new", 6))
    assert all("Authorization" in request.headers for request in origin.asked)
    assert not any("Authorization" in request.headers for request in other_origin.asked)
