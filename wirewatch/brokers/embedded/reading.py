"""Reading the store: plain functions on a connection. They block; whoever calls them does so in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from wirewatch.brokers.embedded.codec import unpack_headers
from wirewatch.brokers.embedded.schema import OFFSET_BITS
from wirewatch.brokers.interface import Bounds, Record
from wirewatch.brokers.packing import unpack

if TYPE_CHECKING:
    import apsw

_MASK = (1 << OFFSET_BITS) - 1


class TopicRow(Struct, frozen=True):
    """What never changes of a topic once it exists."""

    id: int
    name: str
    compacted: bool
    retention_ms: int | None
    max_message_bytes: int


class StoredState(Struct, frozen=True):
    """A stage's state for one key, with the version of its form."""

    version: int
    data: bytes


def read_topics(conn: apsw.Connection) -> dict[str, TopicRow]:
    """Every topic by name."""
    rows = conn.execute("SELECT id, name, compacted, retention_ms, max_message_bytes FROM topics")
    return {row[1]: TopicRow(row[0], row[1], bool(row[2]), row[3], row[4]) for row in rows}


def read_records(
    conn: apsw.Connection, topic: TopicRow, offset: int, *, max_records: int, max_bytes: int
) -> list[Record]:
    """Records from that offset on, at least one where there is one, else within both limits."""
    base = topic.id << OFFSET_BITS
    rows = conn.execute(
        "SELECT id, timestamp_ms, key, headers, coalesce(raw_size, length(value), 0), raw_size, value FROM records"
        " WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
        (base + max(offset, 0), (topic.id + 1) << OFFSET_BITS, max_records),
    )
    records: list[Record] = []
    size = 0
    for id_, timestamp_ms, key, headers, length, raw_size, value in rows:
        size += length + len(headers)
        if records and size > max_bytes:
            break
        data = None if value is None else unpack(value, raw_size)
        records.append(Record(topic.name, 0, id_ & _MASK, key, data, unpack_headers(headers), timestamp_ms))
    return records


def read_bounds(conn: apsw.Connection, topic: TopicRow) -> Bounds:
    """The oldest offset still kept (the end where none is), and the one the next record gets."""
    base, limit = topic.id << OFFSET_BITS, (topic.id + 1) << OFFSET_BITS
    # one statement, so that both ends are of one moment
    row: Any = conn.execute(
        "SELECT next_offset, (SELECT id FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT 1)"
        " FROM topics WHERE id = ?",
        (base, limit, topic.id),
    ).fetchone()
    end, earliest = row
    return Bounds(end if earliest is None else earliest & _MASK, end)


def read_offset_at(conn: apsw.Connection, topic: TopicRow, timestamp_ms: int) -> int:
    """The first offset appended at or after that time. The clock's marks leave at most a second to scan."""
    base = topic.id << OFFSET_BITS
    mark = conn.execute(
        "SELECT offset FROM clock WHERE topic = ? AND timestamp_ms <= ? ORDER BY timestamp_ms DESC LIMIT 1",
        (topic.id, timestamp_ms),
    ).fetchone()
    found = conn.execute(
        "SELECT id FROM records WHERE id >= ? AND id < ? AND timestamp_ms >= ? ORDER BY id LIMIT 1",
        (base + (mark[0] if mark else 0), (topic.id + 1) << OFFSET_BITS, timestamp_ms),
    ).fetchone()
    return read_bounds(conn, topic).end if found is None else found[0] & _MASK


def read_latest(conn: apsw.Connection, topic: TopicRow) -> dict[str, Record]:
    """The newest record of each key, tombstones left out."""
    base = topic.id << OFFSET_BITS
    latest: dict[str, Record] = {}
    if not topic.compacted:
        # only compacted topics keep an index of their keys; another's whole log is read, in pieces
        offset = 0
        while records := read_records(conn, topic, offset, max_records=1024, max_bytes=16 << 20):
            latest.update((record.key, record) for record in records)
            offset = records[-1].offset + 1
        return {key: record for key, record in latest.items() if record.value is not None}
    rows = conn.execute(
        "SELECT r.id, r.timestamp_ms, r.key, r.headers, r.raw_size, r.value FROM latest l"
        " CROSS JOIN records r ON r.id = ? + l.offset WHERE l.topic = ? AND l.tombstone_ms IS NULL",
        (base, topic.id),
    )
    for id_, timestamp_ms, key, headers, raw_size, value in rows:
        data = unpack(value, raw_size)
        latest[key] = Record(topic.name, 0, id_ & _MASK, key, data, unpack_headers(headers), timestamp_ms)
    return latest


def read_committed(conn: apsw.Connection, group: str, topic: TopicRow) -> int | None:
    """The offset the group reads next."""
    row = conn.execute(
        "SELECT next_offset FROM committed WHERE consumer_group = ? AND topic = ?", (group, topic.id)
    ).fetchone()
    return None if row is None else int(row[0])


def read_log_id(conn: apsw.Connection) -> str:
    """The log's own name."""
    return str(conn.execute("SELECT log_id FROM about").get)


def read_stored_state(conn: apsw.Connection, stage: str, key: str) -> StoredState | None:
    """What the stage keeps for the key."""
    row = conn.execute(
        "SELECT version, raw_size, value FROM states WHERE stage = ? AND key = ?", (stage, key)
    ).fetchone()
    return None if row is None else StoredState(row[0], unpack(row[2], row[1]))
