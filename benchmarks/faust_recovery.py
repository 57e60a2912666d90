"""Recovery of the diff's state on a bare machine by number of feeds, and one hop through Faust beside a bare one.

States are real: what the diff keeps after 30 snapshots of a feed of 40 entries, one new in each. Each recovery is
a process of its own; its time is from the start of the host until its first record is out, memory is its peak.
A record that waits for nothing but the start (no feeds) is the floor. The hop reads, sends on with the broker's
acknowledgement, and commits by the way; one record at a time, Faust's with state, aiokafka's bare.

    .venv/bin/python benchmarks/faust_recovery.py [--feeds 0,100,1000,10000] [--stores memory] [--samples 1000]

``--stores memory,rocksdb`` holds RocksDB beside it, which wirewatch does not use:
``pip install "rocksdict<0.4"`` first.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from processors.diff_handler import DiffHandler
from processors.faust_host import FaustHost
from tests.servers.kafka import KafkaServer
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.brokers.kafka import KafkaBroker, Layout, read_address
from wirewatch.brokers.kept_state import KeptState, pack_state
from wirewatch.events import JsonPaths, ParseDefinition, SnapshotInfo, encode
from wirewatch.hosting import Step
from wirewatch.identity import body_hash, snapshot_id
from wirewatch.settings.declared import Kafka
from wirewatch.topics import DIFF_STATE, ENTRY_EVENTS, SNAPSHOTS, STATE_TOPICS, TOPICS

PARTITIONS = 24
ENTRIES, SNAPSHOTS_EACH = 40, 30
STORES = {"memory": "memory://", "rocksdb": "rocksdb://?driver=rocksdict"}
DEFINITION = ParseDefinition(
    "https://valley.example/list",
    kind="json",
    listing="window",
    json=JsonPaths(id="id", headline="title", body="text", published="at"),
)


def real_state(seed: int) -> bytes:
    """What the diff keeps of a feed that showed a new entry in each of its snapshots."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("aeiourstlnmdp", k=chance.randint(3, 10))) for _ in range(4_000)]
    entries = [
        {
            "id": number,
            "title": " ".join(chance.choices(words, k=9)),
            "text": " ".join(chance.choices(words, k=90)),
            "at": f"2022-01-07T{number // 60:02d}:{number % 60:02d}:00Z",
        }
        for number in range(ENTRIES + SNAPSHOTS_EACH)
    ]
    handler, state = DiffHandler(), None
    for number in range(1, SNAPSHOTS_EACH + 1):
        body = orjson.dumps(list(reversed(entries[number : number + ENTRIES])))
        info = SnapshotInfo(
            kind="body",
            feed_id="feed",
            owner=1,
            number=number,
            snapshot_id=snapshot_id("feed", 1, number),
            fetched_at=f"2022-01-07T12:{number:02d}:00.000Z",
            definition=DEFINITION,
            body_hash=body_hash(body),
        )
        record = Record(SNAPSHOTS.name, 0, number, "feed", body, {"ww_info": encode(info).decode()}, 0)
        state = handler.handle(record, state).state or state
    assert state is not None
    return pack_state(KeptState(handler.state_version, state))


class Echo:
    """A stage that keeps what it has and passes on what it gets."""

    stage, stateful, state_version = "diff", True, DiffHandler.state_version

    def handle(self, record: Record, state: bytes | None) -> Step:
        return Step([NewRecord(ENTRY_EVENTS.name, record.key, record.value, {})], b"%d" % len(state or b""))


async def cluster(url: str, prefix: str) -> KafkaBroker:
    broker = KafkaBroker(read_address(url, Kafka()), layout=Layout(partitions=PARTITIONS), prefix=prefix)
    await broker.open()
    await broker.create_topics([*TOPICS.values(), *STATE_TOPICS.values()])
    return broker


async def next_out(broker: KafkaBroker, key: str) -> None:
    """Publish a record and wait until it came out."""
    (placed,) = await broker.publish([NewRecord(SNAPSHOTS.name, key, b"x", {})])
    while not await broker.read(ENTRY_EVENTS.name, placed.partition, 0, wait=0.5):
        pass


async def recover(url: str, prefix: str, store: str, folder: str) -> None:
    """In the child: seconds until the first record is out, and the peak of memory in MiB."""
    broker = await cluster(url, prefix)
    began = time.monotonic()
    host = FaustHost(broker, Echo(), [SNAPSHOTS.name], data_dir=Path(folder), store=STORES[store])  # type: ignore[arg-type]
    task = asyncio.create_task(host.run())
    await next_out(broker, f"first-{folder}")
    print(f"{time.monotonic() - began:.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}", flush=True)
    host.stop()
    await task
    await broker.close()


def child(url: str, prefix: str, store: str, folder: Path) -> tuple[float, float]:
    command = [sys.executable, __file__, "--child", url, prefix, store, str(folder)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(said[0]), float(said[1])


async def measure_recovery(url: str, feeds: list[int], stores: list[str], scratch: Path) -> None:
    states = [real_state(seed) for seed in range(8)]
    print(f"a state on its topic: {statistics.mean(map(len, states)) / 1024:.0f} KiB")
    print("| feeds | store | bare machine, s | with its folder, s | peak memory, MiB |\n|---|---|---|---|---|")
    for count in feeds:
        for store in stores:
            prefix = f"r{count}{store}."
            broker = await cluster(url, prefix)
            records = [NewRecord(DIFF_STATE.name, f"feed-{n}", states[n % 8], {}) for n in range(count)]
            for at in range(0, count, 200):
                await broker.publish(records[at : at + 200])
            await broker.close()
            bare, peak = child(url, prefix, store, scratch / f"{prefix}one")
            again, _ = child(url, prefix, store, scratch / f"{prefix}one")
            print(f"| {count:,} | {store} | {bare:.1f} | {again:.1f} | {peak:.0f} |", flush=True)


async def bare_hop(bootstrap: str, source: str, target: str, stop: asyncio.Event) -> None:
    consumer = AIOKafkaConsumer(source, bootstrap_servers=bootstrap, group_id="bare", auto_offset_reset="earliest")
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await consumer.start()
    await producer.start()
    while not stop.is_set():
        for tp, records in (await consumer.getmany(timeout_ms=100)).items():
            for record in records:
                await producer.send_and_wait(target, record.value, key=record.key, partition=tp.partition)
    await consumer.stop()
    await producer.stop()


async def sample(bootstrap: str, source: str, target: str, samples: int) -> list[float]:
    """Milliseconds from send to seen, one record at a time; the first ones warm up."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    consumer = AIOKafkaConsumer(target, bootstrap_servers=bootstrap, auto_offset_reset="latest")
    await producer.start()
    await consumer.start()
    await consumer.seek_to_end()
    for tp in consumer.assignment():
        await consumer.position(tp)  # only now it has an end to begin at
    took = []
    for number in range(samples + 100):
        began = time.perf_counter()
        await producer.send(source, b"%d" % number, key=b"feed-%d" % (number % 50))
        while not await consumer.getmany(timeout_ms=1_000):
            pass
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.002)
    await producer.stop()
    await consumer.stop()
    return sorted(took[100:])


async def measure_hops(url: str, bootstrap: str, samples: int, scratch: Path) -> None:
    broker = await cluster(url, "hop.")
    stop = asyncio.Event()
    hop = asyncio.create_task(bare_hop(bootstrap, "hop.wirewatch.polls.v1", "hop.wirewatch.feeds.v1", stop))
    bare = await sample(bootstrap, "hop.wirewatch.polls.v1", "hop.wirewatch.feeds.v1", samples)
    stop.set()
    await hop
    host = FaustHost(broker, Echo(), [SNAPSHOTS.name], data_dir=scratch / "hop")  # type: ignore[arg-type]
    task = asyncio.create_task(host.run())
    await next_out(broker, "first")
    faust = await sample(bootstrap, f"hop.{SNAPSHOTS.name}", f"hop.{ENTRY_EVENTS.name}", samples)
    host.stop()
    await task
    await broker.close()
    print("\n| hop | p50, ms | p99, ms |\n|---|---|---|")
    at = {"p50": samples // 2, "p99": int(samples * 0.99)}
    for name, took in (("aiokafka", bare), ("Faust, with state", faust)):
        print(f"| {name} | {took[at['p50']]:.1f} | {took[at['p99']]:.1f} |")
    print(f"| ratio | {faust[at['p50']] / bare[at['p50']]:.1f} | {faust[at['p99']] / bare[at['p99']]:.1f} |")


def main() -> None:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics have no leader for a moment
    if sys.argv[1:2] == ["--child"]:
        asyncio.run(recover(*sys.argv[2:6]))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", default="0,100,1000,10000")
    parser.add_argument("--stores", default="memory")
    parser.add_argument("--samples", type=int, default=1000)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        server = KafkaServer(scratch / "kafka")
        server.start()
        try:
            feeds = [int(part) for part in told.feeds.split(",") if part]
            asyncio.run(measure_recovery(server.url, feeds, told.stores.split(","), scratch))
            if told.samples:
                asyncio.run(measure_hops(server.url, server.bootstrap, told.samples, scratch))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
