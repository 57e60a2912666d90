"""Entries a second through diff and enrich on Kafka: one worker process against two, and against a process for each.

A worker is `wirewatch run --role diff --role enrich`. Each arrangement has a Kafka of its own; the workers share the
partitions and are warm before the snapshots come, all at once. Counted is from a tenth to nine tenths of the entries.
Beside it, in the same run: what the machine gives two processes of plain Python over one, and the bare client with as
many processes for the same two hops.

    .venv/bin/python benchmarks/kafka_workers.py [--snapshots 1500] [--turns 2]
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time

import kafka_cluster as kc
import kafka_floor
from scripted_news import NEW, WINDOW, Source

from wirewatch.topics import ENTRIES, SNAPSHOTS

FEEDS = 240
BOTH = ("diff", "enrich")
ARRANGEMENTS = {"one worker": (BOTH,), "two workers": (BOTH, BOTH), "diff, enrich apart": (("diff",), ("enrich",))}
SPIN = "import time\nuntil, n = time.monotonic() + 3, 0\nwhile time.monotonic() < until: n += 1\nprint(n)"


async def arranged(workers: tuple[tuple[str, ...], ...], snapshots: int) -> tuple[float, float, float]:
    """Entries a second, and of how many cores the workers and Kafka made use."""
    source = Source()
    baselines = [kc.sent(source.snapshot(feed, WINDOW)) for feed in range(FEEDS)]
    backlog = [kc.sent(source.snapshot(number % FEEDS, NEW)) for number in range(snapshots)]
    async with kc.Cluster(control=False) as cluster:
        programs = [cluster.role(*roles, name=f"worker-{number}") for number, roles in enumerate(workers)]
        for program in programs:
            program.start()
        await kc.until_running(*programs)
        ended = await cluster.ends(ENTRIES.name)
        await asyncio.sleep(5)  # until partitions are shared
        await cluster.publish(SNAPSHOTS.name, baselines)
        await kc.until(ended, FEEDS * WINDOW, *programs)
        pids = [program.process.pid for program in programs if program.process]
        began, used = time.monotonic(), [kc.cpu_seconds(pid) for pid in pids]
        kafka = kc.cpu_seconds(cluster.kafka.pid)
        await cluster.publish(SNAPSHOTS.name, backlog)
        seen = await kc.until(ended, FEEDS * WINDOW + snapshots * NEW, *programs)
        took = time.monotonic() - began
        mine = [kc.cpu_seconds(pid) - before for pid, before in zip(pids, used, strict=True)]
        kafka = kc.cpu_seconds(cluster.kafka.pid) - kafka
        for program in programs:
            program.stop()
    print(
        f"  {len(pids)} processes: " + ", ".join(f"{seconds / took:.2f}" for seconds in mine) + " of a core", flush=True
    )
    return kc.rate(seen, upto=0.9), sum(mine) / took, kafka / took


async def bare(processes: int, records: int) -> float:
    """Records a second through the two bare hops, so many processes for each."""
    async with kc.Cluster(control=False) as cluster:
        await cluster.create("a", "b", "c")
        ended = await cluster.ends("c")
        hops = kafka_floor.bare_hops(cluster, *[("a", "b")] * processes, *[("b", "c")] * processes)
        await asyncio.sleep(5)  # until partitions are shared
        try:
            made: list[kc.Sent] = [(b"feed-%d" % (n % FEEDS), b"x" * 1_000, []) for n in range(records)]
            await cluster.publish("a", made)
            return kc.rate(await kc.until(ended, records), upto=0.9)
        finally:
            kafka_floor.end(hops)


def spinning(processes: int) -> int:
    """What so many processes that only count come to in three seconds."""
    command = [sys.executable, "-c", SPIN]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    return sum(int(process.communicate()[0]) for process in started)


async def measure(told: argparse.Namespace) -> None:
    machine = kc.Machine()
    alone, beside = spinning(1), spinning(2)
    rates: dict[str, list[float]] = {name: [] for name in ARRANGEMENTS}
    cores: dict[str, tuple[float, float]] = {}
    for _ in range(told.turns):
        for name, workers in ARRANGEMENTS.items():
            rate, mine, kafka = await arranged(workers, told.snapshots)
            rates[name].append(rate)
            cores[name] = mine, kafka
    floors = [max([await bare(n, told.snapshots * NEW) for _ in range(told.turns)]) for n in (1, 2)]
    print(
        f"{machine}; {told.snapshots} snapshots of {NEW} new entries over {FEEDS} feeds; the best of {told.turns} turns"
    )
    one = max(rates["one worker"])
    for name, found in rates.items():
        mine, kafka = cores[name]
        all_of_it = ", ".join(f"{rate:,.0f}" for rate in found)
        print(
            f"{name:20}{max(found):8,.0f} entries/s{max(found) / one:6.2f} times one worker; cores in use: "
            f"{mine:.2f}, Kafka {kafka:.2f} ({all_of_it})"
        )
    print(
        f"bare hops, 1 and 2 processes each: {floors[0]:,.0f}, {floors[1]:,.0f} records/s: {floors[1] / floors[0]:.2f}"
    )
    print(f"plain Python, 2 processes over 1: {beside / alone:.2f} (aim for workers: 1.8 with cores to spare)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshots", type=int, default=1_500)
    parser.add_argument("--turns", type=int, default=2)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
