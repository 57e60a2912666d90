"""The last resort: feedparser, for documents that have their end and that no XML reader can read."""

from __future__ import annotations

import html
import io
from typing import Any

import feedparser
import orjson
from xxhash import xxh3_128_hexdigest

from processors.parse.dates import parse_time
from processors.parse.feed_entries import LONGEST_ID
from processors.parse.model import ParsedEntry, ParsedFeed
from processors.parse.splits import Split
from processors.parse.text import inner_text_of_title, plain_text, read_markup
from processors.parse.urls import absolute
from wirewatch.errors import BadInput
from wirewatch.events import Kind


def split_loosely(source: bytes, url: str, notes: tuple[str, ...]) -> Split:
    """What feedparser makes of it. Given bytes in a buffer, never a path or an address, which it would open (H32).

    Raises `BadInput` (``bad-xml``) where it finds no entries either.
    """
    try:
        parsed = feedparser.parse(
            io.BytesIO(source),
            sanitize_html=False,
            resolve_relative_uris=False,
            response_headers={"content-type": "text/xml; charset=utf-8"},
        )
    except Exception as error:
        raise BadInput(f"not well-formed XML, and not readable otherwise: {error}", reason="bad-xml") from error
    if not parsed.entries and not parsed.feed.get("title"):
        raise BadInput("not well-formed XML, and no entries could be found in it", reason="bad-xml")
    version = str(parsed.get("version", ""))
    kind: Kind = "atom" if version.startswith("atom") else "rdf" if version in {"rss10", "rss090"} else "rss"
    entries = list(parsed.entries)
    hashes = tuple(xxh3_128_hexdigest(orjson.dumps(repr(sorted(map(str, e.items()))))) for e in entries)
    updated = parse_time(str(dict.get(parsed.feed, "updated", "")))
    head = ParsedFeed(
        kind,
        (),
        title=inner_text_of_title(str(parsed.feed.get("title", ""))),
        summary=plain_text(str(parsed.feed.get("subtitle", ""))),
        url=absolute(url, str(parsed.feed.get("link", ""))),
        updated_ms=updated.ms if updated else None,
        notes=(*notes, "not well-formed XML: elements close in the wrong place; read with the lenient reader"),
    )
    return Split(kind, hashes, lambda index: _entry(entries[index], url, index, hashes[index]), head)


def _entry(found: Any, base: str, position: int, hashed: str) -> ParsedEntry:
    bodies = found.get("content") or []
    body = next((str(b.get("value")) for b in bodies if b.get("value")), "") or str(found.get("summary", ""))
    content = read_markup(body, base)
    given = dict.get(found, "published")  # its own get() mixes "updated" and "published" up, with a warning
    raw = str(given or dict.get(found, "updated") or "").strip()
    published = parse_time(raw) if raw else None
    updated = parse_time(str(dict.get(found, "updated") or ""))
    native_id = " ".join(html.unescape(str(found.get("id", ""))).split())[:LONGEST_ID]
    return ParsedEntry(
        native_id=native_id or None,
        headline=inner_text_of_title(str(found.get("title", ""))),
        body=content.text,
        html=content.html,
        url=absolute(base, str(found.get("link", ""))),
        published_ms=published.ms if published else None,
        published_precision=published.precision if published else "none",
        published_from="source" if given or not published else "inferred",
        published_raw=raw or None,
        updated_ms=updated.ms if updated else None,
        position=position,
        authors=(str(found["author"])[:300],) if found.get("author") else (),
        tags=tuple(str(tag.get("term"))[:200] for tag in found.get("tags", []) if tag.get("term"))[:100],
        media=content.media,
        links=content.links,
        truncated=content.truncated,
        raw_hash=hashed,
    )
