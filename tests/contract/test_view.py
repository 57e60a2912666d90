"""A compacted topic held in memory, on any broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from wirewatch.brokers.interface import Broker, NewRecord, Record
from wirewatch.brokers.view import LatestView
from wirewatch.errors import BadInput, PassingFault
from wirewatch.topics import Topic

OpenBroker = Callable[[str, Sequence[Topic]], Awaitable[Broker]]
TABLE = Topic("view.table.v1", "feed_id", "anything", None, 100_000, 4)


def as_number(record: Record) -> int:
    try:
        return int(record.value or b"")
    except ValueError as error:
        raise BadInput("no number") from error


@pytest.fixture
async def broker(open_broker: OpenBroker) -> AsyncIterator[Broker]:
    opened = await open_broker("log", (TABLE,))
    yield opened
    await opened.close()


async def put(broker: Broker, **values: bytes | None) -> None:
    await broker.publish([NewRecord(TABLE.name, key, value, {}) for key, value in values.items()])


async def test_a_view_holds_the_newest_value_of_each_key_and_follows(broker: Broker) -> None:
    await put(broker, a=b"1", b=b"1", gone=b"1")
    await put(broker, a=b"2", gone=None)
    view = LatestView(broker, TABLE.name, as_number)
    assert await view.refresh() == {"a", "b"}
    assert dict(view.values) == {"a": 2, "b": 1}
    assert await view.refresh() == set()
    await put(broker, b=None, c=b"3")
    await put(broker, c=b"4")
    assert await view.refresh() == {"b", "c"}
    assert dict(view.values) == {"a": 2, "c": 4}
    assert (view.get("c"), view.get("b")) == (4, None)


async def test_a_waiting_view_wakes_at_a_change(broker: Broker) -> None:
    view = LatestView(broker, TABLE.name, as_number)
    await view.refresh()
    waiting = asyncio.create_task(view.wait_changed(20))
    await put(broker, a=b"1")
    async with asyncio.timeout(5):
        assert await waiting == {"a"}
    assert await view.wait_changed(0.02) == set()


async def test_news_of_one_partition_leaves_the_waits_on_the_others_be(broker: Broker) -> None:
    """On a cluster with many partitions and much news, ending and beginning them all costs more than the news."""

    class Counting:
        reads = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(broker, name)

        async def read(self, *where: Any, **how: Any) -> list[Record]:
            self.reads += 1
            return await broker.read(*where, **how)

    counting = Counting()
    view: LatestView[int] = LatestView(counting, TABLE.name, as_number)  # type: ignore[arg-type]  # it is one, and counts
    await view.refresh()
    for n in range(20):
        waiting = asyncio.create_task(view.wait_changed(20))
        await put(broker, a=b"%d" % n)
        async with asyncio.timeout(5):
            assert await waiting == {"a"}
        assert view.get("a") == n
    assert counting.reads <= broker.partitions(TABLE.name) + 20
    await put(broker, a=b"20", b=b"1")
    await view.refresh()
    await put(broker, c=b"1")
    seen: set[str] = set()
    while "c" not in seen:
        seen |= await view.wait_changed(5)
    assert dict(view.values) == {"a": 20, "b": 1, "c": 1}


async def test_what_changed_before_a_fault_is_told_after_it(broker: Broker) -> None:
    """A saved search that a view knows of and never told of would never be held against anything."""

    class Failing:
        faults = 1

        def __getattr__(self, name: str) -> Any:
            return getattr(broker, name)

        async def read(self, topic: str, partition: int, offset: int, **how: Any) -> list[Record]:
            records = await broker.read(topic, partition, offset, **how)
            if self.faults and not records:
                self.faults -= 1
                raise PassingFault("away")
            return records

    view: LatestView[int] = LatestView(Failing(), TABLE.name, as_number)  # type: ignore[arg-type]  # it is one, and fails
    await view.refresh()
    await put(broker, a=b"1")
    with pytest.raises(PassingFault):
        await view.refresh()
    assert await view.refresh() == {"a"}


async def test_a_value_that_cannot_be_read_leaves_what_was_held(broker: Broker) -> None:
    await put(broker, a=b"1", bad=b"?")
    view = LatestView(broker, TABLE.name, as_number)
    await view.refresh()
    await put(broker, a=b"?", c=b"3")
    await view.refresh()
    assert dict(view.values) == {"a": 1, "c": 3}
