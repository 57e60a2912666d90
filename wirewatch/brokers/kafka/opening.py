"""How a cluster is connected to, and what must hold before a stage may work on it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from wirewatch.brokers.kafka.address import read_address
from wirewatch.brokers.kafka.broker import KafkaBroker
from wirewatch.brokers.kafka.greeting import greet
from wirewatch.brokers.kafka.topics import Layout
from wirewatch.errors import PassingFault, UserError
from wirewatch.logs import get_logger
from wirewatch.topics import STATE_TOPICS, TOPICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wirewatch.brokers.kafka.address import Address
    from wirewatch.settings import Settings
    from wirewatch.topics import Topic

_log = get_logger("kafka")
_PATIENCE: Final = {"runner": 30.0, "writer": 5.0, "reader": 5.0}
"""So long a cluster that does not answer may be starting."""
_PAUSE: Final = 0.5
_MOST_SHOWN: Final = 3
ALL_TOPICS: Final = (*TOPICS.values(), *STATE_TOPICS.values())


async def open_cluster(
    settings: Settings, *, data_dir: Path, mode: Literal["runner", "writer", "reader"]
) -> KafkaBroker:
    """See `wirewatch.brokers.connect.connect`. A runner refuses a cluster whose topics it cannot work with."""
    # the client says again and again what we say once
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    address = read_address(settings.broker, settings.kafka)
    if settings.kafka.partitions < 1 or settings.kafka.replication < 1:
        raise UserError("[kafka] partitions and replication are 1 or more")
    layout = Layout(settings.kafka.partitions, settings.kafka.replication)
    await _until_greeted(address, _PATIENCE[mode])
    broker = KafkaBroker(address, layout=layout, members=data_dir if mode == "runner" else None)
    try:
        await broker.open()
        await _require_reachable(broker)
        if mode == "runner":
            await require_topics(broker)
    except BaseException:
        await broker.close()
        raise
    return broker


async def require_topics(broker: KafkaBroker, topics: Sequence[Topic] = ALL_TOPICS) -> None:
    """`UserError` names each difference with which no stage can work; the others are logged."""
    differences = await broker.differences(topics)
    for difference in differences:
        if not difference.grave:
            _log.warning("a topic differs from what it should be", difference=difference.text)
    grave = [difference.text for difference in differences if difference.grave]
    if grave:
        more = f"; and {len(grave) - _MOST_SHOWN} more" if len(grave) > _MOST_SHOWN else ""
        raise UserError(
            f"the topics of {broker.link.shown} are not as they must be: {'; '.join(grave[:_MOST_SHOWN])}{more}. "
            "Nothing was started. `wirewatch topics create` makes what is missing, `wirewatch topics check` shows all"
        )


async def _until_greeted(address: Address, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        try:
            return await greet(address)
        except PassingFault as fault:
            if loop.time() + _PAUSE >= until:
                # may pass: whatever started us is to start us again, once the cluster is back after a power cut
                raise PassingFault(f"broker: {fault}; see that Kafka is up there, and the address right") from fault
        await asyncio.sleep(_PAUSE)


async def _require_reachable(broker: KafkaBroker) -> None:
    """A cluster may be reached by one name and name itself by another, which is no use from here."""
    brokers = broker.link.brokers()
    reached = await asyncio.gather(*(broker.link.reaches(node) for node, _ in brokers))
    if brokers and not any(reached):
        shown = ", ".join(shown for _, shown in brokers)
        raise UserError(
            f"broker: {broker.address.shown} answers, and says that its brokers are {shown}, none of which can be "
            "reached from here: set advertised.listeners of the brokers to an address that clients can use"
        )
