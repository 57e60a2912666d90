"""What the tests of parsing share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from processors.parse import ParsedEntry, ParsedFeed, parse
from wirewatch.events import JsonPaths, ParseDefinition

Read = Callable[..., ParsedFeed]


@pytest.fixture
def read() -> Read:
    """Parse a body, given as text or bytes, under a definition given in keywords."""

    def run(
        body: str | bytes,
        *,
        content_type: str = "",
        url: str = "https://news.example/feed",
        known: dict[str, ParsedEntry] | None = None,
        **keys: Any,
    ) -> ParsedFeed:
        raw = body.encode() if isinstance(body, str) else body
        if isinstance(keys.get("json"), dict):
            keys["json"] = JsonPaths(**keys["json"])
        definition = ParseDefinition(url=url, **keys)
        return parse(raw, definition, content_type=content_type, fetched_at_ms=1_641_587_464_000, known=known)

    return run


def rss(*items: str, channel: str = "<title>News</title>") -> str:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{channel}{inside}</channel></rss>'
