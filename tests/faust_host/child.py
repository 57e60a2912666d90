"""A worker in a process of its own, to be killed: ``python child.py URL PREFIX FOLDER SESSION`` runs until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from processors.faust_host import FaustHost
from tests.faust_host.kit import Numbered, opened
from wirewatch.topics import SNAPSHOTS


async def main(url: str, prefix: str, folder: str, session: str) -> None:
    async with opened(url, prefix, session=session) as broker:
        host = FaustHost(broker, Numbered(work=1_000), [SNAPSHOTS.name], data_dir=Path(folder))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, host.stop)
        print("up", flush=True)  # noqa: T201 - whoever started us waits for it
        await host.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
