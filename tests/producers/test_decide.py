"""What a poll's answer means: pure, with times of the test's own."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from producers.answers import Answer
from producers.cadence import Cadence
from producers.decide import Asked, PollDecision, decide_poll, recover_poll
from producers.plan import definition_hash, full_body_due, plan_ask, wait_left_ms
from wirewatch.brokers.interface import NewRecord
from wirewatch.events import CeType, Feed, Poll, SnapshotInfo, decode
from wirewatch.identity import snapshot_id
from wirewatch.times import format_ms, parse_ms

NOW = 1_640_000_000_000
FEED = Feed("f", "https://example.org/feed", every="60s")
ASKED = Asked(owner=3, cadence=Cadence())
DAY = 86_400_000


def body(text: bytes = b"one", **kwargs: object) -> Answer:
    given = {"status": 200, "body": text, "etag": f'"{text.decode()}"', "content_type": "text/xml", **kwargs}
    return Answer(FEED.url, **given)  # type: ignore[arg-type]  # the test names only what it varies


def not_modified() -> Answer:
    return Answer(FEED.url, status=304)


def failed(status: int | None = 503, reason: str = "http-status", **kwargs: object) -> Answer:
    return Answer(FEED.url, status=status, reason=reason, error=f"HTTP {status}", **kwargs)  # type: ignore[arg-type]


def info_of(record: NewRecord) -> SnapshotInfo:
    return decode(record.headers["ww_info"].encode(), SnapshotInfo)


class Story:
    """Answers one after the other, a minute apart."""

    def __init__(self, feed: Feed = FEED) -> None:
        self.feed = feed
        self.poll: Poll | None = None
        self.now = NOW
        self.published: list[NewRecord] = []

    def tell(self, answer: Answer, *, full: bool = False, feed: Feed | None = None) -> PollDecision:
        self.now += 60_000
        decision = decide_poll(feed or self.feed, self.poll, answer, replace(ASKED, full=full), now_ms=self.now)
        self.poll = decision.poll
        self.published += decision.snapshots
        return decision

    @property
    def infos(self) -> list[SnapshotInfo]:
        return [info_of(record) for record in self.published]


def test_a_first_body_is_published_with_all_that_the_diff_must_know() -> None:
    story = Story()
    decision = story.tell(body())
    (record,) = decision.snapshots
    assert (record.topic, record.key, record.value) == ("wirewatch.snapshots.v1", "f", b"one")
    assert record.headers["ce_type"] == CeType.SNAPSHOT
    assert record.headers["ce_source"] == "wirewatch/poll/f"
    assert record.headers["content-type"] == "text/xml"
    info = info_of(record)
    assert (info.kind, info.number, info.name, info.owner) == ("body", 1, "1", 3)
    assert record.headers["ce_id"] == info.snapshot_id == snapshot_id("f", 3, 1)
    assert record.headers["ce_time"] == info.fetched_at == format_ms(story.now)
    assert decision.poll.outcome == "changed"
    assert (decision.poll.number, decision.poll.owed, decision.poll.etag) == (1, 2, '"one"')
    assert parse_ms(decision.poll.next_due) == story.now + 60_000


def test_after_a_change_as_many_unchanged_polls_are_confirmed_as_are_owed_and_no_more() -> None:
    story = Story()
    story.tell(body())
    for _ in range(5):
        story.tell(not_modified())
    assert [(i.kind, i.number, i.base) for i in story.infos] == [
        ("body", 1, None),
        ("confirmation", 2, 1),
        ("confirmation", 3, 1),
    ]
    assert story.published[1].value is None
    assert story.published[1].headers["ce_type"] == CeType.SNAPSHOT_CONFIRMED
    assert story.poll is not None
    assert (story.poll.outcome, story.poll.owed, story.poll.etag) == ("unchanged", 0, '"one"')


def test_withdraw_after_of_the_feed_says_how_many_are_owed() -> None:
    story = Story(replace(FEED, withdraw_after=5))
    story.tell(body())
    for _ in range(9):
        story.tell(not_modified())
    assert len(story.published) == 6


def test_f8_a_new_owner_says_with_its_first_good_answer_that_the_feed_is_its_own() -> None:
    """Also where nothing is owed: from then on the diff passes over what a predecessor publishes late."""
    story = Story()
    for answer in (body(), *[not_modified()] * 5):
        story.tell(answer)
    assert story.poll is not None
    assert (story.poll.owed, len(story.published)) == (0, 3)
    fence = replace(ASKED, owner=4, fence=True)
    for answer in (not_modified(), body()):
        decision = decide_poll(FEED, story.poll, answer, fence, now_ms=story.now)
        (record,) = decision.snapshots
        info = info_of(record)
        assert (info.kind, info.owner, info.number, info.base) == ("confirmation", 4, 4, 1)
        assert (decision.poll.owed, decision.poll.number) == (0, 4)
    assert decide_poll(FEED, story.poll, failed(), fence, now_ms=story.now).snapshots == []


def test_the_same_bytes_with_status_200_are_a_confirmation() -> None:
    story = Story()
    story.tell(body())
    story.tell(body(etag='"new"'))
    assert [i.kind for i in story.infos] == ["body", "confirmation"]
    assert story.poll is not None
    assert (story.poll.outcome, story.poll.etag) == ("unchanged", '"new"')


def test_a_change_before_all_is_confirmed_starts_anew() -> None:
    story = Story()
    for answer in (body(b"one"), not_modified(), body(b"two"), not_modified(), not_modified(), not_modified()):
        story.tell(answer)
    assert [(i.kind, i.base) for i in story.infos] == [
        ("body", None),
        ("confirmation", 1),
        ("body", None),
        ("confirmation", 3),
        ("confirmation", 3),
    ]


def test_a_failure_changes_nothing_but_the_count_and_the_next_time() -> None:
    story = Story()
    story.tell(body())
    before = story.poll
    story.tell(failed())
    after = story.poll
    assert before is not None
    assert after is not None
    assert (after.outcome, after.failures, after.error, after.status) == ("error", 1, "HTTP 503", 503)
    for name in ("number", "owed", "etag", "body_hash", "last_good", "last_full", "body_number"):
        assert getattr(after, name) == getattr(before, name), name
    story.tell(failed())
    assert story.poll is not None
    assert parse_ms(story.poll.next_due) - story.now > 110_000
    story.tell(not_modified())
    assert story.poll is not None
    assert (story.poll.failures, story.poll.error, story.poll.owed) == (0, None, 1)


def test_a_full_fetch_is_published_whatever_it_holds_and_counts_as_a_repeat() -> None:
    story = Story()
    story.tell(body())
    story.tell(body(), full=True)
    story.tell(not_modified())
    story.tell(not_modified())
    assert [(i.kind, i.unconditional, i.base) for i in story.infos] == [
        ("body", False, None),
        ("body", True, None),
        ("confirmation", False, 2),
    ]


def test_a_full_body_is_due_daily() -> None:
    story = Story()
    story.tell(body())
    assert not full_body_due(story.poll, now_ms=story.now + DAY - 1, full_body_ms=DAY)
    assert full_body_due(story.poll, now_ms=story.now + DAY, full_body_ms=DAY)
    assert full_body_due(None, now_ms=NOW, full_body_ms=DAY)


def test_h61_a_410_stops_the_feed_until_its_definition_changes() -> None:
    story = Story()
    story.tell(body())
    story.tell(failed(410))
    assert story.poll is not None
    assert (story.poll.outcome, story.poll.stopped) == ("gone", True)
    story.tell(body(b"back"), feed=replace(FEED, url="https://example.org/new"))
    assert (story.poll.outcome, story.poll.stopped) == ("changed", False)


def test_blocked_is_an_outcome_of_its_own() -> None:
    for reason in ("blocked", "robots"):
        assert Story().tell(failed(None, reason)).poll.outcome == "blocked"
    assert Story().tell(failed(None, "robots-away")).poll.outcome == "error"


def test_h60_retry_after_puts_the_next_poll_off() -> None:
    story = Story()
    decision = story.tell(failed(429, retry_after_ms=7_200_000))
    assert parse_ms(decision.poll.next_due) == story.now + 7_200_000


def test_h62_a_permanent_redirect_is_believed_after_three_polls_and_checked_again() -> None:
    story = Story()
    moved = "https://new.example/feed"
    for n in range(1, 4):
        story.tell(body(moved_to=moved))
        assert story.poll is not None
        assert story.poll.moved_seen == n
        asked = plan_ask(FEED, story.poll, {}, unconditional=False)
        assert asked.url == (moved if n == 3 else FEED.url)
    # asked at its new place: still moved
    story.tell(not_modified())
    assert story.poll is not None
    assert plan_ask(FEED, story.poll, {}, unconditional=False).url == moved
    # a full fetch asks the old place again; that it no longer redirects ends it
    assert plan_ask(FEED, story.poll, {}, unconditional=True).url == FEED.url
    story.tell(body(), full=True)
    assert story.poll is not None
    assert (story.poll.moved_to, story.poll.moved_seen) == (None, 0)


def test_h62_a_moved_feed_that_fails_is_asked_at_its_own_url_next() -> None:
    story = Story()
    for _ in range(3):
        story.tell(body(moved_to="https://new.example/feed"))
    story.tell(failed())
    assert story.poll is not None
    assert plan_ask(FEED, story.poll, {}, unconditional=False).url == FEED.url


def test_h62_two_targets_in_turn_are_never_believed() -> None:
    story = Story()
    for n in range(10):
        story.tell(body(moved_to=f"https://new{n % 2}.example/feed"))
        assert story.poll is not None
        assert story.poll.moved_seen == 1


def test_h20_a_moved_feed_s_headers_do_not_follow_it_to_another_origin() -> None:
    feed = replace(FEED, headers={"X-Key": "hush"})
    story = Story(feed)
    for _ in range(3):
        story.tell(body(moved_to="https://new.example/feed"))
    asked = plan_ask(feed, story.poll, {}, unconditional=False)
    assert (asked.url, asked.headers) == ("https://new.example/feed", {})


def test_h58_no_record_holds_a_url_s_secrets() -> None:
    feed = replace(FEED, url="https://user:hunter2@example.org/feed?token=t0psecret")
    story = Story(feed)
    first = story.tell(body(moved_to="https://example.org/n?token=t0psecret"))
    second = story.tell(replace(failed(), error="gone wrong"))
    for decision in (first, second):
        for record in (*decision.snapshots, decision.record):
            text = repr(record)
            assert "hunter2" not in text
            assert "t0psecret" not in text
    assert first.poll.moved_to is None


def test_a_changed_definition_fetches_and_publishes_the_whole_body_even_if_a_failure_comes_first() -> None:
    story = Story()
    story.tell(body())
    other = replace(FEED, listing="full")
    assert not plan_ask(other, story.poll, {}, unconditional=False).conditional
    story.tell(failed(), feed=other)
    assert full_body_due(story.poll, now_ms=story.now, full_body_ms=DAY)
    story.tell(body(), feed=other, full=True)
    assert story.poll is not None
    assert story.infos[-1].definition.listing == "full"
    assert (story.poll.outcome, story.infos[-1].kind) == ("unchanged", "body")


def test_names_tags_and_cadence_are_no_change_of_definition() -> None:
    same = replace(FEED, name="x", tags=["y"], every="5s", origin="file")
    assert definition_hash(same) == definition_hash(FEED)
    for other in (replace(FEED, url="https://x.example/"), replace(FEED, headers={"A": "b"}), replace(FEED, span="1h")):
        assert definition_hash(other) != definition_hash(FEED)


def test_a_live_page_is_recognised_by_what_it_says_of_itself() -> None:
    page = b'<html><script type="application/ld+json">{"@type": "LiveBlogPosting"}</script>'
    auto = replace(FEED, every="auto")
    assert Story(auto).tell(body(page)).poll.live
    assert not Story(auto).tell(body(b'{"text": "LiveBlogPosting"}')).poll.live
    assert Story(replace(auto, kind="live-page")).tell(body(b"<html>")).poll.live
    assert not Story(replace(auto, kind="html")).tell(body(page)).poll.live


def test_how_often_a_feed_changes_is_learned() -> None:
    story = Story()
    for n in range(20):
        story.tell(body(str(n).encode()))
    assert story.poll is not None
    assert story.poll.change_every_s == 60.0


def _crash(story: Story, answer: Answer) -> list[SnapshotInfo]:
    """What is in the log after a poll whose snapshot was published and whose poll was not."""
    before = story.poll
    decision = story.tell(answer)
    story.poll = before
    return [info_of(record) for record in decision.snapshots]


def test_f1_a_body_published_without_its_poll_is_not_published_again() -> None:
    story = Story()
    story.tell(body(b"one"))
    infos = _crash(story, body(b"two"))
    story.poll = recover_poll(story.poll, infos, FEED, now_ms=story.now)
    assert story.poll is not None
    assert (story.poll.number, story.poll.owed, story.poll.etag) == (2, 2, None)
    assert not plan_ask(FEED, story.poll, {}, unconditional=False).conditional
    story.tell(body(b"two"))
    story.tell(not_modified())
    story.tell(not_modified())
    assert [(i.kind, i.number) for i in story.infos] == [
        ("body", 1),
        ("body", 2),
        ("confirmation", 3),
        ("confirmation", 4),
    ]


def test_f1_a_confirmation_published_without_its_poll_is_not_owed_again() -> None:
    story = Story()
    story.tell(body(b"one"))
    infos = _crash(story, not_modified())
    story.poll = recover_poll(story.poll, infos, FEED, now_ms=story.now)
    for _ in range(3):
        story.tell(not_modified())
    assert [(i.kind, i.number) for i in story.infos] == [("body", 1), ("confirmation", 2), ("confirmation", 3)]


def test_f1_the_first_body_of_all_is_recovered_too() -> None:
    story = Story()
    infos = _crash(story, body(b"one"))
    recovered = recover_poll(None, infos, FEED, now_ms=story.now)
    assert recovered is not None
    assert (recovered.number, recovered.body_number, recovered.owner) == (1, 1, 3)
    assert recover_poll(None, [], FEED, now_ms=story.now) is None


def test_f2_a_snapshot_that_was_already_counted_changes_nothing() -> None:
    story = Story()
    decision = story.tell(body(b"one"))
    infos = [info_of(record) for record in decision.snapshots]
    assert recover_poll(story.poll, infos, FEED, now_ms=story.now) == story.poll


@pytest.mark.parametrize("off", [86_400_000, -86_400_000])
def test_f14_a_feed_taken_over_waits_no_longer_than_its_last_poller_decided_whatever_the_clocks_say(off: int) -> None:
    story = Story()
    poll = story.tell(body()).poll
    decided = parse_ms(poll.next_due) - parse_ms(poll.at)
    assert 0 <= wait_left_ms(poll, now_ms=story.now + off) <= decided
    assert wait_left_ms(poll, now_ms=story.now) == decided


def test_f14_a_full_body_of_a_time_that_has_not_come_is_fetched_anew() -> None:
    story = Story()
    poll = story.tell(body()).poll
    assert not full_body_due(poll, now_ms=story.now, full_body_ms=86_400_000)
    assert not full_body_due(poll, now_ms=story.now - 5_000, full_body_ms=86_400_000), "clocks differ by seconds"
    assert full_body_due(poll, now_ms=story.now - 86_400_000, full_body_ms=86_400_000)
