"""Three brokers, every record on all of them: what one, then two of them being away means, and what comes back.

The whole pipeline on three brokers is in `tests/end_to_end/test_three_brokers.py`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

import pytest

from tests.servers.kafka_cluster import KafkaCluster
from tests.servers.maven import ServerMissing, skip_or_fail
from wirewatch.brokers.interface import Consumer, NewRecord, Record
from wirewatch.brokers.kafka import Address, KafkaBroker, publishing
from wirewatch.brokers.kafka.growing import grow_topics
from wirewatch.brokers.kafka.topics import Layout
from wirewatch.errors import PassingFault, UserError
from wirewatch.topics import Topic

pytestmark = pytest.mark.servers
LOG = Topic("test.log.v1", "feed_id", "anything", 3_600_000, 100_000, 6)
KEPT = Topic("test.kept.v1", "feed_id", "anything", None, 100_000, 6)
ONCE = Topic("test.once.v1", "feed_id", "anything", 3_600_000, 100_000, 6)
KEYS = [f"k{n}" for n in range(12)]
SESSION_MS = 6_000
LONG = bool(os.environ.get("WIREWATCH_LONG"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    try:
        made = KafkaCluster(tmp_path_factory.mktemp("three-brokers"))
    except ServerMissing as missing:
        skip_or_fail(missing)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
async def broker(cluster: KafkaCluster, prefix: str) -> AsyncIterator[KafkaBroker]:
    await asyncio.to_thread(cluster.wait_until_whole)
    opened = of(cluster, prefix)
    await opened.open()
    yield opened
    await opened.close()


def of(cluster: KafkaCluster, prefix: str, replication: int = 3) -> KafkaBroker:
    layout = Layout(replication=replication)
    address = Address(tuple(cluster.bootstrap.split(",")), session_ms=SESSION_MS)
    return KafkaBroker(address, layout=layout, prefix=prefix)


async def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if holds():
                return
            await asyncio.sleep(0.02)


class Traffic:
    """Publishes to every key in turn, and reads it in a group, whatever happens meanwhile; `end` says what came."""

    def __init__(self, broker: KafkaBroker, consumer: Consumer, topic: Topic = LOG) -> None:
        self.sent = 0
        self.faults: list[str] = []
        self.acknowledged: list[Record] = []
        self.read: list[Record] = []
        self._broker = broker
        self._consumer = consumer
        self._topic = topic
        self._ending = False
        self._publishing = asyncio.create_task(self._publish())
        self._tasks = [self._publishing, asyncio.create_task(self._read())]

    async def _publish(self) -> None:
        while not self._ending:
            value = b"%d" % self.sent
            records = [NewRecord(self._topic.name, key, value, {}) for key in KEYS]
            try:
                self.acknowledged += await self._broker.publish(records)
            except PassingFault as fault:
                self.faults.append(str(fault))
                continue  # the same once more, as every stage does
            self.sent += 1
            await asyncio.sleep(0.02)

    async def _read(self) -> None:
        while not self._publishing.done() or self._unread():  # what is on its way at the end is acknowledged yet
            try:
                records = await self._consumer.poll(wait=0.2)
                self.read += records  # the effect comes first: a commit whose answer is lost may have been done
                await self._consumer.commit(records)
            except PassingFault as fault:
                self.faults.append(str(fault))

    def newest(self) -> dict[str, int]:
        return {record.key: int(record.value or b"") for record in self.read}

    async def goes_on(self, rounds: int = 3) -> None:
        """Returns once so many rounds more were published and read."""
        want = self.sent + rounds
        await until(lambda: any(task.done() for task in self._tasks) or min(self.newest().values(), default=-1) >= want)

    async def end(self) -> None:
        """Publish no more, and read what was acknowledged; what does not come in time is among the complaints."""
        self._ending = True
        with suppress(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.gather(*self._tasks)

    def _unread(self) -> list[Record]:
        read = {(record.partition, record.offset) for record in self.read}
        return [record for record in self.acknowledged if (record.partition, record.offset) not in read]

    def complaints(self) -> list[str]:
        """What was lost, or came out of order within its key."""
        out = []
        if lost := self._unread():
            out.append(f"{len(lost)} records were acknowledged and never read, {lost[0]} first")
        for key in KEYS:
            seen: list[int] = []
            for record in self.read:
                if record.key == key and int(record.value or b"") not in seen:
                    seen.append(int(record.value or b""))
            if seen != list(range(self.sent)):
                out.append(f"{key} came as {seen}")
        return out


async def test_topics_stand_on_three_brokers_and_what_stands_on_fewer_is_named(
    cluster: KafkaCluster, broker: KafkaBroker, prefix: str
) -> None:
    await broker.create_topics([LOG, KEPT])
    asked_once = of(cluster, prefix, replication=1)
    await asked_once.open()
    await asked_once.create_topics([ONCE])
    await asked_once.close()
    assert await broker.check_topics([LOG, KEPT]) == []
    assert await broker.check_topics([LOG, ONCE]) == [
        "test.once.v1 is kept 1 times, not 3 ([kafka] replication)",
        "test.once.v1: min.insync.replicas is 1, not 2",
    ]
    too_many = of(cluster, prefix + "four.", replication=4)
    await too_many.open()
    with pytest.raises(UserError, match=r"test\.log\.v1 cannot be created: .*only 3 broker"):
        await too_many.create_topics([LOG])
    await too_many.close()


async def test_a_group_at_work_is_seen_although_another_broker_was_taken_for_its_coordinator(
    cluster: KafkaCluster, broker: KafkaBroker, prefix: str
) -> None:
    await broker.create_topics([LOG])
    consumer = await broker.consumer("g", [LOG.name])
    name = f"{prefix}wirewatch.g"
    coordinator = await cluster.coordinator(name)
    broker.link._coordinators[name] = next(number for number in cluster.nodes if number != coordinator)
    with pytest.raises(UserError, match="g has 1 members at work"):
        await grow_topics(broker, [LOG], 12, groups=["g"], readers={}, say=lambda _: None)
    await consumer.close()


@pytest.mark.skipif(not LONG, reason="takes longer than a minute: WIREWATCH_LONG=1")
@pytest.mark.timeout(300)
async def test_F6_brokers_are_restarted_one_after_the_other_and_nothing_is_lost_or_out_of_order(
    cluster: KafkaCluster, broker: KafkaBroker, prefix: str
) -> None:
    await broker.create_topics([LOG])
    traffic = Traffic(broker, await broker.consumer("g", [LOG.name]))
    try:
        for node in cluster.nodes.values():
            await traffic.goes_on()
            await asyncio.to_thread(node.restart)
            await asyncio.to_thread(cluster.wait_until_whole)
        await traffic.goes_on()
    finally:
        await traffic.end()
    assert traffic.complaints() == []
    assert await broker.healthy() is None


@pytest.mark.skipif(not LONG, reason="takes longer than a minute: WIREWATCH_LONG=1")
@pytest.mark.timeout(300)
async def test_F7_a_leader_that_coordinates_goes_silent_and_the_others_are_turned_to_within_a_request_and_a_connect(
    cluster: KafkaCluster, broker: KafkaBroker, prefix: str
) -> None:
    await broker.create_topics([LOG])
    consumer = await broker.consumer("g", [LOG.name])
    traffic = Traffic(broker, consumer)
    loop = asyncio.get_running_loop()
    slowest = 0.0
    try:
        for _ in range(3):
            await traffic.goes_on()
            coordinator = await cluster.coordinator(f"{prefix}wirewatch.g")
            cluster.nodes[coordinator].pause()
            began = loop.time()
            try:
                await traffic.goes_on()
                slowest = max(slowest, loop.time() - began)
            finally:
                cluster.nodes[coordinator].resume()
            await asyncio.to_thread(cluster.wait_until_whole)
    finally:
        await traffic.end()
    assert traffic.complaints() == []
    assert slowest < 45  # a request is given up in 20 s, and then a connection in 5


async def test_F6_one_broker_is_killed_then_another_and_nothing_is_lost_or_out_of_order_when_one_is_back(
    cluster: KafkaCluster, broker: KafkaBroker, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await broker.create_topics([LOG])
    traffic = Traffic(broker, await broker.consumer("g", [LOG.name]))
    try:
        await traffic.goes_on()
        coordinator = await cluster.coordinator(f"{prefix}wirewatch.g")
        leaders = {await cluster.leader(prefix + LOG.name, partition) for partition in range(LOG.partitions)}
        assert coordinator in leaders
        cluster.nodes[coordinator].kill()
        await traffic.goes_on()
        assert await broker.healthy() is None
        assert f"the brokers that lack: {coordinator} (away)" in "".join(await broker.check_topics([LOG]))
        another = next(number for number in cluster.nodes if number != coordinator)
        monkeypatch.setattr(publishing, "_ACKNOWLEDGED_SECONDS", 2.0)
        cluster.nodes[another].kill()
        traffic.faults.clear()
        await until(lambda: any("appending" in fault and "no answer in time" in fault for fault in traffic.faults))
        await say_why_nothing_moves(broker, cluster.nodes[another].bootstrap)
        await asyncio.to_thread(cluster.nodes[another].start)
        await traffic.goes_on()
        assert await broker.healthy() is None
    finally:
        await traffic.end()
    assert traffic.complaints() == []


async def say_why_nothing_moves(broker: KafkaBroker, away: str) -> None:
    """The cluster itself goes on saying that all is well: it has no controller left to say otherwise."""
    healthy = await broker.healthy() or ""
    assert "1 of the 2 copies that it needs: no answer from" in healthy or f"is led by {away}" in healthy
    said = "\n".join(await broker.check_topics([LOG]))
    assert f"broker {away} does not answer" in said
    assert "test.log.v1 takes no records now: partition" in said
