"""One connection to the server: calls one after another, each a transaction, made anew where it was lost.

One and not a pool: a process's calls take effect one after another (see `ControlStore`), and fifty processes are
then fifty connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import AsyncConnection, IsolationLevel

from wirewatch.control.postgresql.failures import failures_in_words, mistake_in
from wirewatch.errors import PassingFault

if TYPE_CHECKING:
    from wirewatch.control.postgresql.address import Address

T = TypeVar("T")
_LONGEST_S: Final = 30.0
_TRIES: Final = 5
_CLOSING_S: Final = 3.0
"""So long a call in progress may still take when the session is closed."""
# a database or user may have another default, under which what was acknowledged could be lost or wait for ever
_PINNED: Final[LiteralString] = """
    SELECT set_config('lock_timeout', '5s', false), set_config('statement_timeout', '25s', false),
           set_config('idle_in_transaction_session_timeout', '60s', false),
           CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END
"""


class Session:
    """Runs transactions. One that is cancelled goes on to its end once it has begun; one that gets no answer for long
    is cut off.
    """

    def __init__(self, address: Address, where: str, *, longest_s: float = _LONGEST_S) -> None:
        self._address = address
        self._where = where
        self._longest_s = longest_s
        self._connection: AsyncConnection[Any] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def open(self) -> None:
        """Connect. Raises `UserError` for what the user can mend, `PassingFault` where the server is away."""
        async with self._one_at_a_time:
            try:
                with failures_in_words(self._where):
                    await self._connected()
            except PassingFault as fault:
                cause = fault.__cause__
                mistake = mistake_in(cause, self._where) if isinstance(cause, psycopg.Error) else None
                if mistake is None:
                    raise
                raise mistake from None

    async def close(self) -> None:
        """Disconnect after the call in progress has ended, or soon after where the server does not answer it."""
        self._closing = True
        await self._ended_within(_CLOSING_S)
        if self._running and self._connection is not None:
            _cut(self._connection)
            await self._ended_within(1.0)
        for task in self._running:
            task.cancel()
        await self._ended_within(_CLOSING_S)
        await self._disconnect()

    async def _ended_within(self, seconds: float) -> None:
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)

    async def run(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
        """Do this in one transaction, durable on return.

        Done again from its beginning where others got in between; never where it may have taken effect.
        """
        begun = asyncio.Event()
        task = asyncio.create_task(self._alone(work, begun))
        self._running.add(task)
        task.add_done_callback(self._ended)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not begun.is_set():
                task.cancel()  # nobody waits for it, and while the server is silent more and more would queue up
            raise

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # whoever called may be gone: then nobody else asks

    async def _alone(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]], begun: asyncio.Event) -> T:
        async with self._one_at_a_time:
            if self._closing:
                raise PassingFault(f"{self._where} is being closed")
            begun.set()
            with failures_in_words(self._where):
                for _ in range(_TRIES - 1):
                    with contextlib.suppress(psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
                        return await self._once(work)
                return await self._once(work)

    async def _once(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
        connection = await self._begun()
        late = asyncio.get_running_loop().call_later(self._longest_s, _cut, connection)
        try:
            try:
                result = await work(connection)
            except BaseException:
                with contextlib.suppress(psycopg.Error):  # what ended the transaction is what is told
                    await connection.rollback()
                raise
            await connection.commit()
        finally:
            late.cancel()
            if connection.closed:
                self._connection = None
        return result

    async def _begun(self) -> AsyncConnection[Any]:
        """A connection in a new transaction. Where the old one proves lost a new one is made: nothing was done yet."""
        known = self._connection is not None and not self._connection.closed
        connection = await self._connected()
        late = asyncio.get_running_loop().call_later(self._longest_s, _cut, connection)
        try:
            await connection.execute("SELECT 1")
        except psycopg.OperationalError:
            await self._disconnect()
            if not known:
                raise
        else:
            return connection
        finally:
            late.cancel()
        return await self._begun()

    async def _connected(self) -> AsyncConnection[Any]:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        connection = await AsyncConnection.connect(self._address.conninfo, autocommit=True)
        try:
            await connection.execute(_PINNED)
            await connection.set_isolation_level(IsolationLevel.READ_COMMITTED)
            await connection.set_autocommit(False)
        except BaseException:
            await connection.close()
            raise
        self._connection = connection
        return connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(psycopg.Error):
                await connection.close()


def _cut(connection: AsyncConnection[Any]) -> None:
    """End a connection whose server does not answer: cancelling would wait for its answer too."""
    if connection.closed:
        return
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.pgconn.socket)) as its:
        its.shutdown(socket.SHUT_RDWR)
