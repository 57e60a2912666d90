"""What parsing gives: a feed and its entries, plain values with nothing left of the source's format."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from wirewatch.events import Kind, Link, Listing, Media


class ParsedEntry(Struct, frozen=True, gc=False):
    """One entry as this snapshot shows it.

    ``native_id`` is the source's own id as text (None: it has none), ``aliases`` further ids that the source
    lists for it. ``headline`` and ``body`` are plain text, ``html`` is sanitised. ``published_ms`` and
    ``updated_ms`` are milliseconds since 1970, None where the source gives none that can be believed;
    ``published_precision`` and ``published_from`` say how good it is, ``published_raw`` is the source's text.
    ``position`` counts from 0 in document order. ``deleted`` is an explicit tombstone (Atom
    ``deleted-entry``). ``fields`` are further visible values for learning what is volatile. ``raw_hash`` is of
    the entry's own bytes or canonical form: equal means nothing in it changed at all.
    """

    native_id: str | None
    headline: str
    body: str = ""
    html: str = ""
    aliases: tuple[str, ...] = ()
    url: str | None = None
    label: str | None = None
    published_ms: int | None = None
    published_precision: Literal["second", "minute", "day", "none"] = "none"
    published_from: Literal["source", "inferred", "first-seen"] = "source"
    published_raw: str | None = None
    updated_ms: int | None = None
    position: int = 0
    pinned: bool = False
    key_event: bool = False
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    section: str | None = None
    media: tuple[Media, ...] = ()
    links: tuple[Link, ...] = ()
    language: str | None = None
    truncated: bool = False
    deleted: bool = False
    raw_hash: str = ""


class ParsedFeed(Struct, frozen=True):
    """A snapshot, parsed. ``entries`` are in document order.

    ``title``, ``summary``, ``body``, ``label`` are the page's or channel's own; ``has_lead`` says that they
    are a live page's lead (an entry of its own), which a channel title is not. ``listing_hint`` is what the
    format itself tells (a news sitemap is a window), ``ended`` that the source says it is over
    (``coverageEndTime``, "this live blog has closed"), ``section`` the part of the site where the page stands,
    ``hub`` and ``ttl_ms`` what it asks of pollers.
    ``notes`` are things worth a word to the owner (mended JSON, a skipped entry and why).
    """

    kind: Kind
    entries: tuple[ParsedEntry, ...]
    title: str = ""
    label: str | None = None
    summary: str = ""
    body: str = ""
    html: str = ""
    url: str | None = None
    language: str | None = None
    updated_ms: int | None = None
    listing_hint: Listing = "auto"
    has_lead: bool = False
    lead_media: tuple[Media, ...] = ()
    ended: bool = False
    section: str | None = None
    hub: str | None = None
    ttl_ms: int | None = None
    notes: tuple[str, ...] = ()
