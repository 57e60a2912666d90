"""The canary's own producer: a snapshot every while, good and broken in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from producers.records import poll_record, public_definition, snapshot_record
from wirewatch.canary import CANARY_ID, canary_feed
from wirewatch.events import Poll, SnapshotInfo
from wirewatch.identity import body_hash, snapshot_id
from wirewatch.times import format_ms

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wirewatch.brokers.interface import NewRecord
    from wirewatch.times import Clock

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


async def run_canary(
    publish: Callable[[list[NewRecord]], Awaitable[object]],
    previous: Poll | None,
    *,
    owner: int,
    every_ms: int,
    clock: Clock,
) -> None:
    """Publish a beat every ``every_ms``, the first one such a while after the start; until cancelled.

    Raises what ``publish`` raises. A poll under the canary's id follows each snapshot, so that its numbers go
    on after a restart.
    """
    assert previous is None or previous.feed_id == CANARY_ID, "the canary goes on from its own polls"
    while True:
        await clock.sleep(every_ms / 1000)
        snapshot, previous = canary_beat(previous, owner=owner, now_ms=clock.now_ms(), every_ms=every_ms)
        await publish([snapshot])
        await publish([poll_record(previous)])
