"""The search index's SQLite file: its tables, its migrations, and how it is opened by its writer and by readers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import apsw
import zstandard

from sinks.search.interface import NoIndexError
from wirewatch.brokers.embedded.failures import failures_in_words
from wirewatch.brokers.embedded.schema import transaction
from wirewatch.errors import BrokenStorage, UserError
from wirewatch.query.tokenizer import TOKENIZER_VERSION
from wirewatch.query.values import metres_between

# One row a revision or feed event. `current`: no newer revision is known. `until_ms`: when the next one was seen.
# `at_ms`: published, else first seen. `sort_ms`: the same, but never after it was seen.
_REVISIONS = """
CREATE TABLE revisions (
  id INTEGER PRIMARY KEY,
  feed_id TEXT NOT NULL, seq INTEGER NOT NULL, event_id TEXT NOT NULL,
  entry_id TEXT, revision INTEGER NOT NULL, subject TEXT NOT NULL, op TEXT NOT NULL, status TEXT,
  at_ms INTEGER, first_seen_ms INTEGER, time_ms INTEGER NOT NULL, until_ms INTEGER,
  sort_ms INTEGER NOT NULL, current INTEGER NOT NULL, event BLOB NOT NULL,
  UNIQUE (feed_id, seq)
) STRICT;
CREATE INDEX revisions_by_entry ON revisions (entry_id, seq) WHERE entry_id IS NOT NULL;
CREATE INDEX revisions_by_event ON revisions (event_id);
CREATE INDEX current_by_time ON revisions (sort_ms, id) WHERE current;
CREATE INDEX current_by_feed ON revisions (feed_id, sort_ms, id) WHERE current;
CREATE TABLE figures (
  revision_id INTEGER NOT NULL, kind TEXT NOT NULL, value REAL NOT NULL, earlier REAL
) STRICT;
CREATE INDEX figures_by_value ON figures (kind, value);
CREATE INDEX figures_by_revision ON figures (revision_id);
CREATE TABLE located (revision_id INTEGER NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL) STRICT;
CREATE INDEX located_by_lat ON located (lat);
CREATE INDEX located_by_revision ON located (revision_id);
CREATE TABLE maxima (feed_id TEXT PRIMARY KEY, highest BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE positions (
  topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL, PRIMARY KEY (topic, partition)
) STRICT, WITHOUT ROWID;
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
# Our tokens come parted by spaces. The ascii tokenizer keeps them one to one: they are lower case already, and all
# but ASCII letters and digits, the listed signs and what is not ASCII would part them, which tokens do not hold.
_TEXT = """
CREATE VIRTUAL TABLE text USING fts5 (
  headline, body, place, dateline, said_by, tag, facet,
  content='', contentless_delete=1, tokenize="ascii tokenchars '.-_=:'"
);
"""
MIGRATIONS: tuple[str, ...] = (_REVISIONS + _TEXT,)
"""Each step takes the file from the version before; steps are only ever added."""

SCHEMA_VERSION = len(MIGRATIONS)
BUSY_MS = 10_000

_DICTIONARY_FREE = zstandard.ZstdCompressor(level=3)


def compress(value: bytes) -> bytes:
    """An event's JSON as it is stored."""
    return _DICTIONARY_FREE.compress(value)


def decompress(stored: bytes) -> bytes:
    """An event's JSON as it was written."""
    return zstandard.ZstdDecompressor().decompress(stored)


def index_failures(path: Path) -> AbstractContextManager[None]:
    """SQLite's errors in words; a mistake of ours in a query is none of the storage's."""
    return failures_in_words(f"the search index {path}", only_storage=True)


def open_writer(path: Path, *, rebuild: Callable[[apsw.Connection], None]) -> apsw.Connection:
    """Open the index for its one writer; made or migrated as needed, durable from the first commit.

    ``rebuild`` is called inside the same transaction where another version of the tokenizer wrote it.
    Raises `BrokenStorage` for a damaged file, a full disk, or a file from a newer program.
    """
    with index_failures(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = apsw.Connection(str(path))
        try:
            prepare(connection, str(path), rebuild=rebuild)
        except BaseException:
            connection.close()
            raise
    return connection


def prepare(connection: apsw.Connection, name: str, *, rebuild: Callable[[apsw.Connection], None]) -> None:
    """Set a writing connection up and bring its file to this program's version."""
    connection.set_busy_timeout(BUSY_MS)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    version = int(str(connection.pragma("user_version")))
    refuse_newer(version, name)
    with transaction(connection):
        for step in MIGRATIONS[version:]:
            connection.execute(step)
        connection.pragma("user_version", SCHEMA_VERSION)
        written_by = connection.execute("SELECT value FROM about WHERE name = 'tokenizer'").get
        if written_by != TOKENIZER_VERSION:
            if written_by is not None:
                rebuild(connection)
            connection.execute("INSERT OR REPLACE INTO about VALUES ('tokenizer', ?)", (TOKENIZER_VERSION,))


def open_reader(path: Path) -> apsw.Connection:
    """Open the index for reading beside its writer, from any process.

    Raises `NoIndexError`, or `BrokenStorage` where it is damaged or from a newer program.
    """
    if not path.exists():
        raise NoIndexError(f"there is no search index at {path} yet: start wirewatch run, which writes it")
    with index_failures(path):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            prepare_reader(connection, str(path))
        except BaseException:
            connection.close()
            raise
    return connection


def prepare_reader(connection: apsw.Connection, name: str) -> None:
    """Set a reading connection up; refuses a file that another version wrote."""
    connection.set_busy_timeout(BUSY_MS)
    version = int(str(connection.pragma("user_version")))
    refuse_newer(version, name)
    if version < SCHEMA_VERSION:
        raise UserError(
            f"the search index {name} is from an older wirewatch: start wirewatch run, which brings it up to date"
        )
    connection.create_scalar_function("metres_between", _metres_between, 4, deterministic=True)


def _metres_between(*degrees: apsw.SQLiteValue) -> float:
    lat, lon, lat_there, lon_there = (float(str(degree)) for degree in degrees)
    return metres_between(lat, lon, lat_there, lon_there)


def refuse_newer(version: int, name: str) -> None:
    """A file from a newer program is left alone."""
    if version > SCHEMA_VERSION:
        raise BrokenStorage(
            f"the search index {name} was written by a newer wirewatch (its version {version}, ours {SCHEMA_VERSION}): "
            "upgrade, or name another data_dir"
        )
