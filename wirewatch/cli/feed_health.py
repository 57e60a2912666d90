"""How each feed does, read from the log and the index, for commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from wirewatch.brokers.interface import Broker
from wirewatch.canary import CANARY_ID
from wirewatch.cli.opening import open_index
from wirewatch.errors import BadInput, UserError
from wirewatch.events import EntryEvent, Feed, Poll, decode
from wirewatch.health import feed_state
from wirewatch.logs import get_logger
from wirewatch.settings import Configuration
from wirewatch.times import SystemClock
from wirewatch.topics import FEEDS, POLLS

_log = get_logger("feeds")
# the canary falls ill on purpose, every other minute
_FEED_EVENTS = f"(op:source-error OR op:source-recovered OR op:gap) -feed:{CANARY_ID}"


class FeedStatus(Struct, frozen=True):
    """A feed with its state, in one word and in words, and its last poll."""

    feed: Feed
    state: str
    words: str
    poll: Poll | None


async def known_feeds(broker: Broker) -> dict[str, Feed]:
    """Every feed there is on the log, by id. One that cannot be read is left out, with a word in the log."""
    found: dict[str, Feed] = {}
    for record in (await broker.latest(FEEDS.name)).values():
        try:
            feed = decode(record.value or b"", Feed)
        except BadInput as error:
            _log.error("a feed's definition cannot be read", feed=record.key, error=error)
            continue
        found[feed.id] = feed
    return found


def with_files(known: Mapping[str, Feed], file_feeds: Sequence[Feed]) -> dict[str, Feed]:
    """The feeds on the log, and those of the settings file that no start has published yet."""
    return {**{feed.id: feed for feed in file_feeds}, **known}


async def read_statuses(broker: Broker | None, config: Configuration) -> list[FeedStatus]:
    """Every feed's status, by id; those of the settings file also where no start has published them yet.

    ``broker`` is None where there is no log yet.
    """
    now_ms = SystemClock().now_ms()
    known: dict[str, Feed] = {}
    polls: dict[str, Poll] = {}
    if broker is not None:
        known = await known_feeds(broker)
        polls = {key: decode(record.value or b"", Poll) for key, record in (await broker.latest(POLLS.name)).items()}
    told = await _feed_events(config, now_ms)
    statuses = []
    for feed_id, feed in sorted(with_files(known, config.feeds).items()):
        if feed_id != CANARY_ID:
            health = feed_state(feed, polls.get(feed_id), told.get(feed_id), now_ms)
            statuses.append(FeedStatus(feed, health.state, health.words, polls.get(feed_id)))
    return statuses


async def _feed_events(config: Configuration, now_ms: int) -> dict[str, EntryEvent]:
    """Each feed's newest feed event; none where there is no index yet."""
    index = open_index(config)
    try:
        page = await index.search(_FEED_EVENTS, now_ms=now_ms, limit=500)
    except UserError:
        return {}
    finally:
        await index.close()
    return {event.feed_id: event for event in reversed(page.events)}
