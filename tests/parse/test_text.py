"""Text, media and links out of markup, and addresses in one form."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.parse import markup
from processors.parse.text import (
    cut,
    extract_links,
    extract_media,
    inner_text_of_title,
    plain_text,
    read_markup,
    sanitise,
)
from processors.parse.urls import absolute, canonical

BASE = "https://n.example/dir/page"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One  two</p>\n<p>three</p>", "One two\nthree"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("in<b>line</b> stays", "inline stays"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("one\n\ntwo\nthree", "one\ntwo three"),
        ("&lt;p&gt;escaped&lt;/p&gt; twice", "escaped\ntwice"),
        ("AT&amp;amp;T &copy;", "AT&T ©"),
        ("<script>x()</script>ok<style>p{}</style>", "ok"),
        ("<!-- <p>no</p> -->yes", "yes"),
        ("<p title='a > b'>q</p>", "q"),
        ('<a data-x="<p>y</p>" href=x>q</a>', "q"),
        ("5 < 6 and <3", "5 < 6 and <3"),
        ("a\x00b\ud800c\u200bd\ufeff", "abcd"),
        ("\x93quoted\x94", "“quoted”"),
        ("می\u200cشود", "می\u200cشود"),
        ("&#" + "9" * 5000 + ";", "\ufffd"),
    ],
)
def test_text_is_what_a_reader_sees(html: str, text: str) -> None:
    assert plain_text(html) == text


@given(st.text(max_size=200))
def test_any_text_gives_text_that_can_be_written_as_json(html: str) -> None:
    for made in (plain_text(html), inner_text_of_title(html), sanitise(html, BASE)):
        made.encode("utf-8")
        assert "\x00" not in made
    assert "\n" not in inner_text_of_title(html)


@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<script>",
                "</script>",
                "<a href='javascript:x'>",
                "<img src=x onerror=y>",
                "&lt;script&gt;",
                "<svg>",
                "<math>",
                "<style>",
                "</style>",
                "<!--",
                "-->",
                "text",
                "<b",
                ">",
                '"',
            ]
        ),
        max_size=20,
    )
)
def test_h43_whatever_is_put_together_nothing_active_comes_out(pieces: list[str]) -> None:
    safe = sanitise("".join(pieces), BASE)
    for active in ("<script", "onerror=", "javascript:", "<svg", "<math", "<style"):
        assert active not in safe.replace("&lt;", "")


def test_links_are_made_absolute_and_lose_what_is_not_http() -> None:
    safe = sanitise('<a href="/x">a</a><a href="//evil.example/">b</a><a href="data:x">c</a><a href="#t">d</a>', BASE)
    assert 'href="https://n.example/x"' in safe
    assert 'href="https://evil.example/"' in safe
    assert "data:" not in safe
    assert 'rel="noopener noreferrer nofollow"' in safe


def test_media_and_links_are_taken_before_sanitising() -> None:
    html = (
        '<figure><img data-src="/p.jpg" alt="P"><figcaption>Cap <cite>Ann</cite></figcaption></figure>'
        '<blockquote class="twitter-tweet"><p>x</p><a href="https://twitter.com/a/status/1">d</a></blockquote>'
        '<video><source src="v.mp4"></video><img src="t.gif" width="1" height="1"><a href="/l?utm_source=x">L</a>'
    )
    media = extract_media(html, BASE)
    assert [(m.kind, m.provider, m.caption, m.credit) for m in media] == [
        ("image", None, "Cap", "Ann"),
        ("embed", "twitter", "", ""),
        ("video", None, "", ""),
    ]
    assert [link.url for link in extract_links(html, BASE)] == [
        "https://twitter.com/a/status/1",
        "https://n.example/l?utm_source=x",
    ]


def test_a_body_over_256_kib_is_cut_at_a_whole_character() -> None:
    text, truncated = cut("é" * 200_000)
    assert truncated
    assert len(text.encode()) <= 256 * 1024
    assert set(text) == {"é"}
    assert cut("short") == ("short", False)
    assert read_markup("<p>" + "é" * 200_000, BASE).truncated


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 200_000,
        "<a " + "x=1 " * 200_000 + ">q</a>",
        "<i><b><p>" * 90_000,
        "".join(f"<b id={n}>" for n in range(300)) + "<p>" * 100_000,
        "<table><a>" * 90_000,
    ],
)
def test_h33_h34_deep_and_wide_markup_is_quick(html: str) -> None:
    start = time.thread_time()
    read_markup(html, BASE)
    assert time.thread_time() - start < 1.5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://n.example/a", "https://www.n.example/a/"),
        ("https://n.example/a?b=2&a=1", "https://n.example/a?a=1&b=2&utm_source=rss&fbclid=x"),
        ("https://N.Example:443/a#top", "https://n.example/a"),
        ("https://news.example/a", "https://m.news.example/a"),
        ("https://news.example/a", "https://news-example.cdn.ampproject.org/c/s/news.example/a/amp/"),
        ("https://b.example/news/1?at_medium=RSS&at_campaign=K", "https://b.example/news/1#4"),
        ("https://cdn1.news.example/a", "https://news.example/a"),
    ],
)
def test_addresses_of_one_thing_compare_equal(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)
    assert canonical(canonical(one)) == canonical(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://n.example/live#block-60300f5f", "https://n.example/live#block-60300f60"),
        ("https://n.example/a?id=1", "https://n.example/a?id=2"),
        ("https://m.co.uk/", "https://co.uk/"),
        ("https://n.example/#!/a", "https://n.example/#!/b"),
        ("https://a.n.example/x", "https://b.n.example/x"),
    ],
)
def test_addresses_of_two_things_do_not(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("x y", "https://n.example/dir/x%20y"),
        ("../z?q=1", "https://n.example/z?q=1"),
        ("https://user:pw@h.example/", "https://h.example/"),
        ("jav\tascript:alert(1)", None),
        ("mailto:a@b.example", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("https://[::1", None),
        ("", None),
        ("x" * 5000, None),
    ],
)
def test_only_http_addresses_come_out_and_never_a_password(url: str, made: str | None) -> None:
    assert absolute(BASE, url) == made


def test_markup_read_in_one_go_gives_the_tokens_that_the_careful_way_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [
        "<p>",
        "</p>",
        "<b class='x>y'>",
        "<",
        "<br/>",
        " text ",
        '<a href="u<v">',
        "<script>",
        "</script>",
        "&lt;",
    ]
    pieces += ["<!-- x -->", "<IMG src=x>", ">", "'", '"', "<a title='", "<1", "</ p>"]
    chosen = random.Random(4)
    samples = ["".join(chosen.choices(pieces, k=chosen.randint(0, 9))) for _ in range(5_000)]
    quick = [markup.tokens(sample) for sample in samples]
    monkeypatch.setattr(markup, "_plain_tokens", lambda _: None)
    assert quick == [markup.tokens(sample) for sample in samples]
