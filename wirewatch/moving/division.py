"""How one sequence of records falls into partitions, and where a place in it lies in each of them. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from wirewatch.brokers.partitioning import partition_for

COPIED_FROM = "ww_copied_from"
"""The header of a copied record: the log it stood in and its offset there, ``<log id>/<offset>``."""


def origin(log_id: str, offset: int) -> str:
    """The header's value."""
    return f"{log_id}/{offset}"


def offset_in(log_id: str, header: str | None) -> int | None:
    """The offset that the header names in that log; None where it is no copy of it."""
    named, slash, offset = (header or "").rpartition("/")
    return int(offset) if slash and named == log_id and offset.isdecimal() else None


class Division:
    """The records of a topic of one partition, as they fall into many; copies stand there from 0 on, without holes."""

    def __init__(self, partitions: int) -> None:
        self._offsets = [array("q") for _ in range(partitions)]

    def add(self, key: str, offset: int) -> tuple[int, int]:
        """The next record in order: the partition and the offset that its copy has."""
        partition = partition_for(key, len(self._offsets))
        mine = self._offsets[partition]
        mine.append(offset)
        return partition, len(mine) - 1

    def counts(self) -> list[int]:
        """How many records each partition has."""
        return [len(mine) for mine in self._offsets]

    def place(self, offset: int) -> dict[int, int]:
        """For each partition, the offset from which on its copies are those of ``offset`` and later."""
        return {partition: bisect_left(mine, offset) for partition, mine in enumerate(self._offsets)}
