"""The search stage: every event of `wirewatch.entries.v1` into the search index, with its own position."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import apsw

from sinks.search.embedded.schema import index_failures, open_writer
from sinks.search.embedded.write import read_position, rebuild_text, write_event, write_position
from wirewatch.brokers.binding import other_log
from wirewatch.brokers.embedded.schema import transaction
from wirewatch.brokers.interface import Record
from wirewatch.errors import BadInput, BrokenStorage, UserError
from wirewatch.events import EntryEvent, decode
from wirewatch.stages import SEARCH


class EmbeddedSearchSink:
    """Implements `wirewatch.hosting.Sink` on one SQLite file.

    Events, their tokens and the position commit in one transaction, so that a crash between them cannot be.
    An event that is there already (by feed and number) is left as it is: writing records again does no harm.
    Works off the event loop; a write that was cancelled is waited for by the next call.
    """

    stage = SEARCH.name

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: apsw.Connection | None = None
        self._lock = threading.Lock()

    async def start(self) -> None:
        """See `Sink`. Makes the file or brings it up to this version; `BrokenStorage` for one from a newer program."""
        await asyncio.to_thread(self._start)

    async def bind_log(self, log_id: str) -> None:
        """See `Sink`."""
        await asyncio.to_thread(self._bind_log, log_id)

    async def rebind_log(self, before: str, after: str, place: Callable[[str, int], Mapping[int, int]]) -> bool:
        """Belong to a copy of the log ``before``, with every position where ``place`` says that the copy has it.

        All together; False where it belongs to ``after`` already, `UserError` where it belongs to a third log.
        """
        return await asyncio.to_thread(self._rebind_log, before, after, place)

    async def position(self, topic: str, partition: int) -> int | None:
        """See `Sink`."""
        return await asyncio.to_thread(self._position, topic, partition)

    async def write(self, records: Sequence[Record]) -> None:
        """See `Sink`. `BrokenStorage` where the disk is full: nothing of the batch is then kept."""
        await asyncio.to_thread(self._write, records)

    async def skip(self, record: Record) -> None:
        """See `Sink`."""
        await asyncio.to_thread(self._skip, record)

    async def close(self) -> None:
        """See `Sink`. Waits for a write under way."""
        await asyncio.to_thread(self._close)

    def _start(self) -> None:
        with self._lock:
            if self._connection is None:
                self._connection = open_writer(self._path, rebuild=rebuild_text)

    def _bind_log(self, log_id: str) -> None:
        with self._lock, index_failures(self._path):
            with transaction(self._open):
                self._open.execute("INSERT INTO about VALUES ('log', ?) ON CONFLICT DO NOTHING", (log_id,))
            bound = str(self._open.execute("SELECT value FROM about WHERE name = 'log'").get)
        if bound != log_id:
            raise UserError(other_log(f"the search index {self._path}", bound, log_id))

    def _rebind_log(self, before: str, after: str, place: Callable[[str, int], Mapping[int, int]]) -> bool:
        with self._lock, index_failures(self._path), transaction(self._open):
            bound = self._open.execute("SELECT value FROM about WHERE name = 'log'").get
            if bound == after:
                return False
            if bound not in {None, before}:
                raise UserError(other_log(f"the search index {self._path}", str(bound), before))
            stand = list(self._open.execute("SELECT topic, next_offset FROM positions"))
            self._open.execute("DELETE FROM positions")
            for topic, offset in stand:
                for partition, there in place(str(topic), int(str(offset))).items():
                    write_position(self._open, str(topic), partition, there)
            self._open.execute("INSERT OR REPLACE INTO about VALUES ('log', ?)", (after,))
        return True

    def _position(self, topic: str, partition: int) -> int | None:
        with self._lock, index_failures(self._path):
            return read_position(self._open, topic, partition)

    def _write(self, records: Sequence[Record]) -> None:
        with self._lock, index_failures(self._path):
            connection = self._open
            decoded = [(record, _event_of(record)) for record in self._new(connection, records)]
            if not decoded:
                return
            with transaction(connection):
                for record, event in decoded:
                    write_event(connection, event, record.value)
                    write_position(connection, record.topic, record.partition, record.offset + 1)

    def _new(self, connection: apsw.Connection, records: Sequence[Record]) -> list[Record]:
        """The records at or beyond their partition's position."""
        places = {(record.topic, record.partition) for record in records}
        positions = {place: read_position(connection, *place) or 0 for place in places}
        return [record for record in records if record.offset >= positions[record.topic, record.partition]]

    def _skip(self, record: Record) -> None:
        with self._lock, index_failures(self._path), transaction(self._open):
            write_position(self._open, record.topic, record.partition, record.offset + 1)

    def _close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @property
    def _open(self) -> apsw.Connection:
        if self._connection is None:
            raise BrokenStorage(f"the search index {self._path} is not open")
        return self._connection


def _event_of(record: Record) -> EntryEvent:
    if record.value is None:
        raise BadInput(f"{record.topic}/{record.partition}/{record.offset} has no value", reason="no-value")
    return decode(record.value, EntryEvent)
