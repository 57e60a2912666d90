"""On Kafka, from a snapshot to its alert and its webhook, through the roles in processes of their own.

Snapshots come at a steady rate, whether or not those before are through; each brings one new entry. Measured is
from before the snapshot is sent until a waiting reader of the alerts' topic has its alert, and until the receiver
has the webhook. Beside it in the same run, half before and half after, as many bare hops, a process each: aiokafka
that reads, sends on acknowledged, and posts at the end, with records of 1 KB.

Where the time goes follows from the times at which Kafka appended what came of each snapshot.

    .venv/bin/python benchmarks/kafka_latency.py [--rate 20] [--samples 1000] [--found 50] [--together]

``--together``: the roles share one process, and the bare hops do not. ``--found 0`` leaves OpenSearch out.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import kafka_cluster as kc
import kafka_floor
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from scripted_news import FEEDS, MARK, WINDOW, Source

from sinks.search.opensearch.address import read_address
from sinks.search.opensearch.index import OpenSearchIndex
from wirewatch.settings.declared import Opensearch
from wirewatch.times import SystemClock
from wirewatch.topics import ALERTS, ENTRIES, ENTRY_EVENTS, SNAPSHOTS, SUBSCRIPTIONS

ROLES = ("diff", "enrich", "match", "notify")
WAY = (SNAPSHOTS.name, ENTRY_EVENTS.name, ENTRIES.name, ALERTS.name)
BARE = ("bare.one", "bare.two", "bare.three", "bare.four")
WARM = 100
NUMBER = re.compile(MARK.encode() + rb"(\d+)")
EVENT = re.compile(rb'"event":\{"id":"([^"]+)"')


class Watch:
    """Reads a topic as it grows; when each number first came, and with which event's id."""

    def __init__(self, bootstrap: str, topic: str, *, key: bytes | None = None) -> None:
        self._consumer: Any = AIOKafkaConsumer(bootstrap_servers=bootstrap)
        self._places = [TopicPartition(topic, number) for number in range(kc.PARTITIONS)]
        self._key = key
        self.came: dict[int, float] = {}
        self.event: dict[int, str] = {}

    async def start(self) -> None:
        await self._consumer.start()
        self._consumer.assign(self._places)
        await self._consumer.seek_to_end(*self._places)
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            found = await self._consumer.getmany(timeout_ms=1_000)
            now = time.monotonic()
            for record in (record for records in found.values() for record in records):
                number = NUMBER.search(record.value)
                if number is None or (self._key is not None and record.key != self._key):
                    continue
                self.came.setdefault(int(number[1]), now)
                event = EVENT.search(record.value)
                self.event[int(number[1])] = event[1].decode() if event else record.value.decode()

    async def stop(self) -> None:
        self._task.cancel()
        await self._consumer.stop()


async def paced(
    cluster: kc.Cluster, topic: str, make: Callable[[int], tuple[int, kc.Sent]], count: int, rate: float
) -> dict[int, float]:
    """Send one after the other at that rate; when each was sent, by its number."""
    began_at: dict[int, float] = {}
    async with AIOKafkaProducer(bootstrap_servers=cluster.kafka.bootstrap, **kc.PRODUCER) as producer:
        start = time.monotonic()
        for nth in range(count):
            number, (key, value, headers) = make(nth)
            await asyncio.sleep(max(0, start + nth / rate - time.monotonic()))
            began_at[number] = time.monotonic()
            await producer.send(topic, value, key, headers=headers)
        await producer.flush()
    return began_at


async def _settled(watch: Watch, hooks: kc.Hooks, began_at: dict[int, float]) -> None:
    async with asyncio.timeout(60):
        while not all(n in watch.came and watch.event[n] in hooks.got for n in began_at):  # noqa: ASYNC110 - others' doing
            await asyncio.sleep(0.05)


async def measured(
    watch: Watch, hooks: kc.Hooks, sending: dict[int, float], warm: int
) -> tuple[list[float], list[float]]:
    """Seconds to the alert and to the webhook, without the first ones."""
    await _settled(watch, hooks, sending)
    counted = list(sending.items())[warm:]
    alert = [watch.came[number] - at for number, at in counted]
    return alert, [hooks.got[watch.event[number]] - at for number, at in counted]


async def bare(cluster: kc.Cluster, hooks: kc.Hooks, count: int, rate: float, first: int) -> Any:
    """The same way with nothing done on it."""
    ways = [*pairwise(BARE), (BARE[-1], f"{hooks.url}/bare")]
    hops = kafka_floor.bare_hops(cluster, *ways)
    watch = Watch(cluster.kafka.bootstrap, BARE[-1])
    await watch.start()

    def make(nth: int) -> tuple[int, kc.Sent]:
        number = first + nth
        return number, (b"feed-%d" % (nth % FEEDS), f"{MARK}{number} ".encode() + b"x" * 1_000, [])

    try:
        sending = await paced(cluster, BARE[0], make, count + WARM, rate)
        return await measured(watch, hooks, sending, WARM)
    finally:
        await watch.stop()
        kafka_floor.end(hops)


async def real(cluster: kc.Cluster, hooks: kc.Hooks, source: Source, told: argparse.Namespace) -> Any:
    """Through the roles; and how long each snapshot was on each part of the way."""
    programs = [cluster.role(*ROLES)] if told.together else [cluster.role(role) for role in ROLES]
    for program in programs:
        program.start()
    await kc.until_running(*programs)
    baselines = [kc.sent(source.snapshot(feed, WINDOW)) for feed in range(FEEDS)]
    ended = await cluster.ends(ENTRIES.name)
    await cluster.publish(SNAPSHOTS.name, baselines)
    await kc.until(ended, FEEDS * WINDOW, *programs)
    watch = Watch(cluster.kafka.bootstrap, ALERTS.name, key=kc.MARKED.encode())
    await watch.start()

    def make(nth: int) -> tuple[int, kc.Sent]:
        record = kc.sent(source.snapshot(nth % FEEDS, 1, mark=True))
        return source.made, record

    cpu = [kc.cpu_seconds(program.process.pid) for program in programs if program.process]
    sending = await paced(cluster, SNAPSHOTS.name, make, told.samples + WARM, told.rate)
    alert, webhook = await measured(watch, hooks, sending, WARM)
    used = [
        kc.cpu_seconds(program.process.pid) - then
        for program, then in zip((p for p in programs if p.process), cpu, strict=True)
        if program.process
    ]
    share = [seconds / (len(sending) / told.rate) for seconds in used]
    await watch.stop()
    for program in programs:
        program.stop()
    counted = set(list(sending)[WARM:])
    names = ["+".join(ROLES)] if told.together else list(ROLES)
    return alert, webhook, await parts(cluster, counted), dict(zip(names, share, strict=True))


async def parts(cluster: kc.Cluster, counted: set[int]) -> dict[str, list[float]]:
    """Seconds between the appends of what came of each snapshot, topic by topic (Kafka's clock, to the millisecond)."""
    at: list[dict[int, int]] = []
    for topic in WAY:
        appended: dict[int, int] = {}
        for record in await cluster.read(topic):
            number = NUMBER.search(record.value)
            if number is not None and (topic != ALERTS.name or record.key == kc.MARKED.encode()):
                appended.setdefault(int(number[1]), record.timestamp)
        at.append(appended)
    names = ("diff", "enrich", "match")
    return {
        name: [(after[n] - before[n]) / 1_000 for n in counted]
        for name, (before, after) in zip(names, pairwise(at), strict=True)
    }


async def found(cluster: kc.Cluster, source: Source, samples: int) -> list[float]:
    """Seconds from before a snapshot is sent until a search finds its entry, one at a time."""
    assert cluster.opensearch is not None
    programs = [
        cluster.role(role, name=f"found-{role}", search=cluster.opensearch.url) for role in ("diff", "enrich", "search")
    ]
    for program in programs:
        program.start()
    await kc.until_running(*programs)
    index = OpenSearchIndex(read_address(cluster.opensearch.url, Opensearch()))
    took = []
    for nth in range(samples + 5):
        record = source.snapshot(nth % FEEDS, 1, mark=True)
        query = f"{MARK}{source.made}"
        began = time.monotonic()
        await cluster.publish(SNAPSHOTS.name, [kc.sent(record)])
        async with asyncio.timeout(60):
            while not (await index.search(query, now_ms=SystemClock().now_ms(), limit=1)).hits:  # noqa: ASYNC110 - a server can only be asked
                await asyncio.sleep(0.01)
        took.append(time.monotonic() - began)
        await asyncio.sleep(source.chance.random() * 0.2)
    await index.close()
    for program in programs:
        program.stop()
    return took[5:]


def show(name: str, mine: list[float], floor: list[float]) -> None:
    for what, one, other in zip(("p50", "p99"), kc.percentiles(mine), kc.percentiles(floor), strict=True):
        aim = f"{1.5 * other + 20:8.1f}" if what == "p99" else ""
        print(f"{name:23} {what:4}{one:10.1f}{other:10.1f}{one / other:8.2f}{aim}")


async def measure(told: argparse.Namespace) -> None:
    machine, source = kc.Machine(), Source()
    async with kc.receiving() as hooks, kc.Cluster(opensearch=bool(told.found)) as cluster:
        cluster.webhook = hooks.url
        await cluster.create(*BARE)
        await cluster.publish(SUBSCRIPTIONS.name, kc.saved_searches(source.words, all_told=False))
        half = told.samples // 2
        before = await bare(cluster, hooks, half, told.rate, 1_000_000)
        alert, webhook, way, share = await real(cluster, hooks, source, told)
        after = await bare(cluster, hooks, half, told.rate, 2_000_000)
        searchable = await found(cluster, source, told.found) if told.found else []
    print(f"{machine}; {told.samples} snapshots at {told.rate:g} a second, 1,000 saved searches")
    print(f"{'latency, ms':28}{'wirewatch':>10}{'bare hops':>10}{'ratio':>8}{'aim':>8}")
    show("snapshot to alert", alert, before[0] + after[0])
    show("snapshot to webhook", webhook, before[1] + after[1])
    print(
        "bare hops before and after, p99: " + ", ".join(f"{kc.percentiles(one[0])[1]:.1f}" for one in (before, after))
    )
    for name, took in way.items():
        p50, p99 = kc.percentiles(took)
        print(f"  from append to append, {name:8}{p50:8.0f}{p99:8.0f}")
    print("  of a core: " + ", ".join(f"{name} {part:.0%}" for name, part in share.items()))
    if searchable:
        p50, p99 = kc.percentiles(searchable)
        print(f"snapshot to found in OpenSearch (refreshed every second), one at a time: p50 {p50:.0f}, p99 {p99:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--found", type=int, default=50)
    parser.add_argument("--together", action="store_true")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
