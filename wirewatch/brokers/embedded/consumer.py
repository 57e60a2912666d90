"""Consumer groups on the embedded log: each topic's one partition belongs to the group's first member."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, TypeVar

from wirewatch.brokers.embedded import reading
from wirewatch.brokers.interface import ALONE
from wirewatch.errors import PassingFault, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import apsw

    from wirewatch.brokers.embedded.reading import TopicRow
    from wirewatch.brokers.embedded.signals import Signals
    from wirewatch.brokers.embedded.transaction import Transaction
    from wirewatch.brokers.interface import Record

T = TypeVar("T")


class Log(Protocol):
    """What a consumer asks of its broker."""

    signals: Signals

    async def read_with(self, work: Callable[[apsw.Connection], T]) -> T:
        """Do ``work`` on the reading connection, in its thread."""
        ...

    async def write(self, work: Callable[[Transaction], T], *, size: int = 0) -> T:
        """Do ``work`` in one transaction, durable on return."""
        ...


class Groups:
    """Who is in which group, in the order they came."""

    def __init__(self) -> None:
        self._members: dict[tuple[str, str], list[object]] = {}

    def join(self, group: str, topic: str, member: object) -> None:
        """Line up for the topic."""
        self._members.setdefault((group, topic), []).append(member)

    def leave(self, group: str, topic: str, member: object) -> None:
        """Step out; the next in line owns the topic."""
        members = self._members.get((group, topic), [])
        if member in members:
            members.remove(member)

    def owns(self, group: str, topic: str, member: object) -> bool:
        """Whether the member is first in line."""
        members = self._members.get((group, topic), [])
        return bool(members) and members[0] is member


class EmbeddedConsumer:
    """`wirewatch.brokers.interface.Consumer` on the embedded log."""

    def __init__(self, log: Log, groups: Groups, group: str, topics: Mapping[str, TopicRow]) -> None:
        self._log = log
        self._groups = groups
        self._group = group
        self._topics = dict(topics)
        self._positions: dict[str, int] = {}
        self._turn = 0
        self._closed = False
        for topic in self._topics:
            groups.join(group, topic, self)

    async def poll(self, *, max_records: int = 256, max_bytes: int = 16 << 20, wait: float = 1.0) -> list[Record]:
        """See `Consumer`. Topics take turns at being read first."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        names = list(self._topics)
        while True:
            self._require_open()
            await self._take_positions()
            seen = self._log.signals.seen(names)
            records = await self._log.read_with(lambda conn: self._read(conn, max_records, max_bytes))
            for record in records:
                self._positions[record.topic] = record.offset + 1
            left = until - loop.time()
            if records or left <= 0:
                return records
            # a member in waiting looks again now and then: the one before it may have left
            await self._log.signals.wait(names, seen, min(left, 1.0))

    async def commit(self, after: Sequence[Record]) -> None:
        """See `Consumer`."""
        self._require_open()
        upto: dict[str, int] = {}
        for record in after:
            upto[record.topic] = max(upto.get(record.topic, 0), record.offset + 1)
        if not upto:
            return

        def work(transaction: Transaction) -> None:
            for name, offset in upto.items():
                transaction.commit_offset(self._group, self._topics[name], offset)

        await self._log.write(work)

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """See `Consumer`."""
        self._require_open()
        if topic not in self._topics or partition != 0:
            raise UserError(f"{self._group} does not read {topic}/{partition}")
        self._positions[topic] = max(0, offset)

    async def assignment(self) -> list[tuple[str, int]]:
        """See `Consumer`."""
        return [(topic, 0) for topic in self._topics if self._groups.owns(self._group, topic, self)]

    async def generation(self) -> int:
        """See `Consumer`: the log has one runner."""
        return ALONE

    async def close(self) -> None:
        """See `Consumer`."""
        self._closed = True
        for topic in self._topics:
            self._groups.leave(self._group, topic, self)

    def _require_open(self) -> None:
        if self._closed:
            raise PassingFault(f"this member of {self._group} has left its group")

    async def _take_positions(self) -> None:
        for name, row in self._topics.items():
            if not self._groups.owns(self._group, name, self):
                self._positions.pop(name, None)
            elif name not in self._positions:
                stands = await self._log.read_with(
                    lambda conn, row=row: reading.read_committed(conn, self._group, row)  # type: ignore[misc]
                )
                self._positions[name] = stands or 0

    def _read(self, conn: apsw.Connection, max_records: int, max_bytes: int) -> list[Record]:
        names = list(self._positions)
        if not names:
            return []
        self._turn += 1
        start = self._turn % len(names)
        records: list[Record] = []
        left_bytes = max_bytes
        for name in names[start:] + names[:start]:
            if len(records) >= max_records or (records and left_bytes <= 0):
                break
            more = reading.read_records(
                conn,
                self._topics[name],
                self._positions[name],
                max_records=max_records - len(records),
                max_bytes=left_bytes,
            )
            left_bytes -= sum(len(record.value or b"") for record in more)
            records += more
        return records
