"""Where a feed offers a hub (WebSub): in the answer's Link headers, in the feed, in a JSON Feed's `hubs`. Pure.

A light look at what stands before the first entry, never a parse: what a source writes costs no more than its length.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

import orjson
from msgspec import Struct
from yarl import URL

from producers.answers import Answer
from wirewatch.logs import redact

_LOOK = 64 << 10
_JSON_LOOK = 1 << 20  # a JSON Feed has to be read as a whole
_MAX_URL = 2_000
_ENTRY = re.compile(rb"<(?:[\w-]{1,20}:)?(?:item|entry)[\s>]|<body[\s>]", re.IGNORECASE)
_LINK = re.compile(r"<(?:[\w-]{1,20}:)?link\s([^<>]{1,4000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(rel|href)\s{0,9}=\s{0,9}(?:"([^"]{0,2100})"|'([^']{0,2100})')""", re.IGNORECASE)
_HEADER_LINK = re.compile(r"<([^<>]{1,2100})>([^<]{0,1000})")
_HEADER_REL = re.compile(r""";\s{0,9}rel\s{0,9}=\s{0,9}(?:"([^"]{1,200})"|([^\s;,"]{1,200}))""", re.IGNORECASE)


class Offer(Struct, frozen=True):
    """A hub, and the name (topic) under which it knows the feed."""

    hub: str
    topic: str


def read_offer(answer: Answer) -> Offer | None:
    """The hub that an answer with a body offers; None where it offers none that can be used.

    Link headers go before the body, the first hub before others. A feed that names itself nowhere is known by where
    it came from. A URL with a secret in it is told to no hub.
    """
    found: dict[str, str] = {}
    for rel, href in (*_header_links(answer.links), *_body_links(answer.body or b"")):
        found.setdefault(rel, href)
    if "hub" not in found:
        return None
    hub, topic = _usable(found["hub"], answer.url), _usable(found.get("self", answer.url), answer.url)
    return Offer(hub, topic) if hub is not None and topic is not None else None


def _header_links(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    for value in values:
        for href, parameters in _HEADER_LINK.findall(value):
            rel = _HEADER_REL.search(parameters)
            if rel is not None:
                yield from _named(rel[1] or rel[2], href.strip())


def _body_links(body: bytes) -> Iterator[tuple[str, str]]:
    start = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"{"):
        yield from _json_links(body)
        return
    head = body[:_LOOK]
    entry = _ENTRY.search(head)
    if entry is not None:
        head = head[: entry.start()]
    for link in _LINK.findall(head.decode("utf-8", "replace")):
        attributes = {name.lower(): one or other for name, one, other in _ATTRIBUTE.findall(link)}
        if "rel" in attributes and "href" in attributes:
            yield from _named(attributes["rel"], html.unescape(attributes["href"]).strip())


def _json_links(body: bytes) -> Iterator[tuple[str, str]]:
    if len(body) > _JSON_LOOK or b'"hubs"' not in body:
        return
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    hubs = document.get("hubs") if isinstance(document, dict) else None
    for hub in hubs if isinstance(hubs, list) else ():
        if isinstance(hub, dict) and str(hub.get("type", "")).casefold() in {"websub", "pubsubhubbub"}:
            yield "hub", str(hub.get("url", ""))
    if isinstance(document, dict) and isinstance(document.get("feed_url"), str):
        yield "self", document["feed_url"]


def _named(rels: str, href: str) -> Iterator[tuple[str, str]]:
    for rel in rels.casefold().split():
        if rel in {"hub", "self"}:
            yield rel, href


def _usable(url: str, base: str) -> str | None:
    """The URL in full; None for what is none that can be called, or may not stand on a topic."""
    if not url:
        return None
    try:
        full = str(URL(base).join(URL(url)).with_fragment(None))
        read = URL(full)
    except ValueError:
        return None
    if read.scheme not in {"http", "https"} or not read.host or len(full) > _MAX_URL:
        return None
    if "\\" in full or any(ord(c) <= 0x20 or ord(c) == 0x7F for c in full) or "redacted" in full:
        return None
    return full if redact(full) == full else None
