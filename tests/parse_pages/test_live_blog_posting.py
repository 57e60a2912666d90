"""schema.org LiveBlogPosting: JSON-LD of every make, and microdata."""
# ruff: noqa: E501 - sample markup reads best unbroken

from __future__ import annotations

import gzip
import html
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from processors.parse import ParsedEntry, ParsedFeed, parse
from wirewatch.errors import BadInput
from wirewatch.events import ParseDefinition

from .conftest import URL, Read


def update(number: int, **more: Any) -> dict[str, Any]:
    return {
        "@type": "BlogPosting",
        "headline": f"Thing {number}",
        "url": f"{URL}#u{number}",
        "datePublished": f"2023-11-12T1{number}:00:00+01:00",
        "articleBody": f"<p>What is known of thing {number}.</p><p>And <b>more</b>.</p>",
        **more,
    }


def blog(updates: Any, **more: Any) -> dict[str, Any]:
    return {
        "@context": "https://schema.org",
        "@type": "LiveBlogPosting",
        "url": URL,
        "headline": "Live Updates: Alder Floods",
        "description": "The river is over its banks.",
        "liveBlogUpdate": updates,
        **more,
    }


def page(*documents: Any, raw: str = "") -> str:
    scripts = "".join(f"<script type='application/ld+json'>{json.dumps(d)}</script>" for d in documents)
    return f"<!doctype html><html><head>{scripts}{raw}</head><body><h1>Alder</h1></body></html>"


def test_the_updates_come_out_as_they_stand(read: Read) -> None:
    feed = read(
        page({"@type": "WebSite"}, blog([update(2, author={"name": "Ada Quill"}), update(1, keywords="weir, tarn")]))
    )
    assert (feed.kind, feed.label, feed.title, feed.summary) == (
        "live-page",
        "Live Updates",
        "Alder Floods",
        "The river is over its banks.",
    )
    assert feed.has_lead
    first, second = feed.entries
    assert (first.native_id, first.headline, first.body) == ("u2", "Thing 2", "What is known of thing 2.\nAnd more.")
    assert (first.url, first.authors, second.tags) == (f"{URL}#u2", ("Ada Quill",), ("weir", "tarn"))
    assert first.published_raw == "2023-11-12T12:00:00+01:00"
    assert [e.position for e in feed.entries] == [0, 1]


@pytest.mark.parametrize(
    "document",
    [
        {"@context": "https://schema.org", "@graph": [{"@type": "WebPage"}, blog([update(1)])]},
        [{"@type": "Organization"}, blog(update(1))],
        {"@type": "WebPage", "mainEntity": blog([update(1)])},
        {"@graph": [blog([{"@id": f"{URL}#u1"}]), {"@id": f"{URL}#u1", **update(1)}]},
        blog({"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": update(1)}]}),
        blog([update(1)], **{"@type": ["Article", "http://schema.org/LiveBlogPosting"]}),
    ],
    ids=["graph", "list", "main-entity", "references", "item-list", "several-types"],
)
def test_it_is_found_wherever_it_is_nested(read: Read, document: Any) -> None:
    assert [(e.headline, e.native_id) for e in read(page(document)).entries] == [("Thing 1", "u1")]


def test_of_several_the_pages_own_is_taken(read: Read) -> None:
    other = blog([update(1), update(2), update(3)], url="https://courier.example/live/another")
    feed = read(page(other, blog([update(4)])))
    assert [e.headline for e in feed.entries] == ["Thing 4"]
    assert "further LiveBlogPosting" in feed.notes[0]


def test_one_blog_told_in_parts_is_one(read: Read) -> None:
    feed = read(page(blog([update(4), update(3)]), blog([update(2)])))
    assert [e.headline for e in feed.entries] == ["Thing 4", "Thing 3", "Thing 2"]


@pytest.mark.parametrize(
    "mangle",
    [
        lambda s: s.replace("What is known", "What\nis\tknown"),
        lambda s: s.replace("}]", "},\n ]").replace('"}', '",}'),
        lambda s: f"<!-- {s} -->",
        lambda s: f"//<![CDATA[\n{s}\n//]]>",
        lambda s: s.replace("What is", r"What\'s"),
        lambda s: s.replace("What is", "What \x00is\x01"),
        lambda s: f"\ufeff{s}",
    ],
    ids=["raw-breaks", "trailing-commas", "comment", "cdata", "escape-of-nothing", "control-characters", "bom"],
)
def test_broken_json_is_mended_where_that_is_safe(read: Read, mangle: Any) -> None:
    raw = f"<script type='application/ld+json'>{mangle(json.dumps(blog([update(1)])))}</script>"
    feed = read(page(raw=raw))
    assert [e.headline for e in feed.entries] == ["Thing 1"]
    assert "known of thing 1" in feed.entries[0].body
    assert "\x00" not in feed.entries[0].body
    assert "mended" in feed.notes[0]


def test_json_whose_meaning_would_be_a_guess_is_refused(read: Read) -> None:
    raw = "<script type='application/ld+json'>" + json.dumps(blog([update(1)]))[:-40] + "</script>"
    with pytest.raises(BadInput) as refused:
        read(page(raw=raw))
    assert refused.value.reason == "not-recognised"


def test_the_same_update_twice_is_one_entry(read: Read) -> None:
    assert len(read(page(blog([update(1), update(2), update(1)]))).entries) == 2


def test_a_picture_that_all_updates_share_is_the_pages(read: Read) -> None:
    updates = [update(n, image="https://courier.example/logo.png") for n in (1, 2, 3)]
    updates.append(update(4, image={"url": "/weir.jpg", "caption": "The weir"}))
    feed = read(page(blog(updates, image="https://courier.example/lead.jpg")))
    assert [[m.url for m in e.media] for e in feed.entries] == [[], [], [], ["https://courier.example/weir.jpg"]]
    assert [m.url for m in feed.lead_media] == ["https://courier.example/lead.jpg"]


@pytest.mark.parametrize(("end", "ended"), [("2023-11-12T17:00:00Z", True), ("2023-11-13T17:00:00Z", False)])
def test_coverage_that_has_ended_by_then_is_over(read: Read, end: str, ended: bool) -> None:
    assert read(page(blog([update(1)], coverageEndTime=end))).ended is ended


def test_updates_that_are_known_are_not_read_again_and_the_page_is_the_same() -> None:
    definition = ParseDefinition(url=URL, kind="live-page")

    def read(updates: list[dict[str, Any]], known: dict[str, ParsedEntry] | None = None) -> ParsedFeed:
        return parse(page(blog(updates)).encode(), definition, fetched_at_ms=0, known=known)

    shown = [update(number, image=f"https://n.example/{number // 2}.jpg") for number in (1, 2, 3)]
    before = read(shown)
    marked = {e.raw_hash: msgspec.structs.replace(e, section="known") for e in before.entries}
    after = read([update(4), shown[2], shown[0]], marked)
    assert [(e.section, e.position) for e in after.entries] == [(None, 0), ("known", 1), ("known", 2)]
    # two more updates with one picture: from now on it is the page's, also in the updates that are known
    further = [update(5, image="https://n.example/1.jpg"), *shown]
    assert read(further, {e.raw_hash: e for e in before.entries}) == read(further)


def test_a_page_of_bytes_gives_what_its_text_gives(read: Read) -> None:
    for broken in (
        "",
        "<script type='APPLICATION/LD+JSON'>{}</SCRIPT>",
        "<script type='application/ld+json'>{,}</script>",
    ):
        text = page(blog([update(1), update(2)]), raw=broken)
        raw = parse(text.encode(), ParseDefinition(url=URL, kind="live-page"), fetched_at_ms=0)
        assert raw.entries == read(text).entries
    with pytest.raises(BadInput, match="cut"):
        parse(page(blog([update(1)]), raw="<div>")[:-20].encode(), ParseDefinition(url=URL), fetched_at_ms=0)


def test_an_update_without_an_address_of_its_own_has_no_id(read: Read) -> None:
    entry = read(page(blog([update(1, url=URL)]))).entries[0]
    assert (entry.native_id, entry.url) == (None, None)


def test_microdata_says_the_same(read: Read) -> None:
    items = "".join(
        f"""<article itemprop="liveBlogUpdate" itemscope itemtype="https://schema.org/BlogPosting" id="u{n}">
        <h3 itemprop="headline">Thing {n}</h3><time itemprop="datePublished" datetime="2023-11-12T1{n}:00:00Z">1{n}:00</time>
        <div itemprop="articleBody"><p>What is known of thing {n}.</p><p>And <b>more</b>.</p></div></article>"""
        for n in (2, 1)
    )
    feed = read(
        f"<html><body><div itemscope itemtype='https://schema.org/LiveBlogPosting'><h1 itemprop='headline'>Alder Floods</h1>"
        f"<meta itemprop='description' content='Over its banks.'>{items}</div></body></html>"
    )
    assert (feed.title, feed.summary) == ("Alder Floods", "Over its banks.")
    assert [(e.native_id, e.headline, e.body) for e in feed.entries] == [
        ("u2", "Thing 2", "What is known of thing 2.\nAnd more."),
        ("u1", "Thing 1", "What is known of thing 1.\nAnd more."),
    ]


def words(text: str) -> str:
    """Visible text, worked out without the code under test."""
    return re.sub(r"\W+", " ", re.sub(r"<[^>]*>", " ", html.unescape(html.unescape(text)))).strip().casefold()


@pytest.mark.parametrize("name", ["Express_2024_07_18", "corkbeo.ie_2020-10-06"])
def test_the_recorded_pages_give_their_own_live_blog_update(read: Read, shared: Path, name: str) -> None:
    packed = shared / "data" / "pages" / f"{name}.html.gz"
    if not packed.is_file():
        pytest.skip(f"no {packed}")
    text = gzip.decompress(packed.read_bytes()).decode("utf-8")
    documents = [
        json.loads(m) for m in re.findall(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', text, re.DOTALL)
    ]
    truth = next(d for d in documents if isinstance(d, dict) and d.get("@type") == "LiveBlogPosting")
    feed = read(text, "auto", url=truth["url"])
    assert [words(e.headline) for e in feed.entries] == [words(u["headline"]) for u in truth["liveBlogUpdate"]]
    assert [words(e.body) for e in feed.entries] == [words(u["articleBody"]) for u in truth["liveBlogUpdate"]]
    assert [e.url for e in feed.entries] == [u["url"] for u in truth["liveBlogUpdate"]]
    assert [e.published_ms for e in feed.entries] == [
        int(datetime.fromisoformat(u["datePublished"]).timestamp() * 1000) for u in truth["liveBlogUpdate"]
    ]
    assert len({e.native_id for e in feed.entries}) == len(feed.entries)
    assert (words(feed.title), words(feed.summary)) == (words(truth["headline"]), words(truth["description"]))


@pytest.mark.parametrize("name", ["Express_2024_07_18", "corkbeo.ie_2020-10-06"])
def test_without_their_linked_data_the_recorded_pages_markup_gives_the_same_entries(
    read: Read, shared: Path, name: str
) -> None:
    packed = shared / "data" / "pages" / f"{name}.html.gz"
    if not packed.is_file():
        pytest.skip(f"no {packed}")
    text = gzip.decompress(packed.read_bytes()).decode("utf-8")
    told = read(text, "auto")
    bare = re.sub(r"<script[^>]*ld\+json.*?</script>", "", text, flags=re.DOTALL)
    shown = read(bare, "auto", fetched="2024-07-18T11:30:00Z")
    assert [words(e.headline) for e in shown.entries] == [words(e.headline) for e in told.entries]
    assert [e.native_id for e in shown.entries] == [e.native_id for e in told.entries]
    assert shown.title == told.title
