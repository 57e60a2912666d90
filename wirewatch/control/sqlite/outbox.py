"""The outbox in SQL. Each function runs inside a transaction of its caller's, in the store's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import apsw
import msgspec

from wirewatch.control.model import Channel, Claim, Delivery, NewDelivery, OutboxSummary, Outcome

_COLUMNS: Final = (
    "o.delivery_id, o.alert_id, o.seq, o.channel_id, o.payload, o.status, o.tries, o.next_try_ms, o.first_try_ms,"
    " o.retry_since_ms, o.error, o.unsure, o.leased_until_ms > 0, o.created_ms, o.done_ms"
)
_DUE: Final = f"""
    SELECT {_COLUMNS} FROM outbox o
    WHERE o.channel_id = :channel AND o.status = 'pending' AND o.next_try_ms <= :now AND o.leased_until_ms <= :now
      AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.alert_id = o.alert_id AND e.channel_id = o.channel_id
                      AND e.seq < o.seq AND e.status = 'pending')
    ORDER BY o.next_try_ms, o.created_ms, o.seq LIMIT :room
"""  # noqa: S608 - built of this module's own text


def json_list(values: Sequence[str]) -> str:
    """Values for ``json_each(?)``: any number of them as one parameter."""
    return msgspec.json.encode(list(values)).decode()


def delivery_of(row: Sequence[Any]) -> Delivery:
    """A row of `_COLUMNS` as a delivery."""
    return Delivery(*(*row[:11], bool(row[11]), bool(row[12]), *row[13:]))


def select_channels(connection: apsw.Connection) -> list[Channel]:
    """All channels, by id."""
    rows = connection.execute("SELECT id, kind, url, secret, origin, disabled, created FROM channels ORDER BY id")
    return [Channel(*row) for row in rows]


def select_deliveries(connection: apsw.Connection, alert_ids: Sequence[str]) -> list[Delivery]:
    """The deliveries of these alerts, by alert, channel and seq."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM outbox o WHERE o.alert_id IN (SELECT value FROM json_each(?))"  # noqa: S608 - as above
        " ORDER BY o.alert_id, o.channel_id, o.seq",
        (json_list(alert_ids),),
    )
    return [delivery_of(row) for row in rows]


def insert(connection: apsw.Connection, new: Sequence[NewDelivery]) -> None:
    """Record deliveries; one that is there stays as it is."""
    connection.executemany(
        "INSERT INTO outbox (delivery_id, alert_id, seq, channel_id, payload, status, next_try_ms, retry_since_ms,"
        " error, created_ms, done_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
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
                row.error,
                row.created_ms,
                None if row.status == "pending" else row.created_ms,
            )
            for row in new
        ],
    )


def supersede(connection: apsw.Connection, delivery_ids: Sequence[str]) -> list[str]:
    """Mark as not to be sent what surely was not; the ids that could not be."""
    late = []
    for delivery_id in delivery_ids:
        connection.execute(
            "UPDATE outbox SET status = 'superseded', error = 'undone before it was sent', done_ms = created_ms"
            " WHERE delivery_id = ? AND status = 'pending' AND unsure = 0 AND leased_until_ms = 0",
            (delivery_id,),
        )
        if not connection.changes():
            late.append(delivery_id)
    return late


def due(connection: apsw.Connection, now_ms: int, room: Mapping[str, int]) -> list[Claim]:
    """What may be tried now; changes nothing."""
    claims: list[Claim] = []
    for channel in select_channels(connection):
        free = room.get(channel.id, 0)
        if channel.disabled is None and free > 0:
            rows = connection.execute(_DUE, {"channel": channel.id, "now": now_ms, "room": free})
            claims.extend(Claim(delivery_of(row), channel) for row in rows)
    return claims


def lease(connection: apsw.Connection, claims: Sequence[Claim], holder: str, now_ms: int, lease_ms: int) -> None:
    """Count the try and keep others off, before anything is sent: what was sent and not recorded is then known."""
    connection.executemany(
        "UPDATE outbox SET tries = tries + 1, first_try_ms = coalesce(first_try_ms, ?), leased_until_ms = ?,"
        " leased_by = ?, unsure = unsure | (leased_until_ms > 0) WHERE delivery_id = ?",
        [(now_ms, now_ms + lease_ms, holder, claim.delivery.delivery_id) for claim in claims],
    )


def record(connection: apsw.Connection, holder: str, outcomes: Sequence[Outcome]) -> None:
    """Record what came of tries. A success counts even where it was given up, or given to another, meanwhile."""
    connection.executemany(
        "UPDATE outbox SET status = ?, next_try_ms = max(?, 0), error = ?, unsure = unsure | ?, leased_until_ms = 0,"
        " done_ms = ? WHERE delivery_id = ? AND ((status = 'pending' AND leased_by = ?) OR ? = 'delivered')",
        [
            (
                outcome.status,
                outcome.next_try_ms,
                outcome.error,
                int(outcome.unsure),
                None if outcome.status == "pending" else outcome.at_ms,
                outcome.delivery_id,
                holder,
                outcome.status,
            )
            for outcome in outcomes
        ],
    )


def release(connection: apsw.Connection, holder: str, due_by_ms: int | None) -> int:
    """Give that holder's leases back, and let nothing wait beyond that time; how many leases there were."""
    connection.execute(
        # leases of a version that wrote no holder are of this machine's one deliverer
        "UPDATE outbox SET leased_until_ms = 0, unsure = 1 WHERE leased_until_ms > 0 AND leased_by IN (?, '')",
        (holder,),
    )
    released = connection.changes()
    if due_by_ms is not None:
        connection.execute(
            "UPDATE outbox SET next_try_ms = :at WHERE status = 'pending' AND next_try_ms > :at", {"at": due_by_ms}
        )
    return released


def expire(connection: apsw.Connection, channel_id: str, before_ms: int, at_ms: int, error: str) -> int:
    """Dead-letter what waits for a channel since before then."""
    connection.execute(
        "UPDATE outbox SET status = 'dead', error = ?, done_ms = ? WHERE channel_id = ? AND status = 'pending'"
        " AND leased_until_ms = 0 AND retry_since_ms < ?",
        (error, at_ms, channel_id, before_ms),
    )
    return connection.changes()


def resend(
    connection: apsw.Connection,
    *,
    at_ms: int,
    since_ms: int,
    channel_id: str | None,
    alert_id: str | None,
    dead_only: bool,
) -> int:
    """Make deliveries that ended due again; the receiver may have had them, so they can not be superseded."""
    connection.execute(
        "UPDATE outbox SET status = 'pending', tries = 0, next_try_ms = 0, first_try_ms = NULL, error = NULL,"
        " done_ms = NULL, retry_since_ms = :at, unsure = unsure | (status = 'delivered')"
        " WHERE created_ms >= :since AND (status = 'dead' OR (status = 'delivered' AND NOT :dead_only))"
        " AND (:channel IS NULL OR channel_id = :channel) AND (:alert IS NULL OR alert_id = :alert)",
        {"at": at_ms, "since": since_ms, "channel": channel_id, "alert": alert_id, "dead_only": int(dead_only)},
    )
    return connection.changes()


def waiting(connection: apsw.Connection) -> dict[str, OutboxSummary]:
    """By channel: how much waits, the oldest, and the next that is not in flight."""
    rows = connection.execute(
        "SELECT channel_id, count(*), min(created_ms), min(next_try_ms) FILTER (WHERE leased_until_ms = 0)"
        " FROM outbox WHERE status = 'pending' GROUP BY channel_id"
    )
    return {channel: OutboxSummary(count, oldest, next_try) for channel, count, oldest, next_try in rows}


def prune(connection: apsw.Connection, before_ms: int, limit: int) -> int:
    """Forget deliveries that ended and alerts' texts, the oldest first."""
    connection.execute(
        "DELETE FROM outbox WHERE delivery_id IN (SELECT delivery_id FROM outbox WHERE created_ms < ?"
        " AND status <> 'pending' ORDER BY created_ms LIMIT ?)",
        (before_ms, limit),
    )
    gone = connection.changes()
    connection.execute(
        "UPDATE alert_states SET alert = NULL WHERE alert_id IN (SELECT alert_id FROM alert_states"
        " WHERE updated_ms < ? AND alert IS NOT NULL ORDER BY updated_ms LIMIT ?)",
        (before_ms, limit),
    )
    return gone + connection.changes()
