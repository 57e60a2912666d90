"""One record at a time through Kafka: the bare client as the floor, then our reading in a group and outside one.

``python -m benchmarks.kafka_hops [RECORDS]`` brings up its own server.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.servers.kafka import KafkaServer
from wirewatch.brokers.interface import NewRecord
from wirewatch.brokers.kafka import Address, KafkaBroker
from wirewatch.topics import Topic

TOPIC = Topic("bench.log.v1", "feed_id", "anything", 3_600_000, 1 << 20, 24)
BARE = Topic("bench.bare.v1", "feed_id", "anything", 3_600_000, 1 << 20, 1)
VALUE = b"x" * 1_000


async def measure(
    name: str, count: int, send: Callable[[], Awaitable[object]], receive: Callable[[], Awaitable[object]]
) -> None:
    taken: list[float] = []
    for _ in range(count):
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0.003)  # so that it waits before the record comes
        began = time.perf_counter()
        await send()
        await waiting
        taken.append((time.perf_counter() - began) * 1_000)
    taken.sort()
    print(f"{name:28} p50 {taken[count // 2]:6.2f} ms   p99 {taken[count * 99 // 100]:6.2f} ms")


async def bare(server: KafkaServer, count: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=server.bootstrap, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(bootstrap_servers=server.bootstrap)
    await producer.start()
    await consumer.start()
    consumer.assign([TopicPartition(BARE.name, 0)])
    await consumer.seek_to_end()
    await measure("aiokafka alone", count, lambda: producer.send_and_wait(BARE.name, VALUE, key=b"k"), consumer.getone)
    await producer.stop()
    await consumer.stop()


async def ours(broker: KafkaBroker, count: int) -> None:
    def send() -> Awaitable[object]:
        return broker.publish([NewRecord(TOPIC.name, "k", VALUE, {})])

    offset = (await broker.publish([NewRecord(TOPIC.name, "k", VALUE, {})]))[0]
    at = offset.offset + 1

    async def read() -> None:
        nonlocal at
        at += len(await broker.read(TOPIC.name, offset.partition, at, wait=10))

    await measure("read, outside groups", count, send, read)
    consumer = await broker.consumer("bench", [TOPIC.name])
    left = count + 1
    while left > 0:
        left -= len(await consumer.poll())

    async def poll() -> None:
        await consumer.commit(await consumer.poll(wait=10))

    await measure("poll and commit, in a group", count, send, poll)
    records = [NewRecord(TOPIC.name, f"k{n}", VALUE, {}) for n in range(20_000)]
    began = time.perf_counter()
    await broker.publish(records)
    print(f"appended in one call: {len(records) / (time.perf_counter() - began):,.0f} records/s of 1 KB")
    began, left = time.perf_counter(), len(records)
    while left > 0:
        left -= len(await consumer.poll())
    print(f"read in a group: {len(records) / (time.perf_counter() - began):,.0f} records/s")


async def main(server: KafkaServer, count: int) -> None:
    broker = KafkaBroker(Address((server.bootstrap,)))
    await broker.open()
    await broker.create_topics([TOPIC, BARE])
    await bare(server, count)
    await ours(broker, count)
    await broker.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        kafka = KafkaServer(Path(folder))
        kafka.start()
        try:
            asyncio.run(main(kafka, int(sys.argv[1]) if len(sys.argv) > 1 else 1_000))
        finally:
            kafka.stop()
