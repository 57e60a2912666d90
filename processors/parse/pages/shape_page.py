"""Entries of a live page of no known make."""

from __future__ import annotations

import re

import xxhash
from msgspec.structs import replace

from processors.parse.model import ParsedEntry
from processors.parse.pages.engine_page import without_copies
from processors.parse.pages.outline import Outline
from processors.parse.pages.page_facts import PageFacts
from processors.parse.pages.reasons import are_entries
from processors.parse.pages.repeated import Block, find_blocks, stamps_of
from processors.parse.pages.text_page import entry_of, inline_pieces
from processors.parse.pages.times import Stamp, When, resolve
from processors.parse.text import cut, read_markup
from processors.parse.urls import absolute

_MOST_ENTRIES = 5_000
_ID_ATTRIBUTES = ("data-block-id", "data-post-id", "data-entry-id", "data-id", "data-key", "data-uuid", "id")
_PINNED = re.compile(r"(?:^|[\s_-])(?:pinned|sticky)(?:$|[\s_-])", re.IGNORECASE)
_KEY_EVENT = re.compile(r"(?:^|[\s_-])(?:key-?event|is-key|highlighted)(?:$|[\s_-])", re.IGNORECASE)


def entries_by_shape(
    outline: Outline, facts: PageFacts, *, url: str, fetched_at_ms: int, timezone: str, needed: int
) -> tuple[list[ParsedEntry], int]:
    """The entries and the line where the first begins; none where nothing on the page has a live page's shape."""
    stamps = stamps_of(outline, fetched_at_ms=fetched_at_ms, timezone=timezone)
    for blocks in find_blocks(outline, stamps):
        if len(blocks) < needed:
            continue
        if not are_entries(blocks, outline, facts, url=url, fetched_at_ms=fetched_at_ms):
            continue
        chosen = blocks[:_MOST_ENTRIES]
        whens = _whens(
            chosen, stamps, page_ms=facts.clocks_from(fetched_at_ms), fetched_at_ms=fetched_at_ms, timezone=timezone
        )
        ids = _stable_ids(chosen)
        entries = [
            _entry(block, outline, native, when, url) for block, native, when in zip(chosen, ids, whens, strict=True)
        ]
        return without_copies(_once(entries)), chosen[0].start
    return _by_inline_times(outline, facts, fetched_at_ms=fetched_at_ms, timezone=timezone)


def _whens(
    blocks: list[Block], stamps: dict[int, Stamp], *, page_ms: int | None, fetched_at_ms: int, timezone: str
) -> list[When | None]:
    """The instants of the blocks, with the day headings that stand between them."""
    first, last = blocks[0].start - 3, blocks[-1].end
    marks = [(block.start, number, block.stamp) for number, block in enumerate(blocks)]
    marks += [(index, -1, stamp) for index, stamp in stamps.items() if stamp.kind == "day" and first <= index < last]
    marks.sort(key=lambda mark: mark[:2])
    found = resolve([m[2] for m in marks], page_ms=page_ms, fetched_at_ms=fetched_at_ms, timezone=timezone)
    by_block = {number: when for (_, number, _), when in zip(marks, found, strict=True)}
    return [by_block[number] for number in range(len(blocks))]


def _stable_ids(blocks: list[Block]) -> list[str | None]:
    """The source's own ids of the blocks, where every block has its own and they are no mere positions."""
    for attribute in _ID_ATTRIBUTES:
        ids = [next((v for n in b.nodes if (v := n.attributes.get(attribute))), None) for b in blocks]
        given = [value for value in ids if value]
        if len(given) * 2 <= len(blocks) or len(set(given)) != len(given) or _are_positions(given):
            continue
        return ids
    return [None] * len(blocks)


def _are_positions(ids: list[str]) -> bool:
    """``entry-1, entry-2, ...``: they move when an entry comes in, so they name nothing."""
    numbers = [int(m.group()) for value in ids if (m := re.search(r"\d{1,9}", value))]
    if len(numbers) != len(ids):
        return not numbers
    return max(numbers) - min(numbers) <= len(ids) + 1 and min(numbers) <= len(ids)


def _entry(block: Block, outline: Outline, native_id: str | None, when: When | None, url: str) -> ParsedEntry:
    body, truncated = cut("\n".join(line.text for line in block.body))
    raw = "".join(node.html or "" for node in block.nodes)
    classes = " ".join(node.attributes.get("class") or "" for node in block.nodes)
    if block.headline_at >= 0:  # not told twice; the outline's lines are read already
        node = outline.nodes[block.headline_at]
        if outline.spans.get(node.mem_id, (0, 0)) == (block.headline_at, block.headline_at + 1):
            node.decompose()
    content = read_markup("".join(node.html or "" for node in block.nodes), url)
    href = block.headline.href if block.headline is not None else ""
    return ParsedEntry(
        native_id=native_id,
        headline=block.headline.text if block.headline is not None else "",
        body=body,
        html=content.html if body else "",
        url=absolute(url, href) if href and not href.startswith("#") else None,
        published_ms=when.ms if when else None,
        published_precision=when.precision if when else "none",
        published_from=when.source if when else "source",
        published_raw=block.stamp.raw or None,
        pinned=bool(_PINNED.search(classes)),
        authors=block.authors,
        key_event=bool(_KEY_EVENT.search(classes)),
        media=content.media,
        links=content.links,
        truncated=truncated or content.truncated,
        raw_hash=xxhash.xxh3_64_hexdigest(raw.encode("utf-8", "replace")),
    )


def _once(entries: list[ParsedEntry]) -> list[ParsedEntry]:
    """Each entry once, where the same list also holds its name in a table of contents or of key events."""
    longest: dict[tuple[object, ...], ParsedEntry] = {}
    for entry in entries:
        key = (
            (entry.published_ms, entry.headline)
            if entry.headline
            else (entry.published_ms, entry.body, entry.native_id)
        )
        if key not in longest or len(entry.body) >= len(longest[key].body):
            longest[key] = entry
    chosen = {id(entry) for entry in longest.values()}
    kept = [entry for entry in entries if id(entry) in chosen]
    return [replace(entry, position=position) for position, entry in enumerate(kept)]


def _by_inline_times(
    outline: Outline, facts: PageFacts, *, fetched_at_ms: int, timezone: str
) -> tuple[list[ParsedEntry], int]:
    """Entries whose paragraphs begin with the time (``21:40 Uhr: ...``), on a page that says it is live."""
    if not facts.live:
        return [], 0
    lines = [line for line in outline.lines if line.text]
    split = inline_pieces(lines, fetched_at_ms=fetched_at_ms, timezone=timezone)
    if split is None or len(split[1]) < 3:
        return [], 0
    head, pieces = split
    whens = resolve(
        [piece.stamp for piece in pieces],
        page_ms=facts.clocks_from(fetched_at_ms),
        fetched_at_ms=fetched_at_ms,
        timezone=timezone,
    )
    entries = [entry_of(piece, when, n) for n, (piece, when) in enumerate(zip(pieces, whens, strict=True))]
    return _once(entries), next((i for i, line in enumerate(outline.lines) if line is lines[len(head)]), 0)
