"""How the tests of this room read a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from processors.parse.model import ParsedFeed
from processors.parse.pages import parse_page
from wirewatch.events import HtmlPaths, Kind, ParseDefinition
from wirewatch.times import parse_ms

URL = "https://courier.example/live/alder-flood"
FETCHED = parse_ms("2023-11-12T18:10:00Z")
SAMPLES = Path(__file__).parent / "samples"

Read = Callable[..., ParsedFeed]


@pytest.fixture
def read() -> Read:
    """`parse_page` with a page's address and time of fetching; ``kind`` is ``live-page`` unless told."""

    def read_page(
        text: str,
        kind: Kind = "live-page",
        *,
        html: HtmlPaths | None = None,
        url: str = URL,
        fetched: str = "",
        content_type: str = "text/html",
        ignore: tuple[str, ...] = (),
    ) -> ParsedFeed:
        definition = ParseDefinition(url=url, kind=kind, html=html, ignore=ignore)
        at = parse_ms(fetched) if fetched else FETCHED
        return parse_page(text, definition, url=url, fetched_at_ms=at, content_type=content_type)

    return read_page


@pytest.fixture
def sample() -> Callable[[str], str]:
    """A committed sample page."""
    return lambda name: (SAMPLES / name).read_text(encoding="utf-8")
