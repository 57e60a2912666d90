"""How far a worker has come in each partition: what may be committed, and what is still in work. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterable

Place = tuple[str, int]
"""Topic and partition."""


class _Partition(Struct):
    taken: deque[int] = field(default_factory=deque)
    done: set[int] = field(default_factory=set)
    reached: int | None = None
    left: int | None = None


class Progress:
    """Which records were taken and which are done. What may be committed never passes one that is not."""

    def __init__(self) -> None:
        self._partitions: dict[Place, _Partition] = {}

    def take(self, place: Place, offset: int) -> bool:
        """Take a record into work; False where one before it was left, for order holds within a partition.

        An offset at or before one that was taken means that reading began again there.
        """
        partition = self._partitions.setdefault(place, _Partition())
        if partition.left is not None and offset > partition.left:
            return False
        partition.left = None
        while partition.taken and partition.taken[-1] >= offset:
            partition.done.discard(partition.taken.pop())
        partition.taken.append(offset)
        return True

    def leave(self, place: Place, offset: int) -> None:
        """A record was given up: nothing behind it may be done or committed until it is read again."""
        partition = self._partitions.get(place)
        if partition is not None:
            partition.left = offset if partition.left is None else min(offset, partition.left)

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

    def reached(self) -> dict[Place, int]:
        """For each partition in which something is done, the offset to be read next after a restart."""
        return {place: one.reached for place, one in self._partitions.items() if one.reached is not None}

    def drop(self, places: Iterable[Place]) -> None:
        """These partitions are no longer ours: nothing of them may be committed by us."""
        for place in places:
            self._partitions.pop(place, None)
