"""robots.txt, fetched from real origins."""

from __future__ import annotations

from msgspec.structs import replace

from producers.answers import Ask
from producers.fetch import Fetcher
from producers.robots import Robots
from tests.producers.kit import LIMITS, Origin


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
