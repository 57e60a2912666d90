"""The embedded log's own hops: as many stages as the pipeline has, which do nothing but pass a record on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import apsw
from scripted_news import FEEDS
from webhook_receiver import Receiver

from wirewatch.brokers.embedded import open_runner
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.hosting import Step
from wirewatch.hosting.runner import Runner
from wirewatch.topics import DEAD_LETTERS, Topic


def _topic(name: str) -> Topic:
    return Topic(name, "feed_id", "anything", 86_400_000)


class PassOn:
    """A stage that only passes a record on."""

    stateful = True

    def __init__(self, stage: str, to: str) -> None:
        self.stage = stage
        self.to = to

    def handle(self, record: Record, state: bytes | None) -> Step:
        return Step([NewRecord(self.to, record.key, record.value, record.headers)], state or b"0")


class Committing:
    """A sink that commits each batch to a file of its own; then passes it on, or posts it."""

    def __init__(self, stage: str, path: Path, after: Any) -> None:
        self.stage = stage
        self.conn = apsw.Connection(str(path))
        self.conn.pragma("journal_mode", "WAL")
        self.conn.pragma("synchronous", "FULL")
        self.conn.execute("CREATE TABLE kept(offset INTEGER PRIMARY KEY, value BLOB)")
        self.after = after

    async def start(self) -> None:
        pass

    async def bind_log(self, log_id: str) -> None:
        del log_id  # it begins anew each time

    async def position(self, topic: str, partition: int) -> int | None:
        del topic, partition  # as above
        return None

    async def write(self, records: Sequence[Record]) -> None:
        await asyncio.to_thread(self._write, records)
        await self.after(records)

    def _write(self, records: Sequence[Record]) -> None:
        with self.conn:
            self.conn.executemany("INSERT INTO kept VALUES(?, ?)", [(r.offset, r.value) for r in records])

    async def skip(self, record: Record) -> None:
        pass

    async def close(self) -> None:
        self.conn.close()


async def bare_hops(folder: Path, receiver: Receiver, samples: int) -> dict[str, list[float]]:
    """The same hops with nothing done in them: snapshots, events, entries, then index; alerts, outbox, webhook."""
    names = ["a.v1", "b.v1", "c.v1", "d.v1"]
    broker = open_runner(folder, topics=(*map(_topic, names), DEAD_LETTERS))
    done: dict[bytes, float] = {}
    session = aiohttp.ClientSession()

    async def note(records: Sequence[Record]) -> None:
        done.update((record.value or b"", time.monotonic()) for record in records)

    async def pass_on(records: Sequence[Record]) -> None:
        await broker.publish([NewRecord("d.v1", r.key, r.value, r.headers) for r in records])

    async def post(records: Sequence[Record]) -> None:
        for record in records:
            async with session.post(f"{receiver.url}/bare", data=record.value) as answer:
                await answer.read()

    handlers = [PassOn("one", "b.v1"), PassOn("two", "c.v1")]
    sinks = [
        Committing("index", folder / "index.db", note),
        Committing("match", folder / "match.db", pass_on),
        Committing("notify", folder / "notify.db", post),
    ]
    inputs = {"one": ["a.v1"], "two": ["b.v1"], "index": ["c.v1"], "match": ["c.v1"], "notify": ["d.v1"]}
    runner = Runner(broker, handlers=handlers, sinks=sinks, inputs=inputs)
    task = asyncio.create_task(runner.run())
    indexed, told = [], []
    for number in range(samples):
        value = f"bare {number} ".encode() + b"x" * 1_000
        began = time.monotonic()
        await broker.publish([NewRecord("a.v1", f"feed-{number % FEEDS}", value, {})])
        told.append(await receiver.wait(value.decode()) - began)
        indexed.append(done[value] - began)
        await asyncio.sleep(0.01)
    runner.stop()
    await task
    await session.close()
    await broker.close()
    return {"indexed": indexed, "told": told}
