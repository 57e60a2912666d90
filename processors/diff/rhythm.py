"""What a good body tells the poller of its source's rhythm: look sooner, or that the page is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.diff.wording import short_hash
from wirewatch.events import FetchRequest
from wirewatch.times import format_ms

if TYPE_CHECKING:
    from processors.diff.model import Seen
    from processors.parse.model import ParsedFeed


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


def _id(kind: str, seen: Seen) -> str:
    return "fr_" + short_hash(f"{seen.feed_id}\0{kind}\0{seen.snapshot_id}")
