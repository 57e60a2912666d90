"""How a source lists its entries, learned from order and removals; never a withdrawal before it is known.

``window``: newest first (or last), and what leaves is older than all that stays. ``curated``: in an
editor's order, or removals from anywhere. ``full`` is never learned: a list that drops what is over
and a list that an editor tends look the same from outside, so only its owner can say so.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from processors.diff.memory import Known, ListingSeen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.parse.model import ParsedEntry
    from wirewatch.events import Listing

WINDOW_BODIES = 24
"""Distinct bodies in order of time before a window is known; `HINTED_BODIES` where the format itself is one."""
HINTED_BODIES = 6
WINDOW_ROLLED_OFF = 60
CURATED_BODIES = 8
CURATED_REMOVALS = 8


def listing_in_force(declared: Listing, seen: ListingSeen) -> Listing:
    """What the owner declared, else what was learned so far (``auto``: not known)."""
    return declared if declared != "auto" else seen.decided


def observe_listing(
    seen: ListingSeen,
    entries: Sequence[ParsedEntry],
    removed: Sequence[Known],
    *,
    returned: int,
    hint: Listing = "auto",
) -> ListingSeen:
    """What is known after one more distinct good body; ``removed`` are the entries it no longer shows."""
    times = [e.published_ms for e in entries if e.published_ms is not None and not e.pinned and not e.deleted]
    in_order = _in_order(times)
    oldest = min(times, default=None)
    dated = [k.published_ms for k in removed if k.published_ms is not None]
    within = sum(1 for t in dated if oldest is not None and t > oldest)
    now = msgspec.structs.replace(
        seen,
        bodies=seen.bodies + 1,
        ordered=seen.ordered + in_order,
        rolled_off=seen.rolled_off + len(dated) - within,
        from_within=seen.from_within + within,
        undated=seen.undated + len(removed) - len(dated),
        returned=seen.returned + returned,
    )
    decided, reason = _decide(now, hint)
    return msgspec.structs.replace(now, decided=decided, reason=reason)


def _in_order(times: list[int]) -> bool:
    """Newest first or oldest first, but for one in twenty."""
    if len(times) < 2:
        return False
    falls = sum(1 for a, b in pairwise(times) if a < b)
    rises = sum(1 for a, b in pairwise(times) if a > b)
    return min(falls, rises) * 20 <= len(times) - 1


def _decide(seen: ListingSeen, hint: Listing) -> tuple[Listing, str]:
    removals = seen.rolled_off + seen.from_within
    said = (
        f"{seen.ordered} of {seen.bodies} snapshots in order of time; of {removals + seen.undated} removals "
        f"{seen.rolled_off} at the old end, {seen.from_within} from within, {seen.undated} without a time"
    )
    ordered = seen.ordered * 20 >= seen.bodies * 19
    clean = seen.from_within * 50 <= removals or seen.from_within <= 1
    if ordered and hint == "window" and seen.bodies >= HINTED_BODIES and seen.from_within * 4 <= seen.bodies:
        return "window", f"a window by its format, confirmed: {said}"
    if ordered and clean and seen.bodies >= WINDOW_BODIES and seen.rolled_off >= WINDOW_ROLLED_OFF:
        return "window", f"a window: {said}"
    scattered = seen.from_within * 2 >= removals >= CURATED_REMOVALS
    if seen.bodies >= CURATED_BODIES and seen.ordered * 2 < seen.bodies and scattered:
        return "curated", f"an editor's choice: {said}"
    return "auto", f"not known yet: {said}"
