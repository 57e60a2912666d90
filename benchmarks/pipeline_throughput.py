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
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import apsw
from match_many import search_texts, vocabulary

from processors.diff_handler import DiffHandler
from processors.enrich import EnrichContext, enrich
from processors.enrich_handler import EnrichHandler
from producers.records import snapshot_record
from sinks.alerts.channels import OpenedChannels
from sinks.alerts.deliver import Deliverer, Limits
from sinks.alerts.match import MatchSink
from sinks.alerts.notify import NotifySink
from sinks.search.embedded.index import EmbeddedIndex
from sinks.search.embedded.sink import EmbeddedSearchSink
from wirewatch.brokers.embedded import EmbeddedBroker, open_runner
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.control import Channel, SqliteControlStore
from wirewatch.events import Feed, SnapshotInfo, Subscription
from wirewatch.feeds import definition_of
from wirewatch.hosting import Step
from wirewatch.hosting.runner import Runner, streamed_inputs
from wirewatch.identity import body_hash, snapshot_id
from wirewatch.metrics import STAGE_SECONDS
from wirewatch.net.guard import Guard
from wirewatch.reconcile import subscription_record
from wirewatch.settings.declared import read_networks
from wirewatch.times import SystemClock, format_ms
from wirewatch.topics import DEAD_LETTERS, Topic

FEEDS = 50
WINDOW = 20
NEW = 10
START_MS = 1_760_000_000_000
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MARK = "quorvix"
PLACES = ("Odesa", "Kharkiv", "Almaty", "Lyon", "Valencia", "Leipzig", "Kazan", "Porto", "Nairobi", "Lima")
RECEIVER = """
import asyncio, json, sys, time
from aiohttp import web
async def take(request):
    at = time.monotonic()
    body = await request.read()
    name = json.loads(body)["event"]["id"] if request.path == "/alerts" else body.decode()
    print(json.dumps([name, at]), flush=True)
    return web.Response()
async def main():
    app = web.Application(); app.router.add_post("/{any}", take)
    runner = web.AppRunner(app, access_log=None); await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0); await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


class Source:
    """Feeds whose every snapshot brings new entries: half of them only a headline, half with two sentences."""

    def __init__(self) -> None:
        self.chance = random.Random(5)
        self.words = vocabulary(self.chance)
        self.weights = [1 / (rank + 5) for rank in range(len(self.words))]
        self.items: dict[int, list[str]] = {}
        self.number: dict[int, int] = {}
        self.made = 0

    def snapshot(self, feed: int, new: int, *, mark: bool = False) -> NewRecord:
        """The feed's next snapshot, with so many new entries."""
        items = self.items.setdefault(feed, [])
        for _ in range(new):
            items.insert(0, self._item(mark=mark))
        del items[WINDOW:]
        text = (
            f'<?xml version="1.0"?><rss version="2.0"><channel><title>F{feed}</title>{"".join(items)}</channel></rss>'
        )
        number = self.number[feed] = self.number.get(feed, 0) + 1
        definition = definition_of(Feed(f"feed-{feed}", f"https://news{feed}.example/rss", kind="rss"))
        info = SnapshotInfo(
            kind="body",
            feed_id=f"feed-{feed}",
            owner=1,
            number=number,
            snapshot_id=snapshot_id(f"feed-{feed}", 1, number),
            fetched_at=format_ms(START_MS + self.made * 1_000),
            definition=definition,
            name=str(number),
            url=definition.url,
            status=200,
            content_type="application/rss+xml",
            body_hash=body_hash(text.encode()),
        )
        return snapshot_record(info, text.encode())

    def _words(self, count: int) -> str:
        return " ".join(self.chance.choices(self.words, self.weights, k=count))

    def _item(self, *, mark: bool) -> str:
        self.made += 1
        place, number = self.chance.choice(PLACES), self.chance.randint(2, 900)
        headline = f"{number} injured in {place} as {self._words(5)}{f' {MARK}{self.made}' if mark else ''}"
        body = ""
        if self.made % 2:
            body = (
                f"The {self._words(8)} in {place}, the interior ministry said on Friday. "
                f"At least {number} people were taken to hospital and {self._words(10)}."
            )
        when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(START_MS / 1000 + self.made))
        return (
            f"<item><guid>urn:n:{self.made}</guid><title>{headline}</title><description>{body}</description>"
            f"<link>https://news.example/{self.made}</link><pubDate>{when}</pubDate></item>"
        )


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


class Receiver:
    """The webhook receiver in its own process, and what it got when."""

    async def start(self) -> None:
        cores = sorted(os.sched_getaffinity(0))
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", RECEIVER), stdout=subprocess.PIPE, preexec_fn=lambda: _pin(cores[-1])
        )
        assert self.process.stdout is not None
        port = int(await self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{port}"
        self.got: dict[str, float] = {}
        self.changed = asyncio.Event()
        self.task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            name, at = json.loads(line)
            self.got.setdefault(name, at)
            self.changed.set()

    async def wait(self, name: str) -> float:
        """When it got that."""
        while name not in self.got:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 30)
        return self.got[name]

    async def close(self) -> None:
        self.process.terminate()
        await self.process.wait()
        self.task.cancel()


def _pin(core: int) -> None:
    os.sched_setaffinity(0, {core})


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


def _topic(name: str) -> Topic:
    return Topic(name, "feed_id", "anything", 86_400_000)


class PassOn:
    """A stage that only passes a record on."""

    stateful = True

    def __init__(self, stage: str, to: str) -> None:
        self.stage = stage
        self.to = to

    def handle(self, record: Record, state: bytes | None) -> Step:
        return Step([NewRecord(self.to, record.key, record.value, record.headers)], state or b"0")


class Committing:
    """A sink that commits each batch to a file of its own; then passes it on, or posts it."""

    def __init__(self, stage: str, path: Path, after: Any) -> None:
        self.stage = stage
        self.conn = apsw.Connection(str(path))
        self.conn.pragma("journal_mode", "WAL")
        self.conn.pragma("synchronous", "FULL")
        self.conn.execute("CREATE TABLE kept(offset INTEGER PRIMARY KEY, value BLOB)")
        self.after = after

    async def start(self) -> None:
        pass

    async def bind_log(self, log_id: str) -> None:
        del log_id  # it begins anew each time

    async def position(self, topic: str, partition: int) -> int | None:
        del topic, partition  # as above
        return None

    async def write(self, records: Sequence[Record]) -> None:
        await asyncio.to_thread(self._write, records)
        await self.after(records)

    def _write(self, records: Sequence[Record]) -> None:
        with self.conn:
            self.conn.executemany("INSERT INTO kept VALUES(?, ?)", [(r.offset, r.value) for r in records])

    async def skip(self, record: Record) -> None:
        pass

    async def close(self) -> None:
        self.conn.close()


async def bare(folder: Path, receiver: Receiver, samples: int) -> dict[str, list[float]]:
    """The same hops with nothing done in them: snapshots, events, entries, then index; alerts, outbox, webhook."""
    names = ["a.v1", "b.v1", "c.v1", "d.v1"]
    broker = open_runner(folder, topics=(*map(_topic, names), DEAD_LETTERS))
    done: dict[bytes, float] = {}
    session = aiohttp.ClientSession()

    async def note(records: Sequence[Record]) -> None:
        done.update((record.value or b"", time.monotonic()) for record in records)

    async def pass_on(records: Sequence[Record]) -> None:
        await broker.publish([NewRecord("d.v1", r.key, r.value, r.headers) for r in records])

    async def post(records: Sequence[Record]) -> None:
        for record in records:
            async with session.post(f"{receiver.url}/bare", data=record.value) as answer:
                await answer.read()

    handlers = [PassOn("one", "b.v1"), PassOn("two", "c.v1")]
    sinks = [
        Committing("index", folder / "index.db", note),
        Committing("match", folder / "match.db", pass_on),
        Committing("notify", folder / "notify.db", post),
    ]
    inputs = {"one": ["a.v1"], "two": ["b.v1"], "index": ["c.v1"], "match": ["c.v1"], "notify": ["d.v1"]}
    runner = Runner(broker, handlers=handlers, sinks=sinks, inputs=inputs)
    task = asyncio.create_task(runner.run())
    indexed, told = [], []
    for number in range(samples):
        value = f"bare {number} ".encode() + b"x" * 1_000
        began = time.monotonic()
        await broker.publish([NewRecord("a.v1", f"feed-{number % FEEDS}", value, {})])
        told.append(await receiver.wait(value.decode()) - began)
        indexed.append(done[value] - began)
        await asyncio.sleep(0.01)
    runner.stop()
    await task
    await session.close()
    await broker.close()
    return {"indexed": indexed, "told": told}


def percentiles(took: list[float]) -> tuple[float, float]:
    ordered = sorted(took)
    return ordered[len(ordered) // 2] * 1_000, ordered[len(ordered) * 99 // 100] * 1_000


async def measure(folder: Path, snapshots: int, samples: int) -> tuple[dict[str, Any], dict[str, list[float]]]:
    receiver = Receiver()
    await receiver.start()
    _pin(min(os.sched_getaffinity(0)))
    for name in ("real", "bare"):
        (folder / name).mkdir()
    try:
        real = await pipeline(folder / "real", receiver, snapshots, samples)
        return real, await bare(folder / "bare", receiver, samples)
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
