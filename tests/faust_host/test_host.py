"""The Faust host against a real cluster: every guard-rail, one rule a test."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from faust.tables.recovery import Recovery
from faust.types import TP

from processors.faust_host import worker
from processors.faust_host.transport import Consumer
from processors.faust_host.worker import Vigil
from tests.faust_host.kit import (
    PARTITIONS,
    Gate,
    Numbered,
    Passing,
    Trouble,
    committed_all,
    compare,
    length,
    numbered,
    opened,
    read_all,
    running,
    until,
)
from tests.servers.kafka import KafkaServer
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.brokers.kafka import KafkaBroker
from wirewatch.brokers.kafka.forgetting import forget_state
from wirewatch.brokers.kept_state import KeptState, pack_state
from wirewatch.brokers.partitioning import partition_for
from wirewatch.errors import BadInput, BrokenStorage, PassingFault, UserError
from wirewatch.hosting import Step
from wirewatch.topics import DEAD_LETTERS, DIFF_STATE, ENTRIES, ENTRY_EVENTS, SNAPSHOTS, TOPICS

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]


async def done(broker: KafkaBroker, stage: str = "diff", topic: str = SNAPSHOTS.name) -> None:
    await until(lambda: committed_all(broker, stage, topic), seconds=60, said="all committed")


async def test_every_record_comes_out_once_in_order_with_its_headers_and_its_state_can_be_read(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    sent = numbered(200, keys=7)
    await broker.publish(sent)
    async with running(broker, Numbered(), tmp_path):
        await done(broker)
    got = await read_all(broker, ENTRY_EVENTS.name)
    seen = compare(sent, got)
    assert (seen.lost, seen.twice, seen.out_of_order) == (0, 0, 0)
    given = {new.value: new.headers["given"] for new in sent}
    assert all(record.headers["given"] == given[record.value] for record in got)
    assert await broker.read_state("diff", "feed-3") == str(len([1 for new in sent if new.key == "feed-3"])).encode()
    assert not [thread for thread in threading.enumerate() if "diff" in thread.name.lower()]


async def test_what_was_read_and_thrown_away_before_anything_was_committed_is_read_again(
    broker: KafkaBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F9: partitions that change hands at the very start, where a group has no offset to go back to."""
    sent = numbered(40, keys=7)
    await broker.publish(sent)
    read, thrown = Consumer._getmany, []

    async def thrown_away_at_first(self: Consumer, active_partitions: set[TP] | None, timeout: float) -> dict[Any, Any]:  # noqa: ASYNC109 - the driver's
        records = await read(self, active_partitions, timeout)
        if thrown or not any(tp.topic.endswith(SNAPSHOTS.name) for tp in records):
            return records
        thrown.extend(records)
        await self.perform_seek()  # as Faust does where flow ceased, and where a recovery ends
        return {}

    monkeypatch.setattr(Consumer, "_getmany", thrown_away_at_first)
    async with running(broker, Numbered(), tmp_path):
        await done(broker)
    seen = compare(sent, await read_all(broker, ENTRY_EVENTS.name))
    assert thrown
    assert (seen.lost, seen.twice, seen.out_of_order) == (0, 0, 0)


async def test_batches_that_are_dropped_on_their_way_are_read_again_also_the_last(
    broker: KafkaBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = numbered(60, keys=7)
    read, dropped = Consumer._getmany, []

    async def dropping(self: Consumer, active_partitions: set[TP] | None, timeout: float) -> dict[Any, Any]:  # noqa: ASYNC109 - the driver's
        records = await read(self, active_partitions, timeout)
        sources = [tp for tp in records if tp.topic.endswith(SNAPSHOTS.name)]
        if len(dropped) >= 3 or not sources:
            return records
        dropped.append(sources)  # and no seek follows: nothing but the guard brings them again
        return {}

    monkeypatch.setattr(Consumer, "_getmany", dropping)
    async with running(broker, Numbered(), tmp_path):
        await broker.publish(sent[:30])
        await done(broker)
        dropped[2:] = []
        await broker.publish(sent[30:])
        await done(broker)
    seen = compare(sent, await read_all(broker, ENTRY_EVENTS.name))
    assert len(dropped) == 3
    assert (seen.lost, seen.out_of_order) == (0, 0)


async def test_clean_restarts_under_load_lose_nothing(broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path) -> None:
    sent = numbered(600, keys=11)

    async def feed() -> None:
        for at in range(0, len(sent), 15):
            await broker.publish(sent[at : at + 15])
            await asyncio.sleep(0.05)

    feeding = asyncio.create_task(feed())
    for _ in range(2):
        async with running(broker, Numbered(), tmp_path):
            seen = await length(broker, ENTRY_EVENTS.name)

            async def more(before: int = seen) -> bool:
                return await length(broker, ENTRY_EVENTS.name) > before

            await until(more, said="it works on")
    await feeding
    async with running(broker, Numbered(), tmp_path):
        await done(broker)
    outcome = compare(sent, await read_all(broker, ENTRY_EVENTS.name))
    assert (outcome.lost, outcome.twice, outcome.out_of_order) == (0, 0, 0)


async def test_a_bad_record_is_dead_lettered_at_once_and_the_next_goes_on(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    sent = numbered(12, keys=2)
    await broker.publish(sent)
    handler = Numbered(Trouble(b"feed-1/3", BadInput("as agreed", reason="agreed")))
    async with running(broker, handler, tmp_path):
        await done(broker)
    assert handler.tried.count(b"feed-1/3") == 1
    (letter,) = await read_all(broker, DEAD_LETTERS.name)
    told = json.loads(letter.value or b"")
    assert (told["fate"], told["reason"], told["stage"], told["key"]) == ("bad-input", "agreed", "diff", "feed-1")
    assert (
        compare([new for new in sent if new.value != b"feed-1/3"], await read_all(broker, ENTRY_EVENTS.name)).lost == 0
    )


async def test_a_bug_is_tried_three_times_then_dead_lettered_with_its_traceback(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    sent = numbered(12, keys=2)
    await broker.publish(sent)
    handler = Numbered(Trouble(b"feed-0/2", ZeroDivisionError("ours")))
    async with running(broker, handler, tmp_path):
        await done(broker)
    assert handler.tried.count(b"feed-0/2") == 3
    (letter,) = await read_all(broker, DEAD_LETTERS.name)
    told = json.loads(letter.value or b"")
    assert told["fate"] == "bug"
    assert "ZeroDivisionError: ours" in told["traceback"]
    assert (
        compare([new for new in sent if new.value != b"feed-0/2"], await read_all(broker, ENTRY_EVENTS.name)).lost == 0
    )


async def test_a_passing_fault_is_tried_until_it_has_passed_and_no_offset_moves_meanwhile(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    trouble = Trouble(b"feed-0/1", PassingFault("away", retry_after=0.05))
    sent = numbered(8, keys=1)
    await broker.publish(sent)
    partition = partition_for("feed-0", PARTITIONS)
    async with running(broker, Numbered(trouble), tmp_path):
        await until(lambda: trouble.raised >= 30, said="it is tried again")
        assert not await broker.committed("diff", SNAPSHOTS.name, partition)
        assert await read_all(broker, ENTRY_EVENTS.name) == []
        trouble.left = 0
        await done(broker)
    assert compare(sent, await read_all(broker, ENTRY_EVENTS.name)).out_of_order == 0
    assert await read_all(broker, DEAD_LETTERS.name) == []


async def test_a_stop_does_not_wait_for_a_fault_to_pass_and_the_record_is_done_by_the_next(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    trouble = Trouble(b"feed-0/2", PassingFault("away"))
    sent = numbered(6, keys=1)
    await broker.publish(sent)
    async with running(broker, Numbered(trouble), tmp_path):
        await until(lambda: trouble.raised >= 3)
    async with running(broker, Numbered(), tmp_path):
        await done(broker)
    outcome = compare(sent, await read_all(broker, ENTRY_EVENTS.name))
    assert (outcome.lost, outcome.twice, outcome.out_of_order) == (0, 0, 0)


async def test_the_offset_never_passes_a_record_that_is_in_work(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    gate = Gate(b"feed-0/4")
    sent = numbered(20, keys=1)
    await broker.publish(sent)
    partition = partition_for("feed-0", PARTITIONS)
    async with running(broker, Numbered(gate), tmp_path):
        await until(gate.reached.is_set)

        async def behind() -> bool:
            return await broker.committed("diff", SNAPSHOTS.name, partition) == 3

        await until(behind, said="what is done is committed")
        await asyncio.sleep(1.5)  # three commits more
        assert await behind()
        gate.open.set()
        await done(broker)


async def test_heartbeats_go_on_while_a_handler_is_busy_for_longer_than_a_session(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    def long_at_second(value: bytes) -> None:
        if value == b"feed-0/2":
            began.set()
            time.sleep(8)  # the session is 6 s

    began = threading.Event()
    sent = numbered(4, keys=1)
    await broker.publish(sent)
    handler = Numbered(long_at_second)
    async with running(broker, handler, tmp_path):
        await until(began.is_set)
        members = await _members(broker, kafka)
        await done(broker)
        assert await _members(broker, kafka) == members
    assert handler.tried == [new.value for new in sent]
    assert compare(sent, await read_all(broker, ENTRY_EVENTS.name)).twice == 0


async def _members(broker: KafkaBroker, kafka: KafkaServer) -> object:
    """The group's state and its members by the ids that they got when they joined."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([broker.link.wire_name("wirewatch.diff")])
    finally:
        await admin.close()
    group = answer.to_object()["groups"][0]
    assert (group["state"], len(group["members"])) == ("Stable", 1)
    return group["members"][0]["member_id"]


async def test_a_stage_without_state_keeps_many_on_their_way_and_commits_up_to_the_first_that_is_not_durable(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    events = [NewRecord(ENTRY_EVENTS.name, "feed-0", f"feed-0/{number}".encode(), {}) for number in range(1, 601)]
    await broker.publish(events)
    async with running(broker, Passing(), tmp_path, inputs=ENTRY_EVENTS.name):
        await done(broker, "enrich", ENTRY_EVENTS.name)
    outcome = compare(events, await read_all(broker, ENTRIES.name))
    assert (outcome.lost, outcome.twice, outcome.out_of_order) == (0, 0, 0)


async def test_a_change_of_hands_that_faust_does_not_end_is_begun_anew(
    broker: KafkaBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F9: changes that overtake each other left it waiting for one that had come already."""
    resume, left = Recovery._resume_streams, []

    async def overtaken_at_first(self: Recovery, generation_id: int = 0) -> None:
        if left:
            await resume(self, generation_id)
        left.append(generation_id)

    monkeypatch.setattr(Recovery, "_resume_streams", overtaken_at_first)
    monkeypatch.setattr(worker, "HELD_UP_SESSIONS", 0.5)
    events = [NewRecord(ENTRY_EVENTS.name, "feed-0", f"feed-0/{number}".encode(), {}) for number in range(1, 31)]
    await broker.publish(events)
    async with running(broker, Passing(), tmp_path, inputs=ENTRY_EVENTS.name):
        await done(broker, "enrich", ENTRY_EVENTS.name)
    outcome = compare(events, await read_all(broker, ENTRIES.name))
    assert (outcome.lost, outcome.twice, outcome.out_of_order) == (0, 0, 0)


async def test_two_stages_share_a_process_and_its_event_loop(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    sent = numbered(60, keys=5)
    async with (
        running(broker, Numbered(), tmp_path),
        running(broker, Passing(), tmp_path, inputs=ENTRY_EVENTS.name),
    ):
        await broker.publish(sent)
        await until(lambda: _count(broker, ENTRIES.name, len(sent)))
    assert compare(sent, await read_all(broker, ENTRIES.name)).out_of_order == 0


async def _count(broker: KafkaBroker, topic: str, count: int) -> bool:
    return await length(broker, topic) >= count


class Forgetting:
    """Keeps how often it saw a key; ``forget`` empties that, explicitly."""

    stage = "diff"
    stateful = True

    def handle(self, record: Record, state: bytes | None) -> Step:
        said = "nothing" if state is None else state.decode() or "empty"
        kept = b"" if record.value == b"forget" else b"full"
        return Step([NewRecord(ENTRY_EVENTS.name, record.key, said.encode(), {})], kept)


async def test_an_emptied_state_is_recovered_as_empty_also_where_it_is_the_last_in_its_changelog(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    def say(value: bytes) -> NewRecord:
        return NewRecord(SNAPSHOTS.name, "feed", value, {})

    await broker.publish([say(b"a"), say(b"forget")])
    async with running(broker, Forgetting(), tmp_path):
        await done(broker)
    await broker.publish([say(b"b")])
    async with running(broker, Forgetting(), tmp_path):
        await done(broker)
    assert [record.value for record in await read_all(broker, ENTRY_EVENTS.name)] == [b"nothing", b"full", b"empty"]
    assert all(record.value is not None for record in await read_all(broker, DIFF_STATE.name))


async def test_state_is_there_again_on_a_machine_that_has_nothing(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    sent = numbered(100, keys=20)
    await broker.publish(sent)
    async with running(broker, Numbered(), tmp_path / "first"):
        await done(broker)
    # the same records again: only state tells that they were done
    await broker.publish(sent)
    async with running(broker, Numbered(), tmp_path / "bare"):
        await done(broker)
    assert len(await read_all(broker, ENTRY_EVENTS.name)) == len(sent)


async def test_what_a_grown_changelog_says_of_a_key_in_its_old_partition_takes_no_state_away(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    sent = numbered(100, keys=20)
    await broker.publish(sent)
    async with running(broker, Numbered(), tmp_path / "before"):
        await done(broker)
    count = broker.partitions(DIFF_STATE.name)
    left_behind = [
        (NewRecord(DIFF_STATE.name, key, None, {}), (partition_for(key, count) + step) % count)
        for key in {record.key for record in sent}
        for step in range(1, count)
    ]
    await broker.append_to(left_behind)
    await broker.publish(sent)
    async with running(broker, Numbered(), tmp_path / "bare"):
        await done(broker)
    assert len(await read_all(broker, ENTRY_EVENTS.name)) == len(sent)


async def test_state_of_a_newer_version_ends_the_process_in_words_and_nothing_moves(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    await broker.publish([NewRecord(DIFF_STATE.name, "feed-0", pack_state(KeptState(9, b"of tomorrow")), {})])
    await broker.publish(numbered(3, keys=1))
    with pytest.raises(BrokenStorage, match=r"state of diff for 'feed-0' was written by a newer wirewatch \(version 9"):
        async with running(broker, Numbered(), tmp_path) as task:
            await asyncio.wait({task}, timeout=40)
    assert not await broker.committed("diff", SNAPSHOTS.name, 0)
    assert await read_all(broker, ENTRY_EVENTS.name) == []


async def test_damaged_state_ends_the_process_in_words_until_it_is_forgotten(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    sent = numbered(2, keys=1)
    await broker.publish([NewRecord(DIFF_STATE.name, "feed-0", b"rubbish", {}), *sent])
    words = r"state of diff for 'feed-0': a state of 7 bytes is no state.*wirewatch feeds forget feed-0"
    with pytest.raises(BrokenStorage, match=words):
        async with running(broker, Numbered(), tmp_path) as task:
            await asyncio.wait({task}, timeout=40)
    await until(lambda: _forgotten(broker), seconds=20, said="what ended so keeps its place in the group for a session")
    with pytest.raises(UserError, match="keeps nothing of 'feed-1'"):
        await forget_state(broker, "diff", "feed-1")
    async with running(broker, Numbered(), tmp_path):
        await done(broker)
        with pytest.raises(UserError, match="diff has 1 members at work: stop every wirewatch that runs diff"):
            await forget_state(broker, "diff", "feed-0")
    assert compare(sent, await read_all(broker, ENTRY_EVENTS.name)).lost == 0


async def _forgotten(broker: KafkaBroker) -> bool:
    try:
        await forget_state(broker, "diff", "feed-0")
    except UserError:
        return False
    return True


async def test_a_missing_topic_is_refused_in_words_before_anything_starts(kafka: KafkaServer, tmp_path: Path) -> None:
    async with opened(kafka.url, "bare.") as bare:
        await bare.create_topics([topic for topic in TOPICS.values() if topic is not ENTRY_EVENTS])
        with pytest.raises(UserError) as refused:
            async with running(bare, Numbered(), tmp_path) as task:
                await asyncio.wait({task}, timeout=20)
    assert ENTRY_EVENTS.name in str(refused.value)
    assert DIFF_STATE.name in str(refused.value)
    assert "wirewatch topics create" in str(refused.value)


async def test_a_record_of_fourteen_mebibytes_passes(broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path) -> None:
    large = b"x" * (14 << 20)

    class Large(Passing):
        def handle(self, record: Record, state: bytes | None) -> Step:
            return Step([NewRecord(ENTRIES.name, record.key, record.value, {})])

    await broker.publish(
        [NewRecord(ENTRY_EVENTS.name, "feed", large, {}), NewRecord(ENTRY_EVENTS.name, "feed", b"after", {})]
    )
    async with running(broker, Large(), tmp_path, inputs=ENTRY_EVENTS.name):
        await done(broker, "enrich", ENTRY_EVENTS.name)
    assert [len(record.value or b"") for record in await read_all(broker, ENTRIES.name)] == [len(large), 5]


async def test_an_output_over_its_topics_limit_is_dead_lettered_and_nothing_of_its_record_is_published(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    class Bloating(Numbered):
        def handle(self, record: Record, state: bytes | None) -> Step:
            step = super().handle(record, state)
            if record.value == b"feed-0/2":
                return Step(
                    [*step.outputs, NewRecord(ENTRY_EVENTS.name, record.key, b"x" * (17 << 20), {})], step.state
                )
            return step

    await broker.publish(numbered(3, keys=1))
    async with running(broker, Bloating(), tmp_path):
        await done(broker)
    (letter,) = await read_all(broker, DEAD_LETTERS.name)
    assert json.loads(letter.value or b"")["reason"] == "too-large"
    assert [record.value for record in await read_all(broker, ENTRY_EVENTS.name)] == [b"feed-0/1", b"feed-0/3"]


async def test_a_record_that_is_none_of_ours_is_dead_lettered(
    broker: KafkaBroker, kafka: KafkaServer, tmp_path: Path
) -> None:
    await broker.publish([NewRecord(SNAPSHOTS.name, "", b"no key", {}), *numbered(1, keys=1)])
    async with running(broker, Numbered(), tmp_path):
        await done(broker)
    (letter,) = await read_all(broker, DEAD_LETTERS.name)
    assert json.loads(letter.value or b"")["reason"] == "bad-key"
    assert len(await read_all(broker, ENTRY_EVENTS.name)) == 1


async def test_a_worker_that_starts_again_goes_on_where_it_was_and_leaves_no_thread_behind(
    broker: KafkaBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = numbered(60, keys=3)
    await broker.publish(sent[:30])
    async with running(broker, Numbered(), tmp_path):
        await done(broker)
        threads = threading.active_count()
        ends: list[object] = []

        def once(vigil: Vigil, _now: float) -> bool:
            ends.append(vigil)
            return vigil is ends[0]

        monkeypatch.setattr(Vigil, "broken", once)
        await until(lambda: any(one is not ends[0] for one in ends), said="another worker works")
        await broker.publish(sent[30:])
        await done(broker)
        assert threading.active_count() <= threads
    outcome = compare(sent, await read_all(broker, ENTRY_EVENTS.name))
    assert (outcome.lost, outcome.twice, outcome.out_of_order) == (0, 0, 0)
