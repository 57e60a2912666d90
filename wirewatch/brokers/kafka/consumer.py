"""A member of a group on Kafka."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka import errors as kafka
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.structs import TopicPartition

from wirewatch.brokers.interface import UNSETTLED
from wirewatch.brokers.kafka.connecting import give_up_connecting_soon
from wirewatch.brokers.kafka.failures import explain
from wirewatch.brokers.kafka.records import decode
from wirewatch.errors import PassingFault, UserError
from wirewatch.logs import get_logger

if TYPE_CHECKING:
    from wirewatch.brokers.interface import Record
    from wirewatch.brokers.kafka.address import Address
    from wirewatch.brokers.kafka.link import Link
    from wirewatch.brokers.kafka.members import MemberName

_log = get_logger("kafka")
_JOIN_SECONDS: Final = 60.0
_COMMIT_SECONDS: Final = 20.0
_HEARTBEAT_MS: Final = 1_000
"""How soon a member learns that the group divides its partitions anew."""
_HANDOVER_SECONDS: Final = 5.0
"""So long may the records in hand take to be committed before their partitions go to another member."""
_LOOK_SECONDS: Final = 5.0
_AT_ONCE: Final = 16
_FETCH_BYTES: Final = 8 << 20
_PARTITION_BYTES: Final = 1 << 20
_IDLE_MS: Final = 3_600_000
"""A sink that retries for minutes keeps its partitions: a process that froze is found by its heartbeat."""


class KafkaConsumer(ConsumerRebalanceListener):  # type: ignore[misc]  # the client publishes no types
    """`wirewatch.brokers.interface.Consumer` on Kafka.

    Partitions with the same number go to the same member, whatever the topic (range assignment). aiokafka hands
    over eagerly (it has no cooperative protocol): when a member comes or goes, all of the group let go of their
    partitions for a moment. Before that this member waits, up to 5 s, until what its last `poll` gave is committed
    or `poll` is called again. A `commit` for a partition that has gone to another member does nothing: the other
    one reads those records again.
    """

    def __init__(
        self, address: Address, link: Link, group: str, *, topics: Sequence[str], member: MemberName | None
    ) -> None:
        self._link = link
        self._group = group
        self._topics = tuple(topics)
        self._member = member
        self._client: Any = AIOKafkaConsumer(
            **address.options(),
            client_id="wirewatch",
            group_id=link.wire_name(f"wirewatch.{group}"),
            group_instance_id=None if member is None else member.name,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=address.session_ms,
            heartbeat_interval_ms=_HEARTBEAT_MS,
            rebalance_timeout_ms=max(address.session_ms, 10_000),
            max_poll_interval_ms=_IDLE_MS,
            fetch_max_bytes=_FETCH_BYTES,
            max_partition_fetch_bytes=_PARTITION_BYTES,
        )
        give_up_connecting_soon(self._client._client)  # noqa: SLF001 - it is handed out nowhere
        self._held: dict[TopicPartition, deque[Record]] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._in_hand: dict[TopicPartition, int] = {}
        self._let_go = asyncio.Event()
        self._let_go.set()
        self._after: TopicPartition | None = None
        self._looked_at = 0.0
        self._session = address.session_ms / 1000
        self._heard_at = -float("inf")
        self._closed = False

    async def start(self) -> None:
        """Join and wait for partitions. Raises what `explain` says."""
        self._client.subscribe([self._link.wire_name(topic) for topic in self._topics], listener=self)
        try:
            async with asyncio.timeout(_JOIN_SECONDS):
                await self._client.start()
        except (kafka.KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise explain(error, self._doing("joining")) from error
        self._note_heartbeats()

    async def poll(self, *, max_records: int = 256, max_bytes: int = 16 << 20, wait: float = 1.0) -> list[Record]:
        """See `Consumer`. Partitions take turns at being read first."""
        self._require_open()
        self._hand_back(self._in_hand)
        taken: list[Record] = []
        try:
            if not self._held:
                async with asyncio.timeout(max(wait, 0.001)):
                    self._hold(await self._client.getmany(timeout_ms=int(wait * 1000), max_records=1))
            while self._held and len(taken) < max_records:
                await self._fill(max_bytes)
                more = self._take(max_records - len(taken), max_bytes - _size_of(taken), at_least_one=not taken)
                if not more:
                    break
                taken += more
        except TimeoutError:
            pass  # partitions change hands: there is nothing to read meanwhile
        except kafka.KafkaError as error:
            raise explain(error, self._doing("reading")) from error
        if not taken and wait > 0:
            await self._look()
        for record in taken:
            self._in_hand[self._place(record)] = record.offset
        if taken:
            self._let_go.clear()
        return taken

    async def commit(self, after: Sequence[Record]) -> None:
        """See `Consumer`. For partitions that are no longer this member's: nothing, and no failure."""
        self._require_open()
        upto: dict[TopicPartition, int] = {}
        for record in after:
            place = self._place(record)
            upto[place] = max(upto.get(place, 0), record.offset + 1)
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                ours = {place: at for place, at in upto.items() if place in self._client.assignment()}
                await self._learn_committed(ours)
                forward = {place: at for place, at in ours.items() if at > self._committed.get(place, -1)}
                if forward:
                    await self._client.commit(forward)
        except (kafka.CommitFailedError, kafka.IllegalStateError) as error:
            _log.info("partitions went to another member before their commit", group=self._group, reason=str(error))
            return
        except (kafka.KafkaError, OSError, TimeoutError) as error:
            raise explain(error, self._doing("committing")) from error
        self._committed |= forward
        self._hand_back(place for place, at in upto.items() if at > self._in_hand.get(place, -1))

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """See `Consumer`. Raises `UserError` for a partition that is not this member's now."""
        self._require_open()
        place = TopicPartition(self._link.wire_name(topic), partition)
        if place not in self._client.assignment():
            raise UserError(f"{self._group} does not read {topic}/{partition} here")
        self._held.pop(place, None)
        self._client.seek(place, max(0, offset))

    async def assignment(self) -> list[tuple[str, int]]:
        """See `Consumer`."""
        if await self.generation() == UNSETTLED:
            return []
        return sorted((self._link.our_name(place.topic), place.partition) for place in self._client.assignment())

    async def generation(self) -> int:
        """See `Consumer`: the group's own generation."""
        coordinator, subscription = self._client._coordinator, self._client._subscription  # noqa: SLF001 - said nowhere else
        known = coordinator is not None and subscription.subscription is not None
        if self._closed or not known or subscription.reassignment_in_progress:
            return UNSETTLED
        if coordinator.need_rejoin(subscription.subscription) or coordinator.generation < 1:
            return UNSETTLED
        # a process that was stopped must not take its old partitions for its own when it goes on
        if asyncio.get_running_loop().time() - self._heard_at > self._session:
            return UNSETTLED
        return int(coordinator.generation)

    async def close(self) -> None:
        """See `Consumer`. A member with a kept name leaves too: only one that was killed keeps its place."""
        if self._closed:
            return
        self._closed = True
        self._let_go.set()
        coordinator = getattr(self._client, "_coordinator", None)
        if coordinator is not None:
            # with a name the client would stay in the group until its session has run out
            coordinator._group_instance_id = None  # noqa: SLF001 - the client has no other way to leave
        with suppress(kafka.KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(_COMMIT_SECONDS):
                await self._client.stop()
        if self._member is not None:
            self._member.release()

    # -- called by the client when partitions change hands

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - the client's own signature
        """Give what is in hand a moment to be committed; forget what was read ahead."""
        if self._in_hand:
            with suppress(TimeoutError):
                async with asyncio.timeout(_HANDOVER_SECONDS):
                    await self._let_go.wait()
        self._held.clear()
        self._committed.clear()
        self._in_hand.clear()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - as above
        """Nothing is known of them yet: each is read from where the group committed."""
        self._heard_at = asyncio.get_running_loop().time()
        self._held.clear()
        self._committed.clear()

    # -- inside

    def _take(self, max_records: int, max_bytes: int, *, at_least_one: bool) -> list[Record]:
        """What is held, partition by partition, beginning after the one that was served last."""
        taken: list[Record] = []
        for place in self._in_turn(self._held):
            held = self._held[place]
            while held and len(taken) < max_records:
                max_bytes -= len(held[0].value or b"")
                if max_bytes < 0 and (taken or not at_least_one):
                    return taken
                taken.append(held.popleft())
                self._after = place
            if not held:
                del self._held[place]
        return taken

    def _in_turn(self, among: Iterable[TopicPartition]) -> list[TopicPartition]:
        places = sorted(among)
        start = next((n for n, place in enumerate(places) if self._after is not None and place > self._after), 0)
        return places[start:] + places[:start]

    async def _fill(self, max_bytes: int) -> None:
        """Decode a little of every partition that has been fetched: no busy one keeps the others waiting."""
        left = max_bytes - sum(_size_of(held) for held in self._held.values())
        for place in self._in_turn(self._client.assignment()):
            if left <= 0:
                return
            if len(self._held.get(place, ())) < _AT_ONCE:
                left -= self._hold(await self._client.getmany(place, timeout_ms=0, max_records=_AT_ONCE))

    def _hold(self, fetched: dict[TopicPartition, list[Any]]) -> int:
        size = 0
        for place, stored in fetched.items():
            name = self._link.our_name(place.topic)
            records = [decode(name, place.partition, one) for one in stored]
            self._held.setdefault(place, deque()).extend(records)
            size += _size_of(records)
        return size

    def _note_heartbeats(self) -> None:
        """Keep the time of the last heartbeat that the group answered; the client keeps it to itself."""
        coordinator = self._client._coordinator  # noqa: SLF001 - as said
        beat = coordinator._do_heartbeat  # noqa: SLF001 - as said

        async def noted() -> bool:
            sent_at = asyncio.get_running_loop().time()
            answered = bool(await beat())
            if answered:
                self._heard_at = sent_at
            return answered

        coordinator._do_heartbeat = noted  # noqa: SLF001 - as said

    async def _learn_committed(self, places: Iterable[TopicPartition]) -> None:
        """Where the group stands, once for each partition after it was assigned."""
        unknown = [place for place in places if place not in self._committed]
        stand = await asyncio.gather(*(self._client.committed(place) for place in unknown))
        self._committed |= {place: -1 if at is None else at for place, at in zip(unknown, stand, strict=True)}

    async def _look(self) -> None:
        """The client says nothing when its cluster is away: ask now and then. Raises `PassingFault`."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at >= _LOOK_SECONDS:
            await self._link.metadata(seconds=_LOOK_SECONDS)
            self._looked_at = now

    def _hand_back(self, places: Iterable[TopicPartition]) -> None:
        for place in list(places):
            self._in_hand.pop(place, None)
        if not self._in_hand:
            self._let_go.set()

    def _place(self, record: Record) -> TopicPartition:
        return TopicPartition(self._link.wire_name(record.topic), record.partition)

    def _doing(self, what: str) -> str:
        return f"{self._link.shown}: {what} {', '.join(self._topics)} as a member of wirewatch.{self._group}"

    def _require_open(self) -> None:
        if self._closed:
            raise PassingFault(f"this member of {self._group} has left its group")


def _size_of(records: Iterable[Record]) -> int:
    return sum(len(record.value or b"") for record in records)
