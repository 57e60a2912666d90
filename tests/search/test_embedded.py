"""The search stage: what it writes commits with its position or not at all, and writing again does no harm."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from sinks.search.embedded import schema, write
from sinks.search.embedded import sink as sink_module
from sinks.search.embedded.index import EmbeddedIndex
from sinks.search.embedded.sink import EmbeddedSearchSink
from wirewatch.brokers.interface import Record
from wirewatch.errors import BrokenStorage, UserError
from wirewatch.query import QueryError

START_MS = 1_641_585_600_000
NOW = START_MS + 86_400_000


@pytest.fixture
async def sink(path: Path) -> AsyncIterator[EmbeddedSearchSink]:
    opened = EmbeddedSearchSink(path)
    await opened.start()
    yield opened
    await opened.close()


@pytest.fixture
async def index(path: Path) -> AsyncIterator[EmbeddedIndex]:
    opened = EmbeddedIndex(path)
    yield opened
    await opened.close()


async def found(index: EmbeddedIndex, query: str, **how: Any) -> list[str]:
    page = await index.search(query, now_ms=NOW, **how)
    return [event.id for event in page.events]


async def test_writing_again_changes_nothing_f4(
    sink: EmbeddedSearchSink, index: EmbeddedIndex, log: Any, path: Path
) -> None:
    for nth in range(6):
        log.add(f"Storm {nth}", entry=f"en_{nth % 3}")
    await sink.write(log.records[:4])
    before = _everything(path)
    await sink.write(log.records[:4])
    await sink.write(log.records[1:2])
    assert _everything(path) == before
    await sink.write(log.records)
    assert await found(index, "storm versions:all") == [f"ev_{nth}" for nth in (6, 5, 4, 3, 2, 1)]
    again = [msgspec.structs.replace(record, partition=9) for record in log.records]
    await sink.write(again)  # the same events from another partition's position are still the same events
    assert len(await found(index, "storm versions:all")) == 6
    assert await sink.position("wirewatch.entries.v1", 9) == 6


def _everything(path: Path) -> list[Any]:
    connection = apsw.Connection(str(path))
    rows = [connection.execute(f"SELECT * FROM {table}").fetchall() for table in ("revisions", "positions", "text")]
    connection.close()
    return rows


def _write_until_killed(path: Path, records: list[Record], kill_after: int) -> None:
    """In a process of its own: killed between the events of a batch and its commit."""
    calls = 0
    real = write.write_position

    def position_then_die(*args: Any) -> None:
        nonlocal calls
        real(*args)
        calls += 1
        if calls == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    async def work() -> None:
        sink_module.write_position = position_then_die  # type: ignore[assignment]  # the fault under test
        sink = EmbeddedSearchSink(path)
        await sink.start()
        for record in records[:2]:
            await sink.write([record])
        await sink.write(records[2:])

    asyncio.run(work())


async def test_killed_before_the_commit_the_index_equals_the_model_after_the_restart_f4(
    path: Path, index: EmbeddedIndex, log: Any
) -> None:
    for nth in range(8):
        log.add(f"Storm {nth}", entry=f"en_{nth % 3}")
    process = multiprocessing.get_context("fork").Process(target=_write_until_killed, args=(path, log.records, 6))
    process.start()
    await asyncio.to_thread(process.join)
    assert process.exitcode == -signal.SIGKILL
    sink = EmbeddedSearchSink(path)
    await sink.start()
    position = await sink.position("wirewatch.entries.v1", 3)
    assert position == 2  # of the batch that was under way nothing is there
    assert await found(index, "storm versions:all") == ["ev_2", "ev_1"]
    await sink.write(log.records[position:])
    await sink.close()
    assert await found(index, "storm versions:all") == [f"ev_{nth}" for nth in range(8, 0, -1)]
    assert await found(index, "storm") == ["ev_8", "ev_7", "ev_6"]


async def test_a_full_disk_stops_it_and_keeps_nothing_of_the_batch_f13(
    sink: EmbeddedSearchSink, index: EmbeddedIndex, log: Any
) -> None:
    log.add("Storm")
    await sink.write(log.records)
    connection = sink._connection
    assert connection is not None
    connection.pragma("max_page_count", int(str(connection.pragma("page_count"))) + 3)
    for nth in range(400):
        log.add(f"Storm {nth} " + " ".join(f"word{nth}x{word}" for word in range(50)), entry=f"en_{nth}")
    with pytest.raises(BrokenStorage, match="the disk is full"):
        await sink.write(log.records[1:])
    assert await sink.position("wirewatch.entries.v1", 3) == 1
    assert await found(index, "storm versions:all") == ["ev_1"]
    connection.pragma("max_page_count", 1 << 30)
    await sink.write(log.records[1:])
    assert len(await found(index, "storm versions:all", limit=1000)) == 401


def _write_rubbish(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database at all, but long enough to look at" * 50)


async def test_readers_are_told_in_words_what_is_wrong(path: Path, index: EmbeddedIndex) -> None:
    with pytest.raises(UserError, match="no search index"):
        await index.search("storm", now_ms=NOW)
    assert "no search index" in str(await index.ready())
    with pytest.raises(QueryError, match="character 1"):
        await index.search('"storm', now_ms=NOW)
    await asyncio.to_thread(_write_rubbish, path)
    with pytest.raises(BrokenStorage, match="no SQLite database"):
        await index.search("storm", now_ms=NOW)
    with pytest.raises(BrokenStorage, match="no SQLite database"):
        await EmbeddedSearchSink(path).start()


async def test_an_index_from_a_newer_program_is_refused_and_left_alone(
    sink: EmbeddedSearchSink, path: Path, index: EmbeddedIndex
) -> None:
    await sink.close()
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", schema.SCHEMA_VERSION + 1)
    connection.close()
    for attempt in (EmbeddedSearchSink(path).start(), index.search("storm", now_ms=NOW)):
        with pytest.raises(BrokenStorage, match="newer wirewatch"):
            await attempt


async def test_an_index_of_another_tokenizer_is_cut_anew(
    sink: EmbeddedSearchSink, path: Path, index: EmbeddedIndex, log: Any
) -> None:
    for nth in range(5):
        log.add(f"Storm {nth}", entry=f"en_{nth}")
    await sink.write(log.records)
    await sink.close()
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE about SET value = 'older' WHERE name = 'tokenizer'")
    connection.execute("INSERT INTO text (text) VALUES ('delete-all')")
    connection.close()
    assert await found(index, "storm") == []
    again = EmbeddedSearchSink(path)
    await again.start()
    await again.close()
    assert len(await found(index, "storm")) == 5


async def test_a_search_that_takes_too_long_is_stopped(sink: EmbeddedSearchSink, path: Path, log: Any) -> None:
    class Hasty:
        def __init__(self) -> None:
            self.at = 0.0

        def now_ms(self) -> int:
            return NOW

        def monotonic(self) -> float:
            self.at += 100.0
            return self.at

        async def sleep(self, seconds: float) -> None:
            raise AssertionError("nothing here waits")

    for nth in range(2_000):
        log.add("storm", entry=f"en_{nth}")
    await sink.write(log.records)
    hurried = EmbeddedIndex(path, deadline=1.0, clock=Hasty())
    with pytest.raises(UserError, match="longer than 1 s"):
        await hurried.search("-nothing versions:all", now_ms=NOW, count=True)
    await hurried.close()
    with pytest.raises(UserError, match="closed"):
        await hurried.search("storm", now_ms=NOW)


async def test_readers_see_whole_batches_while_the_sink_writes(
    sink: EmbeddedSearchSink, index: EmbeddedIndex, log: Any
) -> None:
    for nth in range(300):
        log.add("storm", entry=f"en_{nth}")

    async def write_all() -> None:
        for start in range(0, 300, 30):
            await sink.write(log.records[start : start + 30])

    writing = asyncio.create_task(write_all())
    seen = []
    while not writing.done():
        try:
            seen.append((await index.search("storm", now_ms=NOW, limit=1, count=True)).total or 0)
        except UserError:
            continue
    await writing
    assert all(count % 30 == 0 for count in seen)
    assert seen == sorted(seen)
