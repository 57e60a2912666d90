"""A feed's definition, as it stands on `wirewatch.feeds.v1`, in ``[[feeds]]`` and in a FEED.toml."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Kind = Literal[
    "auto",
    "rss",
    "atom",
    "rdf",
    "json-feed",
    "news-sitemap",
    "json",
    "html",
    "live-page",
    "text",
]
Listing = Literal["auto", "window", "full", "curated"]
FeedId = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$")]


class JsonPaths(Struct, frozen=True, forbid_unknown_fields=True):
    """JMESPath expressions: ``items`` into the document, the others into an item."""

    items: str = "@"
    id: str = ""
    aliases: str = ""
    headline: str = ""
    body: str = ""
    url: str = ""
    published: str = ""
    updated: str = ""
    authors: str = ""
    tags: str = ""
    time_format: str = ""
    timezone: str = ""


class HtmlPaths(Struct, frozen=True, forbid_unknown_fields=True):
    """CSS selectors, ``selector@attribute`` for an attribute: ``items`` in the page, the others in an item."""

    items: str = ""
    id: str = ""
    headline: str = ""
    body: str = ""
    url: str = ""
    published: str = ""
    updated: str = ""
    authors: str = ""
    tags: str = ""
    time_format: str = ""
    timezone: str = ""


class ParseDefinition(Struct, frozen=True):
    """The part of a feed that decides what a snapshot means; it rides with every snapshot."""

    url: str
    kind: Kind = "auto"
    listing: Listing = "auto"
    span_ms: int | None = None
    withdraw_after: int = 2
    late_after_ms: int = 86_400_000
    ignore: tuple[str, ...] = ()
    json: JsonPaths | None = None
    html: HtmlPaths | None = None


class Feed(Struct, frozen=True, forbid_unknown_fields=True):
    """A feed as its owner wrote it. Durations are text (``30s``); ``every`` may be ``auto``.

    ``headers`` values of the form ``env:NAME`` are read from the environment where they are used and
    never stand on a topic. ``origin`` says who owns the definition: the settings file or a command.
    """

    id: FeedId
    url: str
    name: str = ""
    tags: list[str] = []
    enabled: bool = True
    kind: Kind = "auto"
    listing: Listing = "auto"
    span: str = ""
    every: str = "auto"
    withdraw_after: Annotated[int, Meta(ge=1, le=100)] = 2
    late_after: str = "24h"
    ignore: list[str] = []
    proxy: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    json: JsonPaths | None = None
    html: HtmlPaths | None = None
    origin: Literal["file", "command", "built-in"] = "command"
