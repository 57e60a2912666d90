"""What is behind a URL."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from producers.answers import Answer
from producers.asking import Asking
from producers.discover import discover, look
from tests.producers.kit import LIMITS, LOOPBACK, Origin
from wirewatch.errors import UserError
from wirewatch.net import Guard
from wirewatch.times import SystemClock

URL = "https://example.org/news"
RSS = b'<?xml version="1.0"?>\n<!-- c -->\n<rss version="2.0"><channel><title>The <b>News</title></channel></rss>'


def _kinds(body: bytes) -> list[tuple[str, str]]:
    return [(c.kind, c.title) for c in look(URL, Answer(URL, 200, body)).candidates]


def test_documents_are_told_apart_by_how_they_begin() -> None:
    assert _kinds(RSS) == [("rss", "The")]
    assert (
        _kinds(b'<feed xmlns="http://www.w3.org/2005/Atom"><title type="text">A &#38; B</title></feed>')[0][0] == "atom"
    )
    assert _kinds(b'<rdf:RDF xmlns:rdf="x"><channel><title><![CDATA[ R ]]></title>')[0] == ("rdf", "R")
    assert _kinds(b'<?xml version="1.0"?><urlset xmlns:news="x"></urlset>')[0][0] == "news-sitemap"
    assert _kinds(b'\xef\xbb\xbf{"version": "https://jsonfeed.org/version/1.1", "title": "J"}') == [("json-feed", "J")]
    assert _kinds(b'{"meta": {"n": 1}, "features": [{"a": 1}, {"a": 2}]}') == [("json", "")]


def test_the_longest_list_of_a_json_document_is_proposed() -> None:
    def items(body: bytes) -> str | None:
        return look(URL, Answer(URL, 200, body)).candidates[0].items

    assert items(b'[{"id": 1}]') == "@"
    assert items(b'{"few": [{}], "data": {"items": [{}, {}]}}') == "data.items"
    assert items(b'{"odd key": [{}]}') == '"odd key"'
    assert _kinds(b'{"a": 1}') == []


def test_a_live_page_comes_before_the_feeds_it_links_to() -> None:
    page = (
        b"<!doctype html><html><head><title> Live:\n it happens </title>"
        b'<link rel="alternate" type="application/rss+xml" href="/rss" title="All news">'
        b'<link rel="alternate stylesheet" type="text/css" href="/x">'
        b'<link rel="alternate" type="application/atom+xml" href="javascript:alert(1)">'
        b'<script type="application/ld+json">{"@type": "LiveBlogPosting"}</script></head>'
    )
    found = look(URL, Answer(URL, 200, page))
    assert [(c.kind, c.url, c.title) for c in found.candidates] == [
        ("live-page", URL, "Live: it happens"),
        ("rss", "https://example.org/rss", "All news"),
    ]
    assert found.words == "a live page, and 1 more"


def test_where_nothing_is_found_it_says_what_was_looked_for() -> None:
    assert "LiveBlogPosting" in look(URL, Answer(URL, 200, b"<html><p>An article")).words
    assert look(URL, Answer(URL, 200, b"  ")).words == "the answer is empty"


@pytest.mark.parametrize(
    "body", [b"<div>" * 200_000, b"[" * 100_000, b"<link " * 100_000, b"<title" * 100_000, b"<!--" * 100_000]
)
def test_h33_35_hostile_documents_are_looked_at_in_under_a_second(body: bytes) -> None:
    began = time.monotonic()
    look(URL, Answer(URL, 200, body))
    assert time.monotonic() - began < 1


@pytest.fixture
async def asking() -> AsyncIterator[Asking]:
    one = Asking(Guard(LOOPBACK), SystemClock(), limits=LIMITS, user_agent="x", robots=True, per_host_seconds=0)
    yield one
    await one.close()


async def test_feeds_that_a_page_links_to_are_fetched_and_dead_links_left_out(origin: Origin, asking: Asking) -> None:
    page = b"".join(f'<link rel=alternate type="application/rss+xml" href="/{p}">'.encode() for p in ("rss", "dead"))
    origin.serve("/", page, content_type="text/html")
    origin.serve("/rss", RSS)
    found = await discover(f"{origin.url}/", asking)
    assert [(c.kind, c.url, c.body) for c in found.candidates] == [("rss", f"{origin.url}/rss", RSS)]
    assert found.words == "a feed (rss)"


async def test_what_cannot_be_had_is_a_user_s_error_in_words(origin: Origin, asking: Asking) -> None:
    for url in (f"{origin.url}/missing", "http://10.0.0.1/", "file:///etc/passwd"):
        with pytest.raises(UserError):
            await discover(url, asking)
