"""The embedded log that is moved: held so that nobody runs on it, and only ever read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wirewatch.brokers.embedded import open_reader
from wirewatch.brokers.embedded.lock import RunnerLock
from wirewatch.brokers.kept_state import KeptState
from wirewatch.brokers.packing import unpack
from wirewatch.errors import UserError

if TYPE_CHECKING:
    import apsw

    from wirewatch.brokers.embedded.broker import EmbeddedBroker
    from wirewatch.brokers.interface import Record

_AT_ONCE: Final = 500
_BYTES: Final = 8 << 20
_STATES: Final = 50


@contextmanager
def held(folder: Path) -> Iterator[EmbeddedBroker]:
    """The folder's log, which nobody runs on meanwhile. Raises `UserError` where somebody does, or it is no log.

    To be closed by who asked for it.
    """
    lock = RunnerLock.take(folder)
    if lock is None:
        raise UserError(f"wirewatch runs on {folder}: stop it first, so that nothing comes in while the log is copied")
    try:
        yield open_reader(folder)
    finally:
        lock.release()


async def records(log: EmbeddedBroker, topic: str) -> AsyncIterator[list[Record]]:
    """Every record of the topic that is still kept, in order, some at a time, to the end as it then is."""
    offset = (await log.bounds(topic, 0)).earliest
    while found := await log.read(topic, 0, offset, max_records=_AT_ONCE, max_bytes=_BYTES):
        yield found
        offset = found[-1].offset + 1


async def count(log: EmbeddedBroker, topic: str) -> int:
    """How many records of the topic are kept."""
    base = (await log.topic_row(topic)).id

    def work(conn: apsw.Connection) -> Any:
        return conn.execute("SELECT count(*) FROM records WHERE id >= ?1 << 40 AND id < (?1 + 1) << 40", (base,)).get

    return int(await log.read_with(work))


async def groups(log: EmbeddedBroker) -> dict[tuple[str, str], int]:
    """By group and topic: the offset that the group reads next."""
    sql = "SELECT consumer_group, name, c.next_offset FROM committed c JOIN topics t ON t.id = c.topic"

    def work(conn: apsw.Connection) -> list[Any]:
        return list(conn.execute(sql))

    return {(str(group), str(topic)): int(offset) for group, topic, offset in await log.read_with(work)}


async def states(log: EmbeddedBroker, stage: str) -> AsyncIterator[list[tuple[str, KeptState]]]:
    """What the stage keeps, by key, some at a time."""
    sql = "SELECT id, key, version, raw_size, value FROM states WHERE stage = ? AND id > ? ORDER BY id LIMIT ?"
    last = -1
    while True:

        def work(conn: apsw.Connection, after: int = last) -> list[Any]:
            return list(conn.execute(sql, (stage, after, _STATES)))

        rows = await log.read_with(work)
        if not rows:
            return
        last = int(rows[-1][0])
        yield [(str(key), KeptState(int(version), unpack(value, size))) for _, key, version, size, value in rows]


async def count_states(log: EmbeddedBroker, stage: str) -> int:
    """For how many keys the stage keeps something."""

    def work(conn: apsw.Connection) -> Any:
        return conn.execute("SELECT count(*) FROM states WHERE stage = ?", (stage,)).get

    return int(await log.read_with(work))
