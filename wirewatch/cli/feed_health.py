"""How each feed does, read from the log and the index, for commands."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from wirewatch.brokers.interface import Broker
from wirewatch.canary import CANARY_ID
from wirewatch.cli.pipeline import known_feeds, open_index
from wirewatch.errors import UserError
from wirewatch.events import EntryEvent, Feed, Poll, decode
from wirewatch.health import feed_state
from wirewatch.times import SystemClock
from wirewatch.topics import POLLS


class FeedStatus(Struct, frozen=True):
    """A feed with its state, in one word and in words, and its last poll."""

    feed: Feed
    state: str
    words: str
    poll: Poll | None


async def read_statuses(broker: Broker, data_dir: Path) -> list[FeedStatus]:
    """Every feed's status, by id."""
    now_ms = SystemClock().now_ms()
    records = await broker.latest(POLLS.name)
    polls = {key: decode(record.value or b"", Poll) for key, record in records.items()}
    told = await _feed_events(data_dir, now_ms)
    statuses = []
    for feed_id, feed in sorted((await known_feeds(broker)).items()):
        if feed_id != CANARY_ID:
            health = feed_state(feed, polls.get(feed_id), told.get(feed_id), now_ms)
            statuses.append(FeedStatus(feed, health.state, health.words, polls.get(feed_id)))
    return statuses


async def _feed_events(data_dir: Path, now_ms: int) -> dict[str, EntryEvent]:
    """Each feed's newest feed event; none where there is no index yet."""
    index = open_index(data_dir)
    try:
        page = await index.search("op:source-error OR op:source-recovered OR op:gap", now_ms=now_ms, limit=500)
    except UserError:
        return {}
    finally:
        await index.close()
    return {event.feed_id: event for event in reversed(page.events)}
