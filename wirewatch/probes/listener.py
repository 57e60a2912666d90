"""The probes and metrics of any process, on a port of their own."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import generate_latest

from wirewatch import metrics
from wirewatch.logs import get_logger
from wirewatch.net.listening import Listening
from wirewatch.net.networks import is_loopback
from wirewatch.probes.readiness import Readiness
from wirewatch.settings.declared import read_listen

_log = get_logger("probes")


async def healthz(_request: web.Request) -> web.Response:
    """The event loop answers: no more is asked, whatever broker, index or feeds do."""
    return web.Response(text="the event loop answers\n")


async def metrics_page(_request: web.Request) -> web.Response:
    """Every metric of this process, as Prometheus reads them."""
    text = await asyncio.to_thread(generate_latest, metrics.REGISTRY)
    return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


class ProbeListener:
    """Serves `/healthz`, `/readyz` and `/metrics` until `close`; nothing else, and nothing that changes anything.

    It asks for no token: what it says are numbers, states and feed ids. On a loopback address it answers
    callers of a loopback name only, so that no page in a browser reads it by a name of its own.
    """

    def __init__(self, listen: str, readiness: Readiness) -> None:
        self._readiness = readiness
        host, _ = read_listen(listen)
        self.app = web.Application(middlewares=[_own_name_only] if is_loopback(host) else [], client_max_size=1024)
        self.app.router.add_get("/healthz", healthz)
        self.app.router.add_get("/readyz", self._readyz)
        self.app.router.add_get("/metrics", self._metrics)
        advice = "; each process on one machine needs a port of its own"
        self._listening = Listening(self.app, listen, setting="ops.listen", advice=advice, patience=1.0)
        self.url = ""

    async def start(self) -> None:
        """Listen. Raises `UserError` in words where the port is taken."""
        self.url = await self._listening.start()
        _log.info("probes and metrics are up", url=self.url)

    async def close(self) -> None:
        """Stop listening. Safe to call twice."""
        await self._listening.close()

    async def _readyz(self, _request: web.Request) -> web.Response:
        why = await self._readiness.why_not()
        return web.Response(text=f"{why or 'ready'}\n", status=503 if why else 200)

    async def _metrics(self, request: web.Request) -> web.Response:
        await self._readiness.look()  # so that a scrape says how things are, whether or not anyone probes
        return await metrics_page(request)


@web.middleware
async def _own_name_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a foreign name: DNS of another's making may point it at our loopback address."""
    if not is_loopback(urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""):
        raise web.HTTPForbidden(text="this name is not ours: call 127.0.0.1\n")
    return await handler(request)
