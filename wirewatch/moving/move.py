"""The move itself: records, then states, then where each group and store stands. Killed, it goes on from there.

Nothing is written into the log that is moved. Every copy names the record it is of, so that what an earlier try has
copied is known, and what somebody else wrote is never mixed with it. Positions come last: until then nothing reads
on the cluster from a place that is not copied yet, and the stores still belong to the old log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from wirewatch.brokers.interface import Broker, NewRecord
from wirewatch.brokers.kept_state import pack_state
from wirewatch.control.model import Place
from wirewatch.errors import UserError
from wirewatch.moving import source
from wirewatch.moving.division import COPIED_FROM, Division, offset_in, origin
from wirewatch.topics import POLLS, SNAPSHOTS, STATE_TOPICS, TOPICS

if TYPE_CHECKING:
    from wirewatch.brokers.embedded.broker import EmbeddedBroker
    from wirewatch.brokers.interface import Record

Progress = Callable[[str, int, int], None]
"""Told of a topic's name, how many of its records are done, and of how many."""


class Cluster(Broker, Protocol):
    """A broker on which a group can be put at a place."""

    async def place_group(self, group: str, places: Mapping[tuple[str, int], int]) -> None:
        """Let the group read on from these offsets. Raises `UserError` where it has members now."""
        ...


class Rebound(Protocol):
    """A store that keeps places in a log, and can be told that they are now in a copy of it."""

    async def rebind_log(self, before: str, after: str, place: Place) -> bool:
        """Move to the copy, all positions together; False where that was done before."""
        ...


class Moved(Struct, frozen=True):
    """What was done with a topic. ``copied`` now, ``there`` by earlier tries."""

    topic: str
    copied: int
    there: int


async def count_source(log: EmbeddedBroker) -> dict[str, int]:
    """By topic, what there is to copy; states under the names of their topics."""
    counts = {name: await source.count(log, name) for name in _order()}
    return counts | {topic.name: await source.count_states(log, stage) for stage, topic in STATE_TOPICS.items()}


async def move(
    log: EmbeddedBroker, cluster: Cluster, stores: Mapping[str, Rebound], *, progress: Progress
) -> list[Moved]:
    """Copy everything, check it, and let groups and stores go on where they stand. ``stores`` by their names.

    Blocks until all is done. Raises `UserError` in words where the cluster holds what is no copy of this log, and
    what the brokers raise; calling it again then goes on.
    """
    before, after = await log.log_id(), await cluster.log_id()
    there = {name: await _already(cluster, name, before) for name in _order()}
    for topic in STATE_TOPICS.values():
        await _already(cluster, topic.name, before)
    divisions: dict[str, Division] = {}
    moved = []
    for name in _order():
        divisions[name], copied = await _copy(log, cluster, name, before, there[name], progress)
        moved.append(Moved(name, copied, sum(end for end, _ in there[name].values())))
    moved += [await _copy_states(log, cluster, stage, before, progress) for stage in STATE_TOPICS]
    await _require_complete(log, cluster, divisions)
    for (group, name), offset in (await source.groups(log)).items():
        if name in divisions:
            places = {(name, partition): at for partition, at in divisions[name].place(offset).items()}
            await cluster.place_group(group, places)
    for store in stores.values():
        await store.rebind_log(before, after, lambda topic, offset: divisions[topic].place(offset))
    return moved


async def require_room(log: EmbeddedBroker, cluster: Cluster) -> None:
    """`UserError` where a topic of the cluster holds what is no copy of this log. A missing one holds nothing."""
    before = await log.log_id()
    for name in (*_order(), *(topic.name for topic in STATE_TOPICS.values())):
        try:
            cluster.partitions(name)
        except UserError:
            continue
        await _already(cluster, name, before)


def _order() -> Sequence[str]:
    """Polls before snapshots.

    A poller that starts looks for snapshots that nobody recorded among those appended after the last poll; a copy
    is appended when it is made.
    """
    others = [name for name in TOPICS if name not in {POLLS.name, SNAPSHOTS.name}]
    return [POLLS.name, SNAPSHOTS.name, *others]


async def _already(cluster: Broker, topic: str, log_id: str) -> dict[int, tuple[int, int]]:
    """For each partition that holds something: where it ends, and of which record its last is the copy."""
    found: dict[int, tuple[int, int]] = {}
    for partition in range(cluster.partitions(topic)):
        bounds = await cluster.bounds(topic, partition)
        if bounds.end == 0:
            continue
        ends = [await _last(cluster, topic, partition, bounds.end)]
        ends += await cluster.read(topic, partition, bounds.earliest, max_records=1, wait=5.0)
        copies = [None if one is None else offset_in(log_id, one.headers.get(COPIED_FROM)) for one in ends]
        if copies[0] is None or None in copies:
            raise UserError(
                f"{topic}/{partition} on the cluster holds records that are no copies of this log: a move goes to "
                "empty topics, once, before anything runs there. Name another cluster, or delete its topics"
            )
        found[partition] = (bounds.end, copies[0])
    return found


async def _last(cluster: Broker, topic: str, partition: int, end: int) -> Record | None:
    records = await cluster.read(topic, partition, end - 1, max_records=1, wait=5.0)
    return records[0] if records else None


async def _copy(
    log: EmbeddedBroker,
    cluster: Broker,
    topic: str,
    log_id: str,
    there: Mapping[int, tuple[int, int]],
    progress: Progress,
) -> tuple[Division, int]:
    """Copy what is not there yet, in order; how the topic is divided, and how many were copied."""
    division, copied, done = Division(cluster.partitions(topic)), 0, 0
    total = await source.count(log, topic)
    async for records in source.records(log, topic):
        new, expected = [], []
        for record in records:
            partition, place = division.add(record.key, record.offset)
            end, last = there.get(partition, (0, -1))
            if (place < end) != (record.offset <= last):
                raise _other_copy(topic, partition)
            if place >= end:
                headers = {**record.headers, COPIED_FROM: origin(log_id, record.offset)}
                new.append(NewRecord(topic, record.key, record.value, headers))
                expected.append((partition, place))
        placed = await cluster.publish(new) if new else []
        for one, (partition, place) in zip(placed, expected, strict=True):
            if (one.partition, one.offset) != (partition, place):
                raise _other_copy(topic, partition)
        copied += len(new)
        done += len(records)
        progress(topic, done, max(total, done))
    return division, copied


def _other_copy(topic: str, partition: int) -> UserError:
    return UserError(
        f"{topic}/{partition} on the cluster is no copy of this log as it is now: something else writes there, or the "
        "log went on and let records go since an earlier try. Delete the cluster's topics and move again"
    )


async def _copy_states(log: EmbeddedBroker, cluster: Broker, stage: str, log_id: str, progress: Progress) -> Moved:
    """Publish what the stage keeps, all of it: the newest of each key counts, so that a second time does no harm."""
    topic = STATE_TOPICS[stage].name
    done, total = 0, await source.count_states(log, stage)
    async for kept in source.states(log, stage):
        headers = {COPIED_FROM: origin(log_id, 0)}
        await cluster.publish([NewRecord(topic, key, pack_state(state), headers) for key, state in kept])
        done += len(kept)
        progress(topic, done, max(total, done))
    return Moved(topic, done, 0)


async def _require_complete(log: EmbeddedBroker, cluster: Broker, divisions: Mapping[str, Division]) -> None:
    """`UserError` where the cluster does not hold exactly what the log does."""
    for topic, division in divisions.items():
        counts = division.counts()
        if sum(counts) != await source.count(log, topic):
            raise UserError(f"{topic}: the log has changed while it was copied; move again")
        for partition, wanted in enumerate(counts):
            if (await cluster.bounds(topic, partition)).end != wanted:
                raise _other_copy(topic, partition)
