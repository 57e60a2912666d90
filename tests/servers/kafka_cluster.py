"""Several nodes of Apache Kafka on loopback, each broker and controller: what one of them being away means."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.protocol.metadata import MetadataRequest

from tests.servers.kafka import KafkaServer, new_cluster_id
from tests.servers.maven import KAFKA, Artifact

_SMALL: Final = {
    "offsets.topic.replication.factor": "3",
    "default.replication.factor": "3",
    # a leader that moved away while its node was down is called back within moments
    "leader.imbalance.check.interval.seconds": "2",
    "leader.imbalance.per.broker.percentage": "0",
    # a copy that stands still is found out before a test's patience ends
    "replica.lag.time.max.ms": "4000",
    "controller.quorum.election.timeout.ms": "1000",
    "controller.quorum.fetch.timeout.ms": "2000",
}


class KafkaCluster:
    """Nodes by number from 1. The first ``controllers`` of them are controllers as well, all of them brokers.

    With three of three, two nodes that are away leave no controller: nothing is led anew and nobody is told to be
    missing. With one, the first node's staying keeps the cluster able to decide.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 3,
        controllers: int = 3,
        settings: Mapping[str, str] | None = None,
        release: Artifact = KAFKA,
    ) -> None:
        self.nodes = {
            number: KafkaServer(folder / f"node-{number}", settings={**_SMALL, **(settings or {})}, release=release)
            for number in range(1, nodes + 1)
        }
        voters = ",".join(f"{number}@{self.nodes[number].controller}" for number in range(1, controllers + 1))
        for number, node in self.nodes.items():
            also = {} if number <= controllers else _broker_only(node)
            node.join({"node.id": str(number), "controller.quorum.voters": voters, **also})
        self._formatted = False

    @property
    def bootstrap(self) -> str:
        """``host:port`` of every node."""
        return ",".join(node.bootstrap for node in self.nodes.values())

    @property
    def url(self) -> str:
        """What the setting ``broker`` is to be."""
        return f"kafka://{self.bootstrap}"

    def start(self) -> None:
        """Start every node, on the same ports and data as before, and wait until all are taken for alive."""
        if not self._formatted:
            cluster = new_cluster_id()
            _each(self.nodes.values(), lambda node: node.format(cluster))
            self._formatted = True
        _each(self.nodes.values(), KafkaServer.start)
        self.wait_until_whole()

    def stop(self) -> None:
        """End every node at once: a test's end waits for no leader to be handed over."""
        for node in self.nodes.values():
            node.kill()

    def wait_until_whole(self, seconds: float = 90.0) -> None:
        """Wait until every node is alive and every copy of every partition is in step; says what is not."""
        until = time.monotonic() + seconds
        while missing := asyncio.run(self._missing()):
            if time.monotonic() > until:
                logs = "\n".join(f"--- node {number}\n{node.log_end()}" for number, node in self.nodes.items())
                raise RuntimeError(f"the cluster is not whole after {seconds:g} s: {missing}\n{logs}")
            time.sleep(0.1)

    async def described(self) -> dict[str, Any]:
        """Brokers and topics as the first node that answers gives them."""
        client = await self._client()
        try:
            answer = await client.send(client.get_random_node(), MetadataRequest(None))
            described: dict[str, Any] = answer.to_object()
            return described
        finally:
            await client.close()

    async def leader(self, topic: str, partition: int) -> int:
        """The number of the node that leads that partition; -1 where none does."""
        rows = {row["topic"]: row["partitions"] for row in (await self.described())["topics"]}
        return int(next(row["leader"] for row in rows[topic] if row["partition"] == partition))

    async def led_by_others(self) -> list[str]:
        """The partitions that are not led by the first of their copies."""
        return [
            f"{row['topic']}/{one['partition']}"
            for row in (await self.described())["topics"]
            for one in row["partitions"]
            if one["leader"] != one["replicas"][0]
        ]

    async def coordinator(self, group: str) -> int:
        """The number of the node that coordinates that group."""
        client = await self._client()
        try:
            return int(await client.coordinator_lookup(CoordinationType.GROUP, group))
        finally:
            await client.close()

    async def _client(self) -> Any:
        client = AIOKafkaClient(bootstrap_servers=self.bootstrap.split(","))
        await client.bootstrap()
        return client

    async def _missing(self) -> str:
        try:
            described = await self.described()
        except Exception as error:  # noqa: BLE001 - nodes that are coming up refuse in many ways
            return repr(error)
        alive = sorted(row["node_id"] for row in described["brokers"])
        if alive != sorted(self.nodes):
            return f"only {alive} are alive"
        behind = [
            f"{row['topic']}/{one['partition']}"
            for row in described["topics"]
            for one in row["partitions"]
            if set(one["isr"]) != set(one["replicas"]) or one["leader"] < 0
        ]
        return f"not all copies are in step: {behind}" if behind else ""


def _broker_only(node: KafkaServer) -> dict[str, str]:
    address = node.addresses["PLAINTEXT"]
    return {
        "process.roles": "broker",
        "listeners": f"PLAINTEXT://{address}",
        "advertised.listeners": f"PLAINTEXT://{address}",
    }


def _each(nodes: Iterable[KafkaServer], work: Any) -> None:
    with ThreadPoolExecutor() as threads:
        list(threads.map(work, nodes))
