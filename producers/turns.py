"""One feed's turn: asked, decided, published. The schedule says whose turn it is; the rules are in `decide`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from msgspec.structs import replace

from producers.answers import Answer
from producers.canary import canary_beat
from producers.decide import Asked, PollDecision, decide_poll
from producers.heeding import heeded
from producers.page_checks import decide_page_check, plan_page_check, wait_for_page_check
from producers.plan import definition_hash, full_body_due, plan_ask
from producers.records import poll_record
from producers.rhythm import resumed
from wirewatch.brokers.dead_letters import LETTER_HEADER, make_refused_letter
from wirewatch.canary import CANARY_ID
from wirewatch.errors import BadInput, BrokenStorage, PassingFault
from wirewatch.logs import get_logger, redact
from wirewatch.stages import POLL
from wirewatch.times import parse_ms

if TYPE_CHECKING:
    from producers.asking import Asking
    from producers.cadence import Cadence
    from producers.inbox import Inbox, Waiting
    from producers.observing import Observed
    from producers.ownership import Ownership
    from producers.publishing import Publisher
    from wirewatch.brokers.interface import NewRecord
    from wirewatch.events import Feed, Poll
    from wirewatch.times import Clock

_log = get_logger("poll")
_UNSURE_MS = 500
"""A feed that is not surely ours is looked at again so soon: it may turn out that it still is."""


class Turns:
    """What the poller knows of its feeds, and what it does when one is due."""

    def __init__(
        self,
        *,
        polls: dict[str, Poll],
        ownership: Ownership,
        asking: Asking,
        publisher: Publisher,
        inbox: Inbox,
        observed: Observed,
        cadence: Cadence,
        clock: Clock,
        environ: Mapping[str, str],
    ) -> None:
        self.polls = polls
        self._ownership = ownership
        self.feeds: dict[str, Feed] = {}
        self.publisher = publisher
        self._asking = asking
        self._inbox = inbox
        self._observed = observed
        self._cadence = cadence
        self._clock = clock
        self._environ = environ
        self._pages: dict[str, Waiting] = {}
        self._refused_letters: dict[str, str] = {}
        # a feed's poll and its page checks may be in flight together, and share its numbers
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def page_key(self, waiting: Waiting) -> str:
        """A name for the schedule under which an entry's page is looked at."""
        key = f"{waiting.request.feed_id}\0{waiting.request.id}"
        self._pages[key] = waiting
        return key

    def url_of(self, key: str) -> str | None:
        """Where a feed or a page is; None where it is no longer to be asked."""
        if key in self._pages:
            return self._pages[key].request.url
        feed = self.feeds.get(key)
        return feed.url if feed is not None else None

    async def take(self, key: str) -> int | None:
        """Do one turn. Gives the milliseconds until the next, None where there is none.

        A bug in one feed's turn is logged with its traceback and leaves the others be. Raises `BrokenStorage`.
        """
        try:
            if key in self._pages:
                return await self._look_at_page(key)
            owner = await self._ownership.owner(key)
            return _UNSURE_MS if owner is None else await self._poll(key, owner)
        except BrokenStorage:
            raise
        except PassingFault as fault:
            _log.warning("not recorded: the broker stayed away until the end", feed=key, error=fault)
            return None
        except Exception:  # noqa: BLE001 - one strange source must not silence a thousand feeds
            _log.exception("a bug in a feed's turn", feed=key.partition("\0")[0])
            return max(self._cadence.feed_ms, self._cadence.min_ms)

    async def _poll(self, feed_id: str, owner: int) -> int | None:
        feed, previous = self.feeds.get(feed_id), self.polls.get(feed_id)
        if feed is None:
            return None
        redefined = previous is None or previous.definition_hash != definition_hash(feed)
        if previous is not None and previous.stopped and not redefined:
            self._inbox.drop(feed_id)
            return None
        wanted = self.wanted(feed_id)
        due = full_body_due(previous, now_ms=self._clock.now_ms(), full_body_ms=self._cadence.full_body_ms)
        asked = Asked(owner, self._cadence, full=bool(wanted) or redefined or due)
        answer = await self._answer(feed, previous, full=asked.full)
        async with self._lock(feed_id):
            if feed_id not in self.feeds:
                return None  # removed meanwhile: nothing of it is wanted any more
            refused = await self._refused(feed, owner)
            if refused is not None:
                return refused
            asked = replace(asked, fence=self._ownership.needs_fence(feed_id))
            decision = await self._publish(feed_id, answer, asked)
        if answer.reason is None:
            self._inbox.done(wanted)
        self._tell(feed, previous, decision.poll)
        if decision.poll.stopped:
            return None
        return max(parse_ms(decision.poll.next_due) - parse_ms(decision.poll.at), 0)

    async def _refused(self, feed: Feed, owner: int) -> int | None:
        """After how long to ask anew, where what came is of no use by now; else None."""
        if await self._ownership.owner(feed.id) != owner:
            return _UNSURE_MS  # another's, or ours anew: then it was asked with what was known before
        if definition_hash(self.feeds[feed.id]) != definition_hash(feed):
            return 0  # changed meanwhile: what came is of another feed, in a way
        return None

    def wanted(self, feed_id: str) -> list[Waiting]:
        """Requests for a full body that still make sense: asked for after the last one was fetched."""
        previous = self.polls.get(feed_id)
        waiting = self._inbox.waiting(feed_id, "unconditional")
        last = previous.last_full if previous is not None else None
        self._inbox.done([one for one in waiting if last is not None and one.request.time < last])
        return [one for one in waiting if not one.served]

    async def heed(self, waiting: Waiting) -> Poll | None:
        """Take in what the diff saw of a feed's rhythm; the poll as it stands then, None where that changes nothing.

        Raises what `Publisher.publish` raises.
        """
        request = waiting.request
        async with self._lock(request.feed_id):
            feed, poll = self.feeds.get(request.feed_id), self.polls.get(request.feed_id)
            if feed is None or poll is None or await self._ownership.owner(feed.id) is None:
                self._inbox.done([waiting])
                return None
            after = heeded(feed, self._cadence, poll, request)
            if after is not poll:
                self.polls[feed.id] = after
                await self.publisher.publish([poll_record(after)])
        self._inbox.done([waiting])
        if after is poll:
            return None
        self._tell(feed, poll, after)
        return after

    async def amend(self, feed_id: str, change: Callable[[Poll], Poll], *, record: bool = True) -> Poll | None:
        """The feed's poll as ``change`` makes it, durable on return if ``record``; None where it has none.

        Raises what `Publisher.publish` raises.
        """
        async with self._lock(feed_id):
            poll = self.polls.get(feed_id)
            if poll is None or await self._ownership.owner(feed_id) is None:
                return None
            after = change(poll)
            if after is not poll:
                self.polls[feed_id] = after
                await self.publisher.publish([poll_record(after)] if record else [])
            return after

    def forget_not_ours(self) -> None:
        """What is known of feeds that are another's now grows old."""
        self.polls = {feed_id: poll for feed_id, poll in self.polls.items() if self._ownership.has(feed_id)}

    async def sing(self, *, every_ms: int) -> None:
        """The canary's next beat, where it is ours. Raises what `Publisher.publish` raises."""
        owner = await self._ownership.owner(CANARY_ID)
        if owner is None:
            return
        now_ms = self._clock.now_ms()
        snapshot, poll = canary_beat(self.polls.get(CANARY_ID), owner=owner, now_ms=now_ms, every_ms=every_ms)
        await self.publisher.publish([snapshot])
        self.polls[CANARY_ID] = poll
        await self.publisher.publish([poll_record(poll)])

    def resume(self, feed_id: str) -> None:
        """Ask a page again that was taken to have ended."""
        poll = self.polls.get(feed_id)
        if poll is not None:
            self.polls[feed_id] = resumed(poll, now_ms=self._clock.now_ms())

    async def _answer(self, feed: Feed, previous: Poll | None, *, full: bool) -> Answer:
        try:
            ask = plan_ask(feed, previous, self._environ, unconditional=full)
        except BadInput as error:
            return Answer(url=redact(feed.url), reason="setting", error=str(error))
        return await self._asking.ask(ask)

    async def _publish(self, feed_id: str, answer: Answer, asked: Asked) -> PollDecision:
        """Snapshots, durable; then the poll. What the poller itself knows changes with each of the two."""
        feed, previous = self.feeds[feed_id], self.polls.get(feed_id)
        decision = decide_poll(feed, previous, answer, asked, now_ms=self._clock.now_ms())
        try:
            await self.publisher.publish(decision.snapshots)
        except BadInput as error:
            await self._tell_refused(decision.snapshots, error)
            failed = Answer(url=answer.url, status=answer.status, reason="too-large", error=str(error))
            decision = decide_poll(feed, previous, failed, asked, now_ms=self._clock.now_ms())
        if decision.snapshots:
            self._ownership.fenced(feed_id)
        self.polls[feed_id] = decision.poll
        await self.publisher.publish([decision.record])
        self._observed.poll(decision.poll)
        return decision

    async def _tell_refused(self, snapshots: Sequence[NewRecord], error: BadInput) -> None:
        """A dead letter for a body that the log does not take; one for each body, however often it is fetched."""
        if error.reason != "too-large":
            return
        refused = max(snapshots, key=lambda record: len(record.value or b""))
        letter = make_refused_letter(
            refused, stage=POLL.name, reason=error.reason, error=str(error), now_ms=self._clock.now_ms()
        )
        id_ = letter.headers[LETTER_HEADER]
        if self._refused_letters.get(refused.key) != id_:
            await self.publisher.publish([letter])
            self._refused_letters[refused.key] = id_

    async def _look_at_page(self, key: str) -> int | None:
        waiting = self._pages[key]
        feed_id = waiting.request.feed_id
        feed, poll = self.feeds.get(feed_id), self.polls.get(feed_id)
        if feed is None or poll is None or waiting.served:
            self._page_done(key)
            return None
        owner = await self._ownership.owner(feed_id)
        if owner is None:
            return _UNSURE_MS
        wait = wait_for_page_check(poll, now_ms=self._clock.now_ms())
        if wait > 0:
            return wait
        try:
            ask = plan_page_check(feed, waiting.request, self._environ)
        except BadInput as error:
            _log.warning("page not looked at", feed=feed_id, error=error)
            ask = None
        if ask is None:
            self._page_done(key)
            return None
        answer = await self._asking.ask(ask)
        async with self._lock(feed_id):
            if await self._ownership.owner(feed_id) != owner:
                return _UNSURE_MS
            record, poll = decide_page_check(
                feed,
                self.polls.get(feed_id, poll),
                waiting.request,
                answer,
                owner=owner,
                now_ms=self._clock.now_ms(),
            )
            await self.publisher.publish([record] if record is not None else [])
            self.polls[feed_id] = poll
            await self.publisher.publish([poll_record(poll)])
        self._page_done(key)
        return None

    def _page_done(self, key: str) -> None:
        self._inbox.done([self._pages.pop(key)])

    def _lock(self, feed_id: str) -> asyncio.Lock:
        return self._locks.setdefault(feed_id, asyncio.Lock())

    def _tell(self, feed: Feed, previous: Poll | None, poll: Poll) -> None:
        """Say once when a feed begins to fail, ends for good, or is well again."""
        before = previous.outcome if previous is not None else None
        if poll.outcome == "gone" and before != "gone":
            _log.warning("the source says that this feed is gone; it is not asked any more", feed=feed.id, url=poll.url)
        elif poll.ended is not None:
            _log.warning(
                "this live page has ended; it is not asked any more. Its definition changed, or every set, resumes it",
                feed=feed.id,
                why=poll.ended,
            )
        elif poll.failures == 1:
            _log.warning("a feed does not answer well", feed=feed.id, reason=poll.reason, error=poll.error)
        elif poll.failures == 0 and previous is not None and previous.failures > 0:
            _log.info("a feed answers well again", feed=feed.id, after=previous.failures)
