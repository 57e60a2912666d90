"""The search index for those who read it: pages, API and commands, in this process or another, beside its writer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import apsw

from sinks.search.embedded import read
from sinks.search.embedded.read import Window
from sinks.search.embedded.schema import index_failures, open_reader
from sinks.search.interface import DayCount, Order, SearchPage
from wirewatch.brokers.binding import OtherLogError, other_log
from wirewatch.errors import UserError
from wirewatch.events import EntryEvent
from wirewatch.query.parser import parse_query
from wirewatch.times import Clock, SystemClock

T = TypeVar("T")
_CONNECTIONS = 4
_STEPS_BETWEEN_LOOKS = 20_000  # of SQLite's machine: about a millisecond


class EmbeddedIndex:
    """Implements `SearchIndex` on ``search.db``; works off the event loop, on at most four connections.

    Every method raises `UserError` where there is no index yet, where a query or a cursor cannot be read, or
    where the search takes longer than ``deadline`` seconds; `PassingFault` where the file is locked too long;
    `BrokenStorage` where it is damaged or from a newer program. Nothing is opened before the first call.
    """

    def __init__(self, path: Path, *, deadline: float = 10.0, clock: Clock | None = None) -> None:
        self._path = path
        self._deadline = deadline
        self._clock = clock or SystemClock()
        self._idle: list[apsw.Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        self._threads = ThreadPoolExecutor(max_workers=_CONNECTIONS, thread_name_prefix="search")

    async def search(
        self,
        query_text: str,
        *,
        now_ms: int,
        since: int | None = None,
        until: int | None = None,
        limit: int = 50,
        cursor: str | None = None,
        as_of: int | None = None,
        order: Order = "newest",
        count: bool = False,
    ) -> SearchPage:
        """See `SearchIndex`."""
        query = parse_query(query_text)
        window = Window(since, until, as_of)
        return await self._read(
            lambda connection: read.read_search(
                connection, query, now_ms=now_ms, window=window, limit=limit, cursor=cursor, order=order, count=count
            )
        )

    async def latest(
        self,
        *,
        feed_id: str | None = None,
        limit: int = 50,
        before: str | None = None,
        order: Literal["newest", "oldest"] = "newest",
    ) -> SearchPage:
        """See `SearchIndex`."""
        return await self._read(
            lambda connection: read.read_latest(connection, feed_id=feed_id, limit=limit, before=before, order=order)
        )

    async def lead(self, feed_id: str) -> EntryEvent | None:
        """See `SearchIndex`."""
        return await self._read(lambda connection: read.read_lead(connection, feed_id))

    async def entry(self, entry_id: str) -> list[EntryEvent]:
        """See `SearchIndex`."""
        return await self._read(lambda connection: read.read_entry(connection, entry_id))

    async def event(self, event_id: str) -> EntryEvent | None:
        """See `SearchIndex`."""
        return await self._read(lambda connection: read.read_event(connection, event_id))

    async def events(self, feed_id: str, *, after_seq: int = 0, limit: int = 500) -> list[EntryEvent]:
        """See `SearchIndex`."""
        return await self._read(
            lambda connection: read.read_events(connection, feed_id, after_seq=after_seq, limit=limit)
        )

    async def stored(self, *, after: tuple[str, int], limit: int = 500) -> list[bytes]:
        """Every event there is as it came, page by page: by feed and number, from the one after that on."""
        return await self._read(lambda connection: read.read_stored(connection, after, limit))

    async def count_by_day(
        self, query_text: str, *, now_ms: int, since: int = 0, until: int | None = None
    ) -> list[DayCount]:
        """See `SearchIndex`."""
        query = parse_query(query_text)
        stop = now_ms if until is None else until
        return await self._read(
            lambda connection: read.read_days(connection, query, now_ms=now_ms, since_ms=since, until_ms=stop)
        )

    async def require_log(self, log_id: str) -> None:
        """See `SearchIndex`."""
        bound = await self._read(
            lambda connection: connection.execute("SELECT value FROM about WHERE name = 'log'").get
        )
        if bound not in {None, log_id}:
            raise OtherLogError(other_log(f"the search index {self._path}", str(bound), log_id))

    async def ready(self) -> str | None:
        """See `SearchIndex`."""
        try:
            await self._read(lambda connection: connection.execute("SELECT max(id) FROM revisions").get)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            return str(error)
        return None

    async def close(self) -> None:
        """See `SearchIndex`."""
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown)
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    async def _read(self, reading: Callable[[apsw.Connection], T]) -> T:
        if self._closed:
            raise UserError("the search index is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read_now, reading)

    def _read_now(self, reading: Callable[[apsw.Connection], T]) -> T:
        stop_at = self._clock.monotonic() + self._deadline
        with index_failures(self._path), self._connection() as connection:
            connection.set_progress_handler(lambda: self._clock.monotonic() > stop_at, _STEPS_BETWEEN_LOOKS)
            try:
                return reading(connection)
            except apsw.InterruptError as error:
                raise UserError(
                    f"the search took longer than {self._deadline:g} s and was stopped:"
                    " narrow it, with more words, feed: or since:"
                ) from error
            finally:
                connection.set_progress_handler(None)

    @contextmanager
    def _connection(self) -> Iterator[apsw.Connection]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = open_reader(self._path)
        try:
            yield connection
        except BaseException:
            connection.close()  # what failed on it may be its own state
            raise
        with self._lock:
            self._idle.append(connection)
