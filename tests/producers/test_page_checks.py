"""Which pages of entries are looked at: pure."""

from __future__ import annotations

import pytest

from producers.page_checks import plan_page_check, same_site, wait_for_page_check
from wirewatch.events import Feed, FetchRequest, Poll
from wirewatch.times import format_ms

NOW = 1_640_000_000_000


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://example.org/feed", "https://www.example.org/a", True),
        ("https://feeds.example.org/x", "https://example.org/a", True),
        ("https://example.org:8443/", "http://example.org/", True),
        ("https://example.org/", "https://evil-example.org/", False),
        ("https://example.org/", "https://example.org.evil.net/", False),
        ("https://a.co/", "https://co/", False),
        ("https://example.org/", "not a url", False),
        ("https://example.org/", "https:///x", False),
    ],
)
def test_same_site_is_the_same_host_or_one_below_it(one: str, other: str, same: bool) -> None:
    assert same_site(one, other) is same
    assert same_site(other, one) is same


def _poll(*ages_s: int) -> Poll:
    now = format_ms(NOW)
    return Poll("f", "unchanged", now, now, 1, 1, 0, "u", page_checks=[format_ms(NOW - s * 1000) for s in ages_s])


def test_five_an_hour_and_the_sixth_waits_for_the_first_to_be_an_hour_old() -> None:
    assert wait_for_page_check(_poll(50, 40, 30, 20), now_ms=NOW) == 0
    assert wait_for_page_check(_poll(3000, 40, 30, 20, 10), now_ms=NOW) == 600_000
    assert wait_for_page_check(_poll(3601, 40, 30, 20, 10), now_ms=NOW) == 0


def test_f14_checks_dated_in_the_future_by_a_wrong_clock_do_not_block_for_ever() -> None:
    assert wait_for_page_check(_poll(*[-86_400] * 5), now_ms=NOW) == 0


def test_headers_go_to_the_feed_s_own_origin_only() -> None:
    feed = Feed("f", "https://example.org/feed", headers={"X-Key": "env:K"})

    def request(url: str) -> FetchRequest:
        return FetchRequest("r", "f", "page-check", "x", format_ms(NOW), "en_1", url)

    near = plan_page_check(feed, request("https://example.org/a"), {"K": "hush"})
    far = plan_page_check(feed, request("https://www.example.org/a"), {"K": "hush"})
    assert near is not None
    assert far is not None
    assert (near.headers, far.headers) == ({"X-Key": "hush"}, {})
    assert near.status_only
    assert plan_page_check(feed, request("https://other.net/a"), {"K": "hush"}) is None
