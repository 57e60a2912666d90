"""A live blog whose linked data tells less than its page: what is missing is taken from the markup beside it.

Some sites declare updates without their texts, or give every update the page's own headline and date, or no headline
for the page. The updates stay those of the linked data, in its order and with its ids; nothing that it tells is
replaced, but a headline and a time that all updates share.
"""

from __future__ import annotations

import xxhash
from msgspec.structs import replace
from selectolax.lexbor import LexborHTMLParser

from processors.parse.model import ParsedEntry, ParsedFeed
from processors.parse.pages.guard import check_shape
from processors.parse.pages.live_blog import are_alike, tells_little
from processors.parse.pages.live_page import read_markup_of_page
from wirewatch.errors import BadInput

_COMPARED = 80


def filled_from_markup(feed: ParsedFeed, text: str, *, url: str, fetched_at_ms: int, timezone: str) -> ParsedFeed:
    """The feed with what the page's markup tells of its updates and of the page; as it is where that tells no more."""
    if not tells_little(feed):
        return feed
    try:
        check_shape(text)
    except BadInput:
        return feed
    shown, lead = read_markup_of_page(
        LexborHTMLParser(text), text, url=url, fetched_at_ms=fetched_at_ms, timezone=timezone
    )
    if not feed.title:
        feed = replace(
            feed, title=lead.title, label=lead.label, summary=feed.summary or lead.summary, has_lead=bool(lead.title)
        )
    pairs = _paired(feed.entries, shown)
    if sum(pair is not None for pair in pairs) * 2 <= len(pairs):
        return feed
    notes: tuple[str, ...] = ()
    entries = feed.entries
    if are_alike(entries):
        notes += ("linked data has one headline and time for all updates: theirs are from the markup",)
        one_change = len({entry.updated_ms for entry in entries}) == 1
        entries = tuple(_with_head(e, p, one_change=one_change) for e, p in zip(entries, pairs, strict=True))
    if not any(entry.body for entry in entries):
        notes += ("linked data has no texts: they are from the markup",)
        entries = tuple(_with_text(entry, pair) for entry, pair in zip(entries, pairs, strict=True))
    return replace(feed, entries=entries, notes=feed.notes + notes)


def _paired(told: tuple[ParsedEntry, ...], shown: list[ParsedEntry]) -> list[ParsedEntry | None]:
    """The block that shows each update: by its id, else by how its text begins, else by its headline."""
    names: dict[tuple[str, str], ParsedEntry | None] = {}
    for entry in shown:
        for name in _names_of(entry):
            names[name] = None if name in names else entry  # what names two blocks names none
    alike = are_alike(told)
    return [
        next(
            (found for name in _names_of(e) if (name[0] != "headline" or not alike) and (found := names.get(name))),
            None,
        )
        for e in told
    ]


def _names_of(entry: ParsedEntry) -> list[tuple[str, str]]:
    text = "".join(c for c in entry.body[: 2 * _COMPARED] if c.isalnum()).casefold()[:_COMPARED]
    headline = "".join(c for c in entry.headline if c.isalnum()).casefold()
    return [(kind, name) for kind, name in (("id", entry.native_id), ("text", text), ("headline", headline)) if name]


def _with_head(entry: ParsedEntry, shown: ParsedEntry | None, *, one_change: bool) -> ParsedEntry:
    if shown is None:
        return entry
    return replace(
        entry,
        headline=shown.headline,
        url=entry.url or shown.url,
        published_ms=shown.published_ms,
        published_precision=shown.published_precision,
        published_from=shown.published_from,
        published_raw=shown.published_raw,
        updated_ms=shown.updated_ms if one_change else entry.updated_ms,
        pinned=shown.pinned,
        key_event=shown.key_event,
        raw_hash=_hash_of_both(entry, shown),
    )


def _with_text(entry: ParsedEntry, shown: ParsedEntry | None) -> ParsedEntry:
    if shown is None:
        return entry
    return replace(
        entry,
        body=shown.body,
        html=shown.html,
        media=entry.media or shown.media,
        links=shown.links,
        truncated=shown.truncated,
        raw_hash=_hash_of_both(entry, shown),
    )


def _hash_of_both(entry: ParsedEntry, shown: ParsedEntry) -> str:
    """Not the update's own: the same linked data beside other markup is another entry, and is to be read again."""
    return xxhash.xxh3_128_hexdigest(f"{entry.raw_hash} {shown.raw_hash}".encode())
