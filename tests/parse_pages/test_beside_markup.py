"""Linked data that tells less than its page, and odd forms in which sites give it."""
# ruff: noqa: E501 - sample markup reads best unbroken

from __future__ import annotations

import html
import json
from typing import Any

import pytest

from processors.parse import parse
from wirewatch.errors import BadInput
from wirewatch.events import ParseDefinition
from wirewatch.times import format_ms, parse_ms

from .conftest import URL, Read

PROSE = "The weir has held through the night, the county said, and engineers will look at it again in the morning."


def page(document: Any, body: str = "", *, title: str = "Alder flood", kind: str = "application/ld+json") -> str:
    raw = document if isinstance(document, str) else json.dumps(document)
    return f"<!doctype html><html><head><title>{title}</title><script type='{kind}'>{raw}</script></head><body><h1>Alder flood</h1>{body}</body></html>"


def update(number: int, **more: Any) -> dict[str, Any]:
    return {
        "@type": "BlogPosting",
        "headline": f"Thing {number}",
        "datePublished": f"2023-11-12T1{number}:00:00Z",
        "articleBody": f"{number}: {PROSE}",
        **more,
    }


def blog(updates: Any, **more: Any) -> dict[str, Any]:
    return {"@type": "LiveBlogPosting", "headline": "Alder flood", "liveBlogUpdate": updates, **more}


def shown(number: int, *, text: str = PROSE) -> str:
    return (
        f"<article class='block' id='block-b{number}'><header><time datetime='2023-11-12T1{number}:30:00.000Z'>1{number}.30 GMT</time>"
        f"<h2>Title {number}</h2></header><p>{number}: {text}</p></article>"
    )


ALIKE = [update(n, headline="Alder flood", datePublished="2023-11-12T06:00:00Z", **{"@id": f"b{n}"}) for n in (3, 2, 1)]


def test_where_all_updates_have_the_pages_headline_and_time_the_markup_has_theirs(read: Read) -> None:
    feed = read(page(blog(ALIKE), "".join(shown(n) for n in (3, 2, 1))))
    assert [(e.native_id, e.headline, e.body, format_ms(e.published_ms or 0)[11:16]) for e in feed.entries] == [
        (f"b{n}", f"Title {n}", f"{n}: {PROSE}", f"1{n}:30") for n in (3, 2, 1)
    ]
    assert [e.url for e in feed.entries] == [f"{URL}#block-b{n}" for n in (3, 2, 1)]
    assert "from the markup" in feed.notes[0]


def test_updates_are_paired_with_blocks_by_their_text_where_they_have_no_ids(read: Read) -> None:
    bare = [{key: value for key, value in told.items() if key != "@id"} for told in ALIKE]
    feed = read(page(blog(bare), "".join(shown(n) for n in (1, 3, 2))))
    assert [e.headline for e in feed.entries] == ["Title 3", "Title 2", "Title 1"]


@pytest.mark.parametrize("body", ["", "".join(shown(n) for n in (7, 8, 9))])
def test_what_the_markup_does_not_show_stays_as_it_is_told(read: Read, body: str) -> None:
    assert [(e.native_id, e.headline) for e in read(page(blog(ALIKE), body)).entries] == [
        (f"b{n}", "Alder flood") for n in (3, 2, 1)
    ]


@pytest.mark.parametrize("empty", ["", None, {"@type": "Text"}])
def test_where_no_update_has_a_text_the_markup_gives_them(read: Read, empty: Any) -> None:
    cards = "".join(
        f"<div class='card'><time datetime='2023-11-12T1{n}:30:00Z'>x</time><h2>Thing {n}</h2><p>{n}: {PROSE}</p></div>"
        for n in (2, 1)
    )
    feed = read(page(blog([update(n, articleBody=empty) for n in (2, 1)]), cards))
    assert [(e.headline, e.body, format_ms(e.published_ms or 0)[11:16]) for e in feed.entries] == [
        (f"Thing {n}", f"{n}: {PROSE}", f"1{n}:00") for n in (2, 1)
    ]
    assert "<p>" in feed.entries[0].html


def test_a_text_edited_in_the_markup_alone_is_not_taken_from_what_is_known() -> None:
    def read_bytes(text: str, known: dict[str, Any] | None = None) -> Any:
        body = page(
            blog([update(n, articleBody="") for n in (2, 1)]),
            "".join(shown(n, text=text) for n in (2, 1)).replace("Title", "Thing"),
        )
        return parse(
            body.encode(), ParseDefinition(url=URL), fetched_at_ms=parse_ms("2023-11-12T18:00:00Z"), known=known
        )

    before = read_bytes(PROSE)
    after = read_bytes(f"{PROSE} And more.", {e.raw_hash: e for e in before.entries})
    assert after.entries[0].body == f"2: {PROSE} And more."


def test_a_blog_without_a_headline_has_the_pages(read: Read) -> None:
    feed = read(page(blog([update(1)], headline=None)))
    assert (feed.title, feed.has_lead) == ("Alder flood", True)


@pytest.mark.parametrize(
    "updates",
    [
        {"0": update(2), "1": update(1)},
        [{"@type": "ListItem", "position": n, "item": update(n)} for n in (2, 1)],
        [update(n, datePublished=[f"2023-11-12T1{n}:00:00Z"]) for n in (2, 1)],
    ],
    ids=["numbered-keys", "list-items", "dates-in-lists"],
)
def test_updates_are_found_in_forms_that_schema_org_does_not_name(read: Read, updates: Any) -> None:
    assert [(e.headline, format_ms(e.published_ms or 0)[11:16]) for e in read(page(blog(updates))).entries] == [
        ("Thing 2", "12:00"),
        ("Thing 1", "11:00"),
    ]


@pytest.mark.parametrize("kind", ["application/ld&#x2B;json", "application/ld&#43;json"])
def test_the_plus_in_a_scripts_type_may_be_an_entity(read: Read, kind: str) -> None:
    assert len(read(page(blog([update(1)]), kind=kind)).entries) == 1


def test_json_escaped_as_if_it_stood_outside_of_a_script_is_mended(read: Read) -> None:
    feed = read(page(html.escape(json.dumps(blog([update(1)])))))
    assert [e.body for e in feed.entries] == [f"1: {PROSE}"]
    assert "mended" in feed.notes[0]


def test_an_older_copy_of_the_same_blog_adds_no_second_version_of_an_update(read: Read) -> None:
    new = blog([update(n, url=f"{URL}#u{n}", articleBody=f"New {n}") for n in (3, 2, 1)], url=URL)
    old = blog([update(n, url=f"{URL}#u{n}") for n in (2, 1)], url=URL)
    for documents in ([new, old], [old, new]):
        assert [e.body for e in read(page(documents)).entries] == ["New 3", "New 2", "New 1"]


def test_a_bare_id_is_no_address_and_an_address_no_author(read: Read) -> None:
    entry = read(
        page(blog([update(1, **{"@id": "5e8f"}, author=[{"name": "Ada Quill"}, "https://courier.example/ada"])]))
    ).entries[0]
    assert (entry.native_id, entry.url, entry.authors) == ("5e8f", None, ("Ada Quill",))


def test_a_live_blog_whose_updates_cannot_be_read_is_named_in_the_refusal(read: Read) -> None:
    with pytest.raises(BadInput, match="declares a live blog, but none of its updates"):
        read(page(blog([])))


def test_clocks_take_day_and_zone_from_the_article_that_the_page_declares(read: Read) -> None:
    ticker = "".join(
        f"<p><b>+++ {clock} Thing {n} happens +++</b><br/>{PROSE}</p>"
        for n, clock in ((3, "00:10"), (2, "23:10"), (1, "22:41"))
    )
    article = {
        "@type": "NewsArticle",
        "datePublished": "2023-11-09T21:00:00+01:00",
        "dateModified": "2023-11-10T00:30:00+01:00",
    }
    found = read(page(article, ticker, title="Alder im Liveticker")).entries
    assert [format_ms(e.published_ms or 0)[:16] for e in found] == [
        "2023-11-09T23:10",
        "2023-11-09T22:10",
        "2023-11-09T21:41",
    ]
