"""What a good body tells the poller of its source's rhythm: look sooner, that the page is over, or that it is still."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from processors.diff.wording import short_hash
from wirewatch.events import FetchRequest
from wirewatch.times import format_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.diff.memory import Head
    from processors.diff.model import Seen
    from processors.parse.model import ParsedFeed
    from wirewatch.events import EntryEvent

STILL_FROM_MS = 3_600_000
"""Bodies that differ without any event are told as stillness from this long on, and again as it doubles."""
_OF_A_FEED = frozenset({"gap", "source-error", "source-recovered"})


def ask_rhythm(parsed: ParsedFeed, seen: Seen, *, nearly_missed: bool) -> list[FetchRequest]:
    """Requests to look sooner, where entries pass nearly unseen, and that a page says of itself that it is over."""
    requests = []
    if nearly_missed:
        why = "more than half of it is new since the snapshot before"
        requests.append(
            FetchRequest(_id("sooner", seen), seen.feed_id, "sooner", why, time=format_ms(seen.fetched_at_ms))
        )
    if parsed.ended:
        why = "the page says that it is over"
        requests.append(
            FetchRequest(_id("ended", seen), seen.feed_id, "ended", why, time=format_ms(seen.fetched_at_ms))
        )
    return requests


def ask_stillness(head: Head, seen: Seen, events: Sequence[EntryEvent]) -> tuple[Head, list[FetchRequest]]:
    """Whether bodies that differ bring anything new: tokens and advertisements change a page at each request.

    Told while it lasts, and once when something stirs after that; a source whose bytes stand still tells it by itself.
    """
    now = seen.fetched_at_ms
    if head.stirred_ms is None or any(event.op not in _OF_A_FEED for event in events):
        told, head = head.told_still_ms, msgspec.structs.replace(head, stirred_ms=now, told_still_ms=0)
        return head, [_stillness("stirring", seen, "something is new after a while", None)] if told else []
    still = now - head.stirred_ms
    if still < max(STILL_FROM_MS, 2 * head.told_still_ms):
        return head, []
    request = _stillness("still", seen, "bodies differ, but nothing in them is new", format_ms(head.stirred_ms))
    return msgspec.structs.replace(head, told_still_ms=still), [request]


def _stillness(kind: Literal["still", "stirring"], seen: Seen, why: str, since: str | None) -> FetchRequest:
    return FetchRequest(_id(kind, seen), seen.feed_id, kind, why, time=format_ms(seen.fetched_at_ms), since=since)


def _id(kind: str, seen: Seen) -> str:
    return "fr_" + short_hash(f"{seen.feed_id}\0{kind}\0{seen.snapshot_id}")
