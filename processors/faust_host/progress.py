"""How far a worker has come in each partition: what may be taken, what is in work, and what may be committed. Pure.

Faust drops what it read in several places (queues that are cleared, batches that are broken off, records of an
older generation), and goes on with what it reads next. So a record is taken only where it is the very next of those
that were read since reading last began at what the group has committed: one that was dropped on its way is noticed
at the next, and its partition is read again from there.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

Place = tuple[str, int]
"""Topic and partition."""
LOST_SECONDS: Final = 2.0
"""So long a record that was read may be neither in a queue nor taken."""


class _Partition(Struct):
    reading: int
    """The number of the seek that it is read from."""
    read: deque[int] = field(default_factory=deque)
    taken: deque[int] = field(default_factory=deque)
    done: set[int] = field(default_factory=set)
    reached: int | None = None
    broken: bool = False


class Progress:
    """Which records were read, taken and done. What may be committed never passes one that is not done."""

    def __init__(self) -> None:
        self._partitions: dict[Place, _Partition] = {}
        self._missing: dict[tuple[Place, int], float] = {}

    def begin(self, place: Place, reading: int) -> None:
        """It is read anew from what is committed: ``reading`` numbers that seek. Again the same changes nothing."""
        partition = self._partitions.setdefault(place, _Partition(reading))
        if reading > partition.reading:
            partition.reading = reading
            partition.read.clear()
            partition.broken = False

    def fetch(self, place: Place, offsets: Iterable[int]) -> None:
        """These were read next, in this order."""
        partition = self._partitions.get(place)
        if partition is not None:
            partition.read.extend(offsets)

    def take(self, place: Place, offset: int) -> bool:
        """Take a record into work; False where it is not the next one, for order holds within a partition.

        One that was not read since reading last began is old: the same comes again. One before which another was
        read that never came breaks the partition off: nothing of it is taken until it is read again.
        """
        partition = self._partitions.get(place)
        if partition is None or partition.broken:
            return False
        if not partition.read or partition.read[0] != offset:
            partition.broken = offset in partition.read
            return False
        partition.read.popleft()
        while partition.taken and partition.taken[-1] >= offset:
            partition.done.discard(partition.taken.pop())
        partition.taken.append(offset)
        return True

    def leave(self, place: Place) -> None:
        """A record was given up: nothing behind it may be done until it is read again."""
        partition = self._partitions.get(place)
        if partition is not None:
            partition.broken = True

    def finish(self, place: Place, offset: int) -> None:
        """A record's effect is durable. One that is not known (its partition is no longer ours) is left alone."""
        partition = self._partitions.get(place)
        if partition is None or offset not in partition.taken:
            return
        partition.done.add(offset)
        while partition.taken and partition.taken[0] in partition.done:
            first = partition.taken.popleft()
            partition.done.discard(first)
            partition.reached = max(partition.reached or 0, first + 1)

    def broken(self) -> set[Place]:
        """The partitions that must be read again from what is committed."""
        return {place for place, one in self._partitions.items() if one.broken}

    def break_off_lost(self, queued: Collection[Place], now: float) -> None:
        """Break off where the next record to come is in no queue for `LOST_SECONDS`: it may be the last for hours.

        Told when more is asked for: all that was read before is then in a queue, or on its way to who takes it.
        """
        missing = {
            (place, one.read[0])
            for place, one in self._partitions.items()
            if one.read and not one.broken and place not in queued
        }
        self._missing = {one: self._missing.get(one, now) for one in missing}
        for (place, _), since in self._missing.items():
            if now - since > LOST_SECONDS:
                self.leave(place)

    def reached(self) -> dict[Place, int]:
        """For each partition in which something is done, the offset to be read next after a restart."""
        return {place: one.reached for place, one in self._partitions.items() if one.reached is not None}

    def drop(self, places: Iterable[Place]) -> None:
        """These partitions are no longer ours: nothing of them may be committed by us."""
        for place in places:
            self._partitions.pop(place, None)
