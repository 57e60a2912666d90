"""The store: one SQLite file, its tables, its version and the way forward from an older one.

A record's rowid is ``topic id << 40 | offset``: a topic's records lie together, in order, and its ends are
one seek away. `clock` holds, at most once a second, the record that first reached that time, so that a
time is found without an index on every record. `latest` names the newest record of each key of the
compacted topics. `about` holds the name of this log, which no other has.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import apsw

from wirewatch.errors import BrokenStorage, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from wirewatch.topics import Topic

FILE_NAME: Final = "log.db"
APPLICATION_ID: Final = 0x77776C67  # "wwlg": told apart from other SQLite files
OFFSET_BITS: Final = 40
BUSY_MS: Final = 10_000
_WRITING: Final[tuple[tuple[str, str | int], ...]] = (
    ("journal_mode", "WAL"),
    ("synchronous", "FULL"),
    ("wal_autocheckpoint", 2_000),
    ("journal_size_limit", 64 << 20),
    ("cache_size", -16_000),
)
_READING: Final[tuple[tuple[str, str | int], ...]] = (("query_only", 1), ("cache_size", -8_000))

_FIRST: Final = """
CREATE TABLE topics(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, compacted INTEGER NOT NULL, retention_ms INTEGER,
    max_message_bytes INTEGER NOT NULL, next_offset INTEGER NOT NULL, bytes INTEGER NOT NULL,
    clock_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE records(
    id INTEGER PRIMARY KEY, timestamp_ms INTEGER NOT NULL, key TEXT NOT NULL, headers BLOB NOT NULL,
    raw_size INTEGER, value BLOB
) STRICT;
CREATE TABLE clock(
    topic INTEGER NOT NULL, timestamp_ms INTEGER NOT NULL, offset INTEGER NOT NULL,
    PRIMARY KEY(topic, timestamp_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE latest(
    topic INTEGER NOT NULL, key TEXT NOT NULL, offset INTEGER NOT NULL, tombstone_ms INTEGER,
    PRIMARY KEY(topic, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones ON latest(tombstone_ms) WHERE tombstone_ms IS NOT NULL;
CREATE TABLE committed(
    consumer_group TEXT NOT NULL, topic INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    PRIMARY KEY(consumer_group, topic)
) STRICT, WITHOUT ROWID;
CREATE TABLE states(
    id INTEGER PRIMARY KEY, stage TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL,
    raw_size INTEGER, value BLOB NOT NULL, UNIQUE(stage, key)
) STRICT;
CREATE TABLE about(log_id TEXT NOT NULL) STRICT;
INSERT INTO about VALUES(lower(hex(randomblob(12))));
"""

MIGRATIONS: Final[tuple[str, ...]] = (_FIRST,)
"""Each script leads from the version of its place to the next; the first makes an empty store."""


def open_connection(folder: Path, *, write: bool) -> apsw.Connection:
    """A connection to the folder's store. A writing one makes the file where there is none."""
    path = folder / FILE_NAME
    writing = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    flags = writing if write else apsw.SQLITE_OPEN_READONLY
    conn = apsw.Connection(str(path), flags=flags)
    conn.set_busy_timeout(BUSY_MS)
    if write and conn.pragma("page_count") == 0:
        # both must be said before the first table; what is freed later can then be given back in steps
        conn.pragma("auto_vacuum", 2)
        conn.pragma("application_id", APPLICATION_ID)
    # one by one: of a script, what follows a pragma that answers would wait for its answer to be read
    for name, value in _WRITING if write else _READING:
        conn.pragma(name, value)
    return conn


@contextmanager
def transaction(conn: apsw.Connection) -> Iterator[None]:
    """All or nothing; takes the write lock at once. For every store of ours."""
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:  # SQLite may have rolled back by itself already
            conn.execute("ROLLBACK")
        raise


def version_of(conn: apsw.Connection) -> int:
    """The store's version; 0 where it is empty."""
    return int(conn.pragma("user_version"))


def check_version(conn: apsw.Connection, folder: Path, migrations: Sequence[str] = MIGRATIONS) -> int:
    """The store's version. Raises `BrokenStorage` where it is newer than this program, or no log at all."""
    version = version_of(conn)
    if conn.pragma("application_id") not in (0, APPLICATION_ID):
        raise BrokenStorage(f"{folder / FILE_NAME} is an SQLite file of another program, not a wirewatch log")
    if version > len(migrations):
        raise BrokenStorage(
            f"the log in {folder} was written by a newer wirewatch (store version {version}, "
            f"this one knows {len(migrations)}); run that version or a newer one"
        )
    return version


def migrate(conn: apsw.Connection, folder: Path, migrations: Sequence[str] = MIGRATIONS) -> list[int]:
    """Bring the store forward, each version in one transaction; the versions reached, ``[]`` where it was current.

    Raises `BrokenStorage` where the store is newer than this program.
    """
    reached: list[int] = []
    while check_version(conn, folder, migrations) < len(migrations):
        with transaction(conn):
            version = version_of(conn)  # another process may have been here while we waited for the lock
            if version < len(migrations):
                conn.execute(migrations[version]).fetchall()  # to its end, whatever its statements answer
                conn.execute(f"PRAGMA user_version={version + 1}")
                reached.append(version + 1)
    return reached


def create_missing_topics(conn: apsw.Connection, topics: Sequence[Topic]) -> list[str]:
    """Create the topics that are not there yet, in one transaction; their names."""
    known = {str(row[0]) for row in conn.execute("SELECT name FROM topics")}
    missing = [topic for topic in topics if topic.name not in known]
    if not missing:
        return []
    with transaction(conn):
        return [topic.name for topic in missing if _create_topic(conn, topic)]


def _create_topic(conn: apsw.Connection, topic: Topic) -> bool:
    conn.execute(
        "INSERT OR IGNORE INTO topics(name, compacted, retention_ms, max_message_bytes, next_offset, bytes, clock_ms)"
        " VALUES(?, ?, ?, ?, 0, 0, -1)",
        (topic.name, int(topic.compacted), topic.retention_ms, topic.max_message_bytes),
    )
    return conn.changes() == 1


def require_store(folder: Path) -> None:
    """Raise `UserError` where the folder holds no log yet."""
    if not (folder / FILE_NAME).is_file():
        raise UserError(
            f"there is no wirewatch log in {folder}; start `wirewatch run` there first, "
            "or name another folder with the setting broker (embedded:///DIR)"
        )
