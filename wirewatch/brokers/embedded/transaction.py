"""What one write transaction does: appends, offsets and states. Plain functions of a connection, no thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from wirewatch.brokers.embedded.codec import pack_headers
from wirewatch.brokers.embedded.reading import TopicRow, read_committed
from wirewatch.brokers.embedded.schema import OFFSET_BITS
from wirewatch.brokers.packing import pack
from wirewatch.errors import BadInput, BrokenStorage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw

    from wirewatch.brokers.interface import NewRecord

CLOCK_STEP_MS: Final = 1_000


class Prepared(Struct, frozen=True):
    """A record checked, encoded and compressed: all that can be done before the transaction."""

    topic: TopicRow
    key: str
    headers: bytes
    raw_size: int | None
    value: bytes | None

    @property
    def size(self) -> int:
        """The bytes it takes in the store, near enough."""
        return len(self.headers) + len(self.value or b"") + len(self.key) + 32


class Place(Struct, frozen=True):
    """Where and when a record was appended."""

    offset: int
    timestamp_ms: int


class PackedState(Struct, frozen=True):
    """A state as stored."""

    version: int
    raw_size: int | None
    value: bytes


def prepare(record: NewRecord, topic: TopicRow) -> Prepared:
    """Check and encode. Raises `BadInput`: ``too-large`` over the topic's limit, ``not-utf8`` for lone surrogates."""
    try:
        headers = pack_headers(record.headers)
        key_size = len(record.key.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise BadInput(f"the record's key or headers are no valid text: {error}", reason="not-utf8") from error
    size = key_size + len(headers) + len(record.value or b"")
    if size > topic.max_message_bytes:
        raise BadInput(
            f"a record of {size} bytes for {record.key!r} is over {topic.name}'s limit of "
            f"{topic.max_message_bytes} bytes",
            reason="too-large",
        )
    if record.value is None:
        return Prepared(topic, record.key, headers, None, None)
    value, raw_size = pack(record.value)
    return Prepared(topic, record.key, headers, raw_size, value)


class _Counters:
    """A topic's counters as they stand inside the transaction."""

    __slots__ = ("bytes", "clock_ms", "next_offset", "topic")

    def __init__(self, topic: TopicRow, next_offset: int, size: int, clock_ms: int) -> None:
        self.topic = topic
        self.next_offset = next_offset
        self.bytes = size
        self.clock_ms = clock_ms


class Transaction:
    """Everything written together. `finish` belongs before the commit; then ``touched`` names what grew."""

    def __init__(self, conn: apsw.Connection, now_ms: int) -> None:
        self._conn = conn
        self._now_ms = now_ms
        self._counters: dict[int, _Counters] = {}

    @property
    def touched(self) -> set[str]:
        """The topics that have new records."""
        return {counters.topic.name for counters in self._counters.values()}

    def append(self, records: Sequence[Prepared]) -> list[Place]:
        """Append in order; where each record went."""
        now, conn = self._now_ms, self._conn
        places: list[Place] = []
        rows: list[tuple[int, int, str, bytes, int | None, bytes | None]] = []
        for record in records:
            counters = self._counters_of(record.topic)
            offset = counters.next_offset
            counters.next_offset = offset + 1
            counters.bytes += record.size
            if counters.clock_ms < 0 or now >= counters.clock_ms + CLOCK_STEP_MS:
                counters.clock_ms = now
                conn.execute("INSERT INTO clock VALUES(?, ?, ?)", (record.topic.id, now, offset))
            if record.topic.compacted:
                self._supersede(counters, record, offset)
            id_ = (record.topic.id << OFFSET_BITS) + offset
            rows.append((id_, now, record.key, record.headers, record.raw_size, record.value))
            places.append(Place(offset, now))
            if record.topic.compacted:
                # written at once: a later record of the same key in this transaction removes it
                conn.execute(_INSERT, rows.pop())
        conn.executemany(_INSERT, rows)
        return places

    def commit_offset(self, group: str, topic: TopicRow, next_offset: int) -> None:
        """Move a group's offset forward; one that stands further already stays."""
        self._conn.execute(
            "INSERT INTO committed VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset"
            " WHERE excluded.next_offset > next_offset",
            (group, topic.id, next_offset),
        )

    def move_offset(self, group: str, topic: TopicRow, expected: int | None, next_offset: int) -> None:
        """Move a stage's own offset. Raises `BrokenStorage` where it does not stand where the stage left it."""
        stands = read_committed(self._conn, group, topic)
        if stands != expected:
            raise BrokenStorage(
                f"the offset of {group} on {topic.name} is {stands} where this process left it at {expected}: "
                "another process moved it"
            )
        self.commit_offset(group, topic, next_offset)

    def put_states(self, stage: str, states: Mapping[str, PackedState]) -> None:
        """Store the stage's new state of each key."""
        self._conn.executemany(
            "INSERT INTO states(stage, key, version, raw_size, value) VALUES(?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET version = excluded.version, raw_size = excluded.raw_size, value = excluded.value",
            [(stage, key, state.version, state.raw_size, state.value) for key, state in states.items()],
        )

    def finish(self) -> None:
        """Write the topics' counters."""
        self._conn.executemany(
            "UPDATE topics SET next_offset = ?, bytes = ?, clock_ms = ? WHERE id = ?",
            [(c.next_offset, c.bytes, c.clock_ms, c.topic.id) for c in self._counters.values()],
        )

    def _counters_of(self, topic: TopicRow) -> _Counters:
        counters = self._counters.get(topic.id)
        if counters is None:
            row: Any = self._conn.execute(
                "SELECT next_offset, bytes, clock_ms FROM topics WHERE id = ?", (topic.id,)
            ).fetchone()
            counters = self._counters[topic.id] = _Counters(topic, *row)
        return counters

    def _supersede(self, counters: _Counters, record: Prepared, offset: int) -> None:
        conn, topic = self._conn, record.topic
        before = conn.execute(
            "SELECT offset FROM latest WHERE topic = ? AND key = ?", (topic.id, record.key)
        ).fetchone()
        conn.execute(
            "INSERT INTO latest VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET offset = excluded.offset, tombstone_ms = excluded.tombstone_ms",
            (topic.id, record.key, offset, self._now_ms if record.value is None else None),
        )
        if before is not None:
            counters.bytes -= delete_record(conn, (topic.id << OFFSET_BITS) + before[0])


_INSERT: Final = "INSERT INTO records(id, timestamp_ms, key, headers, raw_size, value) VALUES(?, ?, ?, ?, ?, ?)"


def delete_record(conn: apsw.Connection, id_: int) -> int:
    """Delete one record; the bytes it took, as `Prepared.size` counts them."""
    row = conn.execute(
        "DELETE FROM records WHERE id = ? RETURNING length(headers) + length(coalesce(value, x'')) + length(key) + 32",
        (id_,),
    ).fetchone()
    return 0 if row is None else int(row[0])
