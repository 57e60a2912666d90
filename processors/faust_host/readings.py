"""Which seek a batch was read from, told across the two threads of a worker. Pure.

The client's thread reads and seeks, the worker's own thread hands out what was read. A batch may be on its way from
one to the other while a seek is done; handed out after it, it would come before records that are older.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from faust.types import TP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Batch(dict[Any, list[Any]]):
    """Records by partition, each list read from one seek: ``readings`` has its number, None before the first."""

    def __init__(self) -> None:
        super().__init__()
        self.readings: dict[TP, int | None] = {}

    def add(self, part: Mapping[Any, list[Any]], readings: Readings) -> None:
        """Add what was read just now. What was read of a partition before a seek goes: the seek brings it again."""
        for tp, records in part.items():
            place, now = TP(tp.topic, tp.partition), readings.of(tp)
            if self.readings.setdefault(place, now) != now:
                self.readings[place] = now
                self[tp] = []
            self.setdefault(tp, []).extend(records)


class Readings:
    """The number of the last seek of each partition since it became ours. Safe to use from both threads."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._last: dict[TP, int] = {}

    def begin(self, tp: Any) -> None:
        """A seek of it is done now, in the thread that reads."""
        self._last[TP(tp.topic, tp.partition)] = next(self._numbers)

    def of(self, tp: Any) -> int | None:
        """The number of its last seek; None where there was none."""
        return self._last.get(TP(tp.topic, tp.partition))

    def drop(self, tps: Iterable[Any]) -> None:
        """These are no longer ours; should they become ours again, a seek comes first."""
        for tp in tps:
            self._last.pop(TP(tp.topic, tp.partition), None)
