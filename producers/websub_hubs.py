"""Keeps hubs telling us of our feeds (WebSub): asks, renews, and tells them to stop. The rules are in `websub`."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from producers.plan import host_of
from producers.websub import ask_due, asking, failed, forgotten, is_wanted
from producers.websub_asking import HubAsk
from wirewatch.errors import PassingFault
from wirewatch.logs import get_logger

if TYPE_CHECKING:
    from wirewatch.callbacks import CallbackKey
    from wirewatch.events import Feed, Hub, Poll
    from wirewatch.times import Clock

_log = get_logger("poll")
EVERY_SECONDS: Final = 1.0
_AT_ONCE = 8
_STOP_TRIES = 3


class Feeds(Protocol):
    """What the poller knows of the feeds that it asks, and how it records what it learns of a hub."""

    feeds: dict[str, Feed]
    polls: dict[str, Poll]

    async def amend(self, feed_id: str, change: Callable[[Poll], Poll], *, record: bool = True) -> Poll | None:
        """The feed's poll as ``change`` makes it, durable on return if ``record``; None where it has none."""
        ...


class _Held(Struct, frozen=True):
    """What a hub may call us for."""

    feed_id: str
    hub: str
    topic: str
    callback: str


class Hubs:
    """Looks at all feeds once a second; at most one request to a host at a time, and a few at once."""

    def __init__(
        self,
        ours: Feeds,
        definition: Callable[[str], Feed | None],
        ask: Callable[[HubAsk], Coroutine[None, None, str | None]],
        clock: Clock,
        *,
        key: CallbackKey | None,
        public_url: str,
    ) -> None:
        """``definition`` gives a feed as it is defined now, also one that another poller asks; None for none.

        ``key`` None: nothing is asked, and the first feed that offers a hub is named in the log, once.
        """
        self._ours = ours
        self._definition = definition
        self._ask = ask
        self._clock = clock
        self._key = key
        self._public_url = public_url.rstrip("/")
        self._held: dict[str, _Held] = {}
        self._stopping: dict[_Held, int] = {}
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._said = False

    async def run(self) -> None:
        """Keep at it until cancelled. Raises what the broker raises for good."""
        try:
            while True:
                self.step()
                await self._clock.sleep(EVERY_SECONDS)
                for task in [task for task in self._busy.values() if task.done()]:
                    task.result()
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def settle(self) -> None:
        """Wait until what was begun has ended; for those who step by themselves."""
        await asyncio.gather(*list(self._busy.values()))

    def step(self) -> None:
        """Begin what is due now: hubs to be asked, and hubs that are to stop."""
        self._busy = {host: task for host, task in self._busy.items() if not task.done()}
        now, wanted = self._clock.now_ms(), set()
        for feed_id, feed in self._ours.feeds.items():
            poll = self._ours.polls.get(feed_id)
            if poll is None or poll.hub is None or not is_wanted(feed, poll):
                continue
            if self._key is None:
                self._say_off(feed_id, poll.hub)
                return
            wanted.add(feed_id)
            self._note(feed_id, poll.hub)
            if ask_due(poll.hub, now_ms=now):
                self._begin(poll.hub.url, self._subscribe(feed_id, poll.hub))
        for feed_id in self._held.keys() - wanted:
            self._leave(feed_id)
        for held in list(self._stopping):
            self._begin(held.hub, self._unsubscribe(held))

    def _say_off(self, feed_id: str, hub: Hub) -> None:
        if not self._said:
            _log.info(
                "a feed offers a hub that would tell of its changes at once (WebSub); feeds are only polled. "
                "For hubs to reach us set web.public_url, and with Kafka web.push_key too",
                feed=feed_id,
                hub=hub.url,
            )
            self._said = True

    def _note(self, feed_id: str, hub: Hub) -> None:
        """Hold on to what a hub was asked; one that is no longer the feed's is told to stop."""
        before = self._held.get(feed_id)
        if before is not None and before.callback != hub.callback:
            self._stopping[before] = 0
            del self._held[feed_id]
        if hub.callback:
            self._held[feed_id] = _Held(feed_id, hub.url, hub.topic, hub.callback)

    def _leave(self, feed_id: str) -> None:
        """A feed that is not wanted any more, or is another poller's now."""
        held = self._held.pop(feed_id)
        feed = self._definition(feed_id)
        if feed is not None and feed.enabled and feed_id not in self._ours.feeds:
            return
        self._stopping[held] = 0

    def _begin(self, hub: str, what: Coroutine[None, None, None]) -> None:
        host = host_of(hub)
        if host in self._busy or len(self._busy) >= _AT_ONCE:
            what.close()  # it was never begun; its turn comes
            return
        self._busy[host] = asyncio.create_task(what)

    async def _subscribe(self, feed_id: str, hub: Hub) -> None:
        assert self._key is not None, "nothing is asked without a key"
        callback = hub.callback or secrets.token_hex(12)
        poll = await self._amend(feed_id, lambda poll: asking(poll, callback, now_ms=self._clock.now_ms()), of=hub)
        if poll is None or poll.hub is None or poll.hub.callback != callback:
            return
        self._note(feed_id, poll.hub)
        error = await self._ask(self._as_ask("subscribe", _Held(feed_id, hub.url, hub.topic, callback)))
        if error is None:
            _log.info("a hub was asked to tell of a feed's changes", feed=feed_id, hub=hub.url)
            return
        _log.warning("a hub cannot be asked; the feed is polled as before", feed=feed_id, hub=hub.url, why=error)
        await self._amend(feed_id, lambda poll: failed(poll, callback, error, now_ms=self._clock.now_ms()))

    async def _unsubscribe(self, held: _Held) -> None:
        """Tell a hub to stop: a few tries, since its lease ends by itself and its calls are answered 410."""
        self._stopping[held] += 1
        if self._stopping[held] == 1:
            await self._amend(held.feed_id, lambda poll: self._without(poll, held))
        error = await self._ask(self._as_ask("unsubscribe", held))
        if error is None or self._stopping[held] >= _STOP_TRIES:
            self._stopping.pop(held, None)
            _log.info("a hub need not tell of a feed any more", feed=held.feed_id, hub=held.hub, error=error)

    @staticmethod
    def _without(poll: Poll, held: _Held) -> Poll:
        return forgotten(poll) if poll.hub is not None and poll.hub.callback == held.callback else poll

    async def _amend(self, feed_id: str, change: Callable[[Poll], Poll], *, of: Hub | None = None) -> Poll | None:
        def checked(poll: Poll) -> Poll:
            hub = poll.hub
            if of is not None and (hub is None or (hub.url, hub.topic) != (of.url, of.topic)):
                return poll  # its source offers another one meanwhile
            return change(poll)

        try:
            # what was removed has no poll any more: recording one would bring it back
            return await self._ours.amend(feed_id, checked, record=self._definition(feed_id) is not None)
        except PassingFault as fault:
            _log.warning("not recorded: the broker stayed away until the end", feed=feed_id, error=fault)
            return None

    def _as_ask(self, mode: str, held: _Held) -> HubAsk:
        assert self._key is not None, "nothing is asked without a key"
        return HubAsk(
            hub=held.hub,
            topic=held.topic,
            callback=self._public_url + self._key.path(held.feed_id, held.callback),
            mode="subscribe" if mode == "subscribe" else "unsubscribe",
            secret=self._key.secret(held.feed_id, held.callback),
        )
