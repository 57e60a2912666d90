"""Which feeds are this poller's, and the number it writes them under.

Feeds are shared as the group's partitions of ``fetch-requests`` are. Whoever gains a partition writes under a
higher number than anyone before, so that the diff passes over what a predecessor publishes late: one that was
stopped past its session and goes on. It notices by itself too: nothing is published that is not surely ours.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from wirewatch import topics
from wirewatch.brokers.interface import ALONE, UNSETTLED
from wirewatch.brokers.partitioning import partition_for
from wirewatch.errors import UserError

if TYPE_CHECKING:
    from producers.inbox import Inbox
    from wirewatch.brokers.interface import Broker

_SPAN: Final = 1 << 24
_RECOVERED: Final = (topics.POLLS, topics.SNAPSHOTS)


def next_owner(recorded: int, generation: int) -> int:
    """The number to write under: above all ``recorded``, and nobody else's.

    It holds the group's generation, in which a partition has one member: of two that take a feed over one after
    the other and have seen nothing of each other, the later one has the higher number. Generations alone would
    not do: a group that was forgotten begins anew.
    """
    if generation == ALONE:
        return recorded + 1
    return (recorded // _SPAN + 1) * _SPAN + generation


def partitions_of(broker: Broker) -> int:
    """How many shares the feeds are parted into. Raises `UserError` where the poller's topics do not agree."""
    counts = {topic.name: broker.partitions(topic.name) for topic in (topics.FETCH_REQUESTS, *_RECOVERED)}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise UserError(f"feeds cannot be shared out: these topics must have equally many partitions: {told}")
    return counts[topics.FETCH_REQUESTS.name]


class Division(Struct, frozen=True):
    """What a new division changed: partitions to let go, and those whose feeds are to be recovered."""

    generation: int
    lost: frozenset[int]
    gained: frozenset[int]


def decide_division(held: Collection[int], held_in: int, assigned: Collection[int], generation: int) -> Division:
    """What changed since the division ``held_in``. Pure.

    Where one was missed, what we hold may have been another's in between: it is lost and gained anew.
    """
    kept = frozenset(held) & frozenset(assigned) if held_in <= generation <= held_in + 1 else frozenset()
    return Division(generation, frozenset(held) - kept, frozenset(assigned) - kept)


class Ownership:
    """What is ours, as of the last `divide`; the group itself is asked before anything is published."""

    def __init__(self, inbox: Inbox, partitions: int) -> None:
        self._inbox = inbox
        self._partitions = partitions
        self._owners: dict[int, int] = {}
        self._generation = UNSETTLED
        self._fenced: set[str] = set()

    def partition(self, feed_id: str) -> int:
        """The partition that a feed's records lie in."""
        return partition_for(feed_id, self._partitions)

    def has(self, feed_id: str) -> bool:
        """Whether the feed is ours."""
        return self.partition(feed_id) in self._owners

    async def divide(self) -> Division | None:
        """What has changed; None where nothing did, or nothing is sure yet."""
        generation = await self._inbox.generation()
        if generation == UNSETTLED:
            return None
        division = decide_division(self._owners, self._generation, await self._inbox.assigned(), generation)
        if not division.lost and not division.gained:
            self._generation = generation
            return None
        return division

    def let_go(self, division: Division) -> None:
        """What was lost is no longer ours."""
        for partition in division.lost:
            del self._owners[partition]
        self._fenced = {feed_id for feed_id in self._fenced if self.has(feed_id)}

    def take(self, division: Division, recorded: int) -> None:
        """What was gained is ours; ``recorded`` is the highest number found in what was recovered of it."""
        self._generation = division.generation
        for partition in division.gained:
            self._owners[partition] = next_owner(recorded, division.generation)

    async def owner(self, feed_id: str) -> int | None:
        """The number to write the feed under; None where it is not surely ours at this moment."""
        partition = self.partition(feed_id)
        generation = await self._inbox.generation()
        if generation == UNSETTLED:
            return None
        held = decide_division(self._owners, self._generation, await self._inbox.assigned(), generation)
        return None if partition in held.lost or partition in held.gained else self._owners.get(partition)

    def needs_fence(self, feed_id: str) -> bool:
        """Whether nothing of this feed tells the diff yet that it is ours: a predecessor would still be believed."""
        return self._generation != ALONE and feed_id not in self._fenced

    def fenced(self, feed_id: str) -> None:
        """A snapshot under our number is durable."""
        if self._generation != ALONE:
            self._fenced.add(feed_id)
