"""When a feed is asked next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from producers.cadence import Cadence, delay_ms, interval_ms, jittered_ms, read_retry_after
from wirewatch.events import Feed

C = Cadence(min_ms=5_000, feed_ms=60_000, live_ms=15_000, max_ms=1_800_000)
AUTO = Feed("a", "https://example.org/")
NOW = 1_640_000_000_000


def _delay(feed: Feed = AUTO, cadence: Cadence = C, **kwargs: object) -> int:
    given_ = {"live": False, "since_change_ms": None, "failures": 0, "retry_after_ms": None, "number": 1, **kwargs}
    return delay_ms(feed, cadence, **given_)  # type: ignore[arg-type]  # the test names only what it varies


def test_a_live_page_is_asked_often_while_it_is_active_and_like_a_feed_after() -> None:
    assert interval_ms(AUTO, C, live=True, since_change_ms=None) == 15_000
    assert interval_ms(AUTO, C, live=True, since_change_ms=60_000) == 15_000
    assert interval_ms(AUTO, C, live=True, since_change_ms=3 * 3_600_000) == 60_000
    assert interval_ms(AUTO, C, live=False, since_change_ms=0) == 60_000


def test_a_duration_in_every_holds_exactly_but_never_under_the_least_interval() -> None:
    assert _delay(Feed("a", "https://example.org/", every="30s"), live=True) == 30_000
    assert _delay(Feed("a", "https://example.org/", every="100ms")) == 5_000
    assert _delay(Feed("a", "https://example.org/", every="100ms"), Cadence(min_ms=100)) == 100


def test_failures_double_the_wait_up_to_the_longest_interval() -> None:
    waits = [_delay(failures=n) for n in range(1, 40)]
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


def test_h60_retry_after_is_read_as_seconds_or_date_and_clamped() -> None:
    assert read_retry_after("120", now_ms=NOW) == 120_000
    assert read_retry_after("1000000000000", now_ms=NOW) == 86_400_000
    assert read_retry_after("9" * 5000, now_ms=NOW) == 86_400_000
    assert read_retry_after("Mon, 20 Dec 2021 11:35:20 GMT", now_ms=NOW) == 120_000
    assert read_retry_after("Mon, 20 Dec 2010 11:35:20 GMT", now_ms=NOW) == 0
    assert read_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", now_ms=NOW) == 86_400_000


@given(st.text(max_size=60))
def test_h60_no_retry_after_breaks_or_brings_a_hot_loop(text: str) -> None:
    wait = read_retry_after(text, now_ms=NOW)
    assert wait is None or 0 <= wait <= 86_400_000
    assert _delay(retry_after_ms=wait, failures=1) >= C.min_ms


def test_h60_a_negative_retry_after_means_nothing() -> None:
    assert read_retry_after("-5", now_ms=NOW) is None
    assert read_retry_after("", now_ms=NOW) is None
    assert read_retry_after(None, now_ms=NOW) is None
