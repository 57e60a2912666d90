"""The control store on a PostgreSQL server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from wirewatch.brokers.binding import OtherLogError, other_log
from wirewatch.control.model import (
    AlertState,
    Channel,
    Claim,
    Delivery,
    NewDelivery,
    OutboxSummary,
    Outcome,
    Place,
    Positions,
)
from wirewatch.control.postgresql import outbox, standing
from wirewatch.control.postgresql.address import read_address
from wirewatch.control.postgresql.migrate import HAS_VERSION, READ_VERSION, is_current, migrate, require_current
from wirewatch.control.postgresql.outbox import Connection, readable
from wirewatch.control.postgresql.session import Session
from wirewatch.control.postgresql.taking_over import ControlFile, digest, is_empty, take_over
from wirewatch.errors import BrokenStorage, PassingFault, UserError

T = TypeVar("T")


class _Late(Exception):  # noqa: N818 - no error: it undoes the transaction
    """Deliveries that were to be superseded have been claimed meanwhile."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = ids


class PostgresqlControlStore:
    """See `ControlStore`. One connection; rows that two processes want are locked one by one on the server.

    A call whose answer was lost with the connection raises `PassingFault` and may have taken effect: doing it again
    changes nothing more. What `claim` gave then waits until its lease ends.
    """

    def __init__(self, url: str, *, environ: Mapping[str, str] = os.environ, longest_s: float = 30.0) -> None:
        """Connects nowhere yet. ``longest_s``: how long a call waits for a server that does not answer."""
        self._address = read_address(url, environ)
        self._where = f"the control store {self._address.shown}"
        self._longest_s = longest_s
        self._session: Session | None = None

    async def open(self, *, make: bool = True) -> None:
        """See `ControlStore`. Raises `UserError` in words where the server lets nobody in with this address."""
        if self._session is not None:
            return
        session = Session(self._address, self._where, longest_s=self._longest_s)
        try:
            await session.open()
            version = await session.run(_version)
            if not make:
                require_current(version, self._where)
            elif not is_current(version, self._where):
                await asyncio.to_thread(migrate, self._address, self._where)
        except BaseException:
            await session.close()
            raise
        self._session = session

    async def close(self) -> None:
        """See `ControlStore`."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def bind_log(self, log_id: str) -> None:
        """See `ControlStore`."""

        async def work(connection: Connection) -> str:
            await connection.execute("INSERT INTO about (one, log_id) VALUES (1, %s) ON CONFLICT DO NOTHING", (log_id,))
            return str(await standing.value(connection, "SELECT log_id FROM about"))

        bound = await self._run(work)
        if bound != log_id:
            raise UserError(other_log(self._where, bound, log_id))

    async def require_log(self, log_id: str) -> None:
        """See `ControlStore`."""
        bound = await self._run(lambda connection: standing.value(connection, "SELECT log_id FROM about"))
        if bound not in {None, log_id}:
            raise OtherLogError(other_log(self._where, str(bound), log_id))

    async def rebind_log(self, before: str, after: str, place: Place) -> bool:
        """See `ControlStore`."""

        async def work(connection: Connection) -> bool:
            await connection.execute("LOCK TABLE positions, about IN EXCLUSIVE MODE")
            bound = await standing.value(connection, "SELECT log_id FROM about")
            if bound == after:
                return False
            if bound not in {None, before}:
                raise UserError(other_log(self._where, str(bound), before))
            await standing.place_positions(connection, place)
            await connection.execute("DELETE FROM about")
            await connection.execute("INSERT INTO about (one, log_id) VALUES (1, %s)", (after,))
            return True

        return await self._run(work)

    async def take_over(self, path: Path, *, after: str | None = None) -> dict[str, int]:
        """Copy the control store in that file into this empty one; how many rows of each table, none where it was done.

        The file is only read. ``after``: the log that it is to follow its log to; a store that belongs to that one
        was taken over and has gone on. Raises `UserError` where this one holds anything else.
        """
        file = ControlFile(path)

        async def work(connection: Connection) -> dict[str, int]:
            await connection.execute("LOCK TABLE about IN EXCLUSIVE MODE")
            if await is_empty(connection):
                return await take_over(connection, file)
            bound = await standing.value(connection, "SELECT log_id FROM about")
            if (after is None or bound != after) and await digest(connection) != file.digest():
                raise UserError(
                    f"{self._where} holds something else than {path}: name an empty database, or empty this one "
                    "if it is from an earlier try"
                )
            return {}

        return await self._run(work)

    async def healthy(self) -> str | None:
        """See `ControlStore`."""
        try:
            await self._run(lambda connection: standing.value(connection, "SELECT count(*) FROM channels"))
        except (BrokenStorage, PassingFault) as error:
            return str(error)
        return None

    async def clock_ms(self) -> int | None:
        """See `ControlStore`."""
        sql = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
        return int(str(await self._run(lambda connection: standing.value(connection, sql))))

    async def channels(self) -> list[Channel]:
        """See `ControlStore`."""
        return await self._run(outbox.select_channels)

    async def put_channels(self, put: Sequence[Channel], remove: Sequence[str] = ()) -> None:
        """See `ControlStore`."""

        async def work(connection: Connection) -> None:
            await connection.cursor().executemany(
                f"INSERT INTO channels ({outbox.CHANNEL}) VALUES (%s, %s, %s, %s, %s, %s, %s)"  # noqa: S608 - own text
                " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, url = excluded.url, secret = excluded.secret,"
                " origin = excluded.origin, disabled = excluded.disabled, created = excluded.created",
                [msgspec.structs.astuple(channel) for channel in sorted(put, key=lambda channel: channel.id)],
            )
            await connection.execute("DELETE FROM channels WHERE id = ANY(%s)", (list(remove),))
            await outbox.bury(connection, remove)

        await self._run(work)

    async def set_disabled(self, channel_id: str, why: str | None) -> None:
        """See `ControlStore`."""

        async def work(connection: Connection) -> None:
            await connection.execute("UPDATE channels SET disabled = %s WHERE id = %s", (readable(why), channel_id))

        await self._run(work)

    async def position(self, sink: str, topic: str, partition: int) -> int | None:
        """See `ControlStore`."""
        found = await self._run(lambda connection: standing.position(connection, sink, topic, partition))
        assert found is None or isinstance(found, int)
        return found

    async def states_of(self, entry_ids: Sequence[str]) -> list[AlertState]:
        """See `ControlStore`."""
        return await self._run(lambda connection: standing.select_of(connection, entry_ids))

    async def alert_states(
        self,
        *,
        since_ms: int = 0,
        subscription_id: str | None = None,
        alert_id: str | None = None,
        limit: int = 100,
    ) -> list[AlertState]:
        """See `ControlStore`."""
        return await self._run(
            lambda connection: standing.select_changed(
                connection, since_ms=since_ms, subscription_id=subscription_id, alert_id=alert_id, limit=limit
            )
        )

    async def figure_maxima(self, feed_ids: Sequence[str]) -> dict[str, dict[str, float]]:
        """See `ControlStore`."""
        return await self._run(lambda connection: standing.select_maxima(connection, feed_ids))

    async def commit_match(
        self,
        sink: str,
        states: Sequence[AlertState],
        maxima: Mapping[str, Mapping[str, float]],
        positions: Positions,
    ) -> None:
        """See `ControlStore`."""

        async def work(connection: Connection) -> None:
            await standing.move_positions(connection, sink, positions)
            await standing.put_states(connection, states)
            await standing.put_maxima(connection, maxima)

        await self._run(work)

    async def deliveries_of(self, alert_ids: Sequence[str]) -> list[Delivery]:
        """See `ControlStore`."""
        return await self._run(lambda connection: outbox.select_deliveries(connection, alert_ids))

    async def commit_notify(
        self,
        sink: str,
        new: Sequence[NewDelivery],
        superseded: Sequence[str],
        positions: Positions,
    ) -> list[str]:
        """See `ControlStore`."""

        async def work(connection: Connection) -> list[str]:
            await standing.move_positions(connection, sink, positions)
            late = await outbox.supersede(connection, superseded)
            if late:
                raise _Late(late)
            await outbox.insert(connection, new)
            return []

        try:
            return await self._run(work)
        except _Late as late:
            return late.ids

    async def claim(self, *, holder: str, now_ms: int, lease_ms: int, room: Mapping[str, int]) -> list[Claim]:
        """See `ControlStore`."""
        return await self._run(
            lambda connection: outbox.claim(connection, holder=holder, now_ms=now_ms, lease_ms=lease_ms, room=room)
        )

    async def record_outcomes(self, holder: str, outcomes: Sequence[Outcome]) -> None:
        """See `ControlStore`."""
        if outcomes:
            await self._run(lambda connection: outbox.record(connection, holder, outcomes))

    async def release_leases(self, holder: str, *, due_by_ms: int | None = None) -> int:
        """See `ControlStore`."""
        return await self._run(lambda connection: outbox.release(connection, holder, due_by_ms))

    async def expire(self, *, channel_id: str, before_ms: int, at_ms: int, error: str) -> int:
        """See `ControlStore`."""
        return await self._run(lambda connection: outbox.expire(connection, channel_id, before_ms, at_ms, error))

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
        return await self._run(
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
        return await self._run(outbox.waiting)

    async def prune(self, *, before_ms: int, limit: int = 2_000) -> int:
        """See `ControlStore`."""
        return await self._run(lambda connection: outbox.prune(connection, before_ms, limit))

    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        if self._session is None:
            raise RuntimeError("the control store is not open")
        return await self._session.run(work)


async def _version(connection: Connection) -> str | None:
    if not await standing.value(connection, HAS_VERSION):
        return None
    return str(await standing.value(connection, READ_VERSION))
