"""What waits to be served, where something cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from producers import inbox
from producers.inbox import Inbox
from wirewatch import topics
from wirewatch.brokers.embedded import open_runner
from wirewatch.brokers.interface import NewRecord
from wirewatch.events import FetchRequest, encode

TOPIC = topics.FETCH_REQUESTS.name


def request(number: int, feed_id: str, kind: str) -> NewRecord:
    asked = FetchRequest(f"fr_{number}", feed_id, kind, "why", "2026-01-01T00:00:00.000Z")  # type: ignore[arg-type]  # one of the kinds
    return NewRecord(TOPIC, feed_id, encode(asked), {})


async def test_a_feed_that_cannot_be_asked_holds_up_only_so_much_of_what_comes_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "_MOST_HELD", 100)
    broker = open_runner(tmp_path)
    await broker.create_topics([topics.FETCH_REQUESTS])
    await broker.publish([request(0, "away", "unconditional")])
    await broker.publish([request(number, f"feed-{number}", "still") for number in range(1, 600)])
    mine = Inbox(broker, "poll")
    await mine.open()
    while new := await mine.receive(wait=0):
        mine.done([waiting for waiting in new if waiting.request.kind == "still"])
        if mine.waiting("away", "unconditional"):
            assert await broker.committed("poll", TOPIC, 0) is None  # nothing unserved is passed over
    assert not mine.waiting("away", "unconditional")
    assert await broker.committed("poll", TOPIC, 0) == 600
    await mine.close()
    await broker.close()
