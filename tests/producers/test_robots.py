"""robots.txt, fetched from real origins."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from producers.answers import Ask
from producers.asking import Asking
from producers.fetch import Fetcher
from producers.robots import Robots
from tests.producers.kit import LIMITS, LOOPBACK, Origin
from wirewatch.net import Guard
from wirewatch.times import SystemClock


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def now_ms(self) -> int:
        return int(self.at * 1000)

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


async def _refusal(robots: Robots, origin: Origin, path: str = "/feed") -> str | None:
    answer = await robots.refusal(Ask(origin.url + path))
    return answer.reason if answer is not None else None


async def test_what_is_disallowed_for_us_is_refused_and_the_rest_is_not(origin: Origin, fetcher: Fetcher) -> None:
    origin.serve("/robots.txt", b"User-agent: *\nDisallow: /\n\nUser-agent: wirewatch\nDisallow: /private\n")
    robots = Robots(fetcher, Clock(), LIMITS)
    assert await _refusal(robots, origin) is None
    assert await _refusal(robots, origin, "/private/feed") == "robots"


async def test_it_is_kept_for_a_day(origin: Origin, fetcher: Fetcher) -> None:
    origin.serve("/robots.txt", b"User-agent: *\nDisallow: /feed")
    clock = Clock()
    robots = Robots(fetcher, clock, LIMITS)
    for hours in (0, 1, 22):
        clock.at += hours * 3600
        assert await _refusal(robots, origin) == "robots"
    assert len(origin.asked) == 1
    origin.serve("/robots.txt", b"")
    clock.at += 3600
    assert await _refusal(robots, origin) is None


async def test_none_there_allows_all(origin: Origin, fetcher: Fetcher) -> None:
    for status in (401, 403, 404, 410):
        origin.serve("/robots.txt", status=status)
        assert await _refusal(Robots(fetcher, Clock(), LIMITS), origin) is None


async def test_one_that_cannot_be_had_puts_the_poll_off_and_is_asked_again_soon(
    origin: Origin, fetcher: Fetcher
) -> None:
    clock = Clock()
    robots = Robots(fetcher, clock, LIMITS)
    origin.serve("/robots.txt", status=503)
    assert await _refusal(robots, origin) == "robots-away"
    origin.serve("/robots.txt", b"")
    assert await _refusal(robots, origin) == "robots-away"
    clock.at += 61
    assert await _refusal(robots, origin) is None


async def test_one_too_large_to_be_meant_allows_all(origin: Origin, fetcher: Fetcher) -> None:
    origin.serve("/robots.txt", b"User-agent: *\nDisallow: /\n" + b"#" * (1 << 20))
    assert await _refusal(Robots(fetcher, Clock(), LIMITS), origin) is None


async def test_it_passes_the_guard_like_any_request(fetcher: Fetcher) -> None:
    answer = await Robots(fetcher, Clock(), replace(LIMITS, total_seconds=1)).refusal(Ask("http://10.0.0.1/feed"))
    assert answer is not None
    assert answer.reason == "blocked"


async def test_credentials_stay_out_of_the_request(origin: Origin, fetcher: Fetcher) -> None:
    ask = Ask(f"http://user:pw@127.0.0.1:{origin.port}/feed", {"Authorization": "hush"})
    assert await Robots(fetcher, Clock(), LIMITS).refusal(ask) is None
    assert "Authorization" not in origin.asked[0].headers


@pytest.fixture
async def asking() -> AsyncIterator[Asking]:
    one = Asking(
        Guard(LOOPBACK), SystemClock(), limits=LIMITS, user_agent="wirewatch/0", robots=True, per_host_seconds=0.0
    )
    yield one
    await one.close()


def _redirect(origin: Origin, path: str, target: str) -> None:
    origin.serve(path, status=302, headers={"Location": target})


async def test_where_a_redirect_leads_is_asked_for_its_own_word(
    origin: Origin, other_origin: Origin, asking: Asking
) -> None:
    other_origin.serve("/robots.txt", b"User-agent: wirewatch\nDisallow: /private\n")
    other_origin.serve("/private/feed", b"not for us")
    other_origin.serve("/public/feed", b"for all")
    _redirect(origin, "/feed", f"{other_origin.url}/private/feed")
    _redirect(origin, "/other", f"{other_origin.url}/public/feed")
    refused = await asking.ask(Ask(f"{origin.url}/feed"))
    assert (refused.reason, refused.body) == ("robots", None)
    assert refused.url == f"{other_origin.url}/private/feed"
    assert (await asking.ask(Ask(f"{origin.url}/other"))).body == b"for all"
    assert other_origin.paths() == ["/robots.txt", "/public/feed"], "asked once and kept"
    assert origin.paths() == ["/robots.txt", "/feed", "/other"]


async def test_a_redirect_within_a_site_does_not_go_round_its_word(origin: Origin, asking: Asking) -> None:
    origin.serve("/robots.txt", b"User-agent: *\nDisallow: /private\n")
    origin.serve("/private/feed", b"not for us")
    _redirect(origin, "/feed", "/private/feed")
    assert (await asking.ask(Ask(f"{origin.url}/feed"))).reason == "robots"
    assert origin.paths() == ["/robots.txt", "/feed"]


async def test_a_redirect_to_a_site_that_cannot_say_puts_the_poll_off(
    origin: Origin, other_origin: Origin, asking: Asking
) -> None:
    other_origin.serve("/robots.txt", status=503, headers={"Retry-After": "120"})
    other_origin.serve("/feed", b"x")
    _redirect(origin, "/feed", f"{other_origin.url}/feed")
    answer = await asking.ask(Ask(f"{origin.url}/feed"))
    assert (answer.reason, answer.retry_after_ms) == ("robots-away", 120_000)
    assert other_origin.paths() == ["/robots.txt"]


async def test_h15_a_redirect_to_a_private_address_is_blocked_before_its_robots_txt_is_asked_for(
    origin: Origin, asking: Asking
) -> None:
    _redirect(origin, "/feed", "http://10.0.0.1/feed")
    answer = await asking.ask(Ask(f"{origin.url}/feed"))
    assert answer.reason == "blocked"
    assert origin.paths() == ["/robots.txt", "/feed"]
