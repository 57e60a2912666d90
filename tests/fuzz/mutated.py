"""Documents to start from and ways to spoil them."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import strategies as st

from wirewatch.events import HtmlPaths, JsonPaths, ParseDefinition
from wirewatch.events.feeds import Kind

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests" / "parse_pages" / "samples"
LARGEST_RECORDED = 60_000

RSS = (
    b'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Valley</title><item><title>River '
    b"rises</title><guid>a1</guid><link>/a1</link><description><![CDATA[<p>Two bridges shut.</p>]]></description>"
    b"<pubDate>Fri, 07 Jan 2022 20:31:04 GMT</pubDate></item><item><title>Road open</title><guid>a2</guid></item>"
    b"</channel></rss>"
)
ATOM = (
    b'<feed xmlns="http://www.w3.org/2005/Atom"><title>Valley</title><entry><id>t:1</id><title type="html">A &lt;b&gt;'
    b'</title><updated>2022-01-07T20:31:04Z</updated><content type="html">x</content></entry></feed>'
)
RDF = (
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel '
    b'rdf:about="/"><title>V</title></channel><item rdf:about="/1"><title>T</title><link>/1</link></item></rdf:RDF>'
)
SITEMAP = (
    b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-'
    b'news/0.9"><url><loc>https://v.example/1</loc><news:news><news:publication_date>2022-01-07</news:publication_date>'
    b"<news:title>T</news:title></news:news></url></urlset>"
)
JSON_FEED = (
    b'{"version": "https://jsonfeed.org/version/1", "title": "V", "items": [{"id": 1, "content_html": "<p>x</p>"}]}'
)
JSON = b'{"rows": [{"id": 1, "title": "T", "at": 1746366018110}, {"id": 2, "title": "U", "at": "2022-01-07"}]}'
LIVE_BLOG = (
    b'<html><body><script type="application/ld+json">{"@type":"LiveBlogPosting","headline":"V","liveBlogUpdate":[{'
    b'"@type":"BlogPosting","headline":"T","articleBody":"x","datePublished":"2022-01-07T20:31:04Z"}]}</script></body>'
)
TICKER = (
    b'<ul><li class="e"><h2>T</h2><time datetime="2022-01-07T20:31Z">20:31</time><p>x</p></li><li class="e"></li></ul>'
)

URL = "https://v.example/"
KINDS: tuple[Kind, ...] = ("rss", "atom", "rdf", "json-feed", "news-sitemap", "live-page", "text")
DEFINITIONS = [
    ParseDefinition(URL),
    *(ParseDefinition(URL, kind=kind) for kind in KINDS),
    ParseDefinition(URL, kind="json", json=JsonPaths(items="rows", id="id", headline="title", published="at")),
    ParseDefinition(URL, kind="html", html=HtmlPaths(items="li.e", headline="h2", published="time@datetime", body="p")),
]  # fmt: skip
PIECES = [
    b"", b"<", b">", b"&", b"]]>", b"<![CDATA[", b"<!--", b"<!DOCTYPE x [<!ENTITY a 'b'>", b"\x00", b"\xff\xfe", b"{",
    b"}", b"[", b'"', b"\\ud800", b"\xed\xa0\x80", b"1e999", b"NaN", b"</item>", b"<item>", b"</channel>", b"&#1;",
    b"&nbsp;", b"9999-99-99T99:99:99Z", b"http://[::1", b"<div>" * 40, b"[" * 60, b"</script>", b"<time>",
    b"\n\n20:31\n",     "\u202e\u0000é".encode(), b"<b" + b" a=1" * 30,
]  # fmt: skip


def seeds() -> list[bytes]:
    """The fictional samples, and where recordings are unpacked (`WIREWATCH_RECORDINGS`) a small body of each."""
    found = [RSS, ATOM, RDF, SITEMAP, JSON_FEED, JSON, LIVE_BLOG, TICKER]
    found += [path.read_bytes() for path in sorted(SAMPLES.iterdir()) if path.is_file()]
    folder = os.environ.get("WIREWATCH_RECORDINGS")
    for recording in sorted(Path(folder).iterdir()) if folder else []:
        bodies = sorted(p for p in recording.iterdir() if p.is_file() and p.suffix not in {".tsv", ".md"})
        found += [body.read_bytes()[:LARGEST_RECORDED] for body in bodies[:1]]
    return found


EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60), st.sampled_from(PIECES), st.integers(1, 3)), max_size=6)


def spoil(body: bytes, edits: list[tuple[float, int, bytes, int]], cut: float) -> bytes:
    """The body with stretches replaced and its end cut off."""
    spoilt = bytearray(body)
    for place, removed, piece, times in edits:
        at = int(place * len(spoilt))
        spoilt[at : at + removed] = piece * times
    return bytes(spoilt[: int(cut * len(spoilt))])
