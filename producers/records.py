"""Snapshots and polls as records: pure. No secret of a feed's URL or headers stands in any of them (H58)."""

from __future__ import annotations

from msgspec.structs import replace

from wirewatch import topics
from wirewatch.brokers.interface import NewRecord
from wirewatch.events import CeType, Feed, ParseDefinition, Poll, SnapshotInfo, encode, headers_for
from wirewatch.feeds import definition_of
from wirewatch.logs import redact

INFO_HEADER = "ww_info"
_CE_TYPES = {
    "body": CeType.SNAPSHOT,
    "confirmation": CeType.SNAPSHOT_CONFIRMED,
    "page-check": CeType.PAGE_CHECKED,
}


def public_definition(feed: Feed) -> ParseDefinition:
    """The feed's parse definition as it may stand on a topic."""
    definition = definition_of(feed)
    return replace(definition, url=redact(definition.url))


def snapshot_record(info: SnapshotInfo, body: bytes | None) -> NewRecord:
    """A body, a confirmation or a page check for `wirewatch.snapshots.v1`."""
    headers = headers_for(
        _CE_TYPES[info.kind],
        id=info.snapshot_id,
        source=f"wirewatch/poll/{info.feed_id}",
        time=info.fetched_at,
        content_type=info.content_type or ("application/octet-stream" if body is not None else "application/json"),
    )
    headers[INFO_HEADER] = encode(info).decode()
    return NewRecord(topics.SNAPSHOTS.name, info.feed_id, body, headers)


def poll_record(poll: Poll) -> NewRecord:
    """A poll for `wirewatch.polls.v1`."""
    headers = headers_for(
        CeType.POLL,
        id=f"po_{poll.feed_id}_{poll.owner}_{poll.at}",
        source=f"wirewatch/poll/{poll.feed_id}",
        time=poll.at,
    )
    return NewRecord(topics.POLLS.name, poll.feed_id, encode(poll), headers)
