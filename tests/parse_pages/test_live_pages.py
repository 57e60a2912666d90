"""Live pages without linked data: engines, shape, and the pages that are none."""
# ruff: noqa: E501 - sample markup reads best unbroken

from __future__ import annotations

import json

import pytest

from processors.parse.pages.labels import sounds_live
from wirewatch.errors import BadInput
from wirewatch.times import format_ms

from .conftest import URL, Read

PROSE = "The weir has held through the night, the county said, and engineers will look at it again in the morning."


def whole(body: str, *, title: str = "Alder flood live: the river rises", head: str = "") -> str:
    return f"<!doctype html><html lang='en'><head><title>{title}</title>{head}</head><body>{body}</body></html>"


GUARDIAN = f"""<h1>Alder flood live</h1>
<div id="pinned-post"><article class="block"><header><time datetime="2023-11-12T17:00:00.000Z">17.00 GMT</time>
<h2>What we know</h2></header><p>{PROSE}</p></article></div>
<div data-component="key-events"><ul><li><a href="?page=with:block-aaa111"><time datetime="2023-11-12T18:00:00Z">18.00</time>
Bridge closed</a></li></ul></div>
<article class="block" id="block-aaa111"><header><time datetime="2023-11-12T18:00:00.000Z">18.00 GMT</time><h2>Bridge closed</h2>
</header><p>{PROSE}</p><footer>Share</footer></article>
<article class="block" id="block-bbb222"><header><time datetime="2023-11-12T17:00:00.000Z">17.00 GMT</time><h2>What we know</h2>
</header><p>{PROSE}</p></article>
<article class="block" id="block-ccc333"><header><time datetime="2023-11-12T16:00:00.000Z">16.00 GMT</time></header>
<p>A post without a title.</p></article>"""
BBC = f"""<h1>Alder flood live</h1><ol>
<li class="lx-stream__post-container"><article class="lx-stream-post qa-post" id="post_65a1"><header>
<span class="qa-post-auto-meta">18:00</span><h3 class="lx-stream-post__header-title">
<span class="lx-stream-post__header-text">Bridge closed</span></h3></header>
<div class="lx-stream-post-body"><p>{PROSE}</p></div></article></li>
<li class="lx-stream__post-container"><article class="lx-stream-post qa-post" id="post_65a0"><header>
<span class="qa-post-auto-meta">17:30</span><h3 class="lx-stream-post__header-title">
<span class="lx-stream-post__header-text">Trains stop</span></h3></header>
<div class="lx-stream-post-body"><p>{PROSE}</p></div></article></li></ol>"""
WORDPRESS = f"""<h1>Alder flood live</h1><div id="liveblog-container">
<div id="liveblog-entry-812" class="liveblog-entry type-key" data-timestamp="1699812000"><header class="liveblog-meta">
<span class="liveblog-author-name">Ada Quill</span><span class="liveblog-meta-time"><a><span class="time">18:00</span></a></span>
</header><div class="liveblog-entry-text"><h2>Bridge closed</h2><p>{PROSE}</p></div></div>
<div id="liveblog-entry-811" class="liveblog-entry" data-timestamp="1699810200"><header class="liveblog-meta"></header>
<div class="liveblog-entry-text"><p>A post without a title.</p></div></div></div>"""
SOURCEFABRIC = f"""<h1>Alder flood live</h1><section class="sticky-container">
<article class="lb-post lb-post--pinned" data-post-id="urn:newsml:localhost:p1"><div class="lb-post-date" data-js-timestamp="2023-11-12T18:00:00+00:00"></div>
<h2 class="lb-post-title">Bridge closed</h2><div class="lb-item"><p>{PROSE}</p></div></article></section>
<article class="lb-post" data-post-id="urn:newsml:localhost:p1"><div class="lb-post-date" data-js-timestamp="2023-11-12T18:00:00+00:00"></div>
<h2 class="lb-post-title">Bridge closed</h2><div class="lb-item"><p>{PROSE}</p></div></article>
<article class="lb-post" data-post-id="urn:newsml:localhost:p0"><div class="lb-post-date" data-js-timestamp="2023-11-12T17:30:00+00:00"></div>
<h2 class="lb-post-title">Trains stop</h2><div class="lb-item"><p>{PROSE}</p></div></article>"""
NORKON = f"""<h1>Alder flood live</h1><div class="ncpost-list">
<article class="ncpost-list-post"><div class="ncpost-container" data-ncpost-id="9002"><time class="ncpost-timestamp"
datetime="2023-11-12T18:00:00Z">18:00</time><h2 class="ncpost-title">Bridge closed</h2><div class="ncpost-content"><p>{PROSE}</p></div>
</div></article><article class="ncpost-list-post"><div class="ncpost-container" data-ncpost-id="9001"><time class="ncpost-timestamp"
datetime="2023-11-12T17:30:00Z">17:30</time><h2 class="ncpost-title">Trains stop</h2><div class="ncpost-content"><p>{PROSE}</p></div>
</div></article></div>"""
CNN = f"""<h1>Alder flood live</h1><div class="live-story__items-container">
<article class="live-story-post" id="h_1a" data-first-publish="2023-11-12T18:00:00.000Z" data-last-updated="2023-11-12T18:05:00.000Z">
<header><h2 class="live-story-post__headline">Bridge closed</h2><span class="live-story-post__byline">From Ada Quill</span></header>
<div class="live-story-post__content"><p>{PROSE}</p></div></article>
<article class="live-story-post" id="h_1b" data-first-publish="2023-11-12T17:30:00.000Z"><header>
<h2 class="live-story-post__headline">Trains stop</h2></header><div class="live-story-post__content"><p>{PROSE}</p></div></article></div>"""


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (
            GUARDIAN,
            [("aaa111", "Bridge closed", "18:00"), ("bbb222", "What we know", "17:00"), ("ccc333", "", "16:00")],
        ),
        (BBC, [("65a1", "Bridge closed", "18:00"), ("65a0", "Trains stop", "17:30")]),
        (WORDPRESS, [("812", "Bridge closed", "18:00"), ("811", "", "17:30")]),
        (SOURCEFABRIC, [("p1", "Bridge closed", "18:00"), ("p0", "Trains stop", "17:30")]),
        (NORKON, [("9002", "Bridge closed", "18:00"), ("9001", "Trains stop", "17:30")]),
        (CNN, [("h_1a", "Bridge closed", "18:00"), ("h_1b", "Trains stop", "17:30")]),
    ],
    ids=["guardian", "bbc", "wordpress", "sourcefabric", "norkon", "cnn"],
)
def test_a_known_engines_blocks_are_entries_each_once(
    read: Read, markup: str, expected: list[tuple[str, str, str]]
) -> None:
    feed = read(whole(markup), "auto")
    got = [(e.native_id, e.headline, format_ms(e.published_ms or 0)[11:16]) for e in feed.entries]
    assert got == expected
    assert feed.entries[0].body == PROSE
    assert [e.position for e in feed.entries] == list(range(len(expected)))


def test_pins_and_key_events_are_marks_of_the_one_entry(read: Read) -> None:
    assert [e.pinned for e in read(whole(GUARDIAN)).entries] == [False, True, False]
    assert [e.pinned for e in read(whole(SOURCEFABRIC)).entries] == [True, False]
    assert [e.key_event for e in read(whole(WORDPRESS)).entries] == [True, False]


def entry(number: int, *, at: str, more: str = "") -> str:
    return f"<div class='item'{more}><span class='when'>{at}</span><h3>Thing {number}</h3><p>{PROSE}</p></div>"


@pytest.mark.parametrize(
    "contents",
    [
        "<ul>{}</ul>",
        "<aside><h3>At a glance</h3><ol>{}</ol></aside>",
        "<section class='key-events'>{}</section>",
    ],
)
@pytest.mark.parametrize("first", [3, 2])
def test_a_timed_list_of_key_events_is_no_entry(read: Read, contents: str, first: int) -> None:
    numbers = (3, 2, 1)
    blocks = "".join(entry(n, at=f"1{n}:00 GMT 12.11.2023") for n in numbers)
    named = "".join(
        f"<li><time datetime='2023-11-12T1{n}:00:00Z'>1{n}:00</time><a href='#n{n}'>Thing {n}</a></li>"
        for n in numbers[-first:]
    )
    feed = read(whole(contents.format(named) + blocks))
    assert [(e.headline, e.body) for e in feed.entries] == [(f"Thing {n}", PROSE) for n in numbers]


def test_ids_that_are_the_sources_own_are_kept_and_positions_are_not(read: Read) -> None:
    own = "".join(entry(n, at=f"1{n}:00 GMT 12.11.2023", more=f" id='p{9137 * n}'") for n in (3, 2, 1))
    assert [e.native_id for e in read(whole(own)).entries] == ["p27411", "p18274", "p9137"]
    positions = "".join(entry(n, at=f"1{n}:00 GMT 12.11.2023", more=f" id='item-{4 - n}'") for n in (3, 2, 1))
    assert [e.native_id for e in read(whole(positions)).entries] == [None, None, None]


def test_relative_times_count_from_the_snapshot(read: Read) -> None:
    page = whole("".join(entry(n, at=f"{n}m ago") for n in (3, 5, 9)))
    feed = read(page, fetched="2023-11-12T18:00:00Z")
    assert [format_ms(e.published_ms or 0)[11:16] for e in feed.entries] == ["17:57", "17:55", "17:51"]
    assert {e.published_from for e in feed.entries} == {"inferred"}


def test_day_headings_date_the_clocks_below_them(read: Read) -> None:
    page = whole(
        f"<div class='list'><h4>12 November 2023</h4>{entry(4, at='00:20')}<h4>11 November 2023</h4>"
        f"{entry(3, at='23:50')}{entry(2, at='22:10')}</div>"
    )
    assert [format_ms(e.published_ms or 0)[:16] for e in read(page).entries] == [
        "2023-11-12T00:20",
        "2023-11-11T23:50",
        "2023-11-11T22:10",
    ]


def test_clocks_stand_in_the_pages_own_zone_and_day(read: Read) -> None:
    head = "<meta property='article:modified_time' content='2023-11-12T00:30:00+02:00'>"
    page = whole("".join(entry(n, at=at) for n, at in ((3, "00:20"), (2, "23:50"), (1, "23:10"))), head=head)
    assert [format_ms(e.published_ms or 0)[:16] for e in read(page).entries] == [
        "2023-11-11T22:20",
        "2023-11-11T21:50",
        "2023-11-11T21:10",
    ]


@pytest.mark.parametrize(
    ("fetched", "day"), [("2023-11-10T18:00:00Z", "2023-11-10"), ("2024-06-01T12:00:00Z", "2023-11-10")]
)
def test_clocks_of_a_page_that_only_says_when_it_began_come_after_that(read: Read, fetched: str, day: str) -> None:
    head = "<meta property='article:published_time' content='2023-11-10T07:00:00Z'>"
    page = whole("".join(entry(n, at=at) for n, at in ((3, "16:20"), (2, "11:50"), (1, "07:10"))), head=head)
    assert {format_ms(e.published_ms or 0)[:10] for e in read(page, fetched=fetched).entries} == {day}


@pytest.mark.parametrize(
    "clock",
    [
        *("{}:{} Uhr", "kl. {}.{}", "klo {}.{}", "{} h {}", "{}:{} hs", "{}時{}分", "{}시 {}분", "{}:{} -", "| {}:{}"),
        *("alle {}:{}", "в {}:{}", "[{}:{}]", "godz. {}:{}"),
    ],
)
def test_clocks_as_they_are_written_in_many_countries(read: Read, clock: str) -> None:
    page = whole("".join(entry(n, at=clock.format(h, m)) for n, (h, m) in enumerate((("16", "20"), ("11", "50")))))
    assert [format_ms(e.published_ms or 0)[11:16] for e in read(page).entries] == ["16:20", "11:50"]


def test_a_heading_may_begin_with_its_time(read: Read) -> None:
    page = whole(
        "".join(
            f"<article><h3><span>{at} Uhr</span> Thing {n} happened</h3><p>{PROSE}</p></article>"
            for n, at in enumerate(("16.20", "11:50", "11:20"))
        )
    )
    found = read(page).entries
    assert [e.headline for e in found] == [f"Thing {n} happened" for n in range(3)]
    assert [format_ms(e.published_ms or 0)[11:16] for e in found] == ["16:20", "11:50", "11:20"]


@pytest.mark.parametrize(
    "title",
    [
        *(
            "Powódź: relacja na żywo",
            "Потоп: наживо",
            "Sel: canlı anlatım",
            "Flommen: direkterapport",
            "Tulva: hetki hetkeltä",
        ),
        *(
            "Crue : suivez notre direct",
            "洪水 実況ライブ",
            "洪水：实时更新",
            "홍수 실시간",
            "فيضان: بث مباشر",
            "Povodně živě",
        ),
    ],
)
def test_a_page_says_that_it_is_live_in_many_languages(title: str) -> None:
    assert sounds_live(title)


def test_a_machine_readable_time_beats_what_is_shown(read: Read) -> None:
    head = "<meta property='article:modified_time' content='2023-11-12T18:30:00+01:00'>"
    times = (
        "<time data-time='2023-11-12T18:20'><span>4 mins ago</span>18:20</time>",
        "<time datetime='2023-11-12T16:00:00Z'>x</time>",
    )
    page = whole(
        "".join(f"<div class='item'>{at}<h3>Thing {n}</h3><p>{PROSE}</p></div>" for n, at in enumerate(times)),
        head=head,
    )
    assert [format_ms(e.published_ms or 0)[11:16] for e in read(page).entries] == ["17:20", "16:00"]


def test_a_page_that_says_it_has_closed_is_ended(read: Read) -> None:
    items = "".join(entry(n, at=f"1{n}:00 GMT 12.11.2023") for n in (3, 2, 1))
    assert not read(whole(items)).ended
    assert read(whole(f"<p>This live blog has now closed.</p>{items}")).ended


ARTICLE = whole(
    f"<article><h1>Why the weir gave way</h1><p class='by'>By Ada Quill</p><time datetime='2023-11-12T10:00:00Z'>12 November 2023"
    f"</time>{f'<p>{PROSE}</p>' * 9}</article><section class='comments'>"
    + "".join(f"<div class='comment'><b>Reader {n}</b><time>1{n}:00</time><p>{PROSE}</p></div>" for n in range(5))
    + "</section>",
    title="Why the weir gave way",
)
FRONT = whole(
    "<h1>Regions</h1>"
    + "".join(
        f"<article><a href='/news/{n}'><h3>Thing {n} of many</h3></a><time datetime='2023-11-12T1{n}:00:00Z'>1{n}:00</time>"
        f"<p>{PROSE}</p></article>"
        for n in range(9)
    ),
    title="Regions - Harbour Courier",
)
VIDEO = whole(
    f"<h1>Watch: cows swim past the church</h1><video src='/v.mp4'></video><span class='duration'>1:32</span><p>{PROSE}</p>"
    "<ul>"
    + "".join(f"<li><a href='/v/{n}'><span>0{n}:32</span><h4>Another film {n}</h4></a></li>" for n in range(8))
    + "</ul>",
    title="Watch: cows swim",
)
LINKS = whole(
    "<h1>Links</h1><ul>" + "".join(f"<li><a href='/{n}'>A page of number {n}</a></li>" for n in range(40)) + "</ul>",
    title="Links",
)


@pytest.mark.parametrize("kind", ["auto", "live-page"])
@pytest.mark.parametrize("page", [ARTICLE, FRONT, VIDEO, LINKS], ids=["article", "front", "video", "links"])
def test_what_is_no_live_page_gives_no_entries_and_says_what_was_looked_for(read: Read, page: str, kind: str) -> None:
    with pytest.raises(BadInput, match=r"looked for schema\.org LiveBlogPosting.*engines.*repeated blocks") as refused:
        read(page, kind, url="https://courier.example/news/weir")
    assert refused.value.reason == "not-recognised"


def test_entries_drawn_in_the_browser_are_named(read: Read) -> None:
    page = whole("<h1>Alder</h1><script src='https://v.24liveblog.com/24.js'></script>")
    with pytest.raises(BadInput, match="embeds 24liveblog, whose entries are drawn in the browser"):
        read(page)


@pytest.mark.parametrize(
    ("title", "body", "named"),
    [
        ("Just a moment...", "<div id='challenge-platform'></div>", "robot check"),
        ("Before you continue", "<form action='https://consent.google.example/save'></form>", "consent page"),
        ("Alder", "<div class='paywall'>One more step</div>", "paywall"),
        ("502 Bad Gateway", "<hr>nginx", "server's error page"),
    ],
)
def test_a_page_in_place_of_the_page_is_an_error_page(read: Read, title: str, body: str, named: str) -> None:
    with pytest.raises(BadInput, match=named) as refused:
        read(whole(body, title=title), "auto")
    assert refused.value.reason == "error-page"


def test_a_consent_banner_on_a_real_page_hides_nothing(read: Read) -> None:
    items = "".join(entry(n, at=f"1{n}:00 GMT 12.11.2023") for n in (3, 2, 1))
    assert len(read(whole(f"<div class='cmp-wall'><h2>We value your privacy</h2></div>{items}")).entries) == 3


def test_the_guardians_rendering_json_is_a_live_page(read: Read) -> None:
    document = {
        "headline": "Alder flood – live updates",
        "webURL": URL,
        "pinnedPost": {"id": "b1"},
        "blocks": [
            {
                "id": f"b{n}",
                "title": f"Thing {n}",
                "blockFirstPublished": 1699812000000 - n * 60000,
                "attributes": {"keyEvent": n == 2},
                "elements": [{"html": f"<p>{PROSE}</p>"}, {"html": "<p>And more.</p>"}],
            }
            for n in (1, 2)
        ],
    }
    feed = read(json.dumps(document), content_type="application/json")
    assert (feed.title, feed.label) == ("Alder flood", "live updates")
    assert [(e.native_id, e.headline, e.body, e.pinned, e.key_event) for e in feed.entries] == [
        ("b1", "Thing 1", f"{PROSE}\nAnd more.", True, False),
        ("b2", "Thing 2", f"{PROSE}\nAnd more.", False, True),
    ]
