"""Each implementation of the control store, behind one fixture: what holds for one holds for all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.servers.postgresql import PostgresqlServer
from wirewatch.control import ControlStore, SqliteControlStore
from wirewatch.control.postgresql import PostgresqlControlStore

STORES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)]


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ControlStore]:
    opened: ControlStore = SqliteControlStore(tmp_path / "data" / "control.db")
    if request.param == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        opened = PostgresqlControlStore(server.database())
    await opened.open()
    yield opened
    await opened.close()
