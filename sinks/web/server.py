"""The web role's server: everything wired together, started and stopped as one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sinks.web.access import MAX_BODY, Access, access_middleware, add_security_headers, check_listen
from sinks.web.api import Api
from sinks.web.archive import Archive
from sinks.web.live import LivePage
from sinks.web.pages import Pages
from sinks.web.sending import EventSender
from sinks.web.stream import StreamHub
from sinks.web.templating import Templates
from sinks.web.websub import HubCalls
from wirewatch.errors import BadInput, PassingFault, UserError
from wirewatch.logs import get_logger
from wirewatch.net.listening import Listening
from wirewatch.probes import healthz, metrics_page
from wirewatch.query import QueryError
from wirewatch.settings import Web
from wirewatch.settings.declared import read_listen
from wirewatch.times import Clock

_STATIC = {"style.css": "text/css", "live.js": "text/javascript", "icon.svg": "image/svg+xml"}
_TITLES = {401: "A token is needed", 403: "Not allowed", 404: "Not found", 503: "Not at the moment"}
_KEPT_HEADERS = ("WWW-Authenticate", "Retry-After", "Allow")
_log = get_logger("web")


class WebServer:
    """Serves until `close`. One instance a process; give it a hub that was not started.

    ``hub_calls`` answers hubs, where they are asked to call. ``not_ready`` says in words why this role is not ready,
    or None (for ``/readyz``); for ``heartbeat`` and ``patience`` see `EventSender`.
    """

    def __init__(
        self,
        settings: Web,
        archive: Archive,
        hub: StreamHub,
        clock: Clock,
        *,
        page: int = 50,
        heartbeat: float = 15.0,
        patience: float = 30.0,
        hub_calls: HubCalls | None = None,
        not_ready: Callable[[], Awaitable[str | None]] | None = None,
    ) -> None:
        host, _ = read_listen(settings.listen)
        check_listen(host, settings.token)
        self._archive = archive
        self._hub = hub
        self._not_ready = not_ready or archive.ready
        access = Access(token=settings.token, listen_host=host, public_url=settings.public_url)
        sender = EventSender(hub, room=settings.stream_clients, heartbeat=heartbeat, patience=patience)
        templates = Templates()
        live = LivePage(archive, hub, sender, clock, templates, page=page)
        pages = Pages(archive, access, clock, templates, page=page)
        self.app = web.Application(
            middlewares=[_errors_in_words(templates), access_middleware(access)],
            client_max_size=MAX_BODY,
        )
        self.app.on_response_prepare.append(add_security_headers)
        self.app.add_routes([*live.routes(), *pages.routes(), *Api(archive, sender, clock).routes()])
        if hub_calls is not None:
            self.app.add_routes(hub_calls.routes())
            self.app.on_cleanup.append(hub_calls.close)
        self.app.router.add_get("/static/{name}", _static)
        self.app.router.add_get("/metrics", metrics_page)
        self.app.router.add_get("/healthz", healthz)
        self.app.router.add_get("/readyz", self._readyz)
        self._listening = Listening(
            self.app,
            settings.listen,
            setting="web.listen",
            advice=": --web.listen 127.0.0.1:8766",
            patience=2.0,
            end_with_caller=True,  # a reader of the stream that left makes room at once
        )
        self.url = ""

    async def start(self) -> None:
        """Follow the log and listen. Raises `UserError` in words where the port is taken."""
        await self._hub.start()
        self.url = await self._listening.start()
        _log.info("the page is up", url=self.url)

    async def close(self) -> None:
        """Stop listening, end the streams. Safe to call twice."""
        await self._hub.close()
        await self._listening.close()

    async def _readyz(self, _request: web.Request) -> web.Response:
        why = await self._not_ready()
        return web.Response(text=f"{why or 'ready'}\n", status=503 if why else 200)


async def _static(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in _STATIC:
        raise web.HTTPNotFound(text="there is no such file\n")
    body = files("sinks.web").joinpath("static", name).read_bytes()
    return web.Response(
        body=body, content_type=_STATIC[name], charset="utf-8", headers={"Cache-Control": "max-age=300"}
    )


def _errors_in_words(templates: Templates) -> Middleware:
    """Turn our error types into answers; never a traceback."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as answered:
            if answered.status < 400 or answered.content_type == "application/json":
                raise
            said = _answer(templates, request, answered.text or answered.reason, answered.status)
            said.headers.update({name: answered.headers[name] for name in _KEPT_HEADERS if name in answered.headers})
            return said
        except QueryError as mistake:
            return _answer(templates, request, str(mistake), 400, position=mistake.position)
        except (UserError, BadInput) as mistake:
            return _answer(templates, request, str(mistake), 400)
        except PassingFault as fault:
            return _answer(templates, request, f"{fault}. This may pass: try again.", 503)
        except Exception:  # noqa: BLE001 - the outermost seam: a bug answers 500 and is logged, others go on
            _log.exception("a request failed", path=request.path)
            return _answer(templates, request, "This is a mistake of ours; the log says more.", 500)

    return middleware


def _answer(templates: Templates, request: web.Request, text: str, status: int, **more: object) -> web.Response:
    """Words as the caller can read them: JSON for the API, a page for browsers, else text."""
    if request.path.startswith("/api/"):
        return web.json_response({"error": text.strip(), **more}, status=status)
    if "text/html" not in request.headers.get("Accept", ""):
        return web.Response(text=f"{text.strip()}\n", status=status)
    return templates.message(_TITLES.get(status, "That did not work"), text.strip(), status)
