"""The first schema: what ``control.db`` holds."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0001"
down_revision = None

_TABLES: Final = (
    """
    CREATE TABLE channels (
        id text PRIMARY KEY, kind text NOT NULL, url text NOT NULL, secret text NOT NULL,
        origin text NOT NULL, disabled text, created text NOT NULL
    )
    """,
    """
    CREATE TABLE alert_states (
        entry_id text NOT NULL, subscription_id text NOT NULL, alert_id text NOT NULL,
        seq bigint NOT NULL, state text NOT NULL, told_before bytea, revision bigint NOT NULL,
        updated_ms bigint NOT NULL, alert bytea,
        PRIMARY KEY (entry_id, subscription_id)
    )
    """,
    "CREATE INDEX alert_states_updated ON alert_states (updated_ms)",
    "CREATE INDEX alert_states_texts ON alert_states (updated_ms) WHERE alert IS NOT NULL",
    "CREATE UNIQUE INDEX alert_states_alert ON alert_states (alert_id)",
    """
    CREATE TABLE figure_maxima (
        feed_id text NOT NULL, kind text NOT NULL, value double precision NOT NULL, PRIMARY KEY (feed_id, kind)
    )
    """,
    """
    CREATE TABLE outbox (
        delivery_id text PRIMARY KEY, alert_id text NOT NULL, seq bigint NOT NULL, channel_id text NOT NULL,
        payload bytea NOT NULL, status text NOT NULL, tries bigint NOT NULL DEFAULT 0,
        next_try_ms bigint NOT NULL, first_try_ms bigint, retry_since_ms bigint NOT NULL, error text,
        unsure boolean NOT NULL DEFAULT false, leased_until_ms bigint NOT NULL DEFAULT 0,
        leased_by text NOT NULL DEFAULT '',
        created_ms bigint NOT NULL, done_ms bigint
    )
    """,
    "CREATE UNIQUE INDEX outbox_alert ON outbox (alert_id, channel_id, seq)",
    "CREATE INDEX outbox_pending ON outbox (channel_id, next_try_ms, created_ms) WHERE status = 'pending'",
    "CREATE INDEX outbox_leased ON outbox (leased_by) WHERE leased_until_ms > 0",
    "CREATE INDEX outbox_created ON outbox (created_ms)",
    """
    CREATE TABLE positions (
        sink text NOT NULL, topic text NOT NULL, partition integer NOT NULL, next_offset bigint NOT NULL,
        PRIMARY KEY (sink, topic, partition)
    )
    """,
    "CREATE TABLE about (one smallint PRIMARY KEY CHECK (one = 1), log_id text NOT NULL)",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in _TABLES:
        op.execute(statement)
