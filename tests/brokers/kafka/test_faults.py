from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from tests.servers.kafka import KafkaServer
from wirewatch.brokers.interface import Consumer, NewRecord, Record
from wirewatch.brokers.kafka import Address, KafkaBroker, link, publishing
from wirewatch.brokers.kafka import broker as broker_module
from wirewatch.brokers.kafka import consumer as consumer_module
from wirewatch.brokers.kafka.members import MemberName, take_member_name
from wirewatch.errors import BadInput, BrokenStorage, PassingFault
from wirewatch.topics import Topic

pytestmark = pytest.mark.servers
LOG = Topic("test.log.v1", "feed_id", "anything", 3_600_000, 100_000, 4)
LARGE = Topic("test.large.v1", "feed_id", "anything", 3_600_000, 16 << 20, 2)


def new(key: str, value: bytes, topic: Topic = LOG) -> NewRecord:
    return NewRecord(topic.name, key, value, {})


async def poll_until(consumer: Consumer, count: int, seconds: float = 30.0) -> list[Record]:
    records: list[Record] = []
    async with asyncio.timeout(seconds):
        while len(records) < count:
            try:
                records += await consumer.poll(wait=0.5)
            except PassingFault:
                await asyncio.sleep(0)
    return records


async def poll_for_ever(consumer: Consumer) -> None:
    async with asyncio.timeout(20):
        while True:
            await consumer.poll(wait=0.2)


async def well_at_last(broker: KafkaBroker, seconds: float = 30.0) -> None:
    """Returns once every partition has its leader again: a server that stood still calls them back one by one."""
    async with asyncio.timeout(seconds):
        while True:
            if await broker.healthy() is None:
                return
            await asyncio.sleep(0.05)


async def published_at_last(broker: KafkaBroker, record: NewRecord, seconds: float = 30.0) -> Record:
    async with asyncio.timeout(seconds):
        while True:
            try:
                return (await broker.publish([record]))[0]
            except PassingFault:
                await asyncio.sleep(0)


async def everything(broker: KafkaBroker, topic: Topic = LOG) -> list[Record]:
    found: list[Record] = []
    for partition in range(broker.partitions(topic.name)):
        offset = 0
        while more := await read_at_last(broker, topic, partition, offset):
            found += more
            offset = more[-1].offset + 1
    return found


async def read_at_last(
    broker: KafkaBroker, topic: Topic, partition: int, offset: int, seconds: float = 30.0
) -> Sequence[Record]:
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await broker.read(topic.name, partition, offset)
            except PassingFault:
                await asyncio.sleep(0)


async def test_a_killed_server_loses_nothing_and_everybody_goes_on_by_themselves(own_kafka: KafkaServer) -> None:
    """F6"""
    broker = KafkaBroker(Address((own_kafka.bootstrap,), session_ms=6_000))
    await broker.open()
    try:
        await broker.create_topics([LOG])
        before = await broker.publish([new(f"k{n}", b"%d" % n) for n in range(20)])
        consumer = await broker.consumer("g", [LOG.name])
        assert len(await poll_until(consumer, 20)) == 20
        waiting = asyncio.create_task(broker.read(LOG.name, before[0].partition, 1_000, wait=60))
        own_kafka.kill()
        sending = asyncio.create_task(published_at_last(broker, new("k0", b"after")))
        own_kafka.start()
        after = await sending
        assert {(r.partition, r.offset) for r in before} < {(r.partition, r.offset) for r in await everything(broker)}
        got = await poll_until(consumer, 1)
        while b"after" not in {record.value for record in got}:
            got += await poll_until(consumer, 1)
        await consumer.commit([after])
        assert await broker.committed("g", LOG.name, after.partition) == after.offset + 1
        waiting.cancel()
    finally:
        await broker.close()


async def test_a_server_that_stands_still_is_a_fault_that_passes(
    own_kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F7"""
    monkeypatch.setattr(publishing, "_ACKNOWLEDGED_SECONDS", 2.0)
    monkeypatch.setattr(link, "PATIENCE", 1.0)
    monkeypatch.setattr(consumer_module, "_LOOK_SECONDS", 1.0)
    monkeypatch.setattr(broker_module, "_HEALTH_SECONDS", 1.0)
    broker = KafkaBroker(Address((own_kafka.bootstrap,), session_ms=6_000))
    await broker.open()
    try:
        await broker.create_topics([LOG])
        consumer = await broker.consumer("g", [LOG.name])
        await broker.publish([new("k", b"before")])
        assert len(await poll_until(consumer, 1)) == 1
        own_kafka.pause()
        try:
            with pytest.raises(PassingFault, match="no answer in time"):
                await broker.publish([new("k", b"while it stands still")])
            with pytest.raises(PassingFault, match="reading test"):
                await broker.read(LOG.name, 0, 0)
            with pytest.raises(PassingFault):
                await poll_for_ever(consumer)
            assert "no answer in time" in (await broker.healthy() or "")
        finally:
            own_kafka.resume()
        last = await published_at_last(broker, new("k", b"after"))
        values = [record.value for record in await everything(broker)]
        assert (values[0], values[-1]) == (b"before", b"after")
        # what was given up may have been written all the same: at least once, and in order
        assert set(values) <= {b"before", b"while it stands still", b"after"}
        assert (await poll_until(consumer, last.offset))[-1].value == b"after"
        await well_at_last(broker)
    finally:
        await broker.close()


async def test_a_hundred_waiting_reads_share_two_connections(broker: KafkaBroker) -> None:
    topics = [Topic(f"test.many-{n}.v1", "feed_id", "anything", 3_600_000, 100_000, 25) for n in range(4)]
    await broker.create_topics(topics)
    reads = {
        (topic.name, partition): asyncio.create_task(broker.read(topic.name, partition, 0, wait=30))
        for topic in topics
        for partition in range(25)
    }
    await asyncio.wait(reads.values(), timeout=0.5)
    assert not any(task.done() for task in reads.values())
    assert len(broker.link._client._conns) <= 2
    assert len(broker._reading._following._loops) == 1
    await broker.publish([new("first of the producer", b"x", topics[0])])
    loop = asyncio.get_running_loop()
    for topic in topics:
        for key in "abc":
            started = loop.time()
            record = (await broker.publish([new(key, b"x", topic)]))[0]
            if (waiting := reads.pop((topic.name, record.partition), None)) is not None:
                assert record in await waiting
            assert loop.time() - started < 5
    for task in reads.values():
        task.cancel()
    await asyncio.gather(*reads.values(), return_exceptions=True)


async def test_what_is_waited_for_comes_at_once_and_in_order_however_quickly_it_follows(broker: KafkaBroker) -> None:
    await broker.create_topics([LOG])
    place = (await broker.publish([new("k", b"first")]))[0].partition

    async def follow(seen: list[bytes | None]) -> None:
        offset = 1
        while len(seen) < 200:
            for record in await broker.read(LOG.name, place, offset, max_records=3, wait=60):
                assert record.offset == offset
                seen.append(record.value)
                offset += 1

    one: list[bytes | None] = []
    two: list[bytes | None] = []
    following = asyncio.gather(follow(one), follow(two))
    async with asyncio.timeout(20):
        for n in range(200):
            await broker.publish([new("k", b"%d" % n)])
        await following
    assert one == two == [b"%d" % n for n in range(200)]


async def test_a_topic_that_was_deleted_under_our_feet_is_broken_storage(
    kafka: KafkaServer, broker: KafkaBroker
) -> None:
    await broker.create_topics([LOG])
    await broker.publish([new("k", b"x")])
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.delete_topics([broker.link.wire_name(LOG.name)])
    await admin.close()
    await broker.topics.look()
    with pytest.raises(BrokenStorage, match=r"test\.log\.v1 was there and is gone"):
        await broker.publish([new("k", b"y")])


async def test_the_largest_body_goes_through_and_one_byte_more_than_the_cluster_takes_does_not(
    broker: KafkaBroker,
) -> None:
    await broker.create_topics([LARGE])
    body = os.urandom((16 << 20) - 1_000)
    published = await broker.publish([new("k", body, LARGE)])
    assert (await broker.read(LARGE.name, published[0].partition, 0))[0].value == body
    consumer = await broker.consumer("g", [LARGE.name])
    assert (await poll_until(consumer, 1))[0].value == body
    # what cannot be compressed grows a little: told before the cluster refuses it
    for more in (700, 1_000):
        with pytest.raises(BadInput, match=rf"{LARGE.name}'s limit of {16 << 20} bytes") as caught:
            await broker.publish([new("k", body + os.urandom(more), LARGE)])
        assert caught.value.reason == "too-large"


async def test_a_killed_member_is_back_at_its_partitions_before_its_session_runs_out(
    kafka: KafkaServer, prefix: str, tmp_path: Path
) -> None:
    """F8"""
    broker = KafkaBroker(Address((kafka.bootstrap,), session_ms=30_000), members=tmp_path, prefix=prefix)
    await broker.open()
    try:
        await broker.create_topics([LOG])
        await broker.publish([new(f"k{n}", b"x") for n in range(8)])
        script = Path(__file__).parent / "killed_member.py"
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, str(script), kafka.bootstrap, prefix, str(tmp_path), LOG.name, "8"),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert child.stdout is not None
        assert await asyncio.wait_for(child.stdout.readline(), 40) == b"committed\n"
        child.kill()
        await child.wait()
        await broker.publish([new("k", b"new")])
        async with asyncio.timeout(15):  # its session has 30 s to run
            back = await broker.consumer("g", [LOG.name])
            assert [record.value for record in await poll_until(back, 1)] == [b"new"]
    finally:
        await broker.close()


def take(folder: Path, group: str) -> MemberName:
    taken = take_member_name(folder, group)
    assert taken is not None
    return taken


def test_two_processes_on_one_folder_never_share_a_name_and_a_restarted_one_has_its_own_back(tmp_path: Path) -> None:
    one, two, web = take(tmp_path, "poll"), take(tmp_path, "poll"), take(tmp_path, "web")
    assert one.name != two.name
    assert web.name.startswith("web-")
    one.release()
    again = take(tmp_path, "poll")
    assert again.name == one.name
    for name in (two, web, again):
        name.release()


def test_a_copied_folder_gets_names_of_its_own_on_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = take(tmp_path, "poll")
    here.release()
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    there = take(tmp_path, "poll")
    assert there.name != here.name
    there.release()


def test_a_member_has_no_kept_name_where_the_folder_takes_none(tmp_path: Path) -> None:
    (tmp_path / "kafka-members").write_text("in the way")
    assert take_member_name(tmp_path, "poll") is None
