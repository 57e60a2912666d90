"""The embedded broker: a durable log in one folder, for one machine, with no server to install."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import apsw

from wirewatch.brokers.embedded import reading
from wirewatch.brokers.embedded.codec import LARGE
from wirewatch.brokers.embedded.consumer import EmbeddedConsumer, Groups
from wirewatch.brokers.embedded.failures import failures_in_words
from wirewatch.brokers.embedded.retention import step_all, step_free_pages
from wirewatch.brokers.embedded.schema import create_missing_topics, open_connection, transaction
from wirewatch.brokers.embedded.signals import Signals
from wirewatch.brokers.embedded.threads import WorkerThread
from wirewatch.brokers.embedded.transaction import Place, Prepared, Transaction, prepare
from wirewatch.brokers.embedded.writer import LogWriter
from wirewatch.brokers.interface import Bounds, NewRecord, Record
from wirewatch.errors import PassingFault, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from wirewatch.brokers.embedded.lock import RunnerLock
    from wirewatch.times import Clock
    from wirewatch.topics import Topic

T = TypeVar("T")
Mode = Literal["runner", "writer", "reader"]
_LOW_DISK_BYTES: Final = 64 << 20


class EmbeddedBroker:
    """`wirewatch.brokers.interface.Broker` on a folder; made by `opening`, used from one event loop.

    All SQLite work is done in threads: one that writes (and groups what waits into one commit), one that
    reads; a hosted stage brings its own connection for reading (`open_reading`).
    """

    def __init__(
        self,
        folder: Path,
        mode: Mode,
        clock: Clock,
        *,
        write_conn: apsw.Connection | None,
        lock: RunnerLock | None,
        retention_bytes: Mapping[str, int],
    ) -> None:
        self.folder = folder
        self.mode: Mode = mode
        self.clock = clock
        self._lock = lock
        self._retention_bytes = dict(retention_bytes)
        self._read_conn = open_connection(folder, write=False)
        self._topics = reading.read_topics(self._read_conn)
        self._reader = WorkerThread("log-reader")
        self._write_conn = write_conn
        self._writer: LogWriter | None = None
        known = (write_conn or self._read_conn).pragma("data_version")
        self.signals = Signals(self._data_version, int(known))
        self._groups = Groups()
        self._extra: list[apsw.Connection] = []
        self._closed = False

    # -- topics

    async def create_topics(self, topics: Sequence[Topic]) -> list[str]:
        """See `Broker`."""
        writer = self._writing()
        created = await writer.bare(lambda conn: create_missing_topics(conn, topics))
        self._topics = await self._read(reading.read_topics)
        return created

    async def check_topics(self, topics: Sequence[Topic]) -> list[str]:
        """See `Broker`. Partition counts are not compared: here every topic has one."""
        self._topics = await self._read(reading.read_topics)
        differences: list[str] = []
        for topic in topics:
            row = self._topics.get(topic.name)
            if row is None:
                differences.append(f"{topic.name} does not exist; create it with `wirewatch topics create`")
                continue
            pairs = (
                ("compacted", row.compacted, topic.compacted),
                ("retention_ms", row.retention_ms, topic.retention_ms),
                ("max_message_bytes", row.max_message_bytes, topic.max_message_bytes),
            )
            differences += [f"{topic.name}: {name} is {is_}, not {due}" for name, is_, due in pairs if is_ != due]
        return differences

    async def log_id(self) -> str:
        """See `Broker`."""
        return await self._read(reading.read_log_id)

    def partitions(self, topic: str) -> int:
        """Always 1 here. Raises `UserError` for a topic that was not there when topics were last looked at."""
        if topic not in self._topics:
            raise _no_such_topic(topic)
        return 1

    async def topic_row(self, name: str) -> reading.TopicRow:
        """The topic, also where another process has just created it. Raises `UserError` where there is none."""
        row = self._topics.get(name)
        if row is None:
            self._topics = await self._read(reading.read_topics)
            row = self._topics.get(name)
        if row is None:
            raise _no_such_topic(name)
        return row

    def topic_rows(self) -> Mapping[str, reading.TopicRow]:
        """The topics as last looked at, by name."""
        return self._topics

    # -- records

    async def publish(self, records: Sequence[NewRecord]) -> list[Record]:
        """See `Broker`. All of them or none: they share one transaction."""
        writer = self._writing()
        rows = [await self.topic_row(record.topic) for record in records]
        pairs = list(zip(records, rows, strict=True))
        if sum(len(record.value or b"") for record in records) >= LARGE:
            # compressing much takes long enough for others to notice
            prepared = await asyncio.to_thread(_prepare_all, pairs)
        else:
            prepared = _prepare_all(pairs)
        size = sum(item.size for item in prepared)
        places = await writer.write(lambda transaction: transaction.append(prepared), size=size)
        return [_stored(record, place) for record, place in zip(records, places, strict=True)]

    async def read(
        self,
        topic: str,
        partition: int,
        offset: int,
        *,
        max_records: int = 256,
        max_bytes: int = 16 << 20,
        wait: float = 0.0,
    ) -> list[Record]:
        """See `Broker`."""
        row = await self._partition(topic, partition)
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        while True:
            seen = self.signals.seen((topic,))
            records = await self._read(
                lambda conn: reading.read_records(conn, row, offset, max_records=max_records, max_bytes=max_bytes)
            )
            left = until - loop.time()
            if records or left <= 0:
                return records
            await self.signals.wait((topic,), seen, left)

    async def bounds(self, topic: str, partition: int) -> Bounds:
        """See `Broker`."""
        row = await self._partition(topic, partition)
        return await self._read(lambda conn: reading.read_bounds(conn, row))

    async def offset_at(self, topic: str, partition: int, timestamp_ms: int) -> int:
        """See `Broker`."""
        row = await self._partition(topic, partition)
        return await self._read(lambda conn: reading.read_offset_at(conn, row, timestamp_ms))

    async def latest(self, topic: str, partitions: Collection[int] | None = None) -> dict[str, Record]:
        """See `Broker`."""
        if partitions is not None and 0 not in partitions:
            return {}
        row = await self.topic_row(topic)
        return await self._read(lambda conn: reading.read_latest(conn, row))

    # -- groups and state

    async def consumer(self, group: str, topics: Sequence[str]) -> EmbeddedConsumer:
        """See `Broker`. Only the runner's process has groups: elsewhere `UserError`."""
        if self.mode != "runner":
            raise UserError(f"only the running wirewatch reads {self.folder} as a group ({group})")
        rows = {name: await self.topic_row(name) for name in topics}
        return EmbeddedConsumer(self, self._groups, group, rows)

    async def committed(self, group: str, topic: str, partition: int) -> int | None:
        """See `Broker`."""
        row = await self._partition(topic, partition)
        return await self._read(lambda conn: reading.read_committed(conn, group, row))

    async def read_state(self, stage: str, key: str) -> bytes | None:
        """See `Broker`."""
        stored = await self._read(lambda conn: reading.read_stored_state(conn, stage, key))
        return None if stored is None else stored.data

    # -- for hosts on this broker

    async def write(self, work: Callable[[Transaction], T], *, size: int = 0) -> T:
        """Do ``work`` in one transaction, durable on return (see `LogWriter.write`)."""
        return await self._writing().write(work, size=size)

    async def read_with(self, work: Callable[[apsw.Connection], T]) -> T:
        """Do ``work`` on the reading connection, in its thread."""
        return await self._read(work)

    def open_reading(self) -> apsw.Connection:
        """A further connection for reading, for a thread of the caller's own; closed with the broker."""
        with failures_in_words(f"the log in {self.folder}"):
            conn = open_connection(self.folder, write=False)
        self._extra.append(conn)
        return conn

    async def maintain(self) -> bool:
        """One bounded step of retention and compaction; whether there is more to do. For the runner only."""
        writer = self._writing()
        rows = list(self._topics.values())
        now, limits = self.clock.now_ms(), self._retention_bytes

        def step(conn: apsw.Connection) -> bool:
            with transaction(conn):
                more = step_all(conn, rows, now, limits)
            return bool(more or step_free_pages(conn))

        return await writer.bare(step)

    # -- life

    async def healthy(self) -> str | None:
        """See `Broker`. Says too when the disk is nearly full."""
        if self._closed:
            return "the log is closed"
        try:
            await self._read(lambda conn: conn.execute("SELECT count(*) FROM topics").fetchone())
            if self.mode != "reader":
                await self._writing().bare(lambda conn: conn.execute("BEGIN IMMEDIATE; COMMIT").fetchone())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is why the log is not well
            return str(error)
        if self._writer is not None and self._writer.last_failure is not None:
            return self._writer.last_failure
        disk = os.statvfs(self.folder)
        if self.mode != "reader" and disk.f_bavail * disk.f_frsize < _LOW_DISK_BYTES:
            return f"the disk of {self.folder} has less than {_LOW_DISK_BYTES >> 20} MiB left"
        return None

    async def close(self) -> None:
        """See `Broker`. What was given to be written is written; the runner's lock is let go last."""
        if self._closed:
            return
        self._closed = True
        await self.signals.close()
        if self._writer is not None:
            await self._writer.close()
        elif self._write_conn is not None:
            self._write_conn.close()
        self._reader.close()
        await asyncio.get_running_loop().run_in_executor(None, self._reader.join, 10.0)
        for conn in (self._read_conn, *self._extra):
            with suppress(apsw.Error):  # a thread that hangs in its work still holds its connection
                conn.close()
        if self._lock is not None:
            self._lock.release()

    async def _partition(self, topic: str, partition: int) -> reading.TopicRow:
        row = await self.topic_row(topic)
        if partition != 0:
            raise UserError(f"{topic} has one partition, 0; there is no partition {partition}")
        return row

    def _writing(self) -> LogWriter:
        if self._closed:
            raise PassingFault(f"the log in {self.folder} is closed")
        if self._write_conn is None:
            raise UserError(f"the log in {self.folder} was opened for reading only")
        if self._writer is None:
            self._writer = LogWriter(self._write_conn, str(self.folder), self.clock, self.signals.notify)
        return self._writer

    async def _read(self, work: Callable[[apsw.Connection], T]) -> T:
        if self._closed:
            raise PassingFault(f"the log in {self.folder} is closed")

        def guarded() -> T:
            with failures_in_words(f"the log in {self.folder}"):
                return work(self._read_conn)

        return await self._reader.run(guarded)

    async def _data_version(self) -> int:
        """What tells that another process wrote: asked on the connection that sees our own writes as its own."""

        def ask(conn: apsw.Connection) -> Any:
            return conn.pragma("data_version")

        if self._write_conn is None:
            return int(await self._read(ask))
        return int(await self._writing().bare(ask))


def _prepare_all(pairs: Sequence[tuple[NewRecord, reading.TopicRow]]) -> list[Prepared]:
    return [prepare(record, row) for record, row in pairs]


def _stored(record: NewRecord, place: Place) -> Record:
    return Record(record.topic, 0, place.offset, record.key, record.value, record.headers, place.timestamp_ms)


def _no_such_topic(name: str) -> UserError:
    return UserError(f"there is no topic {name} here; `wirewatch topics list` shows what there is")
