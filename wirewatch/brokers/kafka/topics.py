"""The topics as they are on the cluster, and how they should be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from aiokafka import errors as kafka
from aiokafka.admin.config_resource import ConfigResourceType
from aiokafka.protocol.admin import CreateTopicsRequest, DescribeConfigsRequest
from msgspec import Struct

from wirewatch.brokers.kafka.copies import Partition, read_partitions, what_is_behind, why_no_records
from wirewatch.errors import PassingFault, UserError

if TYPE_CHECKING:
    from wirewatch.brokers.kafka.link import Link
    from wirewatch.topics import Topic

_CREATE_MS: Final = 20_000
_AUTO_CREATE: Final = "auto.create.topics.enable"
_LEAST_IN_STEP: Final = "min.insync.replicas"
_GROUPS: Final = "__consumer_offsets"
_ANSWER_SECONDS: Final = 3.0
"""A broker that does not say its settings in so long is not there."""


class Layout(Struct, frozen=True):
    """How topics are laid out here. ``partitions`` None: as each topic's own declaration says."""

    partitions: int | None = None
    replication: int = 1

    def partitions_of(self, topic: Topic) -> int:
        """How many partitions the topic is to have."""
        return topic.partitions if self.partitions is None else self.partitions

    def settings_of(self, topic: Topic) -> dict[str, str]:
        """The topic's settings on the cluster."""
        return {
            "cleanup.policy": "compact" if topic.compacted else "delete",
            "retention.ms": "-1" if topic.retention_ms is None else str(topic.retention_ms),
            "max.message.bytes": str(topic.max_message_bytes),
            "message.timestamp.type": "LogAppendTime",
            # with three copies one broker may be away and what is acknowledged still stands on two
            _LEAST_IN_STEP: str(max(1, self.replication - 1)),
            "compression.type": "producer",
        }


NOBODY: Final[Mapping[int, str]] = {}


class Found(Struct, frozen=True):
    """A topic as it is: how many partitions, how often each is kept, its settings, where its copies stand."""

    partitions: int
    replication: int
    settings: Mapping[str, str]
    copies: tuple[Partition, ...] = ()

    def why_no_records(self, silent: Mapping[int, str] = NOBODY) -> str | None:
        """None, or what keeps it from taking records, in words, where those brokers (by number) do not answer."""
        return why_no_records(self.copies, int(self.settings.get(_LEAST_IN_STEP, "1")), silent)

    @property
    def max_message_bytes(self) -> int:
        """The largest record that it takes."""
        said = self.settings.get("max.message.bytes", "")
        return int(said) if said.isdecimal() else 1 << 20


class Difference(Struct, frozen=True):
    """One difference, in words. With a ``grave`` one no stage can work; the others are the operator's choice."""

    text: str
    grave: bool = True


def decide_differences(topic: Topic, layout: Layout, found: Found | None) -> list[Difference]:
    """How a topic differs from what it should be. Pure."""
    name = topic.name
    if found is None:
        return [Difference(f"{name} does not exist; create it with `wirewatch topics create`")]
    out: list[Difference] = []
    due = layout.partitions_of(topic)
    if found.partitions != due:
        mend = f"`wirewatch topics grow {due}` adds some"
        if found.partitions > due:
            mend = f"set that to {found.partitions}, for a topic never has fewer"
        out.append(Difference(f"{name} has {found.partitions} partitions, not {due} ([kafka] partitions); {mend}"))
    if found.replication < layout.replication:
        text = f"{name} is kept {found.replication} times, not {layout.replication} ([kafka] replication)"
        out.append(Difference(text, grave=False))
    return out + _setting_differences(topic, layout.settings_of(topic), found.settings)


def _setting_differences(topic: Topic, due: Mapping[str, str], found: Mapping[str, str]) -> list[Difference]:
    name = topic.name

    def said(setting: str) -> str:
        return found.get(setting, due[setting])

    out: list[Difference] = []
    if said("cleanup.policy") != due["cleanup.policy"]:
        kept = "the newest value of each key" if topic.compacted else "records for a time"
        out.append(
            Difference(
                f"{name}: cleanup.policy is {said('cleanup.policy')}, not {due['cleanup.policy']} (it keeps {kept}; "
                f"retention_ms is to be {topic.retention_ms})"
            )
        )
    elif not topic.compacted and said("retention.ms") != due["retention.ms"]:
        text = f"{name}: retention_ms is {said('retention.ms')}, not {topic.retention_ms} (retention.ms)"
        out.append(Difference(text, grave=False))
    if _smaller(said("max.message.bytes"), topic.max_message_bytes):
        out.append(
            Difference(f"{name}: max.message.bytes is {said('max.message.bytes')}, not {topic.max_message_bytes}")
        )
    if said("message.timestamp.type") != "LogAppendTime":
        out.append(Difference(f"{name}: message.timestamp.type is {said('message.timestamp.type')}, not LogAppendTime"))
    least = due[_LEAST_IN_STEP]
    if _smaller(said(_LEAST_IN_STEP), int(least)):
        text = f"{name}: {_LEAST_IN_STEP} is {said(_LEAST_IN_STEP)}, not {least}"
        out.append(Difference(text, grave=False))
    return out


def _smaller(text: str, due: int) -> bool:
    return text.isdecimal() and int(text) < due


class Topics:
    """What is known of the cluster's topics, looked up when asked for."""

    def __init__(self, link: Link, layout: Layout) -> None:
        self._link = link
        self.layout = layout
        self._found: dict[str, Found] = {}
        self._groups: Found | None = None

    def known(self, name: str) -> Found | None:
        """The topic as it was when last looked at."""
        return self._found.get(name)

    async def find(self, name: str) -> Found:
        """The topic, looked at anew where it is not known. `UserError` where there is none."""
        if name not in self._found:
            await self.look()
        if name not in self._found:
            raise UserError(f"there is no topic {name} here; `wirewatch topics create` makes what is missing")
        return self._found[name]

    async def look(self, *, seconds: float | None = None) -> None:
        """Look at all topics anew."""
        described = await self._link.metadata(seconds=seconds)
        ours = {
            self._link.our_name(row["topic"]): row
            for row in described["topics"]
            if row["topic"].startswith(self._link.wire_name("")) and not row["is_internal"]
        }
        settings = await self._settings([(ConfigResourceType.TOPIC, self._link.wire_name(name)) for name in ours])
        self._found = {name: _found(row, settings.get(self._link.wire_name(name), {})) for name, row in ours.items()}
        groups = next((row for row in described["topics"] if row["topic"] == _GROUPS), None)
        self._groups = None if groups is None else _found(groups, {})

    def names(self) -> list[str]:
        """The topics there are."""
        return sorted(self._found)

    def why_no_records(self, silent: Mapping[int, str] = NOBODY) -> str | None:
        """None, or what keeps one of the topics from taking records, in words, as they were when last looked at."""
        held = dict(sorted(self._found.items())) | ({} if self._groups is None else {_GROUPS: self._groups})
        for name, found in held.items():
            if (why := found.why_no_records(silent)) is not None:
                return f"{name}: {why}"
        return None

    async def create(self, topics: Sequence[Topic]) -> list[str]:
        """Create what is missing; the names. Two at once do no harm. Raises `UserError` where the cluster refuses."""
        await self.look()
        missing = [topic for topic in topics if topic.name not in self._found]
        if not missing:
            return []
        rows: list[tuple[Any, ...]] = [
            (
                self._link.wire_name(topic.name),
                self.layout.partitions_of(topic),
                self.layout.replication,
                [],
                list(self.layout.settings_of(topic).items()),
            )
            for topic in missing
        ]
        request = CreateTopicsRequest(rows, _CREATE_MS, False)  # noqa: FBT003 - the client's own order
        answer = await self._link.patiently(lambda: self._link.to_controller(request), "creating topics")
        created: list[str] = []
        for wire_name, code, *message in answer.topic_errors:
            if code == kafka.TopicAlreadyExistsError.errno:
                continue  # somebody else was quicker
            if code:
                raise _refused(f"topic {self._link.our_name(wire_name)} cannot be created", code, message)
            created.append(self._link.our_name(wire_name))
        await self._until_seen([topic.name for topic in missing])
        return created

    async def _until_seen(self, names: Iterable[str]) -> None:
        """A topic is made before every broker says so, and before it has leaders."""

        async def work() -> None:
            await self.look()
            for name in names:
                found = self._found.get(name)
                if found is None or found.why_no_records() is not None:
                    raise kafka.LeaderNotAvailableError(name)

        await self._link.patiently(work, "waiting for new topics")

    async def differences(self, topics: Sequence[Topic]) -> list[Difference]:
        """How the topics, their copies and the brokers differ from what should be."""
        await self.look()
        out = [line for topic in topics for line in decide_differences(topic, self.layout, self._found.get(topic.name))]
        silent: dict[int, str] = {}
        asked = [self._differences_of(node, address, silent) for node, address in self._link.brokers()]
        others = [text for texts in await asyncio.gather(*asked) for text in texts]
        held = {topic.name: self._found[topic.name] for topic in topics if topic.name in self._found}
        if self._groups is not None:
            held[_GROUPS] = self._groups
            if self._groups.replication < self.layout.replication:
                others.append(
                    f"{_GROUPS} is kept {self._groups.replication} times, not {self.layout.replication}: it holds "
                    "where every stage stands (offsets.topic.replication.factor is how often the brokers make it)"
                )
        for name, found in held.items():
            if (why := found.why_no_records(silent)) is not None:
                others.append(f"{name} takes no records now: {why}")
        alive = {node for node, _ in self._link.brokers()} - set(silent)
        behind = what_is_behind({name: found.copies for name, found in held.items()}, alive)
        return out + [Difference(text, grave=False) for text in (*others, *([behind] if behind else []))]

    async def _differences_of(self, node: int, address: str, silent: dict[int, str]) -> list[str]:
        """What is to be said of one broker; one that does not answer is noted in ``silent`` too."""
        resource = (ConfigResourceType.BROKER, str(node))
        try:
            settings = await self._settings([resource], node=node, seconds=_ANSWER_SECONDS)
        except PassingFault:
            silent[node] = address
            return [f"broker {address} does not answer"]
        if settings.get(str(node), {}).get(_AUTO_CREATE) == "true":
            return [f"broker {address} has {_AUTO_CREATE} on: a misspelt name makes a topic; set it to false"]
        return []

    async def _settings(
        self, resources: Sequence[tuple[Any, str]], *, node: int | None = None, seconds: float | None = None
    ) -> dict[str, dict[str, str]]:
        """The settings of each, by name; none of one that may not be read."""
        if not resources:
            return {}
        request = DescribeConfigsRequest([(int(kind), name, None) for kind, name in resources], False)  # noqa: FBT003 - the client's own order

        async def work() -> Any:
            return await (self._link.to_any(request) if node is None else self._link.to_node(node, request))

        answer = await self._link.patiently(work, "the settings of its topics", seconds=seconds)
        out: dict[str, dict[str, str]] = {}
        for code, _, _, name, entries in answer.resources:
            if code == 0:
                out[name] = {entry[0]: entry[1] for entry in entries if entry[1] is not None}
        return out


def _found(row: Mapping[str, Any], settings: Mapping[str, str]) -> Found:
    partitions = read_partitions(row)
    replication = min((len(one.copies) for one in partitions), default=0)
    return Found(len(partitions), replication, settings, partitions)


def _refused(doing: str, code: int, message: Sequence[str | None]) -> UserError | PassingFault:
    error = kafka.for_code(code)
    said = next((text for text in message if text), error.description or error.__name__)
    if error.retriable:
        return PassingFault(f"{doing}: {said}")
    return UserError(f"{doing}: {said}")
