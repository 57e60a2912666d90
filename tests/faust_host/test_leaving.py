"""A worker that ends in good order leaves its group: its partitions are at work elsewhere at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faust_host.kit import Numbered, committed_all, compare, numbered, opened, read_all, running, until
from tests.servers.kafka import KafkaServer
from wirewatch.brokers.kafka import KafkaBroker
from wirewatch.topics import ENTRY_EVENTS, SNAPSHOTS

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]

KEYS = 12
SESSION = 60.0
"""Far longer than anything here takes: who waits for it is seen."""
AT_ONCE = 15.0
"""Also on a machine that is busy; alone it is two seconds."""


async def settled(broker: KafkaBroker, seconds: float = 60) -> float:
    """Seconds until all that was published is done."""
    began = time.monotonic()
    await until(lambda: committed_all(broker, "diff", SNAPSHOTS.name), seconds=seconds, said="all committed")
    return time.monotonic() - began


async def test_a_worker_that_is_stopped_leaves_its_partitions_to_the_others_and_to_a_new_machine_at_once(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    sent = numbered(KEYS * 40, keys=KEYS)
    turns = [sent[at : at + KEYS] for at in range(0, len(sent), KEYS)]
    one, two, three = Numbered(), Numbered(), Numbered()
    async with opened(kafka.url, broker.link.wire_name(""), session=f"{SESSION:.0f}s") as slow:
        async with running(slow, two, tmp_path / "two"):
            async with running(slow, one, tmp_path / "one"):
                given = iter(turns)

                async def both_work() -> bool:
                    await broker.publish(next(given))
                    return bool(one.tried and two.tried and len(two.tried) < KEYS * 40)

                await until(both_work, seconds=60, said="each has partitions")
                await settled(broker)
            await broker.publish([new for turn in given for new in turn])
            alone = await settled(broker)
        more = numbered(KEYS, keys=KEYS, start=len(sent))
        await broker.publish(more)
        async with running(slow, three, tmp_path / "another-machine"):
            anew = await settled(broker)
    print(f"the other one had all partitions after {alone:.1f} s, another machine after {anew:.1f} s")  # noqa: T201
    outcome = compare([*sent, *more], await read_all(broker, ENTRY_EVENTS.name))
    assert (outcome.lost, outcome.twice, outcome.out_of_order) == (0, 0, 0)
    assert max(alone, anew) < AT_ONCE
