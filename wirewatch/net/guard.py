"""The guard against private addresses, on every outgoing call: pollers, webhooks, anything that a feed or user names.

Three fences, because each has a hole that another closes: the URL (spellings of addresses), the resolver
(any private answer rejects all), and the socket (every connect, whatever was resolved or redirected).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from wirewatch.errors import BadInput
from wirewatch.logs import redact
from wirewatch.net.networks import Network, literal_address, why_blocked

if TYPE_CHECKING:
    from aiohappyeyeballs import AddrInfoType

_MARK = "blocked by the guard against private addresses"
_HELP = "allow its network by name in allow_networks if you mean it"


class BlockedConnect(OSError):  # noqa: N818 - named for what it is, as in wirewatch.errors
    """What the socket raises, as the connector passes on only errors of the operating system's kind."""


def _blocked(what: str, why: str) -> BadInput:
    return BadInput(f"{redact(what)}: {_MARK} ({why}); {_HELP}", reason="blocked")


def blocked_cause(error: BaseException) -> BadInput | None:
    """The guard's refusal behind an error that aiohttp raised; None where the guard has no part in it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, BadInput) and seen.reason == "blocked":
            return seen
        # a mixed set of failed addresses comes as one error with the texts of all
        if isinstance(seen, BlockedConnect) or (isinstance(seen, OSError) and _MARK in str(seen)):
            return BadInput(str(seen), reason="blocked")
        seen = seen.__cause__ or seen.__context__
    return None


class GuardedResolver(AbstractResolver):
    """Looks names up, and refuses all answers of a name where one of them is private.

    Lookups run on daemon threads of their own, at most ``threads`` at once, so that a name server that never
    answers neither holds up other work in threads nor the end of the process.
    """

    def __init__(self, guard: Guard, *, threads: int = 256) -> None:
        self._guard = guard
        self._free = asyncio.Semaphore(threads)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises ``OSError`` where there are none, `BadInput` where one is private."""
        answers = await self.look_up(host, port, family)
        found = [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, proto, _, address in answers
            if kind in {socket.AF_INET, socket.AF_INET6}
        ]
        if not found:
            raise OSError(f"{host} has no address")
        for answer in found:
            self._guard.check_address(answer["host"], of=host)
        return found

    async def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[Any]:
        """``getaddrinfo``, off the event loop; tests put name servers of their own here."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[Any]] = loop.create_future()

        def settle(answers: list[Any] | None, error: Exception | None) -> None:
            self._free.release()  # when the thread ends, not when the caller gives up: threads stay bounded
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(answers or [])

        def run() -> None:
            answers, error = None, None
            try:
                answers = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as raised:
                error = raised if isinstance(raised, OSError) else OSError(f"{host!r} is no host name")
            with contextlib.suppress(RuntimeError):  # the loop may be gone by the time a slow name server answers
                loop.call_soon_threadsafe(settle, answers, error)

        threading.Thread(target=run, name="wirewatch-dns", daemon=True).start()
        return await done

    async def close(self) -> None:
        """Nothing to give back: lookups under way end by themselves."""


class Guard:
    """Says what may be called. ``allow`` are the private networks that the owner allowed by name."""

    def __init__(self, allow: Sequence[Network] = ()) -> None:
        self.allow = tuple(allow)

    def check_address(self, text: str, *, of: str = "") -> None:
        """`BadInput` (``blocked``) where that address may not be called. ``of`` is the name it was found under."""
        why = why_blocked(ip_address(text.partition("%")[0]), self.allow)
        if why is not None:
            raise _blocked(of or text, f"{text} is {why}" if of and of != text else why)

    def check_literal(self, host: str) -> None:
        """`BadInput` (``blocked``) where the host itself spells an address that may not be called."""
        try:
            address = literal_address(host)
        except ValueError as error:
            raise _blocked(host, str(error)) from None
        if address is not None:
            self.check_address(str(address), of=host)

    def check_url(self, url: str) -> URL:
        """The URL, read; `BadInput` where it is not http or https with a plain host, or spells a blocked address.

        Looks at the text only: the resolver and the socket see the rest.
        """
        if "\\" in url or any(ord(c) <= 0x20 or ord(c) == 0x7F for c in url):
            raise BadInput(f"{redact(url)!r} is not a URL that can be called", reason="bad-url")
        try:
            read = URL(url)
        except ValueError as error:
            raise BadInput(f"{redact(url)!r} is not a URL that can be called: {error}", reason="bad-url") from None
        if read.scheme not in {"http", "https"} or not read.host:
            raise BadInput(
                f"{redact(url)!r}: only http:// and https:// URLs with a host can be called", reason="bad-url"
            )
        self.check_literal(read.host)
        return read

    async def check_host(self, host: str, port: int = 0, *, resolver: AbstractResolver | None = None) -> None:
        """Resolve a host and refuse it where any of its addresses may not be called.

        For calls whose socket we do not make ourselves: the target behind a proxy, a mail server. Waits for the
        name server. Raises `BadInput` (``blocked``), or ``OSError`` where the name has no address.
        """
        self.check_literal(host)
        if literal_address(host) is None:
            await (resolver or GuardedResolver(self)).resolve(host, port, socket.AF_UNSPEC)

    def open_socket(self, address: AddrInfoType) -> socket.socket:
        """A socket for that address; `BlockedConnect` where it may not be called. Nothing is sent."""
        family, type_, proto, _, where = address
        why = why_blocked(ip_address(str(where[0]).partition("%")[0]), self.allow)
        if why is not None:
            raise BlockedConnect(f"{where[0]}: {_MARK} ({why}); {_HELP}")
        return socket.socket(family=family, type=type_, proto=proto)


def guarded_session(
    guard: Guard,
    *,
    resolver: AbstractResolver | None = None,
    headers: dict[str, str] | None = None,
    keepalive_seconds: float = 30.0,
) -> aiohttp.ClientSession:
    """A session whose every connection passes the guard. Call it inside the event loop; close it at the end.

    It takes nothing from the environment (no proxies, no netrc), keeps no cookies, leaves bodies as they were
    sent, and bounds what a header may be. It follows redirects only if a caller asks it to: pass
    ``allow_redirects=False`` and check each hop. How many requests are in flight is the caller's to bound.
    """
    connector = aiohttp.TCPConnector(
        limit=0,
        resolver=resolver or GuardedResolver(guard),
        socket_factory=guard.open_socket,
        ttl_dns_cache=30,
        keepalive_timeout=keepalive_seconds,
    )
    return aiohttp.ClientSession(
        connector=connector,
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=60),
        max_line_size=16 << 10,
        max_field_size=16 << 10,
        max_headers=128,
    )
