"""Mutated documents: nothing comes out but entries that can be written down, or a named refusal."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.parse import parse
from wirewatch.errors import BadInput
from wirewatch.events import JsonPaths, ParseDefinition

SEEDS = [
    (
        b'<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/">'
        b"<channel><title>N</title><item><title>A &amp; b</title><guid>1</guid>"
        b"<link>/1</link><description><![CDATA[x<p>]]>"
        b'</description><pubDate>7 Jan 2022 20:31 GMT</pubDate><media:content url="/v.mp4" medium="video"/>'
        b"</item></channel></rss>"
    ),
    (
        b'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="/b/"><entry><id>t:1</id><title type="html">&lt;b&gt;T'
        b'&lt;/b&gt;</title><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><a href="y">z</a></div>'
        b"</content><updated>2022-01-07T20:31:04Z</updated></entry></feed>"
    ),
    b'{"version": "https://jsonfeed.org/version/1", "items": [{"id": 1, "content_html": "<p>x</p>", "tags": ["a"]}]}',
    b'[{"id": 1, "title": "T", "at": 1746366018110, "deep": {"x": [1, 2]}}]',
]
PIECES = [
    b"<",
    b">",
    b"&",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"\x00",
    b"\xff",
    b"<!DOCTYPE",
    b"<!ENTITY",
    b'"',
    b"{",
    b"]",
]
PIECES += [
    b"<item>",
    b"</rss>",
    b"</b>",
    b' xml:base="http://[::1"',
    b"\xed\xa0\x80",
    b"1e999",
    b"\\ud800",
    b"http://[",
]
PIECES += [
    b'<?xml version="1.0" encoding="idna"?>',
    b'xmlns:q="rel"',
    b"<guid isPermaLink>",
    b"<br>",
    b"NaN",
    b"-" * 50,
]
DEFINITIONS = [
    ParseDefinition(url="https://n.example/"),
    ParseDefinition(url="https://n.example/", kind="rss"),
    ParseDefinition(
        url="https://n.example/", kind="json", json=JsonPaths(id="id", headline="title", published="at", body="deep.x")
    ),
]


@pytest.mark.slow
@settings(max_examples=600, deadline=1_000)
@given(
    seed=st.sampled_from(SEEDS),
    definition=st.sampled_from(DEFINITIONS),
    edits=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 40), st.sampled_from([b"", *PIECES])), max_size=8),
)
def test_a_mutated_document_gives_entries_or_a_named_refusal(
    seed: bytes, definition: ParseDefinition, edits: list[tuple[int, int, bytes]]
) -> None:
    body = bytearray(seed)
    for place, removed, piece in edits:
        at = place % (len(body) + 1)
        body[at : at + removed] = piece
    try:
        feed = parse(bytes(body), definition, fetched_at_ms=0)
    except BadInput as error:
        refused = error
    else:
        assert feed.entries
        assert feed.kind != "auto"
        msgspec.json.encode(feed).decode("utf-8")
        return
    assert refused.reason != "bad-input", "a refusal without a name"
    assert str(refused)
