"""The control store on SQLite: ``control.db`` in the data folder, for one machine, usable by several processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

import apsw
import msgspec

from wirewatch.brokers.binding import OtherLogError, other_log
from wirewatch.brokers.embedded.failures import failures_in_words
from wirewatch.brokers.embedded.schema import transaction
from wirewatch.brokers.embedded.threads import WorkerThread
from wirewatch.control.model import (
    AlertState,
    Channel,
    Claim,
    Delivery,
    NewDelivery,
    NoStoreError,
    OutboxSummary,
    Outcome,
    Place,
    Positions,
)
from wirewatch.control.sqlite import outbox, standing
from wirewatch.control.sqlite.schema import migrate, require_current
from wirewatch.errors import BrokenStorage, PassingFault, UserError

T = TypeVar("T")
_BUSY_MS: Final = 5_000


class _Late(Exception):  # noqa: N818 - no error: it undoes the transaction
    """Deliveries that were to be superseded have been claimed meanwhile."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = ids


class SqliteControlStore:
    """See `ControlStore`. One connection in a thread of its own; transactions are short, so that commands get in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = WorkerThread("control-store")
        self._connection: apsw.Connection | None = None

    async def open(self, *, make: bool = True) -> None:
        """See `ControlStore`."""
        if not make:
            await asyncio.to_thread(self._guarded(self._require_current))
        await self._thread.run(self._guarded(self._open))

    async def close(self) -> None:
        """See `ControlStore`."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await self._thread.run(connection.close)
            self._thread.close()

    async def healthy(self) -> str | None:
        """See `ControlStore`."""
        try:
            await self._read(lambda connection: connection.execute("SELECT count(*) FROM channels").get)
        except (BrokenStorage, PassingFault) as error:
            return str(error)
        return None

    async def bind_log(self, log_id: str) -> None:
        """See `ControlStore`."""

        def work(connection: apsw.Connection) -> str:
            connection.execute("INSERT INTO about (one, log_id) VALUES (1, ?) ON CONFLICT DO NOTHING", (log_id,))
            return str(connection.execute("SELECT log_id FROM about").get)

        bound = await self._write(work)
        if bound != log_id:
            raise UserError(other_log(f"the control store {self._path}", bound, log_id))

    async def require_log(self, log_id: str) -> None:
        """See `ControlStore`."""
        bound = await self._read(lambda connection: connection.execute("SELECT log_id FROM about").get)
        if bound not in {None, log_id}:
            raise OtherLogError(other_log(f"the control store {self._path}", str(bound), log_id))

    async def rebind_log(self, before: str, after: str, place: Place) -> bool:
        """See `ControlStore`."""

        def work(connection: apsw.Connection) -> bool:
            bound = connection.execute("SELECT log_id FROM about").get
            if bound == after:
                return False
            if bound not in {None, before}:
                raise UserError(other_log(f"the control store {self._path}", str(bound), before))
            standing.place_positions(connection, place)
            connection.execute("INSERT OR REPLACE INTO about (one, log_id) VALUES (1, ?)", (after,))
            return True

        return await self._write(work)

    async def clock_ms(self) -> int | None:
        """See `ControlStore`."""
        return None

    async def channels(self) -> list[Channel]:
        """See `ControlStore`."""
        return await self._read(outbox.select_channels)

    async def put_channels(self, put: Sequence[Channel], remove: Sequence[str] = ()) -> None:
        """See `ControlStore`."""

        def work(connection: apsw.Connection) -> None:
            connection.executemany(
                "INSERT INTO channels (id, kind, url, secret, origin, disabled, created) VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, url = excluded.url, secret = excluded.secret,"
                " origin = excluded.origin, disabled = excluded.disabled, created = excluded.created",
                [msgspec.structs.astuple(channel) for channel in put],
            )
            for channel_id in remove:
                connection.execute("DELETE FROM channels WHERE id = ?", (channel_id,))
                connection.execute(
                    "UPDATE outbox SET status = 'dead', error = 'the channel was removed', done_ms = created_ms"
                    " WHERE channel_id = ? AND status = 'pending'",
                    (channel_id,),
                )

        await self._write(work)

    async def set_disabled(self, channel_id: str, why: str | None) -> None:
        """See `ControlStore`."""
        await self._write(
            lambda connection: connection.execute("UPDATE channels SET disabled = ? WHERE id = ?", (why, channel_id))
        )

    async def position(self, sink: str, topic: str, partition: int) -> int | None:
        """See `ControlStore`."""
        return await self._read(lambda connection: standing.position(connection, sink, topic, partition))

    async def states_of(self, entry_ids: Sequence[str]) -> list[AlertState]:
        """See `ControlStore`."""
        return await self._read(lambda connection: standing.select_of(connection, entry_ids))

    async def alert_states(
        self,
        *,
        since_ms: int = 0,
        subscription_id: str | None = None,
        alert_id: str | None = None,
        limit: int = 100,
    ) -> list[AlertState]:
        """See `ControlStore`."""
        return await self._read(
            lambda connection: standing.select_changed(
                connection, since_ms=since_ms, subscription_id=subscription_id, alert_id=alert_id, limit=limit
            )
        )

    async def figure_maxima(self, feed_ids: Sequence[str]) -> dict[str, dict[str, float]]:
        """See `ControlStore`."""
        return await self._read(lambda connection: standing.select_maxima(connection, feed_ids))

    async def commit_match(
        self,
        sink: str,
        states: Sequence[AlertState],
        maxima: Mapping[str, Mapping[str, float]],
        positions: Positions,
    ) -> None:
        """See `ControlStore`."""

        def work(connection: apsw.Connection) -> None:
            standing.move_positions(connection, sink, positions)
            standing.put_states(connection, states)
            standing.put_maxima(connection, maxima)

        await self._write(work)

    async def deliveries_of(self, alert_ids: Sequence[str]) -> list[Delivery]:
        """See `ControlStore`."""
        return await self._read(lambda connection: outbox.select_deliveries(connection, alert_ids))

    async def commit_notify(
        self,
        sink: str,
        new: Sequence[NewDelivery],
        superseded: Sequence[str],
        positions: Positions,
    ) -> list[str]:
        """See `ControlStore`."""

        def work(connection: apsw.Connection) -> list[str]:
            standing.move_positions(connection, sink, positions)
            late = outbox.supersede(connection, superseded)
            if late:
                raise _Late(late)
            outbox.insert(connection, new)
            return []

        try:
            return await self._write(work)
        except _Late as late:
            return late.ids

    async def claim(self, *, holder: str, now_ms: int, lease_ms: int, room: Mapping[str, int]) -> list[Claim]:
        """See `ControlStore`."""
        # most calls find nothing: those take no lock that a command might wait for
        if not await self._read(lambda connection: bool(outbox.due(connection, now_ms, dict.fromkeys(room, 1)))):
            return []

        def work(connection: apsw.Connection) -> list[Claim]:
            claims = outbox.due(connection, now_ms, room)
            outbox.lease(connection, claims, holder, now_ms, lease_ms)
            return claims

        return await self._write(work)

    async def record_outcomes(self, holder: str, outcomes: Sequence[Outcome]) -> None:
        """See `ControlStore`."""
        if outcomes:
            await self._write(lambda connection: outbox.record(connection, holder, outcomes))

    async def release_leases(self, holder: str, *, due_by_ms: int | None = None) -> int:
        """See `ControlStore`."""
        return await self._write(lambda connection: outbox.release(connection, holder, due_by_ms))

    async def expire(self, *, channel_id: str, before_ms: int, at_ms: int, error: str) -> int:
        """See `ControlStore`."""
        return await self._write(lambda connection: outbox.expire(connection, channel_id, before_ms, at_ms, error))

    async def resend(
        self,
        *,
        at_ms: int,
        since_ms: int = 0,
        channel_id: str | None = None,
        alert_id: str | None = None,
        dead_only: bool = False,
    ) -> int:
        """See `ControlStore`."""
        return await self._write(
            lambda connection: outbox.resend(
                connection,
                at_ms=at_ms,
                since_ms=since_ms,
                channel_id=channel_id,
                alert_id=alert_id,
                dead_only=dead_only,
            )
        )

    async def waiting(self) -> dict[str, OutboxSummary]:
        """See `ControlStore`."""
        return await self._read(outbox.waiting)

    async def prune(self, *, before_ms: int, limit: int = 2_000) -> int:
        """See `ControlStore`."""
        return await self._write(lambda connection: outbox.prune(connection, before_ms, limit))

    def _require_current(self) -> None:
        if not self._path.exists() or not self._path.stat().st_size:
            raise NoStoreError(f"there is no control store {self._path} yet: wirewatch run makes it")
        with closing(apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
            connection.set_busy_timeout(_BUSY_MS)
            require_current(connection, str(self._path))

    def _open(self) -> None:
        if self._connection is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # channels' secrets lie in it: nobody else on the machine may read it
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = apsw.Connection(str(self._path))
        try:
            connection.set_busy_timeout(_BUSY_MS)
            connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", 2)
            migrate(connection, str(self._path))
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    async def _read(self, work: Callable[[apsw.Connection], T]) -> T:
        return await self._thread.run(self._guarded(lambda: work(self._opened())))

    async def _write(self, work: Callable[[apsw.Connection], T]) -> T:
        def together() -> T:
            with transaction(self._opened()):
                return work(self._opened())

        return await self._thread.run(self._guarded(together))

    def _opened(self) -> apsw.Connection:
        if self._connection is None:
            raise RuntimeError("the control store is not open")
        return self._connection

    def _guarded(self, work: Callable[[], T]) -> Callable[[], T]:
        def guarded() -> T:
            with failures_in_words(f"the control store {self._path}"):
                return work()

        return guarded
