"""The tables of ``control.db`` and how an older file becomes a newer one."""

from __future__ import annotations

from typing import Final

import apsw

from wirewatch.brokers.embedded.schema import transaction
from wirewatch.errors import BrokenStorage, UserError

APPLICATION_ID: Final = 0x77774354  # "wwCT": tells our file from any other
_MIGRATIONS: Final = (
    """
    CREATE TABLE channels (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, url TEXT NOT NULL, secret TEXT NOT NULL,
        origin TEXT NOT NULL, disabled TEXT, created TEXT NOT NULL
    ) STRICT;
    CREATE TABLE alert_states (
        entry_id TEXT NOT NULL, subscription_id TEXT NOT NULL, alert_id TEXT NOT NULL,
        seq INTEGER NOT NULL, state TEXT NOT NULL, told_before BLOB, revision INTEGER NOT NULL,
        updated_ms INTEGER NOT NULL, alert BLOB,
        PRIMARY KEY (entry_id, subscription_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX alert_states_updated ON alert_states (updated_ms);
    CREATE UNIQUE INDEX alert_states_alert ON alert_states (alert_id);
    CREATE TABLE figure_maxima (
        feed_id TEXT NOT NULL, kind TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (feed_id, kind)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outbox (
        delivery_id TEXT PRIMARY KEY, alert_id TEXT NOT NULL, seq INTEGER NOT NULL, channel_id TEXT NOT NULL,
        payload BLOB NOT NULL, status TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
        next_try_ms INTEGER NOT NULL, first_try_ms INTEGER, retry_since_ms INTEGER NOT NULL, error TEXT,
        unsure INTEGER NOT NULL DEFAULT 0, leased_until_ms INTEGER NOT NULL DEFAULT 0,
        created_ms INTEGER NOT NULL, done_ms INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX outbox_alert ON outbox (alert_id, channel_id, seq);
    CREATE INDEX outbox_pending ON outbox (channel_id, next_try_ms, created_ms) WHERE status = 'pending';
    CREATE INDEX outbox_created ON outbox (created_ms);
    CREATE TABLE positions (
        sink TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
        PRIMARY KEY (sink, topic, partition)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE about (one INTEGER PRIMARY KEY CHECK (one = 1), log_id TEXT NOT NULL) STRICT;
    ALTER TABLE outbox ADD COLUMN leased_by TEXT NOT NULL DEFAULT '';
    """,
)
VERSION: Final = len(_MIGRATIONS)


def migrate(connection: apsw.Connection, where: str) -> None:
    """Bring the store to this program's version. Raises `BrokenStorage` where it is newer or something else."""
    if _version(connection, where) == VERSION:
        return
    with transaction(connection):
        # asked again under the lock: another process may have just done it
        for number in range(_version(connection, where), VERSION):
            connection.execute(_MIGRATIONS[number])
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def require_current(connection: apsw.Connection, where: str) -> None:
    """Raises `UserError` where the store is an older program's, and what `migrate` does."""
    version = _version(connection, where)
    if version < VERSION:
        raise UserError(
            f"{where} has the schema {version} of an older wirewatch, and this one works with {VERSION}: wirewatch run "
            "brings it forward when it starts; until then look with the older one"
        )


def _version(connection: apsw.Connection, where: str) -> int:
    version = connection.pragma("user_version")
    application = connection.pragma("application_id")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    assert isinstance(version, int)
    if application not in {0, APPLICATION_ID} or (application == 0 and tables):
        raise BrokenStorage(f"{where} is not wirewatch's control store; move it away or choose another data_dir")
    if version > VERSION:
        raise BrokenStorage(
            f"{where} was written by a newer wirewatch (schema {version}, this program knows {VERSION}): "
            "upgrade wirewatch, or restore the copy made before the upgrade"
        )
    return version
