"""Workers killed, stopped and started while records come in: nothing lost, order kept, twice only under the same id."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.faust_host.kit import (
    Numbered,
    committed_all,
    compare,
    create_topics,
    length,
    numbered,
    opened,
    read_all,
    running,
    until,
)
from tests.servers.kafka import KafkaServer
from tests.servers.maven import ServerMissing, skip_or_fail
from wirewatch.brokers.interface import NewRecord
from wirewatch.brokers.kafka import KafkaBroker
from wirewatch.errors import PassingFault
from wirewatch.topics import ENTRY_EVENTS, SNAPSHOTS

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

LONG = os.environ.get("WIREWATCH_LONG") == "1"
ROOT = Path(__file__).parents[2]
long = pytest.mark.skipif(not LONG, reason="takes long: set WIREWATCH_LONG=1")


class Child:
    """A worker's process."""

    def __init__(
        self, kafka: KafkaServer, broker: KafkaBroker, folder: Path, *, session: str = "6s", frozen_at: str = ""
    ) -> None:
        self._command = [sys.executable, "-m", "tests.faust_host.child"]
        self._command += [kafka.url, broker.link.wire_name(""), str(folder), session, frozen_at]
        self.log = folder.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.log.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, cwd=ROOT, stdout=log, stderr=log)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    async def stop(self) -> None:
        assert self.process is not None
        await until(lambda: "up" in self.log.read_text(), said="it takes a signal")
        self.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert self.process.wait(30) == 0, self.log.read_text()
        assert time.monotonic() - began < 20

    @property
    def frozen(self) -> bool:
        """Whether it was stopped by SIGSTOP, and not let go on since."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    @property
    def up(self) -> bool:
        return self.process is not None and self.process.poll() is None


@contextmanager
def children(*all_: Child) -> Iterator[None]:
    try:
        yield
    finally:
        for child in all_:
            if child.up:
                child.kill()


@asynccontextmanager
async def feeding(broker: KafkaBroker, *, keys: int, at_least: int, pause: float) -> AsyncIterator[list[NewRecord]]:
    """Records come in, twenty at a time, for as long as this lasts, and so many at least. Gives what was sent."""
    sent: list[NewRecord] = []
    enough = asyncio.Event()

    async def feed() -> None:
        while len(sent) < at_least or not enough.is_set():
            more = numbered(20, keys=keys, start=len(sent))
            await broker.publish(more)
            sent.extend(more)
            await asyncio.sleep(pause)

    task = asyncio.create_task(feed())
    try:
        yield sent
        enough.set()
        await task
    finally:
        task.cancel()


async def all_done(broker: KafkaBroker) -> None:
    await until(
        lambda: committed_all(broker, "diff", SNAPSHOTS.name), seconds=600 if LONG else 90, said="all committed"
    )


async def progressed(broker: KafkaBroker, by: int, seconds: float = 60) -> float:
    """Seconds until so many more records came out."""
    began = time.monotonic()
    before = await length(broker, ENTRY_EVENTS.name)

    async def more() -> bool:
        return await length(broker, ENTRY_EVENTS.name) >= before + by

    await until(more, seconds=seconds, said=f"{by} more came out")
    return time.monotonic() - began


async def test_a_worker_killed_again_and_again_loses_nothing_and_is_back_within_seconds(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    kills, count = (12, 20_000) if LONG else (2, 0)
    child = Child(kafka, broker, tmp_path / "worker", session="30s")
    back: list[float] = []
    chance = random.Random(5)
    with children(child):
        child.start()
        async with feeding(broker, keys=13, at_least=count, pause=0.05 if LONG else 0.2) as sent:
            await progressed(broker, 20)
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(0.1, 1.0))
                child.kill()
                child.start()
                back.append(await progressed(broker, 1))
        await all_done(broker)
        await child.stop()
    got = await read_all(broker, ENTRY_EVENTS.name)
    seen = compare(sent, got)
    assert (seen.lost, seen.out_of_order) == (0, 0)
    assert all(record.headers["ce_id"].encode() == record.value for record in got)
    assert seen.twice <= 30 * kills
    # under a new name it would have to wait until the old one's session of 30 s has expired
    assert max(back) < 20, back
    print(f"kills {kills} in {len(sent)}: twice {seen.twice}, back after {[round(one, 1) for one in back]} s")  # noqa: T201


async def test_workers_that_come_and_go_keep_each_keys_order_and_lose_nothing(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    turns, count = (16, 40_000) if LONG else (2, 0)
    one, two = Child(kafka, broker, tmp_path / "one"), Child(kafka, broker, tmp_path / "two")
    chance = random.Random(11)
    with children(one, two):
        one.start()
        async with feeding(broker, keys=17, at_least=count, pause=0.05 if LONG else 0.2) as sent:
            await progressed(broker, 20)
            two.start()
            for turn in range(turns):
                await asyncio.sleep(chance.uniform(1.0, 3.0) if LONG else 1.0)
                child = chance.choice((one, two))
                if turn % 2:
                    child.kill()
                else:
                    await child.stop()
                await asyncio.sleep(chance.uniform(0.1, 2.0) if LONG else 0.5)
                child.start()
                await progressed(broker, 1)
        await all_done(broker)
        await one.stop()
        await two.stop()
    seen = compare(sent, await read_all(broker, ENTRY_EVENTS.name))
    assert (seen.lost, seen.out_of_order) == (0, 0)
    print(f"turns {turns} in {len(sent)}: twice {seen.twice}")  # noqa: T201


@long
async def test_a_worker_frozen_past_its_session_in_the_middle_of_an_effect_does_not_write_over_newer_state(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    sent = numbered(800, keys=8)
    # once its outputs are durable, and with many records read ahead, the first stands still
    one, two = Child(kafka, broker, tmp_path / "one", frozen_at="feed-0/20"), Child(kafka, broker, tmp_path / "two")
    with children(one, two):
        one.start()
        await broker.publish(sent[:400])
        await until(lambda: one.frozen, seconds=60, said="it stands still")
        await broker.publish(sent[400:])
        two.start()
        await all_done(broker)  # once the session of the frozen one has expired
        assert one.process is not None
        one.process.send_signal(signal.SIGCONT)
        await until(lambda: not one.frozen)
        await one.stop()
        await two.stop()
    seen = compare(sent, await read_all(broker, ENTRY_EVENTS.name))
    assert (seen.lost, seen.out_of_order) == (0, 0)
    last = {key: str(len([1 for new in sent if new.key == key])).encode() for key in {new.key for new in sent}}
    assert {key: await broker.read_state("diff", key) for key in last} == last


@contextmanager
def own_cluster(folder: Path) -> Iterator[KafkaServer]:
    """A cluster that may be killed."""
    try:
        kafka = KafkaServer(folder)
    except ServerMissing as missing:
        skip_or_fail(missing)
    kafka.start()
    try:
        yield kafka
    finally:
        kafka.stop()


@long
async def test_a_cluster_that_is_killed_and_comes_back_costs_time_and_nothing_else(tmp_path: Path) -> None:
    sent = numbered(600, keys=9)
    with own_cluster(tmp_path / "kafka") as kafka:
        async with opened(kafka.url, "away.") as broker:
            await create_topics(broker)
            async with running(broker, Numbered(work=1_000), tmp_path / "data"):
                await broker.publish(sent[:300])
                await progressed(broker, 30)
                await asyncio.to_thread(kafka.kill)
                await asyncio.sleep(60)
                await asyncio.to_thread(kafka.start)
                await until(lambda: published(broker, sent[300:]), seconds=60)
                await all_done(broker)
            seen = compare(sent, await read_all(broker, ENTRY_EVENTS.name))
    assert (seen.lost, seen.out_of_order) == (0, 0)


async def published(broker: KafkaBroker, records: list[NewRecord]) -> bool:
    try:
        await broker.publish(records)
    except PassingFault:
        return False
    return True
