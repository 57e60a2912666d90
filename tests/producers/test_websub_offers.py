"""Where a feed offers a hub, and where it offers nothing that can be used."""

from __future__ import annotations

import time

import pytest

from producers.answers import Answer
from producers.websub_offers import Offer, read_offer

URL = "https://news.example/feed"
HUB, TOPIC = "https://hub.example/", "https://news.example/all.xml"
RSS = b"""<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>x</title>
<atom:link rel="hub" href="https://hub.example/"/><atom:link href='https://news.example/all.xml' rel='self'/>
<item><title>a</title></item></channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><link href="https://hub.example/" rel="hub"/>
<link rel="self" href="https://news.example/all.xml"/><entry><link rel="self" href="https://news.example/1"/></entry>
</feed>"""
JSON = b"""{"version": "https://jsonfeed.org/version/1.1", "feed_url": "https://news.example/all.xml", "items": [],
"hubs": [{"type": "rssCloud", "url": "https://cloud.example/"}, {"type": "WebSub", "url": "https://hub.example/"}]}"""
PAGE = b"""<!doctype html><html><head><link rel=stylesheet href="/s.css"><link rel="hub" href="https://hub.example/">
<link rel="self" href="/all.xml"></head><body>live</body></html>"""


def _offer(body: bytes, *links: str, url: str = URL) -> Offer | None:
    return read_offer(Answer(url, status=200, body=body, links=links))


@pytest.mark.parametrize("body", [RSS, ATOM, JSON, PAGE], ids=["rss", "atom", "json", "page"])
def test_a_hub_is_found_in_every_kind_of_feed(body: bytes) -> None:
    assert _offer(body) == Offer(HUB, TOPIC)


def test_link_headers_go_before_the_body() -> None:
    one = _offer(RSS, '<https://other.example/hub>; rel="hub", <https://news.example/t>; rel=self')
    assert one == Offer("https://other.example/hub", "https://news.example/t")
    assert _offer(RSS, '</s.css>; rel="preload"; as=style') == Offer(HUB, TOPIC)


def test_the_first_hub_counts_and_one_link_may_have_several_relations() -> None:
    assert _offer(b"", f'<{HUB}>; rel="hub other"', "<https://b.example/>; rel=hub") == Offer(HUB, URL)


def test_a_feed_that_does_not_name_itself_is_known_by_where_it_came_from() -> None:
    assert _offer(RSS.replace(b"rel='self'", b"rel='via'")) == Offer(HUB, URL)


def test_links_of_entries_offer_nothing() -> None:
    assert _offer(b"<feed><entry><link rel='hub' href='https://hub.example/'/></entry></feed>") is None
    assert _offer(b"<html><head></head><body><link rel='hub' href='https://hub.example/'></body></html>") is None


@pytest.mark.parametrize(
    "hub",
    [
        "ftp://hub.example/",
        "javascript:alert(1)",
        "https://user:secret@hub.example/",
        "https://hub.example/?token=abc",
        "https://hub.example/a b",
        "http://[::1",
        "https://hub.example/" + "a" * 3000,
        "",
    ],
)
def test_a_hub_that_cannot_be_called_or_holds_a_secret_is_no_offer(hub: str) -> None:
    offered = _offer(RSS.replace(b"https://hub.example/", hub.encode()))
    assert offered is None or offered.hub == "https://hub.example/a%20b"


def test_h58_a_feed_whose_address_holds_a_secret_is_named_to_no_hub() -> None:
    body = RSS.replace(b"rel='self'", b"rel='via'")
    assert _offer(body, url="https://news.example/feed?token=[redacted]") is None
    assert _offer(RSS.replace(b"all.xml", b"all.xml?key=geheim")) is None


@pytest.mark.parametrize(
    "body",
    [
        b"<feed>" + b"<link " * 200_000,
        b"<feed>" + b'<link rel="' * 100_000,
        b"<feed><link " + b"rel=" * 200_000 + b">",
        b'{"hubs": ' + b"[" * 200_000,
        b'{"hubs": [{"type": null}, 3, null], "feed_url": 7}',
        b'{"hubs": {"type": "WebSub"}}',
        b"{" + b'"hubs"' * 100_000,
    ],
)
def test_what_a_hostile_source_writes_takes_no_time(body: bytes) -> None:
    began = time.process_time()
    assert _offer(body, *["<" * 8000, '<a>; rel="' * 800]) is None
    assert time.process_time() - began < 0.5
