"""What `wirewatch.brokers.interface` promises, held against every implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from wirewatch.brokers.interface import ALONE, UNSETTLED, Broker, Consumer, NewRecord, Record
from wirewatch.errors import BadInput, PassingFault, UserError
from wirewatch.topics import Topic

OpenBroker = Callable[[str, Sequence[Topic]], Awaitable[Broker]]
LOG = Topic("test.log.v1", "feed_id", "anything", 3_600_000, 100_000, 4)
OTHER = Topic("test.other.v1", "feed_id", "anything", 3_600_000, 100_000, 4)
TABLE = Topic("test.table.v1", "feed_id", "anything", None, 100_000, 4)
TOPICS = (LOG, OTHER, TABLE)


def new(key: str, value: bytes | None, topic: Topic = LOG, **headers: str) -> NewRecord:
    return NewRecord(topic.name, key, value, headers)


async def read_all(broker: Broker, topic: Topic = LOG) -> list[Record]:
    records: list[Record] = []
    for partition in range(broker.partitions(topic.name)):
        offset = (await broker.bounds(topic.name, partition)).earliest
        while more := await broker.read(topic.name, partition, offset):
            records += more
            offset = more[-1].offset + 1
    return records


async def poll_until(consumer: Consumer, count: int) -> list[Record]:
    records: list[Record] = []
    async with asyncio.timeout(20):
        while len(records) < count:
            records += await consumer.poll(wait=1)
    return records


@pytest.fixture
async def broker(open_broker: OpenBroker) -> AsyncIterator[Broker]:
    opened = await open_broker("log", TOPICS)
    yield opened
    await opened.close()


async def test_a_record_is_read_as_it_was_published(broker: Broker) -> None:
    headers = {"ce_id": "ev_1", "ce_type": "wirewatch.entry.created.v1", "пусто": "", "quote": '"\\\n'}
    values = [b"", b"\x00\xff" * 7, b'{"a":1}' * 2_000, None]
    given = [NewRecord(LOG.name, "ключ \x00 key", value, headers) for value in values]
    published = await broker.publish(given)
    assert [(item.key, item.value, item.headers) for item in published] == [
        (item.key, item.value, item.headers) for item in given
    ]
    assert await read_all(broker) == published


async def test_order_holds_for_each_key(broker: Broker) -> None:
    await asyncio.gather(
        *(
            broker.publish([new(f"k{key}", b"%d" % (10 * turn + n)) for n in range(10)])
            for turn in range(5)
            for key in range(8)
        )
    )
    by_key: dict[str, list[int]] = {}
    for record in await read_all(broker):
        by_key.setdefault(record.key, []).append(int(record.value or b""))
    assert by_key == {f"k{key}": list(range(50)) for key in range(8)}


async def test_a_keys_records_lie_in_one_partition_and_offsets_rise(broker: Broker) -> None:
    published = await broker.publish([new(f"k{n % 5}", b"x") for n in range(50)])
    places: dict[str, set[int]] = {}
    for record in published:
        places.setdefault(record.key, set()).add(record.partition)
        assert record.partition in range(broker.partitions(LOG.name))
    assert all(len(partitions) == 1 for partitions in places.values())
    for partition in range(broker.partitions(LOG.name)):
        offsets = [record.offset for record in published if record.partition == partition]
        assert offsets == sorted(set(offsets))
        bounds = await broker.bounds(LOG.name, partition)
        assert (bounds.earliest, bounds.end) == (0, len(offsets))


async def test_what_was_acknowledged_is_there_after_opening_again(open_broker: OpenBroker) -> None:
    first = await open_broker("log", TOPICS)
    published = await first.publish([new("k", b"%d" % n) for n in range(5)])
    consumer = await first.consumer("g", [LOG.name])
    got = await poll_until(consumer, 5)
    await consumer.commit(got[:3])
    await first.close()
    again = await open_broker("log", TOPICS)
    try:
        assert await read_all(again) == published
        later = await again.consumer("g", [LOG.name])
        assert [record.value for record in await poll_until(later, 2)] == [b"3", b"4"]
    finally:
        await again.close()


async def test_a_record_over_the_limit_is_refused_before_any_is_written(broker: Broker) -> None:
    big = new("k", b"x" * (LOG.max_message_bytes + 1))
    with pytest.raises(BadInput, match="over") as caught:
        await broker.publish([new("k", b"small"), big])
    assert caught.value.reason == "too-large"
    assert await read_all(broker) == []


async def test_text_that_is_no_utf8_is_bad_input(broker: Broker) -> None:
    for bad in (new("\ud800", b"x"), new("k", b"x", h="\udfff")):
        with pytest.raises(BadInput) as caught:
            await broker.publish([new("k", b"fine"), bad])
        assert caught.value.reason == "not-utf8"
    assert await read_all(broker) == []


async def test_a_topic_that_is_not_there_is_told_in_words(broker: Broker) -> None:
    with pytest.raises(UserError, match=r"no topic nowhere\.v1"):
        await broker.publish([NewRecord("nowhere.v1", "k", b"x", {})])
    with pytest.raises(UserError, match=r"nowhere\.v1"):
        await broker.read("nowhere.v1", 0, 0)
    with pytest.raises(UserError, match=r"nowhere\.v1"):
        broker.partitions("nowhere.v1")


async def test_topics_are_created_once_checked_and_never_changed(broker: Broker) -> None:
    extra = Topic("test.extra.v1", "feed_id", "anything", 1_000, 100_000, 4)
    assert (await broker.check_topics([LOG, extra]))[0].startswith("test.extra.v1 does not exist")
    assert await broker.create_topics([LOG, extra]) == ["test.extra.v1"]
    assert await broker.create_topics([LOG, extra]) == []
    assert await broker.check_topics([LOG, extra]) == []
    changed = Topic("test.extra.v1", "feed_id", "anything", None, 100_000, 4)
    assert await broker.create_topics([changed]) == []
    assert any("test.extra.v1" in line and "retention_ms" in line for line in await broker.check_topics([changed]))


async def test_reading_waits_for_a_record_and_no_longer(broker: Broker) -> None:
    loop = asyncio.get_running_loop()
    partition = (await broker.publish([new("k", b"first")]))[0].partition
    end = (await broker.bounds(LOG.name, partition)).end
    waiting = asyncio.create_task(broker.read(LOG.name, partition, end, wait=20))
    await broker.publish([new("other", b"elsewhere", OTHER)])
    started = loop.time()
    await broker.publish([new("k", b"second")])
    assert [record.value for record in await waiting] == [b"second"]
    assert loop.time() - started < 1
    assert await broker.read(LOG.name, partition, end + 1, wait=0.05) == []


async def test_a_reader_keeps_to_its_limits_but_always_gets_one(broker: Broker) -> None:
    published = await broker.publish([new("k", b"x" * 1_000) for _ in range(10)])
    partition = published[0].partition
    assert len(await broker.read(LOG.name, partition, 0, max_records=3)) == 3
    assert len(await broker.read(LOG.name, partition, 0, max_bytes=10)) == 1
    assert 1 <= len(await broker.read(LOG.name, partition, 0, max_bytes=3_500)) <= 3


async def test_the_offset_at_a_time_is_the_first_at_or_after_it(broker: Broker) -> None:
    published = await broker.publish([new("k", b"a")])
    published += await broker.publish([new("k", b"b")])
    partition = published[0].partition
    for record in published:
        found = await broker.offset_at(LOG.name, partition, record.timestamp_ms)
        earlier = [item.offset for item in published if item.timestamp_ms >= record.timestamp_ms]
        assert found == min(earlier)
    assert await broker.offset_at(LOG.name, partition, 0) == 0
    assert await broker.offset_at(LOG.name, partition, published[-1].timestamp_ms + 1) == 2


async def test_a_compacted_topic_gives_each_keys_newest_value(broker: Broker) -> None:
    await broker.publish([new("a", b"1", TABLE), new("b", b"1", TABLE), new("a", b"2", TABLE)])
    await broker.publish([new("c", b"1", TABLE), new("b", None, TABLE)])
    latest = await broker.latest(TABLE.name)
    assert {key: record.value for key, record in latest.items()} == {"a": b"2", "c": b"1"}
    await broker.publish([new("b", b"back", TABLE)])
    assert (await broker.latest(TABLE.name))["b"].value == b"back"
    newest = {record.key: record.value for record in await read_all(broker, TABLE)}
    assert newest == {"a": b"2", "b": b"back", "c": b"1"}


async def test_the_newest_values_of_some_partitions_alone_are_given(broker: Broker) -> None:
    published = await broker.publish([new(f"k{n}", b"%d" % n, TABLE) for n in range(20)])
    place = published[0].partition
    there = {record.key: record.value for record in published if record.partition == place}
    found = await broker.latest(TABLE.name, [place])
    assert {key: record.value for key, record in found.items()} == there
    assert await broker.latest(TABLE.name, []) == {}


async def test_a_group_starts_at_the_earliest_and_goes_on_where_it_committed(broker: Broker) -> None:
    await broker.publish([new(f"k{n}", b"%d" % n) for n in range(10)])
    first = await broker.consumer("g", [LOG.name])
    got = await poll_until(first, 10)
    assert sorted(int(record.value or b"") for record in got) == list(range(10))
    await first.close()
    second = await broker.consumer("g", [LOG.name])
    again = await poll_until(second, 10)
    assert {(r.partition, r.offset) for r in again} == {(r.partition, r.offset) for r in got}
    await second.commit(again)
    await second.close()
    third = await broker.consumer("g", [LOG.name])
    assert await third.poll(wait=0.05) == []
    other = await broker.consumer("another", [LOG.name])
    assert len(await poll_until(other, 10)) == 10


async def test_a_committed_offset_never_goes_back(broker: Broker) -> None:
    """F7-8"""
    published = await broker.publish([new("k", b"%d" % n) for n in range(5)])
    partition = published[0].partition
    consumer = await broker.consumer("g", [LOG.name])
    records = await poll_until(consumer, 5)
    assert await broker.committed("g", LOG.name, partition) is None
    await consumer.commit(records[:4])
    await consumer.commit(records[:1])
    await consumer.commit([])
    assert await broker.committed("g", LOG.name, partition) == 4


async def test_seeking_decides_what_is_read_next(broker: Broker) -> None:
    published = await broker.publish([new("k", b"%d" % n) for n in range(5)])
    partition = published[0].partition
    consumer = await broker.consumer("g", [LOG.name])
    assert (LOG.name, partition) in await consumer.assignment()
    await poll_until(consumer, 5)
    await consumer.seek(LOG.name, partition, 3)
    assert [record.value for record in await poll_until(consumer, 2)] == [b"3", b"4"]


async def test_each_partition_belongs_to_one_member_of_a_group(broker: Broker) -> None:
    await broker.publish([new(f"k{n}", b"x") for n in range(8)])
    one = await broker.consumer("g", [LOG.name])
    two = await broker.consumer("g", [LOG.name])
    assert not set(await one.assignment()) & set(await two.assignment())
    read: list[Record] = []
    async with asyncio.timeout(20):
        while len(read) < 8:
            read += await one.poll(wait=0.05) + await two.poll(wait=0.05)
    assert len({(r.partition, r.offset) for r in read}) == len(read) == 8
    await one.close()
    again: list[Record] = []
    async with asyncio.timeout(20):
        while len(await two.assignment()) < broker.partitions(LOG.name):
            again += await two.poll(wait=0.1)
    again += await poll_until(two, 8 - len(again))
    assert len({(r.partition, r.offset) for r in again}) == 8


async def test_a_partition_has_one_member_in_a_generation_and_generations_rise(broker: Broker) -> None:
    one = await broker.consumer("g", [LOG.name])
    first = await settled(one)
    two = await broker.consumer("g", [LOG.name])
    async with asyncio.timeout(30):
        while await two.generation() == UNSETTLED or await one.generation() != await two.generation():
            await asyncio.gather(one.poll(wait=0.05), two.poll(wait=0.05))
    assert await two.generation() >= first
    assert not set(await one.assignment()) & set(await two.assignment())
    before = await two.generation()
    await one.close()
    async with asyncio.timeout(30):
        while len(await two.assignment()) < broker.partitions(LOG.name):
            await two.poll(wait=0.05)
    assert await two.generation() > before or before == ALONE


async def settled(consumer: Consumer) -> int:
    """The generation, once this member is in one."""
    async with asyncio.timeout(30):
        while (generation := await consumer.generation()) == UNSETTLED:
            await consumer.poll(wait=0.05)
    return generation


async def test_what_is_no_longer_ours_is_left_out_of_a_commit(broker: Broker) -> None:
    """F9"""
    published = await broker.publish([new(f"k{n}", b"x") for n in range(20)])
    one = await broker.consumer("g", [LOG.name])
    got = await poll_until(one, 20)
    two = await broker.consumer("g", [LOG.name])
    async with asyncio.timeout(30):
        while await two.generation() == UNSETTLED or await one.generation() != await two.generation():
            await asyncio.gather(one.poll(wait=0.05), two.poll(wait=0.05))
    ours = {partition for _, partition in await one.assignment()}
    await one.commit(got)
    for partition in {record.partition for record in published}:
        last = max(record.offset for record in published if record.partition == partition)
        assert await broker.committed("g", LOG.name, partition) == (last + 1 if partition in ours else None)


async def test_a_member_that_left_can_neither_read_nor_commit(broker: Broker) -> None:
    published = await broker.publish([new("k", b"x")])
    consumer = await broker.consumer("g", [LOG.name])
    records = await poll_until(consumer, 1)
    await consumer.close()
    await consumer.close()
    with pytest.raises(PassingFault):
        await consumer.commit(records)
    with pytest.raises(PassingFault):
        await consumer.poll(wait=0)
    assert await broker.committed("g", LOG.name, published[0].partition) is None


async def test_several_topics_are_read_by_one_member(broker: Broker) -> None:
    await broker.publish([new("k", b"1"), new("k", b"2", OTHER), new("k", b"3", TABLE)])
    consumer = await broker.consumer("g", [LOG.name, OTHER.name, TABLE.name])
    got = await poll_until(consumer, 3)
    assert {(record.topic, record.value) for record in got} == {
        (LOG.name, b"1"),
        (OTHER.name, b"2"),
        (TABLE.name, b"3"),
    }


async def test_a_busy_topic_does_not_starve_another(broker: Broker) -> None:
    await broker.publish([new("k", b"busy") for _ in range(100)] + [new("k", b"rare", OTHER)])
    consumer = await broker.consumer("g", [LOG.name, OTHER.name])
    got = await consumer.poll(max_records=10) + await consumer.poll(max_records=10)
    assert b"rare" in {record.value for record in got}


async def test_a_healthy_broker_says_nothing_and_a_closed_one_why(broker: Broker) -> None:
    assert await broker.healthy() is None
    await broker.close()
    assert "closed" in (await broker.healthy() or "")
    with pytest.raises(PassingFault):
        await broker.publish([new("k", b"x")])
    await broker.close()


async def test_a_state_nobody_wrote_is_none(broker: Broker) -> None:
    assert await broker.read_state("diff", "no-such-feed") is None


async def test_a_log_keeps_its_name_and_no_two_share_one(open_broker: OpenBroker) -> None:
    first = await open_broker("one", TOPICS)
    name = await first.log_id()
    await first.close()
    again, other = await open_broker("one", TOPICS), await open_broker("two", TOPICS)
    assert (await again.log_id(), await other.log_id() == name) == (name, False)
