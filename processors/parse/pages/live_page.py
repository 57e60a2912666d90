"""A live page without linked data."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser

from processors.parse.model import ParsedFeed
from wirewatch.errors import BadInput


def parse_live_page(
    tree: LexborHTMLParser, text: str, *, url: str, fetched_at_ms: int, timezone: str, certain: bool
) -> ParsedFeed:
    raise BadInput("no live page: looked for schema.org LiveBlogPosting", reason="not-recognised")
