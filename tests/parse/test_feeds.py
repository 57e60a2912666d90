"""Feeds as they are in the wild: each thing that real feeds do, and what is read of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from processors.parse import ParsedFeed, Split, assemble, parse, split
from wirewatch.errors import BadInput
from wirewatch.events import ParseDefinition

Read = Callable[..., ParsedFeed]


def rss(*items: str, channel: str = "<title>News</title>") -> str:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{channel}{inside}</channel></rss>'


ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>{}</feed>'


def test_an_rss_item_gives_every_field(read: Read) -> None:
    feed = read(
        rss(
            "<title>Bridge closed</title><link>/a/1</link><guid isPermaLink='false'>n-1</guid>"
            "<pubDate>Fri, 07 Jan 2022 20:31:04 +0100</pubDate><author>desk@news.example (The Desk)</author>"
            "<category>Traffic</category><description>&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;</description>"
            "<enclosure url='/v.mp4' type='video/mp4' length='1'/>",
            channel="<title>News</title><description>All of it</description><link>https://news.example/</link>"
            "<language>en_GB</language><ttl>15</ttl>",
        )
    )
    entry = feed.entries[0]
    assert (feed.kind, feed.title, feed.summary, feed.language, feed.ttl_ms) == (
        "rss",
        "News",
        "All of it",
        "en-GB",
        900_000,
    )
    assert (entry.native_id, entry.headline, entry.url) == ("n-1", "Bridge closed", "https://news.example/a/1")
    assert (entry.published_ms, entry.published_precision) == (1_641_583_864_000, "second")
    assert (entry.body, entry.authors, entry.tags) == ("One.\nTwo.", ("The Desk",), ("Traffic",))
    assert (entry.media[0].kind, entry.media[0].url) == ("video", "https://news.example/v.mp4")
    assert entry.raw_hash


def test_atom_content_comes_before_its_summary_and_xml_base_is_applied(read: Read) -> None:
    feed = read(
        ATOM.format(
            "<link rel='hub' href='https://hub.example/'/><author><name>Desk</name></author>"
            "<entry xml:base='https://other.example/x/'><id>t:1</id>"
            "<title type='html'>A &lt;b&gt;bold&lt;/b&gt; one</title>"
            "<link href='y'/><updated>2022-01-07T20:31:04Z</updated><summary>Short</summary>"
            "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>Long <a href='z'>text</a></p></div>"
            "</content>"
            "</entry>"
        )
    )
    entry = feed.entries[0]
    assert feed.hub == "https://hub.example/"
    assert (entry.headline, entry.body, entry.url) == ("A bold one", "Long text", "https://other.example/x/y")
    assert entry.links[0].url == "https://other.example/x/z"
    assert entry.authors == ("Desk",)
    assert entry.published_from == "inferred"  # Atom that gives only "updated"


def test_a_deleted_entry_of_atom_is_a_tombstone(read: Read) -> None:
    feed = read(
        ATOM.format(
            "<entry><id>t:1</id><title>Here</title></entry>"
            "<at:deleted-entry xmlns:at='http://purl.org/atompub/tombstones/1.0'"
            " ref='t:2' when='2022-01-07T20:00:00Z'/>"
        )
    )
    assert [(entry.native_id, entry.deleted) for entry in feed.entries] == [("t:1", False), ("t:2", True)]


def test_rdf_items_beside_the_channel_are_read(read: Read) -> None:
    feed = read(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>News</title></channel>'
        '<item rdf:about="https://n.example/1"><title>One</title><link>https://n.example/1</link>'
        "<dc:date>2022-01-07</dc:date><dc:creator>Ann</dc:creator></item></rdf:RDF>"
    )
    entry = feed.entries[0]
    assert (feed.kind, feed.title, entry.native_id, entry.authors) == ("rdf", "News", "https://n.example/1", ("Ann",))
    assert entry.published_precision == "day"


def test_a_news_sitemap_is_a_window_of_articles(read: Read) -> None:
    feed = read(
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
        ' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://n.example/1</loc><news:news>'
        "<news:publication><news:name>N</news:name><news:language>de</news:language></news:publication>"
        "<news:publication_date>2022-01-07T20:31:04+01:00</news:publication_date><news:title>Eins</news:title></news:news>"
        "</url><url><loc>https://n.example/about</loc></url></urlset>"
    )
    assert (feed.kind, feed.listing_hint) == ("news-sitemap", "window")
    assert [(e.headline, e.url, e.language) for e in feed.entries] == [("Eins", "https://n.example/1", "de")]
    assert "1 of 2" in feed.notes[0]


@pytest.mark.parametrize(
    ("item", "headline"),
    [
        ("<title><b>Bold</b> news</title>", "Bold news"),
        ("<title>&lt;b&gt;Bold&lt;/b&gt; news</title>", "Bold news"),
        ("<title>&amp;lt;b&amp;gt;Bold&amp;lt;/b&amp;gt; news</title>", "Bold news"),
        ("<title><![CDATA[<![CDATA[Bold news]]>]]&gt;</title>", "Bold news"),
        ("<title>AT&amp;amp;amp;T</title>", "AT&T"),
        ("<title>5 &lt; 6 &amp; 7 &gt; 2</title>", "5 < 6 & 7 > 2"),
        ("<title>A &lt;live&gt; one</title>", "A <live> one"),
        ("<title>It&#146;s</title>", "It’s"),
        ("<title>Zero\u200bwidth &#8203;gone</title>", "Zerowidth gone"),
    ],
)
def test_markup_in_titles_is_read_as_it_was_meant(read: Read, item: str, headline: str) -> None:
    assert read(rss(item)).entries[0].headline == headline


def test_markup_in_a_guid_leaves_what_it_leads_to(read: Read) -> None:
    entry = read(rss('<title>x</title><guid>&lt;a href="/story/1"&gt;Story&lt;/a&gt;</guid>')).entries[0]
    assert entry.native_id == "/story/1"


def test_an_id_that_is_the_headline_is_no_id(read: Read) -> None:
    entry = read(rss("<title>Fire at mill</title><guid>Fire at mill</guid><link>https://n.example/1</link>")).entries[0]
    assert (entry.native_id, entry.url) == (None, "https://n.example/1")


def test_link_and_guid_swapped_still_lead_to_the_page(read: Read) -> None:
    entry = read(rss("<title>x</title><link>123456</link><guid>https://n.example/1</guid>")).entries[0]
    assert entry.url == "https://n.example/1"


def test_h38_ten_items_with_one_guid_are_ten_entries(read: Read) -> None:
    feed = read(rss(*(f"<guid>same</guid><title>Story {n}</title>" for n in range(10))))
    assert len(feed.entries) == 10
    assert len({entry.raw_hash for entry in feed.entries}) == 10


def test_html_entities_and_lone_ampersands_are_mended(read: Read) -> None:
    feed = read(rss("<title>Caf&eacute; &amp; bar R&D</title><link>https://n.example/?a=1&b=2</link>"))
    assert (feed.entries[0].headline, feed.entries[0].url) == ("Café & bar R&D", "https://n.example/?a=1&b=2")
    assert any("mended" in note for note in feed.notes)


def test_undeclared_prefixes_mean_what_they_usually_do(read: Read) -> None:
    entry = read(rss("<title>x</title><content:encoded>Long</content:encoded><dc:creator>Ann</dc:creator>")).entries[0]
    assert (entry.body, entry.authors) == ("Long", ("Ann",))


def test_a_tail_of_html_after_the_feed_is_left_out_with_a_note(read: Read) -> None:
    feed = read(rss("<title>x</title>") + "<script>count()</script></body></html>")
    assert len(feed.entries) == 1
    assert any("after the end" in note for note in feed.notes)


def test_warnings_printed_before_the_feed_are_left_out_with_a_note(read: Read) -> None:
    feed = read("Warning: mysql_connect() failed in line 3\n" + rss("<title>x</title>"))
    assert len(feed.entries) == 1
    assert any("before the feed" in note for note in feed.notes)


def test_elements_that_close_in_the_wrong_place_are_read_by_the_lenient_reader(read: Read) -> None:
    feed = read(rss("<title>One</title><description><b>x</description></b>", "<title>Two</title>"))
    assert [entry.headline for entry in feed.entries] == ["One", "Two"]


@pytest.mark.parametrize("junk", ["\x00", "\x0b", "\x1f", "&#0;", "&#x1;"])
def test_h37_control_characters_do_not_reach_the_text(read: Read, junk: str) -> None:
    entry = read(rss(f"<title>a{junk}b</title><description>c{junk}d</description>")).entries[0]
    assert (entry.headline, entry.body) == ("ab", "cd")


def test_control_characters_in_cdata_do_not_either(read: Read) -> None:
    assert read(rss("<title><![CDATA[a\x00b\x08c]]></title>")).entries[0].headline == "abc"


def test_a_body_without_markup_keeps_its_paragraphs_in_cdata(read: Read) -> None:
    entry = read(
        rss("<title>x</title><description><![CDATA[<ul><li>One<li>Two</ul>Three<br/>Four]]></description>")
    ).entries[0]
    assert entry.body == "One\nTwo\nThree\nFour"


def test_h43_what_is_active_is_gone_from_html_and_media_are_kept(read: Read) -> None:
    entry = read(
        rss(
            "<title>x</title><description><![CDATA[<p onclick='x()'>Text <a href='jav&#x09;ascript:alert(1)'>a</a>"
            "<script>alert(1)</script><img src='/p.jpg' onerror='x()' alt='A'>"
            "<img src='//t.example/1.gif' width=1 height=1>"
            "<iframe src='https://www.youtube.com/embed/q'></iframe><svg><set onbegin=x></svg></p>]]></description>"
        )
    ).entries[0]
    for active in ("onclick", "onerror", "script", "iframe", "svg", "1.gif"):
        assert active not in entry.html
    assert [(media.kind, media.provider) for media in entry.media] == [("image", None), ("embed", "youtube")]


def test_only_entries_that_changed_are_read_again() -> None:
    definition = ParseDefinition(url="https://n.example/")
    before = parse(rss("<title>One</title>", "<title>Two</title>").encode(), definition, fetched_at_ms=0)
    marked = {e.raw_hash: e for e in before.entries}
    body = rss("<title>New</title>", "<title>Two</title>", "<title>One</title>").encode()
    after = parse(body, definition, fetched_at_ms=0, known=marked)
    assert [(e.headline, e.position) for e in after.entries] == [("New", 0), ("Two", 1), ("One", 2)]
    assert after == parse(body, definition, fetched_at_ms=0)


def test_raw_hashes_hold_for_prefixed_elements_and_tags_named_in_text() -> None:
    for wrap in ("{}", "<!-- <item> -->{}", "<title><![CDATA[<item>]]></title>{}"):
        one = split(
            f"<rss><channel>{wrap.format('<item><title>A</title></item>')}</channel></rss>".encode(),
            ParseDefinition(url="https://n.example/"),
            fetched_at_ms=0,
        )
        two = split(
            f"<rss><channel>{wrap.format('<item><title>B</title></item>')}</channel></rss>".encode(),
            ParseDefinition(url="https://n.example/"),
            fetched_at_ms=0,
        )
        assert isinstance(one, Split)
        assert isinstance(two, Split)
        assert len(one.raw_hashes) == 1
        assert one.raw_hashes != two.raw_hashes


def test_a_snapshot_holds_at_most_five_thousand_entries_and_says_so(read: Read) -> None:
    feed = read(rss(*(f"<title>{n}</title>" for n in range(5_003))))
    assert len(feed.entries) == 5_000
    assert any("5003" in note for note in feed.notes)


def test_a_feed_cut_at_any_byte_gives_no_entries(read: Read) -> None:
    whole = rss(
        "<title>One</title><description><![CDATA[<p>x</p></rss> y]]></description>", "<title>Two</title>"
    ).encode()
    for end in range(len(whole)):
        with pytest.raises(BadInput) as refused:
            read(whole[:end], kind="rss")
        if end > 60:
            assert refused.value.reason in {"truncated", "bad-xml"}, whole[:end]


def test_h27_the_recorded_cut_bodies_are_refused_and_the_whole_ones_read(recordings: Path) -> None:
    definition = ParseDefinition(url="https://recorded.example/feed")
    outcomes = []
    for path in sorted((recordings / "quirk_fox_truncated").glob("*.xml")):
        body = path.read_bytes()
        try:
            outcomes.append((len(body) % 4096 == 0, f"{len(parse(body, definition, fetched_at_ms=0).entries)} entries"))
        except BadInput as error:
            outcomes.append((len(body) % 4096 == 0, error.reason))
    assert [outcome for cut, outcome in outcomes if cut] == ["truncated"] * 4
    assert {outcome for cut, outcome in outcomes if not cut} == {"10 entries"}


def test_the_recorded_news_feeds_are_read_whole(recordings: Path) -> None:
    definition = ParseDefinition(url="https://recorded.example/feed")
    for name, most in (("rss_bbc_20210920", 77), ("rss_smh_20210920", 80), ("rss_rnz_20210920", 30)):
        paths = sorted((recordings / name).glob("*.xml"))
        assert len(paths) == most
        for path in paths:
            body = path.read_bytes()
            feed = parse(body, definition, fetched_at_ms=0)
            assert len(feed.entries) == body.count(b"<item>")
            assert all(e.headline and e.native_id and e.url and e.published_ms for e in feed.entries)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n\x00 ", "empty"),
        (b"<rss><channel><title>x</title></channel></rss>", "empty"),
        (b"<!doctype html><html><body>Not found</body></html>", "error-page"),
        (b"<opml version='2.0'></opml>", "not-recognised"),
        (b"just words", "not-recognised"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x01\x02\x03\x04", "bad-charset"),
    ],
)
def test_h28_what_is_no_feed_is_refused_by_name(read: Read, body: Any, reason: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(body, kind="rss")
    assert refused.value.reason == reason


def test_a_plain_sitemap_has_no_news_in_it(read: Read) -> None:
    with pytest.raises(BadInput) as refused:
        read(
            '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://n.example/</loc></url></urlset>'
        )
    assert refused.value.reason == "not-recognised"


def test_a_feed_without_entries_can_still_be_split_for_its_title() -> None:
    taken = split(
        b"<rss><channel><title>x</title></channel></rss>", ParseDefinition(url="https://n.example/"), fetched_at_ms=0
    )
    assert isinstance(taken, Split)
    assert assemble(taken).title == "x"


def test_what_is_known_is_left_out_of_the_tree_and_nothing_else_changes(read: Read) -> None:
    known = ["<title>A</title><guid>1</guid>", "<title><![CDATA[B]]></title><guid>2</guid>"]
    both = "".join(f"<item>{item}</item>" for item in known)
    documents = (
        rss(known[0], "<title>New</title>", known[1]),
        rss(known[0], "<title>The tag &lt;item&gt;</title>", "<title><![CDATA[</item><item>]]></title>", known[1]),
        rss(*known, channel="<title><![CDATA[<item><title>A</title><guid>1</guid></item>]]></title>"),
        rss(*known, channel="<!-- <item><title>A</title><guid>1</guid></item> --><title>N</title>"),
        rss(*known).replace("</channel>", "<item/></channel>"),
        rss(*known).replace("</channel></rss>", "</channel><item><title>Outside</title></item></rss>"),
        rss(*known).replace("<title>News", "<title>Broken & mended"),
        f"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><channel><items/></channel>{both}</rdf:RDF>",
    )
    marked = {entry.raw_hash: entry for entry in read(rss(*known)).entries}
    assert len(marked) == 2
    for document in documents:
        whole = read(document)
        assert read(document, known=marked) == whole
        assert read(document, known={entry.raw_hash: entry for entry in whole.entries}) == whole


def test_a_feed_cut_after_known_entries_is_truncated_all_the_same(read: Read) -> None:
    body = rss("<title>A</title>", "<title>B</title>", "<title>C</title>")
    marked = {entry.raw_hash: entry for entry in read(body).entries}
    for at in range(body.index("<channel>"), len(body) - 1):
        with pytest.raises(BadInput) as caught:
            read(body[:at], known=marked)
        assert caught.value.reason in {"truncated", "bad-xml", "empty"}, body[:at]


def test_tombstones_among_entries_leave_the_entries_hashes_as_they_were(read: Read) -> None:
    entry = "<entry><id>urn:{0}</id><title>{0}</title></entry>"
    stone = (
        "<at:deleted-entry xmlns:at='http://purl.org/atompub/tombstones/1.0' ref='urn:9' when='2022-01-07T20:31:04Z'/>"
    )
    alone = read(ATOM.format(entry.format(1) + entry.format(2)))
    among = read(ATOM.format(entry.format(1) + stone + entry.format(2)))
    assert [e.deleted for e in among.entries] == [False, True, False]
    assert [e.raw_hash for e in among.entries if not e.deleted] == [e.raw_hash for e in alone.entries]
