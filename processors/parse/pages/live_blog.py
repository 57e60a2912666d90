"""schema.org LiveBlogPosting, from JSON-LD or microdata, to a feed: the page's own list of its updates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import orjson
import xxhash
from msgspec.structs import replace

from processors.parse.dates import parse_time
from processors.parse.model import ParsedEntry, ParsedFeed
from processors.parse.pages.labels import split_label
from processors.parse.pages.linked_data import blocks_in_bytes, find_blocks, is_a, nodes_of, read_json
from processors.parse.text import inner_text_of_title, plain_text, read_markup
from processors.parse.urls import absolute
from wirewatch.events import Media

_MOST_ENTRIES = 5_000
_MEDIA: tuple[Literal["image", "video", "audio"], ...] = ("image", "video", "audio")


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

    None says nothing against the page: it is to be decoded and looked at more closely.
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
    return found if found is not None and found.entries else None


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
    """``liveBlogUpdate`` as a list, whatever it is: object, list, ItemList, references into the graph."""
    todo = _as_list(blog.get("liveBlogUpdate") or blog.get("liveBlogUpdates"))
    updates: list[dict[str, Any]] = []
    for value in todo:
        item = by_id.get(value) if isinstance(value, str) else value
        if not isinstance(item, dict):
            continue
        if is_a(item, "ItemList"):
            items = [x.get("item", x) if isinstance(x, dict) else x for x in _as_list(item.get("itemListElement"))]
            updates.extend(x for x in items if isinstance(x, dict))
            continue
        if len(item) == 1 and isinstance(item.get("@id"), str):
            item = by_id.get(item["@id"], item)
        updates.append(item)
    return updates[:_MOST_ENTRIES]


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _choose(
    blogs: list[tuple[dict[str, Any], list[dict[str, Any]]]], url: str
) -> tuple[dict[str, Any], list[dict[str, Any]], tuple[str, ...]]:
    """The blog that is the page's own: by its address, else the one with most updates.

    Several that give the same address are one blog told in parts.
    """
    own = [pair for pair in blogs if _without_fragment(_page_of(pair[0])) == _without_fragment(url)]
    blog, updates = max(own or blogs, key=lambda pair: len(pair[1]))
    address = _page_of(blog)
    parts = [pair for pair in blogs if pair[0] is not blog and address and _page_of(pair[0]) == address]
    for _, further in parts:
        updates = updates + further
    others = len(blogs) - len(parts) - 1
    return blog, updates, (f"{others} further LiveBlogPosting on the page left out",) if others else ()


def _page_of(node: dict[str, Any]) -> str:
    page = node.get("url") or node.get("mainEntityOfPage") or node.get("@id")
    if isinstance(page, dict):
        page = page.get("@id") or page.get("url")
    return page if isinstance(page, str) else ""


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
    base = absolute(url, _page_of(blog)) or url
    label, title = split_label(_title(blog))
    lead_media = _media(blog, base)
    shared = {raw for _, raw, _ in _raw_media(blog)} | _repeated_media(updates)
    entries: list[ParsedEntry] = []
    seen: set[tuple[str | None, str, str]] = set()
    for update in updates:
        hashed = _hash(update, base)
        entry = _known(known.get(hashed), update, base, shared, len(entries)) if known else None
        if entry is None:
            entry = _entry(update, base, shared, len(entries), hashed)
        key = (entry.native_id or entry.published_raw, entry.headline, entry.body)
        if (entry.headline or entry.body or entry.media) and key not in seen:
            seen.add(key)
            entries.append(entry)
    modified = parse_time(_text(blog.get("dateModified")))
    ended = parse_time(_text(blog.get("coverageEndTime")))
    return ParsedFeed(
        kind="live-page",
        entries=tuple(entries),
        title=title,
        label=label,
        summary=plain_text(_text(blog.get("description"))),
        body=plain_text(_text(blog.get("articleBody"))),
        url=base,
        language=_text(blog.get("inLanguage")) or None,
        updated_ms=modified.ms if modified else None,
        has_lead=bool(title),
        lead_media=lead_media,
        ended=ended is not None and ended.ms <= fetched_at_ms,
        section=_first_text(blog.get("articleSection")) or None,
        notes=notes,
    )


def _known(
    entry: ParsedEntry | None, update: dict[str, Any], base: str, shared: set[str], position: int
) -> ParsedEntry | None:
    """The entry as it was read before, unless other updates now say otherwise of its pictures."""
    if entry is None:
        return None
    has = {media.url for media in entry.media}
    if any((absolute(base, raw) in has) == (raw in shared) for _, raw, _ in _raw_media(update)):
        return None
    return entry if entry.position == position else replace(entry, position=position)


def _entry(update: dict[str, Any], base: str, shared: set[str], position: int, hashed: str) -> ParsedEntry:
    raw_time = _text(update.get("datePublished")) or _text(update.get("dateCreated"))
    published = parse_time(raw_time)
    updated = parse_time(_text(update.get("dateModified")))
    content = read_markup(_body(update), base)
    media = content.media
    if further := _media(update, base, shared):
        known = {m.url for m in media}
        media += tuple(m for m in further if m.url not in known)
    page = _page_of(update)
    address = absolute(base, page) if page else None
    own = address if address is not None and address != base else None
    return ParsedEntry(  # by position, in the order of the fields: keywords take six times as long
        _native_id(update, own, base),
        inner_text_of_title(_title(update)),
        content.text,
        content.html,
        (),
        own,
        None,
        published.ms if published else None,
        published.precision if published else "none",
        "source",
        raw_time or None,
        updated.ms if updated else None,
        position,
        False,  # noqa: FBT003 - pinned: linked data has no such thing
        False,  # noqa: FBT003 - nor key events
        _authors(update.get("author")),
        _keywords(update.get("keywords")),
        _first_text(update.get("articleSection")) or None,
        media,
        content.links,
        _text(update.get("inLanguage")) or None,
        content.truncated,
        False,  # noqa: FBT003 - nor tombstones
        hashed,
    )


def _hash(update: dict[str, Any], base: str) -> str:
    """Of the update and of the page's address, which its own addresses and ids stand against."""
    seed = xxhash.xxh3_64_intdigest(base.encode("utf-8", "replace"))
    try:
        return xxhash.xxh3_128_hexdigest(orjson.dumps(update), seed)
    except (TypeError, ValueError):  # lone surrogates, numbers beyond 64 bits
        return xxhash.xxh3_128_hexdigest(repr(update).encode("utf-8", "replace"), seed)


def _native_id(update: dict[str, Any], own: str | None, base: str) -> str | None:
    """The source's id for the update: ``identifier``, ``@id``, or what its address says behind the page's own."""
    identifier = update.get("identifier")
    if isinstance(identifier, dict):
        identifier = identifier.get("value") or identifier.get("@id")
    if isinstance(identifier, str | int) and str(identifier).strip():
        return str(identifier).strip()
    node_id = update.get("@id")
    if isinstance(node_id, str) and node_id and node_id != base:
        page, _, fragment = node_id.partition("#")
        return fragment if fragment and (not page or page == base.partition("#")[0]) else node_id
    if own is not None and "#" in own:
        return own.rpartition("#")[2] or None
    return None


def _title(node: dict[str, Any]) -> str:
    return _first_text(node.get("headline")) or _first_text(node.get("name"))


def _body(update: dict[str, Any]) -> str:
    for key in ("articleBody", "text", "description"):
        value = update.get(key)
        if isinstance(value, list):
            value = "\n\n".join(x for x in value if isinstance(x, str))
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def _first_text(value: Any) -> str:
    return next((text for item in _as_list(value) if (text := _text(item))), "")


def _authors(value: Any) -> tuple[str, ...]:
    names = (inner_text_of_title(_text(item)) for item in _as_list(value))
    return tuple(dict.fromkeys(name for name in names if name))


def _keywords(value: Any) -> tuple[str, ...]:
    words = value.split(",") if isinstance(value, str) else [_text(item) for item in _as_list(value)]
    return tuple(dict.fromkeys(clean for word in words if (clean := inner_text_of_title(word))))


def _media(node: dict[str, Any], base: str, shared: set[str] = frozenset()) -> tuple[Media, ...]:  # type: ignore[assignment]  # never written to
    found: dict[str, Media] = {}
    for kind, raw, item in _raw_media(node):
        if raw in shared:
            continue
        caption = ""
        if isinstance(item, dict):
            caption = _text(item.get("caption")) or (_text(item.get("name")) if kind != "image" else "")
        address = absolute(base, raw)
        if address is not None:
            found.setdefault(address, Media(kind=kind, url=address, caption=plain_text(caption)))
    return tuple(found.values())


def _raw_media(node: dict[str, Any]) -> Iterator[tuple[Literal["image", "video", "audio"], str, Any]]:
    for kind in _MEDIA:
        value = node.get(kind)
        if not value:
            continue
        for item in value if isinstance(value, list) else (value,):
            raw = item
            if isinstance(item, dict):
                raw = item.get("contentUrl") or item.get("url") or item.get("embedUrl") or item.get("@id")
            if isinstance(raw, str):
                yield kind, raw, item


def _repeated_media(updates: list[dict[str, Any]]) -> set[str]:
    """Pictures that several updates give are the page's or the publisher's, not theirs."""
    counts = Counter(raw for update in updates for _, raw, _ in _raw_media(update))
    return {address for address, count in counts.items() if count > 2}
