"""From the index in a file to OpenSearch: every revision, also those that the log let go long ago."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from sinks.search.embedded.schema import decompress, index_failures, open_reader
from sinks.search.opensearch.address import Address
from sinks.search.opensearch.client import Client
from sinks.search.opensearch.generations import ensure_current
from sinks.search.opensearch.write import EventWriter, NewEvent
from wirewatch.errors import UserError
from wirewatch.events import EntryEvent, decode
from wirewatch.times import SystemClock

_AT_ONCE: Final = 250
_BYTES: Final = 4 << 20


async def copy_index(path: Path, address: Address, progress: Callable[[str, int, int], None]) -> int:
    """Write every event of that file to OpenSearch, in the order in which it came; how many there are.

    The file is only read. What is there already is left as it is: killed, it is called again. No place in a log is
    written: the search stage then reads its log from the beginning, and finds there what it has. Raises `UserError`
    for an index that is none of ours, `PassingFault` where OpenSearch is away.
    """
    client = Client(address)
    try:
        standing = await ensure_current(client)
        if standing.sealed:
            raise UserError(f"{standing.generation.entries} is being replaced: finish wirewatch index rebuild first")
        writer = EventWriter(client, standing.generation, SystemClock())
        with closing(await asyncio.to_thread(open_reader, path)) as connection:
            total, done = int(str(connection.execute("SELECT count(*) FROM revisions").get)), 0
            for events in _batches(connection, path):
                await writer.write(events)
                done += len(events)
                progress("search", done, total)
        await writer.forget()  # so that all of it is found from now on
        return done
    finally:
        await client.close()


def _batches(connection: apsw.Connection, path: Path) -> Iterator[list[NewEvent]]:
    batch: list[NewEvent] = []
    size = 0
    with index_failures(path):
        for (packed,) in connection.execute("SELECT event FROM revisions ORDER BY id"):
            assert isinstance(packed, bytes)
            stored = decompress(packed)
            if batch and (len(batch) == _AT_ONCE or size + len(stored) > _BYTES):
                yield batch
                batch, size = [], 0
            batch.append(NewEvent(decode(stored, EntryEvent), stored))
            size += len(stored)
        if batch:
            yield batch
