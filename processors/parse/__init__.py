"""Parsing: bytes of a snapshot to a feed and its entries. Pure: no clock, network or file.

`parse` is the whole of it for callers. `split` stops where the entries are told apart by raw hash, for who wants to
normalise only those that changed.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from processors.parse.encoding import decode
from processors.parse.feeds import NotReduced, split_feed
from processors.parse.json_documents import read_json
from processors.parse.json_feed_format import is_json_feed, split_json_feed
from processors.parse.json_feeds import split_json
from processors.parse.loose import split_loosely
from processors.parse.model import ParsedEntry, ParsedFeed
from processors.parse.pages import parse_linked_page, parse_page
from processors.parse.sniffing import FEED_KINDS, JSON_KINDS, PAGE_KINDS, Shape, beginning, shape_of, without_junk
from processors.parse.splits import MOST_ENTRIES, Split, assemble
from processors.parse.xml_documents import LARGEST, Unreadable, read_document
from wirewatch.errors import BadInput
from wirewatch.events import ParseDefinition

__all__ = [
    "LARGEST",
    "MOST_ENTRIES",
    "PARSER_VERSION",
    "BadInput",
    "ParsedEntry",
    "ParsedFeed",
    "Split",
    "assemble",
    "parse",
    "split",
]

PARSER_VERSION = "5"
"""Raised whenever the same body may give other entries: the diff then re-bases silently."""


def parse(
    body: bytes,
    definition: ParseDefinition,
    *,
    content_type: str = "",
    url: str = "",
    fetched_at_ms: int,
    known: Mapping[str, ParsedEntry] | None = None,
) -> ParsedFeed:
    """A snapshot's feed and entries; ``kind`` in it is the concrete one.

    ``definition.kind`` is trusted over everything else; ``auto`` goes by the bytes. ``url`` is where the body came
    from (the definition's where empty): relative addresses stand against it. ``known`` are entries of an earlier
    snapshot of this feed under the same definition and parser, by raw hash: they are taken over unread.

    Raises `BadInput` with one of these reasons, saying where and why: ``empty`` (nothing, or a list without
    entries), ``truncated`` (cut before its end: nothing of it is used), ``error-page`` (a page where a feed is
    expected), ``not-recognised`` (saying what was looked for), ``too-deep``, ``too-large``, ``bad-charset``,
    ``bad-json``, ``bad-xml``, ``entity-expansion``, ``bad-definition``. Blocks for at most a second or so on the
    largest bodies; reads and writes nothing.
    """
    taken = split(body, definition, content_type=content_type, url=url, fetched_at_ms=fetched_at_ms, known=known)
    if isinstance(taken, ParsedFeed):
        return taken
    if not taken.raw_hashes:
        raise BadInput(f"the {taken.kind} document is well-formed and has no entries", reason="empty")
    parsed = assemble(taken, known)
    if not parsed.entries:
        what = "news entries" if taken.kind == "news-sitemap" else "objects with an id, a headline, text or an address"
        raise BadInput(f"none of its {len(taken.raw_hashes)} items are {what}", reason="not-recognised")
    return parsed


def split(
    body: bytes,
    definition: ParseDefinition,
    *,
    content_type: str = "",
    url: str = "",
    fetched_at_ms: int,
    known: Mapping[str, ParsedEntry] | None = None,
) -> Split | ParsedFeed:
    """Like `parse`, but entries only told apart, with their raw hashes; pages come whole, as they have no such step.

    A feed without entries is no error here. Entries in ``known`` may be left out of what is read: `assemble` with the
    same ones. Raises as `parse` does.
    """
    if len(body) > LARGEST:
        raise BadInput(f"the body has {len(body)} bytes; at most {LARGEST} are read", reason="too-large")
    where = url or definition.url
    kind = definition.kind
    shape = shape_of(body, content_type)
    if kind in {"live-page", "auto"} and shape == "html":
        page = parse_linked_page(body, url=where, fetched_at_ms=fetched_at_ms, known=known or {})
        if page is not None:
            return page
    if kind in PAGE_KINDS:
        return parse_page(
            decode(body, content_type)[0], definition, url=where, fetched_at_ms=fetched_at_ms, content_type=content_type
        )
    if kind in JSON_KINDS or (kind == "auto" and shape == "json"):
        taken = _split_json(body, definition, content_type, where)
        if taken is not None:
            return taken
    elif kind in FEED_KINDS or shape == "xml":
        return _split_xml(body, content_type, where, known or {}, shape if kind in FEED_KINDS else "xml")
    return parse_page(
        decode(body, content_type)[0], definition, url=where, fetched_at_ms=fetched_at_ms, content_type=content_type
    )


def _split_json(body: bytes, definition: ParseDefinition, content_type: str, url: str) -> Split | None:
    """None where it is JSON that neither says what it is nor has paths: a page's data, perhaps."""
    document, notes = read_json(body, content_type)
    if definition.kind == "json-feed" or (definition.json is None and is_json_feed(document)):
        return split_json_feed(document, url, notes)
    if document == []:
        raise BadInput("the body is an empty JSON list", reason="empty")
    if definition.json is None and definition.kind == "auto":
        return None
    return split_json(document, definition, url, notes)


def _split_xml(
    body: bytes, content_type: str, url: str, known: Mapping[str, ParsedEntry] | None, looks_like: Shape
) -> Split:
    """``looks_like`` is ``xml`` where nothing but the bytes says that this is a feed; ``known`` None: read it whole."""
    if looks_like in {"html", "text", "json"}:
        said = " ".join(beginning(body, content_type)[:80].split())
        if looks_like == "html":
            raise BadInput(f"an HTML page, where a feed is expected: {said!r}", reason="error-page")
        raise BadInput(f"no XML, where a feed is expected: {said!r}", reason="not-recognised")
    bare, note = without_junk(body)
    notes = (note,) if note else ()
    try:
        document = read_document(bare, content_type, known)
    except Unreadable as error:
        return split_loosely(error.source, url, notes)
    if notes:
        document = replace(document, notes=(*notes, *document.notes))
    try:
        return split_feed(document, url)
    except NotReduced:
        return _split_xml(body, content_type, url, None, looks_like)
