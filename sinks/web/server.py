"""The web role's server: everything wired together, started and stopped as one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import generate_latest

from sinks.web.access import MAX_BODY, Access, access_middleware, add_security_headers, check_listen
from sinks.web.api import Api
from sinks.web.archive import Archive
from sinks.web.pages import Pages
from sinks.web.stream import StreamHub
from wirewatch import metrics
from wirewatch.errors import BadInput, PassingFault, UserError
from wirewatch.logs import get_logger
from wirewatch.settings import Web
from wirewatch.settings.declared import read_listen
from wirewatch.times import Clock

_STATIC = {"style.css": "text/css", "live.js": "text/javascript", "icon.svg": "image/svg+xml"}
_log = get_logger("web")


class WebServer:
    """Serves until `close`. One instance a process; give it a hub that was not started.

    ``not_ready`` says in words why this role is not ready, or None (for ``/readyz``).
    """

    def __init__(
        self,
        settings: Web,
        archive: Archive,
        hub: StreamHub,
        clock: Clock,
        *,
        page: int = 50,
        not_ready: Callable[[], Awaitable[str | None]] | None = None,
    ) -> None:
        self._host, self._port = read_listen(settings.listen)
        check_listen(self._host, settings.token)
        self._archive = archive
        self._hub = hub
        self._not_ready = not_ready or archive.ready
        access = Access(token=settings.token, listen_host=self._host, public_url=settings.public_url)
        api = Api(archive, hub, clock, stream_clients=settings.stream_clients)
        pages = Pages(archive, hub, api, access, clock, page=page)
        self.app = web.Application(
            middlewares=[access_middleware(access), _errors_in_words(pages)],
            client_max_size=MAX_BODY,
        )
        self.app.on_response_prepare.append(add_security_headers)
        self.app.add_routes([*pages.routes(), *api.routes()])
        self.app.router.add_get("/static/{name}", _static)
        self.app.router.add_get("/metrics", _metrics)
        self.app.router.add_get("/healthz", _healthz)
        self.app.router.add_get("/readyz", self._readyz)
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        """Follow the log and listen. Raises `UserError` in words where the port is taken."""
        await self._hub.start()
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=2.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self.close()
            raise UserError(
                f"web.listen: cannot listen on {self._host}:{self._port}: {error.strerror or error}. "
                "Stop what uses it or choose another: --web.listen 127.0.0.1:8766"
            ) from error
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        _log.info("the page is up", url=self.url)

    async def close(self) -> None:
        """Stop listening, end the streams. Safe to call twice."""
        await self._hub.close()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _readyz(self, _request: web.Request) -> web.Response:
        why = await self._not_ready()
        return web.Response(text=f"{why or 'ready'}\n", status=503 if why else 200)


async def _healthz(_request: web.Request) -> web.Response:
    return web.Response(text="the event loop answers\n")


async def _metrics(_request: web.Request) -> web.Response:
    text = await asyncio.to_thread(generate_latest, metrics.REGISTRY)
    return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def _static(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in _STATIC:
        raise web.HTTPNotFound(text="there is no such file\n")
    body = files("sinks.web").joinpath("static", name).read_bytes()
    return web.Response(
        body=body, content_type=_STATIC[name], charset="utf-8", headers={"Cache-Control": "max-age=300"}
    )


def _errors_in_words(pages: Pages) -> Middleware:
    """Turn our error types into answers: JSON for the API, a page for people; never a traceback."""

    def answer(request: web.Request, text: str, status: int) -> web.Response:
        if request.path.startswith("/api/"):
            return web.json_response({"error": text.strip()}, status=status)
        return pages.message(
            {404: "Not found", 503: "Not at the moment"}.get(status, "That did not work"), text, status
        )

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as answered:
            if answered.status < 400 or answered.content_type == "application/json":
                raise
            return answer(request, answered.text or answered.reason, answered.status)
        except (UserError, BadInput) as mistake:
            return answer(request, str(mistake), 400)
        except PassingFault as fault:
            return answer(request, f"{fault}. This may pass: try again.", 503)
        except Exception:  # noqa: BLE001 - the outermost seam: a bug answers 500 and is logged, others go on
            _log.exception("a request failed", path=request.path)
            return answer(request, "This is a mistake of ours; the log says more.", 500)

    return middleware
