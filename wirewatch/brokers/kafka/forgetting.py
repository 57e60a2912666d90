"""Letting a stage forget what it keeps of one key: for a state that nobody can read, which holds up all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirewatch.brokers.interface import NewRecord
from wirewatch.brokers.kafka.growing import members_of
from wirewatch.brokers.kept_state import KeptState, pack_state
from wirewatch.brokers.partitioning import partition_for
from wirewatch.errors import UserError
from wirewatch.topics import STATE_TOPICS

if TYPE_CHECKING:
    from wirewatch.brokers.kafka.broker import KafkaBroker

_OLDEST = 1
"""Nothing at all is brought forward from any version."""


async def forget_state(broker: KafkaBroker, stage: str, key: str) -> None:
    """Put nothing in the place of what the stage keeps of the key: an empty value, which unlike none is recovered.

    Raises `UserError` where nothing is kept, or the stage is at work: it would write over it what it has at hand.
    """
    topic = STATE_TOPICS[stage].name
    members = await members_of(broker, stage)
    if members:
        raise UserError(
            f"{stage} has {members} members at work: stop every wirewatch that runs {stage} first "
            "(those that were killed are gone after [kafka] session_timeout)"
        )
    if key not in await broker.latest(topic, [partition_for(key, broker.partitions(topic))]):
        raise UserError(f"{topic} keeps nothing of {key!r}")
    await broker.publish([NewRecord(topic, key, pack_state(KeptState(_OLDEST, b"")), {})])
