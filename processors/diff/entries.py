"""Entries becoming known: their ids at first sight, the times they are told with, and what is new about one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from processors.diff.events import content_of
from processors.diff.memory import EARLIER_KEPT, Known
from wirewatch import identity
from wirewatch.events import Evidence

if TYPE_CHECKING:
    from processors.diff.events import Flag
    from processors.diff.facts import Facts
    from processors.diff.memory import Head
    from processors.diff.model import Seen
    from wirewatch.events import Listing

_YEAR_ONE_MS = -62_135_596_800_000


def first_sight(fact: Facts, feed_id: str, taken: set[str], seen: Seen) -> Known:
    """An entry not known so far. Its id rests on its native id, else its URL, else headline and time.

    ``taken`` are the ids in use: where two entries would share one (an id given to another story, two headlines
    alike in one minute), the later gets a number. It is added to.
    """
    entry = fact.entry
    if fact.unique_id:
        base = f"id:{entry.native_id}"
    elif fact.unique_url:
        base = f"url:{fact.url_key}"
    else:
        base = f"headline:{fact.headline_key}:{entry.published_ms}:{'' if entry.headline else content_of(entry)}"
    entry_id = identity.entry_id(feed_id, base)
    n = 1
    while entry_id in taken:
        n += 1
        entry_id = identity.entry_id(feed_id, f"{base}#{n}")
    taken.add(entry_id)
    return Known(
        entry_id=entry_id,
        native_id=entry.native_id,
        url_key=fact.url_key,
        headline_key=fact.headline_key,
        published_ms=entry.published_ms,
        told_published_ms=_told_published(fact, seen),
        revision=0,
        event_id="",
        first_seen_ms=seen.fetched_at_ms,
        content=content_of(entry),
        entry=entry,
        unique_id=fact.unique_id,
    )


def refreshed(known: Known, fact: Facts, seen: Seen) -> Known:
    """A known entry as this snapshot shows it; nothing is told by this alone."""
    entry = fact.entry
    same_raw = known.entry is not None and entry.raw_hash != "" and known.entry.raw_hash == entry.raw_hash
    content = known.content if same_raw else content_of(entry)
    earlier = known.earlier if content == known.content else (*known.earlier, known.content)
    told = known.told_published_ms
    if known.published_ms != entry.published_ms:
        told = _told_published(fact, seen)
    return msgspec.structs.replace(
        known,
        native_id=entry.native_id if entry.native_id is not None else known.native_id,
        url_key=fact.url_key,
        headline_key=fact.headline_key,
        published_ms=entry.published_ms,
        told_published_ms=told,
        content=content,
        earlier=earlier[-EARLIER_KEPT:],
        entry=entry,
        unique_id=fact.unique_id,
        absent=0,
        cause="",
        absent_in=(),
        older=(),
        since_ms=0,
        burst=False,
        page_gone=(),
    )


def _told_published(fact: Facts, seen: Seen) -> int | None:
    """The source's time, but not one ahead of the snapshot, nor one that cannot be: those become first-seen (H40)."""
    ms = fact.entry.published_ms
    if ms is None:
        return seen.fetched_at_ms if fact.entry.published_raw else None
    return seen.fetched_at_ms if ms > seen.fetched_at_ms or ms < _YEAR_ONE_MS else ms


def arrival(
    known: Known, head: Head, *, oldest_before: int | None, listing: Listing, seen: Seen
) -> tuple[Literal["created", "backfilled"], list[Flag], Evidence]:
    """How an entry that is not known came: new, late, or slid in from before. Its position decides nothing."""
    published, newest = known.told_published_ms, head.newest_ms
    late_ms = newest - published if newest is not None and published is not None else 0
    late = late_ms // 1000 if late_ms > 0 else None
    flags: list[Flag] = ["late"] if late else []
    snapshots = [seen.snapshot_id]
    if late_ms > seen.definition.late_after_ms:
        text = f"not known, and published {late} s before the newest this feed has shown"
        return "backfilled", flags, Evidence("published-long-before", text, snapshots, late=late)
    slid_in = published is not None and oldest_before is not None and published < oldest_before
    if slid_in and listing in {"auto", "window"}:
        text = "not known, and older than all that the snapshot before held: it slid in at the old end"
        return "backfilled", flags, Evidence("slid-in", text, snapshots, late=late)
    text = "not known before" + (f", and {late} s older than the newest known" if late else "")
    return "created", flags, Evidence("not-known", text, snapshots, late=late)
