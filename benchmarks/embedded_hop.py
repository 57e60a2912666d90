"""One handler hop on the embedded broker against a bare floor, in one run.

Throughput: a handler with state that passes each record on, from a full input topic. Floor: the same records
read from one SQLite table and inserted into another with the offset, committed every 256, same settings.
Latency: from the publish of an input to its output in a reader's hands, one at a time. Floor: two commits
of one row and two reads, which is what such a hop must do. Ratios are what counts; machines differ.

    .venv/bin/python benchmarks/embedded_hop.py [records]
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import apsw

from wirewatch.brokers.embedded import open_runner
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.events import CeType, headers_for
from wirewatch.hosting import Step
from wirewatch.hosting.runner import Runner
from wirewatch.topics import DEAD_LETTERS, Topic

IN = Topic("in.v1", "feed_id", "anything", 86_400_000)
OUT = Topic("out.v1", "feed_id", "anything", 86_400_000)
HEADERS = headers_for(CeType.FEED, id="ev_x", source="wirewatch/bench", time="2022-01-07T20:31:04.120Z")
WORDS = [f"word{number}" for number in range(2_000)]


class PassOn:
    stage = "pass"
    stateful = True

    def handle(self, record: Record, state: bytes | None) -> Step:
        return Step([NewRecord(OUT.name, record.key, record.value, record.headers)], b"%d" % (int(state or b"0") + 1))


def body(seed: int) -> bytes:
    """About 1 KB of JSON that compresses as text does."""
    chance = random.Random(seed)
    return json.dumps({"n": seed, "text": " ".join(chance.choices(WORDS, k=120))}).encode()


def bare(folder: Path) -> apsw.Connection:
    conn = apsw.Connection(str(folder / "bare.db"))
    conn.pragma("journal_mode", "WAL")
    conn.pragma("synchronous", "FULL")
    conn.pragma("wal_autocheckpoint", 2_000)
    for table in ("a", "b"):
        conn.execute(f"CREATE TABLE {table}(id INTEGER PRIMARY KEY, ts INTEGER, key TEXT, headers BLOB, value BLOB)")
    conn.execute("CREATE TABLE at(id INTEGER PRIMARY KEY, next INTEGER); INSERT INTO at VALUES(1, 0)")
    return conn


def floor_throughput(folder: Path, bodies: list[bytes]) -> float:
    conn = bare(folder)
    headers = json.dumps(HEADERS).encode()
    with conn:
        conn.executemany("INSERT INTO a VALUES(?, 0, 'k', ?, ?)", ((n, headers, b) for n, b in enumerate(bodies)))
    started = time.perf_counter()
    for start in range(0, len(bodies), 256):
        with conn:
            rows = conn.execute("SELECT * FROM a WHERE id >= ? ORDER BY id LIMIT 256", (start,)).fetchall()
            conn.executemany("INSERT INTO b VALUES(?, ?, ?, ?, ?)", rows)
            conn.execute("UPDATE at SET next = ?", (start + len(rows),))
    took = time.perf_counter() - started
    conn.close()
    return len(bodies) / took


def floor_latency(folder: Path, bodies: list[bytes]) -> list[float]:
    conn = bare(folder)
    headers = json.dumps(HEADERS).encode()
    took = []
    for number, value in enumerate(bodies):
        started = time.perf_counter()
        with conn:
            conn.execute("INSERT INTO a VALUES(?, 0, 'k', ?, ?)", (number, headers, value))
        row = conn.execute("SELECT * FROM a WHERE id = ?", (number,)).fetchone()
        with conn:
            conn.execute("INSERT INTO b VALUES(?, ?, ?, ?, ?)", row)
            conn.execute("UPDATE at SET next = ?", (number,))
        conn.execute("SELECT * FROM b WHERE id = ?", (number,)).fetchone()
        took.append(time.perf_counter() - started)
    conn.close()
    return took


async def hop(folder: Path, bodies: list[bytes], latencies: int) -> tuple[float, float, list[float]]:
    broker = open_runner(folder, topics=(IN, OUT, DEAD_LETTERS))
    records = [NewRecord(IN.name, f"feed-{n % 50}", value, HEADERS) for n, value in enumerate(bodies)]
    started = time.perf_counter()
    for start in range(0, len(records), 256):
        await broker.publish(records[start : start + 256])
    published = len(records) / (time.perf_counter() - started)
    runner = Runner(broker, handlers=[PassOn()], inputs={"pass": [IN.name]})
    task = asyncio.create_task(runner.run())
    started = time.perf_counter()
    while (end := (await broker.bounds(OUT.name, 0)).end) < len(records):
        await broker.read(OUT.name, 0, end, max_records=1, wait=1)
    handled = len(records) / (time.perf_counter() - started)
    took = []
    for number in range(latencies):
        end = (await broker.bounds(OUT.name, 0)).end
        started = time.perf_counter()
        await broker.publish([records[number]])
        await broker.read(OUT.name, 0, end, wait=10)
        took.append(time.perf_counter() - started)
    runner.stop()
    await task
    await broker.close()
    return published, handled, took


def percentiles(took: list[float]) -> tuple[float, float]:
    ordered = sorted(took)
    return ordered[len(ordered) // 2] * 1_000, ordered[len(ordered) * 99 // 100] * 1_000


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    bodies = [body(number) for number in range(count)]
    folder = Path(tempfile.mkdtemp(prefix="wirewatch-bench-"))
    try:
        for name in ("one", "two", "three"):
            (folder / name).mkdir()
        floor_rate = floor_throughput(folder / "one", bodies)
        floor_50, floor_99 = percentiles(floor_latency(folder / "two", bodies[:1_000]))
        published, handled, took = asyncio.run(hop(folder / "three", bodies, 1_000))
    finally:
        shutil.rmtree(folder)
    p50, p99 = percentiles(took)
    print(f"{count} records of {sum(map(len, bodies)) // count} bytes")
    print(f"{'':24}{'wirewatch':>12}{'floor':>12}{'ratio':>8}")
    print(f"{'publish, records/s':24}{published:12,.0f}")
    print(f"{'one hop, records/s':24}{handled:12,.0f}{floor_rate:12,.0f}{handled / floor_rate:8.2f}")
    print(f"{'hop latency p50, ms':24}{p50:12.2f}{floor_50:12.2f}{p50 / floor_50:8.2f}")
    print(f"{'hop latency p99, ms':24}{p99:12.2f}{floor_99:12.2f}{p99 / floor_99:8.2f}")


if __name__ == "__main__":
    main()
