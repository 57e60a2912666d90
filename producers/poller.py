"""The stage ``poll``: fetches what is due and publishes what changed. The rules are in the pure modules beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from producers.answers import Limits
from producers.asking import Asking
from producers.cadence import Cadence
from producers.inbox import Inbox, Waiting
from producers.observing import Observed
from producers.ownership import Ownership, partitions_of
from producers.patience import again, outlast
from producers.placing import Placing
from producers.plan import user_agent
from producers.publishing import Publisher
from producers.recovery import recover
from producers.schedule import Schedule
from producers.turns import Turns
from producers.websub_asking import HubAsking
from producers.websub_hubs import Hubs
from wirewatch import topics
from wirewatch.brokers.view import LatestView
from wirewatch.events import Feed, Poll, decode
from wirewatch.logs import get_logger
from wirewatch.net import Guard
from wirewatch.settings.declared import read_networks, read_size
from wirewatch.times import SystemClock, parse_duration_ms

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

    from wirewatch.brokers.interface import Broker, Record
    from wirewatch.callbacks import CallbackKey
    from wirewatch.settings import Settings
    from wirewatch.settings.declared import Poll as PollSettings
    from wirewatch.times import Clock

_log = get_logger("poll")
_STATES_EVERY = 10.0


def limits_of(poll: PollSettings) -> Limits:
    """What one request may cost, from the settings."""
    return Limits(
        connect_seconds=parse_duration_ms(poll.connect_timeout) / 1000,
        total_seconds=parse_duration_ms(poll.total_timeout) / 1000,
        max_body=read_size(poll.max_body),
        max_redirects=poll.max_redirects,
    )


class Poller:
    """Hosts polling on any broker. One instance, used from one event loop.

    `run` follows ``feeds`` and ``fetch-requests``, asks what is due, and publishes each snapshot and then its
    poll, until `stop`. Feeds that are added, changed, removed or switched off take effect within a second.
    """

    stage = "poll"

    def __init__(
        self,
        broker: Broker,
        settings: Settings,
        *,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
        resolver: AbstractResolver | None = None,
        drain_seconds: float = 10.0,
        callbacks: CallbackKey | None = None,
    ) -> None:
        """``environ`` is where ``env:NAME`` headers are read; ``drain_seconds`` bounds the time after `stop`.

        ``callbacks`` makes the addresses that hubs call (WebSub); without it none is asked to.
        """
        self._broker = broker
        self._settings = settings
        self._clock = clock or SystemClock()
        self._environ = os.environ if environ is None else environ
        self._resolver = resolver
        self._drain_seconds = drain_seconds
        self._callbacks = callbacks
        self._cadence = Cadence.of(settings.poll)
        per_host = parse_duration_ms(settings.poll.per_host_interval) / 1000
        self._schedule = Schedule(concurrency=settings.poll.concurrency, per_host=per_host)
        self._feeds: LatestView[Feed] = LatestView(broker, topics.FEEDS.name, _read_feed)
        self._inbox = Inbox(broker, self.stage)
        self._ownership = Ownership(self._inbox, partitions_of(broker))
        self._observed = Observed(settings.ops.feed_series)
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._received: deque[Waiting] = deque()
        self._turns: Turns | None = None
        self._placing: Placing | None = None
        self._failed: BaseException | None = None

    @property
    def polls(self) -> Mapping[str, Poll]:
        """Each feed's last poll as this poller knows it."""
        return self._turns.polls if self._turns is not None else {}

    def stop(self) -> None:
        """Ask `run` to end. Returns at once; safe to call twice and before `run`."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Poll until `stop`; then let what is in flight end, for at most ``drain_seconds``.

        Raises `BrokenStorage` where the broker can keep nothing any more, and whatever else ends one of its own
        loops (a bug); never because of a source.
        """
        guard = Guard(read_networks(self._settings.allow_networks))
        asking = Asking(
            guard,
            self._clock,
            limits=limits_of(self._settings.poll),
            user_agent=user_agent(self._settings.poll.contact),
            robots=self._settings.poll.robots,
            per_host_seconds=parse_duration_ms(self._settings.poll.per_host_interval) / 1000,
            resolver=self._resolver,
        )
        try:
            await self._begin(asking)
            if not self._stopping.is_set():
                await self._until_stopped()
        finally:
            self.stop()
            await self._drain()
            await self._inbox.close()
            await asking.close()

    async def _begin(self, asking: Asking) -> None:
        for step in (self._inbox.open, self._feeds.refresh):
            await outlast(step, self._clock, self._stopping)
        self._turns = Turns(
            polls={},
            ownership=self._ownership,
            asking=asking,
            publisher=Publisher(self._broker, self._clock, patience=self._drain_seconds, stopping=self._stopping),
            inbox=self._inbox,
            observed=self._observed,
            cadence=self._cadence,
            clock=self._clock,
            environ=self._environ,
        )
        self._placing = Placing(
            self._schedule,
            feeds=self._feeds,
            turns=self._turns,
            ownership=self._ownership,
            inbox=self._inbox,
            observed=self._observed,
            cadence=self._cadence,
            clock=self._clock,
            check_pages=self._settings.poll.check_pages,
            wake=self._wake.set,
        )
        await outlast(self._take_over, self._clock, self._stopping)

    @property
    def _begun(self) -> Placing:
        assert self._placing is not None, "nothing is followed before the start"
        return self._placing

    async def _until_stopped(self) -> None:
        """Run the loops until `stop`, or until one of them ends by an error, which is raised."""
        steps = [self._follow_feeds, self._follow_requests]
        if parse_duration_ms(self._settings.ops.canary_every) > 0:
            steps.append(self._sing)
        loops = [self._work(), self._show_states(), *(again(step, self._clock) for step in steps)]
        if self._settings.poll.websub:
            loops.append(self._keep_hubs())
        tasks = [asyncio.create_task(one) for one in loops]
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            pending = {*tasks, stopping}
            while not self._stopping.is_set():
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            if self._failed is not None:
                raise self._failed
        finally:
            for task in (*tasks, stopping):
                task.cancel()
            await asyncio.gather(*tasks, stopping, return_exceptions=True)

    async def _drain(self) -> None:
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- what is followed

    async def _follow_feeds(self) -> None:
        for feed_id in await self._feeds.wait_changed(1.0):
            self._begun.place(feed_id)

    async def _follow_requests(self) -> None:
        self._received.extend(await self._inbox.receive(wait=1.0))
        await self._take_over()  # first: they may be for feeds that have just become ours
        while self._received:
            waiting = self._received[0]
            if waiting.request.kind in {"unconditional", "page-check"}:
                self._begun.place_request(waiting)
            else:
                await self._begun.heed(waiting)
            self._received.popleft()

    async def _take_over(self) -> None:
        """Where partitions came or went, go on with their feeds from what their last poller recorded.

        What came is read only after it is ours: by then the predecessor has been told to stop, or was given up.
        """
        assert self._turns is not None, "nothing is followed before the start"
        division = await self._ownership.divide()
        if division is None:
            return
        self._ownership.let_go(division)
        self._inbox.forget(division.lost - division.gained)
        self._turns.forget_not_ours()
        self._begun.place_all()
        now_ms = self._clock.now_ms()
        recovered = await recover(self._broker, self._feeds.values, partitions=division.gained, now_ms=now_ms)
        self._turns.polls.update(recovered.polls)
        self._ownership.take(division, recovered.owner)
        self._begun.place_all()
        _log.info(
            "polling",
            feeds=len(self._schedule),
            generation=division.generation,
            gained=sorted(division.gained),
            lost=sorted(division.lost - division.gained),
        )

    # -- what is done

    async def _work(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            for key in self._schedule.take(self._clock.monotonic()):
                task = asyncio.create_task(self._turn(key))
                self._tasks.add(task)
                task.add_done_callback(self._ended)
            wait = self._schedule.wait(self._clock.monotonic())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):  # not `wait_for`: Python 3.11's may lose a cancellation
                    await self._wake.wait()

    async def _turn(self, key: str) -> None:
        """One feed or page is asked, and put back."""
        assert self._turns is not None, "nothing is asked before the start"
        due: int | None = None
        try:
            due = await self._turns.take(key)
        finally:
            now = self._clock.monotonic()
            again = self._schedule.done(key, now)
            url = self._turns.url_of(key)
            if url is not None and (due is not None or again is not None):
                at = now + (due or 0) / 1000
                soonest = now + self._cadence.min_ms / 1000
                self._begun.put(key, url, at if again is None else max(min(again, at), soonest))
            self._wake.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failed = task.exception()
            self.stop()

    async def _show_states(self) -> None:
        while True:
            assert self._turns is not None, "nothing is shown before the start"
            polls = self._turns.polls
            ours = (one for one in self._feeds.values.items() if self._ownership.has(one[0]))
            self._observed.states(((feed, polls.get(feed_id)) for feed_id, feed in ours), self._clock.now_ms())
            await self._clock.sleep(_STATES_EVERY)

    async def _keep_hubs(self) -> None:
        assert self._turns is not None, "no hub is asked before the start"
        asking = HubAsking(
            Guard(read_networks(self._settings.allow_networks)),
            limits=limits_of(self._settings.poll),
            user_agent=user_agent(self._settings.poll.contact),
            resolver=self._resolver,
        )
        hubs = Hubs(
            self._turns,
            self._feeds.get,
            asking.ask,
            self._clock,
            key=self._callbacks,
            public_url=self._settings.web.public_url,
        )
        try:
            await hubs.run()
        finally:
            await asking.close()

    async def _sing(self) -> None:
        assert self._turns is not None, "nothing sings before the start"
        every = parse_duration_ms(self._settings.ops.canary_every)
        await self._clock.sleep(every / 1000)
        await self._turns.sing(every_ms=every)


def _read_feed(record: Record) -> Feed:
    return decode(record.value or b"", Feed)
