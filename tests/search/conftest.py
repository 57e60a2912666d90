from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from wirewatch.brokers.interface import Record
from wirewatch.query import read_event_line
from wirewatch.times import format_ms
from wirewatch.topics import ENTRIES

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
