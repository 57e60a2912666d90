"""Who may ask, and what every answer carries, on the real server."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import aiohttp
import pytest

from sinks.web.access import OPEN_PATHS, SECURITY_HEADERS
from tests.web.kit import TOKEN, Site
from wirewatch.errors import UserError

PARTS = {"entry_id": "en_1", "feed_id": "velmora", "name": "style.css"}


def every_route(site: Site) -> list[tuple[str, str]]:
    """Method and path of all that the server answers to."""
    found = []
    for route in site.server.app.router.routes():
        assert route.resource is not None
        found.append((route.method, route.resource.canonical.format(**PARTS)))
    assert len(found) > 30  # HEAD with each GET
    return sorted(found)


@pytest.mark.parametrize("shown", ["", "Bearer not-the-token-at-all", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"])
async def test_h53_every_route_without_the_right_token_is_closed(site: Site, shown: str) -> None:
    await site.restart(token=TOKEN)
    headers = {"Authorization": shown} if shown else {}
    for method, path in every_route(site):
        if path in OPEN_PATHS or path.startswith("/static/"):
            continue
        async with site.client.request(method, site.url + path, headers=headers, allow_redirects=False) as answer:
            assert answer.status == 401, (method, path)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert "velmora" not in (await answer.text()).lower()
        browser = {**headers, "Accept": "text/html", "Cookie": "wirewatch_session=" + "0" * 64}
        async with site.client.request(method, site.url + path, headers=browser, allow_redirects=False) as answer:
            assert answer.status == (401 if path.startswith("/api/") else 303), (method, path)


async def test_h53_every_route_opens_with_the_token(site: Site) -> None:
    await site.tell("Dam breaks")
    await site.restart(token=TOKEN)
    for method, path in every_route(site):
        if path.endswith("/stream") and method == "HEAD":
            continue
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with site.client.request(method, site.url + path, headers=headers, allow_redirects=False) as answer:
            assert answer.status in ({403} if method == "POST" else {200, 400}), (method, path)  # search needs a q


async def test_a_browser_signs_in_with_the_token_and_only_with_it(site: Site) -> None:
    await site.restart(token=TOKEN)
    async with site.client.post(
        f"{site.url}/login", data={"token": "wrong"}, headers={"Accept": "text/html"}
    ) as answer:
        assert answer.status == 403
        assert "not the token" in await answer.text()
    async with site.client.post(f"{site.url}/login", data={"token": TOKEN}, allow_redirects=False) as answer:
        assert answer.status == 303
        cookie = answer.cookies["wirewatch_session"]
        assert TOKEN not in cookie.value
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
    status, _, _ = await site.get("/", headers={"Cookie": f"wirewatch_session={cookie.value}"})
    assert status == 200


async def test_h54_a_cross_origin_post_is_refused(site: Site) -> None:
    await site.restart(token=TOKEN)
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
        {"Origin": site.url + ".evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        async with site.client.post(f"{site.url}/login", data={"token": TOKEN}, headers=headers) as answer:
            assert answer.status == 403, headers


@pytest.mark.parametrize("path", ["/api/v1/stream", "/live/stream"])
async def test_h55_a_stream_with_a_foreign_origin_is_refused(site: Site, path: str) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        status, _, _ = await site.get(path, headers=headers)
        assert status == 403
    async with site.client.get(site.url + path, headers={"Origin": site.url}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1@evil.example", "[::1", "", "2130706433x"]
)
async def test_a_foreign_host_header_without_a_token_is_refused(site: Site, host: str) -> None:
    for path in ("/", "/api/v1/entries", "/api/v1/stream", "/metrics", "/login"):
        status, _, _ = await site.get(path, headers={"Host": host})
        assert status == 403, path


async def test_our_own_names_are_answered(site: Site) -> None:
    await site.restart(public_url="https://watch.example/")
    for host in ("localhost:1", "127.0.0.1", "[::1]:8765", "watch.example"):
        status, _, _ = await site.get("/", headers={"Host": host})
        assert status == 200, host


async def test_h56_a_large_or_compressed_body_is_refused(site: Site) -> None:
    await site.restart(token=TOKEN)
    large = b"token=" + b"x" * (10 << 20)

    async def in_pieces() -> object:
        for at in range(0, len(large), 1 << 20):
            yield large[at : at + (1 << 20)]

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for path, data, headers in (
        ("/login", large, form),
        ("/login", in_pieces(), form),
        ("/login", b"x", {**form, "Content-Encoding": "gzip"}),
        ("/api/v1/entries", large, {"Authorization": f"Bearer {TOKEN}"}),
    ):
        try:
            async with site.client.post(site.url + path, data=data, headers=headers) as answer:
                assert answer.status == 413
        except aiohttp.ClientConnectionError:
            pass  # refused before it was sent in full
    async with site.client.get(f"{site.url}/healthz") as answer:
        assert answer.status == 200


async def test_every_answer_carries_the_security_headers(site: Site) -> None:
    await site.tell("Dam breaks")
    for path in (
        "/", "/feeds/velmora", "/entries/en_1", "/search?q=dam", "/sources", "/searches", "/metrics", "/healthz",
        "/static/live.js", "/api/v1/entries", "/api/v1/feeds", "/api/v1/stream",
        "/search?q=%22", "/feeds/nothing", "/entries/en_nothing", "/nothing", "/static/../server.py", "/api/v1/nothing",
        "/api/v1/search?q=(", "/api/v1/entries?limit=x",
    ):  # fmt: skip
        async with site.client.get(site.url + path) as answer:
            assert answer.status in {200, 400, 404}, path
            for name, value in SECURITY_HEADERS.items():
                assert answer.headers[name] == value, path
    async with site.client.get(site.url, headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403
        assert "Content-Security-Policy" in answer.headers
    assert "unsafe" not in SECURITY_HEADERS["Content-Security-Policy"]


async def test_errors_are_json_for_programs_a_page_for_browsers_and_text_for_the_rest(site: Site) -> None:
    _, text, _ = await site.get("/api/v1/entries/en_nothing", headers={"Accept": "text/html"})
    assert json.loads(text) == {"error": "there is no entry with that id"}
    _, text, headers = await site.get("/nothing", headers={"Accept": "text/html"})
    assert headers["Content-Type"].startswith("text/html")
    assert "<h1>Not found</h1>" in text
    _, text, headers = await site.get("/nothing")
    assert headers["Content-Type"].startswith("text/plain")


async def test_listening_where_others_reach_it_without_a_token_is_refused(site: Site) -> None:
    for listen in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org:80"):
        with pytest.raises(UserError, match=r"web\.token"):
            await site.serve(listen=listen)
    with pytest.raises(UserError, match="at least 16 characters"):
        await site.serve(listen="127.0.0.1:0", token="short")


async def test_a_port_in_use_is_told_in_words(site: Site, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"cannot listen on 127\.0\.0\.1:{port}.*choose another"):
            await site.serve(listen=f"127.0.0.1:{port}")
