"""Alerts as signed HTTP calls: the alert is the body, the headers are those of Standard Webhooks."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import aiohttp

from sinks.alerts.channels.interface import ChannelGone, PerhapsReceived
from sinks.alerts.channels.retry_after import parse_retry_after
from sinks.alerts.channels.signing import signature_headers
from sinks.alerts.channels.terminal import plain_line
from wirewatch import __version__
from wirewatch.errors import BadInput, PassingFault
from wirewatch.logs import redact
from wirewatch.net.guard import Guard, blocked_cause

if TYPE_CHECKING:
    from wirewatch.control import Delivery
    from wirewatch.times import Clock

_ANSWER_BYTES: Final = 2_048
_ANSWER_SECONDS: Final = 1.0
_GONE: Final = 410
_TRY_AGAIN: Final = frozenset({408, 409, 425, 429})


class WebhookChannel:
    """Calls one address. Follows no redirect, reads at most the beginning of an answer."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        guard: Guard,
        url: str,
        keys: list[bytes],
        *,
        timeout_s: float,
        clock: Clock,
    ) -> None:
        self._session = session
        self._guard = guard
        self._url = url
        self._keys = keys
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=timeout_s)
        self._clock = clock

    async def deliver(self, delivery: Delivery) -> None:
        """See `DeliveryChannel`."""
        url = self._guard.check_url(self._url)
        headers = {
            "content-type": "application/json",
            "user-agent": f"wirewatch/{__version__}",
            **signature_headers(self._keys, delivery.delivery_id, self._clock.now_ms() // 1_000, delivery.payload),
        }
        try:
            async with self._session.post(
                url, data=delivery.payload, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as response:
                said = "" if response.status < 300 else await _beginning(response)
                decide_answer(response.status, said, response.headers.get("Retry-After"), self._clock.now_ms())
                if not said:
                    await _finish(response)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _fault(error) from error


def decide_answer(status: int, said: str, retry_after: str | None, now_ms: int) -> None:
    """Return where the answer means received; else raise what it means instead."""
    words = f"answered {status}{f': {said}' if said else ''}"
    if 200 <= status < 300:
        return
    if status == _GONE:
        raise ChannelGone(f"the receiver {words}: it wants nothing more")
    if status >= 500 or status in _TRY_AGAIN:
        raise PassingFault(f"the receiver {words}", retry_after=parse_retry_after(retry_after, now_ms))
    if 300 <= status < 400:
        raise BadInput(
            f"the receiver {words}: redirects are not followed, give the address it names", reason="redirect"
        )
    raise BadInput(f"the receiver {words}", reason=f"http-{status}")


def _fault(error: Exception) -> BadInput | PassingFault:
    blocked = blocked_cause(error)
    if blocked is not None:
        return blocked
    words = redact(plain_line(f"{type(error).__name__}: {error}"))
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
        return PassingFault(f"no connection to the receiver: {words}")
    if isinstance(error, TimeoutError):
        return PerhapsReceived("the receiver did not answer in time")
    return PerhapsReceived(f"the connection to the receiver broke: {words}")


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """A little of what a refusing receiver says, for people; nothing where it is slow or not plain text."""
    if response.headers.get("Content-Encoding"):
        return ""
    said = b""
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with asyncio.timeout(_ANSWER_SECONDS):
            said = await response.content.read(_ANSWER_BYTES)
    return plain_line(redact(said.decode("utf-8", "replace")))[:200]


async def _finish(response: aiohttp.ClientResponse) -> None:
    """Read a short answer to its end, so that the connection can be used again; what comes of it changes nothing."""
    if (response.content_length or 0) <= _ANSWER_BYTES:
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with asyncio.timeout(_ANSWER_SECONDS):
                await response.content.read(_ANSWER_BYTES)
    if not response.content.at_eof():
        response.close()
