"""Where hubs call us (WebSub): they ask whether we meant it, and tell that a feed has changed.

A push is a hint and no more: what stands in it is not used. The poller asks the feed itself, so that nobody can put
words into a feed's mouth, a snapshot has one owner who numbers it, and a push lost or doubled changes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from aiohttp import web

from wirewatch import metrics, topics
from wirewatch.brokers.interface import NewRecord
from wirewatch.callbacks import PREFIX
from wirewatch.events import CeType, FetchRequest, encode, headers_for
from wirewatch.logs import get_logger
from wirewatch.times import format_ms

if TYPE_CHECKING:
    from wirewatch.callbacks import CallbackKey
    from wirewatch.events import Feed, Hub, Poll
    from wirewatch.times import Clock

_METHODS: Final = {
    "sha1": hashlib.sha1,  # what the specification names and old hubs send
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}
_AT_ONCE = 32
_LOOK_SECONDS = 0.05
_log = get_logger("web")


class HubCalls:
    """Answers hubs. ``feed`` and ``poll`` give what is known now; ``publish`` makes a request durable.

    ``pause``: seconds between two hints of one feed, pushes in between are one; ``patience``: how long a call of
    what we may have asked a moment ago waits for the log to say so. Bodies are hashed as they come and never kept.
    """

    def __init__(
        self,
        key: CallbackKey,
        clock: Clock,
        *,
        feed: Callable[[str], Feed | None],
        poll: Callable[[str], Poll | None],
        publish: Callable[[list[NewRecord]], Awaitable[object]],
        max_body: int = 15 << 20,
        body_seconds: float = 30.0,
        pause: float = 1.0,
        patience: float = 3.0,
    ) -> None:
        self._key = key
        self._clock = clock
        self._feed = feed
        self._poll = poll
        self._publish = publish
        self._max_body = max_body
        self._body_seconds = body_seconds
        self._pause = pause
        self._patience = patience
        self._hints: dict[str, asyncio.Task[None]] = {}
        self._hinted: dict[str, float] = {}
        self._reading = 0

    def routes(self) -> list[web.RouteDef]:
        """What hubs call."""
        path = PREFIX + "{feed_id}/{callback}/{proof}"
        return [web.get(path, self._verify, allow_head=False), web.post(path, self._pushed)]

    async def close(self, _app: web.Application | None = None) -> None:
        """End what waits; polling finds what a hint would have told. Safe to call twice."""
        for task in self._hints.values():
            task.cancel()
        await asyncio.gather(*self._hints.values(), return_exceptions=True)
        self._hints.clear()

    # -- whether we meant it

    async def _verify(self, request: web.Request) -> web.Response:
        """Agree to exactly what the poller asked for; everything else is not found."""
        feed_id, callback = self._named(request)
        mode, topic = request.query.get("hub.mode", ""), request.query.get("hub.topic", "")
        challenge = request.query.get("hub.challenge", "")
        if mode == "unsubscribe":
            if await self._until(lambda: self._hub(feed_id, callback) is None):
                metrics.HUB_CALLS.labels("left").inc()
                return web.Response(text=challenge)
            return self._refused("unwanted", "nobody here asked for that\n")
        hub = await self._awaited(feed_id, callback)
        if hub is None or hub.topic != topic or mode not in {"subscribe", "denied"}:
            return self._refused("unwanted", "nobody here asked for that\n")
        if mode == "denied":
            why = "".join(c for c in request.query.get("hub.reason", "")[:200] if c.isprintable())
            await self._tell(
                feed_id, callback, "hub-denied", f"the hub denies it: {why}" if why else "the hub denies it"
            )
            metrics.HUB_CALLS.labels("denied").inc()
            return web.Response(text="understood\n")
        if not challenge:
            return self._refused("unwanted", "hub.challenge is missing\n", status=400)
        await self._tell(feed_id, callback, "hub-agreed", "the hub agrees", lease=_lease(request))
        metrics.HUB_CALLS.labels("agreed").inc()
        return web.Response(text=challenge)

    def _named(self, request: web.Request) -> tuple[str, str]:
        """The feed and callback that a path names; 404 for a path that we never gave away."""
        feed_id, callback = request.match_info["feed_id"], request.match_info["callback"]
        if not self._key.knows(feed_id, callback, request.match_info["proof"]):
            metrics.HUB_CALLS.labels("unknown").inc()
            raise web.HTTPNotFound(text="there is no such page\n")
        return feed_id, callback

    def _hub(self, feed_id: str, callback: str) -> Hub | None:
        """The hub that was given that callback, as long as its feed is to be told of."""
        feed, poll = self._feed(feed_id), self._poll(feed_id)
        if feed is None or not feed.enabled or poll is None or poll.stopped or poll.hub is None:
            return None
        return poll.hub if poll.hub.callback == callback else None

    async def _awaited(self, feed_id: str, callback: str) -> Hub | None:
        """The same, where the log may be about to say so: a hub may call before it has answered the poller."""
        await self._until(lambda: self._hub(feed_id, callback) is not None)
        return self._hub(feed_id, callback)

    async def _until(self, holds: Callable[[], bool]) -> bool:
        """Whether it holds, now or within our patience."""
        until = self._clock.monotonic() + self._patience
        while not holds():
            if self._clock.monotonic() >= until:
                return False
            await self._clock.sleep(_LOOK_SECONDS)
        return True

    @staticmethod
    def _refused(outcome: str, text: str, *, status: int = 404) -> web.Response:
        metrics.HUB_CALLS.labels(outcome).inc()
        return web.Response(text=text, status=status)

    # -- pushes

    async def _pushed(self, request: web.Request) -> web.Response:
        feed_id, callback = self._named(request)
        if self._reading >= _AT_ONCE:
            return web.Response(text="too many at once\n", status=503, headers={"Retry-After": "5"})
        self._reading += 1
        try:
            if await self._awaited(feed_id, callback) is None:
                # so a hub that was not told, or did not listen, learns that it may stop
                return self._refused("unwanted", "nobody here wants that any more\n", status=410)
            signed = await self._is_signed(request, self._key.secret(feed_id, callback))
        finally:
            self._reading -= 1
        if not signed:
            # the specification: answer as if all were well, and ignore it
            metrics.HUB_CALLS.labels("unsigned").inc()
            _log.warning("a push without the right signature was ignored", feed=feed_id)
            return web.Response(status=202)
        await self._hint(feed_id, callback)
        metrics.HUB_CALLS.labels("pushed").inc()
        return web.Response(status=202)

    async def _is_signed(self, request: web.Request, secret: str) -> bool:
        """Whether the body was signed with our secret; the body is read to its end and let go."""
        method, _, shown = request.headers.get("X-Hub-Signature", "").partition("=")
        made = _METHODS.get(method.strip().lower())
        digest = hmac.new(secret.encode(), digestmod=made) if made is not None else None
        taken = 0
        try:
            async with asyncio.timeout(self._body_seconds):
                async for chunk in request.content.iter_any():
                    taken += len(chunk)
                    if taken > self._max_body:
                        raise web.HTTPRequestEntityTooLarge(max_size=self._max_body, actual_size=taken)
                    if digest is not None:
                        digest.update(chunk)
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="the body did not come in time\n") from None
        expected = digest.hexdigest().encode() if digest is not None else b""
        return digest is not None and hmac.compare_digest(expected, shown.strip().lower().encode("utf-8", "replace"))

    async def _hint(self, feed_id: str, callback: str) -> None:
        """Durable on return; several pushes close together are one hint."""
        task = self._hints.get(feed_id)
        if task is None:
            task = self._hints[feed_id] = asyncio.create_task(self._hint_soon(feed_id, callback))
        await asyncio.shield(task)

    async def _hint_soon(self, feed_id: str, callback: str) -> None:
        try:
            ahead = self._hinted.get(feed_id, float("-inf")) + self._pause - self._clock.monotonic()
            if ahead > 0:
                await self._clock.sleep(ahead)
        finally:
            self._hints.pop(feed_id, None)  # a push from now on is not in this hint
        self._hinted[feed_id] = self._clock.monotonic()
        await self._tell(feed_id, callback, "pushed", "the hub says that it has changed")

    async def _tell(self, feed_id: str, callback: str, kind: str, reason: str, *, lease: float | None = None) -> None:
        """Put it on the log for the poller. Raises `PassingFault`: the hub is answered 503 and tries again."""
        now = format_ms(self._clock.now_ms())
        request = FetchRequest(
            id=f"fr_{secrets.token_hex(12)}",
            feed_id=feed_id,
            kind=kind,  # type: ignore[arg-type]  # one of the three that are written above
            reason=reason,
            time=now,
            callback=callback,
            lease_s=lease,
        )
        headers = headers_for(CeType.FETCH_REQUEST, id=request.id, source=f"wirewatch/web/{feed_id}", time=now)
        await self._publish([NewRecord(topics.FETCH_REQUESTS.name, feed_id, encode(request), headers)])


def _lease(request: web.Request) -> float | None:
    text = request.query.get("hub.lease_seconds", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
