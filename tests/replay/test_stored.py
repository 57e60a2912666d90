"""Stored snapshots through today's parser and diff, against what was published: on a real log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import orjson
import pytest

from processors.diff_handler import DiffHandler
from processors.stored_replay import compare_events, compare_stored, replay_stored
from wirewatch import topics
from wirewatch.brokers.embedded import open_runner
from wirewatch.brokers.interface import Broker, NewRecord
from wirewatch.cli.commands.stored import print_comparison
from wirewatch.events import EntryEvent, JsonPaths, ParseDefinition, SnapshotInfo, decode, encode
from wirewatch.identity import body_hash, snapshot_id
from wirewatch.times import parse_ms

FEED = "valley"
PATHS = JsonPaths(id="id", headline="title", body="text")
DEFINITION = ParseDefinition("https://valley.example/list", kind="json", listing="full", json=PATHS)
LISTS = [
    [("1", "River rises")],
    [("2", "Road closed"), ("1", "River rises")],
    [("2", "Road closed, 3 injured"), ("1", "River rises")],
    [("2", "Road closed, 5 injured")],
    [("2", "Road closed, 5 injured")],
    [("3", "Road open"), ("2", "Road closed, 5 injured")],
]


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    opened = open_runner(tmp_path / "log")
    yield opened
    await opened.close()


def snapshot(number: int, items: list[tuple[str, str]], feed_id: str = FEED) -> NewRecord:
    body = orjson.dumps([{"id": id_, "title": title, "text": ""} for id_, title in items])
    info = SnapshotInfo(
        kind="body",
        feed_id=feed_id,
        owner=1,
        number=number,
        snapshot_id=snapshot_id(feed_id, 1, number),
        fetched_at=f"2022-01-07T12:{number:02d}:00.000Z",
        definition=DEFINITION,
        body_hash=body_hash(body),
    )
    return NewRecord(topics.SNAPSHOTS.name, feed_id, body, {"ww_info": encode(info).decode()})


async def run_through(broker: Broker, *, keep: int = 0) -> list[EntryEvent]:
    """Snapshots stored (from the ``keep``-th on) and their events published, as the stage does; the events."""
    handler, state, events = DiffHandler(), None, []
    for number, items in enumerate(LISTS, 1):
        new = snapshot(number, items)
        records = await broker.publish([new]) if number > keep else []
        if not records:
            throwaway = msgspec.structs.replace(new, key="another")
            records = [msgspec.structs.replace(r, key=FEED) for r in await broker.publish([throwaway])]
        step = handler.handle(records[0], state)
        state = step.state if step.state is not None else state
        outputs = [output for output in step.outputs if output.topic == topics.ENTRY_EVENTS.name]
        await broker.publish(outputs)
        events += [decode(output.value or b"", EntryEvent) for output in outputs]
    return events


async def test_the_same_parser_and_diff_differ_in_nothing(broker: Broker) -> None:
    events = await run_through(broker)
    found = await compare_stored(broker, FEED, 0)
    assert [event.op for event in events] == ["baseline", "created", "updated", "updated", "withdrawn", "created"]
    assert (found.same, found.groups, found.snapshots, found.notes) == (len(events), [], 6, ())


async def test_each_step_says_which_snapshot_it_is(broker: Broker) -> None:
    await run_through(broker)
    steps = [step async for step in replay_stored(broker, FEED)]
    assert [step.number for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [event.op for event in steps[1].diffed.events] == ["created"]


async def test_only_what_lies_after_the_moment_is_compared(broker: Broker) -> None:
    await run_through(broker)
    found = await compare_stored(broker, FEED, parse_ms("2022-01-07T12:04:00Z"))
    assert (found.snapshots, found.same, found.groups) == (3, 3, [])


async def test_a_log_that_begins_in_the_middle_compares_from_its_second_snapshot(broker: Broker) -> None:
    await run_through(broker, keep=1)
    found = await compare_stored(broker, FEED, 0)
    assert found.groups == []
    assert found.snapshots == 4
    assert found.notes == ("1 events of that time were published from snapshots that are not kept any more",)


async def test_an_event_published_twice_counts_once(broker: Broker) -> None:
    events = await run_through(broker)
    twice = NewRecord(topics.ENTRY_EVENTS.name, FEED, encode(events[-1]), {})
    await broker.publish([twice])
    assert (await compare_stored(broker, FEED, 0)).groups == []


async def test_what_was_published_otherwise_is_grouped_and_counted(broker: Broker) -> None:
    events = await run_through(broker)
    stray = msgspec.structs.replace(events[1], id="ev_stray", entry_id="en_stray", native_id="9", headline="Stray")
    other = msgspec.structs.replace(events[2], id="ev_other", entry_id="en_moved", grade="normal")
    found = compare_events([*events[:2], stray, other, *events[3:]], events[:-1])
    assert [(g.difference, g.op, g.now, g.fields, g.count) for g in found.groups] == [
        ("different", "updated", "updated", ("grade",), 1),
        ("missing", "created", None, (), 2),
    ][::-1]
    assert {sample.published for sample in found.groups[0].samples} == {"Stray", "Road open"}


async def test_what_would_be_new_is_said_with_its_headline(broker: Broker) -> None:
    events = await run_through(broker)
    (group,) = compare_events(events[:-1], events).groups
    assert (group.difference, group.op, group.samples[0].now) == ("new", "created", "Road open")
    assert group.samples[0].published is None


async def test_a_feed_without_snapshots_says_so(broker: Broker) -> None:
    assert (await compare_stored(broker, "nowhere", 0)).notes == ("no snapshot of this feed is kept",)


async def test_the_command_prints_the_differences_and_the_totals(
    broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    events = await run_through(broker)
    stray = msgspec.structs.replace(events[1], id="ev_stray", entry_id="en_stray", native_id="9", headline="Stray")
    print_comparison(compare_events([*events, stray], events))
    said = capsys.readouterr()
    assert "missing" in said.out
    assert "Stray" in said.out
    assert f"{len(events)} events the same" in said.err
