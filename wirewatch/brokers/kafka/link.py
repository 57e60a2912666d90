"""Requests to the cluster by the one that must answer them: a leader, a group's coordinator, the controller, anyone.

Each has bounded retries inside; what is raised is one of our own errors.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aiokafka import errors as kafka
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.structs import TopicPartition

from wirewatch.brokers.kafka.connecting import give_up_connecting_soon
from wirewatch.brokers.kafka.failures import explain, may_pass
from wirewatch.errors import PassingFault

if TYPE_CHECKING:
    from wirewatch.brokers.kafka.address import Address

T = TypeVar("T")
PATIENCE = 15.0
"""Seconds for which a request that may work in a moment is tried again."""
_LONGEST_PAUSE: Final = 1.0
_ANSWER_SECONDS: Final = 5.0
"""So long one broker is asked what any of them can answer."""
_AT_ONCE_SECONDS: Final = 2.0


class Link:
    """The connections of one process to its cluster, but for those of its producer and its groups' members."""

    def __init__(self, address: Address, *, prefix: str = "") -> None:
        self._address = address
        self._prefix = prefix
        self._client: Any = None
        self._closed = False
        self._coordinators: dict[str, int] = {}
        self._answered: int | None = None

    @property
    def shown(self) -> str:
        """The cluster, for people."""
        return f"Kafka at {self._address.shown}"

    def wire_name(self, name: str) -> str:
        """A topic's or group's name on the cluster."""
        return self._prefix + name

    def our_name(self, wire_name: str) -> str:
        """The name without the prefix."""
        return wire_name.removeprefix(self._prefix)

    async def open(self) -> None:
        """Connect. Raises `PassingFault` where no server answers."""
        self._client = AIOKafkaClient(**self._address.options(), client_id="wirewatch")
        give_up_connecting_soon(self._client)
        try:
            await self._client.bootstrap()
        except (kafka.KafkaError, OSError, TimeoutError) as error:
            await self._client.close()
            raise explain(error, self.shown) from error

    async def close(self) -> None:
        """Give the connections back. Safe to call twice."""
        self.shut()
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def shut(self) -> None:
        """Begin nothing more; what is tried again is not."""
        self._closed = True

    def require_open(self) -> None:
        """`PassingFault` once it is closed."""
        if self._closed:
            raise PassingFault(f"the connection to {self.shown} is closed")

    async def patiently(self, work: Callable[[], Awaitable[T]], doing: str, *, seconds: float | None = None) -> T:
        """What ``work`` gives, tried again while it may pass, for so long at most (None: `PATIENCE`)."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + (PATIENCE if seconds is None else seconds), 0.05
        while True:
            self.require_open()
            try:
                async with asyncio.timeout_at(max(until, loop.time() + 1.0)):
                    return await work()
            except (kafka.KafkaError, OSError, TimeoutError) as error:
                if not may_pass(error) or loop.time() + pause >= until:
                    raise explain(error, f"{self.shown}: {doing}") from error
            await self._refresh(until)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _refresh(self, until: float) -> None:
        """Ask again who leads what: that is why most requests fail."""
        self._coordinators.clear()
        try:
            async with asyncio.timeout_at(min(until, asyncio.get_running_loop().time() + _ANSWER_SECONDS)):
                await self._client.force_metadata_update()
        except (kafka.KafkaError, OSError, TimeoutError):
            return  # the next try says so

    # -- one request, no retry

    async def to_any(self, request: Any) -> Any:
        """The answer of any broker, of the one that answered last where it still does."""
        nodes = [node for node, _ in self.brokers()]
        if not nodes:
            raise kafka.KafkaConnectionError("no broker is known")
        node = self._answered if self._answered in nodes else random.choice(nodes)  # noqa: S311 - whom to ask is no secret
        self._answered = None
        async with asyncio.timeout(_ANSWER_SECONDS):  # a machine that went away says nothing; the others do
            answer = await self._client.send(node, request)
        self._answered = node
        return answer

    async def to_node(self, node: int, request: Any, *, apart: bool = False) -> Any:
        """The answer of that broker; ``apart``: on a connection where waiting keeps nobody else waiting."""
        group = ConnectionGroup.COORDINATION if apart else ConnectionGroup.DEFAULT
        return await self._client.send(node, request, group=group)

    async def to_controller(self, request: Any) -> Any:
        """The answer of the controller."""
        controller = self._client.cluster.controller
        return await (self.to_any(request) if controller is None else self.to_node(controller.nodeId, request))

    async def to_coordinator(self, group: str, request: Any) -> Any:
        """The answer of the group's coordinator."""
        node = self._coordinators.get(group)
        if node is None:
            node = await self._client.coordinator_lookup(CoordinationType.GROUP, group)
            self._coordinators[group] = node
        return await self._client.send(node, request)

    def leader(self, topic: str, partition: int) -> int:
        """Who leads the partition; a fault that may pass where nobody does, or it is not known."""
        node = self._client.cluster.leader_for_partition(TopicPartition(self.wire_name(topic), partition))
        if node is None:
            raise kafka.StaleMetadata(f"{topic}/{partition} is not known yet")
        if node == -1:
            raise kafka.LeaderNotAvailableError(f"{topic}/{partition} has no leader now")
        return int(node)

    def by_leader(self, partitions: Mapping[tuple[str, int], T]) -> dict[int, dict[tuple[str, int], T]]:
        """The same, by who leads."""
        out: dict[int, dict[tuple[str, int], T]] = {}
        for place, value in partitions.items():
            out.setdefault(self.leader(*place), {})[place] = value
        return out

    async def metadata(self, *, seconds: float | None = None) -> dict[str, Any]:
        """Brokers, cluster and topics as they are now. Names no topic, so that none is made by asking."""
        answer = await self.patiently(lambda: self.to_any(MetadataRequest(None)), "its topics", seconds=seconds)
        self._client.cluster.update_metadata(answer)
        described: dict[str, Any] = answer.to_object()
        return described

    def brokers(self) -> list[tuple[int, str]]:
        """Each broker's id and address as the cluster gives it to clients."""
        return [(broker.nodeId, f"{broker.host}:{broker.port}") for broker in self._client.cluster.brokers()]

    async def silent(self) -> dict[int, str]:
        """The brokers, by number, that do not answer a question at once though the cluster names them."""
        nodes = [(node, address) for node, address in self.brokers() if node != self._answered]
        answers = await asyncio.gather(*(self._answers(node) for node, _ in nodes))
        return {node: address for (node, address), answered in zip(nodes, answers, strict=True) if not answered}

    async def _answers(self, node: int) -> bool:
        try:
            async with asyncio.timeout(_AT_ONCE_SECONDS):
                await self.to_node(node, MetadataRequest([]))
        except (kafka.KafkaError, OSError, TimeoutError):
            return False
        return True

    async def reaches(self, node: int) -> bool:
        """Whether that broker can be connected to from here."""
        return bool(await self._client.ready(node))
