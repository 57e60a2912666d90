"""The one thread through which a process writes. Whatever waits when it comes round shares one commit."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import apsw

from wirewatch.brokers.embedded.failures import explain_failure
from wirewatch.brokers.embedded.threads import settle
from wirewatch.brokers.embedded.transaction import Transaction
from wirewatch.errors import BrokenStorage, PassingFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from wirewatch.times import Clock

T = TypeVar("T")
GROUP_BYTES: Final = 32 << 20
GROUP_JOBS: Final = 512
PENDING_BYTES: Final = 64 << 20
"""So many bytes may wait to be written; whoever brings more waits."""


class _Job:
    __slots__ = ("bare", "error", "future", "loop", "result", "size", "work")

    def __init__(self, work: Callable[[Any], Any], size: int, *, bare: bool) -> None:
        self.work = work
        self.size = size
        self.bare = bare
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None


class LogWriter:
    """Runs jobs inside transactions and answers once they are durable.

    A job that fails takes no other with it: the group is rolled back and each is done again on its own.
    ``on_commit`` hears on the event loop which topics grew, before those who wait for the jobs go on.
    """

    def __init__(self, conn: apsw.Connection, folder: str, clock: Clock, on_commit: Callable[[set[str]], None]) -> None:
        self._conn = conn
        self._folder = folder
        self._clock = clock
        self._on_commit = on_commit
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._pending = 0
        self._room: deque[asyncio.Future[None]] = deque()
        self._closed = False
        self.last_failure: str | None = None
        self._thread = threading.Thread(target=self._loop, name="log-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Transaction], T], *, size: int = 0) -> T:
        """What ``work`` returns, once its transaction is durable. When the caller is cancelled it is still done.

        Blocks while too much waits to be written. Raises `BrokenStorage`, or `PassingFault` where another
        process holds the store; nothing of ``work`` is in the store then.
        """
        while self._pending and self._pending + size > PENDING_BYTES:
            room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._room.append(room)
            await room
        return await self._submit(_Job(work, size, bare=False))  # type: ignore[no-any-return]  # what work returned

    async def bare(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run ``work`` on the writing connection outside any transaction."""
        return await self._submit(_Job(work, 0, bare=True))  # type: ignore[no-any-return]  # as above

    async def close(self) -> None:
        """Finish what was given, then close the connection. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    async def _submit(self, job: _Job) -> Any:
        if self._closed:
            raise PassingFault("the log is closed")
        self._pending += job.size
        self._queue.put(job)
        return await job.future

    def _loop(self) -> None:
        held: _Job | None = None
        while True:
            job = held or self._queue.get()
            held = None
            if job is None:
                break
            if job.bare:
                self._run_bare(job)
                self._answer([job], set())
                continue
            group = [job]
            size = job.size
            while len(group) < GROUP_JOBS and size < GROUP_BYTES:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None or following.bare:
                    held = following
                    if following is None:
                        self._queue.put(None)
                    break
                group.append(following)
                size += following.size
            self._run_group(group)
        self._conn.close()

    def _run_bare(self, job: _Job) -> None:
        try:
            job.result = job.work(self._conn)
        except apsw.Error as error:
            job.error = explain_failure(error, f"the log in {self._folder}")
        except BaseException as error:  # noqa: BLE001 - it is raised again where the work was asked for
            job.error = error

    def _run_group(self, group: list[_Job]) -> None:
        try:
            touched = self._transact(group)
        except BaseException as error:  # noqa: BLE001 - every job hears of it
            if len(group) == 1:
                group[0].error = self._in_words(error)
                self._answer(group, set())
                return
            for job in group:
                self._run_group([job])
            return
        self.last_failure = None
        self._answer(group, touched)

    def _transact(self, group: list[_Job]) -> set[str]:
        conn = self._conn
        try:
            conn.execute("BEGIN IMMEDIATE")
            transaction = Transaction(conn, self._clock.now_ms())
            for job in group:
                job.result = job.work(transaction)
            transaction.finish()
            conn.execute("COMMIT")
        except BaseException:
            # SQLite may have rolled back by itself already
            if conn.in_transaction:
                with suppress(apsw.Error):
                    conn.execute("ROLLBACK")
            raise
        return transaction.touched

    def _in_words(self, error: BaseException) -> BaseException:
        failure = explain_failure(error, f"the log in {self._folder}") if isinstance(error, apsw.Error) else error
        if isinstance(failure, BrokenStorage):
            self.last_failure = str(failure)
        failure.__cause__ = error if failure is not error else error.__cause__
        return failure

    def _answer(self, jobs: list[_Job], touched: set[str]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            jobs[0].loop.call_soon_threadsafe(self._finish, jobs, touched)

    def _finish(self, jobs: list[_Job], touched: set[str]) -> None:
        for job in jobs:
            self._pending -= job.size
        if touched:
            self._on_commit(touched)
        for job in jobs:
            settle(job.future, job.result, job.error)
        while self._room:
            room = self._room.popleft()
            if not room.done():
                room.set_result(None)
