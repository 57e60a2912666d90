"""A sink on a real cluster while its group is divided anew all the time, and what it keeps of that."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import pytest

from tests.kafka_stages.kit import PARTITIONS, until
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.brokers.kafka import KafkaBroker
from wirewatch.errors import NotOurs
from wirewatch.hosting.sinks import SinkHost
from wirewatch.times import SystemClock
from wirewatch.topics import ENTRIES

pytestmark = pytest.mark.servers
Place = tuple[str, int]


class Shelf:
    """A store that several processes share: positions move only from where their mover saw them."""

    def __init__(self) -> None:
        self.positions: dict[Place, int] = {}
        self.kept: dict[Place, list[int]] = defaultdict(list)
        self.writers: set[int] = set()


class Shelving:
    """A process's way to the shelf. Nothing is looked up but when the host asks for the position."""

    stage = "match"

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.seen: dict[Place, int | None] = {}

    async def start(self) -> None:
        pass

    async def bind_log(self, log_id: str) -> None:
        pass

    async def position(self, topic: str, partition: int) -> int | None:
        self.seen[topic, partition] = self.shelf.positions.get((topic, partition))
        return self.seen[topic, partition]

    async def write(self, records: Sequence[Record]) -> None:
        fresh = [one for one in records if one.offset >= (self.seen[one.topic, one.partition] or 0)]
        await asyncio.sleep(0.01)
        places = {(one.topic, one.partition) for one in fresh}
        if any(self.shelf.positions.get(place) != self.seen[place] for place in places):
            raise NotOurs("another has read on")
        self.shelf.writers.add(id(self))
        for one in fresh:
            place = (one.topic, one.partition)
            self.shelf.kept[place].append(one.offset)
            self.shelf.positions[place] = self.seen[place] = one.offset + 1

    async def skip(self, record: Record) -> None:
        raise AssertionError(f"{record} was taken for a bad one")

    async def close(self) -> None:
        pass


async def test_f9_members_that_come_and_go_all_the_time_skip_no_record_and_repeat_none(broker: KafkaBroker) -> None:
    shelf = Shelf()

    async def member(sink: Shelving, seconds: float) -> None:
        host = SinkHost(broker, sink, [ENTRIES.name], SystemClock())
        running = asyncio.create_task(host.run())
        await asyncio.sleep(seconds)
        host.stop()
        await running

    published = 0

    async def news() -> None:
        nonlocal published
        while published < 1_200:
            keys = [f"feed-{n}" for n in range(published, published + 20)]
            await broker.publish([NewRecord(ENTRIES.name, key, b"x", {}) for key in keys])
            published += len(keys)
            await asyncio.sleep(0.15)

    async def all_kept() -> bool:
        return sum(map(len, shelf.kept.values())) >= published

    visitors = [Shelving(shelf) for _ in range(4)]  # kept, so that each has a name of its own among the writers
    steady = SinkHost(broker, Shelving(shelf), [ENTRIES.name], SystemClock())
    running = asyncio.create_task(steady.run())
    writing = asyncio.create_task(news())
    for sink, seconds in zip(visitors, (1.5, 1.0, 2.0, 1.2), strict=True):
        await member(sink, seconds)
    await writing
    await until(all_kept)
    assert len(shelf.writers) > 2, "they were given partitions and read of them"
    steady.stop()
    await running
    for partition in range(PARTITIONS):
        end = (await broker.bounds(ENTRIES.name, partition)).end
        assert shelf.kept[ENTRIES.name, partition] == list(range(end)), f"partition {partition}"
        assert await broker.committed("match", ENTRIES.name, partition) == end
