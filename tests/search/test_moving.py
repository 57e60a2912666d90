"""From the index in a file to OpenSearch: every revision, also of what the log no longer holds."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sinks.search.embedded.index import EmbeddedIndex
from sinks.search.embedded.sink import EmbeddedSearchSink
from sinks.search.moving import copy_index
from sinks.search.opensearch.address import Address
from sinks.search.opensearch.generations import refresh
from sinks.search.opensearch.index import OpenSearchIndex
from sinks.search.opensearch.sink import OpenSearchSink
from wirewatch.brokers.embedded import open_writer

pytestmark = pytest.mark.servers


def silent(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody follows."""


@pytest.fixture
async def filled(path: Path, log: Any) -> Path:
    """An index of 40 entries, every third with three revisions."""
    for number in range(40):
        log.add(f"Story {number}", entry=f"en_{number}")
        for again in range(2 if number % 3 == 0 else 0):
            log.add(f"Story {number}, edited {again}", entry=f"en_{number}")
    sink = EmbeddedSearchSink(path)
    await sink.start()
    await sink.write(log.records)
    await sink.close()
    return path


async def test_every_revision_is_found_there_as_it_was_here(filled: Path, address: Address, log: Any) -> None:
    assert await copy_index(filled, address, silent) == len(log.records)
    here, there = EmbeddedIndex(filled), OpenSearchIndex(address)
    assert await there.events("kz-live") == await here.events("kz-live")
    for number in (0, 1, 39):
        assert await there.entry(f"en_{number}") == await here.entry(f"en_{number}")
    await here.close()
    await there.close()


async def test_the_command_copies_the_index_that_lies_beside_the_log(
    filled: Path, address: Address, log: Any, tmp_path: Path
) -> None:
    await open_writer(filled.parent).close()
    settings = tmp_path / "wirewatch.toml"
    settings.write_text(f'data_dir = "{filled.parent}"\n[opensearch]\nprefix = "{address.prefix}"\n')
    command = [str(Path(sys.executable).with_name("wirewatch")), "move", "--config", str(settings)]
    to = f"opensearch://{address.servers[0]}"
    ended = await asyncio.to_thread(
        subprocess.run, [*command, "--search-to", to], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "Now set search to the same" in ended.stderr
    there = OpenSearchIndex(address)
    assert len(await there.events("kz-live")) == len(log.records)
    await there.close()


async def test_a_second_copy_and_the_stage_that_then_reads_its_log_from_the_beginning_double_nothing(
    filled: Path, address: Address, log: Any
) -> None:
    await copy_index(filled, address, silent)
    assert await copy_index(filled, address, silent) == len(log.records)
    sink = OpenSearchSink(address)
    await sink.start()
    await sink.bind_log("the cluster")
    assert await sink.position(log.records[0].topic, 3) is None
    last = log.add("Story 41", entry="en_41")
    await sink.write(log.records)
    assert sink._writer is not None
    await refresh(sink._client, sink._writer.generation)
    assert await sink.position(last.topic, 3) == last.offset + 1
    await sink.close()
    there = OpenSearchIndex(address)
    assert [event.seq for event in await there.events("kz-live")] == list(range(1, len(log.records) + 1))
    assert len(await there.entry("en_0")) == 3
    await there.close()
