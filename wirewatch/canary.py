"""The canary: a built-in feed whose snapshots go through the whole pipeline and never look like news. Pure.

Its bodies are good and broken in turn, so that what travels are feed events (``source-error``,
``source-recovered``). Whoever shows news or feeds leaves out what `is_canary` names; whoever reads the last
topic observes `canary_seconds`.
"""

from __future__ import annotations

from wirewatch.events import EntryEvent, Feed, JsonPaths
from wirewatch.times import parse_ms

CANARY_ID = "wirewatch-canary"


def canary_feed() -> Feed:
    """The canary's definition. It stands on no topic and is never fetched."""
    return Feed(
        id=CANARY_ID,
        url="https://canary.invalid/",
        name="wirewatch's own canary",
        kind="json",
        listing="full",
        json=JsonPaths(items="items", id="id", headline="headline"),
        origin="built-in",
    )


def is_canary(feed_id: str) -> bool:
    """Whether a record is the canary's."""
    return feed_id == CANARY_ID


def canary_seconds(event: EntryEvent, now_ms: int) -> float | None:
    """How long the canary took to here, from when its snapshot was made; None where the event is not its own."""
    if not is_canary(event.feed_id):
        return None
    return max(now_ms - parse_ms(event.time), 0) / 1000
