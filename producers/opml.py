"""Feeds in and out as OPML, the format that feed readers exchange."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import listparser
from lxml import etree

from wirewatch.errors import UserError
from wirewatch.events import Feed
from wirewatch.feeds import check_feed, slug

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BYTES = 8 << 20
MAX_FEEDS = 10_000
_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_OUTLINE = re.compile(rb"<\s*outline[\s/>]", re.IGNORECASE)
_MAX_DEPTH = 20


def read_opml(data: bytes, *, where: str = "OPML", taken: Iterable[str] = ()) -> list[Feed]:
    """The feeds of an OPML file; ``taken`` are ids that they must not get.

    Reads nothing but ``data``. Raises `UserError` in words for what is no OPML, declares entities, or is larger
    than 8 MiB, 10,000 feeds or 20 levels (H63), and for a feed whose URL cannot be watched.
    """
    _refuse_hostile(data, where)
    # bytes only: given text, the library would open what looks like a URL
    parsed = listparser.parse(bytes(data))
    if not parsed.get("version", "").startswith("opml"):
        raise UserError(f"{where}: not OPML: it has no <opml> element")
    used = set(taken)
    feeds: list[Feed] = []
    for row in parsed["feeds"]:
        title = " ".join(str(row.get("title") or "").split())[:200]
        tags = list(dict.fromkeys("/".join(category) for category in row.get("categories", []) if category))
        feed = Feed(id=_free_id(title or str(row["url"]), used), url=str(row["url"]), name=title, tags=tags)
        check_feed(feed, where=where)
        feeds.append(feed)
    return feeds


def write_opml(feeds: Iterable[Feed], *, title: str = "wirewatch") -> bytes:
    """An OPML 2.0 document that `read_opml`, and any feed reader, reads with its names and tags.

    Headers, proxies and other settings of ours have no place in OPML. A URL with a secret in it goes out as it
    is: the file is the owner's own.
    """
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = _xml_text(title)
    body = etree.SubElement(root, "body")
    for feed in feeds:
        name = _xml_text(feed.name or feed.id)
        outline = etree.SubElement(body, "outline", type="rss", text=name, title=name, xmlUrl=_xml_text(feed.url))
        if feed.tags:
            # a category is a path with slashes, and a list with commas
            outline.set("category", ",".join(_xml_text(tag).replace(",", " ") for tag in feed.tags))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _refuse_hostile(data: bytes, where: str) -> None:
    if len(data) > MAX_BYTES:
        raise UserError(f"{where}: {len(data)} bytes; an OPML file of at most {MAX_BYTES >> 20} MiB is read")
    if _DOCTYPE.search(data):
        raise UserError(f"{where}: it declares a document type or entities, which OPML needs none of; refused")
    count = sum(1 for _ in _OUTLINE.finditer(data))
    if count > MAX_FEEDS:
        raise UserError(f"{where}: {count} outlines; at most {MAX_FEEDS} feeds are read from one file")
    depth = 0
    for tag in data.lower().split(b"<"):
        name = tag.lstrip()
        if name.startswith(b"/outline"):
            depth -= 1
        elif name.startswith(b"outline") and not tag.partition(b">")[0].rstrip().endswith(b"/"):
            depth += 1
        if depth > _MAX_DEPTH:
            raise UserError(f"{where}: outlines more than {_MAX_DEPTH} levels deep; refused")


def _free_id(text: str, used: set[str]) -> str:
    base = slug(re.sub(r"^https?://(www\.)?", "", text))
    found, n = base, 1
    while found in used:
        n += 1
        found = f"{base}-{n}"
    used.add(found)
    return found


def _xml_text(text: str) -> str:
    """Without characters that XML cannot hold."""
    return "".join(
        c for c in text if c in "\t\n" or (c >= " " and not 0xD800 <= ord(c) <= 0xDFFF and c not in "\ufffe\uffff")
    )
