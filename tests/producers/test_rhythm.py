"""What a feed's polls tell of its rhythm, told as stories of polls with times of the test's own."""

from __future__ import annotations

from msgspec.structs import replace

from producers.answers import Answer
from producers.cadence import Cadence
from producers.decide import Asked, decide_poll
from producers.heeding import heeded
from producers.plan import definition_hash
from producers.rhythm import OVER_SAID, OVER_STILL, hurried, resumed, told_over
from wirewatch.events import Feed, FetchRequest, Poll
from wirewatch.times import format_ms, parse_ms

NOON = 1_639_999_200_000 - 1_639_999_200_000 % 86_400_000 + 43_200_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
C = Cadence()
FEED = Feed("f", "https://example.org/feed")
LIVE = replace(FEED, kind="live-page")


class Source:
    """A feed that is polled when it is due; its body is what ``shows`` gives for the time."""

    def __init__(self, feed: Feed = FEED, *, every: int = 10**15, **answer: object) -> None:
        self.feed = feed
        self.every = every
        self.answer = answer
        self.poll: Poll | None = None
        self.now = NOON
        self.asked = 0

    def shows(self) -> bytes:
        return b"version %d" % (self.now // self.every)

    def once(self) -> Poll:
        answer = Answer(self.feed.url, status=200, body=self.shows(), **self.answer)  # type: ignore[arg-type]
        self.poll = decide_poll(self.feed, self.poll, answer, Asked(1, C), now_ms=self.now).poll
        self.asked += 1
        return self.poll

    def until(self, at: int) -> Poll:
        """Polls as they fall due, until that time or until the feed stops."""
        poll = self.once()
        while not poll.stopped and parse_ms(poll.next_due) <= at:
            self.now = parse_ms(poll.next_due)
            poll = self.once()
        return poll

    def request(self, kind: str) -> FetchRequest:
        return FetchRequest("r", "f", kind, "test", format_ms(self.now))  # type: ignore[arg-type]

    @property
    def wait(self) -> int:
        assert self.poll is not None
        return parse_ms(self.poll.next_due) - parse_ms(self.poll.at)


def near(wait: int, wanted: int) -> bool:
    return abs(wait - wanted) <= wanted * 0.06


def test_a_source_that_changes_hourly_is_asked_about_every_three_minutes_and_never_misses_one() -> None:
    source = Source(every=HOUR)
    poll = source.until(NOON + DAY + 10 * MINUTE)
    assert poll.change_every_s is not None
    assert near(round(poll.change_every_s), 3600)
    assert sum(poll.hours) == 24, "each of its changes was seen"
    assert 24 * 18 < source.asked < 24 * 35


def test_a_quiet_source_rests_and_a_change_wakes_it() -> None:
    source = Source()
    source.until(NOON + 2 * DAY)
    assert near(source.wait, C.max_ms)
    source.every = 1
    source.now += MINUTE
    source.once()
    assert near(source.wait, C.feed_ms)


def test_a_duration_in_every_learns_no_rest_no_end_and_heeds_no_hurry() -> None:
    source = Source(replace(LIVE, every="10m"), fresh_ms=HOUR)
    source.until(NOON + 3 * DAY)
    assert source.poll is not None
    assert (source.wait, source.poll.stopped, source.asked) == (600_000, False, 3 * 144 + 1)
    assert hurried(source.feed, C, source.poll, source.request("sooner")) is source.poll
    assert told_over(source.feed, source.poll, source.request("ended")) is source.poll


def test_one_long_silence_does_not_count_as_its_rhythm() -> None:
    source = Source(every=10 * MINUTE)
    before = source.until(NOON + 6 * HOUR).change_every_s
    source.now += 2 * DAY
    after = source.once().change_every_s
    assert before is not None
    assert after is not None
    assert after <= before * 1.7


def test_after_entries_passed_nearly_unseen_it_is_asked_twice_as_often_and_relaxes_slowly() -> None:
    source = Source(fresh_ms=20 * MINUTE)
    poll = source.once()
    assert near(source.wait, 20 * MINUTE)
    source.poll = hurried(source.feed, C, poll, source.request("sooner"))
    assert near(source.wait, 10 * MINUTE)
    source.every = 1
    waits = []
    for _ in range(40):
        source.now = parse_ms(source.poll.next_due)
        source.poll = source.once()
        waits.append(source.wait)
    assert near(waits[0], 11 * MINUTE)
    assert source.poll.ceiling_s is None, "it is lifted once it shortens nothing"


def test_a_hurry_about_an_older_snapshot_or_below_the_least_interval_changes_nothing() -> None:
    source = Source()
    poll = source.once()
    old = replace(source.request("sooner"), time=format_ms(source.now - HOUR))
    assert hurried(source.feed, C, poll, old) is poll
    failing = replace(poll, failures=1)
    assert hurried(source.feed, C, failing, source.request("sooner")) is failing
    for _ in range(10):
        poll = hurried(source.feed, C, poll, source.request("sooner"))
    assert parse_ms(poll.next_due) - parse_ms(poll.at) == C.min_ms


def test_a_live_page_that_does_not_change_in_a_day_ends_with_its_reason() -> None:
    source = Source(LIVE)
    poll = source.until(NOON + 3 * DAY)
    assert (poll.stopped, poll.ended, poll.outcome) == (True, OVER_STILL, "unchanged")
    assert DAY <= source.now - NOON <= DAY + HOUR
    assert not Source(FEED).until(NOON + 3 * DAY).stopped, "a feed only rests"


def test_a_live_page_that_says_it_is_over_is_asked_for_an_hour_yet() -> None:
    source = Source(LIVE)
    source.poll = told_over(LIVE, source.once(), source.request("ended"))
    assert not source.poll.stopped
    poll = source.until(NOON + 3 * DAY)
    assert (poll.stopped, poll.ended) == (True, OVER_SAID)
    assert HOUR <= source.now - NOON <= HOUR + 5 * MINUTE


def test_corrections_after_the_end_do_not_put_it_off_but_a_page_that_goes_on_is_followed() -> None:
    source = Source(LIVE, every=20 * MINUTE)
    for _ in range(4):
        poll = source.once()
        source.poll = told_over(LIVE, poll, source.request("ended"))
        source.now += 20 * MINUTE
    assert source.poll is not None
    assert source.poll.ended == OVER_SAID
    source = Source(LIVE, every=20 * MINUTE)
    source.poll = told_over(LIVE, source.once(), source.request("ended"))
    assert not source.until(NOON + 6 * HOUR).stopped


def test_what_has_ended_goes_on_when_resumed_or_redefined_for_a_day_at_least() -> None:
    source = Source(LIVE)
    ended = source.until(NOON + 3 * DAY)
    source.poll = resumed(ended, now_ms=source.now)
    assert (source.poll.stopped, source.poll.ended) == (False, None)
    assert not source.until(source.now + 20 * HOUR).stopped
    source.poll, source.feed = ended, replace(LIVE, withdraw_after=3)
    assert definition_hash(source.feed) != ended.definition_hash
    assert not source.until(source.now + 20 * HOUR).stopped


def test_a_feed_that_is_gone_is_not_resumed_as_if_it_had_ended() -> None:
    poll = Source().once()
    gone = replace(poll, outcome="gone", stopped=True)
    assert resumed(gone, now_ms=NOON) is gone


def test_a_changed_definition_forgets_the_rhythm_of_what_was_asked_before() -> None:
    source = Source(every=10 * MINUTE)
    source.until(NOON + 6 * HOUR)
    source.feed = replace(FEED, url="https://example.org/other")
    poll = source.once()
    assert sum(poll.hours) <= 1


class Noisy(Source):
    """A page whose bytes differ at each request; the diff tells when there is nothing new in them."""

    def __init__(self, feed: Feed = LIVE) -> None:
        super().__init__(feed)
        self.new_at = NOON
        self.told = 0

    def shows(self) -> bytes:
        return b"token %d" % self.now

    def once(self) -> Poll:
        poll = super().once()
        silence = self.now - self.new_at
        if silence >= max(HOUR, 2 * self.told):
            self.told = silence
            self.hear("still", since=format_ms(self.new_at))
        return self.poll or poll

    def hear(self, kind: str, **more: object) -> Poll:
        assert self.poll is not None
        self.poll = heeded(self.feed, C, self.poll, replace(self.request(kind), **more))
        return self.poll

    def stir(self) -> Poll:
        self.new_at, told, self.told = self.now, self.told, 0
        return self.hear("stirring") if told else self.poll or self.once()


def test_a_live_page_whose_bytes_differ_at_each_request_rests_and_ends_like_one_that_stands_still() -> None:
    noisy, still = Noisy(), Source(LIVE)
    assert noisy.until(NOON + 3 * HOUR).stopped is False
    assert noisy.wait > 2 * MINUTE
    assert still.until(NOON + 3 * HOUR).stopped is False
    assert abs(noisy.wait - still.wait) < MINUTE
    poll = noisy.until(NOON + 3 * DAY)
    assert (poll.stopped, poll.ended) == (True, OVER_STILL)
    assert DAY <= noisy.now - NOON <= DAY + HOUR
    assert noisy.asked < still.asked + 600


def test_what_stirs_in_such_a_page_is_followed_closely_again() -> None:
    noisy = Noisy()
    noisy.until(NOON + 10 * HOUR)
    assert noisy.wait > 8 * MINUTE
    poll = noisy.stir()
    assert poll.still_since is None
    assert noisy.wait <= C.live_ms * 1.1
    assert noisy.until(NOON + 30 * HOUR).stopped is False, "the day begins anew"
    assert noisy.until(NOON + 40 * HOUR).stopped is True


def test_a_page_that_ended_so_and_is_resumed_has_a_whole_day_again() -> None:
    noisy = Noisy()
    poll = noisy.until(NOON + 2 * DAY)
    assert poll.stopped
    begun = noisy.now = noisy.now + DAY
    noisy.poll = resumed(poll, now_ms=noisy.now)
    noisy.until(begun + 23 * HOUR)
    assert noisy.poll.stopped is False
    noisy.until(begun + 25 * HOUR)
    assert noisy.poll.stopped is True


def test_a_feed_whose_bytes_alone_differ_rests_but_never_ends() -> None:
    noisy = Noisy(FEED)
    noisy.until(NOON + 40 * HOUR)
    assert noisy.wait > 25 * MINUTE
    assert noisy.poll is not None
    assert not noisy.poll.stopped


def test_bytes_that_bring_nothing_teach_no_rhythm() -> None:
    noisy = Noisy(FEED)
    before = noisy.until(NOON + 2 * HOUR)
    after = noisy.until(NOON + 20 * HOUR)
    assert after.change_every_s == before.change_every_s
    assert after.hours == before.hours


def test_with_a_duration_in_every_stillness_changes_nothing() -> None:
    noisy = Noisy(replace(LIVE, every="1m"))
    poll = noisy.until(NOON + 30 * HOUR)
    assert not poll.stopped
    assert noisy.wait == MINUTE


def test_f14_a_clock_a_day_ahead_ends_no_live_page() -> None:
    source = Source(LIVE)
    source.until(NOON + 2 * HOUR)
    source.now += DAY
    assert not source.once().stopped, "no day has passed in which it was watched"
    assert not source.until(source.now + 20 * HOUR).stopped
    assert source.until(source.now + 6 * HOUR).ended == OVER_STILL, "by now one has"


def test_f14_a_page_that_says_it_is_over_keeps_its_hour_when_the_clock_jumps() -> None:
    source = Source(LIVE)
    source.poll = told_over(LIVE, source.once(), source.request("ended"))
    source.now += DAY
    assert not source.once().stopped
