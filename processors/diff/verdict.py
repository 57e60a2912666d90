"""Is a snapshot to be believed? A scored decision: each reason has a name, a weight and words; 1.0 is too much.

Far fewer entries, or new ids alone, are no reason: sources are cut back and re-issued. They only add to others.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from processors.diff.model import Reason, Seen, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.diff.memory import Head
    from processors.parse.model import ParsedFeed

HISTORY = 8
"""Good bodies remembered to tell a stale cache."""
HOLD = 2
"""Further polls after which a stale body is believed after all: the source went back for good. A poller confirms
a body that often, so a source that takes back its last change is believed without waiting for another one."""
DOUBTED_BODIES = 8
"""Distinct bodies of another kind, or without dates, after which that is what the source is now."""
_LINKS = 3
_FAMILIES = {"rss": "feed", "atom": "feed", "rdf": "feed", "news-sitemap": "feed", "live-page": "page", "html": "page"}


def digest_of(parsed: ParsedFeed) -> str:
    """A hash of what a reader would see of all entries in their order; equal means the same content."""
    hashed = hashlib.blake2b(digest_size=16)
    for part in (parsed.title, parsed.summary, parsed.body) if parsed.has_lead else ():
        hashed.update(part.encode("utf-8", "surrogatepass") + b"\0")
    for entry in parsed.entries:
        line = (
            f"{entry.native_id}\0{entry.url}\0{entry.headline}\0{entry.body}\0{entry.published_raw}\0{entry.deleted}\n"
        )
        hashed.update(line.encode("utf-8", "surrogatepass"))
    return hashed.hexdigest()


def decide_verdict(head: Head, seen: Seen, digest: str) -> Verdict:
    """Good, bad or stale, with every reason that spoke; ``seen`` is a body that is not a repeat."""
    if seen.failure is not None:
        return Verdict("bad", (Reason(seen.failure.reason, 1.0, seen.failure.message),))
    parsed = seen.parsed
    assert parsed is not None
    live = sum(1 for entry in parsed.entries if not entry.deleted)
    if not parsed.entries and not (parsed.has_lead and head.entries == 0 and parsed.title):
        return Verdict("bad", (Reason("empty", 1.0, "it holds no entries"),))
    reasons = [
        *_another_kind(head, parsed),
        *_dates_gone(head, parsed, live),
        *_headlines_gone(head, parsed, live),
        *_far_fewer(head, live),
    ]
    believed = head.doubts + 1 >= DOUBTED_BODIES
    if sum(reason.weight for reason in reasons) >= 1.0 and not believed:
        return Verdict("bad", tuple(reasons))
    stale = _stale(head, seen, parsed, digest)
    if stale is not None:
        return Verdict("stale", (*reasons, stale))
    return Verdict("good", tuple(reasons))


def _another_kind(head: Head, parsed: ParsedFeed) -> list[Reason]:
    learned, now = _FAMILIES.get(head.kind, head.kind), _FAMILIES.get(parsed.kind, parsed.kind)
    if not head.kind or learned == now:
        return []
    return [Reason("another-kind", 1.0, f"it is {parsed.kind}, where this source has been {head.kind}")]


def _dates_gone(head: Head, parsed: ParsedFeed, live: int) -> list[Reason]:
    # a time that cannot be read is still there: sources write some days of a month in ways that could be two
    dated = sum(1 for entry in parsed.entries if entry.published_ms is not None or entry.published_raw)
    if dated or live == 0 or head.entries < 3 or head.dated * 5 < head.entries * 4:
        return []
    return [Reason("all-dates-gone", 1.0, f"none of {live} entries has a time, {head.dated} had before")]


def _headlines_gone(head: Head, parsed: ParsedFeed, live: int) -> list[Reason]:
    """A source whose fields or markup changed is read without headlines: that is no edit of each of its entries."""
    if live == 0 or head.entries < 3 or head.headed * 5 < head.entries * 4 or any(e.headline for e in parsed.entries):
        return []
    return [Reason("all-headlines-gone", 1.0, f"none of {live} entries has a headline, {head.headed} had before")]


def another_site(head: Head, before: Sequence[str | None], now: Sequence[str | None]) -> Reason | None:
    """Links that lead to another site, in a body that has nothing in common with the last one: a cache that mixes
    two sources up. ``before`` and ``now`` are canonical URLs of entries.

    A source that moved house is believed as one that shows another kind is: when it stays.
    """
    old, new = _sites(before), _sites(now)
    if not old or not new or old.keys() & new.keys() or head.doubts + 1 >= DOUBTED_BODIES:
        return None
    (left, held), (right, hold) = old.most_common(1)[0], new.most_common(1)[0]
    if held * 5 < len(before) * 4 or hold * 5 < len(now) * 4 or min(held, hold) < _LINKS:
        return None
    return Reason("another-site", 1.0, f"nothing in common with before, and it leads to {right} instead of {left}")


def _sites(urls: Sequence[str | None]) -> Counter[str]:
    """The ends of their hosts (``example.org``), and how many lead there."""
    hosts = (urlsplit(url).hostname or "" for url in urls if url)
    return Counter(".".join(host.rsplit(".", 2)[-2:]) for host in hosts if host)


def _far_fewer(head: Head, live: int) -> list[Reason]:
    if head.entries >= 8 and live * 4 <= head.entries:
        return [Reason("far-fewer", 0.3, f"{live} entries, where there were {head.entries}")]
    return []


def _stale(head: Head, seen: Seen, parsed: ParsedFeed, digest: str) -> Reason | None:
    """An earlier version again. A source that says it is newer than what we had went back on purpose."""
    if digest == head.good_digest:
        return None
    newer = parsed.updated_ms is not None and head.updated_ms is not None and parsed.updated_ms > head.updated_ms
    for body_hash, earlier in head.history:
        if seen.body_hash == body_hash or (digest == earlier and not newer):
            return Reason("version-before", 1.0, "an earlier version again: a stale cache, or a source that went back")
    return None
