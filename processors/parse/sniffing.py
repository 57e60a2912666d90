"""What a body is, told by its bytes: a feed that is served as text/html is a feed, whatever the header says."""

from __future__ import annotations

import re
from typing import Literal

from processors.parse.encoding import decode
from wirewatch.errors import BadInput
from wirewatch.events import Kind

Shape = Literal["xml", "json", "html", "text"]

_LOOKED_AT = 4096
_FEED_ROOT = re.compile(
    r"<(?:[A-Za-z_][\w.-]{0,30}:)?(?:rss|feed|rdf|urlset|sitemapindex|channel|opml|entry)[\s>]", re.IGNORECASE
)
_FIRST_ELEMENT = re.compile(r"<[A-Za-z_]")
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|script|meta|title|div|p|h1|center)[\s>]", re.IGNORECASE)
_XML = re.compile(r"<\?xml|<!DOCTYPE\s+(?!html)|<[A-Za-z_][\w.:-]{0,60}[\s>/]", re.IGNORECASE)
_PLAINLY_A_FEED = re.compile(
    rb"(?:\xef\xbb\xbf)?\s{0,99}+(?:<\?xml[^<>]{0,200}+>)?(?:\s{0,99}+<\?[^<>]{0,400}+>){0,9}\s{0,99}+"
    rb"<(?:rss|feed|rdf:RDF|urlset)[\s>]"
)
_COMMENT = re.compile(r"<!--(?:[^-]|-(?!->))*+-->")
_STRANGE = re.compile("[\ufffd\x00-\x08\x0b\x0e-\x1f]")
# words, also with the bold ones and line breaks that PHP puts into its warnings
_JUNK_BEFORE = re.compile(
    r"\A(?:[^<]|<(?:/?b|br ?/?)>){1,2048}?(?=<\?xml\s|<rss[\s>]|<feed[\s>]|<rdf:RDF[\s>])", re.IGNORECASE
)
_PHP = re.compile(rb"\s*<(?:b|br ?/?)>", re.IGNORECASE)

FEED_KINDS: frozenset[Kind] = frozenset({"rss", "atom", "rdf", "news-sitemap"})
JSON_KINDS: frozenset[Kind] = frozenset({"json", "json-feed"})
PAGE_KINDS: frozenset[Kind] = frozenset({"html", "live-page", "text"})


def shape_of(body: bytes, content_type: str = "") -> Shape:
    """``xml`` for feeds, ``json``, ``html`` for pages, ``text`` for the rest. `BadInput` (``empty``) for nothing."""
    return "xml" if _PLAINLY_A_FEED.match(body) else _shape_of_text(beginning(body, content_type), len(body))


def _shape_of_text(start: str, size: int) -> Shape:
    if not start:
        raise BadInput(f"the body is empty ({size} bytes)", reason="empty")
    if len(_STRANGE.findall(start)) * 5 > len(start):
        raise BadInput("the body is no text: most of its bytes fit no charset", reason="bad-charset")
    if start[0] in "{[":
        return "json"
    if start[0] == "<" or _JUNK_BEFORE.match(start):
        return _markup_shape(start)
    if re.match(r"[A-Za-z_$][\w$.]{0,80}\s*\(\s*[\[{]|\)\]\}'", start):
        return "json"
    return "html" if _HTML.search(start) and start.count("<") > 2 else "text"


def _markup_shape(start: str) -> Shape:
    """By the first element, whatever DOCTYPE or words stand before it; else by which kind of element comes first."""
    first = _FIRST_ELEMENT.search(start)
    if first is not None and _FEED_ROOT.match(start, first.start()):
        return "xml"
    page, feed = _HTML.search(start), _FEED_ROOT.search(start)
    if page is not None:
        return "xml" if feed is not None and feed.start() < page.start() else "html"
    return "xml" if feed is not None or _XML.match(start) else "text"


def beginning(body: bytes, content_type: str = "") -> str:
    """The first characters that say something."""
    head = body[: 4 * _LOOKED_AT]
    if len(body) > len(head) and not head.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        head = body.lstrip(b" \t\r\n\x00\xef\xbb\xbf")[: 4 * _LOOKED_AT]
    text, _ = decode(head, content_type)
    return _without_comments(text.lstrip(" \t\r\n\x00\ufeff"))[:_LOOKED_AT]


def _without_comments(text: str) -> str:
    """Text about tags in a comment before the root must not pass for the root."""
    for _ in range(8):
        matched = _COMMENT.search(text, 0, _LOOKED_AT)
        if matched is None:
            break
        text = text[: matched.start()] + text[matched.end() :]
    return text.lstrip()


def without_junk(body: bytes) -> tuple[bytes, str | None]:
    """A feed without what a broken program printed before it, and a note; unchanged where there is none."""
    head = body[:_LOOKED_AT]
    if (head.lstrip()[:1] == b"<" and not _PHP.match(head)) or b"\x00" in head[:4]:
        return body, None
    matched = _JUNK_BEFORE.match(head.decode("latin-1"))
    if matched is None or not matched.group().strip("\xef\xbb\xbf \t\r\n"):
        return body, None
    return body[matched.end() :], f"{matched.end()} bytes before the feed were left out"
