"""Is this an earlier state of the source, from a cache that lags behind? Told without having seen that very version.

Two caches that both move on show versions that no poll saw before. Such a body brings nothing new and takes something
back: the newest entries are gone while older ones are there again, or texts are what they were before. Where the source
dates itself, a date behind the one known says so too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processors.diff.events import content_of
from processors.diff.model import Reason
from processors.diff.volatile import same_but_volatile
from processors.diff.wording import visible

if TYPE_CHECKING:
    from processors.diff.apply import Picture
    from processors.diff.facts import Facts
    from processors.diff.memory import Known
    from processors.parse.model import ParsedEntry

EARLIER_BODIES: Final = 4
"""Bodies in a row that may be set aside as earlier states; the next one is believed: the source went back for good."""
_CLOCKS_MS: Final = 60_000
"""By how much two servers' clocks may differ: less than that says nothing of a text not seen before."""


def earlier_state(picture: Picture) -> Reason | None:
    """Why this body is taken for an earlier state of its source; None where it is not. Pure."""
    head, before = picture.head, picture.before
    here = {k.entry_id for k in before.present}
    shown = {k.entry_id for k in picture.matching.known if k is not None}
    if not here & shown or picture.matching.fresh or head.stales >= EARLIER_BODIES:
        return None
    behind = _behind(picture)
    if not _nothing_new(picture, dated=behind > 0):
        return None
    gone = _newest_gone(picture, here - shown)
    again = any(k is not None and k.entry_id not in here and not k.withdrawn for k in picture.matching.known)
    back, other = _texts_back(picture)
    if behind and (gone or again or back or (other and behind > _CLOCKS_MS)):
        return Reason("dated-before", 1.0, f"the source dates itself {behind // 1000} s before what it showed already")
    # a list of all there is has statuses that go to and fro, while something ends
    if not gone or picture.listing == "full" or not (back or (again and picture.listing == "window")):
        return None
    if other and not (again and back):
        return None
    return Reason("state-before", 1.0, "nothing in it is new, and what was newest is gone or as it was before")


def _behind(picture: Picture) -> int:
    known, now = picture.head.updated_ms, picture.parsed.updated_ms
    return max(0, known - now) if known is not None and now is not None else 0


def _nothing_new(picture: Picture, *, dated: bool) -> bool:
    """Whether every entry is known; where the source dates itself, one older than all that it showed may be not."""
    times = [k.published_ms for k in picture.before.present if k.published_ms is not None]
    oldest = min(times, default=None)
    for fact, known in zip(picture.matching.facts, picture.matching.known, strict=True):
        if known is None:
            published = fact.entry.published_ms
            if not dated or published is None or oldest is None or published >= oldest:
                return False
    return True


def _newest_gone(picture: Picture, gone: set[str]) -> bool:
    """Whether what is gone is just what was newer than all that is shown."""
    times = [f.entry.published_ms for f in picture.matching.facts if f.entry.published_ms is not None]
    if not gone or not times:
        return False
    newest = max(times)
    return all(
        k.published_ms is not None and k.published_ms > newest for k in picture.before.present if k.entry_id in gone
    )


def _texts_back(picture: Picture) -> tuple[int, int]:
    """How many entries have a text that they had before, and how many one that was not seen yet."""
    back = other = 0
    learned = picture.head.volatile.learned
    for fact, known in zip(picture.matching.facts, picture.matching.known, strict=True):
        if known is None or known.entry is None or _same(fact, known):
            continue
        content = content_of(fact.entry)
        if content == known.content:
            continue
        if content in known.earlier:
            back += 1
        elif not same_but_volatile(_texts(known.entry), _texts(fact.entry), learned):
            other += 1
    return back, other


def _same(fact: Facts, known: Known) -> bool:
    return known.entry is not None and fact.entry.raw_hash != "" and fact.entry.raw_hash == known.entry.raw_hash


def _texts(entry: ParsedEntry) -> tuple[str, str]:
    return visible(entry.headline), visible(entry.body)
