"""When a feed is asked next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from producers.cadence import Cadence, Rhythm, activity_at, delay_ms, interval_ms, jittered_ms
from wirewatch.events import Feed

C = Cadence(min_ms=5_000, feed_ms=60_000, live_ms=15_000, max_ms=1_800_000)
AUTO = Feed("a", "https://example.org/")
LIVE = Rhythm(live=True)
HOUR = 3_600_000


def _delay(feed: Feed = AUTO, cadence: Cadence = C, rhythm: Rhythm = LIVE, **kwargs: object) -> int:
    given_ = {"failures": 0, "retry_after_ms": None, "number": 1, **kwargs}
    return delay_ms(feed, cadence, rhythm, **given_)  # type: ignore[arg-type]  # the test names only what it varies


def _often(**known: object) -> int:
    return interval_ms(AUTO, C, Rhythm(**known))  # type: ignore[arg-type]  # the test names only what it varies


def test_a_live_page_is_asked_often_while_it_is_active_and_like_a_feed_after() -> None:
    assert _often(live=True) == 15_000
    assert _often(live=True, since_change_ms=60_000) == 15_000
    assert _often(live=True, since_change_ms=3 * HOUR) == 3 * 60_000
    assert _often(since_change_ms=0) == 60_000


def test_a_quiet_source_rests_longer_the_longer_it_is_quiet_up_to_the_longest_interval() -> None:
    waits = [_often(since_change_ms=hours * HOUR) for hours in (0, 1, 2, 6, 24, 30, 1000)]
    assert waits == [60_000, 60_000, 120_000, 360_000, 1_440_000, 1_800_000, 1_800_000]


def test_a_source_is_asked_twenty_times_between_two_of_its_changes_once_they_are_known() -> None:
    assert _often(change_every_ms=HOUR, changes=4) == 60_000
    assert _often(change_every_ms=HOUR, changes=5) == 180_000
    assert _often(change_every_ms=60_000, changes=50) == 60_000
    assert _often(change_every_ms=100 * HOUR, changes=50) == 1_800_000


def test_hours_in_which_it_changes_more_are_asked_more_often() -> None:
    hours = [0] * 24
    hours[9:17] = [10] * 8
    assert activity_at(hours, 12) == 3.0
    assert activity_at(hours, 2) == 1.0, "a quiet hour makes nothing later"
    assert activity_at(hours, 8) == 2.25, "a wait must not reach from the quiet into the busy hours"
    assert activity_at([1] * 24, 12) == 1.0, "too few changes to tell"
    assert activity_at([], 12) == 1.0
    assert _often(change_every_ms=HOUR, changes=80, activity=2.0) == 90_000
    assert _often(since_change_ms=10 * HOUR, activity=4.0) == 150_000, (
        "a busy hour does not rest for the night before it"
    )


def test_an_answer_that_says_it_is_fresh_is_not_asked_for_again_meanwhile() -> None:
    assert _often(fresh_ms=600_000) == 600_000
    assert _often(fresh_ms=24 * HOUR) == 1_800_000
    assert _often(fresh_ms=1_000) == 60_000
    assert _often(live=True, fresh_ms=600_000) == 60_000, "an active live page at least as often as a feed"


def test_a_ttl_stretches_the_wait_to_twice_the_usual_one_at_most() -> None:
    assert _often(ttl_ms=90_000) == 90_000
    assert _often(ttl_ms=HOUR) == 120_000


def test_what_a_source_does_goes_before_what_it_says() -> None:
    assert _often(fresh_ms=600_000, change_every_ms=300_000, changes=9) == 150_000


def test_a_ceiling_from_lost_entries_goes_before_all_else_but_the_least_interval() -> None:
    assert _often(fresh_ms=600_000, change_every_ms=HOUR, changes=9, ceiling_ms=30_000) == 30_000
    assert _often(ceiling_ms=10) == 5_000


@given(
    st.builds(
        Rhythm,
        live=st.booleans(),
        since_change_ms=st.one_of(st.none(), st.integers(0, 10**12)),
        change_every_ms=st.one_of(st.none(), st.integers(0, 10**12)),
        changes=st.integers(0, 500),
        activity=st.floats(1, 4),
        ttl_ms=st.one_of(st.none(), st.integers(0, 86_400_000)),
        fresh_ms=st.one_of(st.none(), st.integers(0, 86_400_000)),
        ceiling_ms=st.one_of(st.none(), st.integers(0, 10**9)),
    )
)
def test_nothing_learned_applies_to_a_duration_and_auto_stays_within_its_bounds(rhythm: Rhythm) -> None:
    assert interval_ms(Feed("a", "https://example.org/", every="30s"), C, rhythm) == 30_000
    assert C.min_ms <= interval_ms(AUTO, C, rhythm) <= C.max_ms


def test_a_duration_in_every_holds_exactly_but_never_under_the_least_interval() -> None:
    assert _delay(Feed("a", "https://example.org/", every="30s")) == 30_000
    assert _delay(Feed("a", "https://example.org/", every="100ms")) == 5_000
    assert _delay(Feed("a", "https://example.org/", every="100ms"), Cadence(min_ms=100)) == 100


def test_failures_double_the_wait_up_to_the_longest_interval() -> None:
    waits = [_delay(rhythm=Rhythm(), failures=n) for n in range(1, 40)]
    for n, wait in enumerate(waits[:5]):
        assert abs(wait - 60_000 * 2**n) <= 60_000 * 2**n * 0.051
    assert max(waits) <= 1_800_000 * 1.05
    assert min(waits[10:]) >= 1_800_000 * 0.95


def test_a_feed_asked_once_a_day_is_not_asked_sooner_because_it_fails() -> None:
    assert _delay(Feed("a", "https://example.org/", every="24h"), failures=1) >= 86_400_000 * 0.95


def test_jitter_is_the_same_for_the_same_feed_and_number_and_differs_between_feeds() -> None:
    assert jittered_ms(60_000, "a", 7) == jittered_ms(60_000, "a", 7)
    assert len({jittered_ms(60_000, f"feed-{n}", 7) for n in range(100)}) > 90


@given(st.integers(0, 100), st.one_of(st.none(), st.integers(0, 86_400_000)), st.integers(0, 10**9))
def test_no_wait_is_ever_shorter_than_the_least_interval(failures: int, retry: int | None, number: int) -> None:
    wait = _delay(failures=failures, retry_after_ms=retry, number=number)
    assert wait >= C.min_ms
    assert wait >= (retry or 0)
    assert wait <= max(1_800_000 * 1.05, retry or 0)
