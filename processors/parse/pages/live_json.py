"""A live page's own data as JSON, where a source serves that in place of the page.

Known: the Guardian's rendering JSON (``blocks`` with ``elements``), WordPress liveblog (``entries``), and
JSON-LD alone.
"""

from __future__ import annotations

from typing import Any

import orjson
import xxhash

from processors.parse.dates import parse_time
from processors.parse.model import ParsedEntry, ParsedFeed
from processors.parse.pages.labels import split_label
from processors.parse.pages.linked_data import read_json
from processors.parse.pages.live_blog import parse_documents
from processors.parse.text import inner_text_of_title, plain_text, read_markup
from processors.parse.urls import absolute
from wirewatch.errors import BadInput

_MOST_ENTRIES = 5_000


def looks_like_json(text: str) -> bool:
    """Whether a body is a JSON object or list."""
    return text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["}


def parse_live_json(text: str, *, url: str, fetched_at_ms: int) -> ParsedFeed:
    """The live page in its own JSON; `BadInput` ``not-recognised`` where it is none that is known."""
    try:
        document, _ = read_json(text.lstrip("\ufeff"))
    except ValueError as error:
        raise BadInput(f"not JSON: {error}", reason="not-recognised") from error
    feed = find_live_json(document, url=url, fetched_at_ms=fetched_at_ms)
    if feed is None:
        raise BadInput(
            "no live page in this JSON: looked for blocks with elements (Guardian), entries with html and timestamp "
            "(WordPress liveblog) and schema.org LiveBlogPosting",
            reason="not-recognised",
        )
    return feed


def find_live_json(document: Any, *, url: str, fetched_at_ms: int) -> ParsedFeed | None:
    """The live page in a JSON document that is read already; None where it is none that is known."""
    if isinstance(document, dict):
        blocks = document.get("blocks")
        if isinstance(blocks, list) and any(isinstance(b, dict) and "elements" in b for b in blocks):
            return _guardian(document, [b for b in blocks if isinstance(b, dict)][:_MOST_ENTRIES], url)
        entries = document.get("entries")
        if isinstance(entries, list) and any(
            isinstance(e, dict) and ("entry_time" in e or ("timestamp" in e and ("html" in e or "render" in e)))
            for e in entries
        ):
            return _wordpress([e for e in entries if isinstance(e, dict)][:_MOST_ENTRIES], url)
    return parse_documents([document], url=url, fetched_at_ms=fetched_at_ms)


def _guardian(page: dict[str, Any], blocks: list[dict[str, Any]], url: str) -> ParsedFeed:
    web = _string(page.get("webURL"))
    base = absolute(url, web) or url if web else url
    entries: list[ParsedEntry] = []
    pinned = page.get("pinnedPost")
    pinned_id = pinned.get("id") if isinstance(pinned, dict) else None
    for block in blocks:
        elements = block.get("elements")
        html = "\n".join(
            e["html"]
            for e in (elements if isinstance(elements, list) else [])
            if isinstance(e, dict) and isinstance(e.get("html"), str)
        )
        content = read_markup(html, base)
        published = _moment(block, "blockFirstPublished", "blockCreatedOn", "firstPublished")
        updated = _moment(block, "blockLastUpdated", "lastModified")
        attributes = block.get("attributes")
        marks = attributes if isinstance(attributes, dict) else {}
        native = _string(block.get("id")) or None
        entries.append(
            ParsedEntry(
                native_id=native,
                headline=inner_text_of_title(_string(block.get("title"))),
                body=content.text,
                html=content.html,
                url=f"{base.partition('#')[0]}#block-{native}" if native else None,
                published_ms=published,
                published_precision="second" if published is not None else "none",
                published_raw=_string(block.get("blockFirstPublishedDisplay")) or None,
                updated_ms=updated,
                position=len(entries),
                pinned=bool(marks.get("pinned")) or (native is not None and native == pinned_id),
                key_event=bool(marks.get("keyEvent")),
                authors=_names(block.get("contributors")),
                media=content.media,
                links=content.links,
                truncated=content.truncated,
                raw_hash=_hash(block),
            )
        )
    label, title = split_label(inner_text_of_title(_string(page.get("headline")) or _string(page.get("webTitle"))))
    return ParsedFeed(
        kind="live-page",
        entries=tuple(entries),
        title=title,
        label=label,
        summary=plain_text(_string(page.get("standfirst")) or _string(page.get("trailText"))),
        url=base,
        section=_string(page.get("sectionLabel")) or None,
        has_lead=bool(title),
        ended=page.get("isLive") is False and bool(page.get("closed")),
    )


def _wordpress(items: list[dict[str, Any]], url: str) -> ParsedFeed:
    entries: list[ParsedEntry] = []
    for item in items:
        if item.get("type") == "delete":
            continue
        content = read_markup(
            _string(item.get("render")) or _string(item.get("html")) or _string(item.get("content")), url
        )
        published = _moment(item, "entry_time", "timestamp")
        entries.append(
            ParsedEntry(
                native_id=_string(item.get("id")) or None,
                headline=inner_text_of_title(_string(item.get("title")) or _string(item.get("headline"))),
                body=content.text,
                html=content.html,
                url=absolute(url, _string(item.get("share_link"))) if item.get("share_link") else None,
                published_ms=published,
                published_precision="second" if published is not None else "none",
                position=len(entries),
                key_event=bool(item.get("key_event")),
                authors=_names(item.get("authors")),
                media=content.media,
                links=content.links,
                truncated=content.truncated,
                raw_hash=_hash(item),
            )
        )
    return ParsedFeed(kind="live-page", entries=tuple(entries), url=url)


def _string(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def _moment(node: dict[str, Any], *keys: str) -> int | None:
    for key in keys:
        value = node.get(key)
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            found = parse_time(value)
            if found is not None:
                return found.ms
    return None


def _names(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else []
    names = (_string(i.get("name")) if isinstance(i, dict) else _string(i) for i in items)
    return tuple(dict.fromkeys(name for name in names if name))


def _hash(node: dict[str, Any]) -> str:
    try:
        return xxhash.xxh3_64_hexdigest(orjson.dumps(node))
    except (TypeError, ValueError):  # lone surrogates, numbers beyond 64 bits
        return xxhash.xxh3_64_hexdigest(repr(node).encode("utf-8", "replace"))
