"""When is an entry that a snapshot does not show withdrawn? Only with a reason, and only when seen again.

An absence that roll-off explains is none. One that may be a withdrawal is pending until it was absent in
``withdraw_after`` good polls. A burst (over a third of all entries gone at once) is held back for up to
`HELD_POLLS` further good polls, because a source that loses half its list mostly finds it again.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import msgspec

from processors.diff.memory import Known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.diff.model import Seen
    from wirewatch.events import Listing

HELD_POLLS = 3
SPAN_SLACK_MS = 180_000
"""A source drops what has reached its span a little early: caches, and clocks that differ."""
_OLDER_TOLD = 3


class Present:
    """The entries a snapshot shows, by age: what else is older than a given time?"""

    def __init__(self, known: Sequence[Known]) -> None:
        dated = [
            (k.published_ms, k.entry_id)
            for k in known
            if k.published_ms is not None and not (k.entry is not None and k.entry.pinned)
        ]
        dated.sort()
        self._times = [time for time, _ in dated]
        self._ids = [entry_id for _, entry_id in dated]

    def older_than(self, published_ms: int) -> list[str]:
        """A few entries older than that, the nearest first."""
        end = bisect_left(self._times, published_ms)
        return self._ids[max(0, end - _OLDER_TOLD) : end][::-1]


def judge_absence(
    known: Known, *, present: Present, between: bool, listing: Listing, span_ms: int | None, seen: Seen
) -> Known:
    """A newly absent entry, pending with its ``cause``; ``cause`` empty where roll-off explains it.

    ``between`` says, for entries without times, that entries before and after it are still there.
    """
    cause, older = "", []
    if listing == "full":
        cause = "full"
    elif listing == "window":
        if known.published_ms is None:
            cause = "older-present" if between else ""
        else:
            older = present.older_than(known.published_ms)
            slack = min(SPAN_SLACK_MS, (span_ms or 0) // 20)
            if older:
                cause = "older-present"
            elif span_ms is not None and known.published_ms > seen.fetched_at_ms - span_ms + slack:
                cause = "span"
    return msgspec.structs.replace(
        known,
        absent=1,
        cause=cause,
        older=tuple(older),
        absent_in=(seen.snapshot_id,),
        since_ms=seen.fetched_at_ms,
    )


def again_absent(known: Known, seen: Seen) -> Known:
    """A pending absence, seen once more; the first and the newest snapshots that show it are kept."""
    where = (*known.absent_in[:2], seen.snapshot_id)
    return msgspec.structs.replace(known, absent=known.absent + 1, absent_in=where)


def is_burst(gone: int, before: int) -> bool:
    """Whether so many absences at once are one: over a third, and more than a single entry."""
    return gone >= 2 and gone * 3 > before


def due(known: Known, withdraw_after: int, *, burst_polls: int, burst_over: bool) -> bool:
    """Whether a pending absence is to be told now; ``burst_polls`` counts the good polls since its burst."""
    if known.absent < withdraw_after:
        return False
    return not known.burst or burst_over or burst_polls >= HELD_POLLS
