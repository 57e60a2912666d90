"""One role of the pipeline measured alone, and the bare client over the very records that it made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import kafka_cluster as kc
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.end_to_end.program import Program

BARE = "bare.out"
COMMIT_SECONDS = 1.0
Count = Callable[[], Awaitable[int]]


class Row:
    """A line of the table."""

    def __init__(self, role: str, unit: str) -> None:
        self.role, self.unit = role, unit
        self.rate = self.cpu = self.now = self.peak = 0.0
        self.floor: float | None = None
        self.one_by_one: float | None = None

    def __str__(self) -> str:
        def ratio(floor: float | None) -> str:
            return "-" if floor is None else f"{floor:,.0f} ({self.rate / floor:.2f})"

        memory = f"{self.now:.0f} ({self.peak:.0f})"
        if not self.rate:
            return f"| {self.role} | - | - | - | - | {memory} |"
        cells = [self.role, f"{self.rate:,.0f} {self.unit}/s", ratio(self.floor), ratio(self.one_by_one)]
        return "| " + " | ".join([*cells, f"{self.cpu * 1e6:,.0f}", memory]) + " |"


def sent(record: Any) -> kc.Sent:
    return record.key, record.value, list(record.headers)


async def run_role(program: Program, row: Row, count: Count, due: int, per: float = 1.0) -> None:
    """Run it until so many are counted; each of them is ``per`` of the row's units."""
    program.start()
    await kc.until_running(program)
    assert program.process is not None
    pid, used = program.process.pid, []

    async def counted() -> int:
        done = await count()
        used.append((kc.cpu_seconds(pid), done))
        return done

    row.rate = kc.rate(await kc.until(counted, due, program)) * per
    row.cpu = 1 / (kc.rate(used) * per)
    await asyncio.sleep(2)
    row.now, row.peak = kc.memory_mib(program)
    program.stop()


async def bare(
    cluster: kc.Cluster, source: str, total: int, rounds: Sequence[Sequence[kc.Sent]], *, alone: bool
) -> float:
    """Seconds for the bare client: read all of a topic and send what the role made of it, round by round.

    ``alone``: one record's outputs are acknowledged before the next record is taken.
    """
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=cluster.kafka.bootstrap,
        group_id=f"bare-{source}-{alone}-{time.monotonic()}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    done, began, committed = 0, 0.0, time.monotonic()

    async with AIOKafkaProducer(bootstrap_servers=cluster.kafka.bootstrap, **kc.PRODUCER) as producer, consumer:

        async def send(first: int, last: int) -> None:
            for outputs in rounds:
                part = outputs[len(outputs) * first // total : len(outputs) * last // total]
                await asyncio.gather(*[await producer.send(BARE, v, k, headers=h) for k, v, h in part])

        while done < total:
            for records in (await consumer.getmany(timeout_ms=1_000, max_records=256)).values():
                began = began or time.monotonic()
                size = 1 if alone else len(records)
                for _ in range(0, len(records), size):
                    await send(done, done + size)
                    done += size
            if time.monotonic() - committed > COMMIT_SECONDS:
                await consumer.commit()
                committed = time.monotonic()
    return time.monotonic() - began


async def floors(cluster: kc.Cluster, row: Row, source: str, *outputs: str, per: float = 1.0) -> None:
    """Both floors of a role that reads one topic; ``per``: units of the row for each record of it."""
    total = await (await cluster.ends(source))()
    rounds = [[sent(record) for record in await cluster.read(topic)] for topic in outputs]
    row.floor = total * per / await bare(cluster, source, total, rounds, alone=False)
    row.one_by_one = total * per / await bare(cluster, source, total, rounds, alone=True)
