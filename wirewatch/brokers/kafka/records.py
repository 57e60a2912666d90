"""Between our records and Kafka's bytes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.errors import BadInput

_BATCH_HEAD: Final = 61
"""Every batch begins with so many bytes, and a record travels in a batch of its own at worst."""

# what cannot be compressed grows: the client compresses all the same
_ZSTD_FRAME: Final = 32
_ZSTD_BLOCK: Final = 128 << 10
_ZSTD_BLOCK_HEAD: Final = 3


class Encoded:
    """A record as it is sent."""

    __slots__ = ("headers", "key", "size", "value")

    def __init__(self, record: NewRecord) -> None:
        """Raises `BadInput`, reason ``not-utf8``, for half characters."""
        try:
            self.key = record.key.encode()
            self.headers = [(name, text.encode()) for name, text in record.headers.items()]
            _ = [name.encode() for name in record.headers]
        except UnicodeEncodeError as error:
            raise BadInput(f"the record's key or headers are no valid text: {error}", reason="not-utf8") from error
        self.value = record.value
        plain = int(DefaultRecordBatchBuilder.estimate_size_in_bytes(self.key, self.value, self.headers))
        self.size = _BATCH_HEAD + plain + _ZSTD_FRAME + _ZSTD_BLOCK_HEAD * (plain // _ZSTD_BLOCK + 1)

    def require_fits(self, limit: int, record: NewRecord) -> None:
        """`BadInput`, reason ``too-large``, where it is over its topic's limit, should it not shrink."""
        if self.size > limit:
            raise BadInput(
                f"a record of {self.size} bytes for {record.key!r} is over {record.topic}'s limit of {limit} bytes",
                reason="too-large",
            )


def decode(topic: str, partition: int, stored: Any) -> Record:
    """A record as the client gives it, whether in a fetch's batch or from a group's member."""
    return Record(
        topic,
        partition,
        stored.offset,
        "" if stored.key is None else bytes(stored.key).decode("utf-8", "replace"),
        None if stored.value is None else bytes(stored.value),
        {name: "" if text is None else text.decode("utf-8", "replace") for name, text in stored.headers},
        stored.timestamp,
    )


class Unread:
    """What a fetch brought, decoded only as far as it is asked for. ``next_offset`` is what comes next."""

    def __init__(self, topic: str, partition: int, data: bytes, offset: int) -> None:
        self.next_offset = offset
        self.size = len(data)
        self.exhausted = False
        self._held: Record | None = None
        self._records = self._decode(topic, partition, data, offset)

    def take(self, max_records: int, max_bytes: int) -> list[Record]:
        """The next records within both limits, but one at least where there is one."""
        out: list[Record] = []
        left = max_bytes
        while len(out) < max_records:
            record = self._held or next(self._records, None)
            self._held = None
            if record is None:
                self.exhausted = True
                break
            left -= len(record.value or b"")
            if out and left < 0:
                self._held = record
                self.next_offset = record.offset
                break
            out.append(record)
            self.next_offset = record.offset + 1
        return out

    def _decode(self, topic: str, partition: int, data: bytes, offset: int) -> Iterator[Record]:
        batches = MemoryRecords(data)
        while batches.has_next():
            batch = batches.next_batch()
            if not batch.is_control_batch:
                for stored in batch:
                    if stored.offset >= offset:
                        yield decode(topic, partition, stored)
            # what compaction took from the end of a batch leaves a hole behind its last record
            self.next_offset = max(self.next_offset, batch.next_offset)


def end_of(data: bytes, offset: int) -> int:
    """The offset after the last batch of these bytes; nothing is decompressed."""
    batches = MemoryRecords(data)
    while batches.has_next():
        offset = max(offset, batches.next_batch().next_offset)
    return offset
