"""Pollers in a group on a real cluster, each a process of its own: who asks what, and what reaches the log."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

import pytest

from producers.records import INFO_HEADER
from tests.end_to_end.program import Program
from tests.kafka_stages.kit import PARTITIONS, SESSION_MS, CountingOrigin, until
from wirewatch import topics
from wirewatch.brokers.kafka import KafkaBroker
from wirewatch.canary import CANARY_ID
from wirewatch.events import Feed, SnapshotInfo, decode
from wirewatch.reconcile import feed_record, tombstone
from wirewatch.times import parse_ms

pytestmark = pytest.mark.servers
FEEDS = [f"feed-{n}" for n in range(24)]
MakeRole = Callable[..., Program]


def poller(role: MakeRole, name: str, more: str = "") -> Program:
    settings = f"""[poll]
min_interval = "50ms"
per_host_interval = "0s"
robots = false
contact = "poller-{name}@example.org"
[ops]
canary_every = "300ms"
{more}"""
    program = role("poll", name, settings)
    program.start()
    return program


async def define(broker: KafkaBroker, origin: CountingOrigin, feeds: list[str], every: str = "200ms") -> None:
    await broker.publish([feed_record(Feed(feed, f"{origin.url}/{feed}", every=every), now_ms=0) for feed in feeds])


async def infos(broker: KafkaBroker) -> dict[str, list[SnapshotInfo]]:
    found: dict[str, list[SnapshotInfo]] = defaultdict(list)
    for partition in range(PARTITIONS):
        offset = 0
        while records := await broker.read(topics.SNAPSHOTS.name, partition, offset):
            offset = records[-1].offset + 1
            for record in records:
                found[record.key].append(decode(record.headers[INFO_HEADER].encode(), SnapshotInfo))
    return found


def shared_by(origin: CountingOrigin, names: set[str], seconds: float = 1.0) -> Callable[[], object]:
    """Whether each feed was asked by one of them, of late, and each of them asked some."""

    async def shared() -> bool:
        sharers = origin.sharers(FEEDS, seconds)
        return all(len(each) == 1 for each in sharers.values()) and set.union(*sharers.values()) == names

    return shared


async def test_pollers_share_the_feeds_and_take_them_over_when_one_stops_or_is_killed(
    broker: KafkaBroker, origin: CountingOrigin, role: MakeRole, record_property: Callable[[str, object], None]
) -> None:
    await define(broker, origin, FEEDS)
    one = poller(role, "a")
    await until(shared_by(origin, {"a"}))
    two = poller(role, "b")
    await until(shared_by(origin, {"a", "b"}))
    began = time.monotonic()
    await define(broker, origin, ["late"])
    await until(lambda: _asked(origin, "late", began), seconds=3)
    await broker.publish([tombstone(topics.FEEDS.name, "late", "wirewatch.feed.v1", now_ms=0)])
    await asyncio.sleep(1.5)
    assert "late" not in {asked.feed for asked in origin.since(time.monotonic() - 0.4)}

    stopped = time.monotonic()
    assert await asyncio.to_thread(two.stop) < 5
    stop_took = time.monotonic() - stopped + await until(shared_by(origin, {"a"}))
    two.start()
    await until(shared_by(origin, {"a", "b"}))
    two.kill()
    kill_took = await until(shared_by(origin, {"a"}))
    record_property("taken over, seconds after SIGTERM and after kill -9", (stop_took, kill_took))
    assert stop_took < 8
    assert kill_took < SESSION_MS / 1000 + 8
    assert one.alive()
    await _one_after_the_other(broker, origin)
    sung = (await infos(broker))[CANARY_ID]
    assert all(_goes_on(earlier, later) for earlier, later in pairwise(sung)), "one sings, and its successor goes on"
    assert max(later - earlier for earlier, later in pairwise(parse_ms(info.fetched_at) for info in sung)) < 12_000


def _goes_on(earlier: SnapshotInfo, later: SnapshotInfo) -> bool:
    """The next number under the same owner; under a higher one also the same again: who was killed between a snapshot
    and its record of it leaves the number to its successor (F1).
    """
    if later.owner == earlier.owner:
        return later.number == earlier.number + 1
    return later.owner > earlier.owner and later.number - earlier.number in {0, 1}


async def _asked(origin: CountingOrigin, feed: str, since: float) -> bool:
    return feed in {asked.feed for asked in origin.since(since)}


async def _one_after_the_other(broker: KafkaBroker, origin: CountingOrigin) -> None:
    for feed, found in (await infos(broker)).items():
        owners = [(info.owner, info.number) for info in found]
        assert owners == sorted(set(owners)), f"{feed}: an owner writes after its successor"
        asked = [one.poller for one in origin.asked if one.feed == feed]
        changes = sum(earlier != later for earlier, later in pairwise(asked))
        assert changes <= 4, f"{feed} was asked by two in turn: {asked}"
        told = len({info.owner for info in found})
        assert told >= changes, f"{feed}: a successor did not tell that it is one"
    assert len({one.feed for one in origin.asked if one.poller == "b"}) >= len(FEEDS) // PARTITIONS


async def test_f8_a_poller_that_was_stopped_past_its_session_publishes_nothing_of_what_it_had_in_hand(
    broker: KafkaBroker, origin: CountingOrigin, role: MakeRole, record_property: Callable[[str, object], None]
) -> None:
    await define(broker, origin, FEEDS)
    frozen = poller(role, "a")
    await until(shared_by(origin, {"a"}))
    heir = poller(role, "b")
    await until(shared_by(origin, {"a", "b"}))
    lost = next(feed for feed, by in origin.sharers(FEEDS, 1.0).items() if by == {"a"})
    origin.held[lost] = asyncio.Event()
    origin.bodies[lost] = b"<rss>what the frozen one had in hand</rss>"
    await until(lambda: _waiting(origin, "a"))
    frozen.freeze()
    hold = origin.held.pop(lost)
    origin.bodies[lost] = b"<rss>news</rss>"
    took = await until(shared_by(origin, {"b"}), seconds=SESSION_MS / 1000 + 15)
    await until(lambda: _has_body(broker, lost, owner_above=0, number=2))
    hold.set()
    before = (await infos(broker))[lost]
    frozen.thaw()
    await until(shared_by(origin, {"a", "b"}), seconds=30)
    record_property("taken over, seconds after SIGSTOP", took)
    after = await infos(broker)
    owners = [info.owner for info in after[lost]]
    assert owners == sorted(owners)
    assert after[lost][: len(before)] == before
    bodies = [info for info in after[lost] if info.kind == "body"]
    assert len(bodies) == 2, "what it had in hand was dropped: it knew that the feed was another's"
    assert frozen.alive()
    assert heir.alive()


async def _waiting(origin: CountingOrigin, name: str) -> bool:
    return any(asked.poller == name for asked in origin.waiting)


async def _has_body(broker: KafkaBroker, feed: str, *, owner_above: int, number: int) -> bool:
    found = (await infos(broker))[feed]
    return len([info for info in found if info.kind == "body" and info.owner > owner_above]) >= number
