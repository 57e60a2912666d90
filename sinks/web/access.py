"""Who may ask, and what every answer carries: token, host and origin checks, and the security headers."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from wirewatch.callbacks import PREFIX
from wirewatch.errors import UserError
from wirewatch.net.networks import is_loopback

COOKIE = "wirewatch_session"
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/login"})
MAX_BODY = 64 << 10  # only the token is ever sent to us
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # with no-referrer a browser sends "Origin: null" with our own sign-in form, which would look foreign
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def check_listen(host: str, token: str) -> None:
    """`UserError` where the page would be open to others without a token."""
    if not is_loopback(host) and not token:
        raise UserError(
            f"web.listen: {host} can be reached from other machines: set web.token (or WIREWATCH_WEB_TOKEN) too, "
            "or listen on 127.0.0.1"
        )
    if token and len(token) < 16:  # shorter ones are guessed
        raise UserError("web.token: must have at least 16 characters, such as from: openssl rand -hex 16")


def session_value(token: str) -> str:
    """What the session cookie holds: proof of the token, not the token."""
    return hmac.new(token.encode(), b"wirewatch session v1", hashlib.sha256).hexdigest()


def _host_of(url: str) -> str:
    """The host that a URL names; empty for one that cannot be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode("utf-8", "replace"), b.encode("utf-8", "replace"))


class Access:
    """The rules of who may ask. ``hosts`` are the names that our own address may be called by."""

    def __init__(self, *, token: str, listen_host: str, public_url: str = "") -> None:
        self._token = token
        self._session = session_value(token) if token else ""
        self._public_host = _host_of(public_url)
        self._loopback = is_loopback(listen_host)

    def host_is_ours(self, request: web.Request) -> bool:
        """Without a token the name must be a loopback one: another name is DNS turned against us."""
        if self._token or not self._loopback:
            return True
        host = _host_of(f"//{request.headers.get('Host', '')}")
        return is_loopback(host) or (bool(host) and host == self._public_host)

    def origin_is_ours(self, request: web.Request) -> bool:
        """A browser on a foreign page may neither write nor read the stream (H54-55)."""
        if request.headers.get("Sec-Fetch-Site", "same-origin") == "cross-site" and (
            request.method not in {"GET", "HEAD"} or request.path.endswith("/stream")
        ):
            return False
        origin = request.headers.get("Origin")
        return origin is None or origin.partition("://")[2] == request.headers.get("Host", "")

    def knows(self, request: web.Request) -> bool:
        """Whether the caller has shown the token, in the header or by the session it opened."""
        if not self._token:
            return True
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(shown.strip(), self._token):
            return True
        return _same(request.cookies.get(COOKIE, ""), self._session)

    def opens(self, shown: str) -> bool:
        """Whether that is the token."""
        return bool(self._token) and _same(shown, self._token)

    @property
    def needs_token(self) -> bool:
        """Whether a token is set."""
        return bool(self._token)

    @property
    def session(self) -> str:
        """The session cookie's value."""
        return self._session


def access_middleware(access: Access) -> Middleware:
    """Hold every request against the rules before any handler sees it."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not access.host_is_ours(request):
            raise web.HTTPForbidden(text="this name is not ours: call 127.0.0.1, or set web.public_url\n")
        if not access.origin_is_ours(request):
            raise web.HTTPForbidden(text="another site's page may not do this\n")
        # hubs have no token: each is given an address that nobody can guess, see `sinks.web.websub`
        from_hub = request.path.startswith(PREFIX)
        open_to_all = request.path in OPEN_PATHS or request.path.startswith("/static/") or from_hub
        if not open_to_all and not access.knows(request):
            if "text/html" in request.headers.get("Accept", "") and not request.path.startswith("/api/"):
                raise web.HTTPSeeOther("/login")
            raise web.HTTPUnauthorized(
                text="a token is needed: Authorization: Bearer TOKEN\n", headers={"WWW-Authenticate": "Bearer"}
            )
        too_long = (request.content_length or 0) > MAX_BODY and not from_hub
        if request.headers.get("Content-Encoding") or too_long:
            raise web.HTTPRequestEntityTooLarge(max_size=MAX_BODY, actual_size=request.content_length or 0)
        return await handler(request)

    return middleware


async def add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on every answer, errors included."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
