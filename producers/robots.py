"""robots.txt, fetched under the same guard and limits as any feed, and kept for a day."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from protego import Protego
from yarl import URL

from producers.answers import Answer, Ask, Limits
from wirewatch.logs import redact

if TYPE_CHECKING:
    from producers.fetch import Fetcher
    from wirewatch.times import Clock

_TOKEN = "wirewatch"  # noqa: S105 - the product token that robots.txt names, no secret
_KEPT_SECONDS = 86_400.0
_AWAY_KEPT_SECONDS = 60.0
_MAX_SITES = 2_000
_MAX_BYTES = 512 << 10  # RFC 9309 asks for at least 500 KiB


class _Rules(Struct):
    """What a site said. ``rules`` None: everything is allowed; ``away``: it could not be asked."""

    until: float
    rules: Protego | None = None
    away: Answer | None = None


class Robots:
    """Asks each site once a day what it does not want fetched. For use from one event loop."""

    def __init__(self, fetcher: Fetcher, clock: Clock, limits: Limits) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._limits = replace(limits, max_body=_MAX_BYTES)
        self._sites: OrderedDict[tuple[str, str | None], _Rules] = OrderedDict()

    def known(self, ask: Ask) -> bool:
        """Whether `refusal` can answer without a request of its own."""
        rules = self._sites.get(_site(ask))
        return rules is not None and rules.until > self._clock.monotonic()

    async def refusal(self, ask: Ask) -> Answer | None:
        """Why that URL is not fetched now, as the answer of a poll; None where it may be.

        A robots.txt that is not there (4xx) allows all; one that cannot be had (5xx, no connection) puts the poll
        off; one too large to be meant allows all.
        """
        site = _site(ask)
        rules = self._sites.get(site)
        if rules is None or rules.until <= self._clock.monotonic():
            rules = await self._ask_site(site)
            self._sites[site] = rules
            while len(self._sites) > _MAX_SITES:
                self._sites.popitem(last=False)
        if rules.away is not None:
            return rules.away
        if rules.rules is None or rules.rules.can_fetch(ask.url, _TOKEN):
            return None
        return Answer(
            url=redact(ask.url),
            reason="robots",
            error="the site's robots.txt does not allow it (setting poll.robots)",
        )

    async def _ask_site(self, site: tuple[str, str | None]) -> _Rules:
        origin, proxy = site
        answer = await self._fetcher.fetch(Ask(f"{origin}/robots.txt", proxy=proxy), self._limits)
        now = self._clock.monotonic()
        if answer.body is not None:
            return _Rules(now + _KEPT_SECONDS, Protego.parse(answer.body.decode("utf-8", "replace")))
        status = answer.status or 0
        if answer.reason == "too-large" or (answer.reason == "http-status" and 400 <= status < 500 and status != 429):
            return _Rules(now + _KEPT_SECONDS)
        if answer.reason == "blocked":
            return _Rules(now + _AWAY_KEPT_SECONDS, away=answer)
        away = replace(answer, reason="robots-away", error=f"robots.txt cannot be had, trying later: {answer.error}")
        return _Rules(now + _AWAY_KEPT_SECONDS, away=away)


def _site(ask: Ask) -> tuple[str, str | None]:
    try:
        return str(URL(ask.url).with_user(None).origin()), ask.proxy
    except ValueError:
        return ask.url, ask.proxy  # no URL at all: the fetch says so
