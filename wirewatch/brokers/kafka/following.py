"""Waiting for records outside any group: one long request a broker, however many wait, on a connection of its own.

A broker answers the requests of a connection one after another, so that a hundred waiting reads must be one.
What arrives is kept for whoever waits for it (`Kept`); where nobody comes for it, its partition is left alone.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from aiokafka import errors as kafka

from wirewatch.brokers.kafka.fetching import Fetched, Place, fetch_from
from wirewatch.brokers.kafka.records import Unread, end_of

if TYPE_CHECKING:
    from wirewatch.brokers.kafka.link import Link

_WAIT_MS: Final = 100
"""A partition that joins the waiting is asked for after so long at most: requests are not broken off."""
_UNCLAIMED_BYTES: Final = 256 << 10
_FORGET_SECONDS: Final = 5.0
_KEPT_BYTES: Final = 32 << 20
_PAUSE_SECONDS: Final = 0.1


class Kept:
    """What was fetched and not read yet, by where it begins; the oldest goes where it is too much."""

    def __init__(self) -> None:
        self._unread: OrderedDict[tuple[Place, int], Unread] = OrderedDict()
        self._bytes = 0

    def take(self, place: Place, offset: int) -> Unread | None:
        """What begins there; it is the caller's now."""
        unread = self._unread.pop((place, offset), None)
        if unread is not None:
            self._bytes -= unread.size
        return unread

    def keep(self, place: Place, unread: Unread) -> None:
        """Keep what is left for the next who reads on from there."""
        self.take(place, unread.next_offset)
        self._unread[place, unread.next_offset] = unread
        self._bytes += unread.size
        while self._bytes > _KEPT_BYTES and len(self._unread) > 1:
            _, gone = self._unread.popitem(last=False)
            self._bytes -= gone.size


class _Followed:
    """A partition that is waited for: from where, by whom, and how much came that nobody has read."""

    __slots__ = ("position", "unclaimed", "waiters", "wanted_at")

    def __init__(self, position: int, now: float) -> None:
        self.position = position
        self.unclaimed = 0
        self.waiters: dict[asyncio.Future[None], int] = {}
        self.wanted_at = now

    def is_asked_for(self, now: float) -> bool:
        recently = now - self.wanted_at < _FORGET_SECONDS
        return bool(self.waiters) or (recently and self.unclaimed < _UNCLAIMED_BYTES)

    def wake(self, beyond: int) -> None:
        for future, offset in self.waiters.items():
            if offset < beyond and not future.done():
                future.set_result(None)


class Following:
    """Who waits for what. Everything here runs on one event loop."""

    def __init__(self, link: Link, kept: Kept) -> None:
        self._link = link
        self._kept = kept
        self._followed: dict[Place, _Followed] = {}
        self._loops: dict[int, asyncio.Task[None]] = {}
        self._closed = False

    def covers(self, place: Place, offset: int) -> bool:
        """Whether what is appended from that offset on is being waited for already: it need not be asked for."""
        followed = self._followed.get(place)
        now = asyncio.get_running_loop().time()
        return followed is not None and followed.position == offset and followed.is_asked_for(now)

    async def wait(self, place: Place, offset: int, seconds: float) -> None:
        """Return when there may be a record from that offset on, something failed, or time is up."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        followed = self._followed.get(place)
        if followed is None:
            followed = self._followed[place] = _Followed(offset, loop.time())
        elif offset < followed.position:
            return  # it came between the caller's look and now
        elif offset > followed.position and not followed.waiters:
            followed.position = offset
        followed.unclaimed = 0
        future: asyncio.Future[None] = loop.create_future()
        followed.waiters[future] = offset
        try:
            self._keep_asking(place)
            await asyncio.wait([future], timeout=seconds)
        finally:
            followed.waiters.pop(future, None)
            followed.wanted_at = loop.time()

    async def close(self) -> None:
        """Wake everybody; nobody waits from now on."""
        self._closed = True
        for followed in self._followed.values():
            followed.wake(1 << 62)
        for task in self._loops.values():
            task.cancel()
        await asyncio.gather(*self._loops.values(), return_exceptions=True)

    def _keep_asking(self, place: Place) -> None:
        try:
            node = self._link.leader(*place)
        except kafka.KafkaError:
            self._followed[place].wake(1 << 62)  # the caller's own fetch finds out what is the matter
            return
        if node not in self._loops or self._loops[node].done():
            self._loops[node] = asyncio.get_running_loop().create_task(self._ask(node), name=f"kafka-follow-{node}")

    def _asked_of(self, node: int) -> dict[Place, int]:
        now = asyncio.get_running_loop().time()
        out: dict[Place, int] = {}
        for place, followed in list(self._followed.items()):
            if not followed.is_asked_for(now):
                if now - followed.wanted_at > _FORGET_SECONDS:
                    del self._followed[place]
                continue
            try:
                leader = self._link.leader(*place)
            except kafka.KafkaError:
                continue
            if leader == node:
                out[place] = followed.position
            elif leader not in self._loops or self._loops[leader].done():
                self._keep_asking(place)
        return out

    async def _ask(self, node: int) -> None:
        while not self._closed:
            places = self._asked_of(node)
            if not places:
                return
            try:
                answers = await fetch_from(self._link, node, places, wait_ms=_WAIT_MS, apart=True)
            except (kafka.KafkaError, OSError, TimeoutError):
                answers = {}
            if not answers:
                self._wake_all(places)
                await asyncio.sleep(_PAUSE_SECONDS)
            for place, answer in answers.items():
                self._arrived(place, places.get(place, -1), answer)

    def _wake_all(self, places: dict[Place, int]) -> None:
        for place in places:
            if place in self._followed:
                self._followed[place].wake(1 << 62)

    def _arrived(self, place: Place, offset: int, answer: Fetched | BaseException) -> None:
        followed = self._followed.get(place)
        if followed is None or followed.position != offset:
            return
        if isinstance(answer, BaseException) or answer.out_of_range:
            # those who wait ask for themselves, and are told what is wrong
            del self._followed[place]
            followed.wake(1 << 62)
        elif answer.data and (end := end_of(answer.data, offset)) > offset:
            self._kept.keep(place, Unread(*place, answer.data, offset))
            if not any(at < end for at in followed.waiters.values()):
                followed.unclaimed += len(answer.data)
            followed.position = end
            followed.wake(end)
