"""Putting a group at a place of the log, before it has members: for moving a pipeline onto a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiokafka import errors as kafka
from aiokafka.protocol.commit import OffsetCommitRequest

from wirewatch.errors import UserError

if TYPE_CHECKING:
    from wirewatch.brokers.kafka.link import Link


async def place_group(link: Link, group: str, places: Mapping[tuple[str, int], int]) -> None:
    """Let the group read on from these offsets by (topic, partition); durable on return.

    Raises `UserError` where the group has members now, `PassingFault` where the cluster is away.
    """
    name = link.wire_name(f"wirewatch.{group}")
    by_topic: dict[str, list[tuple[int, int, str]]] = {}
    for (topic, partition), offset in sorted(places.items()):
        by_topic.setdefault(link.wire_name(topic), []).append((partition, offset, ""))
    # of no generation and no member: a group that has some refuses it
    request = OffsetCommitRequest(name, -1, "", -1, list(by_topic.items()))

    async def work() -> None:
        answer = await link.to_coordinator(name, request)
        for _, partitions in answer.topics:
            for _, code in partitions:
                error = kafka.for_code(code)
                if error in {kafka.UnknownMemberIdError, kafka.IllegalGenerationError, kafka.RebalanceInProgressError}:
                    raise UserError(f"{link.shown}: {name} has members now; stop every wirewatch on the cluster first")
                if error is not kafka.NoError:
                    raise error

    await link.patiently(work, f"putting {name} at its place")
