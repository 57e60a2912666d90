"""Entries a second into OpenSearch through the sink, against opensearch-py's own bulk helper, in one run.

    .venv/bin/python benchmarks/opensearch_index.py [entries] [opensearch://host:port]

Bare means: the very documents that the sink makes, made beforehand, by ``helpers.async_bulk`` into an index with the
same mapping, in the same batches, one after the other. The sink decodes the events, cuts their texts into tokens,
asks what is known of their entries, writes events, ended revisions, highest figures and the place in the log, each
with its version. Every twentieth event is an edit. Then searches, each as a reader would make it. Without an address
a test server is started.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from opensearchpy import AsyncOpenSearch, helpers
from search_index import BATCH, records, searching

sys.path.insert(0, str(Path(__file__).parents[1]))

from sinks.search.opensearch.address import Address, read_address
from sinks.search.opensearch.client import Client
from sinks.search.opensearch.documents import document_id, make_document
from sinks.search.opensearch.generations import create_generation, put_templates
from sinks.search.opensearch.index import OpenSearchIndex
from sinks.search.opensearch.layout import Generation
from sinks.search.opensearch.sink import OpenSearchSink
from tests.servers.opensearch import OpenSearchServer
from wirewatch.brokers.interface import Record
from wirewatch.events import EntryEvent, decode, encode
from wirewatch.query.document import Document
from wirewatch.query.maxima import FeedMaxima
from wirewatch.settings.declared import Opensearch

EDITS = 20


def events(count: int) -> list[tuple[Record, str]]:
    """Entries of about 1 KB, every twentieth event an edit of the entry ten before it, as records with headlines."""
    made: list[tuple[Record, str]] = []
    for nth, (record, headline, _) in enumerate(records(count)):
        event = decode(record.value or b"", EntryEvent)
        if nth % EDITS == EDITS - 1:
            event = msgspec.structs.replace(event, op="updated", revision=2, entry_id=f"en_{nth - 10}")
        made.append((msgspec.structs.replace(record, value=encode(event)), headline))
    return made


async def bare(address: Address, made: list[Record]) -> float:
    """Seconds for the bulk helper."""
    client = Client(address)
    await put_templates(client)
    generation = Generation(address.prefix, 9)
    await create_generation(client, generation)
    documents = []
    for record in made:
        event = decode(record.value or b"", EntryEvent)
        body = make_document(Document(event), record.value or b"", FeedMaxima(), None)
        documents.append((document_id(event.feed_id, event.seq), msgspec.json.decode(body)))
    host, _, port = address.servers[0].rpartition(":")
    plain = AsyncOpenSearch(hosts=[{"host": host, "port": int(port)}])
    start = time.perf_counter()
    for at in range(0, len(documents), BATCH):
        actions: list[dict[str, Any]] = [
            {"_op_type": "index", "_index": generation.entries, "_id": id_, "routing": "bench", "_source": document}
            for id_, document in documents[at : at + BATCH]
        ]
        await helpers.async_bulk(plain, actions, chunk_size=BATCH)
    took = time.perf_counter() - start
    await plain.close()
    await client.close()
    return took


async def ours(address: Address, made: list[Record]) -> tuple[float, float]:
    """Seconds for the same through the sink, whole; and seconds until the last is found."""
    sink, index = OpenSearchSink(address), OpenSearchIndex(address)
    await sink.start()
    await sink.position(made[0].topic, made[0].partition)
    start = time.perf_counter()
    for at in range(0, len(made), BATCH):
        await sink.write(made[at : at + BATCH])
    took = time.perf_counter() - start
    last = decode(made[-1].value or b"", EntryEvent).id
    while await index.event(last) is None:  # noqa: ASYNC110 - a server can only be asked
        await asyncio.sleep(0.01)
    found = time.perf_counter() - start - took
    await sink.close()
    await index.close()
    return took, found


@contextmanager
def cluster(arguments: list[str]) -> Iterator[Address]:
    """The cluster asked for, else one of our own."""
    prefix = f"bench-{int(time.time())}"
    if arguments:
        yield read_address(arguments[0], Opensearch(prefix=prefix))
        return
    with tempfile.TemporaryDirectory() as folder:
        server = OpenSearchServer(Path(folder))
        server.start()
        try:
            yield read_address(server.url, Opensearch(prefix=prefix))
        finally:
            server.stop()


async def measure(address: Address, made: list[tuple[Record, str]]) -> None:
    """Warm up, then both in turn, twice; the better of each."""
    own = [record for record, _ in made]
    await bare(msgspec.structs.replace(address, prefix=f"{address.prefix}-warm"), own[: min(2_000, len(own))])
    bare_took, ours_took, seen = [], [], []
    for turn in range(2):
        there = msgspec.structs.replace(address, prefix=f"{address.prefix}-{turn}")
        bare_took.append(await bare(there, own))
        took, found = await ours(there, own)
        ours_took.append(took)
        seen.append(found)
    print(f"{len(own)} events in batches of {BATCH}, every {EDITS}th an edit; two turns, the better of each")
    print(f"bare opensearch-py bulk  {len(own) / min(bare_took):9.0f} events/s")
    print(f"the search sink          {len(own) / min(ours_took):9.0f} events/s")
    print(f"ratio                    {min(ours_took) / min(bare_took):9.2f} times the bare bulk")
    print(f"found after the write    {max(seen):9.2f} s at the latest")
    await searching(OpenSearchIndex(there), made[len(made) // 2][1], "{common} NEAR/5 {rare}")


def main() -> None:
    """Measure and print."""
    made = events(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    with cluster(sys.argv[2:]) as address:
        asyncio.run(measure(address, made))


if __name__ == "__main__":
    main()
