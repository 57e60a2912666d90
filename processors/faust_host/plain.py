"""A stage as a plain ``faust`` worker: ``faust -A processors.faust_host.diff worker``.

The settings come from ``wirewatch.toml`` in this folder, or the file that ``WIREWATCH_CONFIG`` names, and the
environment, as for every command of wirewatch. Metrics and probes are served only by ``wirewatch run``.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from processors.faust_host.host import checked_partitions, plan_for
from processors.faust_host.worker import Worker
from wirewatch.brokers.connect import connect
from wirewatch.brokers.embedded.threads import WorkerThread
from wirewatch.brokers.kafka.address import is_kafka
from wirewatch.brokers.kafka.broker import KafkaBroker
from wirewatch.brokers.kafka.members import MemberName, take_member_name
from wirewatch.errors import UserError, WirewatchError
from wirewatch.hosting.interface import Warming
from wirewatch.hosting.runner import streamed_inputs
from wirewatch.logs import configure_logs
from wirewatch.settings import load
from wirewatch.times import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    import faust

    from processors.faust_host.building import Plan
    from wirewatch.hosting.interface import Handler
    from wirewatch.settings import Configuration, Settings


_HELD: list[MemberName | None] = []
"""The names of this process's members: theirs until it ends."""


def load_worker(make: Callable[[Settings], Handler]) -> faust.App:
    """The app for ``faust -A``, its topics checked. Blocks; where there can be none, the process ends in words."""
    try:
        return _load_worker(make)
    except WirewatchError as error:
        raise SystemExit(f"wirewatch: {error}") from error


def _load_worker(make: Callable[[Settings], Handler]) -> faust.App:
    named = os.environ.get("WIREWATCH_CONFIG")
    config = load(Path(named) if named else None, environ=os.environ)
    settings = config.settings
    if not is_kafka(settings.broker):
        raise UserError("broker: a faust worker needs kafka://host:port; an embedded log is served by wirewatch run")
    configure_logs(level=settings.log.level)
    handler = make(settings)
    plan = asyncio.run(_look(config, handler.stage))
    if isinstance(handler, Warming):
        handler.warm()
    return Worker(plan, handler, WorkerThread(f"stage-{handler.stage}"), SystemClock()).app


async def _look(config: Configuration, stage: str) -> Plan:
    broker = await connect(config.settings, data_dir=config.data_dir, mode="reader")
    try:
        assert isinstance(broker, KafkaBroker)
        partitions = await checked_partitions(broker, stage)
        member = take_member_name(config.data_dir, stage)
        _HELD.append(member)
        inputs = streamed_inputs(stage)
        return plan_for(broker, stage, inputs, partitions, data_dir=config.data_dir, member=member)
    finally:
        await broker.close()
