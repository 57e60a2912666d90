"""Alerts' states, figures' maxima and positions in SQLite's SQL, inside a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import apsw
import msgspec

from wirewatch.control.model import AlertState, Place, Positions, moved_positions
from wirewatch.control.sqlite.outbox import json_list
from wirewatch.errors import NotOurs
from wirewatch.events import ToldBefore

_STANDS: Final = "subscription_id, entry_id, alert_id, seq, state, told_before, revision, updated_ms"
_STATE: Final = f"{_STANDS}, alert"
_TOLD: Final = msgspec.json.Decoder(ToldBefore)


def select_of(connection: apsw.Connection, entry_ids: Sequence[str]) -> list[AlertState]:
    """The states of every alert on these entries, without the last alert itself."""
    sql = f"SELECT {_STANDS}, NULL FROM alert_states WHERE entry_id IN (SELECT value FROM json_each(?))"  # noqa: S608 - own text
    return [_state_of(row) for row in connection.execute(sql, (json_list(entry_ids),))]


def select_changed(
    connection: apsw.Connection, *, since_ms: int, subscription_id: str | None, alert_id: str | None, limit: int
) -> list[AlertState]:
    """States changed since then, newest first, with their last alert."""
    sql = (
        f"SELECT {_STATE} FROM alert_states WHERE updated_ms >= :since"  # noqa: S608 - built of our own text
        " AND (:subscription IS NULL OR subscription_id = :subscription) AND (:alert IS NULL OR alert_id = :alert)"
        " ORDER BY updated_ms DESC, alert_id LIMIT :limit"
    )
    values = {"since": since_ms, "subscription": subscription_id, "alert": alert_id, "limit": limit}
    return [_state_of(row) for row in connection.execute(sql, values)]


def select_maxima(connection: apsw.Connection, feed_ids: Sequence[str]) -> dict[str, dict[str, float]]:
    """By feed: the highest value it has given for each kind of figure."""
    sql = "SELECT feed_id, kind, value FROM figure_maxima WHERE feed_id IN (SELECT value FROM json_each(?))"
    found: dict[str, dict[str, float]] = {}
    for feed_id, kind, value in connection.execute(sql, (json_list(feed_ids),)):
        found.setdefault(str(feed_id), {})[str(kind)] = float(value)
    return found


def put_states(connection: apsw.Connection, states: Sequence[AlertState]) -> None:
    """Record states, each in the place of the one before."""
    rows = []
    for state in states:
        told = None if state.told_before is None else msgspec.json.encode(state.told_before)
        values = msgspec.structs.astuple(state)
        rows.append((*values[:5], told, *values[6:]))
    connection.executemany(
        f"INSERT OR REPLACE INTO alert_states ({_STATE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - own text
        rows,
    )


def put_maxima(connection: apsw.Connection, maxima: Mapping[str, Mapping[str, float]]) -> None:
    """Record figures' maxima."""
    connection.executemany(
        "INSERT OR REPLACE INTO figure_maxima (feed_id, kind, value) VALUES (?, ?, ?)",
        [(feed_id, kind, value) for feed_id, kinds in maxima.items() for kind, value in kinds.items()],
    )


def position(connection: apsw.Connection, sink: str, topic: str, partition: int) -> int | None:
    """The offset that the sink reads next, if it recorded one."""
    sql = "SELECT next_offset FROM positions WHERE sink = ? AND topic = ? AND partition = ?"
    found = connection.execute(sql, (sink, topic, partition)).get
    assert found is None or isinstance(found, int)
    return found


def move_positions(connection: apsw.Connection, sink: str, positions: Positions) -> None:
    """Move them where they stand as was seen; `NotOurs` where one stands elsewhere."""
    for (topic, partition), move in positions.items():
        stored = position(connection, sink, topic, partition)
        if stored != move.seen:
            raise NotOurs(move.refusal(sink, topic, partition, stored))
        connection.execute(
            "INSERT OR REPLACE INTO positions (sink, topic, partition, next_offset) VALUES (?, ?, ?, ?)",
            (sink, topic, partition, move.to),
        )


def place_positions(connection: apsw.Connection, place: Place) -> None:
    """Put every position where the copy of its log has it."""
    moved = moved_positions(list(connection.execute("SELECT sink, topic, next_offset FROM positions")), place)
    connection.execute("DELETE FROM positions")
    connection.executemany("INSERT INTO positions (sink, topic, partition, next_offset) VALUES (?, ?, ?, ?)", moved)


def _state_of(row: Sequence[Any]) -> AlertState:
    told = None if row[5] is None else _TOLD.decode(row[5])
    return AlertState(*(*row[:5], told, *row[6:]))
