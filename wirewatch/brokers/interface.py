"""What every broker offers. One contract suite (`tests/contract/`) holds each implementation to it.

Delivery is at least once; order holds within a partition. Keys decide the partition (`partitioning`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from wirewatch.topics import Topic


ALONE: Final = 0
UNSETTLED: Final = -1
"""Not a division of a group's partitions (see `Consumer.generation`)."""


class NewRecord(Struct, frozen=True):
    """A record to publish. ``value`` None is a tombstone: on a compacted topic it removes the key."""

    topic: str
    key: str
    value: bytes | None
    headers: dict[str, str]


class Record(Struct, frozen=True):
    """A record as stored. ``timestamp_ms`` is when it was appended (the log's own clock)."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None
    headers: dict[str, str]
    timestamp_ms: int


class Bounds(Struct, frozen=True):
    """``earliest`` is the oldest offset still kept, ``end`` the one the next record gets."""

    earliest: int
    end: int


class Consumer(Protocol):
    """A member of a group, reading the partitions it is given. Not safe for use from two tasks at once."""

    async def poll(self, *, max_records: int = 256, max_bytes: int = 16 << 20, wait: float = 1.0) -> list[Record]:
        """The next records, in order within each partition; ``[]`` when none came within ``wait`` seconds.

        Blocks without polling busily. Raises `PassingFault` where the broker is away. At least one record
        is returned where there is one, even if it alone is larger than ``max_bytes``.
        """
        ...

    async def commit(self, after: Sequence[Record]) -> None:
        """Record that everything up to these records has taken effect; durable on return. Never goes back.

        Partitions that are no longer this member's are left out.
        """
        ...

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """Read on from that offset; one that is no longer kept means the earliest that is.

        Good until the next division: then reading goes on where the group's commits stand.
        """
        ...

    async def assignment(self) -> list[tuple[str, int]]:
        """The (topic, partition) pairs that are this member's now; none while `generation` is `UNSETTLED`."""
        ...

    async def generation(self) -> int:
        """Which division of the group's partitions `assignment` speaks of; cheap, asked before every effect.

        The numbers rise while the group lasts, and in each a partition has one member; one that is more than
        one higher than before tells that this member missed a division, in which others may have had its
        partitions. `UNSETTLED` while partitions are being divided anew, or once the group has not answered
        this member for a session (it was stopped, or cut off): until that ends nothing is surely its own.
        `ALONE` where no other process can be a member.
        """
        ...

    async def close(self) -> None:
        """Leave the group at once; commits nothing. Safe to call twice."""
        ...


class Broker(Protocol):
    """The log that stages meet through."""

    async def create_topics(self, topics: Sequence[Topic]) -> list[str]:
        """Create what is missing and return its names; never changes what exists."""
        ...

    async def check_topics(self, topics: Sequence[Topic]) -> list[str]:
        """Each difference between what exists and the table, in words; ``[]`` where all is as it should be."""
        ...

    async def log_id(self) -> str:
        """The name of this log, which no other has: a place in one means nothing in another."""
        ...

    def partitions(self, topic: str) -> int:
        """How many partitions the topic has here."""
        ...

    async def publish(self, records: Sequence[NewRecord]) -> list[Record]:
        """Append all, in order for each key; durable on return, with the places they got.

        Blocks while buffers are full. Raises `BadInput` (reason ``too-large``) for a record over its
        topic's limit before any is written, `PassingFault` where the broker is away (some may then have
        been written), `BrokenStorage` where the disk is full or damaged.
        """
        ...

    async def read(
        self,
        topic: str,
        partition: int,
        offset: int,
        *,
        max_records: int = 256,
        max_bytes: int = 16 << 20,
        wait: float = 0.0,
    ) -> list[Record]:
        """Records from that offset on without being in any group; waits up to ``wait`` seconds for one."""
        ...

    async def bounds(self, topic: str, partition: int) -> Bounds:
        """Where the partition begins and ends now."""
        ...

    async def offset_at(self, topic: str, partition: int, timestamp_ms: int) -> int:
        """The first offset appended at or after that time; the end where there is none."""
        ...

    async def latest(self, topic: str, partitions: Collection[int] | None = None) -> dict[str, Record]:
        """The newest value of each key, tombstones left out; only of these partitions, where some are named."""
        ...

    async def consumer(self, group: str, topics: Sequence[str]) -> Consumer:
        """Join a group: reading goes on where its commits stand, from the earliest at first."""
        ...

    async def committed(self, group: str, topic: str, partition: int) -> int | None:
        """The offset the group reads next; None where it never committed."""
        ...

    async def read_state(self, stage: str, key: str) -> bytes | None:
        """What a stage keeps for that key (see `wirewatch.hosting.Handler`), for people who look; else None."""
        ...

    async def healthy(self) -> str | None:
        """None where records can be appended and read now, else why not, in words."""
        ...

    async def close(self) -> None:
        """Give everything back; what was acknowledged stays. Safe to call twice."""
        ...
