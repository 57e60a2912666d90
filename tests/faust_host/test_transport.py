"""The guarded transport: what is read while partitions change hands, and how much at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.structs import TopicPartition
from faust.transport import by_url
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from processors.faust_host import transport
from processors.faust_host.building import Plan, build_app, credentials_of
from processors.faust_host.progress import Progress
from processors.faust_host.reading_thread import BATCH_BYTES, FETCH_BYTES, ConsumerThread, unless_stopping
from processors.faust_host.readings import Batch, Readings
from processors.faust_host.transport import QUEUE_BYTES, Consumer, Transport
from wirewatch.brokers.kafka.address import Address
from wirewatch.topics import DIFF_STATE, SNAPSHOTS

SOURCE, CHANGELOG = TP(SNAPSHOTS.name, 0), TP(DIFF_STATE.name, 0)


def plan(folder: Path, address: Address | None = None) -> Plan:
    partitions = {SNAPSHOTS.name: 4, DIFF_STATE.name: 4}
    return Plan("diff", address or Address(("127.0.0.1:9",)), folder, (SNAPSHOTS.name,), partitions, "one")


def test_the_brokers_address_picks_the_guarded_transport() -> None:
    assert by_url("wirewatch://127.0.0.1:9092") is Transport


class Reader:
    """The thread that reads: of each partition it goes to offset 7, and gives one record of each a call."""

    def __init__(self) -> None:
        self.readings = Readings()
        self.sought: list[set[TP]] = []
        self.offset = 7

    async def seek_to_committed(self, *only: TP) -> dict[TP, int]:
        self.sought.append(set(only))
        for tp in only or (SOURCE,):
            self.readings.begin(tp)
        self.offset = 7
        return dict.fromkeys(only or (SOURCE,), 7)

    def give(self, active: set[TP]) -> Batch:
        batch = Batch()
        batch.add({TopicPartition(*tp): [SimpleNamespace(offset=self.offset)] for tp in active}, self.readings)
        self.offset += 1
        return batch


class Bare(Consumer):
    """A consumer without threads: what is asked of the driver is written down."""

    def __init__(self, *, rebalancing: bool, waiting: int = 0) -> None:
        self.app: Any = SimpleNamespace(rebalancing=rebalancing, in_recovery=False)
        self.waiting = waiting
        self._buffered_partitions = set()
        self._active_partitions = set()
        self.flow_active = True
        self.waits: list[float] = []
        self.progress = Progress()
        self._reader: Any = Reader()
        self._unread = set()
        self._asked_at = 0.0
        self._again_at = 0.0
        self.queued: list[Any] = []

    def assignment(self) -> set[TP]:
        return {SOURCE, CHANGELOG}

    def _queued(self) -> Iterator[Any]:
        return iter(self.queued)

    def _is_changelog_tp(self, tp: TP) -> bool:
        return tp.topic == DIFF_STATE.name

    def _waiting_bytes(self) -> int:
        return self.waiting


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[set[TP]]:
    asked: list[set[TP]] = []

    async def getmany(self: Bare, active: set[TP], timeout: float) -> dict[Any, Any]:  # noqa: ASYNC109 - the driver's
        asked.append(active)
        self.waits.append(timeout)
        self.app.rebalancing = self.app.rebalancing or getattr(self, "begins", False)
        return self._reader.give(active)

    monkeypatch.setattr(driver.Consumer, "_getmany", getmany)
    return asked


async def test_while_partitions_change_hands_only_changelogs_are_read(asked: list[set[TP]]) -> None:
    consumer = Bare(rebalancing=True)
    await consumer.seek_to_committed()
    found = await consumer._getmany({SOURCE, CHANGELOG}, 0.0)
    assert asked == [{CHANGELOG}]
    assert set(found) == {TopicPartition(*CHANGELOG)}


async def test_where_there_is_no_changelog_nothing_is_read_meanwhile(asked: list[set[TP]]) -> None:
    # an empty set would mean every partition to the client
    assert await Bare(rebalancing=True)._getmany({SOURCE}, 0.0) == {}
    assert asked == []


async def test_what_was_read_when_a_change_began_is_left_for_later(asked: list[set[TP]]) -> None:
    consumer = Bare(rebalancing=False)
    await consumer.seek_to_committed()
    consumer.begins = True  # type: ignore[attr-defined]
    assert set(await consumer._getmany({SOURCE, CHANGELOG}, 0.0)) == {TopicPartition(*CHANGELOG)}


async def test_what_was_read_before_a_seek_is_not_handed_out_after_it(
    asked: list[set[TP]], monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = Bare(rebalancing=False)
    await consumer.seek_to_committed()
    on_its_way = consumer._reader.give({SOURCE, CHANGELOG})
    await consumer.seek_to_committed()
    consumer._reader.readings.begin(CHANGELOG)
    assert consumer._handed_out(on_its_way) == {}
    found = await consumer._getmany({SOURCE, CHANGELOG}, 0.0)
    assert set(found) == {TopicPartition(*SOURCE), TopicPartition(*CHANGELOG)}


async def test_what_was_read_before_partitions_went_is_not_handed_out_when_they_are_ours_again(
    asked: list[set[TP]],
) -> None:
    consumer = Bare(rebalancing=False)
    await consumer.seek_to_committed()
    on_its_way = consumer._reader.give({SOURCE})
    consumer._reader.readings.drop({SOURCE})
    assert consumer._handed_out(on_its_way) == {}


async def test_a_source_that_nobody_sought_is_read_from_what_is_committed(asked: list[set[TP]]) -> None:
    consumer = Bare(rebalancing=False)
    assert await consumer._getmany({SOURCE}, 0.0) == {}
    assert set(await consumer._getmany({SOURCE}, 0.0)) == {TopicPartition(*SOURCE)}
    assert consumer._reader.sought == [{SOURCE}]


async def test_a_record_that_never_came_is_read_again_with_all_that_followed(asked: list[set[TP]]) -> None:
    consumer = Bare(rebalancing=False)
    await consumer.seek_to_committed()
    for _ in (7, 8, 9):
        await consumer._getmany({SOURCE}, 0.0)
    assert consumer.progress.take(SOURCE, 7)
    consumer.queued = [SimpleNamespace(message=SimpleNamespace(tp=SOURCE))]
    assert not consumer.progress.take(SOURCE, 9)  # 8 was thrown away
    await consumer._getmany({SOURCE}, 0.0)
    assert consumer._reader.sought == [set()], "it waits until what is old is out of the queue"
    consumer.queued = []
    await consumer._getmany({SOURCE}, 0.0)
    assert consumer._reader.sought == [set(), {SOURCE}]
    assert consumer.progress.take(SOURCE, 7)
    assert not consumer.progress.broken()


async def test_the_last_record_that_was_read_and_never_came_is_read_again_though_none_follows(
    asked: list[set[TP]], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(transport, "monotonic", lambda: now)
    consumer = Bare(rebalancing=False)
    await consumer.seek_to_committed()
    await consumer._getmany({SOURCE}, 0.0)
    consumer.queued = [SimpleNamespace(message=SimpleNamespace(tp=SOURCE))]
    for now in (101.0, 110.0):  # noqa: B007 - the clock that the consumer looks at
        await consumer._read_again()
    consumer.queued = []  # cleared, and the record was not taken
    for now in (111.0, 112.0):  # noqa: B007 - as above
        await consumer._read_again()
    assert consumer._reader.sought == [set()], "it may be on its way to the agent"
    now = 114.0
    await consumer._read_again()
    assert consumer._reader.sought == [set(), {SOURCE}]


async def test_a_change_of_hands_that_does_not_end_is_known_by_nothing_being_read(
    asked: list[set[TP]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "monotonic", lambda: 100.0)
    consumer = Bare(rebalancing=True)
    await consumer._getmany({SOURCE, CHANGELOG}, 0.0)
    assert consumer.held_up(190.0) == 90.0
    consumer.app.rebalancing = False
    assert consumer.held_up(190.0) == 0.0
    consumer.flow_active = False
    assert consumer.held_up(190.0) == 90.0


async def test_a_seek_that_fails_is_tried_again(asked: list[set[TP]], monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Bare(rebalancing=False)
    tries: list[TP] = []

    async def away(*only: TP) -> dict[TP, int]:
        tries.extend(only)
        raise ConnectionError

    monkeypatch.setattr(consumer._reader, "seek_to_committed", away)
    for _ in range(3):
        consumer._again_at = 0.0
        assert await consumer._getmany({SOURCE}, 0.0) == {}
    assert tries == [SOURCE, SOURCE]


def test_a_batch_keeps_only_what_was_read_from_the_last_seek() -> None:
    readings, batch = Readings(), Batch()
    readings.begin(SOURCE)
    batch.add({SOURCE: ["old"], CHANGELOG: ["state"]}, readings)
    readings.begin(SOURCE)
    batch.add({SOURCE: ["new"]}, readings)
    assert batch == {SOURCE: ["new"], CHANGELOG: ["state"]}
    assert batch.readings == {SOURCE: readings.of(SOURCE), CHANGELOG: None}


async def test_nothing_more_is_read_while_enough_bytes_wait(asked: list[set[TP]]) -> None:
    assert await Bare(rebalancing=False, waiting=QUEUE_BYTES)._getmany({SOURCE}, 0.0) == {}
    assert asked == []


@pytest.mark.usefixtures("asked")
async def test_while_a_full_queue_holds_a_partition_back_the_others_are_not_waited_for_long() -> None:
    consumer = Bare(rebalancing=False)
    await consumer._getmany({SOURCE}, 1.0)
    consumer.on_buffer_full(TP(SNAPSHOTS.name, 1))
    await consumer._getmany({SOURCE}, 1.0)
    assert consumer.waits[0] == 1.0
    assert consumer.waits[1] < 0.1


async def test_where_all_are_held_back_they_are_looked_at_again_at_once() -> None:
    consumer = Bare(rebalancing=False)
    consumer.on_buffer_full(SOURCE)
    async with asyncio.timeout(0.5):
        assert await consumer._wait_next_records(1.0) == ({}, set())


async def test_a_batch_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def one(self: Any, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        assert kwargs["max_records"] == 1
        return {SOURCE: [SimpleNamespace(value=b"x" * (3 << 20))]}

    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_fetch_records", one)
    thread = ConsumerThread.__new__(ConsumerThread)
    thread.readings = Readings()
    found = await thread._fetch_records(None, {SOURCE}, timeout=0, max_records=64)
    assert sum(len(record.value) for record in found[SOURCE]) <= BATCH_BYTES + (3 << 20)


@pytest.mark.parametrize(("crashed", "name"), [(False, None), (True, "kept")])
async def test_a_member_that_ends_in_good_order_leaves_its_group_and_one_that_crashed_keeps_its_place(
    monkeypatch: pytest.MonkeyPatch, *, crashed: bool, name: str | None
) -> None:
    ended_as: list[str | None] = []

    async def stop(self: Any) -> None:
        ended_as.append(self._consumer._coordinator._group_instance_id)

    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "on_thread_stop", stop)
    monkeypatch.setattr(ConsumerThread, "crashed", False)
    thread = ConsumerThread.__new__(ConsumerThread)
    thread.app = SimpleNamespace(crashed=crashed)  # type: ignore[assignment]
    thread._consumer = SimpleNamespace(_coordinator=SimpleNamespace(_group_instance_id="kept"))
    await thread.on_thread_stop()
    assert ended_as == [name]


async def test_work_that_ends_with_its_thread_does_not_cancel_who_waits_for_it() -> None:
    async def with_its_thread() -> bool:
        raise asyncio.CancelledError

    app: Any = SimpleNamespace(should_stop=False)
    assert await unless_stopping(app, 5.0, with_its_thread(), otherwise=False) is False


def test_what_waits_and_what_is_fetched_stays_within_sixty_four_mebibytes() -> None:
    # a batch may come on top of a queue that is all but full, and a record of 16 MiB on top of each
    record = 16 << 20
    assert QUEUE_BYTES + BATCH_BYTES + record + FETCH_BYTES <= 64 << 20


def test_the_settings_that_guards_rest_on(tmp_path: Path) -> None:
    conf = build_app(plan(tmp_path)).conf
    assert conf.processing_guarantee.name == "AT_LEAST_ONCE"
    assert (conf.producer_linger, conf.producer_acks) == (0, -1)
    assert not conf.topic_allow_declare
    assert conf.topic_disable_leader
    assert not conf.web_enabled
    assert conf.consumer_group_instance_id == "one"
    assert conf.broker_session_timeout == 30
    assert 30 < conf.broker_request_timeout <= 40
    assert conf.table_standby_replicas == 0
    assert conf.datadir == tmp_path
    assert conf.stream_wait_empty
    assert [url.scheme for url in conf.broker] == ["wirewatch"]


def test_security_is_what_the_settings_say() -> None:
    assert credentials_of(Address(("h:1",))) is None
    said = credentials_of(Address(("h:1",), tls=True, username="u", password="p", mechanism="SCRAM-SHA-256"))
    assert said is not None
    options = driver.credentials_to_aiokafka_auth(said)
    assert (options["security_protocol"], options["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-256")
    assert options["sasl_plain_password"] == "p"
    assert "'p'" not in repr(said)
