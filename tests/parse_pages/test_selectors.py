"""``kind = "html"``: entries by selectors."""
# ruff: noqa: E501 - sample markup reads best unbroken

from __future__ import annotations

import csv
import re
from pathlib import Path

import lxml.html
import pytest

from wirewatch.errors import BadInput
from wirewatch.events import HtmlPaths
from wirewatch.times import format_ms

from .conftest import Read

PAGE = """<!doctype html><html lang="de"><head><title>Ticker &amp; more</title></head><body>
<article data-cid="a1"><a href="/one"><header>One <b>thing</b></header></a><p class="t">First.</p><p class="t">Second.</p>
<time datetime="2023-11-12T10:00:00Z">10:00</time><i class="by">Ada</i><i class="by">Bo</i><em class="count">12 comments</em></article>
<article data-cid="${object_id}"><header>${title}</header></article>
<article data-cid="a2"><a href="https://else.example/two"><header>Two</header></a><time datetime="3m ago"></time></article>
</body></html>"""
PATHS = HtmlPaths(
    items="article[data-cid]",
    id="@data-cid",
    headline="header",
    body=".t, .count",
    url="a@href",
    published="time@datetime",
    authors=".by",
)


@pytest.mark.parametrize("content_type", ["text/html", "application/json", ""])
def test_selectors_give_the_entries_whatever_the_content_type(read: Read, content_type: str) -> None:
    feed = read(PAGE, "html", html=PATHS, content_type=content_type)
    one, two = feed.entries
    assert (feed.kind, feed.title, feed.language, feed.has_lead) == ("html", "Ticker & more", "de", False)
    assert (one.native_id, one.headline, one.body) == ("a1", "One thing", "First.\nSecond.\n12 comments")
    assert (one.url, two.url) == ("https://courier.example/one", "https://else.example/two")
    assert (one.authors, one.published_from, two.published_from) == (("Ada", "Bo"), "source", "inferred")
    assert format_ms(two.published_ms or 0) == "2023-11-12T18:07:00.000Z"


def test_a_blank_of_the_pages_own_template_is_no_entry(read: Read) -> None:
    feed = read(PAGE, "html", html=PATHS)
    assert [e.native_id for e in feed.entries] == ["a1", "a2"]
    assert feed.notes == ("1 blank items left out",)


def test_what_is_to_be_ignored_is_not_in_the_text(read: Read) -> None:
    assert read(PAGE, "html", html=PATHS, ignore=(".count", "not[a selector")).entries[0].body == "First.\nSecond."


def test_an_element_inside_another_match_is_not_told_twice(read: Read) -> None:
    paths = HtmlPaths(items="article", headline="header", body="a, a b")
    assert read(PAGE, "html", html=paths).entries[0].body == "One thing"


def test_nothing_matched_names_the_selector(read: Read) -> None:
    with pytest.raises(BadInput, match=r"items = 'li\.entry' matches nothing") as refused:
        read(PAGE, "html", html=HtmlPaths(items="li.entry"))
    assert refused.value.reason == "not-recognised"


@pytest.mark.parametrize(
    "paths", [HtmlPaths(items="article[["), HtmlPaths(items="article", headline="h1::"), HtmlPaths()]
)
def test_a_selector_that_is_none_is_the_definitions_fault(read: Read, paths: HtmlPaths) -> None:
    with pytest.raises(BadInput) as refused:
        read(PAGE, "html", html=paths)
    assert refused.value.reason == "bad-definition"


def words(text: str) -> str:
    return re.sub(r"\W+", " ", text.replace("\u200b", "")).strip().casefold()


def test_the_recorded_ticker_gives_every_article_once(read: Read, recordings: Path) -> None:
    folder = recordings / "html_heise_de_newsticker"
    if not folder.is_dir():
        pytest.skip(f"no html_heise_de_newsticker in {recordings}")
    paths = HtmlPaths(items="article[data-cid]", id="@data-cid", headline="header", body="a", url="a@href")
    with (folder / "manifest.tsv").open() as rows:
        files = [row["file"] for row in csv.DictReader(rows, delimiter="\t")]
    for file in files[::15]:
        raw = (folder / file).read_bytes()
        truth: dict[str, str] = {}
        for article in lxml.html.fromstring(raw).cssselect("article[data-cid]"):
            if "$" not in article.get("data-cid"):
                header = article.cssselect("header")
                truth.setdefault(article.get("data-cid"), words(header[0].text_content()) if header else "")
        feed = read(raw.decode("utf-8"), "html", html=paths, content_type="application/json")
        assert {e.native_id: words(e.headline) for e in reversed(feed.entries)} == truth
