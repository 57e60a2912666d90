"""Engines' markup as sites are known to write it: small pages of our own with the same structure."""
# ruff: noqa: E501 - sample markup reads best unbroken

from __future__ import annotations

import pytest

from wirewatch.errors import BadInput
from wirewatch.times import format_ms

from .conftest import URL, Read

PROSE = "The weir has held through the night, the county said, and engineers will look at it again in the morning."


def whole(body: str, *, title: str = "Alder flood live: the river rises") -> str:
    return f"<!doctype html><html lang='en'><head><title>{title}</title></head><body><h1>Alder flood live</h1>{body}</body></html>"


def test_brightspots_posts_have_their_time_in_milliseconds_only(read: Read) -> None:
    page = whole(
        "<div role='feed'><h3 class='LiveBlogPage-dateGroup'>Nov. 12</h3>"
        + "".join(
            f"<bsp-liveblog-post class='LiveBlogPost' data-post-id='0000018f-{n}' data-posted-date-timestamp='{1699812000000 - n * 60000}'>"
            f"<span class='LiveBlogPost-time'></span><h2 class='LiveBlogPost-headline'>Thing {n}</h2><div class='LiveBlogPost-authors'>By "
            f"<a href='/author/ada'>Ada Quill</a></div><div class='LiveBlogPost-body RichTextBody'><p>{PROSE}</p></div>"
            "<bsp-copy-link><button>Copy link</button></bsp-copy-link></bsp-liveblog-post>"
            for n in (1, 2)
        )
        + "</div>"
    )
    assert [
        (e.native_id, e.headline, e.body, e.authors, format_ms(e.published_ms or 0)[11:16]) for e in read(page).entries
    ] == [
        ("0000018f-1", "Thing 1", PROSE, ("Ada Quill",), "17:59"),
        ("0000018f-2", "Thing 2", PROSE, ("Ada Quill",), "17:58"),
    ]


def test_reporters_updates_between_a_live_blogs_posts_are_entries_too(read: Read) -> None:
    def post(kind: str, name: str, headline: str) -> str:
        return (
            f"<div role='article'><div data-testid='{kind}' data-url='/live/alder#{name}' id='{name}'><time datetime='2023-11-12T15:00:00.000Z'>"
            f"Nov. 12</time>{headline}<div data-testid='live-blog-byline'>Ada Quill</div><p>{PROSE} {name}</p></div></div>"
        )

    headed = "<h2 class='live-blog-post-headline'><a href='/live/alder#b'>Bridge closed</a></h2>"
    page = whole(
        f"<section id='live-feed-items'>{post('live-blog-post', 'b', headed)}{post('reporter-update', 'a', '')}</section>"
    )
    assert [(e.native_id, e.headline, e.body) for e in read(page).entries] == [
        ("b", "Bridge closed", f"{PROSE} b"),
        ("a", "", f"{PROSE} a"),
    ]


def test_what_only_a_screen_reader_says_is_neither_headline_nor_text(read: Read) -> None:
    page = whole(
        "".join(
            f"<article id='asset:{n}' data-testid='content-post'><header><h3><span role='text'>Thing {n}<span class='visually-hidden x'>published at "
            f"1{n}:00 GMT 12 November 2023</span></span></h3><span aria-hidden='true'><time>1{n}:00 GMT 12 Nov</time></span></header>"
            f"<div class='rich'><p>{PROSE}</p></div><footer><button>Share</button></footer></article>"
            for n in (2, 1)
        )
    )
    assert [(e.native_id, e.headline, e.body) for e in read(page).entries] == [
        ("2", "Thing 2", PROSE),
        ("1", "Thing 1", PROSE),
    ]


def test_wordpress_entries_drawn_by_the_plugins_newer_script_are_read(read: Read) -> None:
    page = whole(
        "<div id='wpcom-liveblog-container'>"
        + "".join(
            f"<article id='id_{n}00' class='liveblog-entry'><a class='liveblog-meta-time' href='{URL}#{n}00'><span>{n}m ago</span></a>"
            f"<span class='liveblog-meta-author-name'>Ada Quill</span><div class='liveblog-entry-content'><h2>Thing {n}</h2><p>{PROSE}</p></div></article>"
            for n in (1, 2)
        )
        + "</div>"
    )
    assert [(e.native_id, e.headline, e.body) for e in read(page).entries] == [
        ("100", "Thing 1", PROSE),
        ("200", "Thing 2", PROSE),
    ]


def test_a_headed_time_is_followed_by_its_text_up_to_the_next(read: Read) -> None:
    page = whole(
        "<main><p>Stand: 12.11.2023 18:02 Uhr</p><p>The Alder is over its banks, and the county warns all who live there.</p>"
        + "".join(
            f"<div class='anchor' id='thing-{n}x'><p class='when'>12.11.2023 • 1{n}:11 Uhr</p><h2>Thing {n}</h2></div><p>{PROSE}</p><p>More of {n} is told.</p>"
            for n in (3, 2, 1)
        )
        + "</main>",
    )
    feed = read(page)
    assert [(e.headline, e.body) for e in feed.entries] == [
        (f"Thing {n}", f"{PROSE}\nMore of {n} is told.") for n in (3, 2, 1)
    ]
    assert feed.summary.startswith("The Alder is over its banks")


def test_a_time_may_stand_in_any_of_the_usual_data_attributes(read: Read) -> None:
    for name in ("data-epoch", "data-utime", "data-timestamp", "data-unixtime"):
        page = whole(
            "".join(
                f"<div class='p'><span class='x' {name}='{1699812000 - n * 900}'>{n} h</span><h3>Thing {n}</h3><p>{PROSE}</p></div>"
                for n in (1, 2, 3)
            )
        )
        assert [format_ms(e.published_ms or 0)[11:16] for e in read(page).entries] == ["17:45", "17:30", "17:15"]


def test_entries_with_pages_of_their_own_have_their_time_in_the_link_to_them(read: Read) -> None:
    page = whole(
        "<div id='liveblog-998'>"
        + "".join(
            f"<div id='liveblog-entry-{n}17'><div class='liveblog-date'><a href='/liveblog_entry/thing-{n}/'><span data-timestamp='{1699812000 + n * 600}'>"
            f"Today</span></a></div><div class='liveblog-paragraph'><h4><a href='/liveblog_entry/thing-{n}/'>Thing {n}</a></h4><div class='byline'>By "
            f"<a href='/writers/ada'>Ada Quill</a></div><p>{PROSE}</p><ul class='social liveblog-social'><li>Facebook</li></ul></div></div>"
            for n in (2, 1)
        )
        + "</div>"
    )
    assert [
        (e.native_id, e.headline, e.body, e.authors, format_ms(e.published_ms or 0)[11:16]) for e in read(page).entries
    ] == [
        ("217", "Thing 2", PROSE, ("Ada Quill",), "18:20"),
        ("117", "Thing 1", PROSE, ("Ada Quill",), "18:10"),
    ]


def test_a_time_named_for_a_sites_own_tests_stands_apart_from_the_byline_which_names_authors(read: Read) -> None:
    page = whole(
        "".join(
            f"<article><h2>Thing {n}</h2><div><span>By Ada Quill and Bo Reed</span><span data-testid='timestamp'>{n}:05 a.m. EST</span></div><p>{PROSE}</p></article>"
            for n in (9, 8, 7)
        )
    )
    assert [format_ms(e.published_ms or 0)[11:16] for e in read(page).entries] == ["14:05", "13:05", "12:05"]
    assert {(e.authors, e.body) for e in read(page).entries} == {(("Ada Quill", "Bo Reed"), PROSE)}


def test_a_line_that_only_begins_like_a_byline_is_text(read: Read) -> None:
    for line in ("Von der Leyen in Tarn", "By the river", "By noon all had left, the county said."):
        page = whole(
            "".join(f"<div><span>1{n}:05</span><h3>Thing {n}</h3><p>{line}</p><p>{PROSE}</p></div>" for n in (3, 2, 1))
        )
        assert {(e.authors, e.body) for e in read(page).entries} == {((), f"{line}\n{PROSE}")}


def test_lists_of_one_kind_one_after_the_other_are_one_list(read: Read) -> None:
    def day(*numbers: int) -> str:
        posts = (
            f"<li class='post'><time datetime='2023-11-12T1{n}:00:00Z'>x</time><h3>Thing {n}</h3><p>{PROSE}</p></li>"
            for n in numbers
        )
        return f"<section><h2>A day</h2><ul>{''.join(posts)}</ul></section>"

    assert [e.headline for e in read(whole(day(6, 5, 4) + day(3) + day(2, 1))).entries] == [
        f"Thing {n}" for n in (6, 5, 4, 3, 2, 1)
    ]


def test_what_a_pinned_copy_tells_is_not_the_pages_summary(read: Read) -> None:
    def post(n: int) -> str:
        return f"<div class='post'><time datetime='2023-11-12T1{n}:00:00Z'>x</time><h3>Thing {n}</h3><p>{PROSE} {n}</p></div>"

    feed = read(
        whole(
            f"<p>The Alder is over its banks since noon.</p><div class='top'>{post(2)}</div><div class='all'>{post(3)}{post(2)}{post(1)}</div>"
        )
    )
    assert [e.headline for e in feed.entries] == ["Thing 3", "Thing 2", "Thing 1"]
    assert (feed.summary, feed.body) == ("The Alder is over its banks since noon.", "")


def test_a_page_below_the_live_page_is_an_entrys_own_where_the_entry_is_told_in_full(read: Read) -> None:
    def page(text: str) -> str:
        return whole(
            "".join(
                f"<div><time datetime='2023-11-12T1{n}:00:00Z'>x</time><h3><a href='{URL}/thing-{n}'>Thing {n}</a></h3>{text}</div>"
                for n in (3, 2, 1)
            )
        )

    assert len(read(page(f"<p>{PROSE}</p><p>{PROSE}</p>")).entries) == 3
    with pytest.raises(BadInput):
        read(page(f"<p>{PROSE}</p>"))


def test_an_author_is_named_without_the_word_before_the_name(read: Read) -> None:
    page = whole(
        "<ul class='elb-liveblog-list'>"
        + "".join(
            f"<li data-elb-post-datetime='{1699812000 + n * 60}' data-elb-post-id='{n}7' class='elb-liveblog-post'><p class='elb-liveblog-post-time'>"
            f"<time datetime='2023-11-12 20:0{n}'>{n} minutes ago</time></p><p class='elb-liveblog-post-author'>By Ada Quill</p>"
            f"<h2 class='elb-liveblog-post-heading'>Thing {n}</h2><div class='elb-liveblog-post-content'><p>{PROSE}</p></div></li>"
            for n in (2, 1)
        )
        + "</ul>"
    )
    assert [
        (e.native_id, e.headline, e.authors, format_ms(e.published_ms or 0)[11:16]) for e in read(page).entries
    ] == [
        ("27", "Thing 2", ("Ada Quill",), "18:02"),
        ("17", "Thing 1", ("Ada Quill",), "18:01"),
    ]


def test_an_amp_live_list_has_its_times_in_seconds_and_marks_what_was_taken_away(read: Read) -> None:
    page = whole(
        "<amp-live-list id='live' data-max-items-per-page='20'><button update>More</button><div items>"
        + "".join(
            f"<div id='p{n}31' data-sort-time='{1699812000 + n * 60}'{gone}><h2>Thing {n}</h2><p>{PROSE}</p></div>"
            for n, gone in ((3, ""), (2, " data-tombstone"), (1, ""))
        )
        + "</div></amp-live-list>"
    )
    assert [(e.native_id, e.headline, e.body, format_ms(e.published_ms or 0)[11:16]) for e in read(page).entries] == [
        ("p331", "Thing 3", PROSE, "18:03"),
        ("p131", "Thing 1", PROSE, "18:01"),
    ]


def test_the_parts_of_a_page_are_not_its_entries(read: Read) -> None:
    entries = "".join(
        f"<div class='e'><p class='t'>1{n}.00 Uhr</p><p>Thing {n} happened.</p><p>{PROSE}</p></div>"
        for n in (5, 4, 3, 2)
    )
    latest = "".join(
        f"<li><time datetime='2023-11-12T1{n}:40:00Z'>x</time> <a href='/n/{n}'>Another story {n}</a></li>"
        for n in range(9)
    )
    most = "".join(f"<li><a href='/n/{n}'><h3>Most read {n}</h3></a><span>1{n}:20</span></li>" for n in range(5))
    page = (
        f"<html><head><title>Flut live</title></head><body><main><h1>Flut live</h1><p>12.11.2023, 18:05 Uhr</p>{entries}</main>"
        f"<aside><h3>Latest</h3><ul>{latest}</ul></aside><section><h2>Most read</h2><ol>{most}</ol></section></body></html>"
    )
    assert [(e.headline, e.body) for e in read(page).entries] == [(f"Thing {n} happened.", PROSE) for n in (5, 4, 3, 2)]


def test_an_entry_that_holds_other_times_is_one_entry_and_its_author_no_headline(read: Read) -> None:
    page = whole(
        "".join(
            f"<div class='e'><div class='meta'><time datetime='2023-11-12T1{n}:00:00Z'>x</time><span class='author'>Ada Quill</span></div><div class='c'>"
            f"<p><b>Thing {n} happens</b></p><p>{PROSE}</p><blockquote class='twitter-tweet'><p>Water everywhere tonight in Tarn.</p>"
            f"<a href='https://twitter.com/ada/status/{n}'><time datetime='2023-11-11T10:00:00Z'>Nov 11</time></a></blockquote></div></div>"
            for n in (3, 2, 1)
        )
    )
    assert [(e.headline, e.authors, format_ms(e.published_ms or 0)[:13]) for e in read(page).entries] == [
        (f"Thing {n} happens", ("Ada Quill",), f"2023-11-12T1{n}") for n in (3, 2, 1)
    ]
    assert "Water everywhere" in read(page).entries[0].body
