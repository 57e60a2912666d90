"""What a source asks of those who poll it."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from producers.cadence import Cadence, Rhythm, delay_ms
from producers.wishes import read_freshness, read_retry_after, read_ttl
from wirewatch.events import Feed

NOW = 1_640_000_000_000


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
    feed, cadence = Feed("a", "https://example.org/"), Cadence()
    assert delay_ms(feed, cadence, Rhythm(), failures=1, retry_after_ms=wait, number=1) >= cadence.min_ms


def test_h60_a_negative_retry_after_means_nothing() -> None:
    assert read_retry_after("-5", now_ms=NOW) is None
    assert read_retry_after("", now_ms=NOW) is None
    assert read_retry_after(None, now_ms=NOW) is None


def _fresh(**headers: str) -> int | None:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return read_freshness(named, now_ms=NOW)


def test_max_age_counts_less_what_the_copy_is_old_and_goes_before_expires() -> None:
    assert _fresh(Cache_Control="public, max-age=300") == 300_000
    assert _fresh(Cache_Control="max-age=300", Age="100") == 200_000
    assert _fresh(Cache_Control="max-age=300", Age="400") is None
    assert _fresh(Cache_Control="max-age=60", Expires="Mon, 20 Dec 2021 12:33:20 GMT") == 60_000
    assert _fresh(Cache_Control="s-maxage=600") is None, "that is for caches that many share"


def test_expires_counts_from_the_source_s_own_clock() -> None:
    assert _fresh(Expires="Mon, 20 Dec 2021 11:35:20 GMT") == 120_000
    assert _fresh(Expires="Thu, 01 Jan 2015 00:10:00 GMT", Date="Thu, 01 Jan 2015 00:00:00 GMT") == 600_000
    assert _fresh(Expires="0") is None
    assert _fresh(Expires="Thu, 01 Jan 1970 00:00:00 GMT") is None


def test_what_may_not_be_kept_is_not_fresh() -> None:
    assert _fresh(Cache_Control="no-cache, max-age=300") is None
    assert _fresh(Cache_Control="max-age=300, no-store") is None
    assert _fresh(Cache_Control="max-age=0") is None
    assert _fresh() is None


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=20))
def test_h60_no_freshness_is_longer_than_a_day_whatever_the_headers_say(control: str, expires: str, age: str) -> None:
    fresh = read_freshness({"Cache-Control": control, "Expires": expires, "Age": age}, now_ms=NOW)
    assert fresh is None or 0 < fresh <= 86_400_000


def test_h60_a_max_age_without_end_is_a_day() -> None:
    assert _fresh(Cache_Control="max-age=" + "9" * 5000) == 86_400_000


def test_a_ttl_and_an_update_period_are_read_before_the_first_entry_only() -> None:
    assert read_ttl(b"<rss><channel><title>x</title><ttl> 15 </ttl><item/>") == 900_000
    assert read_ttl(b"<rss><channel><item><ttl>15</ttl></item></channel></rss>") is None
    hourly = b"<rss><channel><sy:updatePeriod>\n hourly \n</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>"
    assert read_ttl(hourly) == 900_000
    assert read_ttl(b"<rdf:RDF ><channel><sy:updatePeriod>daily</sy:updatePeriod>") == 86_400_000
    assert read_ttl(b"<html><ttl>15</ttl></html>") is None
    assert read_ttl(b'{"ttl": 15}') is None
    assert read_ttl(b"<rss><ttl>99999999999</ttl>") == 86_400_000
    assert read_ttl(b"<rss><ttl>0</ttl>") is None


def test_looking_for_a_ttl_takes_no_time_on_a_hostile_body() -> None:
    began = time.perf_counter()
    for body in (
        b"<rss>" + b"<ttl> " * 3_000_000,
        b"<rss>" + b"<sy:updatePeriod>" * 900_000,
        b"<rss>" + b" " * (15 << 20),
    ):
        assert read_ttl(body) is None
    assert time.perf_counter() - began < 0.5
