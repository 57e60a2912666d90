"""What the diff saw of a feed, or its hub told, taken into the feed's poll: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from producers.rhythm import hurried, told_over, told_still, told_stirring
from producers.websub import told
from wirewatch.times import parse_ms

if TYPE_CHECKING:
    from producers.cadence import Cadence
    from wirewatch.events import Feed, FetchRequest, Poll


def heeded(feed: Feed, cadence: Cadence, poll: Poll, request: FetchRequest) -> Poll:
    """``poll`` as it stands after that request; the same poll where it changes nothing."""
    if request.kind == "sooner":
        return hurried(feed, cadence, poll, request)
    if request.kind == "ended":
        return told_over(feed, poll, request)
    if request.kind == "still":
        return told_still(poll, request)
    if request.kind == "stirring":
        return told_stirring(feed, cadence, poll, request)
    return told(poll, request)


def due_after(cadence: Cadence, poll: Poll, request: FetchRequest) -> int:
    """When the feed is asked next after a request was heeded, in milliseconds since 1970; it may be over already.

    A push is looked after as soon as the feed may be asked at all; one that fails keeps its pause.
    """
    due_ms = parse_ms(poll.next_due)
    if request.kind == "pushed" and poll.failures == 0:
        due_ms = min(due_ms, parse_ms(poll.at) + cadence.min_ms)
    return due_ms
