"""One fetch, against well-behaved and hostile origins (H15, H19-28, H59-60)."""

from __future__ import annotations

import asyncio
import base64
import gzip
import time
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from msgspec.structs import replace

from producers.answers import Ask
from producers.fetch import Fetcher
from tests.producers.kit import LIMITS, Origin, RawAnswer
from wirewatch.net import Guard, guarded_session
from wirewatch.times import SystemClock

Raw = Callable[[RawAnswer], Awaitable[str]]


async def test_a_body_comes_whole_with_its_validators(origin: Origin, fetcher: Fetcher) -> None:
    headers = {"ETag": 'W/"a"b"', "Last-Modified": "Mon, 20 Dec 2021 11:35:20 GMT", "Content-Type": "text/xml"}
    origin.serve("/feed", b"<rss/>", headers=headers)
    answer = await fetcher.fetch(Ask(f"{origin.url}/feed"), LIMITS)
    assert (answer.status, answer.body, answer.reason, answer.content_type) == (200, b"<rss/>", None, "text/xml")
    assert (answer.etag, answer.last_modified) == ('W/"a"b"', "Mon, 20 Dec 2021 11:35:20 GMT")
    asked = origin.asked[0].headers
    assert asked["User-Agent"] == "wirewatch/0 (+test)"
    assert "If-None-Match" not in asked
    assert "Cookie" not in asked


async def test_validators_are_echoed_exactly_and_304_is_an_answer(origin: Origin, fetcher: Fetcher) -> None:
    origin.serve("/feed", status=304)
    answer = await fetcher.fetch(Ask(f"{origin.url}/feed", etag='W/"a"b"', last_modified="yesterday"), LIMITS)
    assert (answer.status, answer.body, answer.reason) == (304, None, None)
    assert origin.asked[0].headers["If-None-Match"] == 'W/"a"b"'
    assert origin.asked[0].headers["If-Modified-Since"] == "yesterday"


async def test_a_304_that_nobody_asked_for_is_an_error(origin: Origin, fetcher: Fetcher) -> None:
    origin.serve("/feed", status=304)
    assert (await fetcher.fetch(Ask(f"{origin.url}/feed"), LIMITS)).reason == "http-status"


@pytest.mark.parametrize("etag", ['"' + "x" * 2000 + '"', '"caf\u00e9"', '"tab\there"', ""])
async def test_h59_a_validator_that_cannot_be_echoed_is_dropped(raw_origin: Raw, fetcher: Fetcher, etag: str) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nETag: {etag}\r\nContent-Length: 2\r\n\r\nok".encode())
        await writer.drain()

    got = await fetcher.fetch(Ask(await raw_origin(answer)), LIMITS)
    assert (got.body, got.etag) == (b"ok", None)


async def test_h59_a_header_of_a_megabyte_is_an_error_and_no_burden(raw_origin: Raw, fetcher: Fetcher) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nETag: "' + b"x" * (1 << 20) + b'"\r\nContent-Length: 2\r\n\r\nok')
        await writer.drain()

    assert (await fetcher.fetch(Ask(await raw_origin(answer)), LIMITS)).reason == "bad-answer"


async def test_h19_redirects_are_followed_up_to_the_limit(origin: Origin, fetcher: Fetcher) -> None:
    for n in range(11):

        async def hop(_: web.Request, to: int = n + 1) -> web.Response:
            return web.Response(status=301, headers={"Location": f"/{to}"})

        origin.routes[f"/{n}"] = hop
    origin.serve("/5", b"here")
    answer = await fetcher.fetch(Ask(f"{origin.url}/0"), LIMITS)
    assert (answer.body, answer.url, answer.moved_to) == (b"here", f"{origin.url}/5", f"{origin.url}/5")
    del origin.routes["/5"]
    origin.routes["/5"] = origin.routes["/4"]
    origin.asked.clear()
    answer = await fetcher.fetch(Ask(f"{origin.url}/0"), LIMITS)
    assert answer.reason == "redirects"
    assert len(origin.asked) == 6


async def test_h19_a_redirect_loop_ends(origin: Origin, fetcher: Fetcher) -> None:
    async def loop(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/feed"})

    origin.routes["/feed"] = loop
    assert (await fetcher.fetch(Ask(f"{origin.url}/feed"), LIMITS)).reason == "redirects"


async def test_a_temporary_redirect_on_the_way_means_not_moved(origin: Origin, fetcher: Fetcher) -> None:
    async def first(_: web.Request) -> web.Response:
        return web.Response(status=301, headers={"Location": "/second"})

    async def second(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/third"})

    origin.routes.update({"/first": first, "/second": second})
    origin.serve("/third", b"x")
    assert (await fetcher.fetch(Ask(f"{origin.url}/first"), LIMITS)).moved_to is None


async def test_h15_a_redirect_to_a_private_address_is_blocked_at_that_hop(
    origin: Origin, other_origin: Origin, fetcher: Fetcher
) -> None:
    for target in (f"http://10.0.0.1:{other_origin.port}/", "http://[::1]/", "http://2130706433/", "http://0x7f.1/"):

        async def away(_: web.Request, to: str = target) -> web.Response:
            return web.Response(status=302, headers={"Location": to})

        origin.routes["/feed"] = away
        assert (await fetcher.fetch(Ask(f"{origin.url}/feed"), LIMITS)).reason == "blocked", target
    assert other_origin.asked == []


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://x/", "http://a\\@127.0.0.1/", "http://", ""])
async def test_h17_a_redirect_to_no_url_ends_the_request(origin: Origin, fetcher: Fetcher, location: str) -> None:
    async def away(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location} if location else {})

    origin.routes["/feed"] = away
    assert (await fetcher.fetch(Ask(f"{origin.url}/feed"), LIMITS)).reason in {"bad-url", "redirects"}


async def test_h20_a_feed_s_headers_stay_with_its_origin(
    origin: Origin, other_origin: Origin, fetcher: Fetcher
) -> None:
    async def near(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/second"})

    async def far(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"http://u:p@127.0.0.1:{other_origin.port}/third"})

    async def back(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"{origin.url}/last"})

    origin.routes.update({"/first": near, "/second": far})
    other_origin.routes["/third"] = back
    origin.serve("/last", b"x")
    ask = Ask(f"{origin.url}/first", {"Authorization": "Bearer hush", "X-Key": "hush"})
    assert (await fetcher.fetch(ask, LIMITS)).body == b"x"
    first, second, last = origin.asked
    for request in (first, second):
        assert (request.headers["Authorization"], request.headers["X-Key"]) == ("Bearer hush", "hush")
    for request in (other_origin.asked[0], last):
        assert "Authorization" not in request.headers
        assert "X-Key" not in request.headers


async def test_h58_a_url_s_password_is_sent_as_a_header_and_told_to_nobody(
    origin: Origin, other_origin: Origin, fetcher: Fetcher
) -> None:
    async def far(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"{other_origin.url}/x?token=abc"})

    origin.routes["/feed"] = far
    url = f"http://user:hunter2@127.0.0.1:{origin.port}/feed?token=abc"
    answer = await fetcher.fetch(Ask(url), LIMITS)
    assert base64.b64encode(b"user:hunter2").decode() in origin.asked[0].headers["Authorization"]
    assert "Authorization" not in other_origin.asked[0].headers
    assert answer.reason == "http-status"
    for text in (answer.url, answer.error or ""):
        assert "hunter2" not in text
        assert "abc" not in text


@pytest.mark.parametrize("packed", [gzip.compress(bytes(1 << 20), 9) * 64, gzip.compress(bytes(2 << 20), 9)])
async def test_h21_a_bomb_over_the_wire_is_too_large(origin: Origin, fetcher: Fetcher, packed: bytes) -> None:
    origin.serve("/feed", packed, headers={"Content-Encoding": "gzip"})
    answer = await fetcher.fetch(Ask(f"{origin.url}/feed"), LIMITS)
    assert (answer.reason, answer.body) == ("too-large", None)


async def test_compressed_bodies_arrive_as_they_were(origin: Origin, fetcher: Fetcher) -> None:
    origin.serve("/feed", gzip.compress(b"<rss/>"), headers={"Content-Encoding": "gzip"})
    assert (await fetcher.fetch(Ask(f"{origin.url}/feed"), LIMITS)).body == b"<rss/>"


async def _drip(writer: asyncio.StreamWriter, piece: bytes) -> None:
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"", b""),
    ],
)
async def test_h24_26_what_never_ends_is_ended_by_the_deadline(
    raw_origin: Raw, fetcher: Fetcher, head: bytes, piece: bytes
) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await _drip(writer, piece)

    began = time.monotonic()
    got = await fetcher.fetch(Ask(await raw_origin(answer)), replace(LIMITS, total_seconds=0.3))
    assert time.monotonic() - began < 2
    assert got.reason in {"timeout", "bad-answer"}
    assert got.body is None


async def test_h25_headers_without_end_are_an_error_long_before_memory_is_full(
    raw_origin: Raw, fetcher: Fetcher
) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for n in range(100_000):
            writer.write(f"X-{n}: y\r\n".encode() * 100)
            await writer.drain()

    assert (await fetcher.fetch(Ask(await raw_origin(answer)), LIMITS)).reason in {"bad-answer", "truncated"}


async def test_h26_chunks_without_end_stop_at_the_cap(raw_origin: Raw, fetcher: Fetcher) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            await writer.drain()

    assert (await fetcher.fetch(Ask(await raw_origin(answer)), LIMITS)).reason == "too-large"


@pytest.mark.parametrize(
    "answer_bytes",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<rss>cut",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n<rss>",
        b"HTTP/1.1 200 OK\r\nContent-Len",
        b"",
    ],
)
async def test_h27_a_body_cut_short_is_no_body(raw_origin: Raw, fetcher: Fetcher, answer_bytes: bytes) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_bytes)
        await writer.drain()

    got = await fetcher.fetch(Ask(await raw_origin(answer)), LIMITS)
    assert (got.reason, got.body) == ("truncated", None)


async def test_h28_an_empty_body_and_an_error_page_with_status_200_are_bodies(origin: Origin, fetcher: Fetcher) -> None:
    origin.serve("/empty", b"")
    origin.serve("/error", b"<html>Something went wrong</html>", content_type="text/html")
    assert (await fetcher.fetch(Ask(f"{origin.url}/empty"), LIMITS)).body == b""
    assert (await fetcher.fetch(Ask(f"{origin.url}/error"), LIMITS)).body == b"<html>Something went wrong</html>"


@pytest.mark.parametrize("status", [204, 206, 400, 401, 403, 404, 410, 429, 500, 503])
async def test_any_other_status_is_an_error_that_says_it(origin: Origin, fetcher: Fetcher, status: int) -> None:
    origin.serve("/feed", status=status, headers={"Retry-After": "7"})
    answer = await fetcher.fetch(Ask(f"{origin.url}/feed"), LIMITS)
    assert (answer.status, answer.reason, answer.retry_after_ms) == (status, "http-status", 7000)
    assert str(status) in (answer.error or "")


async def test_what_is_not_there_is_told_in_words(fetcher: Fetcher, origin: Origin) -> None:
    await origin.stop()
    answer = await fetcher.fetch(Ask(f"{origin.url}/feed"), LIMITS)
    assert (answer.reason, answer.status) == ("connect", None)
    assert answer.error == "no connection: Connection refused"
    answer = await fetcher.fetch(Ask("http://surely-not-there.invalid/"), LIMITS)
    assert answer.reason == "dns"
    assert (await fetcher.fetch(Ask("file:///etc/passwd"), LIMITS)).reason == "bad-url"


async def test_a_name_in_another_s_certificate_or_none_is_a_tls_error(fetcher: Fetcher, origin: Origin) -> None:
    answer = await fetcher.fetch(Ask(f"https://127.0.0.1:{origin.port}/"), LIMITS)
    assert answer.reason in {"tls", "truncated"}


async def test_garbage_in_place_of_http_is_an_error(raw_origin: Raw, fetcher: Fetcher) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9\r\n\r\n" * 10)
        await writer.drain()

    assert (await fetcher.fetch(Ask(await raw_origin(answer)), LIMITS)).reason == "bad-answer"


async def test_a_content_type_that_cannot_be_a_header_is_dropped(raw_origin: Raw, fetcher: Fetcher) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write("HTTP/1.1 200 OK\r\nContent-Type: t\u00e9xt\r\nContent-Length: 2\r\n\r\nok".encode())
        await writer.drain()

    got = await fetcher.fetch(Ask(await raw_origin(answer)), LIMITS)
    assert (got.body, got.content_type) == (b"ok", "")


async def test_a_proxy_is_used_and_the_host_behind_it_is_checked_too(origin: Origin, fetcher: Fetcher) -> None:
    origin.serve("/feed", b"by proxy")
    proxied = await fetcher.fetch(Ask("http://127.0.0.1:9/feed", proxy=origin.url), LIMITS)
    assert proxied.body == b"by proxy"
    for host in ("10.0.0.1", "[::1]", "localhost.invalid"):
        answer = await fetcher.fetch(Ask(f"http://{host}/feed", proxy=origin.url), LIMITS)
        assert answer.reason in {"blocked", "dns"}, host
    assert len(origin.asked) == 1


async def test_a_private_proxy_is_blocked(origin: Origin) -> None:
    guard = Guard()
    async with guarded_session(guard) as session:
        fetcher = Fetcher(session, guard, SystemClock(), user_agent="x")
        answer = await fetcher.fetch(Ask("http://93.184.216.34/", proxy=origin.url), LIMITS)
    assert answer.reason == "blocked"
    assert origin.asked == []


async def test_only_the_status_is_read_where_only_that_is_wanted(origin: Origin, fetcher: Fetcher) -> None:
    origin.serve("/gone", b"x" * 5_000_000, status=410)
    answer = await fetcher.fetch(Ask(f"{origin.url}/gone", status_only=True), LIMITS)
    assert (answer.status, answer.reason, answer.body) == (410, None, None)
