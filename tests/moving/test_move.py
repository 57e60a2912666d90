"""The move on a real Kafka: what is there afterwards, what is refused, and going on after an end in the middle."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.servers.kafka import KafkaServer
from wirewatch.brokers.embedded import open_reader, open_runner
from wirewatch.brokers.embedded.broker import EmbeddedBroker
from wirewatch.brokers.embedded.transaction import PackedState, Transaction
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.brokers.kafka import ALL_TOPICS, Address, KafkaBroker, Layout
from wirewatch.brokers.packing import pack
from wirewatch.control import Move, SqliteControlStore
from wirewatch.errors import PassingFault, UserError
from wirewatch.moving import Moved, move, require_room
from wirewatch.moving.division import COPIED_FROM
from wirewatch.moving.source import held
from wirewatch.topics import ALERTS, ENTRIES, POLLS, SNAPSHOTS, SUBSCRIPTIONS

pytestmark = pytest.mark.servers
PARTITIONS = 5
FEEDS = [f"feed-{number}" for number in range(11)]
OpenCluster = Callable[[], Awaitable[KafkaBroker]]


def silent(_topic: str, _done: int, _total: int) -> None:
    """Progress that nobody follows."""


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A filled log: 330 snapshots of which 200 were diffed, polls, subscriptions with one removed, states."""
    broker = open_runner(tmp_path / "data")
    for number in range(30):
        await broker.publish([record(SNAPSHOTS.name, feed, number) for feed in FEEDS])
        await broker.publish([record(POLLS.name, feed, number) for feed in FEEDS])
    await broker.publish([record(ENTRIES.name, feed, 0) for feed in FEEDS])
    await broker.publish([record(SUBSCRIPTIONS.name, "kept", 0), record(SUBSCRIPTIONS.name, "gone", 0)])
    await broker.publish([NewRecord(SUBSCRIPTIONS.name, "gone", None, {})])
    snapshots = await broker.topic_row(SNAPSHOTS.name)

    def work(transaction: Transaction) -> None:
        transaction.commit_offset("diff", snapshots, 200)
        transaction.put_states("diff", {feed: PackedState(3, *reversed(pack(feed.encode() * 500))) for feed in FEEDS})

    await broker.write(work)
    await broker.close()
    return tmp_path / "data"


@pytest.fixture
async def open_cluster(kafka: KafkaServer) -> AsyncIterator[OpenCluster]:
    """Opens the same cluster again and again, its topics made at first."""
    prefix = f"{uuid.uuid4().hex[:8]}."
    opened: list[KafkaBroker] = []

    async def open_one(kind: type[KafkaBroker] = KafkaBroker) -> KafkaBroker:
        address = Address((kafka.bootstrap,), session_ms=6_000)
        broker = kind(address, layout=Layout(PARTITIONS, 1), prefix=prefix)
        await broker.open()
        await broker.create_topics(ALL_TOPICS)
        opened.append(broker)
        return broker

    yield open_one
    for broker in opened:
        await broker.close()


def record(topic: str, key: str, number: int) -> NewRecord:
    return NewRecord(topic, key, f"{key} {number}".encode(), {"ce_id": f"{key}-{number}"})


async def moved(folder: Path, cluster: KafkaBroker, stores: Mapping[str, SqliteControlStore] = {}) -> list[Moved]:
    with held(folder) as log:
        try:
            return await move(log, cluster, stores, progress=silent)
        finally:
            await log.close()


async def everything(broker: EmbeddedBroker | KafkaBroker, topic: str) -> list[Record]:
    found: list[Record] = []
    for partition in range(broker.partitions(topic)):
        bounds = await broker.bounds(topic, partition)
        offset = bounds.earliest
        while offset < bounds.end:
            found += (records := await broker.read(topic, partition, offset, max_records=1000, wait=5.0))
            offset = records[-1].offset + 1
    return found


def by_key(records: Sequence[Record]) -> dict[str, list[tuple[bytes | None, dict[str, str]]]]:
    out: dict[str, list[tuple[bytes | None, dict[str, str]]]] = {}
    for one in records:
        headers = {name: text for name, text in one.headers.items() if name != COPIED_FROM}
        out.setdefault(one.key, []).append((one.value, headers))
    return out


async def test_every_record_is_there_with_its_headers_in_the_order_of_its_key(
    folder: Path, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster()
    done = {one.topic: one.copied for one in await moved(folder, cluster)}
    assert done[SNAPSHOTS.name] == 330
    log = open_reader(folder)
    for topic in (SNAPSHOTS.name, POLLS.name, ENTRIES.name, SUBSCRIPTIONS.name):
        assert by_key(await everything(cluster, topic)) == by_key(await everything(log, topic))
    assert (await cluster.latest(SUBSCRIPTIONS.name)).keys() == {"kept"}
    await log.close()


async def test_a_group_reads_next_exactly_what_it_had_not_read(folder: Path, open_cluster: OpenCluster) -> None:
    cluster = await open_cluster()
    await moved(folder, cluster)
    log = open_reader(folder)
    unread = {one.headers["ce_id"] for one in (await everything(log, SNAPSHOTS.name))[200:]}
    await log.close()
    consumer = await cluster.consumer("diff", [SNAPSHOTS.name])
    got: list[Record] = []
    while len(got) < len(unread):
        records = await consumer.poll(wait=10.0)
        assert records, f"{len(got)} of {len(unread)}"
        got += records
    assert {one.headers["ce_id"] for one in got} == unread
    assert await consumer.poll(wait=0.5) == []


async def test_polls_are_appended_before_snapshots_so_that_none_is_taken_for_recorded_that_is_not(
    folder: Path, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster()
    await moved(folder, cluster)
    polls = [one.timestamp_ms for one in await everything(cluster, POLLS.name)]
    snapshots = [one.timestamp_ms for one in await everything(cluster, SNAPSHOTS.name)]
    assert max(polls) <= min(snapshots)


async def test_a_feeds_state_is_there_for_the_next_worker(folder: Path, open_cluster: OpenCluster) -> None:
    cluster = await open_cluster()
    await moved(folder, cluster)
    assert [await cluster.read_state("diff", feed) for feed in FEEDS] == [feed.encode() * 500 for feed in FEEDS]


async def test_a_store_reads_on_where_it_stood_and_belongs_to_the_cluster(
    folder: Path, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster()
    log = open_reader(folder)
    store = SqliteControlStore(folder / "control.db")
    await store.open()
    await store.bind_log(await log.log_id())
    await store.commit_match("match", [], {}, {(ENTRIES.name, 0): Move(None, 4), (ALERTS.name, 0): Move(None, 0)})
    await moved(folder, cluster, {"control": store})
    told = {one.headers["ce_id"] for one in (await everything(log, ENTRIES.name))[:4]}
    stand = [await store.position("match", ENTRIES.name, partition) for partition in range(PARTITIONS)]
    read = [one for one in await everything(cluster, ENTRIES.name) if one.offset < (stand[one.partition] or 0)]
    assert {one.headers["ce_id"] for one in read} == told
    assert [await store.position("match", ALERTS.name, partition) for partition in range(PARTITIONS)] == [
        0
    ] * PARTITIONS
    await store.bind_log(await cluster.log_id())
    with pytest.raises(UserError, match="belongs to the log"):
        await store.bind_log(await log.log_id())
    await store.close()
    await log.close()


class Failing(KafkaBroker):
    """Its connection is lost after so many calls, in the middle of what is then sent."""

    left = 4

    async def publish(self, records: Sequence[NewRecord]) -> list[Record]:
        """As ever, until it is over."""
        self.left -= 1
        if not self.left:
            await super().publish(records[: len(records) // 2])
            raise PassingFault("the connection was lost")
        return await super().publish(records)


@pytest.mark.parametrize("after", [1, 2, 5])
async def test_a_move_that_ended_in_the_middle_goes_on_and_copies_nothing_twice(
    folder: Path, open_cluster: Callable[..., Awaitable[KafkaBroker]], after: int
) -> None:
    cluster = await open_cluster(Failing)
    assert isinstance(cluster, Failing)
    cluster.left = after
    with pytest.raises(PassingFault):
        await moved(folder, cluster)
    again = await moved(folder, cluster)
    log = open_reader(folder)
    for topic in (SNAPSHOTS.name, POLLS.name, ENTRIES.name, SUBSCRIPTIONS.name):
        assert by_key(await everything(cluster, topic)) == by_key(await everything(log, topic))
    await log.close()
    assert sum(one.copied + one.there for one in again if one.topic == SNAPSHOTS.name) == 330
    assert {one.copied for one in await moved(folder, cluster) if "state" not in one.topic} == {0}


async def test_topics_that_hold_what_is_no_copy_are_refused_before_anything_is_written(
    folder: Path, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster()
    await cluster.publish([record(ENTRIES.name, "feed-1", 0)])
    with pytest.raises(UserError, match=r"entries\.v1/\d on the cluster holds records that are no copies of this log"):
        await moved(folder, cluster)
    assert await everything(cluster, POLLS.name) == []


async def test_a_look_before_the_move_refuses_what_the_move_would_refuse(
    folder: Path, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster()
    with held(folder) as log:
        try:
            await require_room(log, cluster)
            await move(log, cluster, {}, progress=silent)
            await require_room(log, cluster)
            await cluster.publish([record(POLLS.name, "feed-1", 31)])
            with pytest.raises(UserError, match=r"polls\.v1/\d on the cluster holds records that are no copies"):
                await require_room(log, cluster)
        finally:
            await log.close()


async def test_a_cluster_that_went_on_after_the_move_is_not_moved_to_again(
    folder: Path, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster()
    await moved(folder, cluster)
    await cluster.publish([record(POLLS.name, "feed-1", 31)])
    with pytest.raises(UserError, match="once, before anything runs there"):
        await moved(folder, cluster)


async def test_what_the_log_took_in_since_an_earlier_move_is_copied_behind_it(
    folder: Path, open_cluster: OpenCluster
) -> None:
    cluster = await open_cluster()
    await moved(folder, cluster)
    runner = open_runner(folder)
    await runner.publish([record(SNAPSHOTS.name, feed, 30) for feed in FEEDS])
    await runner.close()
    [snapshots] = [one for one in await moved(folder, cluster) if one.topic == SNAPSHOTS.name]
    assert (snapshots.copied, snapshots.there) == (len(FEEDS), 330)


async def test_a_group_that_has_members_now_is_left_alone(folder: Path, open_cluster: OpenCluster) -> None:
    cluster = await open_cluster()
    consumer = await cluster.consumer("diff", [SNAPSHOTS.name])
    await consumer.poll(wait=1.0)
    with pytest.raises(UserError, match=r"diff has members now"):
        await moved(folder, cluster)


async def test_a_log_that_runs_is_not_moved(folder: Path, open_cluster: OpenCluster) -> None:
    cluster = await open_cluster()
    runner = open_runner(folder)
    with pytest.raises(UserError, match="stop it first"):
        await moved(folder, cluster)
    await runner.close()
