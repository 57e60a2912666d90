"""Appending: what is on its way is bounded, whoever wants more waits for its turn, and a batch is what we say it is."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.record.memory_records import MemoryRecords

from wirewatch.brokers.interface import NewRecord
from wirewatch.brokers.kafka import Address, KafkaBroker
from wirewatch.brokers.kafka.fetching import fetch_from
from wirewatch.brokers.kafka.publishing import BUFFER_BYTES, Budget, Publishing, ToSend
from wirewatch.brokers.kafka.records import Encoded
from wirewatch.topics import Topic

LOG = Topic("test.log.v1", "feed_id", "anything", 3_600_000, 1 << 20, 1)
_ZSTD = 4
_NONE = -1
"""A producer without a number cannot tell that a batch was written before."""


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class Holders:
    """Tasks that hold a part of a budget until told to give it back; ``holding``: those that had theirs, in order."""

    def __init__(self, size: int) -> None:
        self.budget = Budget(size)
        self.holding: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.done: dict[str, asyncio.Event] = {}

    async def ask(self, name: str, size: int) -> None:
        self.done[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._hold(name, size))
        await settled()

    async def give_back(self, name: str) -> None:
        self.done[name].set()
        await settled()

    async def cancel(self, name: str) -> None:
        self.tasks[name].cancel()
        await settled()

    async def _hold(self, name: str, size: int) -> None:
        async with self.budget.taken(size):
            self.holding.append(name)
            await self.done[name].wait()


async def test_who_wants_more_than_is_left_waits_and_nobody_overtakes() -> None:
    them = Holders(10)
    await them.ask("a", 6)
    await them.ask("large", 8)
    await them.ask("small", 1)
    assert them.holding == ["a"]
    await them.give_back("a")
    assert them.holding == ["a", "large", "small"]


async def test_who_wants_more_than_there_is_has_all_of_it_to_itself() -> None:
    them = Holders(10)
    await them.ask("huge", 1_000)
    await them.ask("small", 1)
    assert them.holding == ["huge"]
    await them.give_back("huge")
    assert them.holding == ["huge", "small"]


async def test_who_stops_waiting_or_holding_leaves_nothing_taken() -> None:
    them = Holders(10)
    for name in ("a", "waiting", "next"):
        await them.ask(name, 10)
    await them.cancel("waiting")
    await them.cancel("a")
    assert them.holding == ["a", "next"]
    await them.ask("last", 10)
    them.done["next"].set()
    await asyncio.sleep(0)
    await them.cancel("last")  # in the moment in which it is given its part
    assert them.holding == ["a", "next"]
    await them.ask("all", 10)
    assert them.holding[-1] == "all"
    await them.give_back("all")


async def test_those_behind_one_who_stopped_waiting_are_not_kept_waiting_by_what_it_wanted() -> None:
    them = Holders(10)
    for name, size in (("a", 6), ("large", 8), ("small", 1)):
        await them.ask(name, size)
    await them.cancel("large")
    assert them.holding == ["a", "small"]


class Counting(Publishing):
    """Acknowledges nothing before it is told to; counts what it was handed meanwhile."""

    handed = 0

    def __init__(self) -> None:
        super().__init__(Address(("127.0.0.1:1",)))
        self.acknowledged = asyncio.Event()

    async def _append(self, part: list[ToSend]) -> list[tuple[int, int]]:
        self.handed += sum(item.record.size for item in part)
        await self.acknowledged.wait()
        return [(0, 0)] * len(part)


async def test_no_more_than_the_buffer_is_on_its_way_however_many_want_to_append() -> None:
    publishing, record = Counting(), Encoded(NewRecord(LOG.name, "k", bytes(4 << 20), {}))
    waiting = [asyncio.create_task(publishing.publish([ToSend(LOG.name, 0, record)])) for _ in range(40)]
    await settled()
    assert BUFFER_BYTES - record.size < publishing.handed <= BUFFER_BYTES
    publishing.acknowledged.set()
    assert await asyncio.gather(*waiting) == [[(0, 0)]] * 40


@pytest.mark.servers
async def test_a_batch_is_compressed_with_zstd_and_written_once_however_often_it_is_sent(broker: KafkaBroker) -> None:
    await broker.create_topics([LOG])
    await broker.publish([NewRecord(LOG.name, "k", b"news " * 1_000, {})])
    place = (LOG.name, 0)
    fetched = (await fetch_from(broker.link, broker.link.leader(*place), {place: 0}, wait_ms=0, apart=False))[place]
    assert not isinstance(fetched, BaseException)
    batch = MemoryRecords(fetched.data).next_batch()
    assert batch.compression_type == _ZSTD
    assert batch.producer_id != _NONE
    assert len(fetched.data) < 1_000
