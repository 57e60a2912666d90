"""One fetch: conditional, bounded in time, size and redirects, each hop past the guard. Gives a value, never raises."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import aiohttp
from msgspec import Struct
from msgspec.structs import replace
from multidict import CIMultiDict
from yarl import URL

from producers.answers import Answer, Ask, Limits
from producers.decoding import ACCEPT_ENCODING, BodyDecoder
from producers.faults import Refused, fault_of, plain
from producers.wishes import read_freshness, read_retry_after
from wirewatch.logs import redact

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

    from wirewatch.net import Guard
    from wirewatch.times import Clock

ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/json;q=0.9, "
    "application/xml;q=0.9, text/html;q=0.8, */*;q=0.5"
)
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_PERMANENT: Final = {301, 308}
_VALIDATOR = re.compile(r"[\x20-\x7e]{1,1024}")
_CONTENT_TYPE = re.compile(r"[\x20-\x7e]{1,200}")
_MOST_LINKS = 16
_YIELD_EVERY = 1 << 20  # bytes taken in before other feeds get a turn


May = Callable[[str], Awaitable[Answer | None]]
"""Why a URL that a redirect leads to may not be fetched, as the answer of a poll; None where it may."""


class _Hop(Struct):
    """Where a request stands on its way through redirects."""

    url: URL
    headers: dict[str, str]
    status: int | None = None
    permanent: bool = True
    hops: int = 0
    retry_after_ms: int | None = None


class Fetcher:
    """Fetches over a guarded session. Holds no state between requests but the session's connections."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        guard: Guard,
        clock: Clock,
        *,
        user_agent: str,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._session = session
        self._guard = guard
        self._clock = clock
        self._user_agent = user_agent
        self._resolver = resolver

    async def fetch(self, ask: Ask, limits: Limits, *, may: May | None = None) -> Answer:
        """Do it. Takes at most ``limits.total_seconds``; every failure is an `Answer` with its reason.

        ``may`` is asked before each redirect to another URL is followed, within that time. Only cancellation passes
        through. Nothing of a body that failed is kept.
        """
        began = self._clock.monotonic()
        hop = _Hop(URL(), {})
        try:
            async with asyncio.timeout(limits.total_seconds):
                url, auth = _without_userinfo(self._guard.check_url(ask.url))
                hop = _Hop(url, {**auth, **ask.headers})
                answer = await self._follow(ask, limits, hop, may)
        except Exception as error:  # noqa: BLE001 - a source can make the libraries below raise nearly anything
            answer = _failed(error, hop, ask, limits)
        return replace(answer, took_ms=round((self._clock.monotonic() - began) * 1000, 1))

    async def _follow(self, ask: Ask, limits: Limits, hop: _Hop, may: May | None) -> Answer:
        if ask.proxy:
            self._guard.check_url(ask.proxy)
        while True:
            if ask.proxy:
                # the proxy resolves the name again: this stops what names a private host, not a name server that lies
                await self._guard.check_host(hop.url.host or "", hop.url.port or 0, resolver=self._resolver)
            async with self._session.get(
                hop.url,
                headers=self._headers(ask, hop),
                proxy=ask.proxy or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect_seconds),
            ) as response:
                hop.status = response.status
                if response.status not in _REDIRECTS:
                    return await self._read(response, ask, limits, hop)
                self._redirect(response, limits, hop)
            # the connection is given back by now: where one is allowed at a time, its robots.txt can be asked for
            refusal = await may(str(hop.url)) if may is not None else None
            if refusal is not None:
                hop.retry_after_ms = refusal.retry_after_ms
                raise Refused(refusal.reason or "robots", refusal.error or "")

    def _headers(self, ask: Ask, hop: _Hop) -> CIMultiDict[str]:
        headers = CIMultiDict({"User-Agent": self._user_agent, "Accept": ACCEPT})
        headers.update(hop.headers)
        headers["Accept-Encoding"] = ACCEPT_ENCODING
        if ask.etag is not None:
            headers["If-None-Match"] = ask.etag
        if ask.last_modified is not None:
            headers["If-Modified-Since"] = ask.last_modified
        return headers

    def _redirect(self, response: aiohttp.ClientResponse, limits: Limits, hop: _Hop) -> None:
        """One redirect further, or `Refused`. The feed's own headers do not leave its origin (H20)."""
        location = response.headers.get("Location", "")
        if not location:
            raise Refused("redirects", f"HTTP {response.status} without a Location")
        if hop.hops >= limits.max_redirects:
            raise Refused("redirects", f"more than {limits.max_redirects} redirects")
        if "\\" in location:
            raise Refused("bad-url", "a redirect to what is not a URL")
        try:
            target = hop.url.join(URL(location))
        except ValueError as error:
            raise Refused("bad-url", f"a redirect to what is not a URL: {error}") from None
        # credentials that a source puts into a redirect are its own, and not for us to present
        target = self._guard.check_url(str(target)).with_user(None).with_fragment(None)
        if target.origin() != hop.url.origin():
            hop.headers = {}
        hop.permanent = hop.permanent and response.status in _PERMANENT
        hop.hops += 1
        hop.url = target

    async def _read(self, response: aiohttp.ClientResponse, ask: Ask, limits: Limits, hop: _Hop) -> Answer:
        headers = response.headers
        hop.retry_after_ms = read_retry_after(headers.get("Retry-After"), now_ms=self._clock.now_ms())
        answer = Answer(
            url=redact(str(hop.url)),
            status=response.status,
            content_type=_content_type(headers.get("Content-Type", "")),
            etag=_validator(headers.get("ETag")),
            last_modified=_validator(headers.get("Last-Modified")),
            retry_after_ms=hop.retry_after_ms,
            fresh_ms=read_freshness(headers, now_ms=self._clock.now_ms()),
            links=tuple(headers.getall("Link", ())[:_MOST_LINKS]),
            moved_to=str(hop.url) if hop.hops and hop.permanent else None,
        )
        if ask.status_only or (response.status == 304 and ask.conditional):
            return answer
        if response.status not in {200, 203}:
            raise Refused("http-status", f"HTTP {response.status} {plain(response.reason)}".rstrip())
        decoder = BodyDecoder(headers.get("Content-Encoding", ""), cap=limits.max_body)
        taken = 0
        async for chunk in response.content.iter_any():
            decoder.feed(chunk)
            taken += len(chunk)
            if taken > _YIELD_EVERY:
                taken = 0
                await asyncio.sleep(0)
        return replace(answer, body=decoder.finish())


def _without_userinfo(url: URL) -> tuple[URL, dict[str, str]]:
    """The URL as it is sent, and what its ``user:pass@`` means as a header, so that it is dropped as one."""
    if url.user is None and url.password is None:
        return url.with_fragment(None), {}
    pair = base64.b64encode(f"{url.user or ''}:{url.password or ''}".encode()).decode()
    return url.with_user(None).with_fragment(None), {"Authorization": f"Basic {pair}"}


def _validator(text: str | None) -> str | None:
    """A validator to be echoed exactly, or None where it is nothing that can be (H59)."""
    return text if text and _VALIDATOR.fullmatch(text) else None


def _content_type(text: str) -> str:
    return text if _CONTENT_TYPE.fullmatch(text) else ""


def _failed(error: Exception, hop: _Hop, ask: Ask, limits: Limits) -> Answer:
    reason, words = fault_of(error, limits)
    return Answer(
        url=redact(str(hop.url) or ask.url),
        status=hop.status,
        retry_after_ms=hop.retry_after_ms,
        reason=reason,
        error=redact(words)[:500],
    )
