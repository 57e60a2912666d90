"""One request to a hub (WebSub): to tell us of a feed, or to stop. Guarded at every hop, bounded in time and size."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Literal

import aiohttp
from msgspec import Struct
from yarl import URL

from producers.faults import Refused, fault_of, plain
from producers.websub import LEASE_S
from wirewatch.logs import redact
from wirewatch.net import GuardedResolver, guarded_session

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

    from producers.answers import Limits
    from wirewatch.net import Guard

_AGAIN = {307, 308}
_WORDS = 200  # of what a hub says when it refuses
_TELLING = 8  # characters by which a secret is known again where it was cut


class HubAsk(Struct, frozen=True):
    """What a hub is asked. ``callback`` is our whole address and ``secret`` a secret: never log one."""

    hub: str
    topic: str
    callback: str
    mode: Literal["subscribe", "unsubscribe"]
    secret: str


class HubAsking:
    """Make it inside the event loop, close it at the end."""

    def __init__(
        self, guard: Guard, *, limits: Limits, user_agent: str, resolver: AbstractResolver | None = None
    ) -> None:
        self._guard = guard
        self._session = guarded_session(guard, resolver=resolver or GuardedResolver(guard))
        self._limits = limits
        self._user_agent = user_agent

    async def ask(self, ask: HubAsk) -> str | None:
        """Ask; None where the hub took it on (it calls back by itself), else why not, in words.

        Takes at most ``limits.total_seconds``. Only cancellation passes through.
        """
        form = {
            "hub.callback": ask.callback,
            "hub.mode": ask.mode,
            "hub.topic": ask.topic,
            "hub.lease_seconds": str(LEASE_S),
            "hub.secret": ask.secret,
        }
        if ask.mode == "unsubscribe":
            del form["hub.secret"], form["hub.lease_seconds"]
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                await self._post(ask.hub, form)
        except Exception as error:  # noqa: BLE001 - a hub can make the libraries below raise nearly anything
            return _without_secrets(ask, redact(fault_of(error, self._limits)[1]))
        return None

    async def _post(self, hub: str, form: dict[str, str]) -> None:
        url = self._guard.check_url(hub).with_user(None)
        for _ in range(self._limits.max_redirects + 1):
            async with self._session.post(
                url,
                data=form,
                headers={"User-Agent": self._user_agent},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=self._limits.connect_seconds),
            ) as answer:
                if answer.status in _AGAIN:
                    url = self._next(url, answer.headers.get("Location", ""))
                    continue
                if not 200 <= answer.status < 300:
                    words = plain((await answer.content.read(_WORDS)).decode("utf-8", "replace"))
                    raise Refused("http-status", f"HTTP {answer.status} {words}".rstrip())
                return
        raise Refused("redirects", f"more than {self._limits.max_redirects} redirects")

    def _next(self, url: URL, location: str) -> URL:
        if not location or "\\" in location:
            raise Refused("redirects", "a redirect to what is not a URL")
        try:
            target = url.join(URL(location))
        except ValueError as error:
            raise Refused("bad-url", f"a redirect to what is not a URL: {error}") from None
        return self._guard.check_url(str(target)).with_user(None).with_fragment(None)

    async def close(self) -> None:
        """Close all connections. Safe to call twice."""
        await self._session.close()


def _without_secrets(ask: HubAsk, words: str) -> str:
    """What a hub says may repeat what it was asked; it is logged and stands on a topic, where neither may."""
    for secret in (ask.callback.rpartition("/")[2], ask.secret):
        if len(secret) >= _TELLING:
            words = re.sub(re.escape(secret[:_TELLING]) + "[0-9a-f]*", "[redacted]", words)
    return words
