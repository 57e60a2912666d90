"""Run by a test that kills it: delivers, and stops just before a success would be recorded, saying so."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sinks.alerts.channels import OpenedChannels
from sinks.alerts.deliver import Deliverer, Limits
from tests.alerts.kit import LOOPBACK
from wirewatch.control import Outcome, SqliteControlStore
from wirewatch.logs import configure_logs
from wirewatch.times import SystemClock


class StopsBeforeRecording(SqliteControlStore):
    async def record_outcomes(self, holder: str, outcomes: Sequence[Outcome]) -> None:
        if outcomes:
            sys.stdout.write(json.dumps([outcome.delivery_id for outcome in outcomes]) + "\n")
            sys.stdout.flush()
            await asyncio.sleep(60)
        await super().record_outcomes(holder, outcomes)


async def main() -> None:
    configure_logs()
    path, finish = Path(sys.argv[1]), "finish" in sys.argv
    store = SqliteControlStore(path) if finish else StopsBeforeRecording(path)
    clock = SystemClock()
    opened = OpenedChannels(LOOPBACK, clock=clock, timeout_s=5, environ={})
    deliverer = Deliverer(store, opened, clock, Limits())
    running = asyncio.create_task(deliverer.run())
    await asyncio.sleep(0)
    await store.open()
    while await store.waiting():  # noqa: ASYNC110 - a store tells nobody when it is empty
        await asyncio.sleep(0.02)
    deliverer.stop()
    await running
    await opened.close()
    await store.close()


asyncio.run(main())
