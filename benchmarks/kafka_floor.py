"""The bare aiokafka client as processes of their own: read from one topic, send on to the next or post."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterable

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from kafka_cluster import PRODUCER, Cluster


async def hop(bootstrap: str, source: str, target: str, group: str) -> None:
    """One bare hop: read in a group, send on, wait until it is acknowledged, commit once a second.

    ``target`` may be a webhook's address instead of a topic.
    """
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="latest",
    )
    session = aiohttp.ClientSession()

    async def post(value: bytes) -> None:
        async with session.post(target, data=value) as answer:
            await answer.read()

    async with AIOKafkaProducer(bootstrap_servers=bootstrap, **PRODUCER) as producer, consumer, session:
        for place in consumer.assignment():
            await consumer.position(place)  # what is sent from here on is read
        print("ready", flush=True)
        committed = time.monotonic()
        while True:
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                if target.startswith("http"):
                    await asyncio.gather(*[post(record.value) for record in records])
                else:
                    await asyncio.gather(*[await producer.send(target, r.value, r.key) for r in records])
            if time.monotonic() - committed > 1:
                await consumer.commit()
                committed = time.monotonic()


def bare_hops(cluster: Cluster, *ways: tuple[str, str]) -> list[subprocess.Popen[str]]:
    """A process for each way from one topic to the next, all reading; those of one way share its records."""
    since = time.monotonic()  # a group that was there before would wait for the members that were killed
    started = [
        subprocess.Popen(
            [sys.executable, __file__, "--hop", cluster.kafka.bootstrap, source, target, f"bare-{source}-{since}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for source, target in ways
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    return started


def end(processes: Iterable[subprocess.Popen[str]]) -> None:
    """End these."""
    for process in processes:
        process.kill()
        process.wait()


if __name__ == "__main__" and sys.argv[1:2] == ["--hop"]:
    asyncio.run(hop(*sys.argv[2:6]))
