"""Ordinary pages that have a live page's shape somewhere: readers' comments, teasers, programmes, films, blocks of a CMS."""
# ruff: noqa: E501 - sample markup reads best unbroken

from __future__ import annotations

import pytest

from processors.parse.pages.labels import sounds_live
from wirewatch.errors import BadInput
from wirewatch.times import format_ms

from .conftest import Read

PROSE = "The weir has held through the night, the county said, and engineers will look at it again in the morning."
ARTICLE = (
    "<article><h1>Why the weir gave way</h1><p class='by'>By Ada Quill</p><time datetime='2023-11-12T10:00:00Z'>12 November 2023</time>"
    f"{f'<p>{PROSE}</p>' * 9}</article>"
)
DECLARED = '<script type="application/ld+json">{"@context":"https://schema.org","@type":"NewsArticle","headline":"Why"}</script>'


def whole(body: str, *, title: str = "Why the weir gave way", head: str = "") -> str:
    return f"<!doctype html><html lang='en'><head><title>{title}</title>{head}</head><body>{body}</body></html>"


def refuse(read: Read, page: str, url: str = "https://courier.example/news/weir") -> None:
    with pytest.raises(BadInput) as refused:
        read(page, "auto", url=url)
    assert refused.value.reason == "not-recognised"


def posts(*, around: str = "", item: str = "", inside: str = "", number: int = 5) -> str:
    """What readers wrote, or whatever else has an author, a time and a text."""
    return (
        f"<ul {around}>"
        + "".join(
            f"<li id='c{9000 + n * 37}' {item}><b>Reader {n}</b><time datetime='2023-11-12T1{n}:00:00Z'>1{n}:00</time>"
            f"<p>{PROSE}</p>{inside}</li>"
            for n in range(number)
        )
        + "</ul>"
    )


@pytest.mark.parametrize(
    "comments",
    [
        *(
            posts(around=f"class='{name}'", number=9)
            for name in ("commentlist", "leserkommentare", "reacties", "replies")
        ),
        *(
            posts(inside=f"<a href='#'>{word}</a>", number=9)
            for word in ("Reply", "Antworten", "Répondre", "Ответить", "3 replies")
        ),
        *(posts(item=f"itemscope itemtype='https://schema.org/{kind}'", number=9) for kind in ("Comment", "Review")),
        posts(item="itemprop='comment'", number=9),
    ],
)
def test_what_readers_wrote_is_no_entry(read: Read, comments: str) -> None:
    refuse(read, whole(ARTICLE + comments))


def test_a_longer_list_of_what_readers_wrote_below_a_live_blog_is_not_taken_for_it(read: Read) -> None:
    told = "".join(f"<div><span>1{n}:00</span><h3>Thing {n}</h3><p>{PROSE}</p></div>" for n in (3, 2, 1))
    found = read(whole(f"<main>{told}</main>{posts(number=9)}", title="Weir live")).entries
    assert [e.headline for e in found] == ["Thing 3", "Thing 2", "Thing 1"]


def test_what_repeats_below_an_article_is_no_entry_where_the_article_is_longer(read: Read) -> None:
    refuse(read, whole(ARTICLE + posts()))


def test_a_page_that_declares_an_article_and_does_not_sound_live_has_no_entries(read: Read) -> None:
    refuse(read, whole(posts(), head=DECLARED))
    assert len(read(whole(posts(), head=DECLARED, title="Weir live: the river rises")).entries) == 5


def test_a_page_that_declares_a_live_blog_without_updates_is_live(read: Read) -> None:
    clocks = "".join(f"<div><span>1{n}:00</span><h3>Thing {n}</h3><p>{PROSE}</p></div>" for n in (3, 2, 1))
    refuse(read, whole(clocks))
    head = '<script type="application/ld+json">{"@type":"LiveBlogPosting","coverageStartTime":"2023-11-12T09:00:00Z"}</script>'
    assert len(read(whole(clocks, head=head), "auto", url="https://courier.example/news/weir").entries) == 3


def test_a_script_that_knows_the_name_declares_no_live_blog(read: Read) -> None:
    refuse(
        read,
        whole(
            ARTICLE + posts(number=9),
            head="<script>var kinds = {'LiveBlogPosting': 1, \"NewsArticle\": 2};</script>" + DECLARED,
        ),
    )


@pytest.mark.parametrize("title", ["Regions - Harbour Courier", "Live news, latest headlines - Harbour Courier"])
@pytest.mark.parametrize(
    "teaser",
    [
        "{time}<h3>{head}</h3>{text}<a href='{page}'>Read more</a>",
        "{time}<h3>{head}</h3>{text}<a href='{page}'>Weiterlesen »</a>",
        "<a class='overlay' href='{page}' aria-label='x'></a>{time}<h3>{head}</h3>{text}",
        "<a href='{page}'><img src='/a.jpg' alt='x'></a>{time}<h3>{head}</h3>{text}",
        "<h3><span class='kicker'>Flood</span> <a href='{page}'>{head}</a></h3>{time}{text}",
        "<a href='{page}'>{time}<h3>{head}</h3>{text}</a>",
    ],
    ids=["read-more", "weiterlesen", "overlay", "picture", "kicker", "card"],
)
def test_teasers_lead_elsewhere_whatever_of_them_is_the_link(read: Read, teaser: str, title: str) -> None:
    items = "".join(
        "<article>"
        + teaser.format(
            time=f"<time datetime='2023-11-12T1{n}:00:00Z'>1{n}:00</time>",
            head=f"Thing {n}",
            text=f"<p>{PROSE}</p>",
            page=f"/news/{n}",
        )
        + "</article>"
        for n in range(8)
    )
    refuse(read, whole(f"<h1>Regions</h1>{items}", title=title), "https://courier.example/regions")


def test_authors_topics_and_files_that_entries_link_to_are_not_pages_they_lead_to(read: Read) -> None:
    items = "".join(
        f"<article><a href='/authors/{n}'><img src='/a{n}.jpg' alt=''></a><time datetime='2023-11-12T1{n}:00:00Z'>1{n}:00</time>"
        f"<h3>Thing {n}</h3><p>{PROSE}</p><a href='/big/{n}.jpg'><img src='/{n}.jpg' alt=''></a><a href='/topics/{n}'>Topic {n}</a></article>"
        for n in (3, 2, 1)
    )
    assert len(read(whole(items, title="Weir, as it stands"), "auto", url="https://courier.example/weir").entries) == 3


def test_a_live_pages_entries_may_have_live_pages_of_their_own_where_they_are_told_in_full(read: Read) -> None:
    def page(text: str) -> str:
        return whole(
            "".join(
                f"<div><h4><a href='/liveblog_entry/thing-{n}/'>Thing {n}</a></h4><time datetime='2023-11-12T1{n}:00:00Z'>1{n}:00</time>{text}</div>"
                for n in (3, 2, 1)
            ),
            title="Liveblog",
        )

    assert [e.url for e in read(page(f"<p>{PROSE}</p><p>{PROSE}</p>")).entries] == [
        f"https://courier.example/liveblog_entry/thing-{n}/" for n in (3, 2, 1)
    ]
    refuse(read, page(f"<p>{PROSE}</p>"))


def test_what_lies_ahead_is_a_programme(read: Read) -> None:
    items = "".join(
        f"<div><time datetime='2023-12-1{n}T19:00:00Z'>1{n} December 2023, 19:00</time><h3>Concert {n}</h3><p>{PROSE}</p></div>"
        for n in range(5)
    )
    refuse(read, whole(items, title="Events in Tarn"))
    assert len(read(whole(items, title="Events in Tarn"), fetched="2023-12-20T12:00:00Z").entries) == 5


def test_clocks_in_no_order_without_texts_are_no_times_of_day(read: Read) -> None:
    def films(*clocks: str) -> str:
        rows = "".join(
            f"<li><span>{clock}</span><h4>Another thing happens in Tarn {n}</h4></li>" for n, clock in enumerate(clocks)
        )
        return whole(f"<h1>Alder live</h1><ul>{rows}</ul>", title="Alder live")

    refuse(read, films("01:32", "00:45", "12:10", "03:59", "10:01", "02:20", "07:30", "01:01"))
    assert len(read(films("21:32", "21:10", "20:59", "20:58", "19:01", "18:20", "17:30", "17:01")).entries) == 8


def test_a_list_of_articles_in_an_engines_markup_is_no_live_page(read: Read) -> None:
    items = "".join(
        f"<li class='lx-stream__post-container'><article class='lx-stream-post qa-post' id='post_{n}'><span class='qa-post-auto-meta'>1{n}:00</span>"
        f"<h3 class='lx-stream-post__header-title'><a href='/news/technology-{n}'><span class='lx-stream-post__header-text'>Thing {n}</span></a></h3>"
        f"<div class='lx-stream-post-body'><p>{PROSE}</p></div></article></li>"
        for n in range(6)
    )
    refuse(
        read,
        whole(f"<h1>Technology</h1><ol>{items}</ol>", title="Technology"),
        "https://courier.example/news/technology",
    )


def test_a_board_of_departures_is_no_live_blog(read: Read) -> None:
    rows = "".join(
        f"<tr><td>1{n}:05</td><td>Upper Tarn</td><td>Platform {n}</td><td>On time</td></tr>" for n in range(9)
    )
    refuse(read, whole(f"<h1>Live departures</h1><table>{rows}</table>", title="Live departures"))


@pytest.mark.parametrize(
    "page",
    [
        (
            f"<div id='block-theme-branding' class='block block-system'><a href='/'>Home</a></div><div id='block-theme-content' class='block'>{ARTICLE}</div>"
            "<div id='block-views-latest' class='block block-views'><ul><li><a href='/n/1'>One more story</a></li></ul></div>"
        ),
        "".join(
            f"<article class='block'><header><time datetime='2023-11-12T1{n}:00:00Z'>1{n}:00</time><h2><a href='/news/{n}'>Thing {n}</a></h2>"
            f"</header><p>{PROSE}</p></article>"
            for n in range(9)
        ),
        f"<div data-testid='content-post'>{ARTICLE}</div>",
    ],
    ids=["drupal", "front-of-articles", "react"],
)
def test_names_that_engines_share_with_other_sites_are_no_engine(read: Read, page: str) -> None:
    refuse(read, whole(page))


@pytest.mark.parametrize(
    ("words", "live"),
    [
        ("Alder flood live: the river rises", True),
        ("WHO live updates", True),
        ("Politics live with Ada Quill", True),
        ("news alder-flood-live", True),
        ("Transfer news LIVE", True),
        ("Where people live longer", False),
        ("The best places to live", False),
        ("Watch live: cows swim past the church", False),
        ("TV schedule | Live TV", False),
        ("Live scores and results", False),
    ],
)
def test_live_is_also_a_verb_and_a_broadcast(words: str, live: bool) -> None:
    assert sounds_live(words) is live


def test_the_parts_of_a_front_are_lists_and_no_entries(read: Read) -> None:
    parts = "".join(
        f"<section><h2>Section {s}</h2>"
        + "".join(
            f"<div><h3><a href='/n/{s}{n}'>Thing {n}</a></h3><time datetime='2023-11-12T1{n}:00:00Z'>{n}h ago</time></div>"
            for n in range(4)
        )
        + "</section>"
        for s in range(4)
    )
    refuse(read, whole(parts, title="Harbour Courier: breaking news, live updates"))


@pytest.mark.parametrize(
    "written", ["<strong>1{n}.05</strong> – {text}", "<b>1{n}:05:</b> {text}", "<b>1{n}:05 Uhr</b> | {text}"]
)
def test_a_bold_time_is_cut_off_with_the_mark_behind_it(read: Read, written: str) -> None:
    text = "The county closed a bridge."
    page = whole("".join(f"<p>{written.format(n=n, text=text)}</p>" for n in (3, 2, 1)), title="Alder live")
    assert [(e.headline, format_ms(e.published_ms or 0)[11:16]) for e in read(page).entries] == [
        (text, f"1{n}:05") for n in (3, 2, 1)
    ]


def test_a_clock_in_bold_begins_an_entry_on_a_live_page_only(read: Read) -> None:
    paragraphs = "".join(f"<p><strong>{n}:00 p.m.</strong> Thing {n} happened, the county said.</p>" for n in (4, 3, 2))
    found = read(whole(paragraphs, title="Alder live updates")).entries
    assert [(e.headline, format_ms(e.published_ms or 0)[11:16]) for e in found] == [
        (f"Thing {n} happened, the county said.", f"1{n + 2}:00") for n in (4, 3, 2)
    ]
    refuse(read, whole(paragraphs, title="Timeline: how the day unfolded"))
