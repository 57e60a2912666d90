"""Entries of a page whose engine is known."""

from __future__ import annotations

import re

import xxhash
from msgspec.structs import replace
from selectolax.lexbor import LexborHTMLParser, LexborNode

from processors.parse.dates import parse_time
from processors.parse.model import ParsedEntry
from processors.parse.pages.engines import ENGINES, Engine
from processors.parse.pages.nodes import select
from processors.parse.pages.times import Stamp, read_stamp, resolve
from processors.parse.text import plain_text, read_markup
from processors.parse.urls import absolute

_MOST_ENTRIES = 5_000
_BY = re.compile(r"^\s*(?:by|from|von|par|por|di|af|av|door)\s+(?=[A-ZÀ-ÞА-Я])", re.IGNORECASE)
_UNSEEN = "button, .visually-hidden, .visuallyhidden, [class*=VisuallyHidden], .sr-only, .screen-reader-text"
"""What only a screen reader says ("published at 21:40"), and controls: neither headline nor text."""


def find_engine(tree: LexborHTMLParser, url: str) -> tuple[Engine, list[LexborNode]] | None:
    """The engine whose blocks stand on the page, and the blocks, outermost only.

    Some engines also draw lists of articles: there the blocks' headlines lead to pages that are no live pages.
    """
    for engine in ENGINES:
        nodes = select(tree, engine.items)[:_MOST_ENTRIES]
        if not nodes:
            continue
        ids = {node.mem_id for node in nodes}
        outer = [node for node in nodes if not _stands_in(node, ids)]
        timed = sum(bool(_first(node, engine.time)) for node in outer)
        away = sum(_leads_away(node, engine, url) for node in outer)
        if timed * 2 > len(outer) and away * 2 <= len(outer):  # else they are something else's
            return engine, outer
    return None


def entries_of(
    engine: Engine,
    nodes: list[LexborNode],
    *,
    tree: LexborHTMLParser,
    url: str,
    page_ms: int | None,
    fetched_at_ms: int,
    timezone: str,
) -> list[ParsedEntry]:
    """The blocks as entries, each once: a pinned copy only marks the block that it copies."""
    stamps = [_stamp(node, engine, fetched_at_ms, timezone) for node in nodes]
    known = [stamp or Stamp("exact", "") for stamp in stamps]
    whens = resolve(known, page_ms=page_ms, fetched_at_ms=fetched_at_ms, timezone=timezone)
    pinned_areas = {node.mem_id for node in tree.css(engine.pinned)} if engine.pinned else set()
    key_areas = {node.mem_id for node in tree.css(engine.key_event)} if engine.key_event else set()
    entries: list[ParsedEntry] = []
    for node, stamp, when in zip(nodes, known, whens, strict=True):
        updated = _updated(node, engine, fetched_at_ms)
        pinned = node.mem_id in pinned_areas or _stands_in(node, pinned_areas)
        entry = replace(
            _entry(node, engine, url),
            published_ms=when.ms if when else None,
            published_precision=when.precision if when else "none",
            published_from=when.source if when else "source",
            published_raw=stamp.raw or None,
            updated_ms=updated,
            pinned=pinned,
            key_event=node.mem_id in key_areas or any(child.mem_id in key_areas for child in node.css("[class]")),
        )
        if entry.headline or entry.body or entry.media:
            entries.append(entry)
    return without_copies(entries)


def without_copies(entries: list[ParsedEntry]) -> list[ParsedEntry]:
    """Each entry once, where a page shows it pinned and again in its place; the one in its place stays, marked."""
    pinned = [entry for entry in entries if entry.pinned]
    kept: list[ParsedEntry] = []
    for entry in entries:
        if entry.pinned and any(not other.pinned and _is_copy(entry, other) for other in entries):
            continue
        marked = entry.pinned or any(_is_copy(copy, entry) for copy in pinned)
        kept.append(replace(entry, pinned=marked, position=len(kept)))
    return kept


def _is_copy(copy: ParsedEntry, entry: ParsedEntry) -> bool:
    if copy.native_id is not None and entry.native_id is not None:
        return copy.native_id == entry.native_id
    same_text = copy.headline == entry.headline and (copy.headline != "" or copy.body == entry.body)
    return same_text and (copy.published_ms == entry.published_ms or copy.published_ms is None)


def _stands_in(node: LexborNode, ids: set[int]) -> bool:
    above = node.parent
    while above is not None:
        if above.mem_id in ids:
            return True
        above = above.parent
    return False


def _leads_away(node: LexborNode, engine: Engine, url: str) -> bool:
    title = node.css_first(engine.headline) if engine.headline else None
    anchor = title and (
        title.css_first("a[href]") or (title.parent if title.parent and title.parent.tag == "a" else None)
    )
    address = absolute(url, anchor.attributes.get("href") or "") if anchor else None
    if not address:
        return False
    page = address.partition("#")[0].partition("?")[0].rstrip("/")
    return page != url.partition("#")[0].partition("?")[0].rstrip("/") and "live" not in page.partition("://")[2]


def _first(node: LexborNode, paths: tuple[str, ...]) -> str:
    """The first path that gives something: an attribute, or the visible text."""
    for path in paths:
        selector, _, attribute = path.partition("@")
        found = node.css_first(selector) if selector else node
        if found is None:
            continue
        value = found.attributes.get(attribute) if attribute else plain_text(found.html or "")
        if value and value.strip():
            return " ".join(value.split())
    return ""


def _stamp(node: LexborNode, engine: Engine, fetched_at_ms: int, timezone: str) -> Stamp | None:
    for path in engine.time:
        raw = _first(node, (path,))
        if not raw:
            continue
        if raw.isdigit() and len(raw) in {10, 13}:  # seconds or milliseconds since 1970 in an attribute
            exact = parse_time(raw)
            if exact is not None:
                return Stamp("exact", raw, exact=exact)
        stamp = read_stamp(raw, fetched_at_ms=fetched_at_ms, timezone=timezone)
        if stamp is not None:
            return stamp
    return None


def _updated(node: LexborNode, engine: Engine, fetched_at_ms: int) -> int | None:
    raw = _first(node, engine.updated)
    stamp = read_stamp(raw, fetched_at_ms=fetched_at_ms) if raw else None
    return stamp.exact.ms if stamp is not None and stamp.exact is not None else None


def _entry(node: LexborNode, engine: Engine, url: str) -> ParsedEntry:
    raw_hash = xxhash.xxh3_64_hexdigest((node.html or "").encode("utf-8", "replace"))
    native = _native_id(node, engine)
    for unseen in select(node, _UNSEEN):
        unseen.decompose()
    title = node.css_first(engine.headline) if engine.headline else None
    headline = " ".join(plain_text(title.html or "").split()) if title is not None else ""
    address = None
    if title is not None:
        anchor = title.css_first("a[href]") or (title.parent if title.parent and title.parent.tag == "a" else None)
        address = anchor.attributes.get("href") if anchor is not None else None
    authors = tuple(
        dict.fromkeys(
            name
            for a in (select(node, engine.authors) if engine.authors else [])
            if (name := _BY.sub("", plain_text(a.html or "")).strip())
        )
    )
    if title is not None:
        title.decompose()
    bodies = select(node, engine.body) if engine.body else []
    if bodies:
        ids = {body.mem_id for body in bodies}
        html = "\n".join(f"<div>{body.html or ''}</div>" for body in bodies if not _stands_in(body, ids))
    else:
        for dropped in select(node, ", ".join(filter(None, (engine.drop, engine.authors, "time")))):
            dropped.decompose()
        html = node.html or ""
    content = read_markup(html, url)
    fragment = node.attributes.get("id")
    return ParsedEntry(
        native_id=native,
        headline=headline,
        body=content.text,
        html=content.html,
        url=absolute(url, address) if address else f"{url.partition('#')[0]}#{fragment}" if fragment else None,
        authors=authors,
        media=content.media,
        links=content.links,
        truncated=content.truncated,
        raw_hash=raw_hash,
    )


def _native_id(node: LexborNode, engine: Engine) -> str | None:
    raw = _first(node, engine.id)
    if "block-" in raw and raw.startswith(("http", "?", "#", "/")):
        raw = raw.rpartition("block-")[2]
    for prefix in engine.strip:
        raw = raw.removeprefix(prefix)
    return raw or None
