"""A member of a group in a process of its own, to be killed: reads what there is, commits it, says so, waits."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from wirewatch.brokers.kafka import Address, KafkaBroker


async def main(bootstrap: str, prefix: str, folder: str, topic: str, count: str) -> None:
    broker = KafkaBroker(Address((bootstrap,), session_ms=30_000), members=Path(folder), prefix=prefix)
    await broker.open()
    consumer = await broker.consumer("g", [topic])
    left = int(count)
    while left > 0:
        records = await consumer.poll()
        await consumer.commit(records)
        left -= len(records)
    sys.stdout.write("committed\n")
    sys.stdout.flush()
    while True:
        await consumer.poll()


asyncio.run(main(*sys.argv[1:]))
