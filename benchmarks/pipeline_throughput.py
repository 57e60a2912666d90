"""The whole embedded pipeline on one core: entries a second, and latency from snapshot to index and to webhook.

Snapshots lie on the log already; the stages diff, enrich, search, match and notify run as `wirewatch run` runs them,
with 1,000 saved searches and a webhook channel. The receiver of the webhooks is a process of its own on another core.

Latency is measured one snapshot at a time on the idle pipeline, from before its publish until the index has
committed its new entry, and until the receiver has the webhook. Beside it, in the same run, the bare log's own
hops: the same number of stages that only pass a record on, and the same receiver.

    .venv/bin/python benchmarks/pipeline_throughput.py [snapshots] [latency samples]
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from embedded_floor import bare_hops
from match_many import search_texts
from scripted_news import FEEDS, MARK, NEW, START_MS, WINDOW, Source
from webhook_receiver import SECRET, Receiver, pin

from processors.diff_handler import DiffHandler
from processors.enrich import EnrichContext, enrich
from processors.enrich_handler import EnrichHandler
from sinks.alerts.channels import OpenedChannels
from sinks.alerts.deliver import Deliverer, Limits
from sinks.alerts.match import MatchSink
from sinks.alerts.notify import NotifySink
from sinks.search.embedded.index import EmbeddedIndex
from sinks.search.embedded.sink import EmbeddedSearchSink
from wirewatch.brokers.embedded import EmbeddedBroker, open_runner
from wirewatch.brokers.interface import Record
from wirewatch.control import Channel, SqliteControlStore
from wirewatch.events import Subscription
from wirewatch.hosting.runner import Runner, streamed_inputs
from wirewatch.metrics import STAGE_SECONDS
from wirewatch.net.guard import Guard
from wirewatch.reconcile import subscription_record
from wirewatch.settings.declared import read_networks
from wirewatch.times import SystemClock, format_ms


class TimedSearch(EmbeddedSearchSink):
    """The search stage; says when it has committed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.file = path
        self.done: dict[str, float] = {}
        self.changed = asyncio.Event()

    async def write(self, records: Sequence[Record]) -> None:
        await super().write(records)
        now = time.monotonic()
        self.done.update((record.headers["ce_id"], now) for record in records)
        self.changed.set()

    async def wait(self, event_id: str) -> float:
        """When that event was committed."""
        while event_id not in self.done:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 30)
        return self.done[event_id]


async def _until_done(broker: EmbeddedBroker, store: SqliteControlStore, stages: Sequence[str]) -> None:
    while True:
        left = 0
        for stage in stages:
            for topic in streamed_inputs(stage):
                end = (await broker.bounds(topic, 0)).end
                left += end - (await broker.committed(stage, topic, 0) or 0)
        if not left and not sum(one.pending for one in (await store.waiting()).values()):
            return
        await asyncio.sleep(0.05)


async def latencies(
    broker: EmbeddedBroker, source: Source, search: TimedSearch, receiver: Receiver, samples: int
) -> tuple[list[float], list[float]]:
    """Seconds from before a snapshot's publish until its entry is searchable, and until its webhook is there."""
    indexed, told = [], []
    for number in range(samples):
        record = source.snapshot(number % FEEDS, 1, mark=True)
        end = (await broker.bounds("wirewatch.entries.v1", 0)).end
        began = time.monotonic()
        await broker.publish([record])
        while not (found := await broker.read("wirewatch.entries.v1", 0, end, wait=10)):
            pass
        event_id = found[0].headers["ce_id"]
        told.append(await receiver.wait(event_id) - began)
        indexed.append(await search.wait(event_id) - began)
        await asyncio.sleep(0.01)
    index = EmbeddedIndex(search.file)
    page = await index.search(f"{MARK}*", now_ms=SystemClock().now_ms(), limit=1_000, count=True)
    assert page.total == samples, page.total
    await index.close()
    return indexed, told


async def pipeline(folder: Path, receiver: Receiver, snapshots: int, samples: int) -> dict[str, Any]:
    """Throughput, then latency, of the real stages."""
    broker, clock = open_runner(folder), SystemClock()
    store = SqliteControlStore(folder / "control.db")
    await store.open()
    await store.put_channels([Channel("desk", "webhook", f"{receiver.url}/alerts", SECRET)])
    source = Source()
    saved = [(f"search {n}", text) for n, text in enumerate(search_texts(random.Random(11), source.words))]
    saved[-1] = ("mark", f"{MARK}*")
    now = clock.now_ms()
    await broker.publish(
        [
            subscription_record(Subscription(f"su_{n}", name, query, ["desk"], created=format_ms(START_MS)), now_ms=now)
            for n, (name, query) in enumerate(saved)
        ]
    )
    for feed in range(FEEDS):
        await broker.publish([source.snapshot(feed, WINDOW)])
    for number in range(snapshots):
        await broker.publish([source.snapshot(number % FEEDS, NEW)])
    channels = OpenedChannels(Guard(read_networks(["127.0.0.0/8"])), clock=clock, timeout_s=15)
    deliverer = Deliverer(store, channels, clock, Limits())
    search = TimedSearch(folder / "search.db")
    read_before = partial(enrich, context=EnrichContext())
    enriching = EnrichHandler()
    enriching.warm()
    handlers = [DiffHandler(), enriching]
    sinks = [
        search,
        MatchSink(broker, store, clock, enrich=read_before),
        NotifySink(broker, store, clock, terminal=False, wake=deliverer.wake),
    ]
    runner = Runner(broker, handlers=handlers, sinks=sinks, clock=clock)
    stages = [host.stage for host in runner.hosts]
    started, cpu = time.perf_counter(), time.process_time()
    tasks = [asyncio.create_task(runner.run()), asyncio.create_task(deliverer.run())]
    await _until_done(broker, store, stages)
    took, used = time.perf_counter() - started, time.process_time() - cpu
    entries = FEEDS * WINDOW + snapshots * NEW
    assert (await broker.bounds("wirewatch.entries.v1", 0)).end == entries
    seconds = {stage: _seconds(stage) for stage in stages}
    result: dict[str, Any] = {"entries": entries, "rate": entries / took, "cpu": used / took, "stages": seconds}
    result["deliveries"] = len(receiver.got)
    indexed, told = await latencies(broker, source, search, receiver, samples)
    deliverer.stop()
    runner.stop()
    await asyncio.gather(*tasks)
    await channels.close()
    await store.close()
    await broker.close()
    return result | {"indexed": indexed, "told": told}


def _seconds(stage: str) -> float:
    return float(STAGE_SECONDS.labels(stage)._sum.get())  # noqa: SLF001 - what was observed so far


def percentiles(took: list[float]) -> tuple[float, float]:
    ordered = sorted(took)
    return ordered[len(ordered) // 2] * 1_000, ordered[len(ordered) * 99 // 100] * 1_000


async def measure(folder: Path, snapshots: int, samples: int) -> tuple[dict[str, Any], dict[str, list[float]]]:
    receiver = Receiver()
    await receiver.start()
    pin(min(os.sched_getaffinity(0)))
    for name in ("real", "bare"):
        (folder / name).mkdir()
    try:
        real = await pipeline(folder / "real", receiver, snapshots, samples)
        return real, await bare_hops(folder / "bare", receiver, samples)
    finally:
        await receiver.close()


def main() -> None:
    snapshots = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    samples = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    folder = Path(tempfile.mkdtemp(prefix="wirewatch-bench-"))
    try:
        real, floor = asyncio.run(measure(folder, snapshots, samples))
    finally:
        shutil.rmtree(folder)
    print(f"{real['entries']} entries, 1,000 saved searches, {real['deliveries']} deliveries, one core")
    print(f"whole pipeline      {real['rate']:8,.0f} entries/s (aim 2,000), core {real['cpu']:.0%} busy")
    for stage, seconds in real["stages"].items():
        print(f"  {stage:8} {seconds * 1e6 / real['entries']:8.0f} us an entry, waiting for its turn included")
    print(f"{'latency, ms':28}{'wirewatch':>10}{'bare hops':>10}{'ratio':>8}{'aim':>8}")
    for what, key in (("snapshot to searchable", "indexed"), ("snapshot to webhook", "told")):
        for name, mine, bare_one in zip(("p50", "p99"), percentiles(real[key]), percentiles(floor[key]), strict=True):
            aim = f"{1.5 * bare_one + 20:8.1f}" if name == "p99" else ""
            print(f"{what:23} {name:4}{mine:10.2f}{bare_one:10.2f}{mine / bare_one:8.2f}{aim}")


if __name__ == "__main__":
    main()
