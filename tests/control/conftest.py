"""Each implementation of the control store, behind one fixture: what holds for one holds for all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wirewatch.control import ControlStore, SqliteControlStore

STORES = ["sqlite"]


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ControlStore]:
    opened = SqliteControlStore(tmp_path / "data" / "control.db")
    await opened.open()
    yield opened
    await opened.close()
