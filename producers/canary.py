"""The canary's own producer: a snapshot every while, good and broken in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from producers.records import public_definition, snapshot_record
from wirewatch.canary import canary_feed
from wirewatch.events import Poll, SnapshotInfo
from wirewatch.identity import body_hash, snapshot_id
from wirewatch.times import format_ms

if TYPE_CHECKING:
    from wirewatch.brokers.interface import NewRecord

_GOOD = b'{"items": [{"id": "canary", "headline": "The canary sings"}]}'
_BROKEN = b'{"items": [{"id": "canary", "headline": "The can'


def canary_beat(previous: Poll | None, *, owner: int, now_ms: int, every_ms: int) -> tuple[NewRecord, Poll]:
    """The next snapshot and the poll that counts it: good first, then broken, and so on. Pure."""
    number = (previous.number if previous else 0) + 1
    body = _BROKEN if previous is not None and previous.outcome == "changed" else _GOOD
    feed = canary_feed()
    now = format_ms(now_ms)
    info = SnapshotInfo(
        kind="body",
        feed_id=feed.id,
        owner=owner,
        number=number,
        snapshot_id=snapshot_id(feed.id, owner, number),
        fetched_at=now,
        definition=public_definition(feed),
        name=str(number),
        url=feed.url,
        content_type="application/json",
        body_hash=body_hash(body),
    )
    poll = Poll(
        feed_id=feed.id,
        outcome="changed" if body is _GOOD else "error",
        at=now,
        next_due=format_ms(now_ms + every_ms),
        owner=owner,
        number=number,
        owed=0,
        url=feed.url,
    )
    return snapshot_record(info, body), poll
