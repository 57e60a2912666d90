from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sinks.search.embedded.index import EmbeddedIndex
from sinks.search.embedded.sink import EmbeddedSearchSink
from sinks.search.interface import SearchIndex
from sinks.search.opensearch.address import Address
from sinks.search.opensearch.generations import refresh
from sinks.search.opensearch.index import OpenSearchIndex
from sinks.search.opensearch.sink import OpenSearchSink
from tests.servers.opensearch import OpenSearchServer
from wirewatch.brokers.interface import Record
from wirewatch.hosting import Sink
from wirewatch.query import read_event_line
from wirewatch.times import format_ms
from wirewatch.topics import ENTRIES

_names = itertools.count(1)

START_MS = 1_641_585_600_000  # 2022-01-07T20:00:00Z


class Log:
    """Events of one feed as records of the topic that the sink reads, numbered from 1."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._revisions: dict[str, int] = {}

    def add(self, headline: str, *, entry: str = "en_1", minute: int | None = None, **fields: Any) -> Record:
        """One more event, a minute after the one before."""
        seq = len(self.records) + 1
        self._revisions[entry] = self._revisions.get(entry, 0) + 1
        at = format_ms(START_MS + 60_000 * (seq if minute is None else minute))
        raw = {
            "id": f"ev_{seq}",
            "seq": seq,
            "feed_id": "kz-live",
            "entry_id": entry,
            "revision": self._revisions[entry],
            "op": "created" if self._revisions[entry] == 1 else "updated",
            "time": at,
            "first_seen": at,
            "published": at,
            "headline": headline,
            **fields,
            "entry": {"headline": headline, **fields.get("entry", {})},
        }
        event = read_event_line(msgspec.json.encode(raw))
        assert event is not None
        value = msgspec.json.encode(event)
        record = Record(ENTRIES.name, 3, seq - 1, "kz-live", value, {}, START_MS + seq)
        self.records.append(record)
        return record


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "search.db"


class FindableSink(OpenSearchSink):
    """What it wrote is found at once, and not a second later."""

    async def write(self, records: Sequence[Record]) -> None:
        await super().write(records)
        assert self._writer is not None
        await refresh(self._client, self._writer.generation)


@pytest.fixture
def address(opensearch: OpenSearchServer) -> Address:
    """The shared server, with names that no other test has."""
    return Address((f"127.0.0.1:{opensearch.port}",), prefix=f"test-{next(_names)}", shards=2)


@pytest.fixture(params=["embedded", pytest.param("opensearch", marks=pytest.mark.servers)])
def place(request: pytest.FixtureRequest) -> str:
    """Where the index is kept."""
    return str(request.param)


@pytest.fixture
def make_sink(place: str, request: pytest.FixtureRequest) -> Callable[[], Sink]:
    """Sinks of one index, as in several processes or one after the other."""
    if place == "embedded":
        path = request.getfixturevalue("path")
        return lambda: EmbeddedSearchSink(path)
    address = request.getfixturevalue("address")
    return lambda: FindableSink(address)


@pytest.fixture
async def sink(make_sink: Callable[[], Sink]) -> AsyncIterator[Sink]:
    opened = make_sink()
    await opened.start()
    yield opened
    await opened.close()


@pytest.fixture
async def index(place: str, request: pytest.FixtureRequest) -> AsyncIterator[SearchIndex]:
    opened: SearchIndex
    if place == "embedded":
        opened = EmbeddedIndex(request.getfixturevalue("path"))
    else:
        opened = OpenSearchIndex(request.getfixturevalue("address"))
    yield opened
    await opened.close()
