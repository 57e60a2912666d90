"""What a poller must know before it asks anything: each feed's last poll, as it would stand had nobody died."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from producers.decide import recover_poll
from producers.records import INFO_HEADER
from wirewatch import topics
from wirewatch.errors import BadInput
from wirewatch.events import Poll, SnapshotInfo, decode
from wirewatch.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wirewatch.brokers.interface import Broker, Record
    from wirewatch.events import Feed

_log = get_logger("poll")
_BACK_MS = 120_000
"""How far before the last poll the snapshots are looked through: a poll follows its snapshot within moments."""

_AT_ONCE = 4
_BYTES = 4 << 20


class Recovered:
    """Polls by feed, and the highest generation of a poller that left a trace."""

    def __init__(self, polls: dict[str, Poll], owner: int) -> None:
        self.polls = polls
        self.owner = owner


async def recover(broker: Broker, feeds: Mapping[str, Feed], *, partitions: Collection[int], now_ms: int) -> Recovered:
    """Read polls, and the snapshots that were published but whose polls were not (killed in between).

    Of these partitions alone. Reads once and waits for nothing. Raises what `Broker.read` raises.
    """
    polls: dict[str, Poll] = {}
    newest = dict.fromkeys(partitions, 0)
    for key, record in (await broker.latest(topics.POLLS.name, partitions)).items():
        newest[record.partition] = max(newest[record.partition], record.timestamp_ms)
        try:
            polls[key] = decode(record.value or b"", Poll)
        except BadInput as error:
            _log.warning("poll left out", feed=key, error=error)
    owner = max((poll.owner for poll in polls.values()), default=0)
    places = asyncio.Semaphore(_AT_ONCE)
    since = [_snapshots_since(broker, partition, at_ms - _BACK_MS, places) for partition, at_ms in newest.items()]
    unrecorded = {feed_id: infos for found in await asyncio.gather(*since) for feed_id, infos in found.items()}
    for feed_id, infos in unrecorded.items():
        owner = max(owner, *(info.owner for info in infos))
        feed = feeds.get(feed_id)
        if feed is not None:
            recovered = recover_poll(polls.get(feed_id), infos, feed, now_ms=now_ms)
            if recovered is not None:
                polls[feed_id] = recovered
    return Recovered(polls, owner)


async def _snapshots_since(
    broker: Broker, partition: int, since_ms: int, places: asyncio.Semaphore
) -> dict[str, list[SnapshotInfo]]:
    found: dict[str, list[SnapshotInfo]] = {}
    topic = topics.SNAPSHOTS.name
    async with places:
        bounds = await broker.bounds(topic, partition)
        offset = max(await broker.offset_at(topic, partition, max(since_ms, 0)), bounds.earliest)
        while offset < bounds.end:
            records = await broker.read(topic, partition, offset, max_records=256, max_bytes=_BYTES)
            if not records:
                break
            offset = records[-1].offset + 1
            for record in records:
                info = _info(record)
                if info is not None:
                    found.setdefault(info.feed_id, []).append(info)
    return found


def _info(record: Record) -> SnapshotInfo | None:
    try:
        return decode(record.headers.get(INFO_HEADER, "").encode(), SnapshotInfo)
    except BadInput:
        return None  # not one of ours: the diff dead-letters it
