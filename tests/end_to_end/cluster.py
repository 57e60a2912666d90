"""The pipeline on real servers: every role in processes of its own, each on a machine of its own as far as it knows."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.end_to_end import ledger
from tests.end_to_end.program import Program, write_settings
from tests.end_to_end.recorded_origin import RecordedOrigin
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_cluster import KafkaCluster
from tests.servers.processes import free_port

PARTS: Mapping[str, Sequence[str]] = {
    "poll": ("poll",),
    "work": ("diff", "enrich"),
    "search": ("search",),
    "alerts": ("match", "notify"),
    "web": ("web",),
}
"""Which roles share a process."""
SESSION = "6s"


class Cluster:
    """Members of each part, by name (``poll-1``); each has a folder, settings and a log of its own.

    ``opensearch`` and ``control`` are addresses: they may be those of something in between that causes trouble.
    """

    def __init__(
        self,
        folder: Path,
        origin: RecordedOrigin,
        *,
        kafka: KafkaServer | KafkaCluster,
        opensearch: str,
        control: str,
        members: int = 2,
        extra: str = "",
        parts: Mapping[str, Sequence[str]] = PARTS,
    ) -> None:
        self.folder = folder
        servers = f'broker = "{kafka.url}"\nsearch = "{opensearch}"\ncontrol = "{control}"'
        tables = f'[kafka]\npartitions = 6\nsession_timeout = "{SESSION}"\n{extra}'
        self.members: dict[str, Program] = {}
        self.web_ports: list[int] = []
        for part, roles in parts.items():
            for number in range(1, members + 1):
                place = folder / f"{part}-{number}"
                place.mkdir()
                port = free_port()
                if part == "web":
                    self.web_ports.append(port)
                write_settings(place, origin, port=port, servers=servers, extra=tables, every="20ms")
                arguments = [word for role in roles for word in ("--role", role)]
                self.members[place.name] = Program(place, *arguments)

    @property
    def settings(self) -> Path:
        """A folder whose settings name the servers."""
        return next(iter(self.members.values())).folder

    def create_topics(self) -> None:
        """What an operator does once."""
        next(iter(self.members.values())).call("topics", "create")

    def start(self) -> None:
        """Start every member. Those that match come first: a search speaks of what was seen after it was made."""
        first = [member for name, member in self.members.items() if name.startswith("alerts")]
        for member in first:
            member.start()
        until = time.monotonic() + 60
        while not all(member.runs() for member in first):
            assert time.monotonic() < until, self.logs()
            time.sleep(0.05)
        for member in self.members.values():
            if member not in first:
                member.start()

    def logs(self) -> str:
        """The last words of each member."""
        return "\n".join(f"--- {name}\n{member.log()[-1500:]}" for name, member in self.members.items())

    def check_alive(self) -> None:
        """Fail with the words of a member that ended of itself."""
        for name, member in self.members.items():
            assert member.alive(), f"{name} ended: {member.log()[-3000:]}"

    def wait_until_done(self, seconds: float) -> None:
        """Wait until nothing was left to do twice in a row; fails, saying what is left, where that takes too long."""
        until = time.monotonic() + seconds
        calm, left = 0, {"start": 1}
        while calm < 2:
            self.check_alive()
            starting = {name: 1 for name, member in self.members.items() if not member.runs()}
            left = starting or asyncio.run(next(iter(self.members.values())).waiting())
            calm = 0 if left else calm + 1
            assert time.monotonic() < until, f"still to do after {seconds:.0f} s: {left}\n{self.logs()}"
            time.sleep(0.3)

    def stop(self) -> float:
        """Ask every member to end, one after the other; the longest that took, in seconds."""
        return max(member.stop() for member in self.members.values())

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        for member in self.members.values():
            member.end()

    def values(self, topic: str) -> list[dict[str, Any]]:
        """Every value of a topic, in order within each partition."""
        records = asyncio.run(ledger.read_topic(self.settings, topic))
        return [json.loads(record.value) for record in records if record.value]


def once(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events as one sees them who keeps their ids: each when it first came."""
    seen: dict[str, dict[str, Any]] = {}
    for event in events:
        seen.setdefault(event["id"], event)
    return list(seen.values())
