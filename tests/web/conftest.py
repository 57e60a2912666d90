"""Fixtures for the web role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.kit import Site
from wirewatch.events import Feed


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """The web role at work on an empty log, with one feed known."""
    opened = Site(tmp_path)
    await opened.open()
    await opened.watch(Feed(id="velmora", url="https://news.example/live", name="Velmora Live"))
    yield opened
    await opened.close()
