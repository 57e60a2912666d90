"""A feed's state in words."""

from __future__ import annotations

from msgspec.structs import replace

from wirewatch.events import EntryEvent, Evidence, Feed, Poll
from wirewatch.health import feed_state
from wirewatch.times import parse_ms

FEED = Feed("f", "https://example.org/")
AT = "2022-01-07T14:02:00.000Z"
NOW = parse_ms("2022-01-07T14:03:00.000Z")
HEALTH_ENDED = (
    'ended (no change in a day), not asked since 14:02; to go on, set every = "60s", '
    "or remove the feed and add it again"
)
WELL = Poll(
    "f", "unchanged", AT, "2022-01-07T14:05:00.000Z", 1, 5, 0, "u", status=200, last_good=AT, last_change=AT
)  # fmt: skip


def _event(op: str) -> EntryEvent:
    return EntryEvent(
        id="ev", seq=1, op=op, subject="feed", feed_id="f", entry_id=None, native_id=None, revision=1,  # type: ignore[arg-type]
        previous_event_id=None, restores_event_id=None, same_as=None, snapshot="5", snapshot_id="sn",
        previous_snapshot_id=None, time=AT, not_before=None, first_seen=None, headline="", url=None, published=None,
        grade="normal", flags=[], changes=[], evidence=Evidence("source-error", "the body is empty"), entry=None,
    )  # fmt: skip


def test_each_state_is_told_plainly() -> None:
    failing = replace(WELL, outcome="error", failures=2, error="HTTP 503")
    cases = [
        (FEED, WELL, None, "ok", "last change 1m ago, next try in 2m"),
        (FEED, failing, None, "erroring", "erroring since 14:02: HTTP 503, next try in 2m"),
        (
            FEED,
            replace(failing, last_good=None),
            None,
            "never-good",
            "has never answered well: HTTP 503, next try in 2m",
        ),
        (FEED, None, None, "never-good", "not asked yet"),
        (
            FEED,
            replace(WELL, outcome="blocked", error="robots.txt"),
            None,
            "blocked",
            "blocked: robots.txt, next try in 2m",
        ),
        (
            FEED,
            replace(WELL, outcome="gone", stopped=True, error="HTTP 410 Gone"),
            None,
            "gone",
            "gone since 14:02: HTTP 410 Gone; it is not asked any more",
        ),
        (
            FEED,
            replace(WELL, stopped=True, ended="no change in a day"),
            None,
            "ended",
            HEALTH_ENDED,
        ),
        (
            FEED,
            WELL,
            _event("source-error"),
            "erroring",
            "answers since 14:02 with what cannot be used: the body is empty",
        ),
        (FEED, WELL, _event("source-recovered"), "ok", "last change 1m ago, next try in 2m"),
        (FEED, replace(WELL, last_change="2022-01-05T14:03:00.000Z"), None, "quiet", "last change 2d ago"),
        (replace(FEED, enabled=False), WELL, None, "ended", "switched off by its owner"),
    ]
    for feed, poll, event, state, words in cases:
        health = feed_state(feed, poll, event, NOW)
        assert (health.state, health.words) == (state, words)


def test_a_feed_that_nobody_asks_is_stale() -> None:
    assert feed_state(FEED, WELL, None, NOW + 3_600_000).state == "stale"


def test_a_feed_that_changes_rarely_is_not_quiet_too_soon() -> None:
    rare = replace(WELL, last_change="2022-01-05T14:03:00.000Z", change_every_s=86_400.0)
    assert feed_state(FEED, rare, None, NOW).state == "ok"
