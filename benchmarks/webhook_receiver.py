"""Who takes the webhooks: a process of its own, on another core than what is measured."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RECEIVER = """
import asyncio, json, sys, time
from aiohttp import web
async def take(request):
    at = time.monotonic()
    body = await request.read()
    name = json.loads(body)["event"]["id"] if request.path == "/alerts" else body.decode()
    print(json.dumps([name, at]), flush=True)
    return web.Response()
async def main():
    app = web.Application(); app.router.add_post("/{any}", take)
    runner = web.AppRunner(app, access_log=None); await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0); await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


class Receiver:
    """The webhook receiver in its own process, and what it got when."""

    async def start(self) -> None:
        cores = sorted(os.sched_getaffinity(0))
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", RECEIVER), stdout=subprocess.PIPE, preexec_fn=lambda: pin(cores[-1])
        )
        assert self.process.stdout is not None
        port = int(await self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{port}"
        self.got: dict[str, float] = {}
        self.changed = asyncio.Event()
        self.task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            name, at = json.loads(line)
            self.got.setdefault(name, at)
            self.changed.set()

    async def wait(self, name: str) -> float:
        """When it got that."""
        while name not in self.got:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 30)
        return self.got[name]

    async def close(self) -> None:
        self.process.terminate()
        await self.process.wait()
        self.task.cancel()


def pin(core: int) -> None:
    """Keep this process on that core."""
    os.sched_setaffinity(0, {core})
