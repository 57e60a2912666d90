"""Fetches outside any group: one request for all that is asked of a broker in the same moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from aiokafka import errors as kafka
from aiokafka.protocol.fetch import FetchRequest
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wirewatch.brokers.kafka.link import Link

Place = tuple[str, int]
"""A topic's name, and a partition."""
PARTITION_BYTES: Final = 1 << 20
"""What one fetch brings of a partition; a larger record comes alone."""
_REQUEST_BYTES: Final = 16 << 20


class Fetched(Struct, frozen=True):
    """What a broker says of one partition: its bounds and whole batches, the first of which may begin earlier."""

    start: int
    high: int
    data: bytes
    out_of_range: bool = False


class _Wanted(Struct):
    offset: int
    future: asyncio.Future[Fetched]


async def fetch_from(
    link: Link, node: int, places: Mapping[Place, int], *, wait_ms: int, apart: bool
) -> dict[Place, Fetched | BaseException]:
    """One request to one broker. A partition's own failure stands in its place."""
    topics: dict[str, list[tuple[int, int, int]]] = {}
    for (topic, partition), offset in places.items():
        topics.setdefault(link.wire_name(topic), []).append((partition, offset, PARTITION_BYTES))
    request = FetchRequest(wait_ms, 1, _REQUEST_BYTES, 0, list(topics.items()))
    answer = await link.to_node(node, request, apart=apart)
    out: dict[Place, Fetched | BaseException] = {}
    for wire_name, partitions in answer.topics:
        for partition, code, high, *rest in partitions:
            out[link.our_name(wire_name), partition] = _understood(code, high, rest)
    return out


def _understood(code: int, high: int, rest: list[Any]) -> Fetched | BaseException:
    error = kafka.for_code(code)
    if error is kafka.OffsetOutOfRangeError:
        return Fetched(-1, high, b"", out_of_range=True)
    if error is not kafka.NoError:
        failure: BaseException = error()
        return failure
    # v5 and later: last stable offset, start of the log, aborted transactions, (v11: replica to prefer), batches
    return Fetched(rest[1], high, bytes(rest[-1] or b""))


class Fetches:
    """Gives each caller the data at an offset as it is now. What is asked for in one moment goes out together."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._wanted: dict[Place, list[_Wanted]] = {}
        self._scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def fetch(self, place: Place, offset: int) -> Fetched:
        """Raises the client's own errors; no retry."""
        loop = asyncio.get_running_loop()
        wanted = _Wanted(offset, loop.create_future())
        self._wanted.setdefault(place, []).append(wanted)
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._send)
        return await wanted.future

    async def close(self) -> None:
        """Tell everybody who waits that there is no answer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send(self) -> None:
        self._scheduled = False
        # of one partition one offset at a time; who wants another one waits for the next round
        now = {place: waiting.pop(0) for place, waiting in self._wanted.items()}
        self._wanted = {place: waiting for place, waiting in self._wanted.items() if waiting}
        if self._wanted:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._send)
        by_node: dict[int, dict[Place, _Wanted]] = {}
        for place, wanted in now.items():
            try:
                by_node.setdefault(self._link.leader(*place), {})[place] = wanted
            except kafka.KafkaError as error:
                _settle(wanted.future, error)
        for node, places in by_node.items():
            task = asyncio.get_running_loop().create_task(self._ask(node, places))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(self, node: int, places: dict[Place, _Wanted]) -> None:
        answers: dict[Place, Fetched | BaseException] = {}
        failure: BaseException = kafka.KafkaConnectionError("the broker did not answer for it")
        try:
            offsets = {place: wanted.offset for place, wanted in places.items()}
            answers = await fetch_from(self._link, node, offsets, wait_ms=0, apart=False)
        except (kafka.KafkaError, OSError, TimeoutError) as error:
            failure = error
        finally:
            for place, wanted in places.items():
                _settle(wanted.future, answers.get(place, failure))


def _settle(future: asyncio.Future[Fetched], result: Fetched | BaseException) -> None:
    if future.done():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
