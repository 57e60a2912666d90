"""A worker in a process of its own, to be killed: ``python child.py URL PREFIX FOLDER SESSION`` runs until SIGTERM.

With a fifth word it stops itself (SIGSTOP) once in the middle of that record's effect: outputs durable, state not kept.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from processors.faust_host import FaustHost
from processors.faust_host.work import Outgoing, RecordWork
from tests.faust_host.kit import Numbered, opened
from wirewatch.topics import SNAPSHOTS


def freeze_at(value: bytes) -> None:
    """Stand still after the outputs of that record are durable and before its state is kept, the first time."""
    publish, done = RecordWork._published, False

    async def published(self: RecordWork, outgoing: Sequence[Outgoing]) -> None:
        nonlocal done
        await publish(self, outgoing)
        if not done and any(one.encoded.value == value for one in outgoing):
            done = True
            os.kill(os.getpid(), signal.SIGSTOP)

    RecordWork._published = published  # type: ignore[method-assign]  # no other place lies between the two


async def main(url: str, prefix: str, folder: str, session: str, frozen_at: str = "") -> None:
    if frozen_at:
        freeze_at(frozen_at.encode())
    async with opened(url, prefix, session=session) as broker:
        host = FaustHost(broker, Numbered(work=1_000), [SNAPSHOTS.name], data_dir=Path(folder))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, host.stop)
        print("up", flush=True)  # noqa: T201 - whoever started us waits for it
        await host.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6]))
