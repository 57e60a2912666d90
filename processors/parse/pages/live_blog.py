"""schema.org LiveBlogPosting, from JSON-LD or microdata, to a feed: the page's own list of its updates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from processors.parse.dates import parse_time
from processors.parse.model import ParsedEntry, ParsedFeed
from processors.parse.pages.labels import split_label
from processors.parse.pages.linked_data import blocks_in_bytes, find_blocks, is_a, nodes_of, read_json
from processors.parse.pages.live_update import (
    as_list,
    first_text_of,
    hash_of,
    media_of,
    page_of,
    raw_media,
    read_update,
    repeated_media,
    taken_over,
    text_of,
    title_of,
)
from processors.parse.text import plain_text
from processors.parse.urls import absolute

_MOST_ENTRIES = 5_000


def parse_json_ld(html: str, *, url: str, fetched_at_ms: int) -> ParsedFeed | None:
    """The page's LiveBlogPosting; None where it declares none that can be read. No DOM is built."""
    if "LiveBlogPosting" not in html:
        return None
    documents: list[Any] = []
    notes: list[str] = []
    for block in find_blocks(html):
        if "LiveBlogPosting" not in block and "@graph" not in block:
            continue
        try:
            value, mended = read_json(block)
        except ValueError as error:
            notes.append(f"a JSON-LD block was left out: {error}")
            continue
        documents.append(value)
        if mended:
            notes.append("JSON-LD that was not valid JSON was mended")
    return parse_documents(documents, url=url, fetched_at_ms=fetched_at_ms, notes=tuple(notes))


def parse_linked_page(
    body: bytes, *, url: str, fetched_at_ms: int, known: Mapping[str, ParsedEntry]
) -> ParsedFeed | None:
    """The same from the bytes of a page that is plainly whole and whose JSON is UTF-8 and valid, as most are.

    None says nothing against the page: it is to be decoded and looked at more closely, its markup perhaps too.
    """
    ending = body[-4096:].lower()
    if b"</html" not in ending and b"</body" not in ending:
        return None
    blocks = blocks_in_bytes(body)
    try:
        documents = [orjson.loads(block) for block in blocks or () if b"LiveBlogPosting" in block or b"@graph" in block]
    except orjson.JSONDecodeError:
        return None
    found = parse_documents(documents, url=url, fetched_at_ms=fetched_at_ms, known=known)
    return found if found is not None and found.entries and not tells_little(found) else None


def tells_little(feed: ParsedFeed) -> bool:
    """Whether the page may tell more than its linked data does: its headline, or its updates' texts or times."""
    entries = feed.entries
    return not feed.title or (len(entries) > 1 and (not any(e.body for e in entries) or are_alike(entries)))


def are_alike(entries: tuple[ParsedEntry, ...]) -> bool:
    """Whether three updates or more all have one headline and one time, which are then the page's."""
    first = entries[0]
    return len(entries) > 2 and all(
        e.headline == first.headline and e.published_ms == first.published_ms for e in entries
    )


def parse_documents(
    documents: list[Any],
    *,
    url: str,
    fetched_at_ms: int,
    notes: tuple[str, ...] = (),
    known: Mapping[str, ParsedEntry] | None = None,
) -> ParsedFeed | None:
    """The live blog in linked data that is read already (JSON-LD, microdata brought to its form); None: none there."""
    nodes = [node for document in documents for node in nodes_of(document)]
    blogs = [node for node in nodes if is_a(node, "LiveBlogPosting")]
    if not blogs:
        return None
    by_id = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
    blog, updates, more = _choose([(blog, _updates_of(blog, by_id)) for blog in blogs], url)
    return _feed(blog, updates, url=url, fetched_at_ms=fetched_at_ms, notes=notes + more, known=known or {})


def _updates_of(blog: dict[str, Any], by_id: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """``liveBlogUpdate`` as a list, whatever it is: object, list, ItemList, references, numbered keys."""
    todo = as_list(blog.get("liveBlogUpdate") or blog.get("liveBlogUpdates"))
    if len(todo) == 1 and isinstance(todo[0], dict) and all(key.isdigit() for key in todo[0]):
        todo = list(todo[0].values())
    updates: list[dict[str, Any]] = []
    for value in todo:
        item = by_id.get(value) if isinstance(value, str) else value
        if not isinstance(item, dict):
            continue
        if is_a(item, "ItemList"):
            items = [x.get("item", x) if isinstance(x, dict) else x for x in as_list(item.get("itemListElement"))]
            updates.extend(x for x in items if isinstance(x, dict))
            continue
        if "item" in item and isinstance(item["item"], dict) and is_a(item, "ListItem"):
            item = item["item"]
        if len(item) == 1 and isinstance(item.get("@id"), str):
            item = by_id.get(item["@id"], item)
        updates.append(item)
    return updates[:_MOST_ENTRIES]


def _choose(
    blogs: list[tuple[dict[str, Any], list[dict[str, Any]]]], url: str
) -> tuple[dict[str, Any], list[dict[str, Any]], tuple[str, ...]]:
    """The blog that is the page's own: by its address, else the one with most updates.

    Several that give the same address are one blog told in parts.
    """
    own = [pair for pair in blogs if _without_fragment(page_of(pair[0])) == _without_fragment(url)]
    blog, updates = max(own or blogs, key=lambda pair: len(pair[1]))
    address = page_of(blog)
    parts = [pair for pair in blogs if pair[0] is not blog and address and page_of(pair[0]) == address]
    for _, further in parts:
        updates = updates + _without_older_copies(further, updates)
    others = len(blogs) - len(parts) - 1
    return blog, updates, (f"{others} further LiveBlogPosting on the page left out",) if others else ()


def _without_older_copies(further: list[dict[str, Any]], updates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the updates of another copy of the blog that the fuller one has by the same address or id."""
    known = {name for update in updates if (name := str(update.get("@id") or update.get("url") or ""))}
    if len(known) < len(updates):  # they name the page, not the updates
        return further
    return [u for u in further if str(u.get("@id") or u.get("url") or "") not in known]


def _without_fragment(url: str) -> str:
    return url.partition("#")[0].partition("?")[0].rstrip("/").partition("://")[2]


def _feed(
    blog: dict[str, Any],
    updates: list[dict[str, Any]],
    *,
    url: str,
    fetched_at_ms: int,
    notes: tuple[str, ...],
    known: Mapping[str, ParsedEntry],
) -> ParsedFeed:
    base = absolute(url, page_of(blog)) or url
    label, title = split_label(title_of(blog))
    lead_media = media_of(blog, base)
    shared = {raw for _, raw, _ in raw_media(blog)} | repeated_media(updates)
    entries: list[ParsedEntry] = []
    seen: set[tuple[str | None, str, str]] = set()
    for update in updates:
        hashed = hash_of(update, base)
        entry = taken_over(known.get(hashed), update, base, shared, len(entries)) if known else None
        if entry is None:
            entry = read_update(update, base, shared, len(entries), hashed)
        key = (entry.native_id or entry.published_raw, entry.headline, entry.body)
        if (entry.headline or entry.body or entry.media) and key not in seen:
            seen.add(key)
            entries.append(entry)
    modified = parse_time(text_of(blog.get("dateModified")))
    ended = parse_time(text_of(blog.get("coverageEndTime")))
    return ParsedFeed(
        kind="live-page",
        entries=tuple(entries),
        title=title,
        label=label,
        summary=plain_text(text_of(blog.get("description"))),
        body=plain_text(text_of(blog.get("articleBody"))),
        url=base,
        language=text_of(blog.get("inLanguage")) or None,
        updated_ms=modified.ms if modified else None,
        has_lead=bool(title),
        lead_media=lead_media,
        ended=ended is not None and ended.ms <= fetched_at_ms,
        section=first_text_of(blog.get("articleSection")) or None,
        notes=notes,
    )
