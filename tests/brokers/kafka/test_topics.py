from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.servers.kafka import KafkaServer
from wirewatch.brokers.connect import connect, declared_topics
from wirewatch.brokers.interface import NewRecord
from wirewatch.brokers.kafka import Address, KafkaBroker, Layout, opening
from wirewatch.brokers.kafka.topics import Found, decide_differences
from wirewatch.brokers.kept_state import KeptState, pack_state
from wirewatch.errors import BadInput, PassingFault, UserError
from wirewatch.settings import Settings
from wirewatch.settings.declared import Kafka
from wirewatch.topics import DIFF_STATE, FEEDS, SNAPSHOTS, Topic

LAYOUT = Layout(partitions=24, replication=3)


def found(topic: Topic, **changed: str) -> Found:
    settings = LAYOUT.settings_of(topic) | {name.replace("_", "."): value for name, value in changed.items()}
    return Found(24, 3, settings)


def test_topics_as_declared_differ_in_nothing() -> None:
    assert decide_differences(SNAPSHOTS, LAYOUT, found(SNAPSHOTS)) == []
    assert decide_differences(FEEDS, LAYOUT, found(FEEDS, retention_ms="604800000")) == []
    assert decide_differences(SNAPSHOTS, LAYOUT, found(SNAPSHOTS, max_message_bytes=str(64 << 20))) == []


@pytest.mark.parametrize(
    ("there", "words", "grave"),
    [
        (None, "does not exist; create it with `wirewatch topics create`", True),
        (Found(12, 3, {}), "has 12 partitions, not 24.*topics grow 24", True),
        (Found(48, 3, {}), "has 48 partitions, not 24 .*; set that to 48, for a topic never has fewer", True),
        (Found(24, 1, {}), "is kept 1 times, not 3", False),
        (found(SNAPSHOTS, cleanup_policy="compact"), "cleanup.policy is compact, not delete", True),
        (found(SNAPSHOTS, retention_ms="1000"), "retention_ms is 1000, not 259200000", False),
        (found(SNAPSHOTS, max_message_bytes="1048588"), "max.message.bytes is 1048588, not 16777216", True),
        (found(SNAPSHOTS, message_timestamp_type="CreateTime"), "message.timestamp.type is CreateTime", True),
        (found(SNAPSHOTS, min_insync_replicas="1"), "min.insync.replicas is 1, not 2", False),
    ],
)
def test_each_difference_is_named(there: Found | None, words: str, grave: bool) -> None:
    (difference,) = decide_differences(SNAPSHOTS, LAYOUT, there)
    assert difference.text.startswith("wirewatch.snapshots.v1")
    assert difference.grave is grave
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(difference.text)


@pytest.mark.servers
async def test_a_runner_refuses_a_cluster_without_its_topics_and_starts_once_they_are_there(
    kafka: KafkaServer, tmp_path: Path
) -> None:
    await kafka.empty()
    settings = Settings(broker=kafka.url, kafka=Kafka(partitions=2))
    with pytest.raises(UserError, match=r"does not exist.*Nothing was started.*wirewatch topics create"):
        await connect(settings, data_dir=tmp_path, mode="runner")
    one, two = [await connect(settings, data_dir=tmp_path, mode="writer") for _ in range(2)]
    try:
        declared = declared_topics(settings)
        made = await asyncio.gather(one.create_topics(declared), two.create_topics(declared))
        assert sorted(made[0] + made[1]) == sorted(topic.name for topic in declared)
        assert await one.check_topics(declared) == []
    finally:
        await one.close()
        await two.close()
    runner = await connect(settings, data_dir=tmp_path, mode="runner")
    state = pack_state(KeptState(1, b"state of a"))
    await runner.publish([NewRecord(DIFF_STATE.name, "a", state, {}), NewRecord(DIFF_STATE.name, "b", b"x", {})])
    assert await runner.read_state("diff", "a") == b"state of a"
    await runner.close()
    with pytest.raises(UserError, match="has 2 partitions, not 24"):
        await connect(Settings(broker=kafka.url), data_dir=tmp_path, mode="runner")


@pytest.mark.servers
async def test_what_the_cluster_would_do_of_its_own_accord_is_said_and_never_set_off(
    secure: KafkaServer, prefix: str
) -> None:
    broker = KafkaBroker(Address((secure.bootstrap,)), prefix=prefix)
    await broker.open()
    try:
        assert any("auto.create.topics.enable on" in line for line in await broker.check_topics([]))
        with pytest.raises(UserError, match=r"no topic nowhere\.v1"):
            await broker.publish([NewRecord("nowhere.v1", "k", b"x", {})])
        with pytest.raises(UserError, match=r"no topic nowhere\.v1"):
            await broker.consumer("g", ["nowhere.v1"])
        await broker.topics.look()
        assert broker.topics.names() == []
    finally:
        await broker.close()


@pytest.mark.servers
async def test_a_record_is_held_to_the_limit_that_the_topic_has_there(
    kafka: KafkaServer, broker: KafkaBroker, prefix: str
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    small = NewTopic(f"{prefix}test.small.v1", 1, 1, topic_configs={"max.message.bytes": "70000"})
    await admin.create_topics([small])
    await admin.close()
    await broker.publish([NewRecord("test.small.v1", "k", bytes(60_000), {})])
    with pytest.raises(BadInput, match="limit of 70000 bytes"):
        await broker.publish([NewRecord("test.small.v1", "k", bytes(70_000), {})])


async def test_an_address_where_nobody_answers_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_PATIENCE", {"reader": 0.1})
    for url, words in (("127.0.0.1:1", "cannot be reached"), ("no-such-host.invalid:9092", "cannot be reached")):
        with pytest.raises(PassingFault, match=words):
            await connect(Settings(broker=f"kafka://{url}"), data_dir=tmp_path, mode="reader")
