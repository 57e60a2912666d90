"""XML feeds: split into entries and their raw hashes first, normalised only where asked."""

from __future__ import annotations

import re

from lxml import etree
from xxhash import xxh3_128_hexdigest

from processors.parse.feed_entries import (
    Context,
    Found,
    authors_of,
    headline_of,
    link_in,
    read_entry,
    read_tombstone,
    tidy_language,
    time_in,
)
from processors.parse.feed_pictures import MARK
from processors.parse.feed_roles import Roles, split_tag
from processors.parse.feed_slices import Slices
from processors.parse.feed_usual_entries import Layouts, read_usual
from processors.parse.model import ParsedEntry, ParsedFeed
from processors.parse.news_sitemaps import read_url
from processors.parse.splits import Split
from processors.parse.urls import host_of, is_plain
from processors.parse.xml_documents import Document
from processors.parse.xml_text import base_of, content_of, language_of, own_text
from wirewatch.errors import BadInput
from wirewatch.events import Kind

_KINDS: dict[str, Kind] = {
    "rss": "rss",
    "channel": "rss",
    "rdf": "rdf",
    "feed": "atom",
    "entry": "atom",
    "urlset": "news-sitemap",
}
_PERIODS = {"hourly": 3_600_000, "daily": 86_400_000, "weekly": 604_800_000, "monthly": 2_592_000_000}
_XML = re.compile(rb"xml:")  # one word, which a pattern finds faster than ``in``
_GROUPS = etree.XPath(f"count(*/*[@{MARK}])")


class NotReduced(Exception):  # noqa: N818 - no error: it says how to go on
    """Nothing can be left out of this document: it has to be read whole."""


def split_feed(document: Document, url: str) -> Split:
    """A feed's own values, and its entries' elements with their raw hashes.

    Raises `NotReduced`, and `BadInput`: ``error-page`` where the root is ``html``, ``not-recognised`` where it is no
    feed's.
    """
    root = document.root
    local = split_tag(str(root.tag))[1].rpartition(":")[2]
    if local == "html":
        raise BadInput("this is an HTML page, where a feed is expected", reason="error-page")
    kind = _KINDS.get(local)
    if kind is None:
        raise BadInput(
            f"an XML document whose root is <{local[:60]}>; looked for <rss>, <rdf:RDF>, <feed> and <urlset>",
            reason="not-recognised",
        )
    roles = Roles(str(root.tag))
    channel = next((child for child in root if roles[child.tag] == "channel"), root) if kind != "atom" else root
    items, found = _parts(root, channel, roles, single=local == "entry")
    context = _context(document, channel, found, roles, url, kind)
    hashes = _raw_hashes(document.slices, items, roles)
    if document.reduced and (hashes is None or not _has_groups(items, len(document.pictures))):
        raise NotReduced
    if hashes is None:
        hashes = tuple(map(_written_out, items))

    stones = {tag for tag, role in roles.items() if role == "deleted"}
    layouts = Layouts(roles)
    may_be_usual = kind in {"rss", "rdf"} and not context.has_bases and not context.has_languages

    def entry(index: int) -> ParsedEntry | None:
        element, hashed = items[index], hashes[index]
        if stones and element.tag in stones:
            return read_tombstone(element, position=index, raw_hash=hashed)
        usual = read_usual(element, context, layouts, position=index, raw_hash=hashed) if may_be_usual else None
        if usual is not None:
            return usual
        if kind == "news-sitemap":
            return read_url(element, context, position=index, raw_hash=hashed)
        return read_entry(element, context, position=index, raw_hash=hashed)

    return Split(kind, hashes, entry, _head(channel, found, context, kind, document.notes))


def _parts(
    root: etree._Element, channel: etree._Element, roles: Roles, *, single: bool
) -> tuple[list[etree._Element], Found]:
    """The entries' elements in order, and the channel's other elements by role."""
    if single:
        return [root], {}
    items: list[etree._Element] = []
    found: Found = {}
    others = [e for e in root if e is not channel and roles[e.tag] == "channel"] if channel is not root else []
    for parent in (channel,) if channel is root else (channel, *others, root):
        for child in parent:
            role = roles[child.tag]
            if role in {"item", "deleted"} or (role == "url" and parent is root):
                items.append(child)
            elif role == "items":
                items.extend(e for e in child if roles[e.tag] == "item")
            elif role and parent is channel:
                found.setdefault(role, []).append(child)
    return items, found


def _context(document: Document, channel: etree._Element, found: Found, roles: Roles, url: str, kind: Kind) -> Context:
    has_xml = _XML.search(document.source) is not None
    has_bases = has_xml and b"xml:base" in document.source
    language = language_of(document.root) or language_of(channel)
    if language is None and "language" in found:
        language = own_text(found["language"][0]) or None
    context = Context(
        roles, _known_base(url, found), has_bases, has_xml and b"xml:lang" in document.source, tidy_language(language)
    )
    context.pictures = document.pictures
    if kind == "atom":
        context.authors = authors_of(found)
    return context


def _known_base(url: str, found: Found) -> str:
    """Where the feed came from; where nobody says, where it says itself that it is, or that its page is."""
    if url and not host_of(url).endswith(".invalid"):  # such a name leads nowhere by definition (RFC 2606)
        return url
    links = found.get("link", ())
    own = [link.get("href") for link in links if link.get("rel") == "self"]
    pages = [link.get("href") or own_text(link) for link in links if link.get("rel", "alternate") == "alternate"]
    return next((address for address in (*own, *pages) if address and is_plain(address)), url)


def _raw_hashes(slices: Slices | None, items: list[etree._Element], roles: Roles) -> tuple[str, ...] | None:
    """Each entry's own bytes hashed. Where entries cannot be told apart in the bytes alone (their tag also stands in
    a text, or has a prefix), each element is written out again instead, which is slower. None where a tree that lacks
    what is known does not fit its slices.
    """
    has_stones = "deleted" in roles.values()
    stones = [index for index, item in enumerate(items) if roles[item.tag] == "deleted"] if has_stones else []
    one_parent = not items or items[0].getparent() is items[-1].getparent()  # else not in the order of the document
    if slices is None or len(slices.hashes) != len(items) - len(stones) or not one_parent:
        return None
    hashes = list(slices.hashes)
    for index in stones:
        hashes.insert(index, _written_out(items[index]))
    return tuple(hashes)


def _has_groups(items: list[etree._Element], groups: int) -> bool:
    """Whether all groups of pictures that were taken out stood right inside entries, and in no text or comment."""
    parent = items[0].getparent() if items else None
    return groups == 0 or (parent is not None and _GROUPS(parent) == groups)


def _written_out(item: etree._Element) -> str:
    return xxh3_128_hexdigest(etree.tostring(item, with_tail=False))


def _head(channel: etree._Element, found: Found, context: Context, kind: Kind, notes: tuple[str, ...]) -> ParsedFeed:
    base = base_of(channel, context.base) if context.has_bases else context.base
    updated, _ = time_in(found, ("updated", "published", "date"))
    summary = ""
    for role in ("description", "dc-description", "itunes-summary", "itunes-subtitle"):
        for element in found.get(role, ()):
            summary = summary or content_of(element, base).text
    return ParsedFeed(
        kind=kind,
        entries=(),
        title=headline_of(found),
        summary=summary,
        url=link_in(found, base, context),
        language=context.language,
        updated_ms=updated.ms if updated else None,
        listing_hint="window" if kind == "news-sitemap" else "auto",
        hub=_hub(found),
        ttl_ms=_ttl(found),
        notes=notes,
    )


def _hub(found: Found) -> str | None:
    for link in found.get("link", ()):
        href = link.get("href", "").strip()
        if link.get("rel") == "hub" and href.startswith(("http://", "https://")):
            return href
    return None


def _ttl(found: Found) -> int | None:
    for element in found.get("ttl", ()):
        text = own_text(element)
        if text.isascii() and text.isdigit() and 0 < len(text) < 7:
            return int(text) * 60_000 or None
    for element in found.get("sy-period", ()):
        period = _PERIODS.get(own_text(element).lower())
        frequency = own_text(found["sy-frequency"][0]) if "sy-frequency" in found else "1"
        if period and frequency.isascii() and frequency.isdigit() and 0 < len(frequency) < 5 and int(frequency):
            return period // int(frequency)
    return None
