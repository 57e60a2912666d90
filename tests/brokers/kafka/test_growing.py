from __future__ import annotations

import pytest

from wirewatch.brokers.interface import NewRecord
from wirewatch.brokers.kafka import KafkaBroker, grow_topics, reading
from wirewatch.brokers.kafka.growing import _add_partitions, _append, _newest
from wirewatch.brokers.partitioning import partition_for
from wirewatch.errors import UserError
from wirewatch.topics import Topic

pytestmark = pytest.mark.servers
LOG = Topic("test.log.v1", "feed_id", "anything", 3_600_000, 100_000, 2)
TABLE = Topic("test.table.v1", "feed_id", "anything", None, 100_000, 2)
TOPICS = (LOG, TABLE)
KEYS = [f"k{n}" for n in range(40)]


async def grow(broker: KafkaBroker, partitions: int) -> list[str]:
    said: list[str] = []
    await grow_topics(
        broker,
        TOPICS,
        partitions,
        groups=["g", "never"],
        readers={"g": [LOG.name], "never": [LOG.name]},
        say=said.append,
    )
    return said


async def fill(broker: KafkaBroker) -> dict[str, bytes]:
    await broker.create_topics(TOPICS)
    await broker.publish([NewRecord(TABLE.name, key, b"old", {}) for key in KEYS])
    await broker.publish([NewRecord(TABLE.name, key, key.encode(), {"h": key}) for key in KEYS])
    await broker.publish([NewRecord(TABLE.name, "k0", None, {})])
    return {key: key.encode() for key in KEYS[1:]}


async def values(broker: KafkaBroker) -> dict[str, bytes | None]:
    return {key: record.value for key, record in (await broker.latest(TABLE.name)).items()}


async def require_in_place(broker: KafkaBroker, partitions: int) -> None:
    """Each value stands in its key's partition and in no other."""
    for partition in range(partitions):
        for record in await _newest(broker, TABLE.name, partition):
            if record.value is not None:
                assert partition_for(record.key, partitions) == partition


async def test_every_value_is_found_where_its_key_belongs_after_growth(broker: KafkaBroker) -> None:
    due = await fill(broker)
    said = await grow(broker, 6)
    assert any("values moved" in line for line in said)
    assert [broker.partitions(topic.name) for topic in TOPICS] == [6, 6]
    assert await values(broker) == due
    await require_in_place(broker, 6)
    assert (await broker.latest(TABLE.name))["k7"].headers == {"h": "k7"}
    await broker.publish([NewRecord(TABLE.name, "k7", b"newer", {})])
    assert (await values(broker))["k7"] == b"newer"


@pytest.mark.parametrize("order", [range(6), range(5, -1, -1)])
async def test_what_a_key_left_behind_in_its_old_partition_hides_nothing_after_growth(
    order: range, broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = await fill(broker)
    await grow(broker, 6)
    monkeypatch.setattr(reading, "_AT_ONCE", 1)  # else whichever is answered first
    assert {key: record.value for key, record in (await broker.latest(TABLE.name, order)).items()} == due


async def test_growth_that_was_broken_off_is_finished_by_doing_it_again(broker: KafkaBroker) -> None:
    due = await fill(broker)
    # broken off with some values copied and none forgotten
    await _add_partitions(broker, TABLE.name, 6)
    copied = [r for r in await _newest(broker, TABLE.name, 0) if r.value is not None and partition_for(r.key, 6) != 0]
    for record in copied[:3]:
        await _append(broker, [record], partition_for(record.key, 6))
    assert broker.partitions(LOG.name) == 2
    await grow(broker, 6)
    assert await values(broker) == due
    await require_in_place(broker, 6)
    assert await grow(broker, 6) == [f"{TABLE.name}: 0 values moved to their new partitions"]


async def test_growth_is_refused_while_a_member_is_at_work_or_a_group_is_behind(broker: KafkaBroker) -> None:
    await fill(broker)
    published = await broker.publish([NewRecord(LOG.name, key, b"x", {}) for key in KEYS])
    consumer = await broker.consumer("g", [LOG.name])
    with pytest.raises(UserError, match="g has 1 members at work"):
        await grow(broker, 6)
    await consumer.commit(published[:-5])
    await consumer.close()
    with pytest.raises(UserError, match=rf"g has \d+ records of {LOG.name} to read"):
        await grow(broker, 6)
    assert [broker.partitions(topic.name) for topic in TOPICS] == [2, 2]
    consumer = await broker.consumer("g", [LOG.name])
    await consumer.commit(published)
    await consumer.close()
    await grow(broker, 6)
    assert broker.partitions(LOG.name) == 6


async def test_a_process_that_began_before_the_growth_says_that_it_is_to_be_started_again(
    broker: KafkaBroker, prefix: str
) -> None:
    """Who is in no group, as a page is, is not seen by the one who grows."""
    await fill(broker)
    page = KafkaBroker(broker.address, prefix=prefix)
    await page.open()
    try:
        assert await page.healthy() is None
        await grow(broker, 6)
        assert f"{LOG.name} has 6 partitions by now and had 2" in (await page.healthy() or "")
    finally:
        await page.close()


async def test_a_topic_never_gets_fewer_partitions(broker: KafkaBroker) -> None:
    await fill(broker)
    with pytest.raises(UserError, match="never has fewer"):
        await grow(broker, 1)
