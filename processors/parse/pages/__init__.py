"""Pages: HTML by selectors, live pages of every make, and their plain text. Pure: no clock, network or file."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

from processors.parse.model import ParsedFeed
from processors.parse.pages.beside_markup import filled_from_markup
from processors.parse.pages.error_pages import name_error_page
from processors.parse.pages.guard import check_shape, check_whole
from processors.parse.pages.live_blog import parse_json_ld, parse_linked_page
from processors.parse.pages.live_json import looks_like_json, parse_live_json
from processors.parse.pages.live_page import parse_live_page
from processors.parse.pages.selecting import parse_by_selectors
from processors.parse.pages.text_page import parse_text_page
from wirewatch.errors import BadInput
from wirewatch.events import ParseDefinition

__all__ = ["looks_like_html", "parse_linked_page", "parse_page"]

_HTML = re.compile(
    r"<(?:!doctype\s+html|html|head|body|title|meta|link|script|article|section|main|div|h1|p|ul|table)\b",
    re.IGNORECASE,
)


def parse_page(
    text: str, definition: ParseDefinition, *, url: str, fetched_at_ms: int, content_type: str = ""
) -> ParsedFeed:
    """A page, decoded already, as a feed; for kinds ``html``, ``live-page``, ``text``, and ``auto`` on such bodies.

    `BadInput` says why there is none: ``empty``, ``truncated``, ``too-deep``, ``too-many-attributes``,
    ``error-page`` (a consent, robot-check, paywall or error page in its place), ``bad-definition`` (a selector
    that is none), ``not-recognised`` (with what was looked for). Linear in the size of the page.
    """
    if not text.strip("\ufeff\x00 \t\r\n"):
        raise BadInput("the page is empty", reason="empty")
    kind = definition.kind
    timezone = definition.html.timezone if definition.html is not None else ""
    if kind == "text" or (kind != "html" and not looks_like_html(text, content_type)):
        if looks_like_json(text) and kind != "text":
            return parse_live_json(text, url=url, fetched_at_ms=fetched_at_ms)
        if not looks_like_html(text, content_type):
            certain = kind == "text"
            return parse_text_page(text, url=url, fetched_at_ms=fetched_at_ms, timezone=timezone, certain=certain)
    if kind != "html":
        found = parse_json_ld(text, url=url, fetched_at_ms=fetched_at_ms)
        if found is not None and found.entries:
            check_whole(text)
            return filled_from_markup(found, text, url=url, fetched_at_ms=fetched_at_ms, timezone=timezone)
    still_open = check_shape(text)
    tree = LexborHTMLParser(text)
    try:
        if kind == "html":
            feed = parse_by_selectors(tree, definition, url=url, fetched_at_ms=fetched_at_ms)
        else:
            feed = parse_live_page(
                tree, text, url=url, fetched_at_ms=fetched_at_ms, timezone=timezone, certain=kind != "auto"
            )
    except BadInput as error:
        instead = name_error_page(text) if error.reason == "not-recognised" else None
        check_whole(text, still_open)
        if instead is not None:
            raise BadInput(f"a {instead} came in place of the page; {error}", reason="error-page") from error
        raise
    check_whole(text, still_open)
    return feed


def looks_like_html(text: str, content_type: str = "") -> bool:
    """Whether a body is HTML: by its first elements; by its content type only where it holds markup at all."""
    head = text[:2_000].lstrip("\ufeff \t\r\n")
    if head[:1] in {"{", "["}:
        return False
    if _HTML.match(head) or head.startswith("<!--"):
        return True
    return "html" in content_type.lower() and _HTML.search(text[:100_000]) is not None
