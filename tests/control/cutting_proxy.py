"""A way to a server that can be cut at the worst moment: the commit has arrived, and its answer never does."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class CuttingProxy:
    """Listens on a free port of loopback and passes everything on, until `cut_after_commit` is set."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.cut_after_commit = False
        self.cuts = 0
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        server, requests = await asyncio.open_connection("127.0.0.1", self._to)
        back = asyncio.create_task(self._pass_on(server, answers))
        self._tasks.add(back)
        while data := await client.read(65_536):
            cut = self.cut_after_commit and b"COMMIT\x00" in data
            if cut:
                back.cancel()  # from here on nothing comes back
                await asyncio.wait([back])
            requests.write(data)
            await requests.drain()
            if cut:
                await server.read(65_536)  # the server has done it
                self.cuts += 1
                break
        requests.close()
        answers.close()

    async def _pass_on(self, server: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        while data := await server.read(65_536):
            answers.write(data)
            await answers.drain()
        answers.close()
