"""The Kafka broker: `wirewatch.brokers.interface.Broker` on a cluster."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiokafka import errors as kafka
from aiokafka.protocol.commit import OffsetFetchRequest

from wirewatch.brokers.interface import Bounds, NewRecord, Record
from wirewatch.brokers.kafka.consumer import KafkaConsumer
from wirewatch.brokers.kafka.link import Link
from wirewatch.brokers.kafka.members import take_member_name
from wirewatch.brokers.kafka.placing import place_group
from wirewatch.brokers.kafka.publishing import Publishing, ToSend
from wirewatch.brokers.kafka.reading import Reading
from wirewatch.brokers.kafka.records import Encoded
from wirewatch.brokers.kafka.topics import Difference, Found, Layout, Topics
from wirewatch.brokers.kept_state import unpack_state
from wirewatch.brokers.partitioning import partition_for
from wirewatch.errors import BrokenStorage, PassingFault, UserError, WirewatchError
from wirewatch.topics import STATE_TOPICS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from wirewatch.brokers.kafka.address import Address
    from wirewatch.topics import Topic

_HEALTH_SECONDS: Final = 5.0


class KafkaBroker:
    """Made by `wirewatch.brokers.kafka.opening`, used from one event loop.

    ``members`` is the folder where the names of this process's group members are kept; None: they have none, and
    a killed one is missed for a whole session. ``prefix`` stands before every topic's and group's name on the
    cluster, and nowhere else: several pipelines may share one.
    """

    def __init__(
        self, address: Address, *, layout: Layout | None = None, members: Path | None = None, prefix: str = ""
    ) -> None:
        self.address = address
        self.link = Link(address, prefix=prefix)
        self.topics = Topics(self.link, layout or Layout())
        self._members = members
        self._publishing = Publishing(address)
        self._reading = Reading(self.link)
        self._consumers: list[KafkaConsumer] = []
        self._known: set[str] = set()
        self._began: dict[str, int] = {}
        self._closed = False

    async def open(self) -> None:
        """Connect and look at the topics. Raises `PassingFault` where nobody answers."""
        await self.link.open()
        await self.topics.look()
        self._known.update(self.topics.names())
        self._began = {name: self.partitions(name) for name in self.topics.names()}

    # -- topics

    async def create_topics(self, topics: Sequence[Topic]) -> list[str]:
        """See `Broker`. Raises `UserError` where the cluster refuses."""
        self._require_open()
        created = await self.topics.create(topics)
        self._known.update(self.topics.names())
        return created

    async def check_topics(self, topics: Sequence[Topic]) -> list[str]:
        """See `Broker`. Says too where the cluster itself would make topics of its own accord."""
        return [difference.text for difference in await self.differences(topics)]

    async def differences(self, topics: Sequence[Topic]) -> list[Difference]:
        """The same, with how grave each is."""
        self._require_open()
        return await self.topics.differences(topics)

    async def log_id(self) -> str:
        """See `Broker`: the cluster's own id, and the prefix where there is one."""
        self._require_open()
        described = await self.link.metadata()
        prefix = self.link.wire_name("")
        return f"{described['cluster_id']}/{prefix}" if prefix else str(described["cluster_id"])

    def partitions(self, topic: str) -> int:
        """See `Broker`. Raises `UserError` for a topic that was not there when topics were last looked at."""
        found = self.topics.known(topic)
        if found is None:
            raise UserError(f"there is no topic {topic} here; `wirewatch topics create` makes what is missing")
        return found.partitions

    # -- records

    async def publish(self, records: Sequence[NewRecord]) -> list[Record]:
        """See `Broker`. Not all or none: after a `PassingFault` some may have been written."""
        self._require_open()
        return await self.append_to([(record, None) for record in records])

    async def append_to(self, placed: Sequence[tuple[NewRecord, int | None]]) -> list[Record]:
        """`publish`, into a partition of the caller's choice where one is named; only growth names one."""
        self._require_open()
        to_send: list[ToSend] = []
        for record, partition in placed:
            encoded, found = Encoded(record), await self._find(record.topic)
            encoded.require_fits(found.max_message_bytes, record)
            place = partition_for(record.key, found.partitions) if partition is None else partition
            to_send.append(ToSend(self.link.wire_name(record.topic), place, encoded))
        places = await self._publishing.publish(to_send)
        return [
            Record(record.topic, sent.partition, offset, record.key, record.value, record.headers, timestamp_ms)
            for (record, _), sent, (offset, timestamp_ms) in zip(placed, to_send, places, strict=True)
        ]

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
        """See `Broker`. However many reads wait, they share one request to each broker."""
        await self._require_partition(topic, partition)
        return await self._reading.read(
            (topic, partition), max(0, offset), max_records=max_records, max_bytes=max_bytes, wait=wait
        )

    async def bounds(self, topic: str, partition: int) -> Bounds:
        """See `Broker`."""
        await self._require_partition(topic, partition)
        return await self._reading.bounds((topic, partition))

    async def offset_at(self, topic: str, partition: int, timestamp_ms: int) -> int:
        """See `Broker`."""
        await self._require_partition(topic, partition)
        return await self._reading.offset_at((topic, partition), timestamp_ms)

    async def latest(self, topic: str, partitions: Collection[int] | None = None) -> dict[str, Record]:
        """See `Broker`. Reads them to their ends, several side by side."""
        self._require_open()
        count = (await self._find(topic)).partitions
        return await self._reading.latest(topic, range(count) if partitions is None else partitions, count)

    # -- groups and state

    async def consumer(self, group: str, topics: Sequence[str]) -> KafkaConsumer:
        """See `Broker`. The group's name on the cluster is ``wirewatch.<group>``."""
        self._require_open()
        for topic in topics:
            await self._find(topic)
        member = None if self._members is None else take_member_name(self._members, group)
        consumer = KafkaConsumer(self.address, self.link, group, topics=topics, member=member)
        self._consumers.append(consumer)
        try:
            await consumer.start()
        except WirewatchError:
            self._consumers.remove(consumer)  # it has closed itself; who asked may ask again
            raise
        return consumer

    async def committed(self, group: str, topic: str, partition: int) -> int | None:
        """See `Broker`."""
        await self._require_partition(topic, partition)
        name = self.link.wire_name(f"wirewatch.{group}")
        request = OffsetFetchRequest(name, [(self.link.wire_name(topic), [partition])])

        async def work() -> int:
            answer = await self.link.to_coordinator(name, request)
            whole = kafka.for_code(getattr(answer, "error_code", 0))  # then no partition is answered for
            if whole is not kafka.NoError:
                raise whole
            _, offset, _, code = answer.topics[0][1][0]
            error = kafka.for_code(code)
            if error is not kafka.NoError:
                raise error
            return int(offset)

        offset = await self.link.patiently(work, f"where {name} stands on {topic}/{partition}")
        return offset if offset >= 0 else None

    async def place_group(self, group: str, places: Mapping[tuple[str, int], int]) -> None:
        """Let a group without members read on from these offsets. Raises `UserError` where it has some."""
        self._require_open()
        await place_group(self.link, group, places)

    async def read_state(self, stage: str, key: str) -> bytes | None:
        """See `Broker`. Reads the key's whole partition of the state's topic: for people who look, not for stages."""
        self._require_open()
        topic = STATE_TOPICS.get(stage)
        found = None if topic is None else self.topics.known(topic.name)
        if topic is None or found is None:
            return None
        place = (topic.name, partition_for(key, found.partitions))
        bounds = await self._reading.bounds(place)
        offset, value = bounds.earliest, None
        while offset < bounds.end:
            records = await self._reading.read(place, offset, max_records=1024, max_bytes=16 << 20, wait=0.0)
            if not records:
                break
            for record in records:
                if record.key == key:
                    value = record.value
            offset = records[-1].offset + 1
        return None if value is None else unpack_state(value, where=f"{topic.name}, {key!r}").data

    # -- life

    async def healthy(self) -> str | None:
        """See `Broker`. Whether every topic has its leaders, and enough copies in step to take records."""
        if self._closed:
            return f"the connection to {self.link.shown} is closed"
        try:
            await self.topics.look(seconds=_HEALTH_SECONDS)
            # a cluster that has lost its controllers goes on saying what was true before
            return self.topics.why_no_records(await self.link.silent()) or self._grown()
        except WirewatchError as error:
            return str(error)

    def _grown(self) -> str | None:
        """Topics that were given partitions since this process began: who is in no group goes on without those."""
        for name, began in self._began.items():
            found = self.topics.known(name)
            if found is not None and found.partitions != began:
                return (
                    f"{name} has {found.partitions} partitions by now and had {began} when this process began, which "
                    "may not read the others: start it again"
                )
        return None

    async def close(self) -> None:
        """See `Broker`. Members that were not closed leave their groups."""
        if self._closed:
            return
        self._closed = True
        self.link.shut()
        await asyncio.gather(*(consumer.close() for consumer in self._consumers))
        await self._reading.close()
        await self._publishing.close()
        await self.link.close()

    def _require_open(self) -> None:
        if self._closed:
            raise PassingFault(f"the connection to {self.link.shown} is closed")

    async def _find(self, name: str) -> Found:
        """The topic. `UserError` where there never was one, `BrokenStorage` where it has gone under our feet."""
        try:
            found = await self.topics.find(name)
        except UserError:
            if name in self._known:
                raise BrokenStorage(
                    f"{self.link.shown}: topic {name} was there and is gone; who deleted it? "
                    "What it held is lost; `wirewatch topics create` makes an empty one"
                ) from None
            raise
        self._known.add(name)
        return found

    async def _require_partition(self, topic: str, partition: int) -> None:
        self._require_open()
        found = await self._find(topic)
        if not 0 <= partition < found.partitions:
            raise UserError(f"{topic} has partitions 0 to {found.partitions - 1}; there is no partition {partition}")
