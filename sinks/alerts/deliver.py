"""The deliverer: takes what is due from the outbox, sends it, and records what came of it.

A try is counted and leased before anything is sent, a success recorded only after the receiver has answered.
Killed in between, the next run finds the lease and sends again under the same delivery id.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from sinks.alerts.channels.interface import ChannelGone, PerhapsReceived
from sinks.alerts.channels.retry_after import LONGEST
from sinks.alerts.pace import (
    DRAIN_GAP_MS,
    MAX_REFUSALS,
    Pace,
    after_answer,
    after_failure,
    after_start,
    decide_pause_ms,
    decide_room,
)
from sinks.alerts.steady import SteadyTime
from wirewatch.control import Channel, Claim, Outcome
from wirewatch.errors import BadInput, PassingFault
from wirewatch.events import Alert, decode
from wirewatch.logs import Sparing, get_logger
from wirewatch.metrics import DELIVERIES, OUTBOX_OLDEST, OUTBOX_PENDING, SEEN_TO_TOLD
from wirewatch.times import format_ms, parse_ms

if TYPE_CHECKING:
    from sinks.alerts.channels.interface import DeliveryChannel
    from wirewatch.control import ControlStore
    from wirewatch.times import Clock

_log = get_logger("deliver")
LOOK_EVERY_S: Final = 1.0
"""Commands in other processes change the outbox: it is looked at this often even where nothing is due."""
_STOP_WITHIN_S: Final = 10.0
_HOUSEKEEPING_MS: Final = 600_000
_KEPT_MS: Final = 30 * 86_400_000
_BACKLOG_MS: Final = 60_000


class Limits(Struct, frozen=True):
    """``[alerts]`` in milliseconds."""

    per_channel: int = 4
    retry_for_ms: int = 86_400_000
    retry_max_ms: int = 600_000
    timeout_ms: int = 15_000


class Opens(Protocol):
    """What makes channels that deliver out of channels as recorded (`OpenedChannels`)."""

    def open(self, channel: Channel) -> DeliveryChannel:
        """The way to this channel's receiver. Raises `PassingFault` or `BadInput` where it cannot be made."""
        ...


class Deliverer:
    """Sends what is due until it is told to stop. Several may share a store, each under a name of its own.

    ``holder`` is that name, kept over a restart: what the last run left in flight is then sent again at once,
    else after its lease. ``per_channel`` bounds what each of them sends at once.

    Time inside is `SteadyTime`, so that a clock set forwards or back starts no storm and holds nothing up, nor do
    the clocks of machines that share a store and are apart (F14).
    """

    def __init__(
        self,
        store: ControlStore,
        channels: Opens,
        clock: Clock,
        limits: Limits,
        *,
        holder: str = "deliverer",
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._holder = holder
        self._channels = channels
        self._clock = clock
        self._limits = limits
        self._draw = draw
        self._time = SteadyTime(clock)
        self._now = self._time.now_ms
        self._paces: dict[str, Pace] = {}
        self._flying: dict[asyncio.Task[Outcome], Claim] = {}
        self._outcomes: list[Outcome] = []
        self._faults_said = Sparing()
        self._wanted = asyncio.Event()
        self._stopping = False
        self._kept_house_ms = 0
        self._prune_at_ms = 0
        self._counted_ms = 0

    def wake(self) -> None:
        """There may be something new to send."""
        self._wanted.set()

    def stop(self) -> None:
        """Ask `run` to return: what is in flight is waited for, for a while."""
        self._stopping = True
        self._wanted.set()

    async def run(self) -> None:
        """Deliver until stopped. Raises `BrokenStorage`; faults of the store that may pass are waited out."""
        await self.start()
        try:
            while not self._stopping:
                self._wanted.clear()
                try:
                    wait = await self.turn()
                except PassingFault as fault:
                    if self._faults_said.is_due(str(fault), self._clock.monotonic()):
                        _log.warning("the control store is busy", error=fault)
                    wait = fault.retry_after or LOOK_EVERY_S
                await self._sleep(wait)
        finally:
            await self.finish()

    async def start(self) -> None:
        """Take up what an earlier run left in flight; its receivers may have had it."""
        await self._store.open()
        await self._time.begin_with(self._store)
        furthest = self._now() + max(self._limits.retry_max_ms, round(LONGEST * 1_000))
        left = await self._store.release_leases(self._holder, due_by_ms=furthest)
        if left:
            _log.info("deliveries in flight when the last run ended are sent again", count=left)
        for channel_id, waiting in (await self._store.waiting()).items():
            if self._now() - (waiting.oldest_created_ms or self._now()) > _BACKLOG_MS:
                self._paces[channel_id] = Pace(self._limits.per_channel, draining=True)

    async def turn(self) -> float:
        """Record what ended, start what is due, and say for how many seconds there is nothing else to do."""
        await self._record()
        now = self._now()
        channels = {channel.id: channel for channel in await self._store.channels()}
        room = {channel_id: self._room(channel_id, now) for channel_id in channels}
        claims = await self._store.claim(
            holder=self._holder,
            now_ms=now,
            lease_ms=self._limits.timeout_ms * 2 + 60_000,
            room={i: n for i, n in room.items() if n},
        )
        given: dict[str, int] = {}
        for claim in claims:
            given[claim.channel.id] = given.get(claim.channel.id, 0) + 1
            self._flying[asyncio.create_task(self._deliver(claim))] = claim
        for channel_id, asked in room.items():
            started = given.get(channel_id, 0)
            self._paces[channel_id] = after_start(self._pace(channel_id), now_ms=now, given=started, asked=asked)
        await self._count(now)
        await self._keep_house(now, channels)
        await self._prune(now)
        return await self._until_next(now, channels)

    async def landed(self) -> None:
        """Wait until nothing is in flight any more; nothing new is started meanwhile."""
        while self._flying:
            await asyncio.wait(self._flying)
            self._collect()

    async def finish(self) -> None:
        """Wait a while for what is in flight, give the rest up unrecorded, record what ended."""
        if self._flying:
            await asyncio.wait(self._flying, timeout=_STOP_WITHIN_S)
        for task in [task for task in self._flying if not task.done()]:
            task.cancel()
        if self._flying:
            await asyncio.wait(self._flying)
        await self._record()

    async def _sleep(self, seconds: float) -> None:
        waits: set[asyncio.Task[object]] = {
            asyncio.create_task(self._clock.sleep(min(seconds, LOOK_EVERY_S))),
            asyncio.create_task(self._wanted.wait()),
        }
        try:
            await asyncio.wait({*waits, *self._flying}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _deliver(self, claim: Claim) -> Outcome:
        """One try. Every error becomes an outcome; only a cancelled try has none."""
        delivery, channel = claim.delivery, claim.channel
        try:
            await self._channels.open(channel).deliver(delivery)
        except ChannelGone as gone:
            await self._store.set_disabled(channel.id, f"{gone} ({format_ms(self._now())})")
            _log.error("channel disabled; enable it again with: channels test", channel=channel.id, reason=str(gone))
            DELIVERIES.labels(channel.kind, "gone").inc()
            return Outcome(delivery.delivery_id, "pending", self._now(), error=str(gone))
        except PassingFault as fault:
            return self._failed(claim, fault)
        except BadInput as refusal:
            return self._refused(claim, str(refusal))
        except Exception as bug:  # noqa: BLE001 - a bug in a channel must not silence the others
            _log.error("bug in a channel", channel=channel.id, kind=channel.kind, exc_info=bug)
            return self._refused(claim, f"bug: {type(bug).__name__}: {bug}", unsure=True)
        self._answered(channel)
        self._told(claim)
        return Outcome(delivery.delivery_id, "delivered", self._now())

    def _failed(self, claim: Claim, fault: PassingFault) -> Outcome:
        now = self._now()
        delivery, pace = claim.delivery, self._pace(claim.channel.id)
        longest, asked = self._limits.retry_max_ms, fault.retry_after
        pause = decide_pause_ms(pace.failures + 1, longest_ms=longest, draw=self._draw(), retry_after=asked)
        self._paces[claim.channel.id] = after_failure(pace, until_ms=now + pause)
        unsure = isinstance(fault, PerhapsReceived)
        if now - delivery.retry_since_ms >= self._limits.retry_for_ms:
            return self._dead(claim, f"given up after {delivery.tries + 1} tries: {fault}", unsure=unsure)
        DELIVERIES.labels(claim.channel.kind, "retried").inc()
        own = decide_pause_ms(delivery.tries + 1, longest_ms=longest, draw=self._draw(), retry_after=asked)
        _log.warning("delivery failed, trying again", channel=claim.channel.id, error=fault, tries=delivery.tries + 1)
        return Outcome(delivery.delivery_id, "pending", now, now + own, str(fault), unsure=unsure)

    def _refused(self, claim: Claim, reason: str, *, unsure: bool = False) -> Outcome:
        self._answered(claim.channel)
        now, tries = self._now(), claim.delivery.tries + 1
        if tries >= MAX_REFUSALS:
            return self._dead(claim, f"refused {tries} times: {reason}", unsure=unsure)
        DELIVERIES.labels(claim.channel.kind, "refused").inc()
        pause = decide_pause_ms(tries + 2, longest_ms=self._limits.retry_max_ms, draw=self._draw())
        return Outcome(claim.delivery.delivery_id, "pending", now, now + pause, reason, unsure=unsure)

    def _dead(self, claim: Claim, reason: str, *, unsure: bool) -> Outcome:
        DELIVERIES.labels(claim.channel.kind, "dead").inc()
        _log.error("delivery dead-lettered", channel=claim.channel.id, alert=claim.delivery.alert_id, reason=reason)
        return Outcome(claim.delivery.delivery_id, "dead", self._now(), error=reason, unsure=unsure)

    def _told(self, claim: Claim) -> None:
        DELIVERIES.labels(claim.channel.kind, "delivered").inc()
        seen = parse_ms(decode(claim.delivery.payload, Alert).times.seen)
        SEEN_TO_TOLD.labels(claim.channel.kind).observe(max(0, self._now() - seen) / 1_000)

    def _answered(self, channel: Channel) -> None:
        self._paces[channel.id] = after_answer(self._pace(channel.id), per_channel=self._limits.per_channel)

    def _collect(self) -> None:
        for task in [task for task in self._flying if task.done()]:
            del self._flying[task]
            if not task.cancelled():
                self._outcomes.append(task.result())

    async def _record(self) -> None:
        self._collect()
        recorded = list(self._outcomes)
        await self._store.record_outcomes(self._holder, recorded)
        del self._outcomes[: len(recorded)]

    async def _count(self, now: int) -> None:
        if now - self._counted_ms < LOOK_EVERY_S * 1_000:
            return
        self._counted_ms = now
        waiting = (await self._store.waiting()).values()
        oldest = min((one.oldest_created_ms for one in waiting if one.oldest_created_ms is not None), default=now)
        OUTBOX_PENDING.set(sum(one.pending for one in waiting))
        OUTBOX_OLDEST.set(max(0, now - oldest) / 1_000)

    async def _keep_house(self, now: int, channels: dict[str, Channel]) -> None:
        if now - self._kept_house_ms < _HOUSEKEEPING_MS:
            return
        self._kept_house_ms = now
        for channel in channels.values():
            failing = self._pace(channel.id).failures > 1
            if channel.disabled is None and not failing:
                continue
            gone = await self._store.expire(
                channel_id=channel.id,
                before_ms=now - self._limits.retry_for_ms,
                at_ms=now,
                error=f"the channel was {'failing' if failing else 'disabled'} for longer than deliveries are tried",
            )
            DELIVERIES.labels(channel.kind, "dead").inc(gone)
        for channel_id in (await self._store.waiting()).keys() - channels.keys():
            # removed while its delivery was being decided; a minute, because the channels were read before
            await self._store.expire(
                channel_id=channel_id, before_ms=now - 60_000, at_ms=now, error="there is no such channel"
            )

    async def _prune(self, now: int) -> None:
        """Forget what is old, a piece with every look while there is more: it must keep up with what comes in."""
        if now < self._prune_at_ms:
            return
        gone = await self._store.prune(before_ms=now - _KEPT_MS)
        self._prune_at_ms = now + (round(LOOK_EVERY_S * 1_000) if gone else _HOUSEKEEPING_MS)

    async def _until_next(self, now: int, channels: dict[str, Channel]) -> float:
        waits = [int(LOOK_EVERY_S * 1_000)]
        for channel_id, waiting in (await self._store.waiting()).items():
            pace = self._pace(channel_id)
            channel = channels.get(channel_id)
            if waiting.next_try_ms is None or channel is None or channel.disabled is not None:
                continue
            due = max(waiting.next_try_ms, pace.not_before_ms)
            if pace.draining:
                due = max(due, pace.started_ms + DRAIN_GAP_MS)
            if due > now:
                waits.append(due - now)
        return min(waits) / 1_000

    def _room(self, channel_id: str, now: int) -> int:
        in_flight = sum(1 for claim in self._flying.values() if claim.channel.id == channel_id)
        return decide_room(self._pace(channel_id), now_ms=now, in_flight=in_flight)

    def _pace(self, channel_id: str) -> Pace:
        return self._paces.get(channel_id) or Pace(self._limits.per_channel)
