"""Hostile, cut and mutated pages: a feed or a named error, fast, and nothing else."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.parse.model import ParsedFeed
from processors.parse.pages import parse_page
from processors.parse.pages.guard import check_shape
from wirewatch.errors import BadInput
from wirewatch.events import HtmlPaths, ParseDefinition

from .conftest import FETCHED, SAMPLES, URL, Read
from .test_live_blog_posting import blog, page, update
from .test_live_pages import BBC, GUARDIAN, SOURCEFABRIC, WORDPRESS, whole

MANY = 200_000
ATTRIBUTES = " ".join(f"a{n}=1" for n in range(MANY))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<html>" + "<div>" * MANY, "too-deep"),
        ("<html>" + "<div><table></div>" * MANY, "too-deep"),
        ("<html>" + "<p><b a1>" * MANY, "too-deep"),
        ("<html><a title='<script>'>" + "<div></x>" * MANY, "too-deep"),
        (f"<html><div {ATTRIBUTES}>", "too-many-attributes"),
        (f"<html><div x=a' b='>' {ATTRIBUTES}>", "too-many-attributes"),
        ("<html><body><p '" + '<a "' * MANY, "too-deep"),
    ],
    ids=["divs", "tables", "formatting", "fooled-script", "attributes", "odd-quotes", "unclosed-tags"],
)
@pytest.mark.parametrize("kind", ["html", "live-page", "auto"])
def test_h33_h34_deep_and_wide_markup_is_refused_in_under_a_second(text: str, reason: str, kind: str) -> None:
    definition = ParseDefinition(url=URL, kind=kind, html=HtmlPaths(items="div"))
    began = time.process_time()
    with pytest.raises(BadInput) as refused:
        parse_page(text, definition, url=URL, fetched_at_ms=FETCHED, content_type="text/html")
    assert refused.value.reason == reason
    assert time.process_time() - began < 1.0


def test_h35_deeply_nested_json_in_a_page_is_refused_in_under_a_second(read: Read) -> None:
    nested = "[" * 100_000
    began = time.process_time()
    for text in (
        page(raw=f"<script type='application/ld+json'>{{\"@graph\": {nested}</script>"),
        '{"blocks": ' + nested,
    ):
        with pytest.raises(BadInput):
            read(text)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    "piece",
    ["<script ", "<script type='application/ld+json'>", "<title", "<", "<a '", "&", "21:40\n", "1 ", "<!--", "- "],
)
def test_work_is_linear_in_the_size_of_the_page(piece: str) -> None:
    def spent(times: int) -> float:
        began = time.process_time()
        with contextlib.suppress(BadInput):
            parse_page(
                "<html><title>LiveBlogPosting live</title>" + piece * times,
                ParseDefinition(url=URL, kind="live-page"),
                url=URL,
                fetched_at_ms=FETCHED,
                content_type="text/html",
            )
        return time.process_time() - began

    spent(1_000)
    assert spent(100_000) < 3.0


def test_real_pages_are_far_from_the_limits() -> None:
    assert check_shape((SAMPLES / "flood.html").read_text("utf-8")) == []


def test_h27_a_page_cut_anywhere_is_refused_or_lacks_nothing(read: Read) -> None:
    text = (SAMPLES / "flood.html").read_text("utf-8")
    refused = 0
    for at in range(200, text.index("</body>"), 37):
        try:
            feed = read(text[:at])
        except BadInput:
            refused += 1
        else:  # cut where everything was closed: nothing may be missing then
            assert len(feed.entries) == 6
    assert refused > 50


def test_h27_a_cut_page_with_linked_data_is_truncated(read: Read) -> None:
    text = page(blog([update(1)])).replace("<h1>", "<div><h1>")
    with pytest.raises(BadInput) as refused:
        read(text[: text.index("</h1>")])
    assert refused.value.reason == "truncated"


def test_a_page_may_leave_out_its_last_tags(read: Read) -> None:
    text = (SAMPLES / "flood.html").read_text("utf-8").replace("</body></html>", "")
    assert len(read(text).entries) == 6


@pytest.mark.parametrize("text", ["", "   \n\t", "\ufeff"])
@pytest.mark.parametrize("kind", ["html", "live-page", "text", "auto"])
def test_h28_an_empty_page_is_empty(read: Read, text: str, kind: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(text, kind)
    assert refused.value.reason == "empty"


def test_h36_nuls_and_lone_surrogates_do_not_come_out(read: Read) -> None:
    text = (SAMPLES / "flood.txt").read_text("utf-8").replace("Railway", "Rail\x00way\ud800")
    headlines = [e.headline for e in read(text, "text").entries]
    assert "Railway Closed Until Monday" in headlines


_SOURCES = [
    *(path.read_text("utf-8") for path in sorted(Path(SAMPLES).iterdir())),
    page(blog([update(1), update(2)])),
    *(whole(markup) for markup in (GUARDIAN, BBC, WORDPRESS, SOURCEFABRIC)),
]
_BITS = st.sampled_from(
    [
        "<",
        ">",
        "</div>",
        "<div>",
        "<!--",
        "\x00",
        "\ud800",
        '"',
        "'",
        "{",
        "]",
        "21:40",
        "\n",
        "&#x0;",
        "<script>",
        "99:99",
        "9999-12-31",
    ]
)
_EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), _BITS | st.text(max_size=8)), max_size=12)


REASONS = {"empty", "truncated", "too-deep", "too-many-attributes", "error-page", "not-recognised"}


@settings(max_examples=150, deadline=2_000, suppress_health_check=[HealthCheck.too_slow])
@given(source=st.sampled_from(_SOURCES), edits=_EDITS, kind=st.sampled_from(["html", "live-page", "text", "auto"]))
def test_a_mutated_page_is_a_feed_or_a_named_error(source: str, edits: list[tuple[float, int, str]], kind: str) -> None:
    text = source
    for where, gone, put in edits:
        at = int(where * len(text))
        text = text[:at] + put + text[at + gone :]
    definition = ParseDefinition(
        url=URL, kind=kind, html=HtmlPaths(items="div, article", id="@id", headline="h3", body="p")
    )
    reason, feed = "", None
    try:
        feed = parse_page(text, definition, url=URL, fetched_at_ms=FETCHED, content_type="text/html")
    except BadInput as error:
        reason = error.reason
    if feed is None:
        assert reason in REASONS
        return
    assert isinstance(feed, ParsedFeed)
    for entry in feed.entries:
        assert entry.headline or entry.body or entry.media
        (entry.headline + entry.body + entry.html + feed.title + feed.summary).encode("utf-8")
