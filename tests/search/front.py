"""A server in front of the real OpenSearch: it may be too busy, speak TLS and ask for a password, or be old."""

from __future__ import annotations

import base64
import json
import random
import ssl
from collections import Counter
from typing import Any

import aiohttp
from aiohttp import web

_BUSY = {"status": 429, "error": {"type": "rejected_execution_exception", "reason": "rejected execution: queue full"}}


class Front:
    """Passes every call on to ``behind`` (``http://host:port``), but for what it was told to do otherwise."""

    def __init__(self, behind: str, *, tls: ssl.SSLContext | None = None, users: dict[str, str] | None = None) -> None:
        self._behind = behind
        self._tls = tls
        self._users = users
        self.refuse_items = 0.0  # the share of a bulk's documents that are refused with 429
        self.refuse_calls = 0.0  # the share of calls that are refused with ``refusal``
        self.refusal = 503
        self.version: str | None = None  # told instead of the real one
        self.random = random.Random(11)
        self.written: Counter[str] = Counter()  # documents that were passed on, by id
        self.refused: Counter[str] = Counter()
        self.bulks = 0
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port."""
        self._session = aiohttp.ClientSession()
        app = web.Application(client_max_size=1 << 28)
        app.router.add_route("*", "/{rest:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        server = site._server
        assert server is not None
        self.port = server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]  # a real listener has sockets

    async def close(self) -> None:
        """Listen no more."""
        await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.Request) -> web.Response:
        if self._users is not None and not self._knows(request.headers.get("authorization", "")):
            return web.Response(status=401, text="Unauthorized")
        body = await request.read()
        if request.path == "/" and self.version is not None:
            version = {"number": self.version, "distribution": "opensearch"}
            return web.json_response({"version": version})
        if self.random.random() < self.refuse_calls:
            said = {"error": {"type": "busy", "reason": "no room"}, "status": self.refusal}
            return web.json_response(said, status=self.refusal)
        if request.path == "/_bulk":
            self.bulks += 1
            return await self._bulk(request, body)
        return await self._pass_on(request, body)

    def _knows(self, header: str) -> bool:
        assert self._users is not None
        known = {
            "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
            for user, password in self._users.items()
        }
        return header in known

    async def _bulk(self, request: web.Request, body: bytes) -> web.Response:
        lines = body.split(b"\n")[:-1]
        items = list(zip(lines[::2], lines[1::2], strict=True))
        ids = [next(iter(json.loads(action).values()))["_id"] for action, _ in items]
        refused = [self.random.random() < self.refuse_items for _ in items]
        self.refused.update(id_ for id_, no in zip(ids, refused, strict=True) if no)
        self.written.update(id_ for id_, no in zip(ids, refused, strict=True) if not no)
        kept = [item for item, no in zip(items, refused, strict=True) if not no]
        told: list[Any] = []
        if kept:
            passed = b"".join(line + b"\n" for item in kept for line in item)
            answer = await self._pass_on(request, passed)
            told = json.loads(answer.body or b"{}")["items"]  # type: ignore[arg-type]  # it was made of bytes
        rest = iter(told)
        return web.json_response(
            {"took": 1, "errors": True, "items": [{"index": _BUSY} if no else next(rest) for no in refused]}
        )

    async def _pass_on(self, request: web.Request, body: bytes) -> web.Response:
        headers = {"content-type": request.headers.get("content-type", "application/json")}
        url = f"{self._behind}{request.path_qs}"
        async with self._session.request(request.method, url, data=body, headers=headers) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)
