"""What the log lets go: records past their time or over their topic's share, tombstones, free pages.

`decide_drop` is pure. Each step here is one short transaction, so that appends never wait long for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wirewatch.brokers.embedded.schema import OFFSET_BITS
from wirewatch.brokers.embedded.transaction import delete_record
from wirewatch.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw

    from wirewatch.brokers.embedded.reading import TopicRow

_log = get_logger("log")
STEP_ROWS: Final = 500
TOMBSTONE_MS: Final = 86_400_000
"""How long a tombstone stays, so that everyone who follows the topic can see it."""
_FREE_PAGES_STEP: Final = 512
_MASK: Final = (1 << OFFSET_BITS) - 1
_SIZE: Final = "length(headers) + length(coalesce(value, x'')) + length(key) + 32"

Row = tuple[int, int, int]
"""(offset, timestamp_ms, bytes) of a record at the head of a topic."""


def decide_drop(
    head: Sequence[Row], *, cutoff_ms: int, late_cutoff_ms: int, needed_from: int | None, excess: int
) -> int:
    """How many records of the head may go.

    A record goes when it was appended before ``cutoff_ms``; one that a group has still to read (from offset
    ``needed_from`` on) only before ``late_cutoff_ms``; whatever its age while ``excess`` bytes are too many.
    """
    dropped = freed = 0
    for offset, timestamp_ms, size in head:
        needed = needed_from is not None and offset >= needed_from
        too_old = timestamp_ms < (late_cutoff_ms if needed else cutoff_ms)
        if not too_old and freed >= excess:
            break
        dropped += 1
        freed += size
    return dropped


def step_retention(conn: apsw.Connection, topic: TopicRow, now_ms: int, limit_bytes: int | None) -> int:
    """Drop up to a step's worth of the topic's head inside the caller's transaction; how many went."""
    if topic.retention_ms is None:
        return 0
    base = topic.id << OFFSET_BITS
    head: list[Row] = [
        (id_ & _MASK, timestamp_ms, size)
        for id_, timestamp_ms, size in conn.execute(
            f"SELECT id, timestamp_ms, {_SIZE} FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",  # noqa: S608 - our own constant
            (base, (topic.id + 1) << OFFSET_BITS, STEP_ROWS),
        )
    ]
    row: Any = conn.execute(
        "SELECT bytes, (SELECT min(next_offset) FROM committed WHERE topic = ?) FROM topics WHERE id = ?",
        (topic.id, topic.id),
    ).fetchone()
    total, needed_from = row
    count = decide_drop(
        head,
        cutoff_ms=now_ms - topic.retention_ms,
        late_cutoff_ms=now_ms - 2 * topic.retention_ms,
        needed_from=needed_from,
        excess=0 if limit_bytes is None else total - limit_bytes,
    )
    if count:
        last = head[count - 1][0]
        unread = sum(needed_from is not None and offset >= needed_from for offset, _, _ in head[:count])
        if unread:
            _log.error("records were let go before every stage had read them", topic=topic.name, lost=unread)
        conn.execute("DELETE FROM records WHERE id >= ? AND id <= ?", (base, base + last))
        freed = sum(size for _, _, size in head[:count])
        conn.execute("UPDATE topics SET bytes = bytes - ? WHERE id = ?", (freed, topic.id))
        # the newest mark at or before the new head stays: times just after it are still looked up from there
        conn.execute(
            "DELETE FROM clock WHERE topic = ?1 AND timestamp_ms <"
            " (SELECT max(timestamp_ms) FROM clock WHERE topic = ?1 AND offset <= ?2)",
            (topic.id, last + 1),
        )
    return count


def step_tombstones(conn: apsw.Connection, now_ms: int) -> int:
    """Remove a step's worth of tombstones that everyone has had time to see; how many went."""
    old: list[Any] = conn.execute(
        "SELECT topic, key, offset FROM latest WHERE tombstone_ms < ? LIMIT ?", (now_ms - TOMBSTONE_MS, STEP_ROWS)
    ).fetchall()
    for topic_id, key, offset in old:
        freed = delete_record(conn, (topic_id << OFFSET_BITS) + offset)
        conn.execute("DELETE FROM latest WHERE topic = ? AND key = ?", (topic_id, key))
        conn.execute("UPDATE topics SET bytes = bytes - ? WHERE id = ?", (freed, topic_id))
    return len(old)


def step_free_pages(conn: apsw.Connection) -> int:
    """Give a step's worth of free pages back to the disk, where over a quarter of the file is free."""
    free, pages = int(conn.pragma("freelist_count")), int(conn.pragma("page_count"))
    if free * 4 < pages or free < _FREE_PAGES_STEP:
        return 0
    for _ in conn.execute(f"PRAGMA incremental_vacuum({_FREE_PAGES_STEP})"):
        pass  # the pragma frees one page for each row it gives
    return _FREE_PAGES_STEP


def step_all(conn: apsw.Connection, topics: Sequence[TopicRow], now_ms: int, limits: Mapping[str, int]) -> int:
    """One step of everything; 0 when there is nothing left to do."""
    gone = sum(step_retention(conn, topic, now_ms, limits.get(topic.name)) for topic in topics)
    return gone + step_tombstones(conn, now_ms)
