"""Alerts' states, figures' maxima and positions in PostgreSQL's SQL, inside a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

import msgspec

from wirewatch.control.model import AlertState, Place, Positions, moved_positions
from wirewatch.control.postgresql.outbox import Connection
from wirewatch.errors import NotOurs
from wirewatch.events import ToldBefore

_STANDS: Final[LiteralString] = "subscription_id, entry_id, alert_id, seq, state, told_before, revision, updated_ms"
_STATE: Final[LiteralString] = f"{_STANDS}, alert"
_TOLD: Final = msgspec.json.Decoder(ToldBefore)


async def value(connection: Connection, sql: LiteralString, values: Sequence[object] = ()) -> object:
    """The first column of the first row; None where there is none."""
    row = await (await connection.execute(sql, values)).fetchone()
    return None if row is None else row[0]


async def select_of(connection: Connection, entry_ids: Sequence[str]) -> list[AlertState]:
    """The states of every alert on these entries, without the last alert itself."""
    sql: LiteralString = f"SELECT {_STANDS}, NULL FROM alert_states WHERE entry_id = ANY(%s)"  # noqa: S608 - own text
    return await _states(connection, sql, (list(entry_ids),))


async def select_changed(
    connection: Connection, *, since_ms: int, subscription_id: str | None, alert_id: str | None, limit: int
) -> list[AlertState]:
    """States changed since then, newest first, with their last alert."""
    sql: LiteralString = (
        f"SELECT {_STATE} FROM alert_states WHERE updated_ms >= %(since)s"  # noqa: S608 - own text
        " AND (%(subscription)s::text IS NULL OR subscription_id = %(subscription)s)"
        " AND (%(alert)s::text IS NULL OR alert_id = %(alert)s)"
        ' ORDER BY updated_ms DESC, alert_id COLLATE "C" LIMIT %(limit)s'
    )
    values = {"since": since_ms, "subscription": subscription_id, "alert": alert_id, "limit": limit}
    return await _states(connection, sql, values)


async def select_maxima(connection: Connection, feed_ids: Sequence[str]) -> dict[str, dict[str, float]]:
    """By feed: the highest value it has given for each kind of figure."""
    rows = await connection.execute(
        "SELECT feed_id, kind, value FROM figure_maxima WHERE feed_id = ANY(%s)", (list(feed_ids),)
    )
    found: dict[str, dict[str, float]] = {}
    for feed_id, kind, value in await rows.fetchall():
        found.setdefault(str(feed_id), {})[str(kind)] = float(value)
    return found


async def put_states(connection: Connection, states: Sequence[AlertState]) -> None:
    """Record states, each in the place of the one before."""
    rows = []
    for state in sorted(states, key=lambda one: (one.entry_id, one.subscription_id)):
        told = None if state.told_before is None else msgspec.json.encode(state.told_before)
        values = msgspec.structs.astuple(state)
        rows.append((*values[:5], told, *values[6:]))
    await connection.cursor().executemany(
        f"INSERT INTO alert_states ({_STATE}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"  # noqa: S608 - own text
        " ON CONFLICT (entry_id, subscription_id) DO UPDATE SET alert_id = excluded.alert_id, seq = excluded.seq,"
        " state = excluded.state, told_before = excluded.told_before, revision = excluded.revision,"
        " updated_ms = excluded.updated_ms, alert = excluded.alert",
        rows,
    )


async def put_maxima(connection: Connection, maxima: Mapping[str, Mapping[str, float]]) -> None:
    """Record figures' maxima."""
    await connection.cursor().executemany(
        "INSERT INTO figure_maxima (feed_id, kind, value) VALUES (%s, %s, %s)"
        " ON CONFLICT (feed_id, kind) DO UPDATE SET value = excluded.value",
        sorted((feed_id, kind, value) for feed_id, kinds in maxima.items() for kind, value in kinds.items()),
    )


async def position(connection: Connection, sink: str, topic: str, partition: int) -> object:
    """The offset that the sink reads next, if it recorded one."""
    sql: LiteralString = "SELECT next_offset FROM positions WHERE sink = %s AND topic = %s AND partition = %s"
    return await value(connection, sql, (sink, topic, partition))


async def move_positions(connection: Connection, sink: str, positions: Positions) -> None:
    """Move them where they stand as was seen; the row stays locked, so that of two movers one does."""
    for (topic, partition), move in sorted(positions.items()):
        place = (sink, topic, partition)
        if move.seen is None:
            done = await connection.execute(
                "INSERT INTO positions (next_offset, sink, topic, partition) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (move.to, *place),
            )
        else:
            done = await connection.execute(
                "UPDATE positions SET next_offset = %s"
                " WHERE sink = %s AND topic = %s AND partition = %s AND next_offset = %s",
                (move.to, *place, move.seen),
            )
        if not done.rowcount:
            raise NotOurs(move.refusal(sink, topic, partition, await position(connection, *place)))


async def place_positions(connection: Connection, place: Place) -> None:
    """Put every position where the copy of its log has it."""
    rows = await connection.execute("SELECT sink, topic, next_offset FROM positions")
    moved = moved_positions(await rows.fetchall(), place)
    await connection.execute("DELETE FROM positions")
    await connection.cursor().executemany(
        "INSERT INTO positions (sink, topic, partition, next_offset) VALUES (%s, %s, %s, %s)", moved
    )


async def _states(connection: Connection, sql: LiteralString, values: Any) -> list[AlertState]:
    return [_state_of(row) for row in await (await connection.execute(sql, values)).fetchall()]


def _state_of(row: Sequence[Any]) -> AlertState:
    told = None if row[5] is None else _TOLD.decode(row[5])
    return AlertState(*(*row[:5], told, *row[6:]))
