"""Apache Kafka in KRaft mode: one node that is broker and controller, on loopback, in a folder of its own."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient

from tests.servers.maven import KAFKA, Artifact, jars, java
from tests.servers.processes import Server, ServerProcess, free_ports

# quick to start and small: it serves tests, often two or three servers beside each other on two cores
_JVM: Final = ("-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_TOOLS: Final = ("-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

# for a server that no test kills: a machine that is busy for some seconds does not cost it its leaders
STEADY: Final = {"broker.session.timeout.ms": "18000", "broker.heartbeat.interval.ms": "2000"}


@dataclass(frozen=True)
class Listener:
    """A further listener. ``protocol`` is SSL, SASL_SSL, SASL_PLAINTEXT; ``settings`` are Kafka's, without prefix."""

    protocol: str
    settings: Mapping[str, str] = field(default_factory=dict)


class KafkaServer(Server):
    """A Kafka cluster of one. Made stopped; `start` formats its folder at first. Ports and data outlive a restart.

    ``listeners`` are opened beside the plain one, each on a port of its own (`addresses`, by protocol).
    ``scram`` are users by name with their passwords; ``settings`` go into server.properties as they are.
    """

    def __init__(
        self,
        folder: Path,
        *,
        listeners: Sequence[Listener] = (),
        scram: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        release: Artifact = KAFKA,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        plain, controller, *more = free_ports(2 + len(listeners))
        self.controller = f"127.0.0.1:{controller}"
        self._scram = dict(scram or {})
        self.addresses = {"PLAINTEXT": f"127.0.0.1:{plain}"}
        for listener, port in zip(listeners, more, strict=True):
            self.addresses[listener.protocol] = f"127.0.0.1:{port}"
        self._properties = folder / "server.properties"
        self._settings = {**self._base(), **_listener_settings(listeners), **(settings or {})}
        classes = ["-cp", jars(release)]
        self._tool = [java(), *_TOOLS, *classes]
        command = [java(), *_JVM, *classes, "kafka.Kafka", str(self._properties)]
        super().__init__(ServerProcess("Kafka", command, port=plain, log=folder / "log", cwd=folder))

    @property
    def bootstrap(self) -> str:
        """``host:port`` of the plain listener."""
        return self.addresses["PLAINTEXT"]

    @property
    def url(self) -> str:
        """What the setting ``broker`` is to be."""
        return f"kafka://{self.bootstrap}"

    def join(self, settings: Mapping[str, str]) -> None:
        """Let it be one node of several, as these further settings say; before its first start."""
        del self._settings["controller.quorum.bootstrap.servers"]
        self._settings.update(settings)

    def format(self, cluster: str = "") -> None:
        """Make its folder ready for its first start, in a cluster with that id (without: one of its own)."""
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in self._settings.items()))
        scram = [
            option
            for user, password in self._scram.items()
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for option in ("-S", f"{mechanism}=[name={user},password={password}]")
        ]
        alone = [] if cluster else ["--standalone"]
        command = [*self._tool, "kafka.tools.StorageTool", "format", *alone, "-t", cluster or new_cluster_id()]
        ended = subprocess.run(
            [*command, "-c", str(self._properties), *scram], capture_output=True, text=True, check=False
        )
        if ended.returncode != 0:
            raise RuntimeError(f"Kafka's folder could not be formatted:\n{ended.stdout}{ended.stderr}")

    def start(self) -> None:
        """Start, on the same ports and data as before, and wait until it answers."""
        if not (self.folder / "data").exists():
            self.format()
        super().start()

    async def empty(self) -> None:
        """Delete every topic of wirewatch, and with them what groups committed: a bare cluster in a moment.

        Members that were killed stay in their groups until their session has run out.
        """
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            ours = [topic for topic in await admin.list_topics() if not topic.startswith("__")]
            if ours:
                await admin.delete_topics(ours)
        finally:
            await admin.close()

    def _base(self) -> dict[str, str]:
        opened = {**self.addresses, "CONTROLLER": self.controller}
        names = ",".join(f"{name}:{name}" for name in self.addresses)
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": self.controller,
            "listeners": ",".join(f"{name}://{address}" for name, address in opened.items()),
            "advertised.listeners": ",".join(f"{name}://{address}" for name, address in self.addresses.items()),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": f"CONTROLLER:PLAINTEXT,{names}",
            "log.dirs": str(self.folder / "data"),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "auto.create.topics.enable": "false",
            "log.cleaner.dedupe.buffer.size": "2097152",
            "file.delete.delay.ms": "1000",
            # a killed node comes back only when its own last registration has run out
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
        }


def new_cluster_id() -> str:
    """An id as Kafka wants it."""
    return base64.urlsafe_b64encode(b"w" + os.urandom(15)).decode().rstrip("=")


def _listener_settings(listeners: Sequence[Listener]) -> dict[str, str]:
    return {
        f"listener.name.{listener.protocol.lower()}.{key}": value
        for listener in listeners
        for key, value in listener.settings.items()
    }
