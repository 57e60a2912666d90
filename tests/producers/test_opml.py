"""OPML in and out (H63)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.opml import read_opml, write_opml
from wirewatch.errors import UserError
from wirewatch.events import Feed

_WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters=",/"), min_size=1, max_size=30
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_WORDS, st.lists(_WORDS, max_size=4, unique=True)), max_size=8))
def test_what_is_written_is_read_again_with_its_names_and_tags(rows: list[tuple[str, list[str]]]) -> None:
    feeds = [
        Feed(f"f{n}", f"https://example.org/{n}?a=1&b=2", name=name, tags=tags) for n, (name, tags) in enumerate(rows)
    ]
    back = read_opml(write_opml(feeds))
    assert [(f.url, f.name, f.tags) for f in back] == [(f.url, f.name, f.tags) for f in feeds]
    assert len({f.id for f in back}) == len(back)


def test_groups_become_tags_and_ids_are_free() -> None:
    data = b"""<opml version="1.0"><body><outline text="World"><outline text="Asia">
      <outline type="rss" text="News" xmlUrl="https://a.example/"/></outline>
      <outline type="rss" title="News" xmlUrl="https://b.example/" category="x"/></outline></body></opml>"""
    feeds = read_opml(data, taken=["news"])
    assert [(f.id, f.name, f.tags) for f in feeds] == [
        ("news-2", "News", ["World/Asia"]),
        ("news-3", "News", ["x", "World"]),
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<opml><body>" + b'<outline xmlUrl="http://a"/>' * 10_001, "at most 10000 feeds"),
        (b"<opml>" + b" " * (9 << 20), "8 MiB"),
        (b'<!DOCTYPE opml [<!ENTITY a "b">]><opml/>', "entities"),
        (b"<opml><body>" + b'<outline text="g">' * 21, "20 levels"),
        (b"<rss/>", "no <opml>"),
        (b"https://example.org/list.opml", "no <opml>"),
        (b"/etc/passwd", "no <opml>"),
        (b'<opml version="2.0"><body><outline xmlUrl="file:///etc/passwd"/></body></opml>', "only http"),
    ],
)
def test_h63_what_cannot_be_meant_is_refused_in_words(data: bytes, words: str) -> None:
    began = time.monotonic()
    with pytest.raises(UserError, match=words):
        read_opml(data, where="list.opml")
    assert time.monotonic() - began < 2
