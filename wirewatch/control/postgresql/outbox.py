"""The outbox in PostgreSQL's SQL. Each function runs inside a transaction of its caller's.

Rows are locked one by one, and what another process has locked is passed over where anything else would do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString, TypeAlias

from psycopg import AsyncConnection

from wirewatch.control.model import Channel, Claim, Delivery, NewDelivery, OutboxSummary, Outcome

Connection: TypeAlias = AsyncConnection[Any]
CHANNEL: Final[LiteralString] = "id, kind, url, secret, origin, disabled, created"
_COLUMNS: Final[LiteralString] = (
    "o.delivery_id, o.alert_id, o.seq, o.channel_id, o.payload, o.status, o.tries, o.next_try_ms, o.first_try_ms,"
    " o.retry_since_ms, o.error, o.unsure, o.leased_until_ms > 0, o.created_ms, o.done_ms"
)
_DUE: Final[LiteralString] = f"""
    SELECT {_COLUMNS} FROM outbox o
    WHERE o.channel_id = %(channel)s AND o.status = 'pending' AND o.next_try_ms <= %(now)s
      AND o.leased_until_ms <= %(now)s
      AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.alert_id = o.alert_id AND e.channel_id = o.channel_id
                      AND e.seq < o.seq AND e.status = 'pending')
    ORDER BY o.next_try_ms, o.created_ms, o.seq LIMIT %(room)s FOR UPDATE OF o SKIP LOCKED
"""  # noqa: S608 - built of this module's own text


def readable(text: str | None) -> str | None:
    """Text that PostgreSQL keeps: it has no NUL, which a receiver's answer may hold."""
    return None if text is None else text.replace("\x00", "�")


async def select_channels(connection: Connection) -> list[Channel]:
    """All channels, by id."""
    rows = await connection.execute(f'SELECT {CHANNEL} FROM channels ORDER BY id COLLATE "C"')  # noqa: S608 - own text
    return [Channel(*row) for row in await rows.fetchall()]


async def select_deliveries(connection: Connection, alert_ids: Sequence[str]) -> list[Delivery]:
    """The deliveries of these alerts, by alert, channel and seq."""
    rows = await connection.execute(
        f"SELECT {_COLUMNS} FROM outbox o WHERE o.alert_id = ANY(%s)"  # noqa: S608 - own text
        ' ORDER BY o.alert_id COLLATE "C", o.channel_id COLLATE "C", o.seq',
        (list(alert_ids),),
    )
    return [Delivery(*row) for row in await rows.fetchall()]


async def insert(connection: Connection, new: Sequence[NewDelivery]) -> None:
    """Record deliveries; one that is there stays as it is."""
    await connection.cursor().executemany(
        "INSERT INTO outbox (delivery_id, alert_id, seq, channel_id, payload, status, next_try_ms, retry_since_ms,"
        " error, created_ms, done_ms) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [
            (
                row.delivery_id,
                row.alert_id,
                row.seq,
                row.channel_id,
                row.payload,
                row.status,
                row.created_ms,
                row.created_ms,
                readable(row.error),
                row.created_ms,
                None if row.status == "pending" else row.created_ms,
            )
            for row in sorted(new, key=lambda row: row.delivery_id)
        ],
    )


async def supersede(connection: Connection, delivery_ids: Sequence[str]) -> list[str]:
    """Mark as not to be sent what surely was not; the ids that could not be."""
    rows = await connection.execute(
        "UPDATE outbox SET status = 'superseded', error = 'undone before it was sent', done_ms = created_ms"
        " WHERE delivery_id = ANY(%s) AND status = 'pending' AND NOT unsure AND leased_until_ms = 0"
        " RETURNING delivery_id",
        (list(delivery_ids),),
    )
    done = {row[0] for row in await rows.fetchall()}
    return [delivery_id for delivery_id in delivery_ids if delivery_id not in done]


async def claim(
    connection: Connection, *, holder: str, now_ms: int, lease_ms: int, room: Mapping[str, int]
) -> list[Claim]:
    """Take what may be tried now and nobody else is taking; count the try and keep others off."""
    claims: list[Claim] = []
    for channel in await select_channels(connection):
        free = room.get(channel.id, 0)
        if channel.disabled is None and free > 0:
            rows = await connection.execute(_DUE, {"channel": channel.id, "now": now_ms, "room": free})
            claims.extend(Claim(Delivery(*row), channel) for row in await rows.fetchall())
    if claims:
        await connection.execute(
            "UPDATE outbox SET tries = tries + 1, first_try_ms = coalesce(first_try_ms, %(now)s),"
            " leased_until_ms = %(until)s, leased_by = %(holder)s, unsure = unsure OR leased_until_ms > 0"
            " WHERE delivery_id = ANY(%(ids)s)",
            {
                "now": now_ms,
                "until": now_ms + lease_ms,
                "holder": holder,
                "ids": [one.delivery.delivery_id for one in claims],
            },
        )
    return claims


async def record(connection: Connection, holder: str, outcomes: Sequence[Outcome]) -> None:
    """Record what came of tries. A success counts even where it was given up, or given to another, meanwhile."""
    await connection.cursor().executemany(
        "UPDATE outbox SET status = %(status)s, next_try_ms = greatest(%(next)s, 0), error = %(error)s,"
        " unsure = unsure OR %(unsure)s, leased_until_ms = 0, done_ms = %(done)s"
        " WHERE delivery_id = %(id)s AND ((status = 'pending' AND leased_by = %(holder)s) OR %(status)s = 'delivered')",
        [
            {
                "status": outcome.status,
                "next": outcome.next_try_ms,
                "error": readable(outcome.error),
                "unsure": outcome.unsure,
                "done": None if outcome.status == "pending" else outcome.at_ms,
                "id": outcome.delivery_id,
                "holder": holder,
            }
            for outcome in sorted(outcomes, key=lambda outcome: outcome.delivery_id)
        ],
    )


async def release(connection: Connection, holder: str, due_by_ms: int | None) -> int:
    """Give that holder's leases back, and let nothing wait beyond that time; how many leases there were."""
    released = await connection.execute(
        "UPDATE outbox SET leased_until_ms = 0, unsure = true WHERE leased_until_ms > 0 AND leased_by = %s", (holder,)
    )
    if due_by_ms is not None:
        await connection.execute(
            "UPDATE outbox SET next_try_ms = %(at)s WHERE status = 'pending' AND next_try_ms > %(at)s",
            {"at": due_by_ms},
        )
    return released.rowcount


async def expire(connection: Connection, channel_id: str, before_ms: int, at_ms: int, error: str) -> int:
    """Dead-letter what waits for a channel since before then."""
    done = await connection.execute(
        "UPDATE outbox SET status = 'dead', error = %s, done_ms = %s WHERE channel_id = %s AND status = 'pending'"
        " AND leased_until_ms = 0 AND retry_since_ms < %s",
        (readable(error), at_ms, channel_id, before_ms),
    )
    return done.rowcount


async def bury(connection: Connection, channel_ids: Sequence[str]) -> None:
    """Dead-letter what waits for channels that were removed."""
    await connection.execute(
        "UPDATE outbox SET status = 'dead', error = 'the channel was removed', done_ms = created_ms"
        " WHERE channel_id = ANY(%s) AND status = 'pending'",
        (list(channel_ids),),
    )


async def resend(
    connection: Connection,
    *,
    at_ms: int,
    since_ms: int,
    channel_id: str | None,
    alert_id: str | None,
    dead_only: bool,
) -> int:
    """Make deliveries that ended due again; the receiver may have had them, so they can not be superseded."""
    done = await connection.execute(
        "UPDATE outbox SET status = 'pending', tries = 0, next_try_ms = 0, first_try_ms = NULL, error = NULL,"
        " done_ms = NULL, retry_since_ms = %(at)s, unsure = unsure OR status = 'delivered'"
        " WHERE created_ms >= %(since)s AND (status = 'dead' OR (status = 'delivered' AND NOT %(dead_only)s))"
        " AND (%(channel)s::text IS NULL OR channel_id = %(channel)s)"
        " AND (%(alert)s::text IS NULL OR alert_id = %(alert)s)",
        {"at": at_ms, "since": since_ms, "channel": channel_id, "alert": alert_id, "dead_only": dead_only},
    )
    return done.rowcount


async def waiting(connection: Connection) -> dict[str, OutboxSummary]:
    """By channel: how much waits, the oldest, and the next that is not in flight."""
    rows = await connection.execute(
        "SELECT channel_id, count(*), min(created_ms), min(next_try_ms) FILTER (WHERE leased_until_ms = 0)"
        " FROM outbox WHERE status = 'pending' GROUP BY channel_id"
    )
    return {
        channel: OutboxSummary(count, oldest, next_try) for channel, count, oldest, next_try in await rows.fetchall()
    }


async def prune(connection: Connection, before_ms: int, limit: int) -> int:
    """Forget deliveries that ended and alerts' texts, the oldest first."""
    deleted = await connection.execute(
        "DELETE FROM outbox WHERE delivery_id IN (SELECT delivery_id FROM outbox WHERE created_ms < %s"
        " AND status <> 'pending' ORDER BY created_ms LIMIT %s FOR UPDATE SKIP LOCKED)",
        (before_ms, limit),
    )
    aged = await connection.execute(
        "UPDATE alert_states SET alert = NULL WHERE alert_id IN (SELECT alert_id FROM alert_states"
        " WHERE updated_ms < %s AND alert IS NOT NULL ORDER BY updated_ms LIMIT %s FOR UPDATE SKIP LOCKED)",
        (before_ms, limit),
    )
    return deleted.rowcount + aged.rowcount
