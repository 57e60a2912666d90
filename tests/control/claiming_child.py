"""A process that claims and delivers what it is given until it finds nothing more; one delivery id a line."""

from __future__ import annotations

import asyncio
import sys

from wirewatch.control import Outcome
from wirewatch.control.postgresql import PostgresqlControlStore


def say(line: str) -> None:
    """A line for the test that reads."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(url: str, holder: str) -> None:
    store = PostgresqlControlStore(url)
    await store.open()
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)  # both begin together
    while claims := await store.claim(holder=holder, now_ms=5_000, lease_ms=60_000, room={"ops": 5}):
        for claim in claims:
            say(claim.delivery.delivery_id)
        done = [Outcome(claim.delivery.delivery_id, "delivered", 6_000) for claim in claims]
        await store.record_outcomes(holder, done)
    await store.close()


asyncio.run(main(*sys.argv[1:]))
