"""A feed's state, and how to say it: pure, for the page, the command line and metrics alike."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from wirewatch.events import EntryEvent, Feed, Poll
from wirewatch.times import format_duration, format_ms, parse_ms

State = Literal["ok", "quiet", "stale", "blocked", "erroring", "ended", "gone", "never-good"]
STATES: tuple[State, ...] = get_args(State)

_DAY_MS = 86_400_000
_QUIET_FACTOR = 10  # so many times its usual pause without a change
_RESUME = 'to go on, set every = "60s", or remove the feed and add it again'
_LATE_MS = 300_000  # a poll this late means that nobody asks


class FeedHealth(Struct, frozen=True):
    """``words`` are for people: one line, no secret in it."""

    state: State
    words: str


def feed_state(feed: Feed, poll: Poll | None, last_feed_event: EntryEvent | None, now_ms: int) -> FeedHealth:  # noqa: PLR0911 - one a state
    """How a feed does. ``poll`` is its newest poll, ``last_feed_event`` the newest of its feed events, if any."""
    if not feed.enabled:
        return FeedHealth("ended", "switched off by its owner")
    if poll is None:
        return FeedHealth("never-good", "not asked yet")
    if poll.stopped and poll.ended is not None:
        return FeedHealth("ended", f"ended ({poll.ended}), not asked since {_clock(poll.at, now_ms)}; {_RESUME}")
    if poll.stopped or poll.outcome == "gone":
        return FeedHealth("gone", f"gone since {_clock(poll.at, now_ms)}: {_why(poll)}; it is not asked any more")
    if poll.outcome == "blocked":
        return FeedHealth("blocked", f"blocked: {_why(poll)}, {_next(poll, now_ms)}")
    if poll.last_good is None:
        return FeedHealth("never-good", f"has never answered well: {_why(poll)}, {_next(poll, now_ms)}")
    if poll.outcome == "error":
        return FeedHealth(
            "erroring", f"erroring since {_clock(poll.last_good, now_ms)}: {_why(poll)}, {_next(poll, now_ms)}"
        )
    if now_ms - parse_ms(poll.next_due) > max(_LATE_MS, 3 * _interval(poll)):
        return FeedHealth("stale", f"not asked since {_clock(poll.at, now_ms)}: does the poller run?")
    event = last_feed_event
    if event is not None and event.op == "source-error":
        what = event.evidence.text or event.evidence.kind
        return FeedHealth("erroring", f"answers since {_clock(event.time, now_ms)} with what cannot be used: {what}")
    return _changing(poll, now_ms)


def _changing(poll: Poll, now_ms: int) -> FeedHealth:
    if poll.last_change is None:
        return FeedHealth("ok", f"no change seen yet, {_next(poll, now_ms)}")
    still = max(now_ms - parse_ms(poll.still_since or poll.last_change), 0)
    usual = (poll.change_every_s or 0) * 1000
    words = f"last change {format_duration(still // 1000 * 1000)} ago"
    if still > max(_DAY_MS, _QUIET_FACTOR * usual):
        return FeedHealth("quiet", words)
    return FeedHealth("ok", f"{words}, {_next(poll, now_ms)}")


def _interval(poll: Poll) -> int:
    return max(parse_ms(poll.next_due) - parse_ms(poll.at), 0)


def _why(poll: Poll) -> str:
    return poll.error or (f"HTTP {poll.status}" if poll.status else "no reason given")


def _next(poll: Poll, now_ms: int) -> str:
    ahead = parse_ms(poll.next_due) - now_ms
    return f"next try in {format_duration(ahead // 1000 * 1000)}" if ahead >= 1000 else "next try now"


def _clock(text: str, now_ms: int) -> str:
    """``14:02`` for what was today (UTC), else with its date."""
    today = format_ms(now_ms)[:10]
    return text[11:16] if text.startswith(today) else f"{text[:10]} {text[11:16]}"
