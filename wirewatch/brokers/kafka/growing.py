"""More partitions for every topic: nothing may be under way, and what is kept by key moves to where its key belongs.

A key's partition follows from how many there are. Records of a stream stay where they are, which is why every
stage must have read all of them before; the newest value of each key is copied to its new partition, and then
forgotten in the old one. Both are done again without harm: a run that was broken off is finished by another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from aiokafka import errors as kafka
from aiokafka.protocol.admin import CreatePartitionsRequest, DescribeGroupsRequest

from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.brokers.partitioning import partition_for
from wirewatch.errors import UserError

if TYPE_CHECKING:
    from wirewatch.brokers.kafka.broker import KafkaBroker
    from wirewatch.topics import Topic

_GROW_MS: Final = 20_000
_STEP: Final = 200
_AT_WORK: Final = frozenset({"Stable", "PreparingRebalance", "CompletingRebalance"})


async def grow_topics(
    broker: KafkaBroker,
    topics: Sequence[Topic],
    partitions: int,
    *,
    groups: Sequence[str],
    readers: Mapping[str, Sequence[str]],
    say: Callable[[str], None],
) -> None:
    """Give every topic so many partitions. None of ``groups`` may have members; ``readers`` are the topics that

    each group must have read to their ends, if it ever read them.

    Raises `UserError` where a group still has members or records to read, or a topic has more already, and then
    has changed nothing. Records published meanwhile may land in the wrong order: nothing else may run.
    """
    await broker.topics.look()
    for topic in topics:
        if broker.partitions(topic.name) > partitions:
            raise UserError(f"{topic.name} has {broker.partitions(topic.name)} partitions; a topic never has fewer")
    await _require_idle(broker, groups)
    await _require_drained(broker, readers)
    # streams last: until they have grown, no runner starts, and by then every value is where it belongs
    for topic in sorted(topics, key=lambda topic: not topic.compacted):
        if broker.partitions(topic.name) < partitions:
            await _add_partitions(broker, topic.name, partitions)
            say(f"{topic.name} has {partitions} partitions")
        if topic.compacted:
            moved = await _move_values(broker, topic.name, partitions)
            say(f"{topic.name}: {moved} values moved to their new partitions")


async def _require_idle(broker: KafkaBroker, groups: Sequence[str]) -> None:
    for group in groups:
        members = await members_of(broker, group)
        if members:
            raise UserError(
                f"{group} has {members} members at work: stop every wirewatch that runs stages, "
                "then grow (those that were killed are gone after [kafka] session_timeout)"
            )


async def members_of(broker: KafkaBroker, group: str) -> int:
    """How many members of that group are at work."""
    name = broker.link.wire_name(f"wirewatch.{group}")
    return await broker.link.patiently(lambda: _members(broker, name), f"who is in {name}")


async def _members(broker: KafkaBroker, name: str) -> int:
    """How many members of that group are at work. A broker that does not coordinate it (now) does not know."""
    answer = await broker.link.to_coordinator(name, DescribeGroupsRequest([name]))
    code, _, state, _, _, members, *_ = answer.groups[0]
    error = kafka.for_code(code)
    if error is not kafka.NoError:
        raise error
    return len(members) if state in _AT_WORK else 0


async def _require_drained(broker: KafkaBroker, readers: Mapping[str, Sequence[str]]) -> None:
    behind: list[str] = []
    for group, names in readers.items():
        for name in names:
            left = await _unread(broker, group, name)
            if left:
                behind.append(f"{group} has {left} records of {name} to read")
    if behind:
        raise UserError(
            f"{'; '.join(behind)}. Stop the pollers, let the other stages read to the end, stop them too, then grow"
        )


async def _unread(broker: KafkaBroker, group: str, name: str) -> int:
    places = range(broker.partitions(name))
    stands = [await broker.committed(group, name, partition) for partition in places]
    if all(at is None for at in stands):
        return 0  # nobody runs that stage here
    left = 0
    for partition, at in zip(places, stands, strict=True):
        bounds = await broker.bounds(name, partition)
        left += bounds.end - min(max(bounds.earliest, at or 0), bounds.end)
    return left


async def _add_partitions(broker: KafkaBroker, name: str, partitions: int) -> None:
    request = CreatePartitionsRequest([(broker.link.wire_name(name), (partitions, None))], _GROW_MS, False)  # noqa: FBT003 - the client's own order

    async def work() -> Any:
        answer = await broker.link.to_controller(request)
        for _, code, message in answer.topic_errors:
            error = kafka.for_code(code)
            if code and error.retriable:
                raise error(message)
            if code:
                raise UserError(f"{name} cannot be given {partitions} partitions: {message or error.__name__}")

    await broker.link.patiently(work, f"giving {name} {partitions} partitions")
    await broker.link.patiently(lambda: _until_seen(broker, name, partitions), f"the new partitions of {name}")


async def _until_seen(broker: KafkaBroker, name: str, partitions: int) -> None:
    await broker.topics.look()
    found = broker.topics.known(name)
    if found is None or found.partitions < partitions or found.why_no_records() is not None:
        raise kafka.LeaderNotAvailableError(name)


async def _move_values(broker: KafkaBroker, name: str, partitions: int) -> int:
    """Copy each key's newest value to where it belongs, then forget it where it was; how many there were."""
    moved = 0
    there: dict[int, set[str]] = {}
    for partition in range(partitions):
        newest = await _newest(broker, name, partition)
        astray = [record for record in newest if partition_for(record.key, partitions) != partition]
        for at in range(0, len(astray), _STEP):
            step = astray[at : at + _STEP]
            alive = [record for record in step if record.value is not None]
            await _copy(broker, alive, partitions, there)
            # durable there before it goes here: broken off in between, it is in both and copied once more
            await _forget(broker, alive)
            moved += len(alive)
    return moved


async def _newest(broker: KafkaBroker, name: str, partition: int) -> list[Record]:
    bounds = await broker.bounds(name, partition)
    newest: dict[str, Record] = {}
    offset = bounds.earliest
    while offset < bounds.end:
        records = await broker.read(name, partition, offset, max_records=2_000)
        if not records:
            break
        newest |= {record.key: record for record in records}
        offset = records[-1].offset + 1
    return list(newest.values())


async def _copy(broker: KafkaBroker, records: Sequence[Record], partitions: int, there: dict[int, set[str]]) -> None:
    by_place: dict[int, list[Record]] = {}
    for record in records:
        by_place.setdefault(partition_for(record.key, partitions), []).append(record)
    for place, wanted in by_place.items():
        if place not in there:
            there[place] = {record.key for record in await _newest(broker, wanted[0].topic, place)}
        # what was written to the new place since is newer than what was left behind
        await _append(broker, [record for record in wanted if record.key not in there[place]], place)


async def _append(broker: KafkaBroker, records: Sequence[Record], partition: int) -> None:
    new = [NewRecord(record.topic, record.key, record.value, record.headers) for record in records]
    await broker.append_to([(record, partition) for record in new])


async def _forget(broker: KafkaBroker, records: Sequence[Record]) -> None:
    gone = [(NewRecord(record.topic, record.key, None, {}), record.partition) for record in records]
    await broker.append_to(gone)
