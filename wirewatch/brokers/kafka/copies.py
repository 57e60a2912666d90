"""Which copies of a topic's partitions are in step, and what that means: pure, told what the cluster says of itself.

A cluster that has lost most of its controllers says what was true before: its word is weighed against which
brokers answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct


class Partition(Struct, frozen=True):
    """One partition as the cluster describes it, by the brokers' numbers; no leader is -1."""

    number: int
    leader: int
    copies: tuple[int, ...]
    in_step: tuple[int, ...]


def read_partitions(row: Mapping[str, Any]) -> tuple[Partition, ...]:
    """The partitions of one topic in the cluster's answer."""
    return tuple(
        Partition(one["partition"], one["leader"], tuple(one["replicas"]), tuple(one["isr"]))
        for one in sorted(row["partitions"], key=lambda one: int(one["partition"]))
    )


def why_no_records(partitions: Sequence[Partition], least: int, silent: Mapping[int, str]) -> str | None:
    """None, or what keeps a topic from taking records, in words.

    ``least`` copies must have a record before it counts; ``silent`` are the addresses of brokers that do not answer.
    """
    if not partitions:
        return "it has no partitions yet"
    for one in partitions:
        if one.leader < 0:
            return f"partition {one.number} has no leader"
        if one.leader in silent:
            return f"partition {one.number} is led by {silent[one.leader]}, which does not answer"
        if len(one.in_step) < least:
            return f"partition {one.number} has {len(one.in_step)} of the {least} copies in step that it needs"
        answering = [node for node in one.in_step if node not in silent]
        if len(answering) < least:
            away = " nor ".join(sorted(silent[node] for node in one.in_step if node in silent))
            few = f"{len(answering)} of the {least} copies that it needs"
            return f"partition {one.number} has {few}: no answer from {away}"
    return None


def what_is_behind(topics: Mapping[str, Sequence[Partition]], alive: Collection[int]) -> str | None:
    """None, or in words how many partitions have fewer copies in step than they should, and which brokers lack."""
    behind = [
        (f"{name}/{one.number}", set(one.copies) - set(one.in_step))
        for name, partitions in sorted(topics.items())
        for one in partitions
        if set(one.copies) - set(one.in_step)
    ]
    if not behind:
        return None
    lacking = set().union(*(nodes for _, nodes in behind))
    nodes = ", ".join(f"{node} ({'behind' if node in alive else 'away'})" for node in sorted(lacking))
    count = sum(map(len, topics.values()))
    return f"{len(behind)} of {count} partitions have not all their copies in step; the brokers that lack: {nodes}"
