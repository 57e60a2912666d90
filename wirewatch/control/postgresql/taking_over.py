"""Taking over what a control store in a file holds: all of it in one transaction, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, LiteralString

import apsw
from psycopg import sql

from wirewatch.control.postgresql.outbox import Connection, readable

TABLES: Final[dict[LiteralString, tuple[LiteralString, ...]]] = {
    "channels": ("id", "kind", "url", "secret", "origin", "disabled", "created"),
    "alert_states": (
        *("entry_id", "subscription_id", "alert_id", "seq", "state", "told_before", "revision", "updated_ms", "alert"),
    ),
    "figure_maxima": ("feed_id", "kind", "value"),
    "outbox": (
        *("delivery_id", "alert_id", "seq", "channel_id", "payload", "status", "tries", "next_try_ms"),
        *("first_try_ms", "retry_since_ms", "error", "unsure", "leased_until_ms", "leased_by", "created_ms", "done_ms"),
    ),
    "positions": ("sink", "topic", "partition", "next_offset"),
    "about": ("one", "log_id"),
}
"""Every table with its columns, the same in the file as on the server."""
_TRUTHS: Final = frozenset({"unsure"})
# what changes with every kind of work: two stores that agree in these hold the same
_DIGESTS: Final[tuple[LiteralString, ...]] = (
    "SELECT sink, topic, partition, next_offset FROM positions",
    "SELECT status, count(*), sum(tries), sum(seq) FROM outbox GROUP BY status",
    "SELECT count(*), sum(seq), sum(updated_ms) FROM alert_states",
    "SELECT id, kind, url, secret, disabled FROM channels",
)


class ControlFile:
    """A control store in a file, for reading. Blocks: for a command that does nothing else meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def rows(self, table: str) -> Iterator[list[Any]]:
        """Every row as it goes to the server."""
        columns = TABLES[table]
        with closing(self._open()) as connection:
            for row in connection.execute(f"SELECT {', '.join(columns)} FROM {table}"):  # noqa: S608 - own names
                yield [_value(name, value) for name, value in zip(columns, row, strict=True)]

    def digest(self) -> list[list[tuple[str, ...]]]:
        """What tells whether another store holds the same."""
        with closing(self._open()) as connection:
            return [sorted(_plain(row) for row in connection.execute(statement)) for statement in _DIGESTS]

    def _open(self) -> apsw.Connection:
        return apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)


async def digest(connection: Connection) -> list[list[tuple[str, ...]]]:
    """The same of the store on the server."""
    return [sorted(_plain(row) for row in await (await connection.execute(one)).fetchall()) for one in _DIGESTS]


async def is_empty(connection: Connection) -> bool:
    """Whether the store on the server holds nothing yet."""
    for table in TABLES:
        found = await connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table)))
        if await found.fetchone() is not None:
            return False
    return True


async def take_over(connection: Connection, file: ControlFile) -> dict[str, int]:
    """Copy every table of the file; how many rows each had."""
    await connection.execute("SET LOCAL statement_timeout = 0")
    counts = {}
    for table, columns in TABLES.items():
        into = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        counts[str(table)] = 0
        async with connection.cursor() as cursor, cursor.copy(into) as copy:
            for row in file.rows(table):
                await copy.write_row(row)
                counts[str(table)] += 1
    return counts


def _value(column: str, value: Any) -> Any:
    if column in _TRUTHS:
        return bool(value)
    return readable(value) if isinstance(value, str) else value


def _plain(row: Sequence[Any]) -> tuple[str, ...]:
    """A row that compares alike from both: the server's sums are decimals, and it keeps no NUL."""
    return tuple("" if value is None else str(readable(value) if isinstance(value, str) else value) for value in row)
