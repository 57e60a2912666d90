"""Three brokers, every record on all of them: what one, then two of them being away means, and what comes back.

The whole pipeline on three brokers is in `tests/end_to_end/test_three_brokers.py`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator

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
    opened = on(cluster, prefix)
    await opened.open()
    yield opened
    await opened.close()


def on(cluster: KafkaCluster, prefix: str, replication: int = 3) -> KafkaBroker:
    layout = Layout(replication=replication)
    address = Address(tuple(cluster.bootstrap.split(",")), session_ms=SESSION_MS)
    return KafkaBroker(address, layout=layout, prefix=prefix)


async def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if holds():
                return
            await asyncio.sleep(0.02)


async def healthy_at_last(broker: KafkaBroker, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await broker.healthy() is None:
                return
            await asyncio.sleep(0.05)


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
        self._tasks = [asyncio.create_task(work) for work in (self._publish(), self._read())]

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
        while not self._ending or len(self.newest()) < len(KEYS) or min(self.newest().values()) < self.sent - 1:
            try:
                records = await self._consumer.poll(wait=0.2)
                await self._consumer.commit(records)
            except PassingFault as fault:
                self.faults.append(str(fault))
                continue
            self.read += records

    def newest(self) -> dict[str, int]:
        return {record.key: int(record.value or b"") for record in self.read}

    async def goes_on(self, rounds: int = 3) -> None:
        """Returns once so many rounds more were published and read."""
        want = self.sent + rounds
        await until(lambda: any(task.done() for task in self._tasks) or min(self.newest().values(), default=-1) >= want)

    async def end(self) -> None:
        self._ending = True
        async with asyncio.timeout(90):
            await asyncio.gather(*self._tasks)

    def complaints(self) -> list[str]:
        """What was lost, or came out of order within its key."""
        out = []
        read = {(record.partition, record.offset) for record in self.read}
        if lost := [r for r in self.acknowledged if (r.partition, r.offset) not in read]:
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
    asked_once = on(cluster, prefix, replication=1)
    await asked_once.open()
    await asked_once.create_topics([ONCE])
    await asked_once.close()
    assert await broker.check_topics([LOG, KEPT]) == []
    assert await broker.check_topics([LOG, ONCE]) == [
        "test.once.v1 is kept 1 times, not 3 ([kafka] replication)",
        "test.once.v1: min.insync.replicas is 1, not 2",
    ]
    too_many = on(cluster, prefix + "four.", replication=4)
    await too_many.open()
    with pytest.raises(UserError, match=r"test\.log\.v1 cannot be created: .*only 3 broker"):
        await too_many.create_topics([LOG])
    await too_many.close()


async def test_F6_a_coordinator_is_killed_and_a_leader_stopped_and_nothing_is_lost_or_out_of_order(
    cluster: KafkaCluster, broker: KafkaBroker, prefix: str
) -> None:
    await broker.create_topics([LOG])
    consumer = await broker.consumer("g", [LOG.name])
    traffic = Traffic(broker, consumer)
    try:
        await traffic.goes_on()
        coordinator = await cluster.coordinator(f"{prefix}wirewatch.g")
        cluster.nodes[coordinator].kill()
        await traffic.goes_on()
        leader = await cluster.leader(prefix + LOG.name, 0)
        assert leader != coordinator
        await asyncio.to_thread(cluster.nodes[coordinator].start)
        await asyncio.to_thread(cluster.wait_until_whole)
        await asyncio.to_thread(cluster.nodes[leader].restart)
        await traffic.goes_on()
    finally:
        await traffic.end()
    assert traffic.complaints() == []


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


async def test_with_two_of_three_away_everybody_says_why_and_goes_on_when_one_is_back(
    cluster: KafkaCluster, broker: KafkaBroker, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await broker.create_topics([LOG])
    assert await broker.healthy() is None
    before = await broker.publish([NewRecord(LOG.name, key, b"before", {}) for key in KEYS])
    for number in (2, 3):
        cluster.nodes[number].kill()
    with monkeypatch.context() as patched:
        patched.setattr(publishing, "_ACKNOWLEDGED_SECONDS", 2.0)
        with pytest.raises(PassingFault, match=r"appending to \S*test\.log\.v1: no answer in time"):
            await broker.publish([NewRecord(LOG.name, key, b"lost for now", {}) for key in KEYS])
    # the cluster itself goes on saying that all is well: it has no controller left to say otherwise
    assert "of the 2 copies" in (why := await broker.healthy() or "") or "is led by" in why
    said = "\n".join(await broker.check_topics([LOG]))
    for number in (2, 3):
        assert f"broker {cluster.nodes[number].bootstrap} does not answer" in said
    assert "test.log.v1 takes no records now: partition" in said
    await asyncio.to_thread(cluster.nodes[2].start)
    await healthy_at_last(broker)
    after = await broker.publish([NewRecord(LOG.name, key, b"after", {}) for key in KEYS])
    assert await broker.check_topics([LOG]) != []
    await asyncio.to_thread(cluster.nodes[3].start)
    await asyncio.to_thread(cluster.wait_until_whole)
    assert await broker.check_topics([LOG]) == []
    for record in (*before, *after):
        assert (await broker.read(LOG.name, record.partition, record.offset))[0].value == record.value


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
